"""Line town: the depot at 0, places every 10 minutes along one street, one crew or two, all times checked by pencil."""

from dataclasses import replace

import numpy as np
import pytest

from sweepplan.errors import PlanError, ProblemError
from sweepplan.judging import impossible_stops, judge_sweep
from sweepplan.model import Shift, Stop, SweepPlan, SweepProblem

H = 3600
ALL_DAY = (0, 24 * H)


def line_town(*stops: Stop, shifts=((8 * H, 16 * H),), no_way=(), rows=8) -> SweepProblem:
    at = np.arange(rows)
    travel_s = np.abs(at[:, None] - at) * 600.0
    for a, b in no_way:
        travel_s[a, b] = np.inf
    return SweepProblem(stops, tuple(Shift("AB"[k], window_s) for k, window_s in enumerate(shifts)), travel_s)


def stop(place: str, at: int, *, prize=1.0, service_s=300, window_s=ALL_DAY, required=False) -> Stop:
    return Stop.point(place, at, prize, service_s, window_s, required)


def plan(*routes: tuple[int, ...]) -> SweepPlan:
    return SweepPlan(routes, "by hand", 0)


def accepts(problem: SweepProblem, candidate: SweepPlan) -> bool:
    try:
        judge_sweep(problem, candidate)
    except PlanError:
        return False
    return True


def test_a_day_with_waiting_at_the_second_stop():
    problem = line_town(stop("near", 1), stop("late", 3, prize=2.5, window_s=(9 * H, 10 * H), required=True))
    judged = judge_sweep(problem, plan((0, 1)))
    day = judged.days[0]
    assert day.arrives_s == (8 * H + 600, 8 * H + 600 + 300 + 1200)
    assert day.starts_s == (8 * H + 600, 9 * H)
    assert (day.leaves_s, day.back_s, day.travel_s, day.needles) == (8 * H, 9 * H + 300 + 1800, 3600, 3.5)
    assert (judged.n_required, judged.n_required_served, judged.needles, judged.travel_s) == (1, 1, 3.5, 3600)
    assert judged.unserved == ()


def test_waiting_at_the_first_stop_is_spent_at_the_depot():
    day = judge_sweep(line_town(stop("late", 1, window_s=(9 * H, 9 * H))), plan((0,))).days[0]
    assert (day.leaves_s, day.arrives_s, day.starts_s) == (9 * H - 600, (9 * H,), (9 * H,))


def test_a_crew_that_stays_in_has_no_day():
    judged = judge_sweep(line_town(stop("a", 1), shifts=((0, H), (0, H))), plan((), (0,)))
    assert judged.days[0] is None
    assert judged.days[1] is not None


def test_both_ends_of_window_and_shift_are_allowed():
    problem = line_town(stop("a", 1, window_s=(0, 8 * H + 600)), shifts=((8 * H, 8 * H + 1500),))
    assert judge_sweep(problem, plan((0,))).days[0].back_s == 8 * H + 1500
    with pytest.raises(PlanError, match="crew 'A': back from its last stop 'a' 08:25, its shift ends 08:24:59"):
        judge_sweep(replace(problem, shifts=(Shift("A", (8 * H, 8 * H + 1499)),)), plan((0,)))
    early = replace(problem.stops[0], window_s=(0, 8 * H + 599))
    with pytest.raises(PlanError, match="stop 'a': service starts 08:10, its window closes 08:09:59"):
        judge_sweep(replace(problem, stops=(early,)), plan((0,)))


TWO = line_town(stop("a", 1, window_s=(8 * H, 8 * H + 600)), stop("b", 2), shifts=((8 * H, 9 * H), (8 * H, 9 * H)))


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (plan((1, 0), ()), "crew 'A', stop 'a': service starts 08:35, its window closes 08:10"),
        (plan((0,), (1, 0)), "crew 'B': stop 'a' is served twice, before by crew 'A'"),
        (plan((0, 0), ()), "crew 'A': stop 'a' is served twice, before by crew 'A'"),
        (plan((), (0, 2)), "crew 'B': there is no stop 2 among 2"),
        (plan((-1,), ()), "crew 'A': there is no stop -1 among 2"),
        (plan((0, 1)), "the plan has 1 routes for 2 crews: give one per crew, empty if it stays in"),
    ],
)
def test_a_planted_lie_is_refused(lie: SweepPlan, message: str):
    assert accepts(TWO, plan((0, 1), ()))
    with pytest.raises(PlanError) as refused:
        judge_sweep(TWO, lie)
    assert str(refused.value) == message


def test_a_stop_over_the_shift_is_refused():
    problem = line_town(*(stop(f"s{k}", k, service_s=1200) for k in (1, 2)), shifts=((8 * H, 9 * H),))
    assert accepts(problem, plan((0,)))
    with pytest.raises(PlanError, match="crew 'A': back from its last stop 's2' 09:20, its shift ends 09:00"):
        judge_sweep(problem, plan((0, 1)))


@pytest.mark.parametrize(
    ("no_way", "message"),
    [
        ([(1, 2)], "crew 'A', stop 'b': no way there on the streets"),
        ([(2, 0)], "crew 'A', stop 'b': no way back from there on the streets"),
    ],
)
def test_a_leg_without_a_way_is_refused(no_way, message: str):
    problem = line_town(stop("a", 1), stop("b", 2), no_way=no_way)
    with pytest.raises(PlanError) as refused:
        judge_sweep(problem, plan((0, 1)))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("unserved", "shift", "no_way", "reason"),
    [
        (stop("x", 3), (8, 16), [(0, 3)], "no way there on the streets"),
        (stop("x", 3), (8, 16), [(3, 0)], "no way back from there on the streets"),
        (stop("x", 4), (8, 9), [], "farther than any shift allows: 1 h 20 min there and back"),
        (stop("x", 2, service_s=1230), (8, 9), [], "longer than any shift allows: 1 h 01 min there, work and back"),
        (stop("x", 1, window_s=(0, 7 * H)), (8, 16), [], "its window closes 07:00 before any crew can be there"),
        (
            stop("x", 1, window_s=(18 * H, 19 * H)),
            (8, 16),
            [],
            "its window opens 18:00, too late for any crew to be back in time",
        ),
        (stop("x", 2, prize=0.0), (8, 16), [], "no needles are expected there"),
        (stop("x", 2), (8, 16), [], "worth less than the 40 min of travel it takes"),
        (
            stop("x", 2, required=True),
            (8, 16),
            [],
            "the plan leaves it out, though it takes a crew only 40 min of travel more",
        ),
    ],
)
def test_every_stop_on_no_route_has_its_reason(unserved: Stop, shift, no_way, reason: str):
    problem = line_town(unserved, shifts=((shift[0] * H, shift[1] * H),), no_way=no_way)
    assert judge_sweep(problem, plan(())).unserved == ((0, reason),)


def test_required_stops_are_named_first_and_no_time_left_is_told():
    full = stop("long", 1, service_s=2 * H - 1200)
    problem = line_town(stop("b", 2), full, stop("c", 3, required=True), shifts=((8 * H, 10 * H),))
    assert judge_sweep(problem, plan((1,))).unserved == ((2, "no crew has time left"), (0, "no crew has time left"))


def test_the_crew_that_comes_nearest_gives_the_reason():
    problem = line_town(stop("x", 4), shifts=((8 * H, 9 * H), (8 * H, 8 * H + 4500)))
    assert impossible_stops(problem) == ((0, "farther than any shift allows: 1 h 20 min there and back"),)
    longer = (problem.shifts[0], replace(problem.shifts[1], window_s=(8 * H, 10 * H)))
    assert impossible_stops(replace(problem, shifts=longer)) == ()


def test_parts_of_a_second_are_refused():
    with pytest.raises(ProblemError, match="travel_s holds parts of a second: round up"):
        replace(TWO, travel_s=TWO.travel_s + 0.5)
