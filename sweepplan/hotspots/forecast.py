"""The forecast: reports expected in each cell a day, the blend's share times the city's level, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import gamma

from sweepplan.geo import Area
from sweepplan.hotspots.blend import Blend, Plane, Shares
from sweepplan.hotspots.cube import Cube, Grid, days_of
from sweepplan.hotspots.history import history
from sweepplan.hotspots.level import Days, Level, expect
from sweepplan.hotspots.lixels import STREETS, Lixels
from sweepplan.hotspots.surface import cell_table
from sweepplan.tables import CELLS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MEMORY_D = 131.0  # days that a half-life of 91 d holds in all: what a rate is backed by


@dataclass(frozen=True, eq=False)
class Forecast:
    """What is expected from a moment on.

    Attributes
    ----------
    cells : CELLS, highest rate first; ``rate`` is the mean of the days ahead, ``rate_low`` to ``rate_high`` holds it
        with the level's cover. Rates sum to the level.
    days : the whole city a day, and in all; None where nothing is known yet.
    """

    cells: gpd.GeoDataFrame
    days: Days | None


def forecast(
    incidents: gpd.GeoDataFrame,
    area: Area,
    *,
    as_of: pd.Timestamp,
    horizon_d: int = 7,
    method: Blend | None = None,
    level: Level | None = None,
) -> Forecast:
    """Return the reports expected in the ``horizon_d`` days from ``as_of`` on, in each cell and in all.

    Days begin at midnight: with an ``as_of`` within a day, the part of that day gone by counts as a day.

    Parameters
    ----------
    incidents : INCIDENTS of one kind on the area's plane; those not known at ``as_of`` change nothing.

    Raises
    ------
    TableError, CrsError, ClockError
        See :func:`sweepplan.hotspots.history.history`.
    SettingsError
        No day ahead.
    """
    method, level = method or Blend(), level or Level()
    known = history(incidents, as_of, plane=area.crs)
    plane = Plane(Grid.over(area, method.cell_m))
    cube = Cube.build(known, plane.fine, area.tz)
    if not cube.cell.size:
        return Forecast(CELLS.empty(area.crs), None)
    today = _today(area, as_of)
    days = expect(cube, today, horizon_d, level)
    rate = Shares(cube, plane, method, horizon_d).at(today) * days.total / horizon_d
    all_known = plane.spread(cube.counts(int(cube.first_day[0]), today + 1)[None], 0)[0]
    kind = str(known["kind"].iloc[0])
    cells = cell_table(rate, np.rint(all_known).astype(np.int64), plane.cells, kind=kind, crs=area.crs)
    low, high = rate_interval(cells["rate"].to_numpy(), days.total_spread, level.cover)
    return Forecast(CELLS.check(cells.assign(rate_low=low, rate_high=high)), days)


def street_forecast(
    incidents: gpd.GeoDataFrame,
    area: Area,
    ground: Lixels,
    piece: Ints,
    *,
    as_of: pd.Timestamp,
    horizon_d: int = 7,
    method: Blend | None = None,
    level: Level | None = None,
) -> pd.DataFrame:
    """Return the reports expected a day on each piece of street, with kernels along the streets.

    Parameters
    ----------
    incidents : INCIDENTS of one kind; see :func:`forecast`.
    piece : shape (n,), the piece that each incident lies on; -1 = none, which plays no part.

    Returns
    -------
    DataFrame
        One row a piece: ``rate``, ``rate_low``, ``rate_high``; zero where nothing is known yet.
    """
    known = incidents.index.get_indexer(history(incidents, as_of, plane=area.crs).index)
    known = known[piece[known] >= 0]
    cube = Cube.build(incidents.iloc[known], ground.fine, area.tz, cell=piece[known])
    if not cube.cell.size:
        return pd.DataFrame(0.0, index=range(len(ground.xy)), columns=["rate", "rate_low", "rate_high"])
    today, level = _today(area, as_of), level or Level()
    days = expect(cube, today, horizon_d, level)
    rate = Shares(cube, ground, method or STREETS, horizon_d).at(today) * days.total / horizon_d
    low, high = rate_interval(rate, days.total_spread, level.cover)
    return pd.DataFrame({"rate": rate, "rate_low": low, "rate_high": high})


def _today(area: Area, as_of: pd.Timestamp) -> int:
    """Return the first day of the city's clock that nothing is known of."""
    return int(days_of(pd.Series([area.local(as_of - pd.Timedelta(1, "us")).tz_localize(None)]))[0]) + 1


def rate_interval(rate: Floats, spread: float, cover: float) -> tuple[Floats, Floats]:
    """Return the ends of the interval of rates, reports a day, shape (n,) each: a gamma's quantiles.

    Its variance is that of the level, ``spread`` rate², and of the reports that back the rate, rate / 131 d: where few
    reports came the interval is wide beside the rate.

    Examples
    --------
    >>> [end.round(2).tolist() for end in rate_interval(np.array([0.01, 1.0]), 0.05, 0.8)]
    [[0.0, 0.71], [0.02, 1.32]]
    """
    relative = spread + 1 / np.maximum(rate * _MEMORY_D, 1e-9)
    tail = (1 - cover) / 2
    low, high = (np.asarray(gamma.ppf(q, 1 / relative, scale=rate * relative)) for q in (tail, 1 - tail))
    return np.minimum(np.nan_to_num(low), rate), np.maximum(np.nan_to_num(high), rate)
