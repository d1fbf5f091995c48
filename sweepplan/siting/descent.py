"""Branch and bound on a core without rules, each case bounded by subgradient steps: where relaxations are too large."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from sweepplan.model import CLOSED, Floats, Ints
from sweepplan.siting.bound import Prices, kept_out
from sweepplan.siting.branching import Step, Tree
from sweepplan.siting.core import Core
from sweepplan.siting.kernels import Climb, Entries, ascend, column_sums, thinned
from sweepplan.siting.side import Bools

_STEPS, _PATIENCE, _REACH = 60, 8, 1.0
"""Subgradient steps of a case, see :class:`kernels.Climb`."""
_MOST_WORK = 200_000_000
"""Entries of all cases together, steps not counted: some 20 CPU seconds."""


@dataclass(frozen=True, eq=False)
class _Case:
    """Columns that may still be chosen, those that stand (their loss is in ``cap``), the entries that matter, u."""

    alive: Bools
    standing: tuple[int, ...]
    cap: Ints
    entries: Entries
    u: Floats
    bound: float = -np.inf


def descend(core: Core, k: int, u: Floats, columns: Ints, *, claim: int, step: float, end: float, nodes: int) -> Tree:
    """Search all choices of ``k`` columns for one that loses less than ``claim``, by at least ``step``.

    Parameters
    ----------
    u : multipliers to start from.
    columns : the best choice so far, which loses ``claim`` or more.
    end : moment of ``time.monotonic`` at which to stop.
    nodes : stages of the proof at most.
    """
    stack = [_Case(np.ones(core.sites.size, dtype=np.bool_), (), core.cap, core.entries, u)]
    best, value, steps, left = columns, claim, list[Step](), _MOST_WORK
    while stack:
        case, met, closed = _explore(core, k, stack.pop(), value - 0.985 * step, steps)
        for tried in met:
            if core.value(tried) < value:
                best, value = tried, core.value(tried)
        if closed or case.bound > value - 0.985 * step:
            steps[-1] = replace(steps[-1], branch=CLOSED)
            continue
        left -= case.entries.col.size
        if len(steps) >= nodes or left < 0 or time.monotonic() > end:
            return Tree(best, False, steps)
        sums = column_sums(case.entries, core.w.astype(np.float64), case.u, core.sites.size)
        j = int(np.where(case.alive, sums, -np.inf).argmax())
        steps[-1] = replace(steps[-1], branch=j)
        without = case.alive.copy()
        without[j] = False
        case = replace(case, alive=without)
        stack += [case, _standing(core, case, (j,))]
    return Tree(best, True, steps)


def _explore(core: Core, k: int, case: _Case, goal: float, steps: list[Step]) -> tuple[_Case, list[Ints], bool]:
    """Raise the case's bound, ruling columns out and in as it rises; return it, choices met, whether it is closed."""
    met, w, s = [], core.w.astype(np.float64), core.sites.size
    while True:
        entries = Entries(*thinned(case.entries, case.cap, case.alive))
        left = k - len(case.standing)
        high = w * case.cap
        low = np.minimum(w * core.loss[core.start[:-1]], high)
        barred = np.where(case.alive, 0.0, -np.inf)
        how = Climb(goal, _STEPS, _PATIENCE, _REACH)
        u, bound, x = ascend(entries, w, low, high, barred, left, np.clip(case.u, low, high), how)
        steps.append(Step(Prices(u)))
        met.append(np.array([*case.standing, *x], dtype=np.int64))
        case = replace(case, u=u, bound=bound, entries=entries)
        if bound > goal:
            return case, met, True
        sums = column_sums(entries, w, u, s)
        out, into = kept_out(sums, case.alive, left, bound, goal)
        before = int(case.alive.sum())
        case = _standing(core, replace(case, alive=case.alive & ~out & ~into), tuple(np.flatnonzero(into).tolist()))
        if len(case.standing) == k or not case.alive.any():
            # All is decided: what stands is the case's only choice, and its own losses are multipliers that say so.
            met.append(np.array(case.standing, dtype=np.int64))
            steps.append(Step(Prices(w * case.cap)))
            return case, met, True
        if not into.any() and out.sum() < 0.1 * before:
            return case, met, False


def _standing(core: Core, case: _Case, columns: tuple[int, ...]) -> _Case:
    """Return the case with ``columns`` chosen."""
    cap = case.cap.copy()
    for j in columns:
        rows = core.crow[core.cstart[j] : core.cstart[j + 1]]
        cap[rows] = np.minimum(cap[rows], core.closs[core.cstart[j] : core.cstart[j + 1]])
    return replace(case, standing=(*case.standing, *columns), cap=cap)
