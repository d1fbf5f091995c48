"""Coordinates as feeds write them: degrees, or nothing that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.errors import SourceError
from sweepplan.geo import Area, Floats, zone
from sweepplan.sources.sieve import Bools, Fault

FARTHEST_M = 100_000.0
"""Where no area is given, a row farther than this from the middle of the rows is a slip, such as a lost sign."""

SHARED_LEAST = 10
"""A point with fewer rows is never taken for a centroid."""

SHARED_STREETS = 5
"""Fewer street names at one point are spellings of one corner."""

_NOT_A_STREET = r"\bintersection\b(?: of\b)?|[\d\W_]+|\b\w\b"
_DEGREES = (
    r"^\s*(?P<before>[NSEWnsew])?\s*(?P<d>-?\d{1,3}(?:[.,]\d+)?)\s*[°º:]?\s*"
    r"(?:(?P<m>\d{1,2}(?:[.,]\d+)?)\s*['’′:]?\s*)?(?:(?P<s>\d{1,2}(?:[.,]\d+)?)\s*(?:[\"”″]|'')?\s*)?(?P<after>[NSEWnsew])?\s*$"
)
_FARTHEST_LON = 75.0
_EARTH_M = 6_371_008.8
_INHABITED_LAT = (-60.0, 72.0)


@dataclass(frozen=True, eq=False)
class Location:
    """A column pair of coordinates in WGS84 degrees, both shape (n,); NaN where ``located`` is False."""

    lon: Floats
    lat: Floats
    located: Bools
    text: pd.Series
    faults: list[Fault]


def locate(lon: pd.Series, lat: pd.Series, path: Path) -> Location:
    """Read coordinates in degrees.

    Parameters
    ----------
    lon, lat : str.
    path : where they came from, for messages.

    Raises
    ------
    SourceError
        There are rows and not one has usable coordinates.
    """
    x, y = (numbers(column) for column in (lon, lat))
    text = lat.str.cat(lon, sep=", ")
    finite = np.isfinite(x) & np.isfinite(y)
    zero = finite & (np.abs(x) < 1e-9) & (np.abs(y) < 1e-9)
    odd = finite & ((np.abs(y) > 90) | (np.abs(x) > 180))
    located = finite & ~zero & ~odd
    if len(x) and not located.any():
        _refuse(path, text, odd)
    faults = [
        Fault("no coordinates", ~finite, text),
        Fault("coordinates 0, 0", zero, text),
        Fault("not degrees", odd, text),
    ]
    return Location(np.where(located, x, np.nan), np.where(located, y, np.nan), located, text, faults)


def numbers(text: pd.Series) -> Floats:
    r"""Return numbers, shape (n,): with a decimal point or comma, or as degrees, minutes, seconds; NaN for all else.

    Examples
    --------
    >>> numbers(pd.Series(["42.5", "42,5", "71° 30' 00\" W", "N 42 30", "x"])).tolist()
    [42.5, 42.5, -71.5, 42.5, nan]
    """
    number = pd.to_numeric(text, errors="coerce")
    comma = number.isna() & text.str.fullmatch(r"[+-]?\d+,\d+")
    if comma.any():
        number = number.mask(comma, pd.to_numeric(text[comma].str.replace(",", ".")).reindex(text.index))
    marked = number.isna() & text.str.contains("[°ºNSEWnsew]", regex=True)
    if marked.any():
        number = number.astype("float64").mask(marked, _sexagesimal(text[marked]).reindex(text.index))
    values: Floats = number.to_numpy(dtype=float, na_value=np.nan)
    return values


def _sexagesimal(text: pd.Series) -> pd.Series:
    part = text.str.extract(_DEGREES)
    degrees, minutes, seconds = (pd.to_numeric(part[k].str.replace(",", "."), errors="coerce") for k in "dms")
    minutes, seconds = minutes.fillna(0), seconds.fillna(0)
    size = (degrees.abs() + minutes / 60 + seconds / 3600).where((minutes < 60) & (seconds <= 60))
    side = part["before"].fillna(part["after"]).str.upper()
    return size.mask(part["d"].str.startswith("-", na=False) | side.isin(["S", "W"]), -size)


def _refuse(path: Path, text: pd.Series, odd: Bools) -> None:
    if odd.any():
        raise SourceError(
            f"{path}: coordinates {text[odd].iloc[0][:60]!r} are not degrees, in no row: export latitude and longitude"
            " in WGS84 degrees"
        )
    raise SourceError(f"{path}: no row has finite coordinates (first: {text.iloc[0][:60]!r}): geocode it first")


def far_off(location: Location, use: Bools) -> Bools:
    """Return which located rows lie more than :data:`FARTHEST_M` from the middle (median) of the rows ``use``."""
    lon, lat = np.radians(location.lon), np.radians(location.lat)
    lon_0, lat_0 = np.median(lon[use]), np.median(lat[use])
    half = np.sin((lat - lat_0) / 2) ** 2 + np.cos(lat) * np.cos(lat_0) * np.sin((lon - lon_0) / 2) ** 2
    far: Bools = location.located & (2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))) > FARTHEST_M)
    return far


def shared_points(location: Location, named: pd.Series | None) -> Bools:
    """Return which rows lie at a point that stands for no place: a town's centroid, a geocoder's default.

    A place where many needles are found is no such point: its reports name one street, in a few spellings; those of a
    default name many. So a point is one where at least :data:`SHARED_LEAST` rows lie and

    - they name at least :data:`SHARED_STREETS` streets, and as many as a quarter of the rows, or 20; or
    - both its coordinates end after 3 decimals though most of the file's have more than 5; or
    - nothing is named, at least 100 rows and 5 % of all lie there, and 3 times as many as at any other point.

    Parameters
    ----------
    named : what each row calls its place; empty where it doesn't say. None: no row does.
    """
    found = np.zeros(len(location.lon), dtype=bool)
    at = np.flatnonzero(location.located)
    points = pd.DataFrame({"lon": location.lon[at], "lat": location.lat[at]}).round(7)
    point = points.groupby(["lon", "lat"], sort=False).ngroup().to_numpy()
    rows = np.bincount(point)
    if not (rows >= SHARED_LEAST).any():
        return found
    many = np.flatnonzero((rows >= SHARED_LEAST)[point])
    streets = pd.Series(0, index=np.arange(len(rows)))
    if named is not None:
        street = named.iloc[at[many]].str.casefold().str.replace(_NOT_A_STREET, " ", regex=True).str.strip()
        street = street.mask(street.eq(""))
        streets = street.groupby(point[many]).nunique().reindex(streets.index, fill_value=0)
    n_streets = streets.to_numpy()
    unlike = (n_streets >= SHARED_STREETS) & (n_streets >= np.minimum(rows / 4, 20))
    first = points.groupby(point).first()
    fine = not _end_after(points, 5).mean() > 0.5
    coarse = _end_after(first, 3).to_numpy(dtype=bool) & fine
    runner_up = np.sort(rows)[-2] if len(rows) > 1 else 0
    lone = (n_streets == 0) & (rows >= 100) & (rows >= 0.05 * len(at)) & (rows >= 3 * runner_up)
    found[at] = ((rows >= SHARED_LEAST) & (unlike | coarse | lone))[point]
    return found


def _end_after(points: pd.DataFrame, decimals: int) -> pd.Series:
    return (points - points.round(decimals)).abs().max(axis=1) < 1e-9


def area_around(location: Location, use: Bools, tz: str, path: Path) -> Area:
    """Return the area around the rows ``use`` (at least one), named after the file.

    Raises
    ------
    SourceError
        They lie so near a pole that no city does, or a quarter of the earth from the clock ``tz``.
    """
    middle = float(np.median(location.lat[use]))
    if not _INHABITED_LAT[0] <= middle <= _INHABITED_LAT[1]:
        raise SourceError(f"{path}: its rows lie around latitude {middle:.1f}: are latitude and longitude swapped?")
    east = float(np.median(location.lon[use]))
    off = (east - 15 * _standard_offset_h(tz) + 180) % 360 - 180
    if abs(off) > _FARTHEST_LON:
        raise SourceError(f"{path}: its rows lie around longitude {east:.1f}, far from where {tz} is: is a minus lost?")
    return Area.around(location.lon[use], location.lat[use], tz, name=path.name.partition(".")[0])


def _standard_offset_h(tz: str) -> float:
    january = pd.Timestamp("2020-01-15", tz=zone(tz))
    return (january.tz_localize(None) - january.tz_convert("UTC").tz_localize(None)) / pd.Timedelta(hours=1)


def inside(area: Area, points: gpd.GeoSeries) -> Bools:
    """Return which points on the area's plane lie within its boundary (or on it)."""
    shapely.prepare(area.boundary)
    x, y = points.x.to_numpy(), points.y.to_numpy()
    finite = np.isfinite(x) & np.isfinite(y)
    within: Bools = finite.copy()
    within[finite] = shapely.intersects_xy(area.boundary, x[finite], y[finite])
    return within
