"""What a sweep plan is worth, recomputed from the problem alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sweepplan.errors import PlanError
from sweepplan.model import CrewDay, Floats, Ints, SweepJudgement, SweepPlan, SweepProblem


def judge_sweep(problem: SweepProblem, plan: SweepPlan) -> SweepJudgement:
    """Recompute every crew's day, and say of every stop on no route why it is on none.

    A crew that arrives before a window opens waits. ``leaves_s`` is the latest departure for which every start of
    service, and the return, stay as they are: waiting at the first stop is spent at the depot.

    Raises
    ------
    PlanError
        Another number of routes than crews, an unknown stop, a stop served twice, no way between two stops, a service
        that starts after its window closes, or a crew back after its shift ends.

    Examples
    --------
    >>> import numpy as np
    >>> from sweepplan.model import Crew, Stop
    >>> travel_s = np.array([[0.0, 600.0], [600.0, 0.0]])  # 10 min from the depot, row 0, to the place, row 1
    >>> place = Stop("lot 7", at=1, prize=2.5, service_s=300, window_s=(29_400, 57_600))  # from 08:10 on
    >>> problem = SweepProblem((place,), (Crew("A"),), ((28_800, 57_600),), (0,), travel_s)
    >>> judge_sweep(problem, SweepPlan(((0,),), "by hand", 0)).days[0]
    CrewDay(leaves_s=28800, back_s=30300, arrives_s=(29400,), starts_s=(29400,), travel_s=1200, needles=2.5)
    >>> judge_sweep(problem, SweepPlan(((),), "nobody goes", 0)).unserved
    ((0, 'worth less than the 20 min of travel it takes'),)
    """
    _check_stops(problem, plan)
    days = tuple(_day(problem, crew, route) if route else None for crew, route in enumerate(plan.routes))
    served = {stop for route in plan.routes for stop in route}
    required = {k for k, stop in enumerate(problem.stops) if stop.required}
    worked = [day for day in days if day]
    return SweepJudgement(
        days=days,
        n_required=len(required),
        n_required_served=len(required & served),
        needles=float(sum(day.needles for day in worked)),
        travel_s=sum(day.travel_s for day in worked),
        unserved=_unserved(problem, plan, sorted(set(range(len(problem.stops))) - served)),
    )


def why_never(problem: SweepProblem, stop: int) -> str | None:
    """Say why no crew could serve the stop even if it had nothing else to do; None if one could."""
    place = problem.stops[stop]
    reasons: list[tuple[int, float, str]] = []  # the crew that fails latest, and by least, gives the reason
    for depot, (leave, end) in zip(problem.depots, problem.shifts_s, strict=True):
        there, back = problem.travel_s[depot, place.at], problem.travel_s[place.at, depot]
        way, alone = there + back, there + place.service_s + back
        start = max(place.window_s[0], leave + there)
        if not np.isfinite(there):
            reasons.append((0, 0.0, "no way there on the streets"))
        elif not np.isfinite(back):
            reasons.append((1, 0.0, "no way back from there on the streets"))
        elif way > end - leave:
            reasons.append((2, -way, f"farther than any shift allows: {_duration(way)} there and back"))
        elif alone > end - leave:
            reasons.append((3, -alone, f"longer than any shift allows: {_duration(alone)} there, work and back"))
        elif start > place.window_s[1]:
            closes = _clock(place.window_s[1])
            reasons.append((4, -start, f"its window closes {closes} before any crew can be there"))
        elif start + place.service_s + back > end:
            opens = _clock(place.window_s[0])
            reasons.append((5, -start, f"its window opens {opens}, too late for any crew to be back in time"))
        else:
            return None
    return max(reasons)[2]


def room_for(problem: SweepProblem, crew: int, route: tuple[int, ...], stops: tuple[int, ...]) -> tuple[Floats, Ints]:
    """Find where each of ``stops`` fits best into a route that keeps its windows and shift.

    Returns
    -------
    extra_s : shape (len(stops),), seconds of travel that serving it adds; inf where it fits nowhere.
    before : shape (len(stops),), position in ``route`` it would take there.
    """
    at, service_s, opens, closes = _columns(problem, stops)
    depot, (begin, end) = problem.depots[crew], problem.shifts_s[crew]
    points = [depot, *(problem.stops[k].at for k in route), depot]
    t = problem.travel_s
    legs = [t[a, b] for a, b in pairwise(points)] if route else [0.0]
    free = [float(begin)]  # when the crew is done at each point, as early as can be
    for k, leg in zip(route, legs, strict=False):
        free.append(max(problem.stops[k].window_s[0], free[-1] + leg) + problem.stops[k].service_s)
    due = [float(end)]  # when it must be at each point at the latest, from the last one back
    for k, leg in zip(reversed(route), reversed(legs), strict=False):
        due.append(min(problem.stops[k].window_s[1], due[-1] - leg - problem.stops[k].service_s))
    there, away = t[points[:-1]][:, at], t[:, points[1:]][at].T
    start = np.maximum(opens, np.array(free)[:, None] + there)
    fits = (start <= closes) & (start + service_s + away <= np.array(due[::-1])[:, None])
    extra_s = np.where(fits, there + away - np.array(legs)[:, None], np.inf)
    before = extra_s.argmin(axis=0)
    return extra_s[before, np.arange(len(stops))], before


def _columns(problem: SweepProblem, stops: tuple[int, ...]) -> tuple[Ints, Floats, Floats, Floats]:
    chosen = [problem.stops[k] for k in stops]
    times = np.array([(s.service_s, *s.window_s) for s in chosen], dtype=np.float64).reshape(-1, 3)
    return np.array([s.at for s in chosen], dtype=np.int64), times[:, 0], times[:, 1], times[:, 2]


def _check_stops(problem: SweepProblem, plan: SweepPlan) -> None:
    if len(plan.routes) != len(problem.crews):
        raise PlanError(
            f"the plan has {len(plan.routes)} routes for {len(problem.crews)} crews: "
            "give one per crew, empty if it stays in"
        )
    by: dict[int, str] = {}
    for crew, route in zip(problem.crews, plan.routes, strict=True):
        for stop in route:
            if not 0 <= stop < len(problem.stops):
                raise PlanError(f"crew {crew.name!r}: there is no stop {stop} among {len(problem.stops)}")
            if stop in by:
                place = problem.stops[stop].place
                raise PlanError(f"crew {crew.name!r}: stop {place!r} is served twice, before by crew {by[stop]!r}")
            by[stop] = crew.name


def _day(problem: SweepProblem, crew: int, route: tuple[int, ...]) -> CrewDay:
    who, (leaves_s, end) = f"crew {problem.crews[crew].name!r}", problem.shifts_s[crew]
    clock, at = leaves_s, problem.depots[crew]
    arrives, starts = [], []
    for stop in (problem.stops[k] for k in route):
        clock += _leg_s(problem, at, stop.at, f"{who}, stop {stop.place!r}: no way there on the streets")
        arrives.append(clock)
        clock = max(clock, stop.window_s[0])
        starts.append(clock)
        if clock > stop.window_s[1]:
            closes = _clock(stop.window_s[1])
            raise PlanError(f"{who}, stop {stop.place!r}: service starts {_clock(clock)}, its window closes {closes}")
        clock, at = clock + stop.service_s, stop.at
    last = problem.stops[route[-1]].place
    clock += _leg_s(problem, at, problem.depots[crew], f"{who}, stop {last!r}: no way back from there on the streets")
    if clock > end:
        raise PlanError(f"{who}: back from its last stop {last!r} {_clock(clock)}, its shift ends {_clock(end)}")
    waited = starts[0] - arrives[0]
    arrives[0] = starts[0]
    ways = [problem.depots[crew], *(problem.stops[k].at for k in route), problem.depots[crew]]
    return CrewDay(
        leaves_s=leaves_s + waited,
        back_s=clock,
        arrives_s=tuple(arrives),
        starts_s=tuple(starts),
        travel_s=sum(int(problem.travel_s[a, b]) for a, b in pairwise(ways)),
        needles=float(sum(problem.stops[k].prize for k in route)),
    )


def _leg_s(problem: SweepProblem, start: int, to: int, no_way: str) -> int:
    leg = problem.travel_s[start, to]
    if not np.isfinite(leg):
        raise PlanError(no_way)
    return int(leg)


def _unserved(problem: SweepProblem, plan: SweepPlan, stops: list[int]) -> tuple[tuple[int, str], ...]:
    never = {stop: why_never(problem, stop) for stop in stops}
    able = tuple(stop for stop in stops if never[stop] is None)
    rooms = [room_for(problem, crew, route, able)[0] for crew, route in enumerate(plan.routes)]
    extra_s = dict(zip(able, np.min(rooms, axis=0).tolist(), strict=True))
    named = [(stop, never[stop] or _why_left(problem, stop, extra_s[stop])) for stop in stops]
    return tuple(sorted(named, key=lambda pair: (not problem.stops[pair[0]].required, pair[0])))


def _why_left(problem: SweepProblem, stop: int, extra_s: float) -> str:
    if not np.isfinite(extra_s):
        return "no crew has time left"
    if problem.stops[stop].required:
        return f"the plan leaves it out, though it takes a crew only {_duration(extra_s)} of travel more"
    if problem.stops[stop].prize == 0:
        return "no needles are expected there"
    return f"worth less than the {_duration(extra_s)} of travel it takes"


def _clock(seconds: int) -> str:
    """Write seconds after zero as hh:mm, with :ss where there are some."""
    sign, whole = "-" if seconds < 0 else "", abs(int(seconds))
    text = f"{sign}{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return f"{text}:{whole % 60:02d}" if whole % 60 else text


def _duration(seconds: float) -> str:
    """Write a duration in hours and minutes, begun minutes counted whole."""
    hours, minutes = divmod(int(np.ceil(seconds / 60)), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
