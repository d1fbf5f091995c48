"""Did the kiosks work? Reports around them and around other hot spots, by band of distance and period."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from sweepplan.errors import ProblemError
from sweepplan.geo import Area
from sweepplan.judging import EffectStudy
from sweepplan.model import Floats, Ints
from sweepplan.tables import INCIDENTS, SITES

_CELL_M = 50.0


def effect_study(
    incidents: gpd.GeoDataFrame,
    area: Area,
    *,
    kiosks: gpd.GeoDataFrame,
    installed: pd.Series,
    bands_m: tuple[float, ...] = (100.0, 200.0),
    factor: float = 1.25,
    until: pd.Timestamp,
    most_controls: int = 60,
) -> EffectStudy:
    """Count reports by calendar month around kiosks and around hot spots like theirs that have none.

    Bands are of walks, taken as ``factor`` times the straight line. A kiosk's month of installation counts as after.
    Comparison spots are the hottest places two bands and more from any kiosk, with 1/6 to 3 times as many reports
    before the first kiosk as the kiosks' own spots. Months are the finest time that all feeds have.

    Parameters
    ----------
    incidents : tables.INCIDENTS of one kind.
    kiosks : tables.SITES of the kiosks asked about, and of all others that stand.
    installed : by ``site_id`` of the kiosks asked about, when each was installed (UTC).
    until : nothing reported from the month of this moment on is used.

    Raises
    ------
    ProblemError
        A kiosk without months before or after, or too few hot spots to compare with.
    """
    table = INCIDENTS.check(incidents, plane=area.crs)
    SITES.check(kiosks, plane=area.crs)
    month = table["reported_at"].dt.tz_convert(area.tz).dt.tz_localize(None).dt.to_period("M")
    first, last = month.min(), until.tz_convert(area.tz).tz_localize(None).to_period("M")
    kept = (month < last).to_numpy()
    xy = np.column_stack([table.geometry.x, table.geometry.y])[kept]
    period = (month[kept].astype("int64") - first.ordinal).to_numpy()
    n_periods = last.ordinal - first.ordinal
    starts = [_start(site, at, area, first, n_periods) for site, at in installed.items()]
    edges = tuple(band / factor for band in bands_m)
    own = kiosks.loc[installed.index]
    spots = np.column_stack([own.geometry.x, own.geometry.y])
    taken = np.column_stack([kiosks.geometry.x, kiosks.geometry.y])
    treated = _counts(spots, xy, period, edges, n_periods)
    before = period < min(starts)
    early = [int(treated[i, :, : min(starts)].sum()) for i in range(len(starts))]
    if not any(early):
        raise ProblemError("effect: no report near these kiosks before they came: nothing could have fallen")
    centres = _hot(xy[before], taken, edges[-1], (min(early) / 6, max(early) * 3), most_controls)
    return EffectStudy(treated, _counts(centres, xy, period, edges, n_periods), tuple(starts), bands_m)


def _start(site: object, at: pd.Timestamp, area: Area, first: pd.Period, n_periods: int) -> int:
    start = at.tz_convert(area.tz).tz_localize(None).to_period("M").ordinal - first.ordinal
    if not 0 < start < n_periods:
        raise ProblemError(f"effect: kiosk {site!r} came in {at:%Y-%m}: give reports from before and after that month")
    return int(start)


def _counts(spots: Floats, xy: Floats, period: Ints, edges: tuple[float, ...], n: int) -> Ints:
    """Return reports by spot, band and period."""
    counts = np.zeros((len(spots), len(edges), n), dtype=np.int64)
    tree = cKDTree(xy)
    for i, spot in enumerate(spots):
        near = np.array(tree.query_ball_point(spot, edges[-1]), dtype=np.int64)
        band = np.searchsorted(edges, np.hypot(*(xy[near] - spot).T))
        np.add.at(counts[i], (band, period[near]), 1)
    return counts


def _hot(xy: Floats, taken: Floats, reach_m: float, level: tuple[float, float], most: int) -> Floats:
    """Return the hottest spots, two reaches from ``taken`` and one from each other, with reports between the levels."""
    cell = np.floor(xy / _CELL_M).astype(np.int64)
    _, of, counts = np.unique(cell, axis=0, return_inverse=True, return_counts=True)
    n = counts.size
    spots = np.column_stack([np.bincount(of.ravel(), xy[:, i], n) / counts for i in (0, 1)])
    tree, found = cKDTree(xy), np.zeros((0, 2))
    for spot in spots[np.argsort(-counts, kind="stable")]:
        if len(taken) and np.hypot(*(taken - spot).T).min() < 2 * reach_m:
            continue
        if len(found) and np.hypot(*(found - spot).T).min() < reach_m:
            continue
        if level[0] <= len(tree.query_ball_point(spot, reach_m)) <= level[1]:
            found = np.vstack([found, spot])
        if len(found) == most:
            break
    return found
