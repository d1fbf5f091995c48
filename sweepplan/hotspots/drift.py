"""Where the map changed since last month: places that rose over the last days, and hotspots that fell."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.stats import nbinom

from sweepplan.geo import Area
from sweepplan.hotspots.alerts import Alarm, watch
from sweepplan.hotspots.history import ages_d, history
from sweepplan.hotspots.scan import Scan
from sweepplan.tables import ALERTS, HOTSPOTS

RISEN, FALLEN = "risen", "fallen"

_BUDGET = 12.0
_WINDOWS_D = (3, 7, 14)
_LAG_D = 14
_MOST = 5
_FEWEST = 3
_LAST_D = 28
_BEFORE_D = 84
_LEAST_P = 0.1


def drift(
    incidents: gpd.GeoDataFrame, hotspots: gpd.GeoDataFrame, area: Area, alarm: Alarm, *, as_of: pd.Timestamp
) -> gpd.GeoDataFrame:
    """Return ALERTS of what changed: at most five places that rose (``method`` risen) and five hotspots that fell.

    A place rose where the space-time scan of the last 3, 7 and 14 days finds three reports or more, and as much as a
    usual day brings once: the five foremost are a list to look at, not alarms. A hotspot fell where so few reports in
    28 days, against the 84 days before and the city's change, come by chance one time in ten or less.

    Parameters
    ----------
    incidents : INCIDENTS of one kind on the area's plane.
    hotspots : HOTSPOTS of them.
    alarm : how this kind is watched.

    Raises
    ------
    ProblemError
        Too few reports have a day; see :func:`sweepplan.hotspots.alerts.watch`.
    """
    radii = tuple(2 / 3 * radius for radius in alarm.scan.radii_m)
    slow = Scan(radii, _WINDOWS_D, _LAG_D, alarm.scan.floor, alarm.scan.dispersion)
    found = watch(incidents, area, dataclasses.replace(alarm, method="scan", budget=_BUDGET, scan=slow), as_of=as_of)
    enough = found.alerts["n_incidents"] >= _FEWEST
    risen = found.alerts[enough].head(_MOST).assign(method=RISEN)
    risen.index = risen.index.str.replace("-scan-", f"-{RISEN}-")
    fallen = _fallen(history(incidents, as_of, plane=area.crs), hotspots, as_of)
    parts = [table for table in (risen, fallen) if len(table)]
    return ALERTS.check(gpd.GeoDataFrame(pd.concat(parts), crs=area.crs)) if parts else ALERTS.empty(area.crs)


def _fallen(known: gpd.GeoDataFrame, hotspots: gpd.GeoDataFrame, as_of: pd.Timestamp) -> gpd.GeoDataFrame:
    HOTSPOTS.check(hotspots)
    dated = known[known["time_precision"] != "month"]
    age = ages_d(dated["reported_at"], as_of)
    if hotspots.empty or age.max(initial=0) < _LAST_D + _BEFORE_D:
        return ALERTS.empty(str(known.crs))
    last, before = age <= _LAST_D, (age > _LAST_D) & (age <= _LAST_D + _BEFORE_D)
    hotspot, report = shapely.STRtree(dated.geometry.to_numpy()).query(hotspots.geometry, predicate="contains")
    now, then = (np.bincount(hotspot[which[report]], minlength=len(hotspots)) for which in (last, before))
    ratio = last.sum() / max(before.sum(), 1)
    expected = then * ratio
    # Of `then` reports, each followed by `ratio`: the counts now are negative binomial with that size.
    p = np.where(then > 0, nbinom.cdf(now, np.maximum(then, 1), 1 / (1 + ratio)), 1.0)
    order = [k for k in np.argsort(p, kind="stable") if p[k] <= _LEAST_P][:_MOST]
    fell = hotspots.iloc[order]
    table = gpd.GeoDataFrame(
        {
            "kind": fell["kind"],
            "method": FALLEN,
            "name": "",
            "since": pd.Series(as_of - pd.Timedelta(days=_LAST_D), index=fell.index).astype("datetime64[us, UTC]"),
            "days": _LAST_D,
            "n_incidents": now[order].astype(float),
            "expected": expected[order],
        },
        geometry=fell.geometry,
    )
    ids = [f"{FALLEN}-{hotspot}" for hotspot in fell.index]
    return ALERTS.check(table.set_axis(pd.Index(ids, dtype="str", name=ALERTS.index)))
