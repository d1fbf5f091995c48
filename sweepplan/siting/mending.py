"""A good choice of many columns made better part by part: some neighbours are chosen anew, as well as can be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sweepplan.model import Ints
from sweepplan.siting.core import Core
from sweepplan.siting.local import swap
from sweepplan.siting.side import Side

Solve = Callable[[Core, Side, Ints], Ints]

_PARTS = (6, 8, 10)
"""Columns chosen anew at a time, few first: it is the cheaper, and often enough."""


def mend(core: Core, side: Side, columns: Ints, solve: Solve, *, end: float) -> Ints:
    """Choose each column's neighbourhood anew while that takes away loss (POPMUSIC; Taillard, Voss 2002); no rules.

    Parameters
    ----------
    solve : returns the best columns of a small core, given a choice to start from.
    end : moment of ``time.monotonic`` at which to stop.
    """
    best = columns
    for size in _PARTS:
        waiting = np.sort(best).tolist()
        while waiting and time.monotonic() < end:
            seed = waiting.pop(0)
            if seed not in best:
                continue
            part, near = _neighbourhood(core, best, seed, size)
            others = np.setdiff1d(best, part)
            small = replace(core, cap=core.least(others)).only(near)
            found = near[solve(small, replace(side, k=side.k - others.size), np.searchsorted(near, part))]
            tried = np.concatenate([others, found])
            if core.value(tried) < core.value(best):
                best = swap(core, side, tried)
                again = np.intersect1d(best, near).tolist()
                waiting = again + [j for j in waiting if j not in again]
    return best


def _neighbourhood(core: Core, columns: Ints, seed: int, size: int) -> tuple[Ints, Ints]:
    """Return the chosen columns nearest to ``seed`` by shared rows, and the columns that share rows with them."""
    reached = np.zeros(core.sites.size, dtype=np.bool_)
    reached[seed] = True
    before = 0
    chosen = np.array([seed])
    while chosen.size < min(size, columns.size) and reached.sum() > before:
        before = int(reached.sum())
        reached[_sharing(core, np.flatnonzero(reached))] = True
        inside = columns[reached[columns]]
        chosen = np.concatenate([chosen, np.setdiff1d(inside, chosen)])[:size]
    near = np.zeros(core.sites.size, dtype=np.bool_)
    near[_sharing(core, chosen)] = True
    near[columns] = False
    near[chosen] = True
    return np.sort(chosen), np.flatnonzero(near)


def _sharing(core: Core, columns: Ints) -> Ints:
    """Return the columns that serve a row that one of ``columns`` serves."""
    rows = np.zeros(core.w.size, dtype=np.bool_)
    mine = np.zeros(core.sites.size, dtype=np.bool_)
    mine[columns] = True
    rows[core.crow[np.repeat(mine, np.diff(core.cstart))]] = True
    return np.unique(core.col[np.repeat(rows, np.diff(core.start))])
