"""The rules of a kiosk problem, said of the columns of a core."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sweepplan.model import Ints, KioskProblem
from sweepplan.siting.core import Core

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Side:
    """What a choice of columns must keep.

    Attributes
    ----------
    k : columns at most.
    near : shape (s, s), True for two columns that may not both be chosen; shape (0, 0) where there are none.
    groups : columns and how many of them must be chosen, per group of the problem's rules (0: kept already).
    cost, budget : per column, and at most in all; None where money does not bind.
    room : per district, loss at most among the rows of a core; empty where no floor binds.
    """

    k: int
    near: Bools
    groups: tuple[tuple[Ints, int], ...] = ()
    cost: Ints | None = None
    budget: int = 0
    room: Ints | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing but their number binds the columns."""
        no_group = all(need <= 0 for _, need in self.groups)
        return not self.near.size and no_group and self.cost is None and self.room is None

    def only(self, columns: Ints, before: Core, core: Core) -> Side:
        """Return the rules where no other than ``columns`` of the core ``before`` may be chosen, which is ``core``."""
        new = np.full(before.sites.size, -1, dtype=np.int64)
        new[columns] = np.arange(columns.size)
        groups = tuple((new[cols][new[cols] >= 0], need) for cols, need in self.groups)
        near = self.near[np.ix_(columns, columns)] if self.near.size else self.near
        cost = None if self.cost is None else self.cost[columns]
        room = self.room
        if room is not None:
            # Rows that no column serves any more lose all: that room is taken.
            room = room - _unserved(before, room.size) + _unserved(core, room.size)
        return replace(self, near=near, groups=groups, cost=cost, room=room)

    def keeps(self, core: Core, columns: Ints) -> bool:
        """Tell whether ``columns`` keep every rule."""
        if columns.size > self.k or (self.near.size and self.near[np.ix_(columns, columns)].any()):
            return False
        if any(np.isin(columns, cols).sum() < need for cols, need in self.groups):
            return False
        if self.cost is not None and self.cost[columns].sum() > self.budget:
            return False
        return self.room is None or self.within_room(core, columns)

    def within_room(self, core: Core, columns: Ints) -> bool:
        """Tell whether every district's floor is kept."""
        if self.room is None:
            return True
        inside = core.district >= 0
        lost = np.bincount(
            core.district[inside], (core.w * core.least(columns))[inside].astype(np.float64), self.room.size
        )
        return bool((lost <= self.room).all())

    def may_add(self, chosen: Ints, size: int) -> Bools:
        """Return the columns that may join ``chosen`` without breaking a rule that more columns could not mend."""
        able = np.ones(size, dtype=np.bool_)
        able[chosen] = False
        if self.near.size:
            able &= ~self.near[chosen].any(axis=0)
        if self.cost is not None:
            able &= self.cost <= self.budget - self.cost[chosen].sum()
        short = [(cols, need - int(np.isin(chosen, cols).sum())) for cols, need in self.groups]
        short = [(cols, lacking) for cols, lacking in short if lacking > 0]
        if short and sum(lacking for _, lacking in short) >= self.k - chosen.size:
            wanted = np.zeros(size, dtype=np.bool_)
            wanted[np.concatenate([cols for cols, _ in short])] = True
            able &= wanted
        return able

    def may_swap(self, chosen: Ints, size: int) -> Bools:
        """Return, shape (p, s), which exchanges of a chosen column for another keep the rules (floors apart)."""
        able = np.ones((chosen.size, size), dtype=np.bool_)
        able[:, chosen] = False
        if self.near.size:
            near = self.near[chosen]
            able &= near.sum(axis=0) - near == 0
        for cols, need in self.groups:
            inside = np.zeros(size, dtype=np.bool_)
            inside[cols] = True
            if need > 0 and inside[chosen].sum() <= need:
                able &= ~inside[chosen][:, None] | inside
        if self.cost is not None:
            left = self.budget - self.cost[chosen].sum()
            able &= self.cost[None, :] - self.cost[chosen][:, None] <= left
        return able


def side_of(problem: KioskProblem, core: Core) -> Side:
    """Return the rules on the free sites of ``core``, what fixed and required sites do for them taken off."""
    rules, standing = problem.rules, {*problem.fixed, *problem.required}
    column = np.full(problem.n_sites, -1, dtype=np.int64)
    column[core.sites] = np.arange(core.sites.size)
    groups = []
    for sites, need in rules.at_least:
        cols = np.unique(column[np.asarray(sites, dtype=np.int64)])
        groups.append((cols[cols >= 0], need - len({*sites} & standing)))
    cost = None
    if rules.budget is not None:
        cost = np.asarray(rules.cost, dtype=np.int64)[core.sites]
    spent = sum(rules.cost[site] for site in problem.required) if rules.budget is not None else 0
    return Side(
        k=problem.k - len({*problem.required}),
        near=_near(rules.apart, column, core.sites.size),
        groups=tuple(groups),
        cost=cost,
        budget=(rules.budget or 0) - spent,
        room=_room(problem, core),
    )


def _near(apart: tuple[tuple[int, int], ...], column: Ints, size: int) -> Bools:
    pairs = column[np.asarray(apart, dtype=np.int64).reshape(-1, 2)]
    pairs = pairs[(pairs >= 0).all(axis=1)]
    if not pairs.size:
        return np.zeros((0, 0), dtype=np.bool_)
    near = np.zeros((size, size), dtype=np.bool_)
    near[pairs[:, 0], pairs[:, 1]] = near[pairs[:, 1], pairs[:, 0]] = True
    return near


def _room(problem: KioskProblem, core: Core) -> Ints | None:
    if not any(problem.rules.floors):
        return None
    w, unit = problem.weights()
    district = np.asarray(problem.rules.district, dtype=np.int64)
    floors = np.asarray(problem.rules.floors)
    inside = district >= 0
    all_of = np.zeros(floors.size, dtype=np.int64)
    np.add.at(all_of, district[inside], w[inside] * problem.most)
    without = np.zeros(floors.size, dtype=np.int64)
    point_cap = capped(problem)
    np.add.at(without, district[inside], (w * point_cap)[inside])
    needed = np.ceil(floors * problem.most / unit - 1e-6).astype(np.int64)
    return all_of - needed - (without - _unserved(core, floors.size))


def _unserved(core: Core, n: int) -> Ints:
    """Return, per district, the loss of a core's rows with no column chosen."""
    lost = np.zeros(n, dtype=np.int64)
    inside = core.district >= 0
    np.add.at(lost, core.district[inside], core.w[inside] * core.cap[inside])
    return lost


def capped(problem: KioskProblem) -> Ints:
    """Return, per demand point, what a unit loses with fixed and required sites alone."""
    point, site, loss = problem.losses()
    cap = np.full(problem.demand.size, problem.most, dtype=np.int64)
    standing = np.isin(site, [*problem.fixed, *problem.required])
    np.minimum.at(cap, point[standing], loss[standing])
    return cap


def cliques(near: Bools) -> list[Ints]:
    """Return sets of columns of which any two are near each other, so that every near pair lies in one of them."""
    open_pairs = np.triu(near, 1)
    found = []
    for a in range(near.shape[0]):
        while open_pairs[a].any():
            members = [a]
            common = near[a].copy()
            while common.any():
                # The pairs still open decide, so that few cliques hold them all.
                best = int(np.where(common, open_pairs[a].astype(np.int64) + 1, 0).argmax())
                members.append(best)
                common &= near[best]
            clique = np.array(members)
            open_pairs[np.ix_(clique, clique)] = False
            found.append(np.sort(clique))
    return found
