"""Reports counted by cell and day: sparse, sorted by day, so that any window is one slice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from sweepplan.errors import CrsError, ProblemError
from sweepplan.geo import Area, zone
from sweepplan.hotspots.history import mean_decay, require_positive
from sweepplan.tables import INCIDENTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LONGEST_MONTH_D = 31


@dataclass(frozen=True, eq=False)
class Grid:
    """Square cells on the plane, numbered row by row from the south-west corner.

    Attributes
    ----------
    x0, y0 : south-west corner, metres.
    cell_m : side of a cell, metres.
    n_x, n_y : cells west to east and south to north.
    """

    x0: float
    y0: float
    cell_m: float
    n_x: int
    n_y: int

    @classmethod
    def over(cls, extent: Area | Iterable[float], cell_m: float, *, shift_m: tuple[float, float] = (0.0, 0.0)) -> Grid:
        """Return the grid that covers an area, or bounds (west, south, east, north) in metres.

        Lines lie at multiples of ``cell_m`` plus ``shift_m``, so that grids of different extents fit each other.

        Examples
        --------
        >>> Grid.over((30, 0, 299, 100), 100)
        Grid(x0=0.0, y0=0.0, cell_m=100, n_x=3, n_y=2)
        """
        require_positive("cell_m", cell_m)
        bounds = extent.boundary.bounds if isinstance(extent, Area) else tuple(extent)
        low_x, low_y, high_x, high_y = (float(bound) for bound in bounds)
        if not np.isfinite(bounds).all() or low_x > high_x or low_y > high_y:
            raise CrsError(f"bounds {bounds}: give west <= east and south <= north in metres")
        first = [np.floor((low - s) / cell_m) for low, s in zip((low_x, low_y), shift_m, strict=True)]
        last = [np.floor((high - s) / cell_m) for high, s in zip((high_x, high_y), shift_m, strict=True)]
        x0, y0 = (float(k * cell_m + s) for k, s in zip(first, shift_m, strict=True))
        return cls(x0, y0, cell_m, int(last[0] - first[0]) + 1, int(last[1] - first[1]) + 1)

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.n_x * self.n_y

    @property
    def centres(self) -> Floats:
        """Middle of each cell, shape (size, 2), metres."""
        return self.centres_of(np.arange(self.size))

    def cell_of(self, x: ArrayLike, y: ArrayLike) -> Ints:
        """Return the cell that holds each point; -1 outside. A cell holds its west and south sides.

        Examples
        --------
        >>> Grid(0, 0, 100, 3, 2).cell_of(np.array([0, 250, 300]), np.array([0, 100, 0])).tolist()
        [0, 5, -1]
        """
        column = np.floor((np.asarray(x, dtype=float) - self.x0) / self.cell_m)
        row = np.floor((np.asarray(y, dtype=float) - self.y0) / self.cell_m)
        inside = (column >= 0) & (column < self.n_x) & (row >= 0) & (row < self.n_y)
        return np.where(inside, row * self.n_x + column, -1).astype(np.int64)

    def centres_of(self, cells: Ints) -> Floats:
        """Return the middle of the cells given, shape (n, 2), metres."""
        row, column = np.divmod(cells, self.n_x)
        return np.column_stack([self.x0 + (column + 0.5) * self.cell_m, self.y0 + (row + 0.5) * self.cell_m])

    def polygons(self, cells: Ints) -> NDArray[np.object_]:
        """Return the squares of the cells given."""
        half = self.cell_m / 2
        x, y = self.centres_of(cells).T
        return np.asarray(shapely.box(x - half, y - half, x + half, y + half), dtype=object)

    def names(self, cells: Ints) -> list[str]:
        """Return names that stay the same on every grid of this size and shift, e.g. ``100mE3301N46900``."""
        x, y = np.floor(self.centres_of(cells).T / self.cell_m).astype(int)
        return [f"{self.cell_m:g}mE{east}N{north}" for east, north in zip(x, y, strict=True)]


@dataclass(frozen=True, eq=False)
class Cube:
    """Reports by cell and span of days: a day, or the month of a report whose day nobody knows.

    Days are counted from 1970-01-01 on the city's clock. A month-precise report is spread evenly over its month, and
    is history only: it enters no window before its whole month is over. It is never given a day.

    Any window is one slice: :meth:`counts` of days, :meth:`windows` of consecutive weeks (or days) at once, in one pass
    over their entries. :meth:`before` cuts off what is not known yet, without a copy of the rest; :meth:`plus` adds
    the reports of later days, without counting the earlier ones again.

    Attributes
    ----------
    grid : the cells.
    first_day, n_days : shape (s,), each span's first day, not falling, and its length.
    starts : shape (s + 1,), where each span's entries begin in ``cell``.
    cell, count : shape (e,), a cell of the grid and the reports in it, one entry a pair of span and cell.
    n_outside : reports that lie on no cell.
    """

    grid: Grid
    first_day: Ints
    n_days: Ints
    starts: Ints
    cell: NDArray[np.int32]
    count: NDArray[np.float32]
    n_outside: int

    @classmethod
    def build(cls, incidents: gpd.GeoDataFrame, grid: Grid, tz: str, *, cell: Ints | None = None) -> Cube:
        """Count INCIDENTS on the cells of ``grid`` and the days of the clock ``tz``.

        Parameters
        ----------
        cell : shape (n,), where each lies on a ``grid`` that is no plane; -1 outside.

        Raises
        ------
        TableError
            Not INCIDENTS.
        ClockError
            Unknown clock.
        """
        INCIDENTS.check(incidents)
        zone(tz)
        local = incidents["reported_at"].dt.tz_convert(tz).dt.tz_localize(None)
        monthly = (incidents["time_precision"] == "month").to_numpy()
        first = days_of(local)
        if monthly.any():
            first[monthly] -= local[monthly].dt.day.to_numpy() - 1
        length = np.where(monthly, local.dt.days_in_month, 1)
        if cell is None:
            cell = grid.cell_of(*shapely.get_coordinates(incidents.geometry.to_numpy()).T)
        return cls.of(cell, first, length, grid)

    @classmethod
    def of(cls, cell: Ints, first_day: Ints, n_days: Ints, grid: Grid, weight: ArrayLike | None = None) -> Cube:
        """Count reports given as cell (-1 outside), first day and number of days, in any order; ``weight`` 1 each."""
        inside = cell >= 0
        if not inside.all():
            cell, first_day, n_days = cell[inside], first_day[inside], n_days[inside]
        zero = int(first_day.min()) if cell.size else 0
        longest = _LONGEST_MONTH_D + 1
        key = ((first_day - zero) * longest + n_days) * grid.size + cell
        if weight is None:
            entry, count = np.unique(key, return_counts=True)
        else:
            entry, at = np.unique(key, return_inverse=True)
            count = np.bincount(at, np.asarray(weight, dtype=float)[inside], entry.size)
        span, starts = np.unique(entry // grid.size, return_index=True)
        return cls(
            grid=grid,
            first_day=span // longest + zero,
            n_days=span % longest,
            starts=np.append(starts, entry.size),
            cell=(entry % grid.size).astype(np.int32),
            count=count.astype(np.float32),
            n_outside=int((~inside).sum()),
        )

    def before(self, day: int) -> Cube:
        """Return the cube of what is known when ``day`` begins: spans that end by then."""
        known = self.first_day + self.n_days <= day
        if known[: (high := int(np.searchsorted(self.first_day, day)))].all():
            entries = slice(0, int(self.starts[high]))
            return replace(
                self,
                first_day=self.first_day[:high],
                n_days=self.n_days[:high],
                starts=self.starts[: high + 1],
                cell=self.cell[entries],
                count=self.count[entries],
            )
        return self._of_spans(known)

    def dated(self) -> Cube:
        """Return the cube of the reports whose day is known."""
        return self._of_spans(self.n_days == 1)

    def plus(self, other: Cube) -> Cube:
        """Return both cubes' reports in one, in the time of a merge; meant for a few days added to years.

        Raises
        ------
        ProblemError
            The two have not the same grid.
        """
        if astuple(self.grid) != astuple(other.grid):
            raise ProblemError(f"cubes on two grids, {self.grid} and {other.grid}: count both on one")
        late = int(np.searchsorted(self.first_day, other.first_day.min(initial=np.iinfo(np.int64).max)))
        at = int(self.starts[late])
        of_span = np.concatenate([self._span_of_entry(late), other._span_of_entry(0)])
        first = np.concatenate([self.first_day, other.first_day])
        length = np.concatenate([self.n_days, other.n_days])
        of_span[len(self.cell) - at :] += len(self.first_day)
        cell = np.concatenate([self.cell[at:], other.cell]).astype(np.int64)
        count = np.concatenate([self.count[at:], other.count])
        tail = Cube.of(cell, first[of_span], length[of_span], self.grid, count)
        return Cube(
            grid=self.grid,
            first_day=np.concatenate([self.first_day[:late], tail.first_day]),
            n_days=np.concatenate([self.n_days[:late], tail.n_days]),
            starts=np.concatenate([self.starts[:late], at + tail.starts]),
            cell=np.concatenate([self.cell[:at], tail.cell]),
            count=np.concatenate([self.count[:at], tail.count]),
            n_outside=self.n_outside + other.n_outside,
        )

    def counts(self, from_day: int, to_day: int) -> Floats:
        """Return reports per cell, shape (grid.size,), of the days ``from_day <= day < to_day``.

        Of a month that is over at ``to_day`` the share of its days in the window counts; of any other month nothing.
        """
        return np.asarray(self.windows([from_day, to_day])[0])

    def windows(self, edges: ArrayLike) -> Floats:
        """Return reports per window and cell, shape (len(edges) - 1, grid.size).

        Window k has the days ``edges[k] <= day < edges[k + 1]``. Of a month that is over at the last edge the share of
        its days in each window counts.

        Examples
        --------
        A year of weeks up to a day: ``cube.windows(range(day - 52 * 7, day + 1, 7))``.

        >>> cube = Cube.of(np.array([0, 0]), np.array([3, 9]), np.array([1, 1]), Grid(0, 0, 100, 1, 1))
        >>> cube.windows([0, 7, 14]).tolist()
        [[1.0], [1.0]]
        """
        edges = np.asarray(edges, dtype=np.int64)
        known = self.first_day + self.n_days <= edges[-1]
        found = np.empty((len(edges) - 1, self.grid.size))
        for k, (from_day, to_day) in enumerate(pairwise(edges)):
            low = int(np.searchsorted(self.first_day, from_day - _LONGEST_MONTH_D))
            high = int(np.searchsorted(self.first_day, to_day))
            first, length = self.first_day[low:high], self.n_days[low:high]
            within = np.minimum(first + length, to_day) - np.maximum(first, from_day)
            found[k] = self._total(low, high, np.where(known[low:high], np.clip(within, 0, None), 0) / length)
        return found

    def per_day(self, from_day: int, to_day: int) -> Floats:
        """Return the whole grid's reports on each day, shape (to_day - from_day,); months over by then are spread."""
        known = np.flatnonzero(self.first_day + self.n_days <= to_day)
        each = np.add.reduceat(np.append(self.count, 0), self.starts[:-1]) if len(self.first_day) else np.zeros(0)
        step = np.zeros(to_day - from_day + 1)
        share = each[known] / self.n_days[known]
        for day, sign in ((self.first_day[known], 1), (self.first_day[known] + self.n_days[known], -1)):
            np.add.at(step, np.clip(day - from_day, 0, to_day - from_day), sign * share)
        return np.asarray(np.cumsum(step)[:-1])

    def decayed(self, as_of_day: int, half_life_d: float) -> Floats:
        """Return recency-weighted reports per cell, shape (grid.size,), of the days before ``as_of_day``.

        A report of the day before weighs 1, one ``half_life_d`` days older half as much; a month over by then weighs
        the mean of its days.
        """
        high = int(np.searchsorted(self.first_day, as_of_day))
        age = as_of_day - (self.first_day + self.n_days)[:high]
        weight = mean_decay(np.maximum(age, 0), self.n_days[:high], half_life_d)
        return self._total(0, high, np.where(age >= 0, weight, 0.0))

    def decayed_after(self, day: int, half_life_d: float) -> Floats:
        """Return :meth:`decayed` with time turned round: the days from ``day`` on, the nearest weighing 1.

        For judging what could have been known; no forecast may use it.
        """
        low = int(np.searchsorted(self.first_day, day))
        weight = mean_decay(self.first_day[low:] - day, self.n_days[low:], half_life_d)
        return self._total(low, len(self.first_day), weight)

    def _span_of_entry(self, first: int) -> Ints:
        """Return the span of each entry, from the span ``first`` on."""
        return np.repeat(np.arange(first, len(self.first_day)), np.diff(self.starts[first:]))

    def _of_spans(self, kept: NDArray[np.bool_]) -> Cube:
        entries = np.repeat(kept, np.diff(self.starts))
        return replace(
            self,
            first_day=self.first_day[kept],
            n_days=self.n_days[kept],
            starts=np.append(0, np.cumsum(np.diff(self.starts)[kept])),
            cell=self.cell[entries],
            count=self.count[entries],
        )

    def _total(self, low: int, high: int, weight: Floats) -> Floats:
        entries = slice(int(self.starts[low]), int(self.starts[high]))
        each = np.repeat(weight, np.diff(self.starts[low : high + 1])) * self.count[entries]
        return np.bincount(self.cell[entries], each, self.grid.size).astype(np.float64)


def days_of(local: pd.Series) -> Ints:
    """Return whole days since 1970-01-01 of wall-clock times without a zone.

    Examples
    --------
    >>> days_of(pd.Series(pd.to_datetime(["1970-01-01 23:59", "1971-01-01 00:00"]))).tolist()
    [0, 365]
    """
    return local.to_numpy(dtype="datetime64[us]").astype("datetime64[D]").astype(np.int64)
