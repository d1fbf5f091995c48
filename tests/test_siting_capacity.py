"""Kiosks that fill up against all choices there are, published optima; equity and the order to build in."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

from sweepplan.errors import PlanError, ProblemError
from sweepplan.judging import judge_capacity, judge_kiosks
from sweepplan.model import CapacityProblem, KioskProblem, SiteRules, with_visits
from sweepplan.siting import build_order, fairest, solve_capacity, solve_kiosks
from tests.benchmarks.siting import warehouses


def drawn(seed):
    """Some demand near some sites, each of which takes about a third of it."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 12)), int(rng.integers(2, 7))
    near = rng.random((n, m)) < 0.5
    point, site = np.nonzero(near)
    must = rng.random() < 0.3
    rules = SiteRules(apart=((0, 1),)) if rng.random() < 0.4 else SiteRules()
    if must:
        point, site = np.nonzero(np.ones((n, m)))
    return CapacityProblem(
        demand=rng.integers(1, 9, n).astype(float),
        pair_demand=point,
        pair_site=site,
        serving=rng.integers(0, 5, point.size).astype(float) if must else np.zeros(point.size),
        capacity=rng.integers(2, 15, m).astype(float) + (40 if must else 0),
        opening=rng.integers(0, 20, m).astype(float) if must else np.zeros(m),
        unserved=np.inf if must else 1.0,
        k=None if must else int(rng.integers(1, m)),
        rules=rules,
    )


def all_choices(problem):
    best = np.inf
    most = problem.n_sites if problem.k is None else problem.k
    for chosen in (c for size in range(most + 1) for c in combinations(range(problem.n_sites), size)):
        if any({*pair} <= {*chosen} for pair in problem.rules.apart):
            continue
        best = min(best, problem.opening[list(chosen)].sum() + cost_of(problem, chosen))
    return best


def cost_of(problem, chosen):
    mine = np.isin(problem.pair_site, chosen)
    point, site, e = problem.pair_demand[mine], problem.pair_site[mine], int(mine.sum())
    must = np.isinf(problem.unserved)
    cost = problem.serving[mine] - (0 if must else problem.unserved)
    of_point = np.zeros((problem.demand.size, e))
    of_point[point, np.arange(e)] = 1
    of_site = np.zeros((problem.n_sites, e))
    of_site[site, np.arange(e)] = 1
    equal = {"A_eq": of_point, "b_eq": problem.demand} if must else {}
    upper = of_site if must else np.vstack([of_site, of_point])
    most = problem.capacity if must else np.r_[problem.capacity, problem.demand]
    if not e:
        return np.inf if must else problem.demand.sum()
    found = linprog(cost, upper, most, **equal)
    if found.status:
        return np.inf
    return found.fun + (0 if must else problem.demand.sum() * problem.unserved)


def test_no_choice_of_sites_that_fill_up_is_better_and_lies_are_refused():
    for seed in range(40):
        problem = drawn(seed)
        best = all_choices(problem)
        if not np.isfinite(best):
            with pytest.raises(ProblemError, match="no choice"):
                solve_capacity(problem)
            continue
        plan = solve_capacity(problem)
        judged = judge_capacity(problem, plan)
        assert judged.value == pytest.approx(best, abs=1e-6), seed
        assert judged.gap == pytest.approx(0, abs=1e-6)
        for lie in ({"bound": best + 1}, {"root_bound": best + 1}, {"served": plan.served + 1}):
            with pytest.raises(PlanError, match="capacity plan"):
                judge_capacity(problem, replace(plan, **lie))


def test_visits_are_spent_where_the_box_fills_first():
    # Two boxes that hold 10; one gets 30 a week, one 10: four visits serve all, three and one.
    problem = CapacityProblem(
        np.array([30.0, 10]), np.arange(2), np.arange(2), np.zeros(2), np.full(2, 10.0), np.zeros(2), 1.0, 2
    )
    often, site, visits = with_visits(problem, (1, 2, 3), 4)
    plan = solve_capacity(often)
    assert judge_capacity(often, plan).value == 0
    assert {(int(site[j]), int(visits[j])) for j in plan.sites} == {(0, 3), (1, 1)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"unserved": np.inf, "capacity": np.ones(2)}, "all sites together take 2 of 40 that must be served: add 38"),
        ({"demand": np.array([-1.0, 1])}, "demand holds a negative"),
        ({"rules": SiteRules(floors=(1.0,))}, "floors are not for"),
    ],
)
def test_contradictions_are_refused(given, said):
    problem = CapacityProblem(
        np.array([30.0, 10]), np.arange(2), np.arange(2), np.zeros(2), np.full(2, 10.0), np.zeros(2), 1.0, 2
    )
    with pytest.raises(ProblemError, match=said):
        replace(problem, **given)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("number", "optimum"), [(41, 1040444.375), (42, 1098000.45), (51, 1025208.225), (104, 928941.75)]
)
def test_published_optima_of_warehouses(shared, number, optimum):
    problem = warehouses(shared / f"reference/siting/cap/cap{number}.txt")
    judged = judge_capacity(problem, solve_capacity(problem))
    assert judged.value == pytest.approx(optimum, abs=0.001)
    assert judged.gap < 1e-9


def street():
    """Ten points and sites in a row, 100 m apart; the west is heavy."""
    walk_m = np.abs(np.subtract.outer(np.arange(10), np.arange(10))) * 100.0
    point, site = np.nonzero(walk_m <= 100)
    return KioskProblem(np.r_[np.full(6, 10.0), np.ones(4)], 10, point, site, walk_m[point, site], 100.0, 2)


def test_the_fairest_plan_raises_the_worst_off_district_and_then_covers_most():
    problem = street()
    assert judge_kiosks(problem, solve_kiosks(problem)).covered == 60
    fair, plan, percent = fairest(problem, (0,) * 6 + (1,) * 4)
    # One site on the border reaches 2 of the 4 in the east and 10 in the west, the other 30 there: 67 % and 50 %.
    judged = judge_kiosks(fair, plan)
    assert (percent, judged.covered, judged.gap) == (50, 42, 0)
    with pytest.raises(ProblemError, match="1 districts for 10"):
        fairest(problem, (0,))


def test_the_order_to_build_in_says_what_waiting_costs():
    problem = replace(street(), demand=np.array([0, 6, 6, 5, 6, 6, 0, 0, 0, 0.0]))
    asked = [replace(problem, k=k) for k in (1, 2)]
    best = tuple(judge_kiosks(each, solve_kiosks(each)).covered for each in asked)
    steps = build_order(problem, solve_kiosks(problem), best)
    assert [step.covered for step in steps] == [best[0] - steps[0].loss, best[1]]
    assert best == (17, 29)
    assert steps[1].loss == 0
