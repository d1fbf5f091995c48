"""Any CSV or GeoJSON of points, ``plain``: a mapping says which of its columns is what."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
from pyproj.exceptions import CRSError

from sweepplan.errors import SettingsError
from sweepplan.geo import WGS84
from sweepplan.sources.location import numbers
from sweepplan.sources.rawtable import RawTable, fold
from sweepplan.sources.reading import Draft, Feed

COLUMNS = ("lat", "lon", "point", "time", "id", "kind", "needles", "status", "due", "closed")
"""Keys of a mapping that name a column of the file; one left out names the column of its own name, if there is one.

``point`` holds both coordinates: ``(42.35, -71.06)``, latitude first, or ``POINT (-71.06 42.35)``.
"""

CONSTANTS = ("clock", "zero_offset", "sheet", "source", "time_format", "crs")
"""Keys of a mapping that are a value: the clock of times without an offset, whether +00 means UTC (``utc``) or that
clock (``local``), the sheet of a workbook, the source, a ``strptime`` format (or ``excel``: days since 1899-12-30), and
the plane of ``lon`` (east) and ``lat`` (north) where they are not degrees: ``EPSG:26986``.
"""

BESIDE = " + "
"""Parts a column of days and one of clock times: ``time = "Call Date + Call Time"``."""

OTHERS = ("misrouted", "services", "free_text", "does_not_count")
"""Keys that a mapping file may hold for another feed."""


def load_mapping(path: str | Path) -> dict[str, str]:
    """Read a mapping from TOML: a table ``[columns]``, and ``kind``, ``clock``, ``source``, ``time_format`` beside it.

    Raises
    ------
    SettingsError
        The file cannot be read, is not TOML, or has an unknown key or a value that is not text.
    """
    try:
        given = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    columns = given.pop("columns", {})
    if not isinstance(columns, dict):
        raise SettingsError(f"{path}: columns = {columns!r}: write a table [columns]")
    if "kind" in columns and "kind" in given:
        raise SettingsError(f"{path}: kind stands both in [columns] and beside it: keep one")
    flat = {**columns, **given}
    odd = [key for key in columns if key not in COLUMNS] + [
        key for key in given if key not in ("kind", *CONSTANTS, *OTHERS)
    ]
    odd += [key for key, value in flat.items() if not isinstance(value, str)]
    if odd:
        raise SettingsError(
            f"{path}: {odd[0]} = {flat[odd[0]]!r}: give text for {', '.join(COLUMNS)} in [columns],"
            f" and for kind, {', '.join((*CONSTANTS, *OTHERS))} beside it"
        )
    return flat


def parse(raw: RawTable, mapping: Mapping[str, str]) -> Draft:
    """Return the rows under a mapping.

    ``kind`` names a column, or is itself ``needle`` or ``overdose`` for all rows (``needle`` where nothing is said). A
    GeoJSON of points needs no ``lat`` and ``lon``. A bare day is of day precision, a bare month of month precision.

    Raises
    ------
    SettingsError
        The mapping has an unknown key, or ``crs`` names no plane.
    SourceError
        A column it names is missing.
    """
    odd = [key for key in mapping if key not in (*COLUMNS, *CONSTANTS)]
    if odd:
        raise SettingsError(f"mapping: unknown key {odd[0]!r}: one of {', '.join((*COLUMNS, *CONSTANTS))}")
    names = {key: fold(mapping.get(key, key)) for key in COLUMNS}
    when = [names["time"]] if names["time"] in raw.frame.columns else [*map(fold, names["time"].split(BESIDE))]
    constant_kind = names["kind"] not in raw.frame.columns and mapping.get("kind", "needle") in ("needle", "overdose")
    placed = ("point" in mapping or raw.shapes is not None) and "lat" not in mapping and "lon" not in mapping
    named = [
        names[key] for key in mapping if key in COLUMNS and key != "time" and not (key == "kind" and constant_kind)
    ]
    raw.require(*dict.fromkeys([*when, *([] if placed else [names["lat"], names["lon"]]), *named]))
    index = raw.frame.index
    if "point" in mapping:
        lat, lon = parted(raw.text(names["point"]))
    else:
        lat, lon = _point_texts(raw) if placed else (raw.text(names["lat"]), raw.text(names["lon"]))
    if "crs" in mapping:
        lat, lon = _in_degrees(lat, lon, mapping["crs"])
    return Draft(
        source=mapping.get("source", "plain"),
        kind=pd.Series(mapping.get("kind", "needle"), index, dtype="str") if constant_kind else raw.text(names["kind"]),
        reported=joined([*map(raw.text, when)]),
        lat=lat,
        lon=lon,
        due=raw.text(names["due"]),
        closed=raw.text(names["closed"]),
        status=raw.text(names["status"]),
        needles=raw.text(names["needles"]),
        ids=raw.text(names["id"]) if names["id"] in raw.frame.columns else None,
        formats=(mapping["time_format"],) if "time_format" in mapping else (),
    )


_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_PAIR = rf"(?P<a>{_NUMBER})\s*,\s*(?P<b>{_NUMBER})\s*\)?\s*$"
_WKT = rf"(?i)^\s*POINT\s*\(\s*(?P<b>{_NUMBER})\s+(?P<a>{_NUMBER})\s*\)\s*$"


def parted(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return latitude and longitude as text, of pairs (the last in the text) and of WKT points."""
    pair, wkt = text.str.extract(_PAIR), text.str.extract(_WKT)
    both = wkt.fillna(pair)
    return both["a"].fillna(""), both["b"].fillna("")


def joined(times: list[pd.Series]) -> pd.Series:
    """Return days and clock times of two columns as one; the first alone where there is no second."""
    first, *rest = times
    for clock in rest:
        first = first.str.cat(clock, sep=" ").str.strip()
    return first


def _in_degrees(north: pd.Series, east: pd.Series, crs: str) -> tuple[pd.Series, pd.Series]:
    x, y = numbers(east), numbers(north)
    try:
        points = gpd.GeoSeries.from_xy(x, y, crs=crs).to_crs(WGS84)
    except CRSError as error:
        raise SettingsError(f"crs = {crs!r}: give the plane of the coordinates, e.g. 'EPSG:26986'") from error
    return tuple(pd.Series(v.to_numpy(), north.index).astype("str") for v in (points.y, points.x))  # type: ignore[return-value]


def _point_texts(raw: RawTable) -> tuple[pd.Series, pd.Series]:
    assert raw.shapes is not None  # noqa: S101
    points = raw.shapes.where(raw.shapes.geom_type == "Point")
    return points.y.astype("str"), points.x.astype("str")


FEED = Feed("plain", "any CSV or GeoJSON of points, under a mapping of its columns", "any", parse, options=None)
