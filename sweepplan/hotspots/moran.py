"""Local Moran: a second view, which also tells apart a hot cell among cool ones, and the reverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweepplan.errors import SettingsError
from sweepplan.hotspots.significance import q_values, window_sums

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def local_moran(counts: ArrayLike, *, radius: int = 1, within: Bools | None = None) -> Floats:
    """Return Local Moran's I (Anselin 1995), row-standardised weights over the window without the cell itself.

    Parameters
    ----------
    counts : shape (rows, columns).
    within : which cells belong to the area; all where it is None.

    Returns
    -------
    Shape (rows, columns), ``(n - 1) z_i sum_j w_ij z_j / sum_j z_j^2``; NaN outside the area and for cells without
    a neighbour.
    """
    z, lag, within = _deviations(counts, radius, within)
    n = within.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(within, (n - 1) * z * lag / (z[within] ** 2).sum(), np.nan)


def moran_clusters(
    counts: ArrayLike,
    *,
    seed: int,
    radius: int = 1,
    within: Bools | None = None,
    n_draws: int = 99_999,
    fdr: float = 0.05,
) -> NDArray[np.str_]:
    """Return the kind of each significant cell: ``high-high``, ``low-low``, ``high-low``, ``low-high``, else empty.

    The p-value of a cell holds its own count fixed and draws its neighbours from all cells, ``n_draws`` times.

    Parameters
    ----------
    fdr : the false discovery rate held over all cells.
    """
    z, lag, within = _deviations(counts, radius, within)
    neighbours = (window_sums(within, radius) - within).round().astype(int)
    rng = np.random.default_rng(seed)
    p = np.ones(z.shape)
    for k in np.unique(neighbours[within & (neighbours > 0)]):
        here = within & (neighbours == k)
        drawn = np.sort(rng.choice(z[within], (n_draws, k)).mean(axis=1))
        above = n_draws - np.searchsorted(drawn, lag[here] - 1e-12)
        below = np.searchsorted(drawn, lag[here] + 1e-12, side="right")
        p[here] = np.minimum(1.0, 2 * (np.minimum(above, below) + 1) / (n_draws + 1))
    sure = np.zeros(z.shape, dtype=np.bool_)
    sure[within] = q_values(p[within]) <= fdr
    own, around = np.where(z > 0, "high", "low"), np.where(lag > 0, "-high", "-low")
    return np.where(sure, np.char.add(own, around), "")


def _deviations(counts: ArrayLike, radius: int, within: Bools | None) -> tuple[Floats, Floats, Bools]:
    counts = np.asarray(counts, dtype=np.float64)
    within = np.ones(counts.shape, dtype=np.bool_) if within is None else within
    if counts[within].min() == counts[within].max():
        raise SettingsError(f"all counts are {counts[within][0]:g}: nothing differs")
    z = np.where(within, counts - counts[within].mean(), 0.0)
    n_near = window_sums(within, radius) - within
    with np.errstate(invalid="ignore", divide="ignore"):
        return z, (window_sums(z, radius) - z) / n_near, within
