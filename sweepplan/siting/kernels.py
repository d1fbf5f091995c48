"""The loops over entries of a core, compiled. Arrays as in :class:`sweepplan.siting.core.Core`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sweepplan.model import Floats, Ints

Bools = NDArray[np.bool_]


class Entries(NamedTuple):
    """Column and loss of each entry by row, and row and loss of each by column."""

    start: Ints
    col: Ints
    loss: Ints
    cstart: Ints
    crow: Ints
    closs: Ints


class Climb(NamedTuple):
    """How to climb: until a bound of ``goal``, or so many steps.

    ``reach`` is the first step (of Polyak's); it is halved after ``patience`` steps without a better bound.
    """

    goal: float
    steps: int
    patience: int
    reach: float


@njit(cache=True)
def column_sums(entries: Entries, w: Floats, u: Floats, n: int) -> Floats:
    """Return, per column, the sum over rows of ``u - w * loss`` where that is above 0."""
    start, col, loss = entries.start, entries.col, entries.loss
    sums = np.zeros(n)
    for r in range(u.size):
        for e in range(start[r], start[r + 1]):
            left = u[r] - w[r] * loss[e]
            if left <= 0:
                break
            sums[col[e]] += left
    return sums


@njit(cache=True)
def first_losses(entries: Entries, cap: Ints, alive: Bools) -> Ints:
    """Return, per row, the least loss among columns alive; ``cap`` where there is none."""
    first = cap.copy()
    for r in range(cap.size):
        for e in range(entries.start[r], entries.start[r + 1]):
            if alive[entries.col[e]]:
                first[r] = min(first[r], entries.loss[e])
                break
    return first


@njit(cache=True)
def gains(entries: Entries, w: Ints, least: Ints, n: int) -> Ints:
    """Return, per column, how much loss it takes away where rows lose ``least`` a unit."""
    start, col, loss = entries.start, entries.col, entries.loss
    found = np.zeros(n, dtype=np.int64)
    for r in range(w.size):
        for e in range(start[r], start[r + 1]):
            if loss[e] >= least[r]:
                break
            found[col[e]] += w[r] * (least[r] - loss[e])
    return found


@njit(cache=True)
def two_nearest(entries: Entries, r: int, cap: int, place: Ints) -> tuple[int, int, int]:
    """Return the least and second least loss of a row among the chosen, and the place of the nearest (-1: none)."""
    best, second, who = cap, cap, -1
    for e in range(entries.start[r], entries.start[r + 1]):
        if entries.loss[e] >= cap:
            break
        at = place[entries.col[e]]
        if at >= 0:
            if who >= 0:
                second = entries.loss[e]
                break
            best, who = entries.loss[e], at
    return best, second, who


@njit(cache=True)
def exchanges(entries: Entries, w: Ints, cap: Ints, place: Ints, p: int) -> tuple[Ints, Ints]:
    """Return the loss taken away by each column alone, and for (out, into) what an exchange changes beside it.

    ``place`` : per column, its index among the ``p`` chosen; -1 not chosen. The exchange of ``out`` for ``j`` takes
    away ``gain[j] + change[out, j]`` (Whitaker 1983; Resende, Werneck 2007).
    """
    start, col, loss = entries.start, entries.col, entries.loss
    gain = np.zeros(place.size, dtype=np.int64)
    change = np.zeros((p, place.size), dtype=np.int64)
    missed = np.zeros(p, dtype=np.int64)
    for r in range(w.size):
        best, second, who = two_nearest(entries, r, cap[r], place)
        if who >= 0:
            missed[who] += w[r] * (second - best)
        for e in range(start[r], start[r + 1]):
            if loss[e] >= second:
                break
            if loss[e] < best:
                gain[col[e]] += w[r] * (best - loss[e])
            if who >= 0:
                change[who, col[e]] += w[r] * (second - max(best, loss[e]))
    return gain, change - missed.reshape((p, 1))


@njit(cache=True)
def best_exchange(entries: Entries, w: Ints, cap: Ints, place: Ints, p: int) -> tuple[int, int, int]:
    """Return what the best exchange takes away, which of the ``p`` chosen it takes out, which column it puts in."""
    gain, change = exchanges(entries, w, cap, place, p)
    worth, out, into = 0, -1, -1
    for i in range(p):
        for j in range(place.size):
            if gain[j] + change[i, j] > worth and place[j] < 0:
                worth, out, into = gain[j] + change[i, j], i, j
    return worth, out, into


@njit(cache=True)
def largest(sums: Floats, alive: Bools, k: int) -> tuple[Ints, float]:
    """Return the (at most) ``k`` columns alive with the largest sums above 0, and those sums' sum."""
    able = np.flatnonzero(alive & (sums > 0))
    if able.size > k:
        able = able[np.argsort(-sums[able], kind="mergesort")[:k]]
    value = 0.0
    for j in able:
        value += sums[j]
    return able, value


@njit(cache=True)
def steepest(entries: Entries, w: Floats, u: Floats, x: Ints) -> Floats:
    """Return the subgradient of the bound: 1 less the number of columns chosen that a row pays for."""
    slope = np.ones(u.size)
    for j in x:
        for e in range(entries.cstart[j], entries.cstart[j + 1]):
            if w[entries.crow[e]] * entries.closs[e] < u[entries.crow[e]]:
                slope[entries.crow[e]] -= 1
    return slope


@njit(cache=True)
def turn(u: Floats, low: Floats, high: Floats, slope: Floats, towards: Floats) -> float:
    """Turn ``towards`` to the slope, where ``u`` may still move; return its squared length."""
    length = 0.0
    for r in range(u.size):
        stuck = (u[r] >= high[r] and slope[r] > 0) or (u[r] <= low[r] and slope[r] < 0)
        towards[r] = 0.6 * towards[r] + (0.0 if stuck else slope[r])
        if (u[r] >= high[r] and towards[r] > 0) or (u[r] <= low[r] and towards[r] < 0):
            towards[r] = 0
        length += towards[r] * towards[r]
    return length


@njit(cache=True)
def ascend(
    entries: Entries,
    w: Floats,
    limits: tuple[Floats, Floats],
    alive: Bools,
    offset: Floats,
    k: int,
    u: Floats,
    climb: Climb,
) -> tuple[Floats, float, Ints]:
    """Raise the bound ``sum u - (k largest of column_sums + offset)`` by subgradient steps (Held, Karp 1971).

    ``limits`` : least and greatest u. Returns the best u, its bound, the columns it would choose.
    """
    low, high = limits
    best, best_u, best_x = -np.inf, u.copy(), np.zeros(0, dtype=np.int64)
    u = u.copy()
    towards = np.zeros(u.size)
    idle, reach = 0, climb.reach
    for _ in range(climb.steps):
        x, value = largest(column_sums(entries, w, u, alive.size) + offset, alive, k)
        bound = u.sum() - value
        idle = 0 if bound > best + 1e-7 * abs(best) else idle + 1
        if bound > best:
            best, best_x = bound, x
            best_u[:] = u
        if best >= climb.goal or reach < 0.004:
            break
        if idle >= climb.patience:
            idle = 0
            reach /= 2
            u[:] = best_u
            towards[:] = 0
            continue
        length = turn(u, low, high, steepest(entries, w, u, x), towards)
        if length == 0:
            break
        u = np.minimum(np.maximum(u + reach * (climb.goal - bound) / length * towards, low), high)
    return best_u, best, best_x
