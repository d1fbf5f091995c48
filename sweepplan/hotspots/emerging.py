"""How hot spots come and go: one class a cell from a row of periods, as in emerging hot spot analysis."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from sweepplan.errors import ProblemError
from sweepplan.hotspots.significance import both_tails, discoveries, gi_star

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MOST = 0.9
_FEWEST = 4


def hot_and_cold(
    counts: ArrayLike, *, radius: int = 1, within: Bools | None = None, fdr: float = 0.05
) -> tuple[NDArray[np.int8], Floats]:
    """Return which cells are hot (1) or cold (-1) in each period, and their z-scores of Gi*.

    A cell is hot where its exact p-value survives the false discovery rate over the cells of its period.

    Parameters
    ----------
    counts : whole numbers, shape (periods, rows, columns), oldest first.
    fdr : share of the hot cells (and of the cold ones) of a period that may be so by chance.

    Returns
    -------
    Two arrays of shape (periods, rows, columns); z-scores are 0 outside the area and where all counts are the same.
    """
    counts = np.asarray(counts, dtype=np.float64)
    inside = np.ones(counts.shape[1:], dtype=np.bool_) if within is None else within
    state = np.zeros(counts.shape, dtype=np.int8)
    z = np.zeros(counts.shape)
    for period, each in enumerate(counts):
        if each[inside].min(initial=0) == each[inside].max(initial=0):
            continue
        z[period] = np.nan_to_num(gi_star(each, radius=radius, within=inside))
        high, low = both_tails(each, radius=radius, within=inside)
        state[period][inside] = discoveries(high[inside], fdr).astype(np.int8) - discoveries(low[inside], fdr)
    return state, z


def patterns(state: ArrayLike, z: ArrayLike, *, alpha: float = 0.05) -> NDArray[np.str_]:
    """Return the class of each cell.

    With *hot* for a period in which the cell is significantly hot, *most* for at least nine periods in ten, and
    a trend of its z-scores by Mann and Kendall (significant at ``alpha``, one side each):

    ============ =====================================================================================
    new          hot in the last period, and never before
    consecutive  hot in an unbroken run of two periods or more up to the last, never before it, not most
    intensifying hot in most periods and in the last, and rising
    persistent   hot in most periods and in the last, with no trend
    diminishing  hot in most periods and in the last, and falling
    oscillating  hot in the last period, cold in some other, not most
    sporadic     hot in the last period, on and off before, never cold, not most
    historical   hot in most periods, not in the last
    ============ =====================================================================================

    ``cold new``, ... the same with hot and cold exchanged. Names and definitions follow ArcGIS's Emerging Hot Spot
    Analysis, with exact p-values in place of its normal ones.

    Parameters
    ----------
    state : 1 hot, -1 cold, 0 neither; shape (periods, ...), at least four periods, oldest first.
    z : z-scores, the same shape.

    Examples
    --------
    >>> state = np.array([[0, 1, 1], [0, 1, 0], [0, 1, 0], [1, 1, 0]])
    >>> patterns(state, np.zeros(state.shape)).tolist()
    ['new', 'persistent', '']
    """
    state, z = np.asarray(state), np.asarray(z, dtype=np.float64)
    if state.shape[0] < _FEWEST:
        raise ProblemError(f"{state.shape[0]} periods: a pattern needs {_FEWEST} or more")
    most = _MOST * state.shape[0]
    steady = (state[-1] != 0) & (((state == 1).sum(axis=0) >= most) | ((state == -1).sum(axis=0) >= most))
    rise = np.zeros(state.shape[1:])
    rise[steady] = mann_kendall(z[:, steady])
    found = np.full(state.shape[1:], "", dtype="<U17")
    for sign, prefix in ((1, ""), (-1, "cold ")):
        for name, which in _classes(state == sign, state == -sign, sign * rise, alpha):
            found[which] = prefix + name
    return found


def _classes(hot: Bools, cold: Bools, rise: Floats, alpha: float) -> list[tuple[str, Bools]]:
    last, n = hot[-1], hot.sum(axis=0)
    most = n >= _MOST * hot.shape[0]
    run = np.cumprod(hot[::-1], axis=0).sum(axis=0)
    only_run = last & (n == run) & ~most
    rising, falling = ndtr(-rise) < alpha, ndtr(rise) < alpha
    rest = last & ~most & ~only_run
    return [
        ("new", only_run & (run == 1)),
        ("consecutive", only_run & (run > 1)),
        ("intensifying", last & most & rising),
        ("persistent", last & most & ~rising & ~falling),
        ("diminishing", last & most & falling),
        ("oscillating", rest & cold.any(axis=0)),
        ("sporadic", rest & ~cold.any(axis=0)),
        ("historical", most & ~last),
    ]


def mann_kendall(series: ArrayLike) -> Floats:
    """Return the standard score of the Mann-Kendall trend, with ties and continuity corrected; 0 where all is equal.

    Parameters
    ----------
    series : shape (periods, ...), oldest first.

    Examples
    --------
    >>> mann_kendall([1.0, 2.0, 3.0, 4.0, 5.0]).round(4).tolist()   # S = 10, variance 50 / 3
    2.2045
    """
    series = np.asarray(series, dtype=np.float64)
    n = series.shape[0]
    s, tied = np.zeros(series.shape[1:]), np.zeros(series.shape[1:])
    for k in range(1, n):
        step = np.sign(series[k:] - series[:-k])
        s += step.sum(axis=0)
    ordered = np.sort(series, axis=0)
    run = np.ones(series.shape[1:])
    for k in range(1, n + 1):
        ends = np.ones(run.shape, dtype=np.bool_) if k == n else ordered[k] != ordered[k - 1]
        tied += np.where(ends, run * (run - 1) * (2 * run + 5), 0.0)
        run = np.where(ends, 1.0, run + 1)
    variance = (n * (n - 1) * (2 * n + 5) - tied) / 18
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(variance > 0, (s - np.sign(s)) / np.sqrt(variance), 0.0))
