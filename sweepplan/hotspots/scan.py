"""The space-time scan: more reports somewhere in the last days than the place's past and the city's days explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve
from scipy.special import xlogy

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.hotspots.cube import Cube

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MONTH_D = 30
_LEAST_DAYS = 21
_SIZES = (0.5, 1e3)
_EULER = 0.5772156649015329


@dataclass(frozen=True)
class Scan:
    """How the scan looks: discs of these radii around every cell, over the last 1, 2, ... days.

    Attributes
    ----------
    radii_m : radii of the discs, metres; a cell is within where its centre is, ``<=``.
    most_d : longest window, days.
    lag_d : the days left out between the baseline and today, so that a slow start does not raise it.
    half_life_d : of the baseline.
    sigma_m : kernel of the baseline, metres.
    floor : share of the reports expected anywhere alike: where nothing ever was, something may be.
    """

    radii_m: tuple[float, ...] = (100, 200, 300, 400, 500)
    most_d: int = 5
    lag_d: int = 7
    half_life_d: float = 91
    sigma_m: float = 100
    floor: float = 0.3

    def __post_init__(self) -> None:
        if not self.radii_m or min(self.radii_m) <= 0 or self.most_d < 1 or self.lag_d < 0 or not 0 < self.floor <= 1:
            raise SettingsError(f"{self}: give radii above 0, one day or more, a lag >= 0 and a floor within 0 to 1")


@dataclass(frozen=True)
class Found:
    """One disc and window: where (cell of the grid), how wide, how long, and what speaks for it."""

    cell: int
    radius_m: float
    days: int
    count: int
    expected: float
    score: float


def poisson_llr(count: ArrayLike, expected: ArrayLike, total: float) -> Floats:
    """Return Kulldorff's log-likelihood ratio (1997) of zones with high rates; 0 where the count is not above.

    Parameters
    ----------
    count, expected : of each zone, with ``expected`` summing to ``total`` over the whole.
    """
    c, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        llr = xlogy(c, c / e) + xlogy(total - c, (total - c) / (total - e))
    return np.where(c > e, llr, 0.0)


def negative_binomial_llr(count: ArrayLike, expected: ArrayLike, size: float) -> Floats:
    """Return the log-likelihood ratio of a raised mean against the expected, counts with variance m + m^2 / size.

    Poisson, with the mean known, where ``size`` is infinite (Neill 2006).
    """
    c, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        llr = xlogy(c, c / e)
        llr += e - c if np.isinf(size) else xlogy(c + size, (e + size) / (c + size))
    return np.where(c > e, llr, 0.0)


def secondary(score: ArrayLike, zones: list[NDArray[np.int64]], most: int) -> list[int]:
    """Return the zones with the highest scores of which no two overlap, best first, at most ``most``."""
    score = np.asarray(score, dtype=np.float64)
    taken: set[int] = set()
    kept: list[int] = []
    for zone in np.argsort(-score, kind="stable"):
        if len(kept) == most or score[zone] <= 0:
            break
        members = set(zones[zone].tolist())
        if not members & taken:
            kept.append(int(zone))
            taken |= members
    return kept


def circles(xy: ArrayLike, population: ArrayLike, *, largest: float) -> Iterator[NDArray[np.int64]]:
    """Yield every circular zone of points: each point's nearest, up to a share ``largest`` of the population."""
    xy, population = np.asarray(xy, dtype=np.float64), np.asarray(population, dtype=np.float64)
    for at in xy:
        order = np.argsort(np.hypot(*(xy - at).T), kind="stable")
        inside = np.searchsorted(np.cumsum(population[order]), largest * population.sum(), side="right")
        for n in range(1, int(inside) + 1):
            yield order[:n]


class Scanner:
    """The scan of one day after another; the baseline of a day is made once."""

    def __init__(self, cube: Cube, rules: Scan, within: Bools | None = None) -> None:
        self.cube, self.rules = cube, rules
        self.shape = (cube.grid.n_y, cube.grid.n_x)
        self.within = np.ones(self.shape, dtype=np.bool_) if within is None else within
        self.discs = [_disc(radius / cube.grid.cell_m) for radius in rules.radii_m]
        self._shares: dict[int, list[Floats]] = {}

    def shares(self, day: int) -> list[Floats]:
        """Return for each radius the share of the city's reports expected in the disc around each cell."""
        if day not in self._shares:
            past = self.cube.decayed(day - self.rules.lag_d, self.rules.half_life_d).reshape(self.shape)
            if past.sum() <= 0:
                raise ProblemError(f"too few reports before day {day}: n = 0; a scan needs a past to compare with")
            smooth = np.where(self.within, gaussian_filter(past, self.rules.sigma_m / self.cube.grid.cell_m), 0.0)
            even = self.within / self.within.sum()
            share = (1 - self.rules.floor) * smooth / smooth.sum() + self.rules.floor * even
            self._shares[day] = [np.maximum(fftconvolve(share, disc, mode="same"), 1e-12) for disc in self.discs]
        return self._shares[day]

    def counts(self, day: int) -> Floats:
        """Return reports per cell on each of the last days, the day itself first; shape (most_d, rows, columns)."""
        edges = range(day + 1 - self.rules.most_d, day + 2)
        return self.cube.windows(edges)[::-1].reshape(self.rules.most_d, *self.shape)

    def scores(
        self, day: int, size: float, counts: Floats | None = None
    ) -> Iterator[tuple[int, int, Floats, Floats, Floats]]:
        """Yield radius (its number), days, and count, expected and score around each cell."""
        each = self.counts(day) if counts is None else counts
        upto = np.cumsum(each, axis=0)
        shares = self.shares(day)
        for days, window in enumerate(upto, start=1):
            total = window.sum()
            for k, disc in enumerate(self.discs):
                count = _around(window, disc)
                expected = total * shares[k]
                yield k, days, count, expected, negative_binomial_llr(count, expected, size)

    def best(self, day: int, size: float, counts: Floats | None = None, *, above: float = np.inf) -> list[Found]:
        """Return the best disc, or every one with ``score > above`` that overlaps no better one, best first."""
        top = np.full(self.shape, -1.0)
        what = np.zeros((4, *self.shape))
        for k, days, count, expected, score in self.scores(day, size, counts):
            better = score > top
            top = np.where(better, score, top)
            these = np.stack(np.broadcast_arrays(float(k), float(days), count, expected))
            what = np.where(better, these, what)
        order = np.argsort(-top, axis=None, kind="stable")
        n = max(1, int((top > above).sum()))
        found: list[Found] = []
        for cell in order[:n]:
            k, days, count, expected = what.reshape(4, -1)[:, cell].tolist()
            new = Found(
                int(cell), self.rules.radii_m[int(k)], int(days), round(count), expected, float(top.ravel()[cell])
            )
            if not any(self.overlap(new, old) for old in found):
                found.append(new)
        return found

    def overlap(self, one: Found, other: Found) -> bool:
        """Return whether two discs share ground."""
        a, b = self.cube.grid.centres_of(np.array([one.cell, other.cell]))
        return bool(np.hypot(*(a - b)) < one.radius_m + other.radius_m)

    def size(self, days: range) -> float:
        """Return the size of the negative binomial that these days' windows have (300 m or the next, 3 days)."""
        k = min(range(len(self.rules.radii_m)), key=lambda j: abs(self.rules.radii_m[j] - 300))
        squares = excess = 0.0
        for day in days:
            window = self.counts(day)[:3].sum(axis=0)
            count, expected = _around(window, self.discs[k]), window.sum() * self.shares(day)[k]
            busy = self.within & (expected > 0.2)
            squares += float((expected[busy] ** 2).sum())
            excess += float(((count[busy] - expected[busy]) ** 2 - expected[busy]).sum())
        return float(np.clip(squares / excess, *_SIZES)) if excess > 0 else _SIZES[1]


def threshold(maxima: ArrayLike, per_month: float) -> float:
    """Return the score that the day's best passes on ``per_month`` days of 30, by the Gumbel law of daily maxima.

    Parameters
    ----------
    maxima : the best score of each of at least 21 earlier days (Abrams, Kulldorff and Kleinman 2010 on the law).

    Raises
    ------
    ProblemError
        Fewer days.
    """
    maxima = np.asarray(maxima, dtype=np.float64)
    if maxima.size < _LEAST_DAYS:
        raise ProblemError(f"too few days to calibrate: n = {maxima.size}; give {_LEAST_DAYS} dated days or more")
    if not 0 < per_month < MONTH_D:
        raise SettingsError(f"{per_month:g} alerts a month: give more than 0, less than {MONTH_D}")
    scale = maxima.std(ddof=1) * np.sqrt(6) / np.pi
    location = maxima.mean() - _EULER * scale
    return float(location - scale * np.log(-np.log1p(-per_month / MONTH_D)))


def _disc(radius_cells: float) -> Floats:
    reach = int(np.floor(radius_cells))
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(np.hypot(row, column) <= radius_cells + 1e-9, dtype=np.float64)


def _around(window: Floats, disc: Floats) -> Floats:
    """Return the sum over the disc around each cell: few cells hold reports, so each is dealt to those near it."""
    reach = disc.shape[0] // 2
    padded = np.zeros((window.shape[0] + 2 * reach, window.shape[1] + 2 * reach))
    for row, column in zip(*np.nonzero(window), strict=True):
        padded[row : row + disc.shape[0], column : column + disc.shape[1]] += window[row, column] * disc
    return np.asarray(padded[reach : reach + window.shape[0], reach : reach + window.shape[1]], dtype=np.float64)
