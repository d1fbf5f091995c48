"""What a kiosk plan is worth, recomputed from the problem alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sweepplan.errors import PlanError
from sweepplan.model import Floats, Ints, KioskJudgement, KioskPlan, KioskProblem

Bools = NDArray[np.bool_]


def judge_kiosks(problem: KioskProblem, plan: KioskPlan) -> KioskJudgement:
    """Recompute what the plan covers and what its multipliers prove.

    Raises
    ------
    PlanError
        Names what is false: other than ``k`` different sites that may be chosen, a bound below what is covered, below
        what the multipliers prove or no number, multipliers outside ``0 <= u <= demand``.

    Examples
    --------
    >>> problem = KioskProblem(
    ...     np.array([3.0, 4, 5]), 2, np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1]), np.full(4, 150.0), 200, 1)
    >>> judged = judge_kiosks(problem, KioskPlan(sites=(0,), bound=9, solver="pencil"))
    >>> judged.covered, judged.total, round(judged.gap, 3), judged.proof
    (7.0, 12.0, 0.222, 'solver')
    """
    _require_lawful_sites(problem, plan.sites)
    points, sites = _pairs_in_reach(problem)
    today = _covered(problem, points, sites, problem.fixed)
    within = [_covered(problem, points, sites, (site,)) for site in plan.sites]
    covered = _weight(problem, _covered(problem, points, sites, (*problem.fixed, *plan.sites)))
    total = float(problem.demand.sum())
    rounding = 1e-9 * total
    if not np.isfinite(plan.bound):
        raise PlanError(f"kiosk plan: bound {plan.bound}: give a finite number")
    if plan.bound < covered - rounding:
        raise PlanError(f"kiosk plan: bound {plan.bound:.15g} is below the {covered:.15g} that the plan itself covers")
    if plan.multipliers is not None:
        _require_proof(problem, plan.bound, np.array(plan.multipliers, dtype=np.float64), today, rounding)
    bound = max(float(plan.bound), covered)
    return KioskJudgement(
        covered=covered,
        covered_today=_weight(problem, today),
        total=total,
        bound=bound,
        gap=(bound - covered) / bound if bound > 0 else 0.0,
        proof="solver" if plan.multipliers is None else "multipliers",
        site_covered=tuple(_weight(problem, near) for near in within),
        site_added=tuple(_weight(problem, near & ~today) for near in within),
    )


def _require_lawful_sites(problem: KioskProblem, sites: tuple[int, ...]) -> None:
    faults = [f"no site {site} among {problem.n_sites}" for site in sites if not 0 <= site < problem.n_sites]
    faults += [f"site {site} is chosen twice" for site in sorted({s for s in sites if sites.count(s) > 1})]
    faults += [f"site {site} is fixed: leave it out" for site in sites if site in problem.fixed]
    faults += [f"site {site} is forbidden" for site in sites if site in problem.forbidden]
    if len(sites) != problem.k:
        faults.append(f"{len(sites)} sites chosen, {problem.k} asked")
    if faults:
        raise PlanError(f"kiosk plan: {'; '.join(faults)}")


def _require_proof(problem: KioskProblem, bound: float, u: Floats, today: Bools, rounding: float) -> None:
    """Refuse a bound below ``sum(demand - u)`` + the k largest sums of u over a free site's reach."""
    if u.shape != problem.demand.shape:
        raise PlanError(f"kiosk plan: {u.size} multipliers for {problem.demand.size} demand points: give one each")
    if not ((u >= 0) & (u <= problem.demand)).all():
        raise PlanError("kiosk plan: a multiplier lies outside 0 <= u <= demand and proves nothing")
    u = np.where(today, 0.0, u)
    points, sites = _pairs_in_reach(problem)
    sums = np.bincount(sites, weights=u[points], minlength=problem.n_sites)
    sums[[*problem.fixed, *problem.forbidden]] = 0
    proved = float((problem.demand - u).sum() + np.sort(sums)[problem.n_sites - problem.k :].sum())
    if (problem.demand == np.floor(problem.demand)).all():
        proved = float(np.floor(proved + rounding))
    if bound < proved - rounding:
        raise PlanError(f"kiosk plan: bound {bound:.15g} is below the {proved:.15g} that its multipliers prove")


def _pairs_in_reach(problem: KioskProblem) -> tuple[Ints, Ints]:
    """Return demand point and site of each pair within reach, each pair once however often it is listed."""
    near = problem.walk_m <= problem.reach_m
    pairs = np.unique(problem.pair_demand[near] * problem.n_sites + problem.pair_site[near])
    return pairs // problem.n_sites, pairs % problem.n_sites


def _covered(problem: KioskProblem, points: Ints, sites: Ints, chosen: Iterable[int]) -> Bools:
    covered = np.zeros(problem.demand.size, dtype=np.bool_)
    covered[points[np.isin(sites, np.fromiter(chosen, dtype=np.int64))]] = True
    return covered


def _weight(problem: KioskProblem, covered: Bools) -> float:
    return float(problem.demand[covered].sum())
