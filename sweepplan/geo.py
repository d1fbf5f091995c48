"""One area: its boundary, its plane in metres, its clock."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from sweepplan.errors import ClockError, CrsError, SettingsError, SourceError
from sweepplan.intake import unpacked

WGS84 = "EPSG:4326"

_MOST_BYTES = 64 << 20

Floats = NDArray[np.float64]


class OnPlane(Protocol):
    """Anything that says which plane it lies on: a GeoDataFrame, a GeoSeries."""

    @property
    def crs(self) -> CRS | None:
        """The plane, None where nobody said."""


def zone(tz: str) -> ZoneInfo:
    """Return the clock named ``tz``.

    Raises
    ------
    ClockError
        The name is not an IANA time zone.

    Examples
    --------
    >>> zone("America/New_York").key
    'America/New_York'
    """
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ClockError(f"unknown clock {tz!r}: give an IANA time zone such as 'America/New_York'") from error


def require_same_plane(crs: str, **tables: OnPlane) -> None:
    """Refuse tables that do not lie on the plane ``crs``.

    Raises
    ------
    CrsError
        Names each table at fault; degrees are never taken for metres.
    """
    wanted = CRS.from_user_input(crs)
    faults = [
        f"{name} lies on {table.crs.to_string() if table.crs else 'no plane'}"
        for name, table in tables.items()
        if table.crs is None or not CRS.from_user_input(table.crs).equals(wanted, ignore_axis_order=True)
    ]
    if faults:
        raise CrsError(f"{'; '.join(faults)}; the area's plane is {crs}: project with area.project(...)")


@dataclass(frozen=True, eq=False)
class Area:
    """The city of a run, fixed once: every table and street lies on its plane, every date is on its clock.

    Attributes
    ----------
    name : shown on every product.
    boundary : polygon on the plane ``crs``; what lies outside is not of this area.
    crs : the plane, in metres (a projected CRS such as ``EPSG:32619``).
    tz : IANA time zone of the city's clock.
    note : shown beside the name wherever the area is drawn, e.g. ``made-up city``.
    unit : in which distances are shown: ``m`` (and km) or ``mi`` (and ft).

    Raises
    ------
    CrsError
        ``crs`` is unknown, is in degrees, or its unit is not the metre.
    ClockError
        ``tz`` is unknown.
    """

    name: str
    boundary: BaseGeometry
    crs: str
    tz: str
    note: str = ""
    unit: str = "m"

    def __post_init__(self) -> None:
        zone(self.tz)
        if self.unit not in _UNITS:
            raise SettingsError(f"unit {self.unit!r}: give 'm' or 'mi', in which distances are shown")
        plane = _plane(self.crs)
        if plane.is_geographic:
            raise CrsError(f"the plane {self.crs} is in degrees: give a projected CRS in metres, e.g. the UTM zone")
        if any(axis.unit_name != "metre" for axis in plane.axis_info):
            raise CrsError(f"the plane {self.crs} is in {plane.axis_info[0].unit_name}: give one in metres")
        if self.boundary.is_empty or not np.isfinite(self.boundary.bounds).all():
            raise CrsError(f"the boundary of {self.name!r} is empty or not finite: give a polygon on {self.crs}")

    @classmethod
    def load(cls, path: str | Path) -> Area:
        """Read ``area.toml``: ``name``, ``tz``, ``boundary`` (GeoJSON beside it); ``note``, ``unit``, ``crs``, if any.

        Without ``crs`` it lies on the UTM zone of its middle.
        """
        path = Path(path)
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
            outline = _outline(path.parent / given["boundary"])
            west, south, east, north = outline.total_bounds
            crs = given["crs"] if "crs" in given else utm_of((west + east) / 2, (south + north) / 2)
            boundary = outline.to_crs(crs).union_all()
            return cls(given["name"], boundary, crs, given["tz"], given.get("note", ""), given.get("unit", "m"))
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
        except KeyError as error:
            raise SettingsError(f"{path}: no {error.args[0]!r}: an area needs name, tz and boundary") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path}: not TOML: {error}") from error

    @classmethod
    def around(cls, lon: Iterable[float], lat: Iterable[float], tz: str, *, name: str, margin_m: float = 250) -> Area:
        """Make the area that holds all points given, on the UTM zone of their middle.

        Parameters
        ----------
        lon, lat : degrees, WGS84; at least one finite pair.
        margin_m : how far the boundary (the points' convex hull) is pushed outwards.
        """
        points = np.column_stack([_floats(lon), _floats(lat)])
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            raise CrsError("no point with finite coordinates: an area needs at least one")
        crs = utm_of(float(np.median(points[:, 0])), float(np.median(points[:, 1])))
        x, y = Transformer.from_crs(WGS84, crs, always_xy=True).transform(points[:, 0], points[:, 1])
        hull = shapely.MultiPoint(np.column_stack([x, y])).convex_hull
        return cls(name, hull.buffer(margin_m), crs, tz)

    @property
    def label(self) -> str:
        """Name and note, as every product shows them: ``Port Ellery (made-up city)``."""
        return f"{self.name} ({self.note})" if self.note else self.name

    def distance(self, metres: float) -> str:
        """Return a distance in the area's unit, in words."""
        return distance_words(metres, self.unit)

    @property
    def size_m2(self) -> float:
        """Size of the boundary, in square metres."""
        return float(self.boundary.area)

    def points(self, lon: Iterable[float], lat: Iterable[float]) -> gpd.GeoSeries:
        """Return WGS84 degrees as points on the plane."""
        return gpd.GeoSeries(gpd.points_from_xy(_floats(lon), _floats(lat)), crs=WGS84).to_crs(self.crs)

    def project(self, table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return ``table`` on the area's plane; a table without a CRS is refused."""
        if table.crs is None:
            raise CrsError("a table without a CRS cannot be projected: set its CRS first")
        return table.to_crs(self.crs)

    def midnight(self, day: str | pd.Timestamp) -> pd.Timestamp:
        """Return the start of a calendar day on the city's clock, in UTC.

        Examples
        --------
        >>> area = Area.around([-71.06], [42.36], "America/New_York", name="Boston")
        >>> area.midnight("2026-03-01")
        Timestamp('2026-03-01 05:00:00+0000', tz='UTC')
        """
        wall = pd.Timestamp(day)
        if wall.tzinfo is not None:
            wall = wall.tz_convert(self.tz).tz_localize(None)
        return pd.Timestamp(wall.normalize()).tz_localize(self.tz, nonexistent="shift_forward").tz_convert("UTC")

    def moment(self, text: str) -> pd.Timestamp:
        """Read a moment written on the city's clock (a date is its midnight); a zone in the text is obeyed. In UTC.

        Raises
        ------
        ClockError
            Not a date or time, or a wall-clock time that this clock skips or shows twice.
        """
        try:
            stamp = pd.Timestamp(text)
            if pd.isna(stamp):
                raise ValueError("empty")
            if stamp.tzinfo is None:
                stamp = stamp.tz_localize(self.tz)
            return stamp.tz_convert("UTC")
        except ValueError as error:
            raise ClockError(
                f"{text!r} is not a moment on the clock {self.tz}: give e.g. '2026-03-01' or '2026-03-01 06:00'"
            ) from error

    def local(self, moment: pd.Timestamp) -> pd.Timestamp:
        """Return ``moment`` on the city's clock."""
        if moment.tzinfo is None:
            raise ClockError(f"{moment} has no zone: localise it first")
        return moment.tz_convert(self.tz)


def distance_words(metres: float, unit: str) -> str:
    """Return a distance as people say it, in ``unit``: "m" (and km) or "mi" (and ft).

    Examples
    --------
    >>> distance_words(243.2, "m"), distance_words(14_780, "m"), distance_words(3.6, "m")
    ('240 m', '14.8 km', '4 m')
    >>> distance_words(100, "mi"), distance_words(402.3, "mi"), distance_words(60_000, "mi")
    ('330 ft', '0.2 mi', '37 mi')
    """
    small, per_small, large, per_large, until = _UNITS[unit]
    n = metres * per_small
    if n < until:
        return f"{10 * round(n / 10) if n >= 95 else round(n)} {small}"
    far = metres / per_large
    return f"{far:.0f} {large}" if far >= 20 else f"{far:.1f} {large}"


_FEET = 1 / 0.3048
_UNITS = {"m": ("m", 1.0, "km", 1000.0, 995.0), "mi": ("ft", _FEET, "mi", 1609.344, 525.0)}
"""Small unit, how many a metre, large unit, metres in one, from how many small ones on the large is used."""


def _outline(path: Path) -> gpd.GeoSeries:
    # No GDAL: it would follow whatever the file says to other files.
    try:
        features = json.loads(unpacked(path, most=_MOST_BYTES))["features"]
        shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    except (ValueError, TypeError, KeyError, RecursionError, shapely.errors.GEOSException) as error:
        why = " ".join(str(error).split())[:120]
        raise SourceError(f"{path}: no boundary in GeoJSON ({why}): give polygons in WGS84 degrees") from error
    if not len(shapes) or shapely.is_empty(shapes).all():
        raise SourceError(f"{path}: no boundary in it: give polygons in WGS84 degrees")
    return gpd.GeoSeries(shapes, crs=WGS84)


def _floats(values: Iterable[float]) -> Floats:
    return np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=float)


def utm_of(lon: float, lat: float) -> str:
    """Return the UTM zone (WGS84) of a point in degrees.

    Examples
    --------
    >>> utm_of(-71.06, 42.36)
    'EPSG:32619'
    """
    if not (-180 <= lon <= 180 and -80 <= lat <= 84):
        raise CrsError(f"lon {lon}, lat {lat} is not a place in degrees: longitude -180..180, latitude -80..84")
    found = query_utm_crs_info(datum_name="WGS 84", area_of_interest=AreaOfInterest(lon, lat, lon, lat))
    return f"EPSG:{found[0].code}"


def _plane(crs: str) -> CRS:
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise CrsError(f"unknown plane {crs!r}: give an EPSG code such as 'EPSG:32619'") from error
