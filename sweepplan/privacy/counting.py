"""Reports counted so that no small count can be worked out.

There is one release: for each calendar half-year the city is a tree of halved rectangles, and a rectangle is halved
only where either half holds no report or ``min_count`` at least. So every report is in some shown count, nothing is
hidden beside a total, and each shown count is 0 or ``min_count`` at least (generalisation in place of suppression, as
in LeFevre et al. 2006, with lines that no report moves). What is coarser (larger cells, whole years) is made of sums of
that release alone, so that it tells nothing new to one who has both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sweepplan.errors import TableError
from sweepplan.geo import Area
from sweepplan.privacy.policy import FINEST_M, HALF_YEAR, Policy
from sweepplan.tables import CELLS, HOTSPOTS

Ints = NDArray[np.int64]

_ORIGIN_M = 1000
_DENSER = 2.0

Window = tuple[pd.Timestamp, pd.Timestamp]
"""Start and end (not within) of a calendar window, UTC."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Reports of one kind in one window: cells, the densest of them, and what is kept back."""

    kind: str
    cells: gpd.GeoDataFrame
    hotspots: gpd.GeoDataFrame
    window: Window
    withheld: Mapping[str, int] = field(default_factory=dict)


def counted(reports: gpd.GeoDataFrame, area: Area, policy: Policy, *, as_of: pd.Timestamp) -> Counted:
    """Return the reports of the last calendar window that was over at ``as_of``.

    Parameters
    ----------
    reports : INCIDENTS of one kind, all that are known: two selections of them can be subtracted.

    Raises
    ------
    TableError
        A report lies outside the area's surroundings.
    """
    kind = str(reports["kind"].iloc[0])
    halves, window = _window(area, policy, as_of)
    origin, levels = _root(area)
    cell, n = _cells_of(reports, origin, levels), 2**levels
    half = _half(reports["reported_at"].dt.tz_convert(area.tz))
    each = [np.bincount(cell[half == h], minlength=n * n).reshape(n, n) for h in halves]
    days = max(int((as_of - window[1]) / pd.Timedelta(days=1)), 0)
    withheld = {f"days of {kind} reports of a window not over": days}
    if any(0 < count.sum() < policy.min_count for count in each):
        small = {f"{kind} windows with fewer than {policy.min_count} reports": 1}
        return Counted(kind, CELLS.empty(area.crs), HOTSPOTS.empty(area.crs), window, withheld | small)
    total = np.sum(each, axis=0)
    if not total.sum():
        return Counted(kind, CELLS.empty(area.crs), HOTSPOTS.empty(area.crs), window, withheld)
    block = _joined([leaves(count, policy.min_count) for count in each], each, round(policy.cell_m / FINEST_M))
    cells = _table(block, total, origin, area, kind=kind, window=window)
    withheld[f"{kind} reports as points"] = int(total.sum())
    return Counted(kind, cells, densest(cells, area, window), window, withheld)


def leaves(count: Ints, min_count: int) -> Ints:
    """Return for each cell the number of the rectangle it is counted in.

    Parameters
    ----------
    count : reports a cell, shape (n, n), n a power of two.

    Examples
    --------
    >>> leaves(np.array([[12, 0], [1, 30]]), 11)
    array([[0, 1],
           [2, 2]])
    """
    block = np.zeros(count.shape, dtype=np.int64)
    waiting, n_blocks = [(slice(0, count.shape[0]), slice(0, count.shape[1]))], 0
    while waiting:
        at = waiting.pop()
        halves = next((two for two in _halvings(at) if all(_may(count[part].sum(), min_count) for part in two)), None)
        if halves is None:
            block[at] = n_blocks
            n_blocks += 1
        else:
            waiting += reversed(halves)
    return block


def _may(n: int, min_count: int) -> bool:
    return n == 0 or n >= min_count


def _halvings(at: tuple[slice, slice]) -> list[list[tuple[slice, slice]]]:
    """Return the two ways to halve a rectangle, across its longer side first; none where it is one cell thick."""
    rows, columns = at
    n_rows, n_columns = rows.stop - rows.start, columns.stop - columns.start
    ways = []
    if n_rows > 1:
        middle = rows.start + n_rows // 2
        ways.append([(slice(rows.start, middle), columns), (slice(middle, rows.stop), columns)])
    if n_columns > 1:
        middle = columns.start + n_columns // 2
        ways.append([(rows, slice(columns.start, middle)), (rows, slice(middle, columns.stop))])
    return ways if n_rows >= n_columns else ways[::-1]


def _joined(blocks: list[Ints], counts: list[Ints], side: int) -> Ints:
    """Return the finest division that every window's, and squares of ``side`` cells, are divisions of.

    Where a window holds no report its rectangle binds nothing: each of its cells is known to be zero.
    """
    n = blocks[0].shape[0]
    rows, columns = np.indices((n, n))
    keys = [(rows // side) * n + columns // side] if side > 1 else []
    for block, count in zip(blocks, counts, strict=True):
        held = np.bincount(block.ravel(), count.ravel())[block] > 0
        keys.append(np.where(held, block, block.max() + 1 + rows * n + columns))
    cell, offset, ends = np.arange(n * n), n * n, []
    for key in keys:
        ends.append(offset + key.ravel())
        offset += int(key.max()) + 1
    links = np.tile(cell, len(ends)), np.concatenate(ends)
    graph = coo_array((np.ones(len(links[0]), dtype=np.int8), links), shape=(offset, offset))
    label = connected_components(graph, directed=False)[1][: n * n]
    _, numbered = np.unique(label, return_inverse=True)
    return np.asarray(numbered, dtype=np.int64).reshape(n, n)


def densest(cells: gpd.GeoDataFrame, area: Area, window: Window) -> gpd.GeoDataFrame:
    """Return the cells at least twice as dense as the city as HOTSPOTS: from shown counts alone."""
    dense = cells["n_incidents"] / cells.area >= _DENSER * cells["n_incidents"].sum() / cells.area.sum()
    found = cells[dense & (cells["n_incidents"] > 0)].sort_values("n_incidents", ascending=False, kind="stable")
    if found.empty:
        return HOTSPOTS.empty(area.crs)
    last_day = area.midnight(window[1] - pd.Timedelta(days=1) / 2)
    table = gpd.GeoDataFrame(
        {
            "kind": found["kind"],
            "name": "",
            "n_incidents": found["n_incidents"],
            "weight": found["n_incidents"].astype(float),
            "n_last": 0,
            "n_before": np.nan,
            "trend": np.nan,
            "pattern": pd.Series(None, index=found.index, dtype="str"),
            "p_value": np.nan,
            "swept_d": np.nan,
            "near": pd.Series(None, index=found.index, dtype="str"),
            "first_reported_at": pd.Series(window[0], index=found.index, dtype="datetime64[us, UTC]"),
            "last_reported_at": pd.Series(last_day, index=found.index, dtype="datetime64[us, UTC]"),
        },
        geometry=found.geometry,
        crs=area.crs,
    )
    names = [f"{kind}-dense-{rank:02d}" for rank, kind in enumerate(found["kind"], start=1)]
    return HOTSPOTS.check(table.set_axis(pd.Index(names, dtype="str", name=HOTSPOTS.index)))


def _half(local: pd.Series) -> Ints:
    return np.asarray(local.dt.year * 2 + (local.dt.month > HALF_YEAR), dtype=np.int64)


def _window(area: Area, policy: Policy, as_of: pd.Timestamp) -> tuple[range, Window]:
    n = policy.months // HALF_YEAR
    wall = area.local(as_of)
    now = wall.year * 2 + int(wall.month > HALF_YEAR)
    stop = now // n * n
    return range(stop - n, stop), (_start(area, stop - n), _start(area, stop))


def _start(area: Area, half: int) -> pd.Timestamp:
    return area.midnight(f"{half // 2}-{1 + HALF_YEAR * (half % 2):02d}-01")


def _root(area: Area) -> tuple[tuple[float, float], int]:
    """Return the south-west corner of the square that holds the area, and how often it is halved either way."""
    west, south, east, north = area.boundary.bounds
    x0, y0 = (np.floor(edge / _ORIGIN_M) * _ORIGIN_M for edge in (west, south))
    cells = max(east - x0, north - y0) / FINEST_M
    return (float(x0), float(y0)), int(np.ceil(np.log2(np.floor(cells) + 1)))


def _cells_of(reports: gpd.GeoDataFrame, origin: tuple[float, float], levels: int) -> Ints:
    at = shapely.get_coordinates(reports.geometry)
    column_row = np.floor((at - np.array(origin)) / FINEST_M).astype(np.int64)
    outside = ((column_row < 0) | (column_row >= 2**levels)).any(axis=1)
    if outside.any():
        raise TableError(f"incidents: {int(outside.sum())} reports outside the area: read them with the area given")
    cell: Ints = column_row[:, 1] * 2**levels + column_row[:, 0]
    return cell


def _table(
    block: Ints, total: Ints, origin: tuple[float, float], area: Area, *, kind: str, window: Window
) -> gpd.GeoDataFrame:
    """Return one row a block that holds reports, and one row for all that holds none."""
    n = np.bincount(block.ravel(), total.ravel()).astype(np.int64)
    row, column = (index.ravel() for index in np.indices(block.shape))
    x, y = origin[0] + column * FINEST_M, origin[1] + row * FINEST_M
    square = shapely.box(x, y, x + FINEST_M, y + FINEST_M)
    of_cell = np.where(n[block.ravel()] > 0, block.ravel(), -1)
    inside = shapely.intersects(area.boundary, square)
    shown = inside | ~np.isin(of_cell, of_cell[inside])
    shown &= inside | (of_cell >= 0)
    labels, of_part = np.unique(of_cell[shown], return_inverse=True)
    shapes = [shapely.union_all(square[shown][of_part == part]) for part in range(len(labels))]
    held = np.where(labels >= 0, n[labels], 0)
    days = (window[1] - window[0]) / pd.Timedelta(days=1)
    names = [f"{kind}-{label}" if label >= 0 else f"{kind}-none" for label in labels]
    table = gpd.GeoDataFrame(
        {"kind": kind, "n_incidents": held, "rate": held / days},
        geometry=shapes,
        index=pd.Index(names, dtype="str", name=CELLS.index),
        crs=area.crs,
    )
    return CELLS.check(table)
