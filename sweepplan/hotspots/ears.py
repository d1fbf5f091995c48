"""Counts of one place by day, watched in the usual ways: EARS C1 to C3, and the plain threshold rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from sweepplan.errors import SettingsError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_BASE_D = 7
_LAG_D = {"C1": 0, "C2": 2, "C3": 2}
_SUMMED_D = 3


def ears(counts: ArrayLike, method: str = "C2", *, alpha: float | None = None) -> tuple[Floats, Bools]:
    """Return the upper bound of each day and where it is passed (Hutwagner et al. 2003).

    C1 compares a day with the mean and standard deviation of the seven days before; C2 leaves two days between; C3
    adds up by how much the two days before passed one standard deviation of C2, and has no bound on the day's own
    count. Bounds and alarms are those of R's surveillance 1.20.3.

    Parameters
    ----------
    counts : shape (days, ...), oldest first.
    method : ``C1``, ``C2`` or ``C3``.
    alpha : one-sided level of the normal bound; None: .001, for C3 .025, as R's surveillance takes them.

    Returns
    -------
    bound, alarm : the shape of ``counts``; NaN (all of C3) and False on the first days, which have no baseline.
    """
    if method not in _LAG_D:
        raise SettingsError(f"EARS method {method!r}: one of {', '.join(_LAG_D)}")
    counts = np.asarray(counts, dtype=np.float64)
    z = -ndtri(alpha if alpha is not None else 0.025 if method == "C3" else 0.001)
    mean, sd = _baseline(counts, _LAG_D[method])
    if method != "C3":
        bound = mean + z * sd
        with np.errstate(invalid="ignore"):
            return bound, counts > bound
    with np.errstate(invalid="ignore", divide="ignore"):
        over = np.maximum(0.0, np.nan_to_num((counts - mean) / sd, posinf=np.inf) - 1)
    before = np.zeros(counts.shape)
    before[2:] = over[1:-1] + over[:-2]
    return np.full(counts.shape, np.nan), before > z


def _baseline(counts: Floats, lag_d: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the seven days that end ``lag_d`` days before each day."""
    mean, sd = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    for day in range(_BASE_D + lag_d, counts.shape[0]):
        base = counts[day - lag_d - _BASE_D : day - lag_d]
        mean[day], sd[day] = base.mean(axis=0), base.std(axis=0, ddof=1)
    return mean, sd


def threshold_rule(counts: ArrayLike, *, days: int = 28, n_sd: float = 2.0) -> tuple[Floats, Bools]:
    """Return the plain rule's bound of each day, mean plus ``n_sd`` standard deviations of the days before, and alarms.

    With counts of overdoses by county it is the spike rule that ODMAP users set: 24 hours above mean + 2 sd.

    Parameters
    ----------
    counts : shape (days, ...), oldest first.
    days : length of the baseline.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if days < 2:
        raise SettingsError(f"a baseline of {days} days: give 2 or more")
    bound = np.full(counts.shape, np.nan)
    for day in range(days, counts.shape[0]):
        base = counts[day - days : day]
        bound[day] = base.mean(axis=0) + n_sd * base.std(axis=0, ddof=1)
    with np.errstate(invalid="ignore"):
        return bound, counts > bound
