"""A plan changed by hand: a stop moved, taken out, promised to a crew or kept back; what does not hold is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from sweepplan.errors import PlanError
from sweepplan.judging import work_days
from sweepplan.model import UNLOAD, Mode, SweepPlan, SweepProblem

NOBODY = ""
"""``Stop.crew`` of a stop that no crew is to serve."""


@dataclass(frozen=True)
class Edit:
    """A plan after a change, and the stops that were taken out to make room for it."""

    plan: SweepPlan
    dropped: tuple[int, ...] = ()


def promised(problem: SweepProblem, stop: int, crew: str | None, *, required: bool) -> SweepProblem:
    """Return the problem with ``stop`` promised to a crew; None: to whoever passes; ``NOBODY``: kept back."""
    stops = list(problem.stops)
    stops[stop] = replace(stops[stop], crew=crew, required=required)
    return replace(problem, stops=tuple(stops))


def without(plan: SweepPlan, stop: int) -> SweepPlan:
    """Return the plan without a stop; all others keep their order."""
    routes, modes = _lists(plan)
    for route, chosen in zip(routes, modes, strict=True):
        if stop in route:
            at = route.index(stop)
            del route[at], chosen[at]
    return _plan(plan, routes, modes)


def moved(
    problem: SweepProblem, plan: SweepPlan, stop: int, shift: int, *, at: int | None = None, keep: Collection[int] = ()
) -> Edit:
    """Return the plan with ``stop`` on the route of ``shift``, wherever it was before.

    Where the shift has no time left, its stops with the fewest needles for their time make room; required stops and
    those to ``keep`` never do.

    Parameters
    ----------
    at : its place among the other stops of the route, from 0; None: where it costs least travel.

    Raises
    ------
    PlanError
        The stop is not open to the crew, or there is no room for it whatever else is taken out.
    """
    who, place = problem.shifts[shift], problem.stops[stop]
    if not place.open_to(who):
        raise PlanError(f"crew {who.crew!r} may not serve {place.place!r}: see skills, zones and promises")
    routes, modes = _lists(without(plan, stop))
    route, chosen, dropped = routes[shift], modes[shift], list[int]()
    while not _put(problem, shift, route, chosen, stop, at):
        out = _least_worth(problem, shift, route, chosen, stop, at, keep)
        if out is None:
            raise PlanError(f"crew {who.crew!r} has no room for {place.place!r}, whatever else it leaves out")
        dropped.append(route[out])
        del route[out], chosen[out]
        at = at - 1 if at is not None and out < at else at
    return Edit(_plan(plan, routes, modes), tuple(dropped))


def _put(problem: SweepProblem, shift: int, route: list[int], chosen: list[int], stop: int, at: int | None) -> bool:
    """Put the stop into the route where that holds, with least travel."""
    ends = problem.shifts[shift].window_s
    visits = _visits(problem, shift, route, chosen)
    spare_s = ends[1] - ends[0] - sum(mode.service_s for mode in visits) - _travel_s(problem, shift, visits)
    for extra_s, place, mode in sorted(_places(problem, shift, visits, stop, at)):
        if extra_s + problem.stops[stop].modes[mode].service_s > spare_s:
            continue
        route.insert(place, stop)
        chosen.insert(place, mode)
        if _holds(problem, shift, route, chosen):
            return True
        del route[place], chosen[place]
    return False


def _places(
    problem: SweepProblem, shift: int, visits: tuple[Mode, ...], stop: int, at: int | None
) -> Iterator[tuple[float, int, int]]:
    """Yield the seconds of travel that every place in the route and every mode adds, the place and the mode."""
    t, ends = problem.travel_of(shift), problem.shifts[shift]
    leaves, comes = [ends.start, *(m.exit for m in visits)], [*(m.entry for m in visits), ends.end]
    for gap in range(len(leaves)) if at is None else [min(max(at, 0), len(visits))]:
        for m, mode in enumerate(problem.stops[stop].modes):
            extra_s = float(t[leaves[gap], mode.entry] + t[mode.exit, comes[gap]])
            if np.isfinite(extra_s):
                yield extra_s - (float(t[leaves[gap], comes[gap]]) if visits else 0.0), gap, m


def _travel_s(problem: SweepProblem, shift: int, visits: tuple[Mode, ...]) -> float:
    t, ends = problem.travel_of(shift), problem.shifts[shift]
    leaves, comes = [ends.start, *(m.exit for m in visits)], [*(m.entry for m in visits), ends.end]
    return float(sum(t[a, b] for a, b in zip(leaves, comes, strict=True))) if visits else 0.0


def _least_worth(
    problem: SweepProblem,
    shift: int,
    route: list[int],
    chosen: list[int],
    stop: int,
    at: int | None,
    keep: Collection[int],
) -> int | None:
    """Return the visit whose needles are fewest for the time it takes once ``stop`` is there; None: none may go."""
    visits = list(_visits(problem, shift, route, chosen))
    best = min(_places(problem, shift, tuple(visits), stop, at), default=None)
    there = [*route] if best is None else [*route[: best[1]], stop, *route[best[1] :]]
    modes = visits if best is None else [*visits[: best[1]], problem.stops[stop].modes[best[2]], *visits[best[1] :]]
    whole_s = _travel_s(problem, shift, tuple(modes))
    worth = {}
    for n, each in enumerate(there):
        if each in (UNLOAD, stop) or each in keep or problem.stops[each].required:
            continue
        freed_s = modes[n].service_s + whole_s - _travel_s(problem, shift, (*modes[:n], *modes[n + 1 :]))
        worth[route.index(each)] = problem.stops[each].prize / max(freed_s, 1.0)
    return min(worth, key=worth.__getitem__) if worth else None


def _visits(problem: SweepProblem, shift: int, route: list[int], chosen: list[int]) -> tuple[Mode, ...]:
    return tuple(problem.visits(_alone(problem, shift, route, chosen)))[shift]


def _holds(problem: SweepProblem, shift: int, route: list[int], chosen: list[int]) -> bool:
    try:
        work_days(problem, _alone(problem, shift, route, chosen))
    except PlanError:
        return False
    return True


def _alone(problem: SweepProblem, shift: int, route: list[int], chosen: list[int]) -> SweepPlan:
    n = len(problem.shifts)
    routes, modes = (tuple(tuple(part) if k == shift else () for k in range(n)) for part in (route, chosen))
    return SweepPlan(routes, "by hand", 0, modes)


def _lists(plan: SweepPlan) -> tuple[list[list[int]], list[list[int]]]:
    modes = plan.modes or tuple((0,) * len(route) for route in plan.routes)
    return [list(route) for route in plan.routes], [list(each) for each in modes]


def _plan(plan: SweepPlan, routes: list[list[int]], modes: list[list[int]]) -> SweepPlan:
    return SweepPlan(tuple(map(tuple, routes)), "by hand", plan.seed, tuple(map(tuple, modes)))
