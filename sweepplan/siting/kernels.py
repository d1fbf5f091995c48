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
def thinned(entries: Entries, cap: Ints, alive: Bools) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    """Return the entries of columns ``alive`` that lose less than ``cap``, as the fields of :class:`Entries`."""
    start, cstart = np.zeros(cap.size + 1, dtype=np.int64), np.zeros(alive.size + 1, dtype=np.int64)
    for r in range(cap.size):
        start[r + 1] = start[r]
        for e in range(entries.start[r], entries.start[r + 1]):
            if entries.loss[e] >= cap[r]:
                break
            if alive[entries.col[e]]:
                start[r + 1] += 1
                cstart[entries.col[e] + 1] += 1
    for j in range(alive.size):
        cstart[j + 1] += cstart[j]
    n = start[cap.size]
    col, loss = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    crow, closs = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    filled = np.zeros(alive.size, dtype=np.int64)
    n = 0
    for r in range(cap.size):
        for e in range(entries.start[r], entries.start[r + 1]):
            if entries.loss[e] >= cap[r]:
                break
            j = entries.col[e]
            if alive[j]:
                at = cstart[j] + filled[j]
                filled[j] += 1
                col[n], loss[n], crow[at], closs[at] = j, entries.loss[e], r, entries.loss[e]
                n += 1
    return start, col, loss, cstart, crow, closs


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
    for i in range(p):
        for j in range(place.size):
            change[i, j] -= missed[i]
    return gain, change


@njit(cache=True)
def largest(sums: Floats, offset: Floats, k: int, x: Ints) -> tuple[int, float]:
    """Write to ``x`` the (at most) ``k`` columns with the largest sums + offset above 0; return their number and sum.

    The largest first, of equals the lower index.
    """
    n = 0
    for j in range(sums.size):
        worth = sums[j] + offset[j]
        if k == 0 or worth <= 0 or (n == k and worth <= sums[x[n - 1]] + offset[x[n - 1]]):
            continue
        at = n if n < k else n - 1
        n = at + 1
        while at > 0 and sums[x[at - 1]] + offset[x[at - 1]] < worth:
            x[at] = x[at - 1]
            at -= 1
        x[at] = j
    value = 0.0
    for i in range(n):
        value += sums[x[i]] + offset[x[i]]
    return n, value


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
def steepest(entries: Entries, w: Floats, u: Floats, x: Ints, n: int) -> Floats:
    """Return the subgradient of the bound: 1 less the number of the first ``n`` of ``x`` that a row pays for."""
    slope = np.ones(u.size)
    for i in range(n):
        for e in range(entries.cstart[x[i]], entries.cstart[x[i] + 1]):
            if w[entries.crow[e]] * entries.closs[e] < u[entries.crow[e]]:
                slope[entries.crow[e]] -= 1
    return slope


@njit(cache=True)
def move(u: Floats, by: float, towards: Floats, low: Floats, high: Floats) -> None:
    """Move ``u`` by so many ``towards``, no farther than ``low`` and ``high``."""
    for r in range(u.size):
        u[r] = min(max(u[r] + by * towards[r], low[r]), high[r])


@njit(cache=True)
def copy(origin: Floats, target: Floats) -> None:
    """Write ``origin`` over ``target``; a loop compiles in a tenth of the time of a slice."""
    for r in range(origin.size):
        target[r] = origin[r]


@njit(cache=True)
def ascend(
    entries: Entries, w: Floats, low: Floats, high: Floats, offset: Floats, k: int, begin: Floats, climb: Climb
) -> tuple[Floats, float, Ints]:
    """Raise the bound ``sum u - (k largest of column_sums + offset)`` by subgradient steps (Held, Karp 1971).

    ``low``, ``high`` : least and greatest u. Returns the best u, its bound, the columns it would choose.
    """
    best, n_best, idle, reach = -np.inf, 0, 0, climb.reach
    u, best_u = begin.copy(), begin.copy()
    x, best_x = np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.int64)
    towards = np.zeros(u.size)
    for _ in range(climb.steps):
        n, value = largest(column_sums(entries, w, u, offset.size), offset, k, x)
        bound = -value
        for r in range(u.size):
            bound += u[r]
        idle = 0 if bound > best + 1e-7 * abs(best) else idle + 1
        if bound > best:
            best, n_best = bound, n
            for i in range(n):
                best_x[i] = x[i]
            copy(u, best_u)
        if best >= climb.goal or reach < 0.004:
            break
        if idle >= climb.patience:
            idle = 0
            reach /= 2
            copy(best_u, u)
            towards = np.zeros(u.size)
            continue
        length = turn(u, low, high, steepest(entries, w, u, x, n), towards)
        if length == 0:
            break
        move(u, reach * (climb.goal - bound) / length, towards, low, high)
    return best_u, best, best_x[:n_best]
