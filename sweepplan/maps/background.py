"""Land, parks and streets: what stands under all else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from sweepplan.geo import WGS84
from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, feature, geojson, geometry_of, rows
from sweepplan.maps.words import safe_text
from sweepplan.model import Floats
from sweepplan.privacy import Published
from sweepplan.streets.tags import UNNAMED

_MAJOR = {"motorway": 4.0, "trunk": 4.0, "primary": 3.2, "secondary": 2.6, "tertiary": 2.0}
_MINOR = {"footway": 0.6, "path": 0.6, "steps": 0.6, "cycleway": 0.6, "service": 0.7}
_LOCAL = 1.1
_NAME_EVERY_M = 250.0
_FAR_M = 15.0


def background(shown: Published) -> Layer:
    """Return the land, green places and streets as one layer that is always shown."""
    land = gpd.GeoSeries([shown.area.boundary], crs=shown.area.crs).to_crs(WGS84).iloc[0]
    features = [feature(geometry_of(land), style=_filled(hues.LAND))]
    places = shown.table("places")
    green = places[places["kind"].isin(["park", "schoolyard"])]
    features += [feature(shape, style=_filled(hues.GREEN)) for _, _, shape in rows(green)]
    return Layer("", (geojson(features + _streets(shown.table("streets")), "background", canvas=True),))


def _streets(streets: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    return [
        feature(
            geometry_of(lines),
            style={"color": hues.MAJOR if width > _LOCAL else hues.STREET, "weight": width, "fill": False},
        )
        for width, lines in _by_width(streets)
    ]


def basemap(shown: Published, *, near: bool) -> bytes:
    """Return land, green places, streets and their names as JSON for a map that colours them by day and night.

    Parameters
    ----------
    near : all streets, with names; else the larger ones, to some 15 m.
    """
    streets = shown.table("streets")
    if not near:
        streets = streets[_widths(streets) > _LOCAL]
        streets = streets.set_geometry(streets.geometry.simplify(_FAR_M)) if len(streets) else shown.table("streets")
    boundary = gpd.GeoSeries([shown.area.boundary], crs=shown.area.crs)
    land = (boundary if near else boundary.simplify(_FAR_M)).to_crs(WGS84).iloc[0]
    places = shown.table("places")
    green = places[places["kind"].isin(["park", "schoolyard"])]
    features = [feature(geometry_of(land), kind="land")]
    features += [feature(shape, kind="green") for _, _, shape in rows(green)]
    features += [
        feature(geometry_of(lines), kind="major" if width > _LOCAL else "street", weight=width)
        for width, lines in _by_width(streets)
    ]
    said = [[lat, lon, turn, safe_text(name)] for lat, lon, turn, name in names(shown)] if near else []
    return json.dumps({"features": features, "names": said}, separators=(",", ":")).encode()


def _by_width(streets: gpd.GeoDataFrame) -> Iterator[tuple[float, BaseGeometry]]:
    """Yield the streets of each width as one line in degrees, the least first; pieces that meet are joined."""
    widths = _widths(streets)
    lines = streets.geometry.to_crs(WGS84).to_numpy()
    for width in np.unique(widths):
        yield float(width), shapely.line_merge(shapely.MultiLineString(list(shapely.get_parts(lines[widths == width]))))


def _widths(streets: gpd.GeoDataFrame) -> Floats:
    classes = streets["highway"].str.extract(r"([a-z]+)", expand=False).fillna("")
    known = classes.str.removesuffix("_link").map({**_MAJOR, **_MINOR})
    return np.asarray(known.fillna(_LOCAL), dtype=np.float64)


def names(shown: Published) -> list[tuple[float, float, int, str]]:
    """Return where each street's name stands: on its longest piece in every square of ``_NAME_EVERY_M``."""
    streets = shown.table("streets")
    streets = streets[~streets["name"].isin(["", UNNAMED])]
    middles = _middles(streets)
    squares = [(axis / _NAME_EVERY_M).map(np.floor) for axis in (middles.x, middles.y)]
    streets = streets.loc[streets.groupby([streets["name"], *squares])["length_m"].idxmax().to_numpy()]
    at = shapely.get_coordinates(_middles(streets).to_crs(WGS84).to_numpy())
    ends = [shapely.get_coordinates(shape)[[0, -1]] for shape in streets.geometry]
    return [
        (round(lat, 5), round(lon, 5), _turn(*(end - start)), str(name))
        for (lon, lat), (start, end), name in zip(at.tolist(), ends, streets["name"], strict=True)
    ]


def _middles(streets: gpd.GeoDataFrame) -> gpd.GeoSeries:
    halfway = shapely.line_interpolate_point(streets.geometry.to_numpy(), 0.5, normalized=True)
    return gpd.GeoSeries(halfway, streets.index, crs=streets.crs)


def _turn(east: float, north: float) -> int:
    """Return the degrees, clockwise, by which text along a street is turned; never upside down.

    Examples
    --------
    >>> _turn(1, 0), _turn(-1, 0), _turn(1, 1), _turn(-1, 1), _turn(0, 1)
    (0, 0, -45, 45, -90)
    """
    degrees = round(np.degrees(np.arctan2(-north, east)))
    return int((degrees + 90) % 180 - 90)


def _filled(colour: str) -> dict[str, Any]:
    return {"stroke": False, "fillColor": colour, "fillOpacity": 1}
