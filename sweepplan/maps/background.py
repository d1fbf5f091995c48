"""Land, parks and streets: what stands under all else."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from sweepplan.geo import WGS84
from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, feature, geometry_of, rows
from sweepplan.maps.page import geojson
from sweepplan.privacy import Published
from sweepplan.streets.tags import UNNAMED

_MAJOR = {"motorway": 4.0, "trunk": 4.0, "primary": 3.2, "secondary": 2.6, "tertiary": 2.0}
_MINOR = {"footway": 0.6, "path": 0.6, "steps": 0.6, "cycleway": 0.6, "service": 0.7}
_LOCAL = 1.1
_NAME_EVERY_M = 250.0


def background(shown: Published) -> Layer:
    """Return the land, green places and streets as one layer that is always shown."""
    land = gpd.GeoSeries([shown.area.boundary], crs=shown.area.crs).to_crs(WGS84).iloc[0]
    features = [feature(geometry_of(land), style=_filled(hues.LAND))]
    places = shown.table("places")
    green = places[places["kind"].isin(["park", "schoolyard"])]
    features += [feature(shape, style=_filled(hues.GREEN)) for _, _, shape in rows(green)]
    return Layer("", (geojson(features + _streets(shown.table("streets")), "background", canvas=True),))


def _streets(streets: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return one feature a class of streets, the least first; pieces that meet end to end are joined."""
    classes = streets["highway"].str.extract(r"([a-z]+)", expand=False).fillna("")
    widths = classes.str.removesuffix("_link").map({**_MAJOR, **_MINOR}).fillna(_LOCAL).to_numpy(dtype=float)
    lines = streets.geometry.to_crs(WGS84).to_numpy()
    features = []
    for width in np.unique(widths):
        joined = shapely.line_merge(shapely.MultiLineString(list(shapely.get_parts(lines[widths == width]))))
        colour = hues.MAJOR if width > _LOCAL else hues.STREET
        features.append(feature(geometry_of(joined), style={"color": colour, "weight": width, "fill": False}))
    return features


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
