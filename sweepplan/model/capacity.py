"""Kiosks that fill up: what each can take is bounded, and demand may be shared between sites."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.model.kiosks import SiteRules
from sweepplan.model.numbers import Floats, Ints


@dataclass(frozen=True, eq=False)
class CapacityProblem:
    """Serve demand from sites of bounded capacity at the least cost: opening + serving + what stays unserved.

    Capacitated covering is ``serving`` 0 for each pair in reach, ``unserved`` 1, ``opening`` 0 and ``k`` kiosks; the
    capacitated location problem (Beasley 1988) has no ``k`` and ``unserved`` infinite: all must be served.

    Attributes
    ----------
    demand : shape (n,), ``>= 0``; may be shared between sites.
    pair_demand, pair_site, serving : shape (e,), pairs that may serve, and the cost of a unit of demand served.
    capacity, opening : shape (n_sites,), demand a site can take, and what opening it costs.
    unserved : cost of a unit not served; infinite: all must be.
    k : sites at most, fixed ones not counted; None: as many as pay.
    fixed, forbidden : sites that stand, and that may not.
    rules : as of a kiosk problem, floors apart.

    Raises
    ------
    ProblemError
        Names every contradiction in one message.
    """

    demand: Floats
    pair_demand: Ints
    pair_site: Ints
    serving: Floats
    capacity: Floats
    opening: Floats
    unserved: float
    k: int | None = None
    fixed: tuple[int, ...] = ()
    forbidden: tuple[int, ...] = ()
    rules: SiteRules = field(default_factory=SiteRules)

    def __post_init__(self) -> None:
        faults = []
        for name, values in (("demand", self.demand), ("capacity", self.capacity), ("opening", self.opening)):
            if not (np.isfinite(values).all() and (values >= 0).all()):
                faults.append(f"{name} holds a negative or infinite number")
        if not np.isfinite(self.serving).all():
            faults.append("serving holds an infinite cost: leave the pair out")
        if not self.pair_demand.shape == self.pair_site.shape == self.serving.shape:
            faults.append("pair_demand, pair_site and serving differ in length")
        if self.capacity.shape != self.opening.shape:
            faults.append(f"{self.capacity.size} capacities for {self.opening.size} sites: give one each")
        able = [site for site in range(self.capacity.size) if site not in self.forbidden]
        if np.isinf(self.unserved) and self.capacity[able].sum() < self.demand.sum():
            total, most = self.demand.sum(), self.capacity[able].sum()
            faults.append(f"all sites together take {most:g} of {total:g} that must be served: add {total - most:g}")
        if any(self.rules.floors):
            faults.append("floors are not for bounded capacities: leave them out")
        if faults:
            raise ProblemError(f"capacity problem: {'; '.join(faults)}")

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return int(self.capacity.size)


@dataclass(frozen=True, eq=False)
class CapacityPlan:
    """Sites opened, demand served by each pair, and the bound.

    Attributes
    ----------
    served : shape (e,), units of demand.
    bound : no plan costs less.
    u : shape (n,), price of a unit of demand, from which the judge recomputes ``root_bound``.
    """

    sites: tuple[int, ...]
    served: Floats
    bound: float
    u: Floats
    root_bound: float


def with_visits(problem: CapacityProblem, visits: tuple[int, ...], most: int) -> tuple[CapacityProblem, Ints, Ints]:
    """Let each site be serviced one of ``visits`` times a week, all sites together at most ``most`` times.

    ``capacity`` of the problem is that of one filling. Returns a problem whose sites are pairs of site and number of
    visits, with the site and the visits of each.
    """
    n, times = problem.n_sites, np.asarray(visits, dtype=np.int64)
    site = np.tile(np.arange(n), times.size)
    week = np.repeat(times, n)
    every = range(n * times.size)
    copies = [(a, b) for a in every for b in range(a + n, n * times.size, n)]
    shifts = range(0, n * times.size, n)
    apart = [(a + one, b + other) for a, b in problem.rules.apart for one in shifts for other in shifts]
    grouped = tuple(
        (tuple(j + i * n for i in range(times.size) for j in g), need) for g, need in problem.rules.at_least
    )
    rules = replace(
        problem.rules, apart=tuple(copies + apart), at_least=grouped, cost=tuple(week.tolist()), budget=most
    )
    if problem.fixed or problem.rules.budget is not None:
        raise ProblemError("visits: fixed sites and a budget of their own are not supported: leave them out")
    repeated = replace(
        problem,
        pair_demand=np.tile(problem.pair_demand, times.size),
        pair_site=np.concatenate([problem.pair_site + i * n for i in range(times.size)]),
        serving=np.tile(problem.serving, times.size),
        capacity=problem.capacity[site] * week,
        opening=problem.opening[site],
        forbidden=tuple(j + i * n for i in range(times.size) for j in problem.forbidden),
        rules=rules,
    )
    return repeated, site, week
