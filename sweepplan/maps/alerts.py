"""Alerts: where more was reported in the last days than expected."""

from __future__ import annotations

import geopandas as gpd

from sweepplan import bridge
from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, entry, feature, geojson, rows
from sweepplan.maps.words import day, tip
from sweepplan.privacy import Published


def alerts(shown: Published) -> list[Layer]:
    """Return the alerts, and what changed since last month, as a layer of areas each; none where there is nothing."""
    table, streets = shown.table("alerts"), shown.table("streets")
    if table.empty:
        return []
    table = table.assign(name=bridge.alert_names(table, streets if len(streets) else None, shown.area))
    changed = table["method"].isin(["risen", "fallen"])
    now, then = table[~changed], table[changed]
    return [
        *([_layer(now, shown, "Alerts", "more reports than expected")] if len(now) else []),
        *([_layer(then, shown, "Changed since last month", f"{len(then)} places")] if len(then) else []),
    ]


def _layer(table: gpd.GeoDataFrame, shown: Published, title: str, line: str) -> Layer:
    style = {"color": hues.ALERT, "weight": 3, "fillColor": hues.ALERT, "fillOpacity": 0.12}
    features = [
        feature(
            shape, id=alert, style=style, tip=tip(bridge.alert_message(row), f"since {day(shown.local(row.since))}")
        )
        for alert, row, shape in rows(table)
    ]
    swatch = f'<span class="area" style="--hue:{hues.ALERT}"></span>'
    return Layer(entry(swatch, title, line), (geojson(features, "hotspots"),))
