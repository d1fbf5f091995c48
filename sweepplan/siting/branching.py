"""Branch and bound on a core, each case bounded by its relaxation: the multipliers of all cases are the proof."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sweepplan.model import CLOSED, GOES_ON, Floats, Ints
from sweepplan.siting.bound import Prices, case_bound
from sweepplan.siting.core import Core
from sweepplan.siting.highs import Relaxation, Relaxed
from sweepplan.siting.side import Side

_WHOLE = 1e-6
_PROBES, _TRUSTED, _PROBE_STEPS = 8, 4, 60
"""Columns tried at a case before it is split, tries after which a column's past is believed, simplex steps of a try."""


@dataclass(frozen=True, eq=False)
class Step:
    """A stage of the proof: multipliers, and the column it branches on, or ``CLOSED``, ``GOES_ON``."""

    prices: Prices
    branch: int = GOES_ON


@dataclass(frozen=True, eq=False)
class Tree:
    """What the search found: the best columns, whether all is proved, and the stages."""

    columns: Ints
    closed: bool
    steps: list[Step]


@dataclass(frozen=True, eq=False)
class _Case:
    """Least and greatest x of each column, and the basis to start from."""

    low: Floats
    high: Floats
    basis: Any = None


@dataclass(eq=False)
class _Past:
    """How much the bound rose per unit of x when a column was barred (row 0) or set (row 1), summed, and how often."""

    rise: Floats
    tries: Ints
    most: int = field(default=_TRUSTED)

    def expected(self, x: Floats) -> Floats:
        """Return the product of what barring and setting each column should raise the bound by."""
        mean = self.rise.sum(axis=1) / np.maximum(self.tries.sum(axis=1), 1)
        each = np.where(self.tries > 0, self.rise / np.maximum(self.tries, 1), mean[:, None])
        return np.asarray((each[0] * x + 1e-9) * (each[1] * (1 - x) + 1e-9))


def branch(core: Core, side: Side, columns: Ints, *, claim: int, step: float, end: float, nodes: int) -> Tree:
    """Search all lawful choices of columns for one that loses less than ``claim``, by at least ``step``.

    Parameters
    ----------
    columns : the best choice so far, which loses ``claim`` or more.
    end : moment of ``time.monotonic`` at which to stop.
    nodes : cases at most.
    """
    s = core.sites.size
    relaxation = Relaxation(core, side, seconds=end - time.monotonic())
    past = _Past(np.zeros((2, s)), np.zeros((2, s), dtype=np.int64))
    stack, steps = [_Case(np.zeros(s), np.ones(s))], list[Step]()
    best, value = columns, claim
    while stack:
        case = stack.pop()
        at = relaxation.solve(case.low, case.high, case.basis)
        if at is None or len(steps) >= nodes or time.monotonic() > end:
            return Tree(best, False, steps)
        if np.isinf(at.value):
            prices = _refuting(core, side, case, steps[-1].prices if steps else None, at.prices, float(value))
            if prices is None:
                return Tree(best, False, steps)
            steps.append(Step(prices, CLOSED))
            continue
        found = np.flatnonzero(at.x > 0.5) if at.whole else np.argsort(-at.x, kind="stable")[: side.k]
        if core.value(found) < value and side.keeps(core, found):
            best, value = found, core.value(found)
        goal = value - 0.985 * step
        if at.value > goal:
            steps.append(Step(at.prices, CLOSED))
            continue
        if at.whole:
            return Tree(best, False, steps)
        case = _fixed(case, at, goal)
        j = _branching_column(relaxation, case, at, goal, past)
        steps.append(Step(at.prices, j))
        stack += [_with(case, j, 0.0), _with(case, j, 1.0)]
    return Tree(best, True, steps)


def _with(case: _Case, j: int, x: float) -> _Case:
    low, high = case.low.copy(), case.high.copy()
    low[j] = high[j] = x
    return replace(case, low=low, high=high)


def _fixed(case: _Case, at: Relaxed, goal: float) -> _Case:
    """Return the case without the columns that no choice below ``goal`` has, and with those that every one has."""
    out = (at.x < _WHOLE) & (case.low == 0) & (at.value + at.reduced > goal)
    into = (at.x > 1 - _WHOLE) & (case.high == 1) & (at.value - at.reduced > goal)
    return _Case(np.where(into, 1.0, case.low), np.where(out, 0.0, case.high), at.basis)


def _branching_column(relaxation: Relaxation, case: _Case, at: Relaxed, goal: float, past: _Past) -> int:
    """Return the column that, barred and set, raises the bound most; the likely ones are tried (strong branching)."""
    open_ = np.flatnonzero((at.x > _WHOLE) & (at.x < 1 - _WHOLE))
    likely = open_[np.argsort(-(past.expected(at.x)[open_]) * np.minimum(at.x, 1 - at.x)[open_], kind="stable")]
    best, best_worth = int(likely[0]), -1.0
    for j in likely[:_PROBES].tolist():
        rises = []
        for x, part in ((0, at.x[j]), (1, 1 - at.x[j])):
            if past.tries[x, j] >= past.most:
                rises.append(min(past.rise[x, j] / past.tries[x, j] * part, goal - at.value))
                continue
            tried = _with(case, j, float(x))
            after = relaxation.value(tried.low, tried.high, at.basis, _PROBE_STEPS)
            rises.append(min(max(after, at.value), goal) - at.value)
            past.rise[x, j] += rises[-1] / part
            past.tries[x, j] += 1
        worth = (rises[0] + 1e-9) * (rises[1] + 1e-9)
        if worth > best_worth:
            best, best_worth = j, worth
    return best


def _refuting(core: Core, side: Side, case: _Case, before: Prices | None, ray: Prices, claim: float) -> Prices | None:
    """Return multipliers that lift the bound of a case without any lawful choice to ``claim``: far along a ray."""
    start = Prices(np.zeros(core.w.size)) if before is None else before
    for times in 2.0 ** np.arange(-10, 50):
        prices = start.moved(ray, float(times))
        if case_bound(core, side, prices, case.low, case.high) > claim:
            return prices
    return None
