"""A city of one's own, made of a name, streets and reports: read as a whole first, kept in a folder of its own then."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd

from sweepplan.errors import SettingsError, SweepplanError
from sweepplan.geo import WGS84, Area
from sweepplan.pipeline.city import City, load_city
from sweepplan.pipeline.settings import Settings
from sweepplan.sources import guess_mapping

_GZIP, _BEFORE = b"\x1f\x8b", b"\xef\xbb\xbf \t\r\n"
_ENDINGS = (".csv", ".json", ".xlsx")
_MORNING = pd.Timedelta(hours=6)


@dataclass(frozen=True)
class Founding:
    """What a city is made of.

    Attributes
    ----------
    tz : its clock, e.g. ``America/New_York``.
    streets : GraphML, gzipped or not.
    reports, ending, feed : a file of reports, how its name ends (``.csv``), and the feed that reads it.
    depot : latitude, longitude; None: the middle of the area.
    boundary : of its area, GeoJSON; None: what the streets span.
    kiosks : those that stand, GeoJSON or CSV.
    """

    name: str
    tz: str
    streets: bytes
    reports: bytes
    ending: str
    feed: str
    depot: tuple[float, float] | None = None
    boundary: bytes | None = None
    kiosks: bytes | None = None


@dataclass(frozen=True)
class Founded:
    """The settings of the new city, and what was read: pieces of street, reports kept, what was set aside and why."""

    settings: Path
    n_streets: int
    n_reports: int
    aside: dict[str, int]


def found_city(given: Founding, folder: Path) -> Founded:
    """Read all that is given, then keep it under its name in ``folder``; nothing is left of what cannot be read.

    Raises
    ------
    SettingsError
        The name has no letters or is taken, or the clock is unknown.
    SourceError, StreetsError
        A file cannot be read, or nothing of it lies within the boundary.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", given.name.lower()).strip("-")[:60]
    if not slug:
        raise SettingsError(f"name {given.name!r}: give the city's name in letters, e.g. Cambridge")
    if (folder / slug).exists():
        raise SettingsError(f"{slug}: a city of this name was made before: give another name, or open {slug}")
    try:
        ZoneInfo(given.tz)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(f"clock {given.tz!r}: give a time zone, e.g. America/New_York") from error
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    try:
        city = _written(given, making)
        making.rename(folder / slug)
    except SweepplanError as error:
        raise type(error)(str(error).replace(f"{making}/", "")) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    main, sites = city.readings[0], city.rejected_sites
    aside = {f"reports {reason}": int(n) for reason, n in main.rejected.items()}
    if not sites.empty:
        aside |= {f"kiosks {reason}": int(n) for reason, n in sites["reason"].value_counts().items()}
    return Founded(folder / slug / "settings.toml", len(city.streets.edges), len(main.incidents), aside)


def _written(given: Founding, folder: Path) -> City:
    ending = given.ending.lower() if given.ending.lower() in _ENDINGS else ".csv"
    (folder / "streets.graphml.gz").write_bytes(
        given.streets if given.streets[:2] == _GZIP else gzip.compress(given.streets, 6)
    )
    (folder / f"reports{ending}").write_bytes(given.reports)
    values = {
        "name": given.name.strip(),
        "tz": given.tz,
        "streets": "streets.graphml.gz",
        "incidents": f"reports{ending}",
        "feed": given.feed,
        "as_of": f"{pd.Timestamp.now(given.tz):%Y-%m-%d %H:%M}",
    }
    if given.boundary is not None:
        (folder / "boundary.geojson").write_bytes(given.boundary)
        _write(folder / "area.toml", {"name": values["name"], "tz": given.tz, "boundary": "boundary.geojson"})
        values["area"] = "area.toml"
    if given.kiosks is not None:
        values["kiosks"] = "kiosks.geojson" if given.kiosks.lstrip(_BEFORE)[:1] == b"{" else "kiosks.csv"
        (folder / values["kiosks"]).write_bytes(given.kiosks)
    if given.feed == "plain":
        (folder / "mapping.toml").write_text(guess_mapping(folder / f"reports{ending}").toml(), encoding="utf-8")
        values["mapping"] = "mapping.toml"
    file = folder / "settings.toml"
    _write(file, values, given.depot)
    city = load_city(Settings.load(file))
    _write(file, values | {"as_of": _morning_after(city, given.tz)}, given.depot or _middle(city.area))
    Settings.load(file)
    return city


def _write(file: Path, values: dict[str, str], depot: tuple[float, float] | None = None) -> None:
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    file.write_text("\n".join([*lines, *([f"depot = {list(depot)}"] if depot else [])]) + "\n", encoding="utf-8")


def _morning_after(city: City, tz: str) -> str:
    """Return six in the morning after the last report, or now, whichever is earlier."""
    last = city.area.local(city.reports["reported_at"].max())
    morning = last.tz_localize(None).normalize() + pd.Timedelta(days=1) + _MORNING
    return f"{min(morning, pd.Timestamp.now(tz).tz_localize(None)):%Y-%m-%d %H:%M}"


def _middle(area: Area) -> tuple[float, float]:
    spot = gpd.GeoSeries([area.boundary.centroid], crs=area.crs).to_crs(WGS84)
    return round(float(spot.y.iloc[0]), 6), round(float(spot.x.iloc[0]), 6)
