"""Options that several verbs take, and the settings they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from sweepplan.errors import SettingsError
from sweepplan.model import Crew
from sweepplan.pipeline import Settings

F = TypeVar("F", bound=Callable[..., Any])


SETTINGS = (
    click.option("--settings", type=Path, help="settings.toml; options given here win over it."),
    click.option("--incidents", type=Path, help="Reports of needles (or of overdoses)."),
    click.option("--feed", help="Feed of the reports; see `sweepplan read --list`."),
    click.option("--mapping", type=Path, help="Column mapping (TOML) of a plain feed."),
    click.option("--tz", help="The city's clock, e.g. America/New_York."),
    click.option("--area", type=Path, help="area.toml; without it the area is the streets' hull."),
    click.option("--name", help="Name of the city, shown on every product."),
    click.option("--unit", help="Unit of distances shown: m or mi (default m; area.toml knows its own)."),
    click.option("--as-of", help="Moment on the city's clock; nothing reported from it on is used."),
    click.option("--attribution", help="Whose streets they are, as the map says (default: OpenStreetMap)."),
    click.option("--min-count", type=int, help="Smallest count that is shown (default 11)."),
)


STORED = (
    click.option("--database", help="In place of --incidents: path or URL of the database; the run is noted in it."),
)


STREETS = (
    click.option("--streets", type=Path, help="Drive network, GraphML or .graphml.gz."),
    click.option("--walk-streets", type=Path, help="Walk network; without it people walk on the drive network."),
)


SITES = (click.option("--sites", type=Path, help="Schools, playgrounds, ... (GeoJSON, CSV): what is near a hotspot."),)


LEDGER = (
    click.option("--kiosks", type=Path, help="Installed kiosks, which stay."),
    click.option("--kiosk-ledger", type=Path, help="States of the kiosks: those due for service are stops."),
)


AROUND = (
    *SITES,
    click.option("--sweep-log", type=Path, help="What crews found: hotspots say when they were last swept."),
)

PLACES = (click.option("--places", type=Path, help="Parks, schoolyards and lots to sweep (GeoJSON)."),)


OVERDOSES = (
    click.option("--overdoses", type=Path, help="Overdose calls: shown in aggregate only."),
    click.option("--overdose-feed", help="Feed of the overdose calls (default cincinnati-ems)."),
)


SWEEP = (
    *PLACES,
    click.option("--crews", type=int, help="Number of crews, 1 to 10 (default 4), named A, B, ..."),
    click.option("--shift", help="Shift of every crew, e.g. 08:00-16:00."),
    click.option("--depot", help="LAT,LON where crews start and end."),
    click.option("--seed", type=int, help="Seed of the solver (default 7)."),
    click.option("--limit", help="Limit of the solver: 10s, or 1000it which repeats to the byte."),
)


KIOSKS = (
    click.option(
        "--for",
        "boxes",
        type=click.Choice(["sharps", "naloxone"]),
        help="What the boxes hold (default sharps); naloxone goes by overdoses, a walk of 3 minutes.",
    ),
    click.option("--candidates", type=Path, help="Candidate sites; without it, street corners near reports."),
    click.option("--k", type=int, help="Kiosks to add (default 5)."),
    click.option("--reach-m", type=float, help="Walking distance that counts as covered (default 200; naloxone 240)."),
    click.option("--spacing-m", type=float, help="Kiosks stand at least so far apart."),
    click.option("--may-move", type=int, help="So many installed kiosks may go elsewhere (default: all stay)."),
    click.option("--may-close", type=int, help="So many installed kiosks close, those that cost least coverage."),
    click.option("--per-district", type=int, help="So many kiosks at least in each district."),
    click.option("--districts", type=Path, help="Polygons with a name (GeoJSON), for --per-district."),
    click.option("--keep-away-m", type=float, help="No new kiosk so near a school or playground of --sites."),
    click.option("--children-weight", type=float, help="Reports near schools and playgrounds count so much more."),
    click.option("--budget", type=int, help="Most that the new kiosks may cost; costs stand in [kiosk_rules]."),
    click.option("--decay", is_flag=True, default=None, help="Count reports by the walk: 96 % at 25 m, 59 % at 200 m."),
)


OUT = (
    click.option("--out", type=Path, help="Folder for the results; only a folder of earlier results is replaced."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
)


_KIOSK_RULES = (
    "spacing_m",
    "may_move",
    "may_close",
    "per_district",
    "keep_away_m",
    "children_weight",
    "budget",
    "decay",
)


def options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Return a decorator that gives a verb these options, in their order."""

    def decorate(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


def settings_of(given: dict[str, Any]) -> Settings:
    """Return the settings that these options make, over those of ``--settings``."""
    values = {name: value for name, value in given.items() if value is not None}
    path = values.pop("settings", None)
    if "depot" in values:
        values["depot"] = lat_lon("depot", values["depot"])
    named = {name: values.pop(name) for name in _KIOSK_RULES if name in values}
    shift, crews = values.pop("shift", None), values.pop("crews", None)
    if shift is not None or crews is not None:
        crews = 4 if crews is None else crews
        if not 1 <= crews <= 10:
            raise SettingsError(f"{crews} crews: give 1 to 10")
        values["crews"] = tuple(Crew.on_shift(name, shift or "08:00-16:00") for name in "ABCDEFGHIJ"[:crews])
    settings = Settings.load(path, **values) if path else Settings.of(values, where="options")
    return replace(settings, kiosk_rules=replace(settings.kiosk_rules, **named)) if named else settings


def lat_lon(what: str, text: str) -> tuple[float, float]:
    """Read ``LAT,LON``."""
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(f"{what} {text!r}: write LAT,LON in degrees, e.g. 42.3420,-71.0760") from error
    return lat, lon
