"""What a plan of kiosks that fill up costs, and what its prices prove, recomputed without a solver."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sweepplan.errors import PlanError
from sweepplan.model import CapacityPlan, CapacityProblem, Floats, KioskJudgement

_ROUNDING = 1e-7


def judge_capacity(problem: CapacityProblem, plan: CapacityPlan) -> KioskJudgement:
    """Recompute the cost of a plan and the bound of its prices.

    Raises
    ------
    PlanError
        A site too many, not lawful or over-full, a point served more than it asks, a rule broken, a false bound.
    """
    served = plan.served
    unit = _ROUNDING * max(float(problem.demand.sum()), 1.0)
    standing = {*plan.sites, *problem.fixed}
    of_point = np.bincount(problem.pair_demand, served, problem.demand.size)
    of_site = np.bincount(problem.pair_site, served, problem.n_sites)
    closed = np.setdiff1d(np.arange(problem.n_sites), list(standing))
    faults = _rule_faults(problem, {*plan.sites}, standing)
    if (served < -unit).any() or (of_point > problem.demand + unit).any():
        faults.append("a point is served more than it asks, or less than nothing")
    if (of_site > problem.capacity + unit).any() or (of_site[closed] > unit).any():
        faults.append("a site serves more than it can, or is closed and serves")
    left = float(np.maximum(problem.demand - of_point, 0).sum())
    if np.isinf(problem.unserved) and left > unit * problem.demand.size:
        faults.append(f"{left:g} of the demand is not served")
    value = float(problem.opening[list(plan.sites)].sum() + problem.serving @ served)
    value += 0.0 if np.isinf(problem.unserved) else problem.unserved * left
    rounding = _ROUNDING * max(abs(value), 1.0)
    if not plan.bound <= value + rounding:
        faults.append(f"bound {plan.bound:.15g} is above the {value:.15g} that the plan costs")
    root = price_bound(problem, plan.u)
    if plan.root_bound > root + rounding:
        faults.append(f"its prices prove {root:.15g}, not {plan.root_bound:.15g}")
    if faults:
        raise PlanError(f"capacity plan: {'; '.join(faults)}")
    total = float(problem.demand.sum())
    bound = value if plan.bound >= value - rounding else plan.bound
    proof: Literal["multipliers", "solver"] = "multipliers" if root >= bound - rounding else "solver"
    gap = (value - bound) / abs(value) if value else 0.0
    return KioskJudgement(total - left, 0.0, total, value, bound, gap, proof, root_bound=root)


def price_bound(problem: CapacityProblem, u: Floats) -> float:
    """Return what no plan costs less than, for any prices ``u`` a unit: each site takes what pays it most."""
    u = np.minimum(u, problem.unserved)
    worth = np.zeros(problem.n_sites)
    gain = u[problem.pair_demand] - problem.serving
    order = np.lexsort((-gain, problem.pair_site))
    site, left, gain = problem.pair_site[order], problem.demand[problem.pair_demand[order]], np.maximum(gain[order], 0)
    bounds = np.searchsorted(site, np.arange(problem.n_sites + 1))
    for j in range(problem.n_sites):
        mine = slice(bounds[j], bounds[j + 1])
        taken = np.diff(np.minimum(np.cumsum(left[mine]), problem.capacity[j]), prepend=0.0)
        worth[j] = float(gain[mine] @ taken)
    return float(u @ problem.demand) - most_worth(problem, worth)


def most_worth(problem: CapacityProblem, worth: Floats) -> float:
    """Return the most that a lawful number of sites, of capacity enough, can be worth after opening."""
    fixed = list(problem.fixed)
    net = worth - problem.opening
    net[[*fixed, *problem.forbidden]] = -np.inf
    free = np.flatnonzero(np.isfinite(net))
    total = float(worth[fixed].sum())
    if problem.k is not None:
        return total + float(np.sort(np.maximum(net[free], 0))[::-1][: problem.k].sum())
    total += float(np.maximum(net[free], 0).sum())
    if np.isinf(problem.unserved):
        # All must be served: capacity still lacking is bought where it costs least a unit (a fraction may be).
        lacking = float(
            problem.demand.sum() - problem.capacity[fixed].sum() - problem.capacity[free][net[free] > 0].sum()
        )
        rest = free[net[free] <= 0]
        for j in rest[np.argsort(-net[rest] / np.maximum(problem.capacity[rest], 1e-12), kind="stable")]:
            if lacking <= 0:
                break
            part = min(1.0, lacking / problem.capacity[j]) if problem.capacity[j] else 1.0
            total += part * float(net[j])
            lacking -= problem.capacity[j]
    return total


def _rule_faults(problem: CapacityProblem, chosen: set[int], standing: set[int]) -> list[str]:
    rules = problem.rules
    faults = [f"site {site} may not be chosen" for site in sorted(chosen & {*problem.fixed, *problem.forbidden})]
    if problem.k is not None and len(chosen) > problem.k:
        faults.append(f"{len(chosen)} sites chosen, {problem.k} asked")
    faults += [f"sites {a} and {b} are too near each other" for a, b in rules.apart if {a, b} <= standing][:1]
    faults += ["too few of a group of sites stand" for sites, n in rules.at_least if len({*sites} & standing) < n][:1]
    if rules.budget is not None and sum(rules.cost[site] for site in chosen) > rules.budget:
        faults.append("the sites cost more than the budget")
    return faults
