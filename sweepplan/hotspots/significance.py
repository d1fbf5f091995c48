"""Is a cell hotter than chance? Gi* with exact p-values, and the false discovery rate held.

The usual normal p-values of Gi* are invalid on fine cells, where most counts are zero. Here they are exact: were the
counts dealt to the cells at random, the sum over K cells would have the K-fold convolution of the distribution of one
cell's count, tails and all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweepplan.errors import SettingsError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LEVELS = 255
"""Larger counts are rounded down to so many steps: exchangeable they stay, so the p-values stay valid."""


def window_sums(values: ArrayLike, radius: int = 1) -> Floats:
    """Return for each cell the sum over the square of ``2 * radius + 1`` cells around it, cut at the edges.

    Parameters
    ----------
    values : shape (..., rows, columns).

    Examples
    --------
    >>> window_sums(np.eye(3))[0].tolist()
    [2.0, 2.0, 1.0]
    """
    total = np.array(values, dtype=np.float64)
    for axis in (-2, -1):
        along = np.moveaxis(total, axis, 0)
        each = along.copy()
        for step in range(1, radius + 1):
            along[step:] += each[:-step]
            along[:-step] += each[step:]
    return total


def gi_star(counts: ArrayLike, *, radius: int = 1, within: Bools | None = None) -> Floats:
    """Return the z-score of Gi* (Ord and Getis 1995) with binary weights, the cell itself among its neighbours.

    Parameters
    ----------
    counts : shape (rows, columns).
    radius : 1 for the eight neighbours (queen), 2 for 24, ...
    within : which cells belong to the area, shape (rows, columns); all where it is None.

    Returns
    -------
    Shape (rows, columns); NaN outside the area, and everywhere where all counts are the same.
    """
    counts, within = _grid(counts, within)
    n = int(within.sum())
    inside = counts[within]
    mean, sd = inside.mean(), inside.std()
    k = window_sums(within, radius)
    spread = sd * np.sqrt(np.maximum(n * k - k**2, 0) / max(n - 1, 1))
    sums = window_sums(np.where(within, counts, 0.0), radius)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(within & (spread > 0), (sums - mean * k) / spread, np.nan)


def gi_star_p(counts: ArrayLike, *, radius: int = 1, within: Bools | None = None, given_own: bool = False) -> Floats:
    """Return the exact p-value of each cell's window sum being so high by chance; see :func:`both_tails`."""
    return both_tails(counts, radius=radius, within=within, given_own=given_own)[0]


def both_tails(
    counts: ArrayLike, *, radius: int = 1, within: Bools | None = None, given_own: bool = False
) -> tuple[Floats, Floats]:
    """Return the exact p-values of each cell's window sum being so high, and so low, by chance.

    Parameters
    ----------
    counts : whole numbers, shape (rows, columns).
    given_own : take the cell's own count as given and ask of its neighbours alone, as permutation tests do that hold
        it fixed (Anselin 1995); without it the cell's own count is evidence too.

    Returns
    -------
    Two arrays of shape (rows, columns); 1 outside the area.

    Raises
    ------
    SettingsError
        A count is no whole number, or no cell lies in the area.
    """
    counts, within = _grid(counts, within)
    values = counts[within]
    if (values % 1 != 0).any() or values.min() < 0:
        raise SettingsError("counts: give whole numbers, 0 or more")
    unit = max(1.0, np.ceil(values.max() / _LEVELS))
    whole = np.where(within, counts // unit, 0.0).astype(np.int64)
    k = window_sums(within, radius).astype(np.int64) - int(given_own)
    sums = window_sums(whole, radius).astype(np.int64) - whole * int(given_own)
    high, low = _tails(np.bincount(whole[within]) / values.size, int(k[within].max()))
    at = np.where(within, k, 0), np.where(within, sums, 0)
    return high[at], low[at]


def _tails(one: Floats, most: int) -> tuple[Floats, Floats]:
    """Return P(sum of k draws >= s) and P(sum <= s), shape (most + 1, s + 1), of draws with the distribution ``one``.

    Convolved directly: an FFT would lose the small tails.
    """
    high = np.ones((most + 1, most * (one.size - 1) + 1))
    low, chance = high.copy(), np.ones(1)
    for k in range(1, most + 1):
        chance = np.convolve(chance, one)
        high[k, : chance.size] = np.minimum(np.cumsum(chance[::-1])[::-1], 1.0)
        low[k, : chance.size] = np.minimum(np.cumsum(chance), 1.0)
    return high, low


def discoveries(p: ArrayLike, fdr: float = 0.05) -> Bools:
    """Return which p-values survive the false discovery rate ``fdr`` (Benjamini, Hochberg 1995).

    Examples
    --------
    >>> discoveries([0.01, 0.04, 0.03, 0.5], 0.055).tolist()
    [True, True, True, False]
    """
    p = np.asarray(p, dtype=np.float64)
    small = np.sort(p[p <= fdr])
    kept = np.flatnonzero(small * p.size <= fdr * np.arange(1, small.size + 1))
    return np.asarray(p <= small[kept[-1]]) if kept.size else np.zeros(p.shape, dtype=np.bool_)


def q_values(p: ArrayLike) -> Floats:
    """Return p-values adjusted so that ``q <= .05`` holds the false discovery rate at .05 (Benjamini, Hochberg 1995).

    Examples
    --------
    >>> q_values([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p, dtype=np.float64)
    flat = p.ravel()
    order = np.argsort(flat, kind="stable")
    raised = flat[order] * flat.size / np.arange(1, flat.size + 1)
    q = np.empty_like(flat)
    q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return q.reshape(p.shape)


def _grid(counts: ArrayLike, within: Bools | None) -> tuple[Floats, Bools]:
    counts = np.asarray(counts, dtype=np.float64)
    within = np.ones(counts.shape, dtype=np.bool_) if within is None else np.asarray(within, dtype=np.bool_)
    if counts.ndim != 2 or counts.shape != within.shape or not within.any():
        raise SettingsError(f"counts of shape {counts.shape}: give rows x columns, with at least one cell in the area")
    return counts, within
