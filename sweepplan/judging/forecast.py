"""What a forecast is worth over many origins: pooled hit rates with intervals, paired differences, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweepplan.errors import ProblemError

Floats = NDArray[np.float64]

_DRAWS = 2000
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, eq=False)
class Caught:
    """What one way to draw the map caught, summed over shifted grids.

    Attributes
    ----------
    hits, best : shape (o, s), reports caught, and the most that could be, of each of o origins in each of s shares.
    reports : shape (o,), all later reports of each origin, outside the region too.
    """

    hits: Floats
    best: Floats
    reports: Floats

    def __post_init__(self) -> None:
        if self.hits.shape != self.best.shape or self.hits.shape[:1] != self.reports.shape or not self.reports.sum():
            raise ProblemError(f"hits {self.hits.shape}, reports {self.reports.shape}: give origins with reports")

    @property
    def hit_rate(self) -> Floats:
        """Share of all reports caught, shape (s,): pooled, so that each report counts the same."""
        return np.asarray(self.hits.sum(axis=0) / self.reports.sum())

    @property
    def pei(self) -> Floats:
        """Reports caught / the most that could be, shape (s,)."""
        return np.asarray(self.hits.sum(axis=0) / np.maximum(self.best.sum(axis=0), 1e-300))

    def interval(self, *, block: int, seed: int) -> Floats:
        """Return the 95 % interval of the hit rate, shape (2, s), by moving blocks of origins (Künsch 1989)."""
        drawn = blocks(len(self.reports), block, seed)
        rate = self.hits[drawn].sum(axis=1) / np.maximum(self.reports[drawn].sum(axis=1), 1e-300)[:, None]
        return np.asarray(np.percentile(rate, _INTERVAL, axis=0))


@dataclass(frozen=True, eq=False)
class Difference:
    """How much more of the reports one map caught than another, paired by origin.

    Attributes
    ----------
    mean, low, high : shape (s,), share of all reports, and its 95 % interval.
    """

    mean: Floats
    low: Floats
    high: Floats


def difference(one: Caught, other: Caught, *, block: int, seed: int) -> Difference:
    """Return how much more ``one`` caught than ``other`` of the same reports."""
    if not np.array_equal(one.reports, other.reports):
        raise ProblemError("two maps judged on unlike reports cannot be paired: judge both on the same origins")
    drawn = blocks(len(one.reports), block, seed)
    more = one.hits - other.hits
    rate = more[drawn].sum(axis=1) / np.maximum(one.reports[drawn].sum(axis=1), 1e-300)[:, None]
    low, high = np.percentile(rate, _INTERVAL, axis=0)
    return Difference(np.asarray(more.sum(axis=0) / one.reports.sum()), low, high)


def blocks(n: int, block: int, seed: int) -> NDArray[np.int64]:
    """Return resampled origins, shape (draws, n): runs of ``block`` neighbours, so that runs of luck stay."""
    block = max(1, min(block, n))
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n - block + 1, (_DRAWS, -(-n // block)))
    return np.asarray((starts[:, :, None] + np.arange(block)).reshape(_DRAWS, -1)[:, :n])


def bands(score: Floats, expected: Floats, counts: Floats, edges: Sequence[float]) -> tuple[Floats, Floats]:
    """Return expected and later reports by band of rank, shape (len(edges) + 1,) each.

    Parameters
    ----------
    edges : shares of the region, rising; the last band is the rest.

    Examples
    --------
    >>> bands(np.array([3.0, 2, 1, 0]), np.array([6.0, 2, 1, 1]), np.array([5.0, 2, 0, 0]), [0.25, 0.5])
    (array([6., 2., 2.]), array([5., 2., 0.]))
    """
    order = np.argsort(-score, kind="stable")
    band = np.searchsorted(np.asarray(edges) * len(score), np.arange(len(score)) + 0.5)
    n = len(edges) + 1
    return np.bincount(band, expected[order], n).astype(float), np.bincount(band, counts[order], n).astype(float)


def chance(counts: Floats, share: float, *, draws: int, seed: int) -> float:
    """Return the reports caught by a map whose cells are relabelled at random, the mean of ``draws``."""
    rng = np.random.default_rng(seed)
    n = share * len(counts)
    whole = int(n)
    found = []
    for _ in range(draws):
        drawn = rng.permutation(counts)[: whole + 1]
        found.append(drawn[:whole].sum() + (n - whole) * drawn[whole:].sum())
    return float(np.mean(found))
