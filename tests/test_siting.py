"""Kiosk plans against brute force, published optima and a clock."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.judging.kiosks import judge_kiosks
from sweepplan.model import KioskProblem, Limit
from sweepplan.siting import solve_kiosks
from tests.benchmarks.siting import graph, points, problem_of

REACH_M = 200.0


def dense(demand, walk_m, k, *, reach_m=REACH_M, fixed=(), forbidden=()):
    walk_m = np.asarray(walk_m, dtype=np.float64)
    points, sites = np.nonzero(np.isfinite(walk_m))
    return KioskProblem(
        demand=np.asarray(demand, dtype=np.float64),
        n_sites=walk_m.shape[1],
        pair_demand=points,
        pair_site=sites,
        walk_m=walk_m[points, sites],
        reach_m=reach_m,
        k=k,
        fixed=fixed,
        forbidden=forbidden,
    )


def brute_force(problem):
    near = np.zeros((problem.demand.size, problem.n_sites), dtype=bool)
    for point, site, walk_m in zip(problem.pair_demand, problem.pair_site, problem.walk_m, strict=True):
        near[point, site] |= walk_m <= problem.reach_m
    free = set(range(problem.n_sites)) - {*problem.fixed, *problem.forbidden}
    return max(
        problem.demand[near[:, [*problem.fixed, *chosen]].any(axis=1)].sum()
        for chosen in combinations(sorted(free), problem.k)
    )


@st.composite
def problems(draw):
    n, m = draw(st.integers(0, 14)), draw(st.integers(1, 8))
    weights = draw(
        st.sampled_from([st.integers(0, 3), st.integers(0, 1000), st.floats(0, 10), st.sampled_from([0.1, 0.2, 0.3])])
    )
    demand = draw(st.lists(weights, min_size=n, max_size=n))
    # 200 m is within reach, the next number above is not; ties and sites alike are common with so few distances.
    steps = st.sampled_from([0.0, 150.0, REACH_M, np.nextafter(REACH_M, np.inf), 250.0, np.inf, np.inf])
    walk_m = draw(st.lists(st.lists(steps, min_size=m, max_size=m), min_size=n, max_size=n))
    roles = draw(st.lists(st.sampled_from(["free", "free", "free", "fixed", "forbidden"]), min_size=m, max_size=m))
    fixed = tuple(site for site, role in enumerate(roles) if role == "fixed")
    forbidden = tuple(site for site, role in enumerate(roles) if role == "forbidden")
    k = draw(st.integers(0, min(4, m - len(fixed) - len(forbidden))))
    return dense(demand, np.array(walk_m).reshape(n, m), k, fixed=fixed, forbidden=forbidden)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(problems())
def test_any_small_problem_is_solved_as_well_as_by_brute_force_and_proved(problem):
    plan = solve_kiosks(problem)
    judged = judge_kiosks(problem, plan)
    assert judged.covered == pytest.approx(brute_force(problem), abs=2e-8 * problem.demand.sum())
    assert (judged.gap, judged.proof) == (0, "multipliers")
    assert solve_kiosks(problem) == plan


@settings(max_examples=50, deadline=None, derandomize=True)
@given(problems(), st.randoms(use_true_random=False))
def test_other_names_for_the_sites_change_no_value(problem, random):
    name = list(range(problem.n_sites))
    random.shuffle(name)
    renamed = replace(
        problem,
        pair_site=np.array(name)[problem.pair_site],
        fixed=tuple(name[site] for site in problem.fixed),
        forbidden=tuple(name[site] for site in problem.forbidden),
    )
    before, after = (judge_kiosks(p, solve_kiosks(p)) for p in (problem, renamed))
    assert after.covered == pytest.approx(before.covered, rel=1e-9, abs=1e-12)
    assert after.bound == pytest.approx(before.bound, rel=1e-9, abs=1e-12)


def triangle(k):
    """Three sites, three points, each pair of sites sharing a point: the relaxation takes halves and covers more."""
    walk_m = np.full((3, 3), 100.0)
    np.fill_diagonal(walk_m, np.inf)
    return dense([1, 1, 1], walk_m, k)


def odd_rings(n_rings, k):
    """Rings of five sites, a point between each two neighbours: relaxed 2.5 sites cover a ring, in truth 3 do."""
    walk_m = np.full((5 * n_rings, 5 * n_rings), np.inf)
    for ring in range(n_rings):
        for i in range(5):
            walk_m[5 * ring + i, [5 * ring + i, 5 * ring + (i + 1) % 5]] = 100
    return dense(np.ones(5 * n_rings), walk_m, k)


def test_greedy_falls_into_the_trap_and_the_plan_does_not():
    # Sites: 0 covers the two middle points (5), 1 and 2 each a middle and an outer one (4 and 4).
    walk_m = [[np.inf, 100, np.inf], [100, 100, np.inf], [100, np.inf, 100], [np.inf, np.inf, 100]]
    problem = dense([1.5, 2.5, 2.5, 1.5], walk_m, 2)
    assert solve_kiosks(problem).sites == (1, 2)
    assert solve_kiosks(problem).bound == 8


def test_where_the_relaxation_leaves_a_gap_the_tree_of_cases_is_the_proof():
    problem = odd_rings(2, 5)
    judged = judge_kiosks(problem, solve_kiosks(problem))
    assert (judged.covered, judged.gap) == (9, 0)
    assert judged.proof == "multipliers"


def edges_and_ends(seed, k, *, weights):
    """24 points, each an edge between two of 10 sites: the relaxation likes halves and is rarely whole."""
    rng = np.random.default_rng(seed)
    ends = np.array(list(combinations(range(10), 2)))[rng.choice(45, 24, replace=False)]
    demand = rng.choice(weights, 24)
    return KioskProblem(demand, 10, np.repeat(np.arange(24), 2), ends.ravel(), np.full(48, 1.0), REACH_M, k)


@pytest.mark.parametrize("weights", [np.arange(20.0, 30), np.arange(20.0, 30) / 7], ids=["whole", "fractions"])
def test_where_points_are_edges_and_sites_their_ends_the_search_equals_brute_force(weights):
    proofs = []
    for seed in range(40):
        problem = edges_and_ends(seed, 4, weights=weights)
        judged = judge_kiosks(problem, solve_kiosks(problem))
        assert judged.covered == pytest.approx(brute_force(problem), rel=1e-9)
        assert judged.gap == pytest.approx(0, abs=1e-9)
        proofs.append(judged.proof)
    assert set(proofs) == {"multipliers"}


def test_multipliers_prove_the_bound_where_the_relaxation_is_whole():
    judged = judge_kiosks(triangle(2), solve_kiosks(triangle(2)))
    assert (judged.covered, judged.gap, judged.proof) == (3, 0, "multipliers")


def test_whole_demand_rounds_down_what_the_multipliers_prove():
    near = [[0, 1, 1, 0, 1], [0, 0, 1, 0, 0], [1, 0, 0, 0, 1], [0, 1, 0, 1, 1], [1, 1, 0, 1, 0]]
    problem = dense([1, 1, 3, 3, 2], np.where(near, 100, np.inf), 2)
    plan = solve_kiosks(problem)
    # The relaxation takes halves of sites 0, 1, 2 and 4 and covers 9.5.
    assert brute_force(problem) == plan.bound == 9
    assert judge_kiosks(problem, plan).proof == "multipliers"


def test_no_kiosk_asked():
    plan = solve_kiosks(replace(triangle(0), fixed=(1,)))
    assert (plan.sites, plan.bound) == ((), 2)


def test_demand_out_of_reach_of_every_site():
    problem = dense([4, 5], [[201, 300, 999], [np.inf, np.inf, 200.001]], 2)
    plan = solve_kiosks(problem)
    judged = judge_kiosks(problem, plan)
    assert plan.sites == (0, 1)
    assert (judged.covered, judged.bound, judged.gap) == (0, 0, 0)


def test_no_demand_at_all():
    problem = dense([], np.empty((0, 3)), 2)
    assert solve_kiosks(problem).sites == (0, 1)
    assert judge_kiosks(problem, solve_kiosks(problem)).gap == 0


def test_sites_that_add_nothing_are_those_of_lowest_index():
    problem = dense([4, 5], np.array([[999, 100, 999, 100, 999], [999, 999, 999, 100, 999]]), 3, forbidden=(0,))
    assert solve_kiosks(problem).sites == (1, 2, 3)


def test_a_site_that_the_others_make_up_for_gives_way_to_the_lowest_index():
    # Greedy begins with site 3 (10 of 12); sites 1 and 2 together cover all 12, and 3 is idle then.
    near = [[0, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 1, 0]]
    problem = dense([1, 5, 5, 1], np.where(near, 100, np.inf), 3)
    assert solve_kiosks(problem).sites == (0, 1, 2)


def test_a_pair_listed_twice_counts_once():
    problem = KioskProblem(np.array([3.0]), 1, np.array([0, 0]), np.array([0, 0]), np.array([50.0, 80]), REACH_M, 1)
    assert solve_kiosks(problem).bound == 3
    # Counted twice, the 3 would win over the 4.
    more = dense([4, 3], [[1, np.inf], [np.inf, 1]], 1)
    twice = replace(more, pair_demand=np.array([0, 1, 1]), pair_site=np.array([0, 1, 1]), walk_m=np.ones(3))
    assert solve_kiosks(twice, limit=Limit(seconds=1e-9)).sites == (0,)


def test_progress_hears_value_and_bound_draw_together():
    heard = []
    problem = replace(odd_rings(2, 5), fixed=(0,), k=4)
    plan = solve_kiosks(problem, progress=lambda value, bound: heard.append((value, bound)))
    values, bounds = zip(*heard, strict=True)
    assert list(values) == sorted(values)
    assert list(bounds) == sorted(bounds, reverse=True)
    assert bounds[-1] == plan.bound == judge_kiosks(problem, plan).covered


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_weight_changes_nothing_though_the_solver_s_tolerances_are_absolute(unit):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        problem = dense(rng.uniform(1, 2, 40), np.where(rng.random((40, 20)) < 0.12, 100, np.inf), 5)
        plain = judge_kiosks(problem, solve_kiosks(problem))
        problem = replace(problem, demand=problem.demand * unit)
        other = judge_kiosks(problem, solve_kiosks(problem))
        assert other.covered == pytest.approx(plain.covered * unit, rel=1e-9)
        assert (other.gap, other.proof) == (pytest.approx(plain.gap, abs=1e-9), plain.proof)


@pytest.mark.parametrize("limit", [Limit(seconds=1e-6), Limit(iterations=1)])
def test_a_limit_gives_the_best_so_far_with_its_true_bound(limit):
    rng = np.random.default_rng(5)
    walk_m = np.where(rng.random((80, 40)) < 0.12, 100.0, np.inf)
    problem = dense(rng.integers(1, 9, 80), walk_m, 8)
    best = judge_kiosks(problem, solve_kiosks(problem)).covered
    plan = solve_kiosks(problem, limit=limit)
    judged = judge_kiosks(problem, plan)
    assert judged.covered <= best <= plan.bound
    if limit.seconds is not None:
        assert judged.gap > 0


# Published optima: see reference/siting/README.md beside the data.


def proved(demand, walk_m, k, reach_m):
    problem = problem_of(demand, walk_m, k, reach_m)
    judged = judge_kiosks(problem, solve_kiosks(problem))
    assert judged.gap == 0
    return judged.covered


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "optima"),
    [("SJC324", [5461, 8790, 11604, 12106, 12152]), ("SJC402", [6555, 11339, 14690, 15658, 15970, 15984])],
)
def test_published_optima_of_sao_jose_dos_campos(shared, name, optima):
    demand, walk_m = points([shared / f"reference/siting/mclp/{name}.txt"])
    assert [proved(demand, walk_m, k, 800) for k in range(1, len(optima) + 1)] == optima


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "k", "reach_m", "optimum"),
    [
        ("NewYork", 11, 200, 112223),
        ("NewYork", 11, 400, 336350),
        ("NewYork", 25, 400, 679333),
        ("SanFrancisco", 11, 400, 128423),
    ],
)
def test_certified_optima_of_two_cities(shared, name, k, reach_m, optimum):
    assert proved(*points([shared / f"reference/siting/mclp/{name}.txt"]), k, reach_m) == optimum


@pytest.mark.shared
@pytest.mark.parametrize(("number", "optimum"), [(1, 5819), (6, 7824), (9, 2734), (20, 1789)])
def test_published_p_medians(shared, number, optimum):
    walk_m, p = graph(shared / f"reference/siting/pmed/pmed{number}.txt.gz")
    problem = problem_of(np.ones(len(walk_m)), walk_m, p, walk_m.max() + 1, aim="median")
    judged = judge_kiosks(problem, solve_kiosks(problem))
    assert (judged.value, judged.gap, judged.proof) == (optimum, 0, "multipliers")
