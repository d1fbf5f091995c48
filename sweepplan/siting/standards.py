"""Two questions asked of coverage: how few kiosks reach a share of all demand, and how near can the farthest be."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.model import CenterPlan, FewestPlan, KioskPlan, KioskProblem, Limit
from sweepplan.siting.kiosks import solve_kiosks


def fewest_kiosks(problem: KioskProblem, share: float, *, limit: Limit | None = None) -> FewestPlan:
    """Return the fewest new kiosks that cover ``share`` of all demand, and the proof that one fewer does not (LSCP).

    Parameters
    ----------
    problem : as for :func:`solve_kiosks`; ``k`` is the most there may be.
    share : of all demand, 0 to 1; 1 is the set covering problem (Toregas et al. 1971).

    Raises
    ------
    ProblemError
        ``k`` kiosks cover less; says how much they do cover.
    """
    if not 0 <= share <= 1:
        raise ProblemError(f"share {share:g}: give 0 to 1")
    end = math.inf if limit is None or limit.seconds is None else time.monotonic() + limit.seconds
    # Whole demand is covered whole: 60 % of 101 reports are 61.
    enough = share * float(problem.demand.sum())
    most = _decided(problem, enough, end)
    if most.covered < enough - 1e-9 * max(enough, 1):
        part = most.covered / float(problem.demand.sum())
        raise ProblemError(f"{problem.k} kiosks cover {part:.1%} of the demand, {share:.1%} are asked: give a larger k")
    low, high, best, below = len({*problem.required}) - 1, problem.k, most.plan, None
    while high - low > 1 and time.monotonic() < end:
        k = (low + high) // 2
        tried = _decided(replace(problem, k=k), enough, end)
        if tried.covered >= enough - 1e-9 * max(enough, 1):
            high, best = k, tried.plan
        elif tried.plan.bound < enough - 1e-9 * max(enough, 1):
            low, below = k, tried.plan
        else:
            break
    return FewestPlan(k=high, at_least=low + 1, sites=best.sites, enough=enough, below=below)


def nearest_reach(problem: KioskProblem, *, limit: Limit | None = None) -> CenterPlan:
    """Return the ``k`` sites that leave nobody far: the least walk within which all demand lies (p-center).

    Parameters
    ----------
    problem : pairs up to ``reach_m`` are looked at; points without demand ask for nothing.

    Raises
    ------
    ProblemError
        Some demand lies out of ``reach_m`` of every choice of ``k``.
    """
    end = math.inf if limit is None or limit.seconds is None else time.monotonic() + limit.seconds
    asked = replace(problem, demand=(problem.demand > 0).astype(np.float64), aim="cover", steps=())
    walks = np.unique(problem.walk_m[(problem.walk_m <= problem.reach_m) & (problem.walk_m > 0)])
    walks = np.concatenate([[np.nextafter(0.0, 1.0)], walks])
    n = float(asked.demand.sum())
    first = _decided(asked, n, end)
    if first.covered < n:
        raise ProblemError(
            f"{problem.k} kiosks leave {n - first.covered:.0f} of {n:.0f} points beyond {problem.reach_m:g} m: "
            "give a larger k, or a longer reach"
        )
    low, high, best, below = -1, walks.size - 1, first.plan, None
    while high - low > 1 and time.monotonic() < end:
        middle = (low + high) // 2
        tried = _decided(replace(asked, reach_m=float(walks[middle])), n, end)
        if tried.covered >= n:
            high, best = _farthest(asked, tried.plan, walks), tried.plan
        elif tried.plan.bound < n - 0.5:
            low, below = middle, tried.plan
        else:
            break
    bound_m = 0.0 if low + 1 == 0 else float(walks[low + 1])
    walk_m = float(walks[high]) if high else 0.0
    return CenterPlan(sites=best.sites, walk_m=walk_m, bound_m=bound_m, below=below)


class _Decided:
    """A plan with what it covers."""

    def __init__(self, plan: KioskPlan, covered: float) -> None:
        self.plan, self.covered = plan, covered


def _decided(problem: KioskProblem, enough: float, end: float) -> _Decided:
    """Return a plan that covers ``enough``, or the best found with the bound that says none does."""
    left = None if math.isinf(end) else Limit(seconds=max(end - time.monotonic(), 0.1))
    plan = solve_kiosks(problem, limit=left, enough=enough)
    point, site, loss = problem.losses()
    least = np.full(problem.demand.size, problem.most, dtype=np.int64)
    mine = np.isin(site, [*problem.fixed, *plan.sites])
    np.minimum.at(least, point[mine], loss[mine])
    return _Decided(plan, float(problem.demand @ (problem.most - least)) / problem.most)


def _farthest(problem: KioskProblem, plan: KioskPlan, walks: np.ndarray) -> int:
    """Return the place in ``walks`` of the longest walk to the plan's sites."""
    nearest = np.full(problem.demand.size, np.inf)
    mine = np.isin(problem.pair_site, [*problem.fixed, *plan.sites])
    np.minimum.at(nearest, problem.pair_demand[mine], problem.walk_m[mine])
    return int(np.searchsorted(walks, nearest[problem.demand > 0].max(initial=0.0)))
