"""``sweepplan read``: one file, and what came of each row; ``sweepplan fetch``: one file from a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from sweepplan.cli.group import sweepplan
from sweepplan.cli.said import answer, progress_bar
from sweepplan.errors import ClockError, SettingsError
from sweepplan.geo import Area
from sweepplan.sources import (
    FEEDS,
    LOGS,
    REMOTES,
    Guess,
    LogReading,
    Query,
    Reading,
    fetch,
    guess_mapping,
    load_mapping,
    merge_repeats,
    read_file,
    read_log,
)


@sweepplan.command("read")
@click.argument("file", type=Path, required=False)
@click.option("--feed", default="plain", show_default=True, help="Name of the feed.")
@click.option("--list", "list_feeds", is_flag=True, help="List the feeds.")
@click.option("--tz", help="The city's clock, e.g. America/New_York.")
@click.option("--area", type=Path, help="area.toml; rows outside are rejected.")
@click.option("--mapping", type=Path, help="TOML: column mapping of a plain feed, options of another.")
@click.option("--guess", is_flag=True, help="Propose the mapping of a plain feed, and ask before using it.")
@click.option("--yes", is_flag=True, help="Use the guess without asking.")
@click.option("--keep-repeats", is_flag=True, help="Do not merge needle reports of one spot and day.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def read_verb(file: Path | None, *, list_feeds: bool, as_json: bool, **given: Any) -> None:
    """Read one file: rows in, kept, merged, rejected by reason, flagged.

    Needle reports of one spot and day are merged into one, with a count; plans and hotspots count every report.
    """
    if list_feeds:
        names = {**{name: feed.description for name, feed in FEEDS.items()}, **LOGS}
        answer(names, [f"{name:18} {said}" for name, said in names.items()], as_json=as_json)
        return
    if file is None:
        raise SettingsError("no FILE to read: give one, or --list for the feeds")
    mapping = load_mapping(given["mapping"]) if given["mapping"] else None
    if given["guess"]:
        guess = guess_mapping(file, sheet=(mapping or {}).get("sheet", ""))
        mapping = _agreed(guess, mapping, yes=given["yes"], as_json=as_json)
        if mapping is None:
            return
    reading = _read(file, given["feed"], given["area"], given["tz"], mapping)
    if isinstance(reading, Reading) and not given["keep_repeats"]:
        reading = merge_repeats(reading)
    answer(reading.summary(), _lines(reading), as_json=as_json)


def _read(
    file: Path, feed: str, area_file: Path | None, tz: str | None, mapping: dict[str, str] | None
) -> Reading | LogReading:
    area = Area.load(area_file) if area_file else None
    if feed in LOGS:
        return read_log(feed, file, area, tz=tz)
    if feed not in FEEDS:
        raise SettingsError(f"unknown feed {feed!r}: one of {', '.join((*FEEDS, *LOGS))}")
    return read_file(feed, file, area, tz=tz, mapping=mapping)


def _agreed(guess: Guess, given: dict[str, str] | None, *, yes: bool, as_json: bool) -> dict[str, str] | None:
    """Return the guess, under what was given, where somebody agrees to it; else None, and it is shown."""
    if not yes and (as_json or not sys.stdin.isatty()):
        said = {"mapping": guess.mapping, "reasons": guess.reasons, "doubts": list(guess.doubts)}
        hint = "# Save it, look at it, and give it as --mapping; or use it with --yes."
        answer(said, [guess.toml(), hint], as_json=as_json)
        return None
    if not yes:
        click.echo(guess.toml(), err=True)
        if not click.confirm("Read it so?", err=True):
            return None
    return {**guess.mapping, **(given or {})}


def _lines(reading: Reading | LogReading) -> list[str]:
    said = reading.summary()
    lines = [f"{reading.feed}: {reading.rows_in} rows in, {said['kept']} kept, {said['merged']} merged"]
    lines += [f"  {n:6d} rejected: {reason}" for reason, n in reading.rejected.items()]
    lines += [f"  {n:6d} flagged: {reason}" for reason, n in said["flagged"].items()]
    if isinstance(reading, Reading) and len(reading.incidents):
        times = reading.incidents["reported_at"].agg(["min", "max"])
        begin, end = (reading.area.local(pd.Timestamp(moment)) for moment in times)
        lines.append(f"  reported {begin:%Y-%m-%d} to {end:%Y-%m-%d} ({reading.area.tz})")
    return lines


@sweepplan.command("fetch")
@click.argument("feed", type=click.Choice(list(REMOTES)))
@click.argument("url")
@click.option("--out", type=Path, required=True, help="CSV to write, or to bring up to date.")
@click.option("--since", help="Day the first download starts, e.g. 2024-01-01 (UTC).")
@click.option("--until", help="Moment it ends (UTC; default: now).")
@click.option("--services", default="", help="Codes or names of the city's services, parted by commas.")
@click.option("--free-text", is_flag=True, help="Also keep what people wrote; a reader looks at it only where asked.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def fetch_verb(feed: str, url: str, *, out: Path, free_text: bool, as_json: bool, **given: str | None) -> None:
    """Download a feed, on from where the last download ended.

    URL is where its requests are asked for: of an Open311 server .../requests.json, of a CKAN portal
    .../api/3/action/datastore_search?resource_id=..., of SeeClickFix .../api/v2/issues?place_url=...
    """
    until = _moment(given["until"]) if given["until"] else pd.Timestamp.now("UTC").floor("s")
    since = _moment(given["since"]) if given["since"] else None
    services = tuple(part.strip() for part in (given["services"] or "").split(",") if part.strip())
    with progress_bar() as progress:
        done = fetch(feed, url, out, Query(since, until, services), free_text=free_text, progress=progress)
    lines = [f"{done.rows:,} rows in {done.path}: {done.new:,} new, {done.changed:,} changed, {done.n_pages} pages"]
    answer(done.summary(), [*lines, f"Read it: sweepplan read {done.path} --feed {feed}"], as_json=as_json)


def _moment(text: str) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(text)
    except ValueError as error:
        raise ClockError(f"moment {text!r}: write a day or a time, e.g. 2024-01-31 or 2024-01-31T06:00Z") from error
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
