"""Alerts: where more was reported in the last days than expected."""

from __future__ import annotations

from sweepplan import bridge
from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, entry, feature, geojson, rows
from sweepplan.maps.words import day, tip
from sweepplan.privacy import Published


def alerts(shown: Published) -> list[Layer]:
    """Return the alerts as one layer of areas; none where there is no alert."""
    table, streets = shown.table("alerts"), shown.table("streets")
    if table.empty:
        return []
    table = table.assign(name=bridge.alert_names(table, streets if len(streets) else None, shown.area))
    style = {"color": hues.ALERT, "weight": 3, "fillColor": hues.ALERT, "fillOpacity": 0.12}
    features = [
        feature(
            shape, id=alert, style=style, tip=tip(bridge.alert_message(row), f"since {day(shown.local(row.since))}")
        )
        for alert, row, shape in rows(table)
    ]
    swatch = f'<span class="area" style="--hue:{hues.ALERT}"></span>'
    label = entry(swatch, "Alerts", "more reports than expected")
    return [Layer(label, (geojson(features, "hotspots"),))]
