"""Alerts in words: what a message says, always of an area."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd

from sweepplan.bridge.surroundings import street_names
from sweepplan.geo import WGS84, Area

_WHAT = {"needle": "needle reports", "overdose": "overdose calls"}


def alert_names(alerts: gpd.GeoDataFrame, streets: gpd.GeoDataFrame | None, area: Area) -> pd.Series:
    """Return what the place of each alert is called: by its streets, else by its degrees to about a kilometre.

    An alert of the whole area bears the area's name.
    """
    if alerts.empty:
        return alerts["name"]
    names = street_names(alerts, streets)
    middle = gpd.GeoSeries(alerts.geometry.centroid, crs=alerts.crs).to_crs(WGS84)
    degrees = [
        f"{abs(y):.2f}° {'N' if y >= 0 else 'S'}, {abs(x):.2f}° {'E' if x >= 0 else 'W'}"
        for x, y in zip(middle.x, middle.y, strict=True)
    ]
    names = names.mask(names == "", pd.Series(degrees, index=alerts.index, dtype="str"))
    return names.mask(alerts.geometry.covers(area.boundary), area.name)


def alert_message(alert: Any) -> str:
    """Return one sentence without its full stop.

    Parameters
    ----------
    alert : a named row of ALERTS, as ``itertuples`` gives it; where its counts are withheld the sentence has none.

    Examples
    --------
    >>> row = dict(kind="needle", name="Mass Ave & Albany St", days=3, n_incidents=9.0, expected=2.13, method="scan")
    >>> alert_message(next(pd.DataFrame([row]).itertuples()))
    'More needle reports than expected around Mass Ave & Albany St: 9 in 3 days, 2.1 expected'
    >>> one = {**row, "kind": "overdose", "days": 1, "n_incidents": float("nan")}
    >>> alert_message(next(pd.DataFrame([one]).itertuples()))
    'More overdose calls than expected around Mass Ave & Albany St in the last 24 hours'
    """
    where = "in" if alert.method == "county" else "around"
    more = "Fewer" if alert.method == "fallen" else "More"
    said = f"{more} {_WHAT[alert.kind]} than expected {where} {alert.name or 'a place without a name'}"
    days = "24 hours" if alert.days == 1 else f"{alert.days} days"
    if pd.isna(alert.n_incidents):
        return f"{said} in the last {days}"
    expected = f"{alert.expected:.1f}" if alert.expected >= 0.1 else "fewer than 0.1"
    return f"{said}: {alert.n_incidents:,.0f} in {days}, {expected} expected"
