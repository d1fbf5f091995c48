"""The sweep problem in PyVRP's words: one vehicle type a crew, every stop an optional client with a prize.

Wouda, Lan and Kool (2024), PyVRP: a high-performance VRP solver package, INFORMS Journal on Computing 36(4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pyvrp import (
    Client,
    Depot,
    IteratedLocalSearch,
    IteratedLocalSearchParams,
    Location,
    PenaltyManager,
    PenaltyParams,
    ProblemData,
    RandomNumberGenerator,
    Route,
    Solution,
    VehicleType,
)
from pyvrp.search import OPERATORS, LocalSearch, NeighbourhoodParams, compute_neighbours
from pyvrp.stop import StoppingCriterion

from sweepplan.errors import ProblemError
from sweepplan.model import Ints, SweepProblem
from sweepplan.routing.greedy import Routes

TENTHS = 10  # PyVRP counts in whole numbers: worth and travel are given to it in tenths of a second
# Better than PyVRP's own settings where a shift is too short for all prizes: on four made-up days of 30 required and
# 300 optional stops, 4 crews and 4 s of search, 664 needles and 64,478 s of travel against 646 and 66,830 s.
LATE_NEEDLES = 0.005  # needles that a second too late costs at first; PyVRP adapts it
NEIGHBOURHOOD = NeighbourhoodParams(num_neighbours=25)
SEARCH = IteratedLocalSearchParams(history_length=50)
MOST_WORTH = 2**50  # what all stops together may be worth, so that PyVRP's sums and penalties fit into 64 bits


def improve(
    problem: SweepProblem,
    routes: Routes,
    stops: Sequence[int],
    *,
    needle_s: float,
    stop: StoppingCriterion,
    seed: int,
) -> Routes:
    """Improve feasible ``routes`` over ``stops`` by iterated local search until ``stop`` says so.

    Parameters
    ----------
    stops : what may be visited; each can be served by some crew alone.
    stop : asked once an iteration, with the best cost so far.
    """
    data, required_worth = _data(problem, stops, needle_s)
    client_of = {k: client for client, k in enumerate(stops)}
    first = [Route(data, [client_of[k] for k in route], crew) for crew, route in enumerate(routes) if route]
    search = LocalSearch(data, RandomNumberGenerator(seed % 2**32), compute_neighbours(data, NEIGHBOURHOOD))
    for operator in OPERATORS:
        if operator.supports(data):
            search.add_operator(operator(data))
    # A second too late must be able to cost more than any stop is worth, else the search settles on late plans.
    params = PenaltyParams(max_penalty=float(required_worth))
    late = TENTHS * needle_s * LATE_NEEDLES
    penalties = PenaltyManager(([], late, late), params)
    found = IteratedLocalSearch(data, penalties, search, Solution(data, first), SEARCH).run(stop, collect_stats=False)
    result: list[tuple[int, ...]] = [()] * len(problem.crews)
    for route in found.best.routes():
        result[route.vehicle_type()] = tuple(stops[visit.idx] for visit in route if visit.is_client())
    return tuple(result)


def _data(problem: SweepProblem, stops: Sequence[int], needle_s: float) -> tuple[ProblemData, int]:
    """Return PyVRP's data, locations in the order crews' depots, stops; and what one required stop is worth."""
    zero, end = min(begin for begin, _ in problem.shifts_s), max(end for _, end in problem.shifts_s)
    chosen = [problem.stops[k] for k in stops]
    worth = [round(TENTHS * needle_s * place.prize) for place in chosen]
    # One required stop outweighs all needles and every second that all crews could travel.
    required_worth = sum(worth) + TENTHS * sum(b - a for a, b in problem.shifts_s) + 1
    if required_worth * (1 + sum(place.required for place in chosen)) > MOST_WORTH:
        dearest = max(chosen, key=lambda place: place.prize)
        raise ProblemError(
            f"sweep problem: stop {dearest.place!r}: prize {dearest.prize:g}: more needles than can be counted with "
            f"at {needle_s:g} s each: check it"
        )
    times = _times(problem, [*problem.depots, *(place.at for place in chosen)], never=end - zero + 1)
    clients = [
        Client(
            location=len(problem.crews) + k,
            service_duration=place.service_s,
            tw_early=min(max(place.window_s[0], zero), end) - zero,
            tw_late=min(place.window_s[1], end) - zero,
            prize=worth[k] + required_worth * place.required,
            required=False,
        )
        for k, place in enumerate(chosen)
    ]
    crews = [
        VehicleType(start_depot=k, end_depot=k, tw_early=a - zero, tw_late=b - zero, unit_distance_cost=TENTHS)
        for k, (a, b) in enumerate(problem.shifts_s)
    ]
    locations = [Location(0, 0)] * len(times)
    depots = [Depot(location=k) for k in range(len(crews))]
    matrices: list[Any] = [times]  # PyVRP's stub asks for an array of shape int, which there is not
    return ProblemData(locations, clients, depots, crews, matrices, matrices), required_worth


def _times(problem: SweepProblem, at: Sequence[int], never: int) -> Ints:
    """Return whole seconds between ``at``; ``never`` fits into no shift and stands for no way and for farther."""
    times = np.minimum(problem.travel_s[np.ix_(at, at)], never).astype(np.int64)
    np.fill_diagonal(times, 0)
    return times
