"""Near repeats: does one report bring others, close by and soon after? The Knox test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from sweepplan.errors import ProblemError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NearRepeats:
    """Pairs of reports by band of distance and of time.

    Attributes
    ----------
    observed, expected : shape (distance bands, time bands); ``expected`` as if places and times were independent.
    p_value : of so many pairs by chance, the times dealt anew to the places.
    """

    observed: Ints
    expected: Floats
    p_value: Floats

    @property
    def ratio(self) -> Floats:
        """Observed over expected; NaN where none is expected."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.expected > 0, self.observed / self.expected, np.nan)


def expected_pairs(near: float, soon: float, pairs: float) -> float:
    """Return the pairs expected both near and soon, of the pairs that are near, soon, and all (Knox 1964).

    Examples
    --------
    >>> round(expected_pairs(67 + 175, 67 + 3507, 67 + 175 + 3507 + 39322), 2)
    20.08
    """
    return near * soon / pairs


def knox(
    xy: ArrayLike, day: ArrayLike, *, distance_m: ArrayLike, days: ArrayLike, seed: int, n_draws: int = 199
) -> NearRepeats:
    """Count pairs of reports by how far apart they are in space and time, and test each band.

    Parameters
    ----------
    xy : metres, shape (n, 2).
    day : whole days, shape (n,).
    distance_m, days : edges of the bands, rising. A pair is in band k where ``edge[k] <= apart < edge[k + 1]``; give
        0, 1, 2 for the same day and the next.

    Raises
    ------
    ProblemError
        Fewer than two reports.
    """
    xy, day = np.asarray(xy, dtype=np.float64).reshape(-1, 2), np.asarray(day, dtype=np.int64)
    if len(xy) < 2:
        raise ProblemError(f"too few reports for near repeats: n = {len(xy)}")
    edges_m, edges_d = np.asarray(distance_m, dtype=np.float64), np.asarray(days, dtype=np.float64)
    first, second = cKDTree(xy).query_pairs(float(edges_m[-1]), output_type="ndarray").T
    band = np.searchsorted(edges_m, np.hypot(*(xy[first] - xy[second]).T), side="right") - 1
    kept = (band >= 0) & (band < len(edges_m) - 1)
    first, second, band = first[kept], second[kept], band[kept]
    observed = _table(np.abs(day[first] - day[second]), band, edges_m, edges_d)
    near = np.bincount(band, minlength=len(edges_m) - 1)
    soon = _soon(day, edges_d)
    pairs = len(day) * (len(day) - 1) / 2
    rng = np.random.default_rng(seed)
    reached = np.zeros(observed.shape)
    for _ in range(n_draws):
        dealt = rng.permutation(day)
        reached += _table(np.abs(dealt[first] - dealt[second]), band, edges_m, edges_d) >= observed
    return NearRepeats(observed, np.outer(near, soon) / pairs, (reached + 1) / (n_draws + 1))


def _table(apart_d: Ints, band: Ints, edges_m: Floats, edges_d: Floats) -> Ints:
    when = np.searchsorted(edges_d, apart_d, side="right") - 1
    inside = (when >= 0) & (when < len(edges_d) - 1)
    n_m, n_d = len(edges_m) - 1, len(edges_d) - 1
    counts = np.bincount(band[inside] * n_d + when[inside], minlength=n_m * n_d)
    return counts.reshape(n_m, n_d).astype(np.int64)


def _soon(day: Ints, edges_d: Floats) -> Floats:
    """Return how many of all pairs are in each band of time, without making the pairs."""
    ordered = np.sort(day)
    at = np.arange(len(day))
    upto = [(np.searchsorted(ordered, ordered + edge, side="left") - at - 1).clip(0).sum() for edge in edges_d]
    return np.diff(np.asarray(upto, dtype=np.float64))
