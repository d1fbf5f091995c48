"""Greedy insertion: a plan in well under a second, and the last few stops into another's plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sweepplan.judging.sweep import room_for
from sweepplan.model import Floats, SweepProblem

Routes = tuple[tuple[int, ...], ...]


def insert_greedily(
    problem: SweepProblem, routes: Routes, stops: Sequence[int], *, needle_s: float, paying: bool = False
) -> Routes:
    """Insert stops one by one where they fit, until none does.

    Required stops come first, the smallest detour first; then the stop with the most needles per second it takes.

    Parameters
    ----------
    routes : feasible routes, one a crew; may be empty.
    stops : candidates; those on a route already stay where they are.
    paying : insert an optional stop only where its needles, at ``needle_s`` seconds each, outweigh the travel it adds.
        Into empty routes that is short-sighted: the first stop of a good route seldom pays for the way out.
    """
    served = {stop for route in routes for stop in route}
    required = [k for k in stops if problem.stops[k].required and k not in served]
    optional = [k for k in stops if not problem.stops[k].required and k not in served and problem.stops[k].prize > 0]
    worth_s = np.array([needle_s * problem.stops[k].prize for k in optional])
    service_s = np.array([problem.stops[k].service_s for k in optional])

    def worth_per_second(extra_s: Floats) -> Floats:
        rate = worth_s / (extra_s + service_s + 1.0)
        return np.where(worth_s > extra_s, rate, -np.inf) if paying else rate

    routes = _insert(problem, routes, tuple(required), np.negative)
    return _insert(problem, routes, tuple(optional), worth_per_second)


def _insert(problem: SweepProblem, routes: Routes, todo: tuple[int, ...], rank: Callable[[Floats], Floats]) -> Routes:
    """Insert the highest of ``todo`` in ``rank``, which sees the extra seconds (crews, todo), until all rank -inf."""
    if not todo:
        return routes
    result = list(routes)
    rooms = [room_for(problem, crew, route, todo) for crew, route in enumerate(result)]
    extra_s, before = np.array([r[0] for r in rooms]), np.array([r[1] for r in rooms])
    waits = np.ones(len(todo), dtype=bool)
    while True:
        ranks = np.where(waits & np.isfinite(extra_s), rank(extra_s), -np.inf)
        crew, k = (int(found) for found in np.unravel_index(ranks.argmax(), ranks.shape))
        if ranks[crew, k] == -np.inf:
            return tuple(result)
        position, route = int(before[crew, k]), result[crew]
        result[crew] = (*route[:position], todo[k], *route[position:])
        waits[k] = False
        extra_s[crew], before[crew] = room_for(problem, crew, result[crew], todo)
