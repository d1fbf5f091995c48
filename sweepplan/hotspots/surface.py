"""The ranking: how many reports a day each cell expects, by a recency-weighted kernel density."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sweepplan.geo import Area
from sweepplan.hotspots.cube import Cube, Grid, days_of
from sweepplan.hotspots.history import history, mean_decay, require_positive
from sweepplan.tables import CELLS

Floats = NDArray[np.float64]

_LEAST_SHARE = 1e-6


@dataclass(frozen=True)
class Recency:
    """Recency-weighted kernel density.

    The defaults lose less than .01 of next-week hit rate against the best setting in Boston; where coordinates are
    jittered or reports are few, 182-365 days and 100-200 m do better.

    Attributes
    ----------
    half_life_d : days after which a report weighs half; ``inf`` = all weigh the same.
    sigma_m : standard deviation of the Gaussian kernel, metres; 0 = none.
    cell_m : side of a cell, metres.
    """

    half_life_d: float = 91
    sigma_m: float = 50
    cell_m: float = 100

    def __post_init__(self) -> None:
        require_positive("half_life_d", self.half_life_d)
        require_positive("cell_m", self.cell_m)
        if self.sigma_m:
            require_positive("sigma_m", self.sigma_m)


def rate_surface(
    incidents: gpd.GeoDataFrame, area: Area, method: Recency = Recency(), *, as_of: pd.Timestamp
) -> gpd.GeoDataFrame:
    """Return the CELLS of the area where reports are expected, with their rate in reports a day.

    The rates sum to the city's recency-weighted reports a day. Cells that hold no report and less than 1e-6 of the
    total are left out. Reports outside the boundary's bounding box lie on no cell. With an ``as_of`` within a day, the
    part of that day gone by counts as a day.

    Parameters
    ----------
    incidents : INCIDENTS of one kind on the area's plane; those not known at ``as_of`` change nothing.
    method : ``Recency()`` where it is not given.

    Returns
    -------
    CELLS
        Highest rate first; empty where nothing is known at ``as_of``. ``n_incidents``: all reports known by then.

    Raises
    ------
    TableError, CrsError, ClockError
        See :func:`sweepplan.hotspots.history.history`.
    """
    method = method or Recency()
    known = history(incidents, as_of, plane=area.crs)
    cube = Cube.build(known, Grid.over(area, method.cell_m), area.tz)
    if not cube.cell.size:
        return CELLS.empty(area.crs)
    today = int(days_of(pd.Series([area.local(as_of - pd.Timedelta(1, "us")).tz_localize(None)]))[0]) + 1
    rate = smoothed(cube, today, method) / exposure_d(cube, today, method.half_life_d)
    n_incidents = cube.counts(int(cube.first_day[0]), today + 1)
    return cell_table(
        rate, np.rint(n_incidents).astype(np.int64), cube.grid, kind=str(known["kind"].iloc[0]), crs=area.crs
    )


def smoothed(cube: Cube, as_of_day: int, method: Recency) -> Floats:
    """Return recency-weighted reports per cell, spread by the kernel; shape (grid.size,). Their sum is kept."""
    grid = cube.grid
    weight = cube.decayed(as_of_day, method.half_life_d).reshape(grid.n_y, grid.n_x)
    return gaussian_filter(weight, method.sigma_m / grid.cell_m, mode="reflect").ravel()


def exposure_d(cube: Cube, as_of_day: int, half_life_d: float) -> float:
    """Return the days from the first report to ``as_of_day``, each weighed as a report of that day."""
    length = np.array([float(as_of_day - cube.first_day[0])])
    return float(length[0] * mean_decay(np.zeros(1), length, half_life_d)[0])


def cell_table(rate: Floats, n_incidents: NDArray[np.int64], grid: Grid, *, kind: str, crs: str) -> gpd.GeoDataFrame:
    """Return CELLS, highest rate first; cells that hold no report and next to no rate are left out, the sum is kept."""
    total = rate.sum()
    kept = np.flatnonzero((rate > _LEAST_SHARE * total) | (n_incidents > 0))
    kept = kept[np.argsort(-rate[kept], kind="stable")]
    return gpd.GeoDataFrame(
        {"kind": kind, "n_incidents": n_incidents[kept], "rate": rate[kept] * (total / rate[kept].sum())},
        geometry=grid.polygons(kept),
        index=pd.Index(grid.names(kept), dtype="str", name=CELLS.index),
        crs=crs,
    )
