"""Figures said outside of tables, so coarse that none tells of a few reports."""

from __future__ import annotations


def share(part: float, whole: float, least: int) -> int:
    """Return ``part`` of ``whole`` in percent, so coarse that no step of it tells of fewer than ``least`` reports.

    Examples
    --------
    >>> share(4_567, 11_000, 11), share(45, 100, 11), share(0, 0, 11)
    (42, 50, 0)
    """
    step = next((step for step in (1, 2, 5, 10, 25, 50) if step * whole >= 100 * least), 100)
    return step * round(100 * part / step / whole) if whole else 0


def about(n: float, least: int) -> int | None:
    """Return a count so coarse that two of them, of two days, tell of no few reports; None for 1 to ``least - 1``.

    Examples
    --------
    >>> about(4_057, 11), about(14, 11), about(3, 11), about(0, 11)
    (4060, 20, None, 0)
    """
    if 0 < n < least:
        return None
    step = next(step for k in range(12) for step in (10**k, 2 * 10**k, 5 * 10**k) if step >= least)
    return max(step * round(n / step), step) if n else 0
