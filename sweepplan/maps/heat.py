"""Where reports gather: cells by rate, and outlined hotspots."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, entry, feature, rows
from sweepplan.maps.page import geojson
from sweepplan.maps.words import counted, day, short, tip
from sweepplan.privacy import Published

_WEEKS = 4
_NAMES = {"needle": "Needle", "overdose": "Overdose"}
_HUE = {"needle": hues.ACCENT, "overdose": hues.OVERDOSE}


def cells(shown: Published) -> list[Layer]:
    """Return a layer a kind: cells that expect reports, by how many."""
    table = shown.table("cells")
    table = table[table["rate"] > 0]
    kinds = sorted(table["kind"].unique())
    return [_cells(table[table["kind"] == kind], kind, shown=kind == kinds[0]) for kind in kinds]


def _cells(table: gpd.GeoDataFrame, kind: str, *, shown: bool) -> Layer:
    expected = table["rate"].to_numpy(dtype=float) * 7 * _WEEKS
    breaks = np.unique(np.quantile(expected, np.linspace(0, 1, len(hues.HEAT) + 1)))
    ramp = hues.HEAT[-max(len(breaks) - 1, 1) :]
    shade = np.clip(np.searchsorted(breaks, expected, side="right") - 1, 0, len(ramp) - 1)
    features = [
        feature(
            shape,
            style={"stroke": False, "fillColor": ramp[shade[k]], "fillOpacity": 0.8},
            tip=tip(
                counted(row.n_incidents, f"{kind} report"), f"{short(expected[k])} more expected in {_WEEKS} weeks"
            ),
        )
        for k, (_, row, shape) in enumerate(rows(table))
    ]
    steps = "".join(f'<i style="background:{colour}"></i>' for colour in ramp)
    span = " to ".join(dict.fromkeys(short(value) for value in (breaks[0], breaks[-1])))
    label = entry("", f"{_NAMES[kind]} reports expected", f"{span} a cell in {_WEEKS} weeks")
    label = label.replace("<small>", f'<span class="ramp">{steps}</span><small>', 1)
    return Layer(label, (geojson(features, "cells"),), shown=shown)


def hotspots(shown: Published) -> list[Layer]:
    """Return a layer a kind: outlined areas where reports gather."""
    table = shown.table("hotspots")
    kinds = sorted(table["kind"].unique())
    return [_hotspots(table[table["kind"] == kind], kind, shown, first=kind == kinds[0]) for kind in kinds]


def _hotspots(table: gpd.GeoDataFrame, kind: str, shown: Published, *, first: bool) -> Layer:
    hue = _HUE[kind]
    style = {"color": hue, "weight": 2.5, "fillColor": hue, "fillOpacity": 0.06}
    style |= {"dashArray": "5 4"} if kind == "overdose" else {}
    features = [
        feature(
            shape,
            style=style,
            tip=tip(
                f"{_NAMES[kind]} hotspot {rank}: {counted(row.n_incidents, 'report')}",
                _trend(row.trend),
                f"first {day(shown.local(row.first_reported_at))}",
                f"last {day(shown.local(row.last_reported_at))}",
            ),
        )
        for rank, (_, row, shape) in enumerate(rows(table), start=1)
    ]
    dashes = ";border-style:dashed" if kind == "overdose" else ""
    swatch = f'<span class="area" style="--hue:{hue}{dashes}"></span>'
    label = entry(swatch, f"{_NAMES[kind]} hotspots", f"{len(table):,} outlined")
    return Layer(label, (geojson(features, "hotspots"),), shown=first)


def _trend(ratio: float) -> str | None:
    """Return the ratio of the last 28 days to the 28 before, in words.

    Examples
    --------
    >>> _trend(1.4)
    'last 4 weeks: +40% on the 4 before'
    """
    return None if pd.isna(ratio) else f"last 4 weeks: {ratio - 1:+.0%} on the 4 before"
