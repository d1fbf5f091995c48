"""How late a crew may be, against a clock that tries every place for the break."""

import itertools

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sweepplan.judging import slack_s, work_days
from sweepplan.model import SweepPlan, SweepProblem
from tests.test_routing import accepts, problems


def in_time(problem: SweepProblem, crew: int, plan: SweepPlan, n: int, start: float, *, rested: bool) -> bool:
    """Whether all is well if service of visit ``n`` starts then: every visit after which a break may come is tried."""
    shift, t = problem.shifts[crew], problem.travel_of(crew)
    modes = list(problem.visits(plan))[crew]
    windows = [problem.stops[stop].window_s for stop in plan.routes[crew]]
    if start > windows[n][1]:
        return False
    for pause_after in [None] if rested or shift.pause is None else [None, *range(n, len(modes))]:
        now, fine = start, True
        for k in range(n, len(modes)):
            if k > n:
                now = max(now + t[modes[k - 1].exit, modes[k].entry], windows[k][0])
                fine &= now <= windows[k][1]
            now += modes[k].service_s
            if k == pause_after:
                now = max(now, shift.pause.earliest_s)
                fine &= now <= shift.pause.latest_s
                now += shift.pause.length_s
        now += t[modes[-1].exit, shift.end]
        fine &= now <= shift.window_s[1]
        if pause_after is None and not rested and shift.pause is not None:
            fine &= now <= shift.pause.latest_s
        if fine:
            return True
    return False


@settings(derandomize=True, deadline=None, max_examples=150)
@given(problems(max_stops=4, max_crews=1), st.randoms(use_true_random=False))
def test_slack_is_the_most_that_a_crew_may_be_late(problem: SweepProblem, random) -> None:
    n = len(problem.stops)
    routes = [p for size in range(1, n + 1) for p in itertools.permutations(range(n), size)]
    random.shuffle(routes)
    plans = [
        SweepPlan((route,), "by hand", 0, (tuple(random.randrange(len(problem.stops[k].modes)) for k in route),))
        for route in routes
    ]
    found = [plan for plan in plans if accepts(problem, plan)]
    assume(found)
    for plan in found[:5]:
        day, slack = work_days(problem, plan)[0], slack_s(problem, plan)[0]
        assert day is not None
        for k, (start, spare) in enumerate(zip(day.starts_s, slack, strict=True)):
            rested = day.pause_s is not None and day.pause_s < start
            assert spare >= 0
            assert in_time(problem, 0, plan, k, start + spare, rested=rested)
            assert not in_time(problem, 0, plan, k, start + spare + 1, rested=rested)
