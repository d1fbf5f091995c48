"""By how much a crew may be late, from the problem alone."""

from __future__ import annotations

from sweepplan.judging.sweep import work_days
from sweepplan.model import UNLOAD, CrewDay, Mode, Shift, SweepPlan, SweepProblem


def slack_s(problem: SweepProblem, plan: SweepPlan) -> tuple[tuple[int, ...], ...]:
    """Return per shift and visit the seconds by which service may start later than the judge says.

    So much later, and no more, its own window, every later one, the break still to come and the end of the shift are
    kept. Waiting and a break at another place make up for lost time; another order or fewer stops are not thought of.

    Raises
    ------
    PlanError
        As :func:`sweepplan.judging.judge_sweep`.

    Examples
    --------
    >>> import numpy as np
    >>> from sweepplan.model import Stop
    >>> stops = tuple(Stop.point(f"lot {k}", 0, 1.0, 600, (0, closes)) for k, closes in ((1, 9_000), (2, 3_000)))
    >>> problem = SweepProblem(stops, (Shift("A", (0, 3_600)),), np.zeros((1, 1)))
    >>> slack_s(problem, SweepPlan(((0, 1),), "by hand", 0))  # the second closes at 3,000, the shift ends at 3,600
    ((2400, 2400),)
    """
    days, visits = work_days(problem, plan), tuple(problem.visits(plan))
    return tuple(() if day is None else _slack(problem, plan, k, day, visits[k]) for k, day in enumerate(days))


def _slack(problem: SweepProblem, plan: SweepPlan, k: int, day: CrewDay, modes: tuple[Mode, ...]) -> tuple[int, ...]:
    shift, t = problem.shifts[k], problem.travel_of(k)
    legs = [float(t[a, b]) for a, b in list(problem.ways(plan))[k]]
    never = float("inf")
    closes = [never if stop == UNLOAD else float(problem.stops[stop].window_s[1]) for stop in plan.routes[k]]
    end = float(shift.window_s[1])
    # Latest start of service with the break behind, and with the break, if any, still to come.
    rested, awake = [end], [end if shift.pause is None else min(end, float(shift.pause.latest_s))]
    for n in range(len(modes) - 1, -1, -1):
        leave = rested[-1] - legs[n + 1]
        still = leave if shift.pause is None else max(awake[-1] - legs[n + 1], _rest_begins(shift, leave))
        rested.append(min(closes[n], leave - modes[n].service_s))
        awake.append(min(closes[n], still - modes[n].service_s))
    latest = zip(day.starts_s, rested[:0:-1], awake[:0:-1], strict=True)
    return tuple(
        int((after if day.pause_s is not None and day.pause_s < start else before) - start)
        for start, after, before in latest
    )


def _rest_begins(shift: Shift, leave: float) -> float:
    """Return when the break must begin at the latest for the crew to ``leave`` in time; -inf where it can't."""
    if shift.pause is None or shift.pause.earliest_s + shift.pause.length_s > leave:
        return float("-inf")
    return min(float(shift.pause.latest_s), leave - shift.pause.length_s)
