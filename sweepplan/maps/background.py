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

_MAJOR = {"motorway": 4.0, "trunk": 4.0, "primary": 3.2, "secondary": 2.6, "tertiary": 2.0}
_MINOR = {"footway": 0.6, "path": 0.6, "steps": 0.6, "cycleway": 0.6, "service": 0.7}
_LOCAL = 1.1


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


def _filled(colour: str) -> dict[str, Any]:
    return {"stroke": False, "fillColor": colour, "fillOpacity": 1}
