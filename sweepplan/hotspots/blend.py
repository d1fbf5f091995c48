"""The share of the city's next reports that each cell gets: a mixture of maps, weighed by how they did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import distance_transform_edt
from scipy.special import ndtr

from sweepplan.hotspots.cube import Cube, Grid
from sweepplan.hotspots.history import decay, require_positive

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEAR_M = 400.0
"""A cell whose middle lies this near to an earlier report is where the next may be; also the region of a backtest."""

_LEAST_MASS = 1e-6
_MOST_TREND = 4.0
_PRIOR_REPORTS = 20.0
_ROUNDS = 200
_WARM_UP_D = 28
_BANDS = (0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


@dataclass(frozen=True)
class Blend:
    """Which maps are mixed, and how their weights are learnt.

    A map is the history decayed by a half-life and spread by a kernel: ``half_lives_d`` x ``sigmas_m``. A second set
    keeps the fine pattern of the whole history and moves it with its surroundings: all reports, spread likewise, times
    the ratio of recent to all reports within a few blocks (``trends_d`` x ``trend_sigmas_m``). Two flat maps, near
    earlier reports and everywhere, take what comes where nothing came before.

    The weights are those of the likeliest multinomial mixture over the windows of the last ``learn_d`` days, found by
    EM (Dempster, Laird & Rubin 1977) from a prior worth 20 reports, and learnt anew every ``refit_d`` days. A window
    ``lesson_half_life_d`` days old counts half.

    Attributes
    ----------
    half_lives_d, trends_d : days; ``inf`` = all reports weigh the same.
    sigmas_m, trend_sigmas_m : standard deviation of Gaussian kernels, metres; 0 = none.
    cell_m : side of a cell, metres.
    learn_d, lesson_half_life_d, refit_d : days.
    """

    half_lives_d: tuple[float, ...] = (7, 28, 91, 365, np.inf)
    sigmas_m: tuple[float, ...] = (0, 50, 100, 200)
    trends_d: tuple[float, ...] = (28, 91)
    trend_sigmas_m: tuple[float, ...] = (200, 400)
    cell_m: float = 100
    learn_d: int = 365
    lesson_half_life_d: float = 91
    refit_d: int = 28

    def __post_init__(self) -> None:
        for name in ("cell_m", "learn_d", "lesson_half_life_d", "refit_d"):
            require_positive(name, getattr(self, name))
        for name in ("half_lives_d", "trends_d", "trend_sigmas_m"):
            for value in getattr(self, name):
                require_positive(name, value)


class Ground(Protocol):
    """What reports lie on: cells of a plane, or pieces of street. Only it knows what is near what.

    The n cells that are scored may be coarser than the m cells of the cube.
    """

    def spread(self, weight: Floats, sigma_m: float) -> Floats:
        """Return weight on the cube's cells, shape (k, m), spread by a Gaussian kernel to the scored ones, (k, n)."""
        ...

    def near(self, weight: Floats) -> Floats:
        """Return 1 for each scored cell, shape (n,), that lies near a cell of the cube with weight, (m,); else 0."""
        ...


@dataclass(frozen=True, eq=False)
class Plane:
    """Square cells of the plane; those of the cube are half as wide, so that kernels see where in a cell they lie."""

    cells: Grid

    @property
    def fine(self) -> Grid:
        """The grid of the cube."""
        c = self.cells
        return Grid(c.x0, c.y0, c.cell_m / 2, 2 * c.n_x, 2 * c.n_y)

    def spread(self, weight: Floats, sigma_m: float) -> Floats:
        """Return ``weight`` spread from the middle of each fine cell; what leaves the grid is lost."""
        # Sparse on purpose: a dense product is handed to threads, which on a shared machine cost more than they save.
        c, k = self.cells, len(weight)
        to_y, to_x = (_kernel(n, sigma_m / c.cell_m) for n in (c.n_y, c.n_x))
        south_first = weight.reshape(k, 2 * c.n_y, 2 * c.n_x).swapaxes(0, 1).reshape(2 * c.n_y, -1)
        by_y = (to_y @ south_first).reshape(c.n_y, k, 2 * c.n_x)
        by_xy = to_x @ by_y.transpose(2, 1, 0).reshape(2 * c.n_x, -1)
        return np.asarray(by_xy.reshape(c.n_x, k, c.n_y).transpose(1, 2, 0).reshape(k, c.size))

    def near(self, weight: Floats) -> Floats:
        """Return 1 where the middle of a cell lies within 400 m of the middle of one with weight."""
        c = self.cells
        empty = np.asarray((weight <= 0).reshape(c.n_y, 2, c.n_x, 2).all(axis=(1, 3)))
        if empty.all():
            return np.ones(c.size)
        away = np.asarray(distance_transform_edt(empty)) * c.cell_m
        return (away <= NEAR_M).astype(np.float64).ravel()


@lru_cache(maxsize=64)
def _kernel(n: int, sigma: float) -> sparse.csr_array:
    """Return how much of a Gaussian in each of 2 n half cells falls in each of n cells, shape (n, 2 n)."""
    middle = np.arange(2 * n) / 2 + 0.25
    if sigma == 0:
        return sparse.csr_array((np.floor(middle) == np.arange(n)[:, None]).astype(np.float64))
    below = ndtr((np.arange(n + 1)[:, None] - middle) / sigma)
    share = np.diff(below, axis=0)
    return sparse.csr_array(np.where(share < _LEAST_MASS, 0, share))


@dataclass(frozen=True, eq=False)
class Shares:
    """The blend on one cube: maps at any day, and what they learnt by then.

    Nothing that happened at or after a day changes what is said of it.

    Attributes
    ----------
    cube : reports on the ground's cells.
    horizon_d : days that a forecast is for; learning asks for as many.
    """

    cube: Cube
    ground: Ground
    method: Blend
    horizon_d: int
    _seen: dict[tuple[int, int], _Lesson] = field(default_factory=dict, repr=False)
    _learnt: dict[int, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)

    def at(self, day: int, *, learnt: int | None = None) -> Floats:
        """Return each scored cell's share of the reports from ``day`` on; they sum to 1.

        Parameters
        ----------
        learnt : the day at which the weights are learnt, ``day`` where it is not given.
        """
        weights, curve = self.learnt(day if learnt is None else learnt)
        maps = self.maps(day)
        mixed = np.asarray(sum(weight * each for weight, each in zip(weights, maps, strict=True)))
        return _on_curve(mixed, maps[-2] > 0, curve)

    def lessons(self, day: int) -> Sequence[tuple[int, int]]:
        """Return the windows, first day and day after the last, that are learnt from at ``day``."""
        return windows(self.cube, day, self.horizon_d, self.method.learn_d)

    def learnt(self, day: int) -> tuple[Floats, Floats]:
        """Return what is learnt from what is known at ``day``.

        Returns
        -------
        weights : shape (k,), of each map, in the order of :meth:`maps`; they sum to 1.
        curve : shape (b,), what a mixed share is multiplied by in each band of rank.
        """
        if day in self._learnt:
            return self._learnt[day]
        lessons = [self._lesson(*window) for window in self.lessons(day)]
        m = self.method
        k = (len(m.half_lives_d) + len(m.trends_d) * len(m.trend_sigmas_m)) * len(m.sigmas_m) + 2
        weights, curve = np.full(k, 1 / k), np.ones(len(_BANDS))
        if lessons:
            age = [decay(day - end, m.lesson_half_life_d) for _, end in self.lessons(day)]
            seen = [each.came > 0 for each in lessons]
            maps = np.concatenate([each.maps[where] for each, where in zip(lessons, seen, strict=True)])
            came = [w * each.came[where] for w, each, where in zip(age, lessons, seen, strict=True)]
            weights = mixture(maps.astype(np.float64), np.concatenate(came))
            curve = _curve(
                [(w * each.came, each.maps @ weights, each.near) for w, each in zip(age, lessons, strict=True)]
            )
        self._learnt[day] = weights, curve
        return weights, curve

    def maps(self, day: int) -> list[Floats]:
        """Return the k maps of the mixture at a day, each of shape (n,), summing to 1."""
        method = self.method
        half_lives = sorted({*method.half_lives_d, *method.trends_d, np.inf})
        decayed = np.vstack([self.cube.decayed(day, half_life) for half_life in half_lives])
        spread = {}
        for sigma in sorted({*method.sigmas_m, *method.trend_sigmas_m}):
            for half_life, each in zip(half_lives, self.ground.spread(decayed, sigma), strict=True):
                spread[half_life, sigma] = each
        found = [spread[pair] for pair in product(method.half_lives_d, method.sigmas_m)]
        for recent, wide in product(method.trends_d, method.trend_sigmas_m):
            trend = _trend(spread[recent, wide], spread[np.inf, wide])
            found += [spread[np.inf, sigma] * trend for sigma in method.sigmas_m]
        near = self.ground.near(decayed[-1])
        return [_summing_to_1(each) for each in (*found, near, np.ones_like(near))]

    def _lesson(self, start: int, end: int) -> _Lesson:
        if (start, end) not in self._seen:
            came = self.ground.spread(self.cube.counts(start, end)[None], 0)[0]
            maps = self.maps(start)
            kept = np.flatnonzero((maps[-2] > 0) | (came > 0))
            table = np.column_stack([each[kept].astype(np.float32) for each in maps])
            self._seen[start, end] = _Lesson(table, came[kept], maps[-2][kept] > 0)
        return self._seen[start, end]


@dataclass(frozen=True, eq=False)
class _Lesson:
    """What the maps said, shape (cells, k), and what came; of the cells near earlier reports, or where reports came."""

    maps: NDArray[np.float32]
    came: Floats
    near: NDArray[np.bool_]


def _band_of(share: Floats, near: NDArray[np.bool_]) -> Floats:
    """Return each cell's place on the scale of bands, by its rank among the cells near earlier reports."""
    order = np.argsort(-np.where(near, share, -1), kind="stable")
    rank = np.empty(len(share))
    rank[order] = (np.arange(len(share)) + 0.5) / max(int(near.sum()), 1)
    edges = np.concatenate([[_BANDS[0] / 2], np.sqrt(np.array(_BANDS[:-1]) * _BANDS[1:])])
    return np.asarray(np.interp(np.log(rank), np.log(edges), np.arange(len(_BANDS))))


def _curve(lessons: Sequence[tuple[Floats, Floats, NDArray[np.bool_]]]) -> Floats:
    """Return came / mixed by band of rank: a sum of maps is too flat at its top where history is short."""
    expected, came = np.full((2, len(_BANDS)), _PRIOR_REPORTS)
    for n, share, near in lessons:
        band = np.rint(_band_of(share, near)).astype(np.int64)
        came += np.bincount(band, n, len(_BANDS))
        expected += np.bincount(band, share * n.sum(), len(_BANDS))
    return np.asarray(came / expected)


def _on_curve(share: Floats, near: NDArray[np.bool_], curve: Floats) -> Floats:
    """Return the shares, each multiplied by its band's ratio, in the same order and again summing to 1."""
    factor = np.exp(np.interp(_band_of(share, near), np.arange(len(curve)), np.log(curve)))
    order = np.argsort(-share, kind="stable")
    raised = np.empty(len(share))
    raised[order] = np.minimum.accumulate((share * factor)[order])
    return _summing_to_1(raised)


def _trend(recent: Floats, ever: Floats) -> Floats:
    """Return recent over all reports around each cell, 1 where both have their mean share, at most 4."""
    share = np.divide(recent, ever, out=np.zeros_like(ever), where=ever > 0)
    mean = recent.sum() / ever.sum() if ever.sum() > 0 else 1.0
    return np.minimum(share / mean if mean > 0 else share, _MOST_TREND)


def mixture(maps: Floats, came: Floats) -> Floats:
    """Return the weights of the likeliest mixture, shape (k,), by EM; they are not negative and sum to 1.

    Parameters
    ----------
    maps : shape (n, k), the share of each of n observations under each of k maps.
    came : shape (n,), how often each was observed.

    Examples
    --------
    >>> mixture(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([280.0, 80.0])).round(3).tolist()  # 10 each before
    [0.763, 0.237]
    """
    k = maps.shape[1]
    weight, prior = np.full(k, 1 / k), np.full(k, _PRIOR_REPORTS / k)
    for _ in range(_ROUNDS):
        mixed = maps @ weight
        weight = weight * ((came / np.maximum(mixed, 1e-300)) @ maps) + prior
        weight /= weight.sum()
    return weight


def windows(cube: Cube, day: int, horizon_d: int, learn_d: int) -> Sequence[tuple[int, int]]:
    """Return the windows before ``day`` to learn from, latest first: as long as the forecast, or whole months where
    days are not known.

    Examples
    --------
    Days are known from 40 on; before that only the month 9 to 39 is.

    >>> cube = Cube.of(np.array([0, 0]), np.array([9, 40]), np.array([31, 1]), Grid(0, 0, 100, 1, 1))
    >>> windows(cube, 57, horizon_d=7, learn_d=60), windows(cube, 68, horizon_d=28, learn_d=60)
    ([(50, 57), (43, 50)], [(40, 68)])
    """  # noqa: D205
    known = cube.before(day)
    if not known.cell.size:
        return []
    monthly = known.n_days > 1
    spans = zip(known.first_day[monthly], known.n_days[monthly], strict=True)
    months = {int(first + n): int(first) for first, n in spans}
    starts = np.array(sorted(months.values()), dtype=np.int64)
    ends = np.array(sorted(months), dtype=np.int64)
    earliest = max(int(known.first_day[0]) + _WARM_UP_D, day - learn_d)
    found: list[tuple[int, int]] = []
    end = day
    while True:
        within = np.flatnonzero((starts < end) & (ends >= end))
        start = int(starts[within[0]]) if within.size else end - horizon_d
        blurred = ends[(ends < end) & (ends > start)]
        if within.size:
            end = int(ends[within[0]])
        elif blurred.size:
            end = int(blurred[-1])
            continue
        if start < earliest:
            return found
        found.append((start, end))
        end = start


def _summing_to_1(weight: Floats) -> Floats:
    total = weight.sum()
    return np.asarray(weight / total) if total > 0 else np.full(len(weight), 1 / len(weight))
