"""``sweepplan backtest``: the forecast tried on the past of any file that can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pandas as pd
import shapely

from sweepplan import report
from sweepplan.bridge import piece_of, street_pieces
from sweepplan.cli.group import sweepplan
from sweepplan.cli.said import answer, progress_bar
from sweepplan.errors import ClockError, SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots import Trial, backtest, backtest_streets
from sweepplan.sources import load_mapping, read_file, read_sites
from sweepplan.streets import StreetNetwork


@sweepplan.command("backtest")
@click.argument("file", type=Path)
@click.option("--feed", default="plain", show_default=True, help="Name of the feed; see `sweepplan read --list`.")
@click.option("--tz", help="The city's clock, e.g. America/New_York.")
@click.option("--mapping", type=Path, help="Column mapping (TOML) of a plain feed.")
@click.option("--area", type=Path, help="area.toml; without it the area is made around the reports.")
@click.option("--kind", type=click.Choice(["needle", "overdose"]), help="Where the file holds both.")
@click.option("--horizon", default="7d", show_default=True, help="Days ahead, e.g. 1d or 7d; or month.")
@click.option("--from", "start", required=True, help="First day from which a forecast is made.")
@click.option("--to", "end", required=True, help="Last day from which one is made; each horizon must be over.")
@click.option("--cell-m", default=100.0, show_default=True, help="Side of a cell, metres.")
@click.option("--shifts", default=4, show_default=True, help="Shifted grids to average over: 1, 4, 9.")
@click.option("--streets", type=Path, help="GraphML: search streets by their length, with kernels along them.")
@click.option("--sites", type=Path, help="Sites with a kind (shelter, clinic, ...): tried as part of the forecast.")
@click.option("--seed", default=7, show_default=True, help="Seed of the intervals.")
@click.option("--picture", type=Path, help="File for the picture, .svg or .png.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def backtest_verb(
    *, file: Path, feed: str, kind: str | None, seed: int, picture: Path | None, as_json: bool, **given: Any
) -> None:
    """Try the forecast on the past: what it would have caught, against simpler maps and against hindsight."""
    trial = Trial(
        _day("--from", given["start"]),
        _day("--to", given["end"]),
        _horizon_d(given["horizon"]),
        given["cell_m"],
        given["shifts"],
    )
    columns = load_mapping(given["mapping"]) if given["mapping"] else None
    with progress_bar() as progress:
        progress("reading reports", 0.0)
        area = Area.load(given["area"]) if given["area"] else None
        reading = read_file(feed, file, area, tz=given["tz"], mapping=columns)
        incidents = reading.incidents if kind is None else reading.of_kind(kind)
        if given["streets"]:
            network = StreetNetwork.load(given["streets"], reading.area, "walk")
            ground, lines = street_pieces(network)
            found = backtest_streets(
                incidents, reading.area, trial, ground, piece_of(incidents, lines), progress=progress
            )
        else:
            near = _kinds(given["sites"], reading.area) if given["sites"] else None
            found = backtest(incidents, reading.area, trial, sites=near, progress=progress)
        progress("done", 1.0)
    if picture:
        report.draw_backtest(found, picture, title=f"{reading.area.label}: {file.name}", seed=seed)
    summary = {"file": file.name, "feed": feed, "area": reading.area.label, **report.backtest_summary(found, seed=seed)}
    answer(summary, report.backtest_lines(found, seed=seed), as_json=as_json)


def _kinds(path: Path, area: Area) -> dict[str, Any]:
    """Return where the sites of each kind lie, metres."""
    sites, _ = read_sites(path, area, kind="site", state="open")
    return {str(kind): shapely.get_coordinates(group.geometry.to_numpy()) for kind, group in sites.groupby("kind")}


def _day(option: str, text: str) -> pd.Timestamp:
    try:
        return pd.Timestamp(pd.Timestamp(text).date())
    except (ValueError, TypeError) as error:
        raise ClockError(f"{option} {text!r} is not a day: give e.g. 2025-10-27") from error


def _horizon_d(text: str) -> int | None:
    if text == "month":
        return None
    if text.endswith("d") and text[:-1].isdigit() and int(text[:-1]):
        return int(text[:-1])
    raise SettingsError(f"--horizon {text!r}: give whole days such as 1d, 7d, 28d; or month")
