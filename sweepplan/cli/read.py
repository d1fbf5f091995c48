"""``sweepplan read``: one file, and what came of each row."""

from __future__ import annotations

from pathlib import Path

import click
import pandas as pd

from sweepplan.cli.group import sweepplan
from sweepplan.cli.said import answer
from sweepplan.errors import SettingsError
from sweepplan.geo import Area
from sweepplan.sources import FEEDS, Reading, load_mapping, read_file


@sweepplan.command("read")
@click.argument("file", type=Path, required=False)
@click.option("--feed", default="plain", show_default=True, help="Name of the feed.")
@click.option("--list", "list_feeds", is_flag=True, help="List the feeds.")
@click.option("--tz", help="The city's clock, e.g. America/New_York.")
@click.option("--area", type=Path, help="area.toml; rows outside are rejected.")
@click.option("--mapping", type=Path, help="Column mapping (TOML) of a plain feed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def read_verb(
    file: Path | None,
    feed: str,
    tz: str | None,
    area: Path | None,
    mapping: Path | None,
    *,
    list_feeds: bool,
    as_json: bool,
) -> None:
    """Read one file: rows in, kept, rejected by reason."""
    if list_feeds:
        answer(
            {n: f.description for n, f in FEEDS.items()},
            [f"{n:18} {f.description}" for n, f in FEEDS.items()],
            as_json=as_json,
        )
        return
    if file is None:
        raise SettingsError("no FILE to read: give one, or --list for the feeds")
    columns = load_mapping(mapping) if mapping else None
    reading = read_file(feed, file, Area.load(area) if area else None, tz=tz, mapping=columns)
    answer(reading.summary(), _reading_lines(reading), as_json=as_json)


def _reading_lines(reading: Reading) -> list[str]:
    lines = [f"{reading.feed}: {reading.rows_in} rows in, {len(reading.incidents)} kept"]
    lines += [f"  {n:6d} rejected: {reason}" for reason, n in reading.rejected.items()]
    if len(reading.incidents):
        first, last = (
            reading.area.local(pd.Timestamp(t)) for t in reading.incidents["reported_at"].agg(["min", "max"])
        )
        lines.append(f"  reported {first:%Y-%m-%d} to {last:%Y-%m-%d} ({reading.area.tz})")
    return lines
