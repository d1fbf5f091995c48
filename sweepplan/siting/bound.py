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
from sweepplan.siting.kernels import Climb, ascend, column_sums, largest
from sweepplan.siting.side import Bools, Side


@dataclass(frozen=True, eq=False)
class Prices:
    """Multipliers: ``u`` (m,) of rows, and of the rules: groups, cliques (columns, multiplier), budget, floors."""

    u: Floats
    groups: Floats = field(default_factory=lambda: np.zeros(0))
    cliques: tuple[tuple[Ints, float], ...] = ()
    budget: float = 0.0
    floors: Floats = field(default_factory=lambda: np.zeros(0))

    def moved(self, ray: Prices, times: float) -> Prices:
        """Return these multipliers and ``times`` those of ``ray``."""
        pairs = ((self.groups, ray.groups), (self.floors, ray.floors))
        groups, floors = (a + times * b if a.size and b.size else a if a.size else times * b for a, b in pairs)
        cliques = (*self.cliques, *((cols, times * price) for cols, price in ray.cliques))
        return Prices(self.u + times * ray.u, groups, cliques, self.budget + times * ray.budget, floors)


def first_prices(core: Core) -> Prices:
    """Price rows half-way between the least and the most they can lose; the climb does the rest."""
    first = core.loss[core.start[:-1]] if core.w.size else core.cap
    return Prices(core.w * (first + core.cap) / 2.0)


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
    sums = column_sums(core.entries, row_weights(core, prices), prices.u, core.sites.size)
    x = np.zeros(side.k, dtype=np.int64)
    n, value = largest(sums, offset, side.k, x)
    return float(prices.u.sum()) + constant - value, sums + offset, x[:n]


def case_bound(core: Core, side: Side, prices: Prices, low: Floats, high: Floats) -> float:
    """Return the bound where columns with ``low`` 1 are chosen and those with ``high`` 0 are not."""
    offset, constant = offsets(core, side, prices)
    chosen = np.flatnonzero(low)
    w = row_weights(core, prices)
    u = np.minimum(prices.u, w * core.least(chosen))
    sums = column_sums(core.entries, w, u, core.sites.size) + offset
    able = np.sort(np.maximum(sums[(low == 0) & (high > 0)], 0))[::-1]
    return float(u.sum()) + constant - float(offset[chosen].sum() + able[: side.k - chosen.size].sum())


def climb(core: Core, side: Side, prices: Prices, how: Climb) -> tuple[Prices, float, Ints]:
    """Better ``prices.u`` by subgradient steps; return them, the bound, and the columns it would choose."""
    offset, constant = offsets(core, side, prices)
    w = row_weights(core, prices)
    low, high = w * core.loss[core.start[:-1]], w * core.cap
    how = how._replace(goal=how.goal - constant)
    u, bound, x = ascend(core.entries, w, low, high, offset, side.k, prices.u, how)
    return replace(prices, u=u), bound + constant, x


def kept_out(sums: Floats, alive: Bools, k: int, bound: float, target: float) -> tuple[Bools, Bools]:
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
