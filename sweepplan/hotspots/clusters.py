"""Hotspots as outlined areas: density-based clusters of recency-weighted reports."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, convolve
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry
from sklearn.cluster import DBSCAN, HDBSCAN

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.hotspots.cube import Grid
from sweepplan.hotspots.evidence import evidence
from sweepplan.hotspots.history import ages_d, history, mean_decay, month_days, require_positive
from sweepplan.tables import HOTSPOTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TREND_D = 28
_HECTARE_M2 = 10_000
_DENSER = 1.25
_ROUNDING = 1e-9
_MOST_HDBSCAN = 50_000

METHODS = ("dbscan", "hdbscan")
"""How reports are gathered."""


@dataclass(frozen=True)
class Clusters:
    """DBSCAN (Ester et al. 1996) on weighted cells of 10 m, with a largest size.

    A cell is dense where the recency-weighted reports within ``eps_m`` are at least ``min_weight``, and at least
    ``min_share`` of the city's. Dense cells in reach of each other chain into one cluster; where it grows beyond
    ``largest_ha`` it is clustered again, asking for a quarter more each time, so that it falls apart at its thin spots
    and sheds its fringe.

    Attributes
    ----------
    eps_m : reach of a cell, metres.
    min_weight : recency-weighted reports.
    min_share : of all recency-weighted reports, 0 to 1: the same setting fits a quiet city, a quiet season, overdoses.
    half_life_d : days after which a report weighs half.
    pre_cell_m : side of the cells that reports are gathered in first.
    largest_ha : the size of an outline from which a cluster is taken apart; only an evenly dense one stays larger.
    cell_m : side of the cells that hotspots are tested on, metres.
    method : ``dbscan``, or ``hdbscan``: hierarchical (Campello, Moulavi & Sander 2013), which finds denser and thinner
        clusters beside each other, of ``min_weight`` (and ``min_share``) or more each; for 50,000 reports at most.
    """

    eps_m: float = 60
    min_weight: float = 3
    min_share: float = 0.003
    half_life_d: float = 91
    pre_cell_m: float = 10
    largest_ha: float = 20
    cell_m: float = 100
    method: str = "dbscan"

    def __post_init__(self) -> None:
        for name in ("eps_m", "min_weight", "half_life_d", "pre_cell_m", "largest_ha", "cell_m"):
            require_positive(name, getattr(self, name))
        if not 0 <= self.min_share <= 1:
            raise SettingsError(f"min_share {self.min_share:g}: give a share of all reports, 0 to 1")
        if self.method not in METHODS:
            raise SettingsError(f"clusters by {self.method!r}: one of {', '.join(METHODS)}")


def find_hotspots(
    incidents: gpd.GeoDataFrame, method: Clusters = Clusters(), *, as_of: pd.Timestamp
) -> gpd.GeoDataFrame:
    """Return the HOTSPOTS of the reports known at ``as_of``, heaviest first; no two overlap.

    Each figure of a hotspot is of the reports whose pre-cell lies in its outline, and of those only. ``n_before`` and
    ``trend`` are empty where a month-precise report may have fallen in the last 56 days, ``trend`` also where none fell
    in the 28 days before the last 28. ``p_value`` and ``pattern``: see :func:`sweepplan.hotspots.evidence.evidence`.
    The streets that name a hotspot, the nearest school and the last sweep are not known here.

    Parameters
    ----------
    incidents : INCIDENTS of one kind, on a plane in metres; those not known at ``as_of`` change nothing.

    Returns
    -------
    HOTSPOTS
        Empty where nowhere is dense enough.

    Raises
    ------
    TableError, CrsError, ClockError
        See :func:`sweepplan.hotspots.history.history`.
    """
    known = history(incidents, as_of)
    empty = HOTSPOTS.empty(str(incidents.crs))
    if known.empty:
        return empty
    grid = Grid.over(known.total_bounds, method.pre_cell_m)
    cells = grid.cell_of(known.geometry.x, known.geometry.y)
    cell, of_report = np.unique(cells, return_inverse=True)
    centres = grid.centres_of(cell)
    weight = _weights(known, as_of, method.half_life_d)
    outlines = _outlines(centres, np.bincount(of_report, weight).astype(float), method)
    if not outlines.size:
        return empty
    hotspot = _first_that_holds(outlines, centres)[of_report]
    return _table(known, hotspot, weight, outlines, as_of, method.cell_m)


def _weights(known: gpd.GeoDataFrame, as_of: pd.Timestamp, half_life_d: float) -> Floats:
    monthly = (known["time_precision"] == "month").to_numpy()
    length = np.where(monthly, month_days(known["reported_at"]), 1)
    age = ages_d(known["reported_at"], as_of)
    return mean_decay(np.maximum(age - length, 0), length, half_life_d)


def _outlines(centres: Floats, weight: Floats, method: Clusters) -> NDArray[np.object_]:
    """Return one area a cluster, heaviest first, lighter ones cut back where they would overlap."""
    least = max(method.min_weight, method.min_share * float(weight.sum()))
    near = _near_dense(centres, weight, least, method.eps_m)
    if not near.any():
        return np.empty(0, dtype=object)
    centres, weight = centres[near], weight[near]
    found = sorted(_clusters(centres, weight, least, method), key=lambda cells: -float(weight[cells].sum()))
    outlines: list[BaseGeometry] = []
    for cells in found:
        outlines.append(shapely.difference(_outline(centres[cells], method), shapely.union_all(outlines)))
    return np.array(outlines, dtype=object)


def _near_dense(centres: Floats, weight: Floats, least: float, eps_m: float) -> NDArray[np.bool_]:
    """Return which cells may lie in a cluster; all others are noise, which spares DBSCAN most of a city.

    The squares of side ``eps_m`` next to a cell's own hold all that it reaches: where they hold less than ``least``,
    the cell is not dense.
    """
    squares = Grid.over((*centres.min(axis=0), *centres.max(axis=0)), eps_m)
    square = squares.cell_of(*centres.T)
    held = np.bincount(square, weight, squares.size).reshape(squares.n_y, squares.n_x)
    around = convolve(held, np.ones((3, 3)), mode="constant")
    may_be_dense = around >= least * (1 - _ROUNDING)
    return np.asarray(binary_dilation(may_be_dense, np.ones((3, 3), dtype=np.bool_))).ravel()[square]


def _clusters(centres: Floats, weight: Floats, least: float, method: Clusters) -> list[Ints]:
    """Return the cells of each cluster; one too large, yet evenly dense, stays whole."""
    if method.method == "hdbscan":
        label = _hierarchy(centres, weight, least)
        return [np.flatnonzero(label == cluster) for cluster in range(label.max() + 1)]
    label = _labels(centres, weight / least, method.eps_m)
    found: list[Ints] = []
    for cluster in range(label.max() + 1):
        cells = np.flatnonzero(label == cluster)
        if _outline(centres[cells], method).area <= method.largest_ha * _HECTARE_M2:
            found.append(cells)
        else:
            parts = _clusters(centres[cells], weight[cells], _DENSER * least, method)
            found += [cells[part] for part in parts] or [cells]
    return found


def _labels(centres: Floats, weight: Floats, eps_m: float) -> Ints:
    """Return the cluster of each cell, -1 for noise; a cell is dense where 1 lies within ``eps_m``.

    A cell in reach of dense ones goes with the nearest, not with the first found, so that clusters do not interlace.
    """
    # scikit-learn wants a whole number here, so the weights come in units of the density asked for.
    found = DBSCAN(eps=eps_m, min_samples=1).fit(centres, sample_weight=weight * (1 + _ROUNDING))
    dense = found.core_sample_indices_
    if not dense.size:
        return np.full(len(centres), -1)
    distance_m, nearest = cKDTree(centres[dense]).query(centres)
    return np.where(distance_m <= eps_m, found.labels_[dense[nearest]], -1)


def _hierarchy(centres: Floats, weight: Floats, least: float) -> Ints:
    """Return the cluster of each cell, -1 for noise, by HDBSCAN; a cell stands as often as it weighs, once at least."""
    times = np.maximum(np.rint(weight).astype(np.int64), 1)
    if times.sum() > _MOST_HDBSCAN:
        raise ProblemError(
            f"{times.sum():,} weighted reports are too many for hdbscan: {_MOST_HDBSCAN:,} at most; use dbscan"
        )
    fewest = max(int(np.ceil(least)), 2)
    if times.sum() < fewest:
        return np.full(len(centres), -1)
    found = HDBSCAN(min_cluster_size=fewest, copy=True).fit(np.repeat(centres, times, axis=0))
    first = np.concatenate([[0], np.cumsum(times)[:-1]])
    return np.asarray(found.labels_[first], dtype=np.int64)


def _outline(centres: Floats, method: Clusters) -> BaseGeometry:
    wide = shapely.union_all(shapely.buffer(shapely.points(centres), method.eps_m))
    return shapely.simplify(shapely.buffer(wide, -method.eps_m / 2), method.pre_cell_m / 2)


def _first_that_holds(outlines: NDArray[np.object_], centres: Floats) -> Ints:
    """Return for each point the first area that holds it, -1 where none does."""
    point, area = shapely.STRtree(outlines).query(shapely.points(centres), predicate="intersects")
    held = np.full(len(centres), len(outlines))
    np.minimum.at(held, point, area)
    return np.where(held < len(outlines), held, -1)


def _table(
    known: gpd.GeoDataFrame,
    hotspot: Ints,
    weight: Floats,
    outlines: NDArray[np.object_],
    as_of: pd.Timestamp,
    cell_m: float,
) -> gpd.GeoDataFrame:
    inside = hotspot >= 0
    rows = pd.DataFrame({"hotspot": hotspot, "weight": weight, "at": known["reported_at"].array})[inside]
    by = rows.groupby("hotspot")
    n_last, n_before = _last_and_before(known, hotspot, len(outlines), as_of)
    tested = evidence(known, hotspot, len(outlines), as_of=as_of, cell_m=cell_m)
    held = by.size().index
    table = gpd.GeoDataFrame(
        {
            "kind": str(known["kind"].iloc[0]),
            "name": "",
            "n_incidents": by.size(),
            "weight": by["weight"].sum(),
            "n_last": n_last[held],
            "n_before": n_before[held],
            "trend": np.where(n_before > 0, n_last / np.where(n_before > 0, n_before, 1), np.nan)[held],
            "pattern": tested["pattern"].to_numpy()[held],
            "p_value": tested["p_value"].to_numpy()[held],
            "swept_d": np.nan,
            "near": pd.Series(None, index=held, dtype="str"),
            "first_reported_at": by["at"].min(),
            "last_reported_at": by["at"].max(),
        },
        geometry=outlines[held],
        crs=known.crs,
    ).sort_values("weight", ascending=False, kind="stable")
    table["pattern"] = table["pattern"].astype("str")
    digits = max(2, len(str(len(table))))
    names = [f"hotspot-{rank:0{digits}d}" for rank in range(1, len(table) + 1)]
    return HOTSPOTS.check(table.set_index(pd.Index(names, dtype="str", name=HOTSPOTS.index)))


def _last_and_before(known: gpd.GeoDataFrame, hotspot: Ints, n: int, as_of: pd.Timestamp) -> tuple[Ints, Floats]:
    """Return reports of the last 28 days and of the 28 before; the latter empty where a month may hide some."""
    age = ages_d(known["reported_at"], as_of)
    inside = hotspot >= 0
    last, before = (
        np.bincount(hotspot[inside & (age > a) & (age <= a + _TREND_D)], minlength=n) for a in (0, _TREND_D)
    )
    monthly = (known["time_precision"] == "month").to_numpy()
    blurred = inside & monthly & (age - month_days(known["reported_at"]).to_numpy() < 2 * _TREND_D)
    return last, np.where(np.bincount(hotspot[blurred], minlength=n) == 0, before, np.nan)
