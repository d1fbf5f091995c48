"""The rest of a day: what is done or under way stands, the plan that crews know is left only where that pays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sweepplan.errors import PlanError, ProblemError
from sweepplan.judging import work_days
from sweepplan.model import UNLOAD, CrewDay, Floats, Habit, Shift, Stop, SweepPlan, SweepProblem


@dataclass(frozen=True, eq=False)
class Rest:
    """What is left of a day.

    Attributes
    ----------
    problem : stops not frozen; crews that go on, each from where its last frozen stop leaves it; the earlier plan is
        its habit.
    stops : per stop of ``problem`` its index in the day's problem; added ones follow those of the day.
    shifts : per shift of ``problem`` its index in the day's problem.
    frozen : per shift of the day, the stops that are done or under way, in order.
    start : the earlier plan's rest, as far as it still holds.
    was : per stop of ``problem`` whose it was: a crew's name, ``new``, or ``not planned``.
    """

    problem: SweepProblem
    stops: tuple[int, ...]
    shifts: tuple[int, ...]
    frozen: tuple[tuple[int, ...], ...]
    start: SweepPlan
    was: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What is new for one crew, as places of the problem.

    Attributes
    ----------
    gained, lost : (place, where it was, or went): a crew's name, ``new``, ``not planned`` or ``left out``.
    kept_legs, legs : legs between stops that are as they were, of all legs that it has still to go.
    """

    crew: str
    gained: tuple[tuple[str, str], ...]
    lost: tuple[tuple[str, str], ...]
    kept_legs: int
    legs: int


def rest_of_day(
    problem: SweepProblem,
    plan: SweepPlan,
    *,
    at_s: int,
    done: Collection[int] | None = None,
    home: Collection[str] = (),
    added: Sequence[Stop] = (),
    travel_s: Floats | None = None,
    habit: Habit | None = None,
) -> Rest:
    """Return what is left of the day at ``at_s``.

    A visit is frozen once its crew has left for it. Its crew goes on from there: no earlier than ``at_s``, with what
    lies in its container, its break still to take or taken.

    Parameters
    ----------
    at_s : seconds after the problem's zero.
    done : the stops that are done, whoever did them; where given, it alone says what is frozen, and each crew stands
        where its last one ended.
    home : crews that go home now; their stops are free for others.
    added : new stops.
    travel_s : where streets are blocked or stops added: the matrix from now on. Rows of the day keep their places.
    habit : its costs of change; by default 300 s for another crew, 60 s for another leg.

    Raises
    ------
    PlanError
        The plan breaks the problem.
    ProblemError
        No such crew, or none is left.
    """
    unknown = sorted(set(home) - {shift.crew for shift in problem.shifts})
    if unknown:
        raise ProblemError(f"no crew {unknown[0]!r}: one of {', '.join(shift.crew for shift in problem.shifts)}")
    days = work_days(problem, plan)
    plan = replace(plan, modes=plan.modes or tuple((0,) * len(route) for route in plan.routes))
    if done is None:
        n_frozen = [_frozen(problem, plan, day, k, at_s) for k, day in enumerate(days)]
    else:
        plan, n_frozen = _done_first(plan, set(done))
    later: dict[int, Shift] = {}
    for k, shift in enumerate(problem.shifts):
        ready_s = at_s if done is not None else _ready(problem, plan, days[k], k, n_frozen[k], at_s)
        now = None if shift.crew in home else _goes_on(problem, plan, days[k], k, n_frozen[k], ready_s)
        if now is not None:
            later[k] = now
    if not later:
        raise ProblemError("no crew is left to go on: every shift is over or gone home")
    frozen = tuple(route[:n] for route, n in zip(plan.routes, n_frozen, strict=True))
    gone = {stop for route in frozen for stop in route} | set(done or ())
    every = (*problem.stops, *added)
    stops = tuple(k for k in range(len(every)) if k not in gone)
    start = _left(plan, list(later), n_frozen, stops)
    rest = SweepProblem(
        tuple(every[k] for k in stops),
        tuple(later.values()),
        problem.travel_s if travel_s is None else travel_s,
        replace(habit or Habit(()), routes=tuple(_stops(route) for route in start.routes)),
    )
    was = _whose(problem, plan, stops)
    return Rest(rest, stops, tuple(later), frozen, _holding(rest, start), was)


def changes(rest: Rest, plan: SweepPlan) -> tuple[Change, ...]:
    """Return what is new for each crew that goes on, beside the plan it knew; then what became of others' stops.

    Raises
    ------
    PlanError
        The plan is not one of ``rest.problem``.
    """
    work_days(rest.problem, plan)
    names = [shift.crew for shift in rest.problem.shifts]
    before = rest.problem.habit.routes if rest.problem.habit else ((),) * len(names)
    after = [_stops(route) for route in plan.routes]
    became = {stop: name for name, route in zip(names, after, strict=True) for stop in route}
    place = [stop.place for stop in rest.problem.stops]
    found = []
    for name, old, new in zip(names, before, after, strict=True):
        gained = tuple((place[s], rest.was[s]) for s in new if rest.was[s] != name)
        lost = tuple((place[s], became.get(s, "left out")) for s in old if became.get(s) != name)
        legs = list(pairwise((-1, *new)))
        found.append(Change(name, gained, lost, len(set(legs) & set(pairwise((-1, *old)))), len(legs)))
    for name in dict.fromkeys(was for was in rest.was if was not in {*names, "new", "not planned"}):
        given = [stop for stop, was in enumerate(rest.was) if was == name]
        found.append(Change(name, (), tuple((place[s], became.get(s, "left out")) for s in given), 0, 0))
    return tuple(found)


def _left(plan: SweepPlan, shifts: Sequence[int], n_frozen: Sequence[int], stops: Sequence[int]) -> SweepPlan:
    """Return what is left of the plan for the shifts that go on, stops numbered as in ``stops``."""
    number = {stop: k for k, stop in enumerate(stops)} | {UNLOAD: UNLOAD}
    routes = tuple(tuple(number[stop] for stop in plan.routes[k][n_frozen[k] :]) for k in shifts)
    return replace(plan, routes=routes, modes=tuple(plan.modes[k][n_frozen[k] :] for k in shifts))


def _whose(problem: SweepProblem, plan: SweepPlan, stops: Sequence[int]) -> tuple[str, ...]:
    """Return whose each stop was: a crew's name, ``not planned``, or ``new`` where the day's problem has it not."""
    crew = {stop: shift.crew for shift, route in zip(problem.shifts, plan.routes, strict=True) for stop in route}
    return tuple("new" if stop >= len(problem.stops) else crew.get(stop, "not planned") for stop in stops)


def _done_first(plan: SweepPlan, done: set[int]) -> tuple[SweepPlan, list[int]]:
    """Return the plan with what each crew did before what it has still to do, and how many visits it did."""
    routes, chosen, n_done = [], [], []
    for route, mine in zip(plan.routes, plan.modes, strict=True):
        last = max((i for i, stop in enumerate(route) if stop in done), default=-1)
        did = [stop in done or (stop == UNLOAD and i < last) for i, stop in enumerate(route)]
        order = sorted(range(len(route)), key=[not d for d in did].__getitem__)
        routes.append(tuple(route[i] for i in order))
        chosen.append(tuple(mine[i] for i in order))
        n_done.append(sum(did))
    return replace(plan, routes=tuple(routes), modes=tuple(chosen)), n_done


def _frozen(problem: SweepProblem, plan: SweepPlan, day: CrewDay | None, k: int, at_s: int) -> int:
    """Return how many visits the crew has left for by ``at_s``."""
    if day is None:
        return 0
    modes = tuple(problem.visits(plan))[k]
    leaves = [day.leaves_s, *(start + mode.service_s for start, mode in zip(day.starts_s, modes, strict=True))]
    return sum(left < at_s for left in leaves[:-1])


def _ready(problem: SweepProblem, plan: SweepPlan, day: CrewDay | None, k: int, n: int, at_s: int) -> int:
    """Return when the crew is done with its first ``n`` visits, no earlier than ``at_s``."""
    if day is None or n == 0:
        return at_s
    return max(at_s, day.starts_s[n - 1] + tuple(problem.visits(plan))[k][n - 1].service_s)


def _goes_on(problem: SweepProblem, plan: SweepPlan, day: CrewDay | None, k: int, n: int, ready_s: int) -> Shift | None:
    """Return the shift from ``ready_s`` on, after its first ``n`` visits; None where it is over."""
    shift, modes, route = problem.shifts[k], tuple(problem.visits(plan))[k], plan.routes[k]
    begin, pause = max(shift.window_s[0], ready_s), shift.pause
    if pause is not None and day is not None and day.pause_s is not None and day.pause_s < begin:
        begin, pause = max(begin, day.pause_s + pause.length_s), None
    if begin >= shift.window_s[1]:
        return None
    shift = replace(
        shift,
        window_s=(begin, shift.window_s[1]),
        pause=None if pause is None or pause.latest_s < begin else pause,
    )
    if n == 0:
        return shift
    since = max((i + 1 for i in range(n) if route[i] == UNLOAD), default=0)
    held = sum(problem.stops[stop].load for stop in route[since:n]) + (shift.load if since == 0 else 0)
    travelled = sum(int(problem.travel_of(k)[a, b]) for a, b in list(problem.ways(plan))[k][:n])
    return replace(
        shift,
        start=modes[n - 1].exit,
        load=shift.load if shift.capacity is None else held,
        most_travel_s=None if shift.most_travel_s is None else shift.most_travel_s - travelled,
    )


def _holding(problem: SweepProblem, plan: SweepPlan) -> SweepPlan:
    """Return the plan with visits left out until every route holds: prized ones first, from the last."""
    routes, modes = [list(route) for route in plan.routes], [list(each) for each in plan.modes]
    for k, route in enumerate(routes):
        while route and not _holds(problem, k, route, modes[k]):
            prized = [i for i, stop in enumerate(route) if stop == UNLOAD or not problem.stops[stop].required]
            out = prized[-1] if prized else len(route) - 1
            del route[out], modes[k][out]
    return replace(plan, routes=tuple(map(tuple, routes)), modes=tuple(map(tuple, modes)))


def _holds(problem: SweepProblem, k: int, route: list[int], modes: list[int]) -> bool:
    n = len(problem.shifts)
    alone = [tuple(route) if i == k else () for i in range(n)]
    try:
        work_days(problem, SweepPlan(tuple(alone), "", 0, tuple(tuple(modes) if i == k else () for i in range(n))))
    except PlanError:
        return False
    return True


def _stops(route: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(stop for stop in route if stop != UNLOAD)
