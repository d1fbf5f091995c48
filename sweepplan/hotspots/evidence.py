"""What speaks for a hotspot: how unlikely its counts are by chance, and how it came about."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from sweepplan.hotspots.cube import Grid
from sweepplan.hotspots.emerging import hot_and_cold, patterns
from sweepplan.hotspots.history import ages_d, month_days
from sweepplan.hotspots.significance import gi_star_p, q_values

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

REACH_M = 400.0
"""Cells within this of any report make up the area that counts are compared over."""

_TESTED_D = 91
_PERIOD_D = 28
_STEP_D = 7
_N_PERIODS = 52
_FEWEST_PERIODS = 4


def evidence(
    known: gpd.GeoDataFrame, hotspot: Ints, n_hotspots: int, *, as_of: pd.Timestamp, cell_m: float
) -> pd.DataFrame:
    """Return the p-value and the pattern of each hotspot.

    ``p_value`` is the smallest exact p-value of Gi* among the cells that hold the hotspot's reports of the last 91
    days, adjusted over all cells of the city; counts are taken in steps of doubling, so that one huge cell hides no
    other. ``pattern`` is the class of the hotspot by
    :func:`sweepplan.hotspots.emerging.patterns`: a period is four weeks, one ends each week, and the hotspot is hot in
    it where one of its cells is. Reports without a day have no part in it; it is empty where the reports with one
    fill fewer than four periods.

    Parameters
    ----------
    known : the reports of one kind that are known at ``as_of``.
    hotspot : the hotspot each report lies in, -1 for none.
    cell_m : side of the cells counted on, metres.

    Returns
    -------
    Columns ``p_value`` (NaN where no report is of the last 91 days) and ``pattern`` (None), one row a hotspot.
    """
    x, y = shapely.get_coordinates(known.geometry.to_numpy()).T
    margin = REACH_M + cell_m
    grid = Grid.over((x.min() - margin, y.min() - margin, x.max() + margin, y.max() + margin), cell_m)
    cell = grid.cell_of(x, y)
    within = _near(cell, grid)
    age = ages_d(known["reported_at"], as_of)
    monthly = (known["time_precision"] == "month").to_numpy()
    recent = np.where(monthly, age - month_days(known["reported_at"]).to_numpy(), age) < _TESTED_D
    q = np.full(grid.size, np.nan)
    q[within.ravel()] = q_values(gi_star_p(_steps(_counts(cell[recent], grid)), within=within)[within])
    p_value = np.full(n_hotspots, np.nan)
    mine = recent & (hotspot >= 0)
    np.fmin.at(p_value, hotspot[mine], q[cell[mine]])
    found = _patterns(cell, age, monthly, hotspot, within, grid, n_hotspots)
    return pd.DataFrame({"p_value": p_value, "pattern": pd.Series(found, dtype="str")})


def _patterns(
    cell: Ints, age: Floats, monthly: Bools, hotspot: Ints, within: Bools, grid: Grid, n_hotspots: int
) -> list[str | None]:
    dated_d = float(age[~monthly].max(initial=0)) if not monthly.any() else float(age[monthly].min()) - 31
    n = min(_N_PERIODS, int((dated_d - _PERIOD_D) // _STEP_D) + 1)
    if n < _FEWEST_PERIODS:
        return [None] * n_hotspots
    counts = np.zeros((n, grid.n_y, grid.n_x))
    for period in range(n):
        old = _STEP_D * (n - 1 - period)
        counts[period] = _counts(cell[~monthly & (age > old) & (age <= old + _PERIOD_D)], grid)
    state, z = hot_and_cold(_steps(counts), within=within)
    pairs = np.unique(np.stack([hotspot, cell])[:, hotspot >= 0], axis=1)
    hot = np.zeros((n, n_hotspots), dtype=np.int8)
    score = np.full((n, n_hotspots), -np.inf)
    for period in range(n):
        np.maximum.at(hot[period], pairs[0], state[period].ravel()[pairs[1]])
        np.maximum.at(score[period], pairs[0], z[period].ravel()[pairs[1]])
    return [str(name) or None for name in patterns(hot, score)]


def _steps(counts: Floats) -> Floats:
    """Return counts in quarter steps of doubling: exchangeable as they are, and one huge cell hides no other."""
    return np.round(4 * np.log2(1 + counts))


def _counts(cell: Ints, grid: Grid) -> Floats:
    return np.bincount(cell, minlength=grid.size).reshape(grid.n_y, grid.n_x).astype(np.float64)


def _near(cell: Ints, grid: Grid) -> Bools:
    held = _counts(cell, grid) > 0
    return np.asarray(distance_transform_edt(~held, sampling=grid.cell_m) <= REACH_M)
