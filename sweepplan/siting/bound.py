"""What no choice of columns can better: multipliers, the bound they prove, the columns they rule out or in.

For any multipliers ``>= 0``, and ``u`` at most what a row loses unserved, the loss of a lawful choice is at least
``sum u`` - the ``k`` largest of the columns' sums of ``(u - loss)+``, where each rule adds its multiplier to the
columns it speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sweepplan.model import Floats, Ints
from sweepplan.siting.core import Core
from sweepplan.siting.kernels import Climb, ascend, column_sums, first_losses, largest
from sweepplan.siting.side import Bools, Side


@dataclass(frozen=True, eq=False)
class Prices:
    """Multipliers: ``u`` (m,) of rows, and of the rules: groups, cliques (columns, multiplier), budget, floors."""

    u: Floats
    groups: Floats = field(default_factory=lambda: np.zeros(0))
    cliques: tuple[tuple[Ints, float], ...] = ()
    budget: float = 0.0
    floors: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class Node:
    """Part of the search: columns that may still be chosen, those that stand (their loss is in ``cap``), the bound."""

    alive: Bools
    standing: tuple[int, ...]
    cap: Ints
    u: Floats
    bound: float


def row_weights(core: Core, prices: Prices) -> Floats:
    """Return the weight of each row, its district's multiplier added."""
    w = core.w.astype(np.float64)
    if prices.floors.size:
        inside = core.district >= 0
        w[inside] *= 1 + prices.floors[core.district[inside]]
    return w


def offsets(core: Core, side: Side, prices: Prices) -> tuple[Floats, float]:
    """Return what the rules add to each column's sum, and to the bound itself."""
    offset, constant = np.zeros(core.sites.size), 0.0
    for (cols, need), price in zip(side.groups, prices.groups, strict=False):
        offset[cols] += price
        constant += price * need
    for cols, price in prices.cliques:
        offset[cols] -= price
        constant -= price
    if side.cost is not None:
        offset -= prices.budget * side.cost
        constant -= prices.budget * side.budget
    if side.room is not None and prices.floors.size:
        constant -= float(prices.floors @ side.room)
    return offset, constant


def proved(core: Core, side: Side, prices: Prices) -> tuple[float, Floats, Ints]:
    """Return the bound, the columns' sums and the columns it would choose; all columns free."""
    offset, constant = offsets(core, side, prices)
    w = row_weights(core, prices)
    sums = column_sums(core.entries, w, prices.u, core.sites.size) + offset
    x, value = largest(sums, np.ones(core.sites.size, dtype=np.bool_), side.k)
    return float(prices.u.sum()) + constant - value, sums, x


def climb(core: Core, side: Side, prices: Prices, how: Climb) -> tuple[Prices, float, Ints]:
    """Better ``prices.u`` by subgradient steps; return them, the bound, and the columns it would choose."""
    offset, constant = offsets(core, side, prices)
    w = row_weights(core, prices)
    alive = np.ones(core.sites.size, dtype=np.bool_)
    limits = (w * first_losses(core.entries, core.cap, alive), w * core.cap)
    how = how._replace(goal=how.goal - constant)
    u, bound, x = ascend(core.entries, w, limits, alive, offset, side.k, prices.u, how)
    return replace(prices, u=u), bound + constant, x


def ruled(sums: Floats, alive: Bools, k: int, bound: float, target: float) -> tuple[Bools, Bools]:
    """Return the columns that no choice below ``target`` has, and those that every such choice has.

    ``target`` : a bound this high or higher leaves nothing to find.
    """
    able = np.where(alive, sums, -np.inf)
    positive = np.sort(able[able > 0])[::-1]
    bar = positive[k - 1] if k and positive.size >= k else 0.0
    below = positive[k] if positive.size > k else 0.0
    inside = (able >= bar) & (able > 0)
    out = alive & ~inside & (bound + bar - able >= target) if k else alive.copy()
    into = inside & (bound + able - below >= target) if k else np.zeros_like(alive)
    return out, into
