"""Where reports gather: cells by rate, and outlined hotspots."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from sweepplan import bridge
from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, entry, feature, geojson, rows
from sweepplan.maps.words import counted, day, short, tip
from sweepplan.model import Floats, Ints
from sweepplan.privacy import Published

_WEEKS = 4
_NAMES = {"needle": "Needle", "overdose": "Overdose"}
SHARES = (0.25, 0.5, 0.75, 0.9, 0.98)
"""Cells are shaded by the share of all reports expected that denser cells hold; past the last they are left blank."""

MOST_CELLS = 1000
"""So many cells are drawn, the densest: a browser slows down beyond some 2,000 shapes a map."""

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
    expected = table["rate"].to_numpy(dtype=float) * 7 * _WEEKS
    area_m2 = table.area.to_numpy()
    bands = share_bands(expected, expected / area_m2)
    dense = np.argsort(-expected / area_m2, kind="stable")[:MOST_CELLS]
    dense = dense[bands[dense] < len(SHARES)]
    drawn = table.assign(band=bands, expected=expected).iloc[dense].sort_values("band", ascending=False)
    features = [
        feature(
            shape,
            style={"stroke": False, "fillColor": hues.HEAT[-1 - row.band], "fillOpacity": _OPACITY[row.band]},
            tip=tip(
                counted(row.n_incidents, f"{kind} report"), f"{short(row.expected)} more expected in {_WEEKS} weeks"
            ),
        )
        for _, row, shape in rows(drawn)
    ]
    steps = "".join(f'<i style="background:{colour}"></i>' for colour in hues.HEAT)
    darkest = area_m2[bands <= _HALF].sum() / 1e6
    label = entry("", f"{_NAMES[kind]} reports expected", f"half of them in the two darkest: {short(darkest)} km²")
    label = label.replace("<small>", f'<span class="ramp">{steps}</span><small>', 1)
    return Layer(label, (geojson(features, "cells"),), shown=shown)


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
