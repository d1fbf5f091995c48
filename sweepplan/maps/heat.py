"""Where reports gather: cells by rate, and outlined hotspots."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np

from sweepplan import bridge
from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, Part, entry, feature, geojson, rows
from sweepplan.maps.words import counted, day, short, tip
from sweepplan.model import Floats, Ints
from sweepplan.privacy import Published

_WEEKS = 4
_NAMES = {"needle": "Needle", "overdose": "Overdose"}
SHARES = (0.25, 0.5, 0.75, 0.9, 0.98)
"""Cells are shaded by the share of all reports expected that denser cells hold; past the last they are left blank."""

MOST_CELLS = 1000
"""So many cells of a kind are drawn at once: a browser slows down beyond some 2,000 shapes a map."""

_HALF = 1
_OPACITY = (0.85, 0.8, 0.7, 0.6, 0.5)
_HUE = {"needle": hues.ACCENT, "overdose": hues.OVERDOSE}


def cells(shown: Published) -> list[Layer]:
    """Return a layer a kind: cells that expect reports, the densest darkest."""
    table = shown.table("cells")
    table = table[table["rate"] > 0]
    kinds = sorted(table["kind"].unique())
    return [_cells(table[table["kind"] == kind], kind, shown=kind == kinds[0]) for kind in kinds]


def _cells(table: gpd.GeoDataFrame, kind: str, *, shown: bool) -> Layer:
    finest, *coarser = (_features(each, kind) for each in divisions(table))
    steps = "".join(f'<i style="background:{colour}"></i>' for colour in hues.HEAT)
    dark = short(table.area.to_numpy()[_bands(table) <= _HALF].sum() / 1e6)
    said = f"half of them in the two strongest: {dark} km²{' from near by' if coarser else ''}"
    label = entry("", f"{_NAMES[kind]} reports expected", said)
    label = label.replace("<small>", f'<span class="ramp">{steps}</span><small>', 1)
    return Layer(label, (Part(finest, "cells", coarser=tuple(coarser), most=MOST_CELLS),), shown=shown)


def divisions(table: gpd.GeoDataFrame) -> list[gpd.GeoDataFrame]:
    """Return CELLS with ``n_cells``, then the same in squares twice as wide each time, until at most ``MOST_CELLS``.

    A coarser cell is the sum, and covers the ground, of the cells it was given and of nothing else: whoever has all
    divisions knows no more than who has the finest, so that no count that was withheld can be worked out.
    """
    table = gpd.GeoDataFrame(table[["n_incidents", "rate"]].assign(n_cells=1), geometry=table.geometry)
    found, side_m = [table], float(np.sqrt(np.median(table.area)))
    while len(found[-1]) > MOST_CELLS:
        side_m *= 2
        middles = table.geometry.centroid
        squares = [(axis / side_m).map(np.floor).to_numpy() for axis in (middles.x, middles.y)]
        found.append(table.dissolve(by=squares, aggfunc="sum"))
    return found


def _features(cells: gpd.GeoDataFrame, kind: str) -> tuple[dict[str, Any], ...]:
    drawn = cells.assign(band=_bands(cells), expected=cells["rate"] * 7 * _WEEKS)
    drawn = drawn[drawn["band"] < len(SHARES)].sort_values("band", ascending=False, kind="stable")
    return tuple(
        feature(
            shape,
            style={"stroke": False, "fillColor": hues.HEAT[-1 - row.band], "fillOpacity": _OPACITY[row.band]},
            tip=tip(
                counted(row.n_incidents, f"{kind} report"),
                f"{short(row.expected)} more expected in {_WEEKS} weeks",
                f"{row.n_cells:,} cells together: zoom in for each" if row.n_cells > 1 else None,
            ),
        )
        for _, row, shape in rows(drawn)
    )


def _bands(cells: gpd.GeoDataFrame) -> Ints:
    rate = cells["rate"].to_numpy(dtype=float)
    return share_bands(rate, rate / cells.area.to_numpy())


def share_bands(expected: Floats, density: Floats) -> Ints:
    """Return the band of each cell, 0 = densest: how much of all that is expected lies in denser cells.

    Band b begins where the denser cells hold ``SHARES[b - 1]`` of the whole; a cell past the last share has band
    ``len(SHARES)``. Cells of equal density are of one band, so that no order of rows shows.

    Examples
    --------
    >>> share_bands(np.array([50.0, 30, 10, 9, 1]), np.array([50.0, 30, 10, 9, 1])).tolist()
    [0, 2, 3, 4, 5]
    """
    densest_first = np.sort(density)[::-1]
    before = np.concatenate([[0.0], np.cumsum(expected[np.argsort(-density, kind="stable")])])
    held = before[np.searchsorted(-densest_first, -density)] / before[-1]
    bands: Ints = np.searchsorted(SHARES, held, side="right").astype(np.int64)
    return bands


def hotspots(shown: Published) -> list[Layer]:
    """Return a layer a kind: outlined areas where reports gather."""
    table = shown.table("hotspots")
    table = table.assign(name=bridge.hotspot_names(table, shown.table("streets")))
    kinds = sorted(table["kind"].unique())
    return [_hotspots(table[table["kind"] == kind], kind, shown, first=kind == kinds[0]) for kind in kinds]


def _hotspots(table: gpd.GeoDataFrame, kind: str, shown: Published, *, first: bool) -> Layer:
    hue = _HUE[kind]
    style = {"color": hue, "weight": 2.5, "fillColor": hue, "fillOpacity": 0.06}
    style |= {"dashArray": "5 4"} if kind == "overdose" else {}
    features = [
        feature(
            shape,
            id=hotspot,
            style=style,
            tip=tip(
                f"{_NAMES[kind]} hotspot {rank}: {counted(row.n_incidents, 'report')}",
                row.name or None,
                *bridge.facts(row),
                f"first {day(shown.local(row.first_reported_at))}",
                f"last {day(shown.local(row.last_reported_at))}",
            ),
        )
        for rank, (hotspot, row, shape) in enumerate(rows(table), start=1)
    ]
    dashes = ";border-style:dashed" if kind == "overdose" else ""
    swatch = f'<span class="area" style="--hue:{hue}{dashes}"></span>'
    label = entry(swatch, f"{_NAMES[kind]} hotspots", f"{len(table):,} outlined")
    return Layer(label, (geojson(features, "hotspots"),), shown=first)
