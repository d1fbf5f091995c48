"""What a sweep plan is worth, recomputed from the problem alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sweepplan.errors import PlanError
from sweepplan.judging.reasons import clock, unserved
from sweepplan.model import UNLOAD, CrewDay, Mode, Shift, Stop, SweepJudgement, SweepPlan, SweepProblem


def judge_sweep(problem: SweepProblem, plan: SweepPlan, *, bound: float | None = None) -> SweepJudgement:
    """Recompute every crew's day, and say of every stop on no route why it is on none.

    A crew that arrives before a window opens waits. ``leaves_s`` is the latest departure for which every start of
    service, and the return, stay as they are: waiting at the first stop is spent at the depot. A break is taken where
    it brings the crew back earliest.

    Parameters
    ----------
    bound : what no plan is above in needles, from :func:`sweepplan.judging.bound_sweep`, if known.

    Raises
    ------
    PlanError
        Another number of routes than crews, an unknown stop or mode, a stop served twice or by a crew that may not, no
        way between two stops, a service that starts after its window closes, a container too full, no time for the
        break, or a crew back after its shift ends.

    Examples
    --------
    >>> import numpy as np
    >>> from sweepplan.model import Shift, Stop
    >>> travel_s = np.array([[0.0, 600.0], [600.0, 0.0]])  # 10 min from the depot, row 0, to the place, row 1
    >>> place = Stop.point("lot 7", at=1, prize=2.5, service_s=300, window_s=(29_400, 57_600))  # from 08:10 on
    >>> problem = SweepProblem((place,), (Shift("A", (28_800, 57_600)),), travel_s)
    >>> day = judge_sweep(problem, SweepPlan(((0,),), "by hand", 0)).days[0]
    >>> day.leaves_s, day.starts_s, day.back_s, day.travel_s, day.needles
    (28800, (29400,), 30300, 1200, 2.5)
    >>> judge_sweep(problem, SweepPlan(((),), "nobody goes", 0)).unserved
    ((0, 'worth less than the 20 min of travel it takes'),)
    """
    days = work_days(problem, plan)
    required = {k for k, stop in enumerate(problem.stops) if stop.required}
    worked = [day for day in days if day]
    return SweepJudgement(
        days=days,
        n_required=len(required),
        n_required_served=len(required & {stop for route in plan.routes for stop in route}),
        needles=float(sum(day.needles for day in worked)),
        travel_s=sum(day.travel_s for day in worked),
        unserved=unserved(problem, plan),
        bound=bound,
    )


def work_days(problem: SweepProblem, plan: SweepPlan) -> tuple[CrewDay | None, ...]:
    """Recompute every crew's day; None where it stays in.

    Raises
    ------
    PlanError
        As :func:`judge_sweep`.
    """
    _check_stops(problem, plan)
    modes = tuple(problem.visits(plan))
    return tuple(_day(problem, k, route, modes[k]) if route else None for k, route in enumerate(plan.routes))


def plan_worth(problem: SweepProblem, plan: SweepPlan, needle_s: float) -> tuple[int, float]:
    """Return must-visits served, then needles at ``needle_s`` seconds each less travel and what is off the habit.

    Raises
    ------
    PlanError
        As :func:`judge_sweep`.
    """
    worked = [day for day in work_days(problem, plan) if day]
    served = sum(problem.stops[k].required for route in plan.routes for k in route if k != UNLOAD)
    spent_s = sum(day.travel_s for day in worked) + off_habit_s(problem, plan)
    return served, needle_s * float(sum(day.needles for day in worked)) - spent_s


def off_habit_s(problem: SweepProblem, plan: SweepPlan) -> int:
    """Return what leaving the habit costs: ``crew_s`` a stop with another crew, ``leg_s`` a leg not known."""
    habit = problem.habit
    if habit is None:
        return 0
    crew_of = {stop: k for k, route in enumerate(habit.routes) for stop in route}
    known = {leg for k, route in enumerate(habit.routes) for leg in _legs(k, route)}
    now = [leg for k, route in enumerate(plan.routes) for leg in _legs(k, route)]
    moved = sum(crew_of.get(stop, k) != k for k, route in enumerate(plan.routes) for stop in route if stop != UNLOAD)
    return habit.crew_s * moved + habit.leg_s * sum(leg not in known for leg in now)


def _legs(shift: int, route: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the stops that follow each other; the first follows the start of its shift, the last leads nowhere new."""
    stops = [stop for stop in route if stop != UNLOAD]
    return list(pairwise([-1 - shift, *stops]))


def _check_stops(problem: SweepProblem, plan: SweepPlan) -> None:
    if len(plan.routes) != len(problem.shifts):
        raise PlanError(
            f"the plan has {len(plan.routes)} routes for {len(problem.shifts)} crews: "
            "give one per crew, empty if it stays in"
        )
    if plan.modes and [len(modes) for modes in plan.modes] != [len(route) for route in plan.routes]:
        raise PlanError("the plan's modes do not fit its routes: give one a visit")
    by: dict[int, str] = {}
    for k, (shift, route) in enumerate(zip(problem.shifts, plan.routes, strict=True)):
        who = f"crew {shift.crew!r}"
        for n, stop in enumerate(route):
            if stop == UNLOAD and shift.unload is not None:
                continue
            if not 0 <= stop < len(problem.stops):
                raise PlanError(f"{who}: there is no stop {stop} among {len(problem.stops)}")
            place = problem.stops[stop]
            if stop in by:
                raise PlanError(f"{who}: stop {place.place!r} is served twice, before by crew {by[stop]!r}")
            if not place.open_to(shift):
                raise PlanError(f"{who}: stop {place.place!r} is not open to it: see skills, zones and promises")
            if plan.modes and not 0 <= plan.modes[k][n] < len(place.modes):
                raise PlanError(f"{who}: stop {place.place!r} has no mode {plan.modes[k][n]}")
            by[stop] = shift.crew


def _day(problem: SweepProblem, k: int, route: tuple[int, ...], modes: tuple[Mode, ...]) -> CrewDay:
    shift, pause = problem.shifts[k], problem.shifts[k].pause
    stops = [None if stop == UNLOAD else problem.stops[stop] for stop in route]
    load = _most_load(shift, stops)
    legs = _leg_times(problem, k, modes, stops)
    travel_s = sum(legs)
    if shift.most_travel_s is not None and travel_s > shift.most_travel_s:
        raise PlanError(f"crew {shift.crew!r}: {travel_s} s of travel, {shift.most_travel_s} s are allowed")
    day = _clocked(shift, stops, modes, legs, None)
    if pause is not None and day.back_s > pause.latest_s:
        days = [d for n in range(len(route) + 1) if (d := _with_pause(shift, stops, modes, legs, n)) is not None]
        if not days:
            raise PlanError(f"crew {shift.crew!r}: no time for its break before {clock(pause.latest_s)}")
        day = min(days, key=lambda d: d.back_s)
    needles = float(sum(stop.prize for stop in stops if stop))
    return CrewDay(day.leaves_s, day.back_s, day.arrives_s, day.starts_s, travel_s, needles, day.pause_s, load)


def _with_pause(
    shift: Shift, stops: list[Stop | None], modes: tuple[Mode, ...], legs: list[int], after: int
) -> CrewDay | None:
    """Return the day with the break after so many visits, None where that breaks a rule."""
    try:
        return _clocked(shift, stops, modes, legs, after)
    except PlanError:
        return None


def _clocked(
    shift: Shift, stops: list[Stop | None], modes: tuple[Mode, ...], legs: list[int], pause_after: int | None
) -> CrewDay:
    """Run the clock along a route; the break, if any, comes after so many visits."""
    who, (begin, end), now, paused = f"crew {shift.crew!r}", shift.window_s, shift.window_s[0], None
    arrives, starts = [], []
    for n, leg in enumerate(legs):
        if n == pause_after and shift.pause is not None:
            paused = max(now, shift.pause.earliest_s)
            if paused > shift.pause.latest_s:
                raise PlanError(f"{who}: its break starts {clock(paused)}, too late")
            now = paused + shift.pause.length_s
        now += leg
        if n == len(stops):
            break
        place = stops[n]
        arrives.append(now)
        now = max(now, place.window_s[0]) if place else now
        starts.append(now)
        if place and now > place.window_s[1]:
            closes = clock(place.window_s[1])
            raise PlanError(f"{who}, stop {place.place!r}: service starts {clock(now)}, its window closes {closes}")
        now += modes[n].service_s
    if now > end:
        last = stops[-1].place if stops[-1] else "unloading"
        raise PlanError(f"{who}: back from its last stop {last!r} {clock(now)}, its shift ends {clock(end)}")
    waited = 0 if pause_after == 0 else starts[0] - arrives[0]
    arrives[0] += waited
    return CrewDay(begin + waited, now, tuple(arrives), tuple(starts), 0, 0.0, paused)


def _most_load(shift: Shift, stops: list[Stop | None]) -> int:
    """Return the most that lies in the container at any time."""
    load = most = shift.load
    for stop in stops:
        load = 0 if stop is None else load + stop.load
        most = max(most, load)
        if shift.capacity is not None and most > shift.capacity:
            full = f"{most} in a container for {shift.capacity}"
            raise PlanError(f"crew {shift.crew!r}, stop {stop.place if stop else 'unloading'!r}: {full}")
    return most


def _leg_times(problem: SweepProblem, k: int, modes: tuple[Mode, ...], stops: list[Stop | None]) -> list[int]:
    """Return the seconds of every leg, from the start of the shift to its end."""
    shift, t = problem.shifts[k], problem.travel_of(k)
    ways = list(zip([shift.start, *(mode.exit for mode in modes)], [*(m.entry for m in modes), shift.end], strict=True))
    for n, (a, b) in enumerate(ways):
        if not np.isfinite(t[a, b]):
            stop = stops[min(n, len(stops) - 1)]
            place = stop.place if stop else "unloading"
            way = "no way there" if n < len(stops) else "no way back from there"
            raise PlanError(f"crew {shift.crew!r}, stop {place!r}: {way} on the streets")
    return [int(t[a, b]) for a, b in ways]
