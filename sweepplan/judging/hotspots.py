"""What a map of hotspots is worth: how much of what came later it caught."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweepplan.errors import ProblemError

Floats = NDArray[np.float64]


def hit_rate(
    score: ArrayLike, counts: ArrayLike, share: float, *, outside: int = 0, size: ArrayLike | None = None
) -> float:
    """Return the share of later reports in the best ``share`` of the region's cells.

    Parameters
    ----------
    score : shape (n,), of each cell of the region; higher is searched first. Where sizes differ, give reports expected
        a unit of size.
    counts : shape (n,), later reports in each cell.
    share : of the region's area that is searched, ``0 < share <= 1``; cells of equal score at the cut are counted in
        expectation, and so is a part of a cell.
    outside : later reports outside the region: misses.
    size : shape (n,), of each cell, e.g. metres of street; all of one size where it is not given.

    Returns
    -------
    float
        0 to 1; NaN where nothing came.

    Raises
    ------
    ProblemError
        Shapes differ, a score or count is empty or negative, or ``share`` is out of bounds.

    Examples
    --------
    >>> hit_rate([9, 5, 5, 1], [4, 2, 0, 1], share=0.5, outside=1)  # 4, and half of 2, of 8
    0.625
    """
    scores, later, sizes = _checked(score, counts, share, outside, size)
    total = later.sum() + outside
    return float(_caught(scores, later, sizes, share) / total) if total else float("nan")


def caught(
    score: ArrayLike, counts: ArrayLike, shares: Sequence[float], *, size: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return the later reports in the best ``shares`` of the region, and the most that any choice would hold.

    See :func:`hit_rate` for the parameters; sums of these over many forecasts make a pooled hit rate and PEI.

    Examples
    --------
    >>> [found.tolist() for found in caught([9, 5, 5, 1], [4, 2, 0, 1], [0.25, 0.5])]
    [[4.0, 5.0], [4.0, 6.0]]
    """
    scores, later, sizes = _checked(score, counts, max(shares), 0, size)
    found = np.array([_caught(scores, later, sizes, share) for share in shares])
    return found, np.array([_caught(later / sizes, later, sizes, share) for share in shares])


def pai(score: ArrayLike, counts: ArrayLike, share: float, *, outside: int = 0) -> float:
    """Return the predictive accuracy index, hit rate / ``share``: about 1 for a map that knows nothing.

    See :func:`hit_rate` for the parameters. Chainey, Tompson & Uhlig (2008), Security Journal 21.

    Examples
    --------
    >>> pai([9, 5, 5, 1], [4, 2, 0, 1], share=0.5, outside=1)
    1.25
    """
    return hit_rate(score, counts, share, outside=outside) / share


def pei(score: ArrayLike, counts: ArrayLike, share: float) -> float:
    """Return the predictive efficiency index: reports caught / the most that as many cells could catch.

    Reports outside the region play no part: no choice of cells catches them. NaN where nothing came in the region.
    See :func:`hit_rate` for the parameters. Hunt (2016), thesis, University of Central Florida.

    Examples
    --------
    >>> pei([9, 5, 5, 1], [4, 2, 0, 1], share=0.5)  # 5 caught, 6 possible
    0.8333333333333334
    """
    found, best = caught(score, counts, [share])
    return float(found[0] / best[0]) if best[0] else float("nan")


def _caught(score: Floats, counts: Floats, size: Floats, share: float) -> float:
    """Return the reports expected in the best ``share``, drawn at random where scores are equal."""
    order = np.argsort(-score, kind="stable")
    searched = share * size.sum()
    last = min(int(np.searchsorted(np.cumsum(size[order]), searched * (1 - 1e-12))), score.size - 1)
    cut = score[order[last]]
    above, at_cut = score > cut, score == cut
    part = (searched - size[above].sum()) / size[at_cut].sum()
    return float(counts[above].sum() + part * counts[at_cut].sum())


def _checked(
    score: ArrayLike, counts: ArrayLike, share: float, outside: int, size: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    scores, later = np.asarray(score, dtype=float), np.asarray(counts, dtype=float)
    sizes = np.ones(later.shape) if size is None else np.asarray(size, dtype=float)
    if scores.ndim != 1 or scores.shape != later.shape or not scores.size:
        raise ProblemError(f"score {scores.shape} and counts {later.shape}: give one of each a cell, at least one")
    if np.isnan(scores).any():
        raise ProblemError(f"score is empty in {int(np.isnan(scores).sum())} cells: give every cell of the region one")
    if not np.isfinite(later).all() or (later < 0).any() or outside < 0:
        raise ProblemError("counts or outside hold a negative or empty number: count reports, 0 where none came")
    if not 0 < share <= 1:
        raise ProblemError(f"share {share:g} of the region: give more than 0 and at most 1, e.g. 0.025")
    if sizes.shape != later.shape or not np.isfinite(sizes).all() or not (sizes > 0).all():
        raise ProblemError("size holds a cell without one: give every cell a size above 0")
    return scores, later, sizes
