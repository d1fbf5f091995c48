"""What a kiosk plan is worth, recomputed from the problem alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from sweepplan.errors import PlanError
from sweepplan.judging.certificate import grain, proves
from sweepplan.model import CenterPlan, FewestPlan, Ints, KioskJudgement, KioskPlan, KioskProblem


def judge_kiosks(problem: KioskProblem, plan: KioskPlan) -> KioskJudgement:
    """Recompute what the plan is worth and what its certificate proves.

    Raises
    ------
    PlanError
        Names what is false: sites that may not be chosen, more than ``k`` or needlessly fewer, a rule broken, a bound
        that the plan itself betters or that its multipliers do not prove.

    Examples
    --------
    >>> problem = KioskProblem(
    ...     np.array([3.0, 4, 5]), 2, np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1]), np.full(4, 150.0), 200, 1)
    >>> judged = judge_kiosks(problem, KioskPlan(sites=(0,), bound=9, solver="pencil"))
    >>> judged.covered, judged.total, round(judged.gap, 3), judged.proof
    (7.0, 12.0, 0.222, 'solver')
    """
    _require_lawful_sites(problem, plan.sites)
    losses = problem.losses()
    standing = (*problem.fixed, *plan.sites)
    today, now = _least(problem, losses, problem.fixed), _least(problem, losses, standing)
    _require_floors(problem, now)
    median = problem.aim == "median"
    value = float(problem.demand @ now) if median else _covered(problem, now)
    _require_bound(problem, plan, now, value)
    bound = min(float(plan.bound), value) if median else max(float(plan.bound), value)
    bound = value if abs(bound - value) <= _rounding(problem) else bound
    within = [_least(problem, losses, (site,)) for site in plan.sites]
    return KioskJudgement(
        covered=_covered(problem, now),
        covered_today=_covered(problem, today),
        total=float(problem.demand.sum()),
        value=value,
        bound=bound,
        gap=abs(bound - value) / max(bound, value) if max(bound, value) > 0 else 0.0,
        proof="solver" if plan.certificate is None else "multipliers",
        site_covered=tuple(_covered(problem, near) for near in within),
        site_added=tuple(_covered(problem, np.minimum(near, today)) - _covered(problem, today) for near in within),
        root_bound=plan.root_bound,
    )


def judge_fewest(problem: KioskProblem, plan: FewestPlan) -> KioskJudgement:
    """Judge a plan of the fewest kiosks, in kiosks: its sites cover enough, and one fewer than ``at_least`` cannot.

    Raises
    ------
    PlanError
        They do not, or the plan below does not prove it.
    """
    covered = judge_kiosks(replace(problem, k=plan.k), KioskPlan(plan.sites, float(problem.demand.sum()), "")).covered
    rounding = _rounding(problem)
    if len(plan.sites) != plan.k or covered < plan.enough - rounding:
        raise PlanError(f"kiosk plan: {len(plan.sites)} sites cover {covered:.15g}, {plan.enough:.15g} are asked")
    below = None
    if plan.below is not None:
        below = judge_kiosks(replace(problem, k=plan.at_least - 1), plan.below)
        if below.bound >= plan.enough - rounding:
            raise PlanError(f"kiosk plan: {plan.at_least - 1} kiosks are not proved too few")
    elif plan.at_least > len({*problem.required}):
        raise PlanError(f"kiosk plan: no proof that {plan.at_least - 1} kiosks are too few")
    return _of_standard(float(plan.k), float(plan.at_least), covered, float(problem.demand.sum()), below)


def judge_center(problem: KioskProblem, plan: CenterPlan) -> KioskJudgement:
    """Judge a p-center plan, in metres: the longest walk to its sites, and that none shorter will do.

    Raises
    ------
    PlanError
        Sites or rules are wrong, or the plan below does not prove the bound.
    """
    asked = replace(problem, demand=(problem.demand > 0).astype(np.float64), aim="cover", steps=())
    n = float(asked.demand.sum())
    covered = judge_kiosks(asked, KioskPlan(plan.sites, n, "")).covered
    nearest = np.full(problem.demand.size, np.inf)
    mine = np.isin(problem.pair_site, [*problem.fixed, *plan.sites])
    np.minimum.at(nearest, problem.pair_demand[mine], problem.walk_m[mine])
    value = float(nearest[problem.demand > 0].max(initial=0.0))
    if covered < n or value > plan.walk_m:
        raise PlanError(f"kiosk plan: the farthest walks {value:g} m, not {plan.walk_m:g} m")
    below = None
    if plan.below is not None:
        shorter = problem.walk_m[problem.walk_m < plan.bound_m].max(initial=0.0)
        below = judge_kiosks(replace(asked, reach_m=float(max(shorter, np.nextafter(0.0, 1.0)))), plan.below)
        if below.bound > n - 0.5:
            raise PlanError(f"kiosk plan: {shorter:g} m is not proved too short")
    elif plan.bound_m > 0:
        raise PlanError(f"kiosk plan: no proof that less than {plan.bound_m:g} m is too short")
    return _of_standard(value, plan.bound_m, covered, n, below)


def _of_standard(
    value: float, bound: float, covered: float, total: float, below: KioskJudgement | None
) -> KioskJudgement:
    gap = (value - bound) / value if value > 0 else 0.0
    proof = "multipliers" if below is None else below.proof
    return KioskJudgement(covered, 0.0, total, value, bound, gap, proof)


def _covered(problem: KioskProblem, least: Ints) -> float:
    """Return the demand covered; of a median, that within reach."""
    if problem.aim == "median":
        return float(problem.demand[least < problem.most].sum())
    return float(problem.demand @ (problem.most - least)) / problem.most


def _least(problem: KioskProblem, losses: tuple[Ints, Ints, Ints], chosen: Iterable[int]) -> Ints:
    """Return, per demand point, the least loss a unit among ``chosen``."""
    point, site, loss = losses
    mine = np.isin(site, np.fromiter(chosen, dtype=np.int64))
    least = np.full(problem.demand.size, problem.most, dtype=np.int64)
    np.minimum.at(least, point[mine], loss[mine])
    return least


def _require_lawful_sites(problem: KioskProblem, sites: tuple[int, ...]) -> None:
    faults = [f"no site {site} among {problem.n_sites}" for site in sites if not 0 <= site < problem.n_sites]
    faults += [f"site {site} is chosen twice" for site in sorted({s for s in sites if sites.count(s) > 1})]
    faults += [f"site {site} is fixed: leave it out" for site in sites if site in problem.fixed]
    faults += [f"site {site} is forbidden" for site in sites if site in problem.forbidden]
    faults += [f"site {site} is required and not chosen" for site in problem.required if site not in sites]
    if len(sites) > problem.k:
        faults.append(f"{len(sites)} sites chosen, {problem.k} asked")
    if not faults:
        faults = _rule_faults(problem, {*sites})
    if faults:
        raise PlanError(f"kiosk plan: {'; '.join(faults)}")


def _rule_faults(problem: KioskProblem, chosen: set[int]) -> list[str]:
    rules, standing = problem.rules, chosen | {*problem.fixed}
    near = [(a, b) for a, b in rules.apart if {a, b} <= standing and {a, b} & chosen]
    faults = [f"sites {a} and {b} are too near each other" for a, b in near[:1]]
    for sites, need in rules.at_least:
        if len({*sites} & standing) < need:
            faults.append(f"{len({*sites} & standing)} of a group of sites stand, {need} must")
    spent = sum(rules.cost[site] for site in chosen) if rules.budget is not None else 0
    if rules.budget is not None and spent > rules.budget:
        faults.append(f"the sites cost {spent}, the budget is {rules.budget}")
    if not faults and len(chosen) < problem.k and (more := _could_join(problem, chosen)) is not None:
        faults.append(f"{len(chosen)} sites chosen, {problem.k} asked, and site {more} could join")
    return faults


def _could_join(problem: KioskProblem, chosen: set[int]) -> int | None:
    """Return a site that could be added without breaking a rule."""
    rules, standing = problem.rules, chosen | {*problem.fixed}
    barred = standing | {*problem.forbidden}
    barred |= {site for pair in rules.apart if standing & {*pair} for site in pair}
    left = None if rules.budget is None else rules.budget - sum(rules.cost[site] for site in chosen)
    able = (site for site in range(problem.n_sites) if site not in barred)
    return next((site for site in able if left is None or rules.cost[site] <= left), None)


def _require_floors(problem: KioskProblem, least: Ints) -> None:
    rules = problem.rules
    for d, floor in enumerate(rules.floors):
        mine = np.asarray(rules.district) == d
        covered = float((problem.demand * (problem.most - least))[mine].sum()) / problem.most
        if covered < floor - 1e-9 * float(problem.demand.sum()):
            raise PlanError(f"kiosk plan: {covered:.15g} covered in district {d}, {floor:.15g} must be")


def _require_bound(problem: KioskProblem, plan: KioskPlan, least: Ints, value: float) -> None:
    """Refuse a bound that the plan betters, or that its multipliers do not prove."""
    median = problem.aim == "median"
    word = "walks" if median else "covers"
    rounding = _rounding(problem)
    for bound in (plan.bound, *([] if plan.root_bound is None else [plan.root_bound])):
        if not np.isfinite(bound):
            raise PlanError(f"kiosk plan: bound {bound}: give a finite number")
        if (bound > value + rounding) if median else (bound < value - rounding):
            side = "above" if median else "below"
            raise PlanError(f"kiosk plan: bound {bound:.15g} is {side} the {value:.15g} that the plan itself {word}")
    for certificate, claimed in ((plan.certificate, plan.bound), (plan.root, plan.root_bound)):
        if certificate is not None and not proves(problem, certificate, _loss(problem, claimed)):
            raise PlanError(f"kiosk plan: its multipliers do not prove the bound {claimed}")


def _rounding(problem: KioskProblem) -> float:
    """Return what two values may differ by and be the same: a float's rounding, or of fractional demand the units'."""
    times = problem.most if problem.aim == "median" else 1
    _, unit = problem.weights()
    if unit == 1:
        return 1e-9 * float(problem.demand.sum()) * times
    return (8 + problem.demand.size / 2) * unit * times


def _loss(problem: KioskProblem, bound: float | None) -> float:
    """Return the loss in whole units that a bound speaks of."""
    w, unit = problem.weights()
    at = float(bound or 0.0) / unit
    total = float(w.sum()) if unit == 1 else float(problem.demand.sum()) / unit
    loss = at if problem.aim == "median" else (total - at) * problem.most
    if unit != 1:
        return loss - _rounding(problem) / unit * (1 if problem.aim == "median" else problem.most)
    # A bound is a quotient of whole numbers: what is nearly whole was.
    return float(round(loss)) if abs(loss - round(loss)) < 1e-6 * max(1.0, grain(problem)) else loss
