"""Kiosks: demand and walks are given, sites are decided, coverage and its bound are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.model.numbers import Floats, Ints


@dataclass(frozen=True, eq=False)
class KioskProblem:
    """Maximal covering: place ``k`` new kiosks so that the most demand lies within ``reach_m`` of one (MCLP).

    Only pairs of demand and site that may matter are listed; a pair not listed is out of reach.

    Attributes
    ----------
    demand : shape (n,), weight of each demand point, ``>= 0``, whole numbers where the bound shall be exact.
    n_sites : number of sites, installed ones included.
    pair_demand, pair_site : shape (e,), indices of the pairs listed.
    walk_m : shape (e,), walking distance of each pair, metres; covered when ``walk_m <= reach_m``.
    reach_m : service standard, ``> 0``.
    k : how many sites to add to ``fixed``.
    fixed : sites kept whatever happens (installed kiosks).
    forbidden : sites that may not be chosen.

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

    def __post_init__(self) -> None:
        faults = [*self._rule_faults(), *self._pair_faults()]
        if faults:
            raise ProblemError(f"kiosk problem: {'; '.join(faults)}")

    def _rule_faults(self) -> list[str]:
        faults = []
        if not (np.isfinite(self.reach_m) and self.reach_m > 0):
            faults.append(f"reach_m {self.reach_m}: give metres > 0")
        named = {*self.fixed, *self.forbidden}
        faults += [f"no site {site} among {self.n_sites}" for site in sorted(named) if not 0 <= site < self.n_sites]
        both = sorted({*self.fixed} & {*self.forbidden})
        if both:
            faults.append(f"site {both[0]} is both fixed and forbidden")
        free = self.n_sites - len(named)
        if not 0 <= self.k <= free:
            faults.append(f"k = {self.k}: only {free} sites may be chosen")
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


@dataclass(frozen=True)
class KioskPlan:
    """What was decided, and why nothing better can be.

    Attributes
    ----------
    sites : the sites chosen, ascending; fixed ones not repeated.
    bound : no plan covers more.
    multipliers : per demand point u, ``0 <= u <= demand``, from which anybody recomputes the bound (whole demand:
        rounded down): ``sum(demand - u)`` + the k largest sums of u over a free site's reach, where u = 0 at points
        that a fixed site covers. None: the bound is the solver's word.
    """

    sites: tuple[int, ...]
    bound: float
    solver: str
    multipliers: tuple[float, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class KioskJudgement:
    """What a kiosk plan is worth, recomputed from the problem alone, in units of demand.

    Attributes
    ----------
    covered, covered_today : demand within reach of the plan (fixed and chosen); of the fixed sites alone.
    total : all demand.
    bound, gap : no plan covers more than ``bound``; ``(bound - covered) / bound``, 0 where bound is 0.
    proof : what the bound rests on: the plan's ``multipliers``, recomputed, or the ``solver``'s word.
    site_covered, site_added : per chosen site, demand within its reach, and of that what no fixed site covers.
    """

    covered: float
    covered_today: float
    total: float
    bound: float
    gap: float
    proof: Literal["multipliers", "solver"]
    site_covered: tuple[float, ...] = field(default=())
    site_added: tuple[float, ...] = field(default=())
