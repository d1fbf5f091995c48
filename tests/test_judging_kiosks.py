"""The judge of kiosk plans: its figures by pencil, and planted lies refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import PlanError
from sweepplan.judging.kiosks import judge_kiosks
from sweepplan.model import KioskPlan, KioskProblem

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
PLAN = KioskPlan(sites=(2,), bound=15, solver="pencil", multipliers=(0, 0, 4, 8))


def test_every_figure_by_pencil():
    judged = judge_kiosks(STREET, PLAN)
    assert (judged.covered, judged.covered_today, judged.total) == (15, 3, 15)
    assert (judged.bound, judged.gap, judged.proof) == (15, 0, "multipliers")
    assert (judged.site_covered, judged.site_added) == ((14,), (12,))


def test_gap_of_a_worse_plan():
    judged = judge_kiosks(STREET, replace(PLAN, sites=(1,)))
    assert (judged.covered, judged.site_covered, judged.site_added) == (7, (7,), (4,))
    assert judged.gap == pytest.approx(8 / 15)


def test_without_multipliers_the_bound_is_the_solver_s_word():
    assert judge_kiosks(STREET, replace(PLAN, multipliers=None)).proof == "solver"


def test_covered_is_at_most_reach_m():
    assert judge_kiosks(replace(STREET, reach_m=99.999), replace(PLAN, multipliers=None)).covered == 1 + 4


def test_multipliers_of_points_that_fixed_sites_cover_prove_nothing_more():
    assert judge_kiosks(STREET, replace(PLAN, multipliers=(1, 2, 4, 8))).bound == 15


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"sites": (4,)}, "no site 4 among 4"),
        ({"sites": (-1,)}, "no site -1 among 4"),
        ({"sites": (2, 2)}, "site 2 is chosen twice"),
        ({"sites": (0,)}, "site 0 is fixed"),
        ({"sites": (3,)}, "site 3 is forbidden"),
        ({"sites": ()}, "0 sites chosen, 1 asked"),
        ({"sites": (1, 2)}, "2 sites chosen, 1 asked"),
        ({"bound": 14.0}, "bound 14 is below the 15 that the plan itself covers"),
        ({"bound": float("nan")}, "bound nan"),
        ({"bound": float("inf")}, "bound inf"),
        ({"sites": (1,), "bound": 14.0}, "bound 14 is below the 15 that its multipliers prove"),
        ({"multipliers": (0, 0, 4)}, "3 multipliers for 4 demand points"),
        ({"multipliers": (0, 0, 4, 8.5)}, "outside 0 <= u <= demand"),
        ({"multipliers": (0, 0, -1, 8)}, "outside 0 <= u <= demand"),
        ({"multipliers": (0, 0, float("nan"), 8)}, "outside 0 <= u <= demand"),
    ],
)
def test_planted_lies_are_refused(lie, said):
    with pytest.raises(PlanError, match=said):
        judge_kiosks(STREET, replace(PLAN, **lie))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(0, 2))
def test_any_multipliers_bound_every_plan(shares, k):
    problem = replace(STREET, k=k, fixed=(), forbidden=())
    u = tuple(np.array(shares) * problem.demand)
    best = {0: 0, 1: 14, 2: 15}[k]
    plan = KioskPlan(sites=tuple(range(k)), bound=best - 1, solver="liar", multipliers=u)
    with pytest.raises(PlanError, match="below"):
        judge_kiosks(problem, plan)
