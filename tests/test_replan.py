"""The rest of a day: what is done stands, what is known stays, what changed is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import ProblemError
from sweepplan.judging import judge_sweep, work_days
from sweepplan.model import UNLOAD, Break, Habit, Limit, Shift, Stop, SweepPlan, SweepProblem
from sweepplan.routing import changes, rest_of_day, solve_sweep

HOUR = 3600


def line(n: int, *shifts: Shift, **stop) -> SweepProblem:
    """Places every 10 minutes along one street, depot first; 5 minutes of work and one needle at each.

    From six places on, the first three lie west of the depot, the others east.
    """
    at = np.array([0, *range(1, n + 1)]) if n < 6 else np.array([0, -1, -2, -3, *range(1, n - 2)])
    travel_s = 600.0 * np.abs(at[:, None] - at)
    window = (0, 24 * HOUR)
    stops = tuple(replace(Stop.point(f"p{k}", k, 1.0, 300, window), **stop) for k in range(1, n + 1))
    return SweepProblem(stops, shifts or (Shift("A", (8 * HOUR, 16 * HOUR)),), travel_s)


def plan(*routes: tuple[int, ...]) -> SweepPlan:
    return SweepPlan(routes, "by hand", 0)


def test_what_a_crew_has_left_for_is_frozen_and_it_goes_on_from_there() -> None:
    """08:00 to p1 at 08:10, done 08:15, to p2 at 08:25, done 08:30; at 08:20 it is under way to p2."""
    rest = rest_of_day(line(4), plan((0, 1, 2, 3)), at_s=8 * HOUR + 20 * 60)
    assert rest.frozen == ((0, 1),)
    assert rest.stops == (2, 3)
    shift = rest.problem.shifts[0]
    assert (shift.start, shift.window_s) == (2, (8 * HOUR + 30 * 60, 16 * HOUR))
    assert rest.start.routes == ((0, 1),)
    assert judge_sweep(rest.problem, rest.start).days[0].starts_s[0] == 8 * HOUR + 40 * 60
    before = rest_of_day(line(4), plan((0, 1, 2, 3)), at_s=7 * HOUR)
    assert before.frozen == ((),)
    assert before.problem.shifts[0].start == 0


def test_a_container_and_a_break_are_carried_over() -> None:
    shift = Shift("A", (8 * HOUR, 16 * HOUR), pause=Break(8 * HOUR + 900, 9 * HOUR, 1200), capacity=3, unload=0)
    problem = line(4, shift, load=1)
    whole = plan((0, 1, UNLOAD, 2, 3))
    day = work_days(problem, whole)[0]
    late = rest_of_day(problem, whole, at_s=day.starts_s[3] + 1)
    assert late.problem.shifts[0].pause is None
    assert late.problem.shifts[0].load == 1 + (late.frozen[0][-1] == 3)
    early = rest_of_day(problem, whole, at_s=8 * HOUR + 60)
    assert early.problem.shifts[0].pause == shift.pause
    assert early.problem.shifts[0].load == 1


def test_a_crew_that_goes_home_leaves_its_requests_to_others() -> None:
    shifts = Shift("A", (8 * HOUR, 16 * HOUR)), Shift("B", (8 * HOUR, 16 * HOUR))
    problem = line(6, *shifts, required=True)
    rest = rest_of_day(problem, plan((0, 1, 2), (3, 4, 5)), at_s=8 * HOUR + 60, home={"A"})
    assert rest.frozen == ((0,), (3,))
    assert rest.shifts == (1,)
    after = solve_sweep(rest.problem, limit=Limit(iterations=30), seed=1, start=rest.start)
    judged = judge_sweep(rest.problem, after)
    assert judged.n_required_served == judged.n_required
    change, gone = changes(rest, after)
    assert (change.crew, gone.crew) == ("B", "A")
    assert gone.lost == (("p2", "B"), ("p3", "B"))
    assert change.gained == (("p2", "A"), ("p3", "A")) or change.gained == (("p3", "A"), ("p2", "A"))
    with pytest.raises(ProblemError, match="no crew 'C': one of A, B"):
        rest_of_day(problem, plan((0,), ()), at_s=9 * HOUR, home={"C"})
    with pytest.raises(ProblemError, match="no crew is left"):
        rest_of_day(problem, plan((0,), ()), at_s=17 * HOUR)


def test_a_new_request_joins_and_nobody_else_is_moved() -> None:
    shifts = Shift("A", (8 * HOUR, 16 * HOUR)), Shift("B", (8 * HOUR, 16 * HOUR))
    problem = line(6, *shifts)
    travel_s = np.pad(problem.travel_s, (0, 1), mode="edge")
    travel_s[-1, -1] = 0
    new = Stop.point("new", 7, 1.0, 300, (0, 12 * HOUR), required=True)
    rest = rest_of_day(problem, plan((0, 1, 2), (3, 4, 5)), at_s=8 * HOUR + 60, added=[new], travel_s=travel_s)
    after = solve_sweep(rest.problem, limit=Limit(iterations=60), seed=1, needle_s=36_000, start=rest.start)
    judged = judge_sweep(rest.problem, after)
    assert judged.n_required_served == 1
    said = changes(rest, after)
    assert [pair for change in said for pair in change.gained] == [("new", "new")]
    assert not [place for change in said for place, _ in change.lost]


def test_a_blocked_street_takes_out_what_no_longer_fits() -> None:
    problem = line(3)
    blocked = problem.travel_s.copy()
    blocked[:, 3], blocked[3, :] = np.inf, np.inf
    blocked[3, 3] = 0
    rest = rest_of_day(problem, plan((0, 1, 2)), at_s=8 * HOUR + 60, travel_s=blocked)
    assert rest.start.routes == ((0,),)
    assert changes(rest, rest.start)[0].lost == (("p3", "left out"),)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    split=st.integers(0, 8),
    at_h=st.floats(7, 12),
    required=st.booleans(),
    crew_s=st.integers(0, 600),
)
def test_the_rest_of_a_plan_is_a_plan_of_the_rest(split: int, at_h: float, required: bool, crew_s: int) -> None:
    shifts = Shift("A", (8 * HOUR, 12 * HOUR)), Shift("B", (9 * HOUR, 13 * HOUR))
    problem = line(8, *shifts, required=required)
    whole = plan(tuple(range(split)), tuple(range(split, 8)))
    at_s = int(at_h * HOUR)
    try:
        rest = rest_of_day(problem, whole, at_s=at_s, habit=Habit((), crew_s, 60))
    except ProblemError:
        assert at_s >= 12 * HOUR
        return
    done = [stop for route in rest.frozen for stop in route]
    assert sorted([*done, *rest.stops]) == list(range(8))
    assert rest.problem.habit.crew_s == crew_s
    for change in changes(rest, rest.start):
        assert change.kept_legs == change.legs
        assert not change.gained
    after = solve_sweep(rest.problem, limit=Limit(iterations=5), seed=3, start=rest.start)
    judged = judge_sweep(rest.problem, after)
    assert judged.n_required_served >= judge_sweep(rest.problem, rest.start).n_required_served
