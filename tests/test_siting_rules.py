"""500 small problems with every rule, of every aim, against all choices there are; and rules that contradict."""

from dataclasses import replace

import numpy as np
import pytest

from sweepplan.errors import PlanError, ProblemError
from sweepplan.judging import judge_center, judge_fewest, judge_kiosks
from sweepplan.model import KioskProblem, SiteRules
from sweepplan.siting import fewest_kiosks, nearest_reach, solve_kiosks


def drawn(seed):
    """A problem of at most 14 sites on a square of 1 km, each rule present about every other time."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 40)), int(rng.integers(2, 15))
    points, sites = rng.uniform(0, 1000, (n, 2)), rng.uniform(0, 1000, (m, 2))
    walk_m = np.round(np.hypot(*(points[:, None] - sites).transpose(2, 0, 1)), rng.integers(0, 3))
    reach_m = float(rng.choice([150, 250, 400]))
    point, site = np.nonzero(walk_m <= reach_m * 1.2)
    roles = rng.choice(["free", "fixed", "forbidden", "required"], m, p=[0.82, 0.06, 0.06, 0.06])
    named = {role: tuple(np.flatnonzero(roles == role).tolist()) for role in ("fixed", "forbidden", "required")}
    aim = str(rng.choice(["cover", "cover", "median"]))
    steps = ((reach_m / 4, 96), (reach_m / 2, 80), (reach_m, 59)) if aim == "cover" and rng.random() < 0.4 else ()
    demand = rng.integers(0, 20, n).astype(float) if rng.random() < 0.7 else rng.uniform(0, 3, n)
    free = m - len(named["fixed"]) - len(named["forbidden"])
    k = int(rng.integers(len(named["required"]), free + 1)) if rng.random() < 0.3 else min(free, 4)
    problem = dict(
        demand=demand, n_sites=m, pair_demand=point, pair_site=site, walk_m=walk_m[point, site], reach_m=reach_m,
        k=max(k, len(named["required"])), aim=aim, steps=steps, **named,
    )  # fmt: skip
    return problem, rules(rng, points, sites, demand)


def rules(rng, points, sites, demand):
    m, more = len(sites), {}
    if rng.random() < 0.5:
        near = np.hypot(*(sites[:, None] - sites).transpose(2, 0, 1)) < rng.choice([100, 250])
        more["apart"] = tuple((int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(near, 1)), strict=True))
    if rng.random() < 0.5:
        east = sites[:, 0] > 500
        groups = [tuple(np.flatnonzero(side).tolist()) for side in (east, ~east)]
        more["at_least"] = tuple((group, int(rng.integers(0, 3))) for group in groups if group)
    if rng.random() < 0.4:
        more["cost"] = tuple(rng.integers(0, 9, m).tolist())
        more["budget"] = int(rng.integers(3, 25))
    if rng.random() < 0.4:
        more["district"] = tuple((points[:, 1] > 500).astype(int).tolist())
        more["floors"] = tuple(float(demand[points[:, 1] > 500 * side].sum() * 0.1 * side) for side in (0, 1))
    return SiteRules(**more)


def all_choices(problem):
    """The best value of any lawful choice, by trying each; infinite where there is none."""
    point, site, loss = problem.losses()
    table = np.full((problem.n_sites, problem.demand.size), problem.most)
    table[site, point] = loss
    chosen = (np.arange(2**problem.n_sites)[:, None] >> np.arange(problem.n_sites) & 1).astype(bool)
    chosen = chosen[chosen.sum(axis=1) <= problem.k]
    chosen = chosen[~chosen[:, [*problem.fixed, *problem.forbidden]].any(axis=1)]
    chosen = chosen[chosen[:, list(problem.required)].all(axis=1)]
    standing = chosen.copy()
    standing[:, list(problem.fixed)] = True
    kept = keeps_rules(problem.rules, chosen, standing)
    least = np.full((kept.sum(), problem.demand.size), problem.most)
    for j in range(problem.n_sites):
        least = np.where(standing[kept, j, None], np.minimum(least, table[j]), least)
    covered = problem.demand * (problem.most - least) / problem.most
    for d, floor in enumerate(problem.rules.floors):
        if floor:
            able = covered[:, np.array(problem.rules.district) == d].sum(axis=1) >= floor - 1e-9
            covered, least = covered[able], least[able]
    if not len(least):
        return np.inf
    return float((least @ problem.demand).min() if problem.aim == "median" else covered.sum(axis=1).max())


def keeps_rules(rules, chosen, standing):
    kept = np.ones(len(chosen), dtype=bool)
    for a, b in rules.apart:
        kept &= ~(standing[:, a] & standing[:, b] & (chosen[:, a] | chosen[:, b]))
    for group, need in rules.at_least:
        kept &= standing[:, list(group)].sum(axis=1) >= need
    if rules.budget is not None:
        kept &= chosen @ np.array(rules.cost) <= rules.budget
    return kept


@pytest.mark.parametrize("block", range(10))
def test_with_every_rule_no_choice_is_better_and_the_judge_agrees(block):
    solved = 0
    for seed in range(50 * block, 50 * block + 50):
        given, kept = drawn(seed)
        try:
            problem = KioskProblem(**given, rules=kept)
        except ProblemError:
            continue
        best = all_choices(problem)
        if not np.isfinite(best):
            with pytest.raises(ProblemError, match="no choice of sites keeps all the rules"):
                solve_kiosks(problem)
            continue
        plan = solve_kiosks(problem)
        judged = judge_kiosks(problem, plan)
        rounding = 1e-7 * problem.demand.sum() * (problem.most if problem.aim == "median" else 1)
        assert judged.value == pytest.approx(best, abs=rounding + 1e-9), seed
        assert judged.gap <= 1e-7, seed
        solved += 1
        refuses_corruption(problem, plan, seed)
    assert solved > 25


def refuses_corruption(problem, plan, seed):
    """A bound that the multipliers do not prove: 1 % better than the truth."""
    certificate, bound = (plan.certificate, plan.bound) if plan.certificate else (plan.root, plan.root_bound)
    if certificate is None:
        return
    better = bound * 1.01 + 1 if problem.aim == "median" else bound * 0.99 - 1
    lie = replace(plan, bound=better, certificate=certificate, root=None, root_bound=None)
    with pytest.raises(PlanError):
        judge_kiosks(problem, lie)


def test_the_fewest_kiosks_and_the_nearest_reach_against_all_choices():
    for seed in range(14):
        given, _ = drawn(seed)
        given |= {"aim": "cover", "steps": (), "demand": np.ceil(given["demand"]), "k": given["n_sites"] // 2}
        given |= {"fixed": (), "forbidden": (), "required": (), "reach_m": given["reach_m"] * 1.2}
        problem = KioskProblem(**given)
        values = [all_choices(replace(problem, k=k)) for k in range(problem.k + 1)]
        plan = fewest_kiosks(problem, 0.5 * values[-1] / max(problem.demand.sum(), 1))
        assert plan.k == plan.at_least == next(k for k, value in enumerate(values) if value >= plan.enough - 1e-9)
        judge_fewest(problem, plan)
        if values[-1] < problem.demand.sum():
            with pytest.raises(ProblemError, match="points beyond"):
                nearest_reach(problem)
            continue
        center = nearest_reach(problem)
        reaches = [walk for walk in np.unique(problem.walk_m) if everybody(problem, walk)]
        assert center.walk_m == center.bound_m == (min(reaches) if problem.demand.any() else 0.0)
        assert judge_center(problem, center).gap == 0


def everybody(problem, reach_m):
    if reach_m == 0:
        return False
    return all_choices(replace(problem, reach_m=float(reach_m))) >= problem.demand.sum()


def row_of_sites(k, **rules):
    """Six sites in a row, 100 m apart, a report at each."""
    walk_m = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) * 100.0
    point, site = np.nonzero(walk_m <= 100)
    return KioskProblem(np.ones(6), 6, point, site, walk_m[point, site], 100.0, k, rules=SiteRules(**rules))


@pytest.mark.parametrize(
    ("k", "rules", "said"),
    [
        (
            2,
            {"at_least": (((0, 1), 1), ((2, 3), 1), ((4, 5), 1))},
            "k = 3 instead of 2, or 2 instead of 3 sites over all",
        ),
        (
            3,
            {"at_least": (((0, 1), 2),), "apart": ((0, 1),)},
            "1 pair of sites nearer than the spacing, or 1 instead of 2",
        ),
        (3, {"at_least": (((5,), 1),), "cost": (1, 1, 1, 1, 1, 9), "budget": 5}, "a budget of 9 instead of 5"),
        (1, {"district": (0, 0, 1, 1, 1, 1), "floors": (1.0, 4.0)}, "k = 2 instead of 1"),
    ],
)
def test_rules_that_contradict_say_which_must_give_and_how_little(k, rules, said):
    with pytest.raises(ProblemError, match=said):
        solve_kiosks(row_of_sites(k, **rules))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"k": 7}, "k = 7: only 6 sites may be chosen"),
        ({"required": (1,), "forbidden": (1,)}, "site 1 is both forbidden and required: take it from one"),
        ({"required": (1, 2, 3), "k": 2}, "3 sites are required and k = 2: give k = 3"),
        ({"required": (1, 2), "rules": SiteRules(apart=((1, 2),))}, "1 and 2 must both stand and are too near"),
        (
            {"forbidden": (0, 1), "rules": SiteRules(at_least=(((0, 1), 1),))},
            "1 of a group of sites must stand and only 0",
        ),
        (
            {"required": (0,), "rules": SiteRules(cost=(9,) * 6, budget=5)},
            "the required sites cost 9 and the budget is 5",
        ),
    ],
)
def test_contradictions_plain_to_see_are_refused_with_the_problem(given, said):
    with pytest.raises(ProblemError, match=said):
        replace(row_of_sites(2), **given)
