"""The judge of kiosk plans: its figures by pencil, and planted lies refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import PlanError
from sweepplan.judging.kiosks import judge_kiosks
from sweepplan.model import CLOSED, Certificate, KioskPlan, KioskProblem, SiteRules, Stage

# A street of four corners, 100 m apart, a site at each; point i weighs 1, 2, 4, 8. Reach 100 m: a corner and its
# neighbours. Site 0 stands already (covers 1 + 2), site 3 may not be chosen.
CORNERS = np.arange(4)
STREET = KioskProblem(
    demand=np.array([1.0, 2, 4, 8]),
    n_sites=4,
    pair_demand=np.repeat(CORNERS, 4),
    pair_site=np.tile(CORNERS, 4),
    walk_m=100.0 * np.abs(np.repeat(CORNERS, 4) - np.tile(CORNERS, 4)),
    reach_m=100,
    k=1,
    fixed=(0,),
    forbidden=(3,),
)


def proof(*v, scale=1, **more):
    return Certificate(scale, (Stage(np.array(v, dtype=np.int64), branch=CLOSED, **more),))


# An unserved unit is priced at 1 everywhere: site 2 covers all of the two points that are open, 4 + 8.
PLAN = KioskPlan(sites=(2,), bound=15, solver="pencil", certificate=proof(1, 1, 1, 1))


def test_every_figure_by_pencil():
    judged = judge_kiosks(STREET, PLAN)
    assert (judged.covered, judged.covered_today, judged.total) == (15, 3, 15)
    assert (judged.value, judged.bound, judged.gap, judged.proof) == (15, 15, 0, "multipliers")
    assert (judged.site_covered, judged.site_added) == ((14,), (12,))


def test_gap_of_a_worse_plan():
    judged = judge_kiosks(STREET, replace(PLAN, sites=(1,)))
    assert (judged.covered, judged.site_covered, judged.site_added) == (7, (7,), (4,))
    assert judged.gap == pytest.approx(8 / 15)


def test_without_a_certificate_the_bound_is_the_solver_s_word():
    assert judge_kiosks(STREET, replace(PLAN, certificate=None)).proof == "solver"


def test_covered_is_at_most_reach_m():
    assert judge_kiosks(replace(STREET, reach_m=99.999), replace(PLAN, certificate=None)).covered == 1 + 4


def test_the_steps_of_distance_by_pencil():
    # Site 2: its own corner 100 %, the neighbours 60 %; site 0 gives 100 % of its own corner and 60 % of the next.
    stepped = replace(STREET, steps=((0.0, 100), (100.0, 60)))
    judged = judge_kiosks(stepped, KioskPlan((2,), 15, "pencil"))
    assert (judged.covered, judged.covered_today) == (1 + 1.2 + 4 + 4.8, 1 + 1.2)


def test_the_walk_of_a_median_by_pencil():
    # Walks to sites 0 and 2: 0, 100, 0, 100; beyond reach a walk counts as 100.
    judged = judge_kiosks(replace(STREET, aim="median"), KioskPlan((2,), 0, "pencil"))
    assert (judged.value, judged.gap) == (2 * 100 + 8 * 100, 1)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"sites": (4,)}, "no site 4 among 4"),
        ({"sites": (-1,)}, "no site -1 among 4"),
        ({"sites": (2, 2)}, "site 2 is chosen twice"),
        ({"sites": (0,)}, "site 0 is fixed"),
        ({"sites": (3,)}, "site 3 is forbidden"),
        ({"sites": ()}, "0 sites chosen, 1 asked, and site 1 could join"),
        ({"sites": (1, 2)}, "2 sites chosen, 1 asked"),
        ({"bound": 14.0}, "bound 14 is below the 15 that the plan itself covers"),
        ({"bound": float("nan")}, "bound nan"),
        ({"bound": float("inf")}, "bound inf"),
        ({"sites": (1,), "bound": 14.0}, "do not prove the bound 14"),
        ({"sites": (1,), "bound": 7.0}, "do not prove the bound 7"),
    ],
)
def test_planted_lies_are_refused(lie, said):
    with pytest.raises(PlanError, match=said):
        judge_kiosks(STREET, replace(PLAN, **lie))


@pytest.mark.parametrize(
    "certificate",
    [
        proof(1, 1, 1),
        proof(1, 1, -1, 1),
        proof(1, 1, 3, 1, scale=0),
        proof(1, 1, 1, 1, budget=5),
        proof(1, 1, 1, 1, apart=(((1, 2), 5),)),
        proof(1, 1, 1, 1, at_least=(9,)),
        Certificate(1, ()),
        Certificate(1, (Stage(np.ones(4, dtype=np.int64)),)),
        Certificate(1, (Stage(np.zeros(4, dtype=np.int64), branch=2),)),
    ],
)
def test_a_certificate_that_proves_nothing_is_refused(certificate):
    with pytest.raises(PlanError, match="do not prove the bound 15"):
        judge_kiosks(STREET, replace(PLAN, certificate=certificate))


def test_multipliers_too_weak_for_the_bound_are_refused():
    # Site 2 covers all but 1 of 15; a price on points 2 and 3 alone pays for site 2 and proves nothing more.
    free, plan = replace(STREET, fixed=(), forbidden=()), replace(PLAN, bound=14.0)
    assert judge_kiosks(free, plan).gap == 0
    with pytest.raises(PlanError, match="do not prove the bound 14"):
        judge_kiosks(free, replace(plan, certificate=proof(0, 0, 1, 1)))


def test_both_cases_of_a_branch_must_be_closed():
    v = np.ones(4, dtype=np.int64)
    zero = np.zeros(4, dtype=np.int64)
    both = Certificate(1, (Stage(zero, branch=2), Stage(v, branch=CLOSED), Stage(v, branch=CLOSED)))
    assert judge_kiosks(STREET, replace(PLAN, certificate=both)).proof == "multipliers"
    for stages in (both.stages[:2], (both.stages[0], both.stages[1], Stage(zero, branch=CLOSED))):
        with pytest.raises(PlanError, match="do not prove"):
            judge_kiosks(STREET, replace(PLAN, sites=(1,), bound=14.0, certificate=Certificate(1, stages)))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"apart": ((0, 2),)}, "sites 0 and 2 are too near each other"),
        ({"at_least": (((1,), 1),)}, "0 of a group of sites stand, 1 must"),
        ({"cost": (0, 1, 9, 1), "budget": 5}, "the sites cost 9, the budget is 5"),
        ({"district": (0, 1, 1, 0), "floors": (1.0, 8.0)}, "6 covered in district 1, 8 must be"),
    ],
)
def test_a_broken_rule_is_refused(rules, said):
    with pytest.raises(PlanError, match=said):
        judge_kiosks(replace(STREET, rules=SiteRules(**rules)), replace(PLAN, certificate=None))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 16), min_size=4, max_size=4), st.integers(0, 2))
def test_no_multipliers_prove_a_bound_that_a_plan_betters(v, k):
    problem = replace(STREET, k=k, fixed=(), forbidden=())
    best = {0: 0, 1: 14, 2: 15}[k]
    worst = {0: (), 1: (0,), 2: (0, 1)}[k]
    lie = KioskPlan(sites=worst, bound=best - 1, solver="liar", certificate=proof(*v, scale=16))
    with pytest.raises(PlanError):
        judge_kiosks(problem, lie)
