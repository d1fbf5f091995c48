"""The space-time scan: more reports somewhere in the last days than the place's past and the city's days explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates
from scipy.signal import fftconvolve
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.special import xlogy

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.hotspots.blend import Plane, Shares

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WEEK_D = 7
_PAIRS_M = 300.0
_MANY, _COARSE_M = 2_000, 100.0
_CENTRES_M = 25.0
_MOST_FOUND = 8
_CHUNK = 2_000
_SUB = 10


@dataclass(frozen=True)
class Scan:
    """How the scan looks: discs of these radii around reports and between near ones, over the last 1, 2, ... days.

    The defaults were chosen on 30 days of Boston's reports (October and November 2025), with made-up spikes put into
    them.

    Attributes
    ----------
    radii_m : radii of the discs, metres; a report on the edge is within, ``<=``.
    windows_d : lengths of the windows, days; each ends with the day looked at.
    lag_d : the days left out between the baseline and today, at least, so that a slow start does not raise it.
    floor : share of the reports expected alike everywhere near earlier ones: where few were, some may be.
    dispersion : counts have the variance m + m² / size, with size = ``dispersion`` times the square root of m: reports
        cluster everywhere, and the more so, beside their mean, the rarer they are.
    """

    radii_m: tuple[float, ...] = (150, 200, 300)
    windows_d: tuple[int, ...] = (1, 2, 3, 4)
    lag_d: int = 7
    floor: float = 0.2
    dispersion: float = 2.0

    def __post_init__(self) -> None:
        few = min(self.radii_m, default=0) <= 0 or min(self.windows_d, default=0) < 1
        if few or self.lag_d < 0 or not 0 < self.floor <= 1:
            raise SettingsError(f"{self}: give radii above 0, one day or more, a lag >= 0 and a floor within 0 to 1")
        if not self.dispersion > 0:
            raise SettingsError(f"dispersion {self.dispersion:g}: give more than 0")

    @property
    def most_d(self) -> int:
        """The longest window, days."""
        return max(self.windows_d)

    @property
    def apart_m(self) -> float:
        """How far the centres of discs are apart that tell of two places, metres."""
        return 2 * max(self.radii_m)


@dataclass(frozen=True)
class Found:
    """One disc and window: where, how wide, how long, and what speaks for it. ``day`` is the window's last."""

    day: int
    x: float
    y: float
    radius_m: float
    days: int
    count: int
    expected: float
    score: float

    def apart_m(self, other: Found) -> float:
        """Return how far the two centres are apart, metres."""
        return float(np.hypot(self.x - other.x, self.y - other.y))


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


def negative_binomial_llr(count: ArrayLike, expected: ArrayLike, size: ArrayLike) -> Floats:
    """Return the log-likelihood ratio of a raised mean against the expected, counts with variance m + m^2 / size.

    Poisson, with the mean known, where ``size`` is infinite (Neill 2006).
    """
    c, e, s = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (count, expected, size)))
    with np.errstate(divide="ignore", invalid="ignore"):
        llr = xlogy(c, c / e) + np.where(np.isinf(s), e - c, xlogy(c + s, (e + s) / (c + s)))
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


@dataclass(frozen=True, eq=False)
class Baseline:
    """The share of the city's reports that is expected in discs, by the blend of what was known some days before.

    Attributes
    ----------
    shares : the blend; its weights are learnt once, from what was known at ``learnt``.
    plane : the cells of the blend.
    """

    shares: Shares
    plane: Plane
    rules: Scan
    learnt: int
    _discs: dict[tuple[int, float], Floats] = field(default_factory=dict, repr=False)

    def expected(self, day: int, radius_m: float, xy: Floats) -> Floats:
        """Return the share expected on ``day`` within ``radius_m`` of each point, shape (n, 2): between 0 and 1.

        The baseline is made anew each week, so it lags ``lag_d`` to ``lag_d + 6`` days.
        """
        week = (day - self.rules.lag_d) // _WEEK_D * _WEEK_D
        if (week, radius_m) not in self._discs:
            self._discs.update(self._surfaces(week))
        cells = self.plane.cells
        at = [(xy[:, 1] - cells.y0) / cells.cell_m - 0.5, (xy[:, 0] - cells.x0) / cells.cell_m - 0.5]
        read = map_coordinates(self._discs[week, radius_m], at, order=1, mode="nearest")
        return np.asarray(np.maximum(read, 1e-9), dtype=np.float64)

    def _surfaces(self, week: int) -> dict[tuple[int, float], Floats]:
        cells = self.plane.cells
        known = self.shares.cube.before(week)
        if not known.cell.size:
            raise ProblemError(f"too few reports before day {week}: n = 0; a scan needs a past to compare with")
        near = self.plane.near(known.decayed(week, np.inf))
        even = near / max(near.sum(), 1)
        share = (1 - self.rules.floor) * self.shares.at(week, learnt=self.learnt) + self.rules.floor * even
        share = share.reshape(cells.n_y, cells.n_x)
        return {
            (week, radius): fftconvolve(share, _disc(radius / cells.cell_m), mode="same")
            for radius in self.rules.radii_m
        }


@dataclass(frozen=True, eq=False)
class Scanner:
    """The scan of one day after another.

    Attributes
    ----------
    xy, day : reports whose day is known, shape (n, 2) in metres and (n,) in days since 1970, in any order.
    """

    baseline: Baseline
    xy: Floats
    day: Ints

    def best(self, day: int) -> list[Found]:
        """Return the best discs of the windows that end with ``day``, best first, no two of one place.

        Expected in a disc is its share of all reports of the window, so that a busy day of the whole city raises
        nothing. At most eight; none where no disc holds more than expected.
        """
        rules = self.baseline.rules
        new = (self.day <= day) & (self.day > day - rules.most_d)
        xy, age = self.xy[new], day - self.day[new]
        if not len(xy):
            return []
        centres = _centres(xy)
        parts = [self._scored(day, part, xy, age) for part in np.split(centres, range(_CHUNK, len(centres), _CHUNK))]
        score, radius, days, count, expected = np.concatenate(parts, axis=1)
        found: list[Found] = []
        for k in np.argsort(-score, kind="stable"):
            if score[k] <= 0 or len(found) == _MOST_FOUND:
                break
            x, y = centres[k].tolist()
            each = Found(day, x, y, float(radius[k]), int(days[k]), int(count[k]), float(expected[k]), float(score[k]))
            if all(each.apart_m(better) >= rules.apart_m for better in found):
                found.append(each)
        return found

    def _scored(self, day: int, centres: Floats, xy: Floats, age: Ints) -> Floats:
        """Return score, radius, days, count and expected of each centre's best disc, shape (5, n)."""
        rules = self.baseline.rules
        best = np.zeros((5, len(centres)))
        apart = cdist(centres, xy)
        for radius in rules.radii_m:
            within, share = apart <= radius, self.baseline.expected(day, radius, centres)
            for days in rules.windows_d:
                of_window = age < days
                count, expected = within[:, of_window].sum(axis=1), share * of_window.sum()
                size = rules.dispersion * np.sqrt(np.maximum(expected, 1e-12))
                score = negative_binomial_llr(count, np.maximum(expected, 1e-12), size)
                these = np.stack(np.broadcast_arrays(score, radius, days, count, expected))
                best = np.where(score > best[0], these, best)
        return best


def _centres(xy: Floats) -> Floats:
    """Return every report and the middle between any two within 300 m, on a lattice of 25 m, each once.

    Of more than ``_MANY`` reports, which leave hardly a gap where they gather: the reports alone, on one of 100 m.
    """
    if len(xy) > _MANY:
        return np.unique(np.round(xy / _COARSE_M), axis=0) * _COARSE_M
    pairs = cKDTree(xy).query_pairs(_PAIRS_M, output_type="ndarray")
    every = np.vstack([xy, (xy[pairs[:, 0]] + xy[pairs[:, 1]]) / 2])
    return np.unique(np.round(every / _CENTRES_M), axis=0) * _CENTRES_M


def _disc(radius_cells: float) -> Floats:
    """Return how much of each cell around the middle one lies within the disc, 0 to 1."""
    reach = int(np.ceil(radius_cells + 0.5))
    line = (np.arange(-reach * _SUB - _SUB // 2, reach * _SUB + _SUB // 2) + 0.5) / _SUB
    inside = (np.hypot(line[:, None], line) <= radius_cells).astype(np.float64)
    n = 2 * reach + 1
    return np.asarray(inside.reshape(n, _SUB, n, _SUB).mean(axis=(1, 3)))
