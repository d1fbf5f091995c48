"""Kiosks: demand and walks are given, sites are decided, coverage and its bound are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.model.numbers import Floats, Ints

MONTREAL = ((25.0, 96), (50.0, 90), (100.0, 78), (200.0, 59))
"""Walking metres up to which a drop box keeps so many per cent of discarded needles off the ground. Published: 96 %
within 25 m, 59 % within 200 m (de Montigny et al. 2010); the two between are assumed, and nothing is known beyond."""

CLOSED, GOES_ON = -2, -1


@dataclass(frozen=True)
class SiteRules:
    """What every choice of sites must keep. A rule not given does not bind.

    Attributes
    ----------
    apart : pairs of sites that may not both stand (spacing).
    at_least : groups of sites, each with how many of them must stand, fixed ones counted (districts; of installed
        kiosks that may move, those that must stay).
    cost, budget : per site, whole numbers ``>= 0``, and the most that the sites chosen may cost together.
    district : per demand point, which district it lies in, from 0; -1 in none.
    floors : per district, the least of its demand that must be covered.
    """

    apart: tuple[tuple[int, int], ...] = ()
    at_least: tuple[tuple[tuple[int, ...], int], ...] = ()
    cost: tuple[int, ...] = ()
    budget: int | None = None
    district: tuple[int, ...] = field(default=(), repr=False)
    floors: tuple[float, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.apart or self.at_least or self.budget is not None or any(self.floors))


@dataclass(frozen=True, eq=False)
class KioskProblem:
    """Place up to ``k`` new kiosks for the most demand covered, or the least walk.

    ``cover`` : the most demand within ``reach_m`` of a kiosk (MCLP; Church, ReVelle 1974), or with ``steps``, each
    unit of demand counted by the per cent of the step its nearest kiosk lies in. ``median`` : the least sum of demand x
    walk, a walk beyond ``reach_m`` counted as ``reach_m``, distances in whole metres (p-median). Only pairs of demand
    and site that may matter are listed; a pair not listed is out of reach.

    Attributes
    ----------
    demand : shape (n,), weight of each demand point, ``>= 0``, whole numbers where the bound shall be exact.
    n_sites : number of sites, installed ones included.
    pair_demand, pair_site : shape (e,), indices of the pairs listed.
    walk_m : shape (e,), walking distance of each pair, metres; covered when ``walk_m <= reach_m``.
    reach_m : service standard, ``> 0``.
    k : how many sites to add to ``fixed``; fewer only where the rules let no more stand.
    fixed : sites kept whatever happens (installed kiosks).
    forbidden : sites that may not be chosen.
    required : sites that must be among the ``k``.
    aim : see above.
    steps : (walk_m, per cent), walks rising to ``reach_m``, per cents falling; empty: all in reach count whole.
    rules : what else a choice must keep.

    Raises
    ------
    ProblemError
        Names every contradiction in one message.
    """

    demand: Floats
    n_sites: int
    pair_demand: Ints
    pair_site: Ints
    walk_m: Floats
    reach_m: float
    k: int
    fixed: tuple[int, ...] = ()
    forbidden: tuple[int, ...] = ()
    required: tuple[int, ...] = ()
    aim: Literal["cover", "median"] = "cover"
    steps: tuple[tuple[float, int], ...] = ()
    rules: SiteRules = field(default_factory=SiteRules)

    def __post_init__(self) -> None:
        faults = [*self._site_faults(), *self._step_faults(), *self._pair_faults()]
        if not faults:
            faults = self._rule_faults()
        if faults:
            raise ProblemError(f"kiosk problem: {'; '.join(faults)}")

    @property
    def most(self) -> int:
        """What a unit of demand loses where no kiosk reaches it: 1, 100 with steps, whole metres of a median."""
        if self.aim == "median":
            return round(self.reach_m)
        return 100 if self.steps else 1

    def losses(self) -> tuple[Ints, Ints, Ints]:
        """Return point, site and loss of each pair in reach, once: what a unit of demand loses if served by that site.

        ``0 <= loss < most``, by point, then site; of a pair listed twice the lesser. A plan's loss is the sum over
        points of demand x the least loss among its sites, ``most`` where none reaches it; covered is
        total - loss / most.
        """
        near = self.walk_m <= self.reach_m
        walk_m = self.walk_m[near]
        if self.aim == "median":
            loss = np.rint(walk_m).astype(np.int64)
        elif self.steps:
            bounds, shares = np.array([step[0] for step in self.steps]), np.array([step[1] for step in self.steps])
            loss = (100 - shares[np.searchsorted(bounds, walk_m)]).astype(np.int64)
        else:
            loss = np.zeros(walk_m.size, dtype=np.int64)
        key = self.pair_demand[near] * self.n_sites + self.pair_site[near]
        if key.size > 1 and not (np.diff(key) > 0).all():
            order = np.lexsort((loss, key))
            key, loss = key[order], loss[order]
            first = np.concatenate([[True], np.diff(key) > 0])
            key, loss = key[first], loss[first]
        short = loss < self.most
        point, site = np.divmod(key[short], max(self.n_sites, 1))
        return point, site, loss[short]

    def weights(self) -> tuple[Ints, float]:
        """Return demand in whole units, and what a unit is: 1 for whole demand, else about a 2^-30 of all demand."""
        if (self.demand == np.floor(self.demand)).all() and self.demand.sum() < 2**40:
            return self.demand.astype(np.int64), 1.0
        unit = float(2.0 ** (np.ceil(np.log2(self.demand.sum())) - 30))
        return np.rint(self.demand / unit).astype(np.int64), unit

    def _site_faults(self) -> list[str]:
        faults = []
        if not (np.isfinite(self.reach_m) and self.reach_m > 0):
            faults.append(f"reach_m {self.reach_m}: give metres > 0")
        named = {*self.fixed, *self.forbidden, *self.required}
        faults += [f"no site {site} among {self.n_sites}" for site in sorted(named) if not 0 <= site < self.n_sites]
        roles = (("fixed", self.fixed), ("forbidden", self.forbidden), ("required", self.required))
        for i, (one, these) in enumerate(roles):
            for other, those in roles[i + 1 :]:
                both = sorted({*these} & {*those})
                faults += [f"site {both[0]} is both {one} and {other}: take it from one of the two"] if both else []
        free = self.n_sites - len({*self.fixed, *self.forbidden})
        if not 0 <= self.k <= free:
            faults.append(f"k = {self.k}: only {free} sites may be chosen")
        elif len({*self.required}) > self.k:
            faults.append(f"{len({*self.required})} sites are required and k = {self.k}: give k = {len(self.required)}")
        return faults

    def _step_faults(self) -> list[str]:
        if not self.steps:
            return []
        bounds, shares = [step[0] for step in self.steps], [step[1] for step in self.steps]
        faults = []
        if self.aim != "cover":
            faults.append(f"steps are for aim 'cover', not {self.aim!r}")
        if sorted(set(bounds)) != bounds or bounds[0] < 0 or bounds[-1] != self.reach_m:
            faults.append(f"steps end at {bounds}: give rising metres, the last of them reach_m = {self.reach_m:g}")
        if sorted(shares, reverse=True) != shares or not all(0 < s <= 100 and s == int(s) for s in shares):
            faults.append(f"steps count {shares} per cent: give falling whole numbers of 1 to 100")
        return faults

    def _pair_faults(self) -> list[str]:
        faults = []
        if self.demand.ndim != 1:
            faults.append(f"demand has shape {self.demand.shape}: give one weight a demand point")
        if not (np.isfinite(self.demand).all() and (self.demand >= 0).all()):
            faults.append("demand holds a negative or infinite weight")
        if not self.pair_demand.shape == self.pair_site.shape == self.walk_m.shape:
            faults.append("pair_demand, pair_site and walk_m differ in length")
        if self.pair_demand.size:
            if self.pair_demand.min() < 0 or self.pair_demand.max() >= self.demand.size:
                faults.append("a pair names a demand point that is not there")
            if self.pair_site.min() < 0 or self.pair_site.max() >= self.n_sites:
                faults.append("a pair names a site that is not there")
            if not (self.walk_m >= 0).all():
                faults.append("walk_m holds a negative or empty distance")
        return faults

    def _rule_faults(self) -> list[str]:
        rules, stands = self.rules, {*self.fixed, *self.required}
        named = {site for pair in rules.apart for site in pair} | {s for sites, _ in rules.at_least for s in sites}
        faults = [f"a rule names site {s}, of {self.n_sites}" for s in sorted(named) if not 0 <= s < self.n_sites]
        for a, b in rules.apart:
            if a == b or ({a, b} <= stands and {a, b} & {*self.required}):
                faults.append(f"sites {a} and {b} must both stand and are too near each other: require one of the two")
        gone = {*self.forbidden}
        for sites, n in rules.at_least:
            most = len({*sites} - gone)
            if most < n:
                faults.append(f"{n} of a group of sites must stand and only {most} may: ask for {most}")
        if rules.budget is not None:
            faults += self._budget_faults()
        if rules.floors and len(rules.district) != self.demand.size:
            faults.append(f"{len(rules.district)} districts for {self.demand.size} demand points: give one each")
        elif rules.floors and max(rules.district, default=-1) >= len(rules.floors):
            faults.append(f"a point lies in district {max(rules.district)}, floors name {len(rules.floors)}")
        return faults

    def _budget_faults(self) -> list[str]:
        cost, budget = self.rules.cost, self.rules.budget
        if len(cost) != self.n_sites or min(cost, default=0) < 0 or any(c != int(c) for c in cost):
            return [f"{len(cost)} costs for {self.n_sites} sites: give a whole number >= 0 for each"]
        needed = sum(cost[site] for site in self.required)
        if budget is not None and needed > budget:
            return [f"the required sites cost {needed} and the budget is {budget}: give {needed}, or require fewer"]
        return []


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of a proof: multipliers, in units of 1 / ``scale`` of the certificate, all ``>= 0``.

    Attributes
    ----------
    v : per demand point, ``<= most * (scale + floors[district])``: what an unserved unit of demand is priced at.
    at_least : per group of the rules.
    apart : (sites, multiplier) of cliques of ``apart``: at most one of the sites may stand.
    budget : of the budget.
    floors : per district with a floor.
    branch : site whose two cases the next stages prove, first that it stands, then that it does not; ``GOES_ON``: the
        next stage goes on with what this one leaves; ``CLOSED``: this stage's bound reaches the claim.
    """

    v: Ints
    at_least: tuple[int, ...] = ()
    apart: tuple[tuple[tuple[int, ...], int], ...] = ()
    budget: int = 0
    floors: tuple[int, ...] = ()
    branch: int = GOES_ON


@dataclass(frozen=True, eq=False)
class Certificate:
    """Why no plan is better than the bound: a tree of stages in the order its cases are proved.

    Each stage rules sites out (and in) that no better plan has (lacks); the next works with what is left.
    """

    scale: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class KioskPlan:
    """What was decided, and why nothing better can be.

    Attributes
    ----------
    sites : the sites chosen, ascending; fixed ones not repeated.
    bound : no plan covers more (median: no plan walks less).
    certificate : multipliers from which anybody recomputes the bound. None: the bound is the solver's word.
    root : multipliers that prove ``root_bound``, weaker than ``bound`` where that is the solver's word.
    """

    sites: tuple[int, ...]
    bound: float
    solver: str
    certificate: Certificate | None = field(default=None, repr=False, compare=False)
    root: Certificate | None = field(default=None, repr=False, compare=False)
    root_bound: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class KioskJudgement:
    """What a kiosk plan is worth, recomputed from the problem alone, in units of demand.

    Attributes
    ----------
    covered, covered_today : demand within reach of the plan (fixed and chosen), by steps where there are any; of the
        fixed sites alone.
    total : all demand.
    value : what the aim counts: ``covered``, or of a median the sum of demand x walk.
    bound, gap : no plan is better than ``bound``; ``|bound - value| / max``, 0 where both are 0.
    proof : what the bound rests on: ``multipliers``, recomputed, or the ``solver``'s word.
    site_covered, site_added : per chosen site, demand within its reach, and of that what no fixed site covers.
    root_bound : what the multipliers prove where the bound is the solver's word; None without any.
    """

    covered: float
    covered_today: float
    total: float
    value: float
    bound: float
    gap: float
    proof: Literal["multipliers", "solver"]
    site_covered: tuple[float, ...] = field(default=())
    site_added: tuple[float, ...] = field(default=())
    root_bound: float | None = None


@dataclass(frozen=True)
class FewestPlan:
    """How few kiosks cover enough.

    Attributes
    ----------
    k, sites : kiosks that cover ``enough`` demand.
    at_least : no fewer do, as ``below`` proves.
    below : the best plan of one fewer than ``at_least``, with its bound below ``enough``; None where none is needed.
    """

    k: int
    at_least: int
    sites: tuple[int, ...]
    enough: float
    below: KioskPlan | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CenterPlan:
    """Sites that leave nobody farther than ``walk_m``.

    Attributes
    ----------
    bound_m : no choice does with less.
    below : the best plan at the next shorter walk, with its bound below all demand; None where none is needed.
    """

    sites: tuple[int, ...]
    walk_m: float
    bound_m: float
    below: KioskPlan | None = field(default=None, repr=False)


@dataclass(frozen=True)
class BuildStep:
    """The next site to build, what is covered then, and how much less that is than the best of as many kiosks."""

    site: int
    covered: float
    loss: float
