"""Figures said outside of tables, so coarse that none tells of a few reports."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

REST = "all others"
_HOURS = (0.5, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 30, 36, 48, 72, 96, 120, 168, 240, 336, 504, 720)


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


def pooled(sizes: Mapping[str, int], least: int) -> dict[str, list[str]]:
    """Return which parts of a whole may be told, by the name they are told under.

    Parts of fewer than ``least`` are one, ``REST``; where that is less as well, the smallest others join it, so that no
    difference to the whole tells of fewer. No part is told where all are one.

    Examples
    --------
    >>> pooled({"day": 90, "dusk": 30, "night": 4}, 22)
    {'day': ['day'], 'all others': ['dusk', 'night']}
    >>> pooled({"day": 90, "night": 4}, 22)
    {}
    """
    told = sorted((name for name, n in sizes.items() if n >= least), key=lambda name: -sizes[name])
    rest = sum(sizes.values()) - sum(sizes[name] for name in told)
    while told and 0 < rest < least:
        rest += sizes[told.pop()]
    if len(told) + bool(rest) < 2:
        return {}
    alone = {name: [name] for name in sizes if name in told}
    return alone | ({REST: [name for name in sizes if name not in told]} if rest else {})


def quantile(values: pd.Series, part: float, least: int) -> float:
    """Return a quantile of hours, to a step of a coarse scale; NaN where fewer than ``least`` lie on either side of it.

    Examples
    --------
    >>> hours = pd.Series(range(22))
    >>> quantile(hours, 0.5, 11), quantile(hours, 0.9, 11)
    (10, nan)
    """
    if round(min(part, 1 - part) * len(values), 6) < least:
        return math.nan
    found = float(values.quantile(part))
    return min(_HOURS, key=lambda step: abs(math.log((found + 0.1) / (step + 0.1))))
