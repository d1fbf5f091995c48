"""Max-min equity, and the order in which to build."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.model import BuildStep, KioskPlan, KioskProblem, Limit
from sweepplan.siting.core import core_of
from sweepplan.siting.kiosks import lawful, solve_kiosks
from sweepplan.siting.side import side_of


def fairest(
    problem: KioskProblem, district: tuple[int, ...], *, limit: Limit | None = None
) -> tuple[KioskProblem, KioskPlan, int]:
    """Raise the share covered of the worst-off district as far as it goes, then cover the most (max-min equity).

    Parameters
    ----------
    district : per demand point, from 0; -1 in none. Districts without demand ask for nothing.

    Returns
    -------
    The problem with its floors, the plan, and the share of each district that it covers at least, in whole per cent.
    """
    of = np.asarray(district, dtype=np.int64)
    if of.shape != problem.demand.shape or not (of >= 0).any():
        raise ProblemError(f"{of.size} districts for {problem.demand.size} demand points: give one each, some >= 0")
    total = np.bincount(of[of >= 0], problem.demand[of >= 0])

    def asked(percent: int) -> KioskProblem:
        floors = tuple((total * percent / 100).tolist())
        return replace(problem, rules=replace(problem.rules, district=district, floors=floors))

    low, high = 0, 101
    while high - low > 1:
        percent = (low + high) // 2
        tried = asked(percent)
        core = core_of(tried)
        side = side_of(tried, core)
        low, high = (low, percent) if lawful(core, side) is None else (percent, high)
    fair = asked(low) if low else problem
    return fair, solve_kiosks(fair, limit=limit), low


def build_order(problem: KioskProblem, plan: KioskPlan, best: tuple[float, ...]) -> tuple[BuildStep, ...]:
    """Return the sites of a plan in the order to build them, each time the one that adds most.

    Parameters
    ----------
    best : what the best 1, 2, ... kiosks cover, from plans of their own; the loss of a step is against these.
    """
    point, site, loss = problem.losses()
    least = np.full(problem.demand.size, problem.most, dtype=np.int64)
    standing = np.isin(site, problem.fixed)
    np.minimum.at(least, point[standing], loss[standing])
    left = list(plan.sites)
    steps: list[BuildStep] = []
    while left:
        after = {j: least.copy() for j in left}
        for j, mine in after.items():
            np.minimum.at(mine, point[site == j], loss[site == j])
        chosen = min(left, key=lambda j: (float(problem.demand @ after[j]), j))
        least = after[chosen]
        left.remove(chosen)
        covered = float(problem.demand @ (problem.most - least)) / problem.most
        steps.append(BuildStep(chosen, covered, max(best[len(steps)] - covered, 0.0)))
    return tuple(steps)
