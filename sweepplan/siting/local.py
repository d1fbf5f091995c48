"""A good choice of columns in milliseconds, for the exact search to start from; all rules kept."""

from __future__ import annotations

import time

import numpy as np

from sweepplan.model import Ints
from sweepplan.siting.core import Core
from sweepplan.siting.kernels import exchanges, gains
from sweepplan.siting.side import Side

_TRIES = 40


def greedy(core: Core, side: Side, columns: Ints | None = None, *, barred: Ints | None = None) -> Ints:
    """Add to ``columns``, each time what takes away most loss and breaks no rule, the lowest index where several do.

    Without rules at least 63 % of the most that can be covered (Nemhauser, Wolsey, Fisher 1978). With group minima the
    end may still break one: ask :meth:`Side.keeps`.
    """
    chosen = np.zeros(0, dtype=np.int64) if columns is None else columns
    least = core.least(chosen)
    while chosen.size < side.k:
        able = side.may_add(chosen, core.sites.size)
        if barred is not None:
            able[barred] = False
        if not able.any():
            break
        added = gains(core.entries, core.w, least, core.sites.size)
        best = int(np.where(able, added, -1).argmax())
        chosen = np.append(chosen, best)
        rows = core.crow[core.cstart[best] : core.cstart[best + 1]]
        least[rows] = np.minimum(least[rows], core.closs[core.cstart[best] : core.cstart[best + 1]])
    return chosen


def swap(core: Core, side: Side, columns: Ints) -> Ints:
    """Exchange one chosen column for another while that takes away loss, the best first (Teitz, Bart 1968)."""
    chosen = columns.copy()
    while chosen.size:
        place = np.full(core.sites.size, -1, dtype=np.int64)
        place[chosen] = np.arange(chosen.size)
        gain, change = exchanges(core.entries, core.w, core.cap, place, chosen.size)
        worth = change + gain
        if side.plain:
            worth[:, chosen] = 0
        else:
            worth[~side.may_swap(chosen, core.sites.size)] = 0
        better = _first_kept(core, side, chosen, worth)
        if better is None:
            break
        chosen = better
    return chosen


def shake(core: Core, side: Side, columns: Ints, *, idle: int, end: float, seed: int) -> Ints:
    """Take some chosen columns out at random, refill, swap, keep what is better; until ``idle`` times nothing was.

    ``end`` : moment of ``time.monotonic`` at which to stop.
    """
    rng = np.random.default_rng(seed)
    best, value, left = columns, core.value(columns), idle
    while left and best.size > 1 and time.monotonic() < end:
        left -= 1
        out = rng.choice(best.size, rng.integers(1, max(2, min(best.size, 2 + best.size // 5))), replace=False)
        others = greedy(core, side, np.delete(best, out), barred=best[out])
        tried = swap(core, side, greedy(core, side, others))
        if core.value(tried) < value and side.keeps(core, tried):
            best, value, left = tried, core.value(tried), idle
    return best


def needed(core: Core, columns: Ints) -> Ints:
    """Return ``columns`` without those that the others make up for, the highest index left out first."""
    kept = np.sort(columns)
    for column in kept[::-1]:
        others = kept[kept != column]
        if core.value(others) == core.value(kept):
            kept = others
    return kept


def _first_kept(core: Core, side: Side, chosen: Ints, worth: Ints) -> Ints | None:
    """Return ``chosen`` after the exchange worth most that keeps every floor; None: none is worth anything."""
    tries = 1 if side.room is None else min(_TRIES, worth.size)
    best = np.argpartition(-worth, tries - 1, axis=None)[:tries] if tries > 1 else np.array([worth.argmax()])
    for at in best[np.argsort(-worth.ravel()[best], kind="stable")]:
        out, into = np.unravel_index(int(at), worth.shape)
        if worth[out, into] <= 0:
            return None
        better = chosen.copy()
        better[out] = into
        if side.within_room(core, better):
            return better
    return None
