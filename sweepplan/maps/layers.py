"""What a layer is, and how tables become its features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from sweepplan.geo import WGS84
from sweepplan.maps.words import safe_text

PANES: Mapping[str, int] = {
    "background": 340,
    "cells": 360,
    "hotspots": 380,
    "routes": 420,
    "arrows": 440,
    "names": 460,
    "marks": 600,
}
"""Heights of what is drawn, the lowest first."""

_DECIMALS = 5
"""About a metre."""


@dataclass(frozen=True, eq=False)
class Part:
    """GeoJSON features in one pane; a map reads their properties ``id``, ``tip``, ``style``, ``html``, ``size``.

    Attributes
    ----------
    coarser : the same once more in fewer and fewer features; a map draws the finest of which ``most`` at most are in
        sight, and none out of sight.
    """

    features: tuple[dict[str, Any], ...]
    pane: str
    canvas: bool = False
    coarser: tuple[tuple[dict[str, Any], ...], ...] = ()
    most: int = 0


@dataclass(frozen=True, eq=False)
class Layer:
    """One entry of the layer list.

    Attributes
    ----------
    label : safe HTML; empty: always shown, and not in the list.
    parts : drawn in this order.
    shown : at first.
    """

    label: str
    parts: tuple[Part, ...]
    shown: bool = True


def geojson(features: Sequence[dict[str, Any]], pane: str, *, canvas: bool = False) -> Part:
    """Return features as a part of a layer."""
    return Part(tuple(features), pane, canvas)


def entry(swatch: str, title: str, *lines: str) -> str:
    """Return the label of a layer: our own ``swatch`` HTML, and plain words."""
    small = "".join(f"<small>{safe_text(line)}</small>" for line in lines)
    return f'<span class="swatch">{swatch}</span><span class="entry">{safe_text(title)}{small}</span>'


def rows(table: gpd.GeoDataFrame) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield id, row and geometry (GeoJSON, in degrees, to about a metre) of every row."""
    geometry = _rounded(np.asarray(table.geometry.to_crs(WGS84)))
    for row, shape in zip(table.itertuples(), geometry, strict=True):
        yield str(row.Index), row, dict(shapely.geometry.mapping(shape))


def geometry_of(shape: BaseGeometry) -> dict[str, Any]:
    """Return a geometry in degrees as GeoJSON."""
    return dict(shapely.geometry.mapping(_rounded(shape)))


def _rounded(degrees: Any) -> Any:
    return shapely.transform(degrees, lambda coordinates: coordinates.round(_DECIMALS))


def feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """Return a GeoJSON feature."""
    return {"type": "Feature", "geometry": geometry, "properties": properties}
