"""The sweep problem in PyVRP's words: every mode an optional client with a prize, the modes of a stop one group.

Wouda, Lan and Kool (2024), PyVRP: a high-performance VRP solver package, INFORMS Journal on Computing 36(4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from pyvrp import (
    Activity,
    ActivityType,
    Client,
    ClientGroup,
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

from sweepplan.errors import ProblemError
from sweepplan.model import UNLOAD, Ints, Shift, SweepPlan, SweepProblem

TENTHS = 10  # PyVRP counts in whole numbers: worth and travel are given to it in tenths of a second
# Better than PyVRP's own settings where a shift is too short for all prizes: on four made-up days of 30 required and
# 300 optional stops, 4 crews and 4 s of search, 664 needles and 64,478 s of travel against 646 and 66,830 s.
LATE_NEEDLES = 0.005  # needles that a second too late costs at first; PyVRP adapts it
NEIGHBOURHOOD = NeighbourhoodParams(num_neighbours=25)
SEARCH = IteratedLocalSearchParams(history_length=50)
MOST_WORTH = 2**50  # what all stops together may be worth, so that PyVRP's sums and penalties fit into 64 bits
MOST_NODES = 4000  # modes of all stops: beyond, its matrices and its first descent take longer than a team waits

Stopped = Callable[[], bool]


def refuses(problem: SweepProblem) -> str | None:
    """Say what of the problem PyVRP has no words for; None if it has."""
    if any(shift.pause for shift in problem.shifts):
        return "breaks"
    if problem.habit and any(shift.most_travel_s is not None for shift in problem.shifts):
        return "a limit on travel beside a habit"
    if sum(len(stop.modes) for stop in problem.stops) > MOST_NODES:
        return f"more than {MOST_NODES} modes"
    return None


def improve(
    problem: SweepProblem,
    plan: SweepPlan,
    stops: Sequence[int],
    *,
    needle_s: float,
    stopped: Stopped,
    seed: int,
) -> SweepPlan:
    """Improve a feasible plan over ``stops`` by iterated local search until ``stopped`` says so.

    Parameters
    ----------
    stops : what may be visited; each can be served by some crew alone.
    stopped : asked once an iteration.

    Raises
    ------
    ProblemError
        The prizes are too large to count with.
    """
    words = _words(problem, stops, needle_s)
    search = LocalSearch(words.data, RandomNumberGenerator(seed % 2**32), compute_neighbours(words.data, NEIGHBOURHOOD))
    for operator in OPERATORS:
        if operator.supports(words.data):
            search.add_operator(operator(words.data))
    # A second too late must be able to cost more than any stop is worth, else the search settles on late plans.
    params = PenaltyParams(max_penalty=float(words.required_worth))
    late = TENTHS * needle_s * LATE_NEEDLES
    penalties = PenaltyManager(([late] * words.data.num_load_dimensions, late, late), params)
    found = IteratedLocalSearch(words.data, penalties, search, words.solution(plan), SEARCH)
    best = found.run(lambda cost: stopped(), collect_stats=False).best
    return words.plan(len(problem.shifts), best, seed)


@dataclass(frozen=True)
class _Words:
    """PyVRP's data and what its numbers stand for.

    Attributes
    ----------
    client : (stop, mode) of every client.
    members : per vehicle type, the shifts that are alike.
    depots : per vehicle type, its start, end and, if any, unloading depot.
    required_worth : what one required stop is worth.
    """

    data: ProblemData
    client: list[tuple[int, int]]
    members: list[list[int]]
    depots: list[tuple[int, ...]]
    required_worth: int

    def solution(self, plan: SweepPlan) -> Solution:
        """Say a plan in PyVRP's words; stops it does not know are left out."""
        number = {pair: k for k, pair in enumerate(self.client)}
        routes = []
        for kind, members in enumerate(self.members):
            for shift in members:
                chosen = plan.modes[shift] if plan.modes else (0,) * len(plan.routes[shift])
                visits: list[Activity] = []
                for stop, mode in zip(plan.routes[shift], chosen, strict=True):
                    if stop == UNLOAD:
                        visits.append(Activity(ActivityType.DEPOT, self.depots[kind][2]))
                    elif (stop, mode) in number:
                        visits.append(Activity(ActivityType.CLIENT, number[stop, mode]))
                if visits:
                    routes.append(Route(self.data, visits, kind))
        return Solution(self.data, routes)

    def plan(self, n_shifts: int, found: Solution, seed: int) -> SweepPlan:
        """Say a solution in our words."""
        free = [list(members) for members in self.members]
        routes: list[tuple[int, ...]] = [()] * n_shifts
        modes: list[tuple[int, ...]] = [()] * n_shifts
        for route in found.routes():
            shift = free[route.vehicle_type()].pop(0)
            inner = list(route)[1:-1]
            pairs = [self.client[visit.idx] if visit.is_client() else (UNLOAD, 0) for visit in inner]
            routes[shift], modes[shift] = tuple(s for s, _ in pairs), tuple(m for _, m in pairs)
        return SweepPlan(tuple(routes), "pyvrp", seed, tuple(modes))


def _words(problem: SweepProblem, stops: Sequence[int], needle_s: float) -> _Words:
    windows = [shift.window_s for shift in problem.shifts]
    zero, end = min(begin for begin, _ in windows), max(end for _, end in windows)
    worth = {k: round(TENTHS * needle_s * problem.stops[k].prize) for k in stops}
    habit_s = (problem.habit.crew_s + problem.habit.leg_s) * len(stops) if problem.habit else 0
    # One required stop outweighs all needles and every second that all crews could travel.
    required_worth = sum(worth.values()) + TENTHS * (sum(b - a for a, b in windows) + habit_s) + 1
    _count_with(problem, stops, required_worth, needle_s)
    members = _alike(problem)
    first = [problem.shifts[alike[0]] for alike in members]
    rows, depots, spots = _depot_rows(first)
    client = [(k, mode) for k in stops for mode in range(len(problem.stops[k].modes))]
    modes = [problem.stops[k].modes[m] for k, m in client]
    leaves, comes = [*rows, *(m.exit for m in modes)], [*rows, *(m.entry for m in modes)]
    at = np.array([-1] * len(rows) + [k for k, _ in client])
    matrices = [_matrices(problem, alike[0], leaves, comes, at, end - zero + 1) for alike in members]
    clients, groups = _clients(problem, stops, worth, required_worth, (zero, end, len(rows)))
    loads = any(shift.capacity is not None for shift in problem.shifts)
    everything = (
        sum(stop.load for stop in problem.stops) + sum(shift.load for shift in problem.shifts) if loads else None
    )
    crews = [
        _vehicle(_held(shift, everything), len(alike), kind, depots[kind], zero)
        for kind, (shift, alike) in enumerate(zip(first, members, strict=True))
    ]
    travel: list[Any] = [matrix for matrix, _ in matrices]  # PyVRP's stub asks for arrays of shape int: there are none
    times: list[Any] = [matrix for _, matrix in matrices]
    data = ProblemData([Location(0, 0)] * len(comes), clients, spots, crews, travel, times, groups)
    return _Words(data, client, members, depots, required_worth)


def _count_with(problem: SweepProblem, stops: Sequence[int], required_worth: int, needle_s: float) -> None:
    chosen = [problem.stops[k] for k in stops]
    if chosen and required_worth * (1 + sum(place.required for place in chosen)) > MOST_WORTH:
        dearest = max(chosen, key=lambda place: place.prize)
        raise ProblemError(
            f"sweep problem: stop {dearest.place!r}: prize {dearest.prize:g}: more needles than can be counted with "
            f"at {needle_s:g} s each: check it"
        )


def _alike(problem: SweepProblem) -> list[list[int]]:
    """Return the shifts that differ by name alone, one list a kind; a habit or a promise makes a shift its own."""
    promised = {stop.crew for stop in problem.stops}
    kinds: dict[object, list[int]] = {}
    for k, shift in enumerate(problem.shifts):
        own = problem.habit is not None or shift.crew in promised
        kinds.setdefault(k if own else replace(shift, crew="any"), []).append(k)
    return list(kinds.values())


def _depot_rows(first: Sequence[Shift]) -> tuple[list[int], list[tuple[int, ...]], list[Depot]]:
    """Return the rows of PyVRP's depots, which are its first locations; those of every kind; and the depots."""
    rows: list[int] = []
    depots: list[tuple[int, ...]] = []
    spots: list[Depot] = []
    for shift in first:
        ends = [shift.start, shift.end, *([] if shift.unload is None else [shift.unload])]
        depots.append(tuple(range(len(rows), len(rows) + len(ends))))
        works = (0, 0, shift.unload_s)
        spots += [Depot(location=len(rows) + n, service_duration=works[n]) for n in range(len(ends))]
        rows += ends
    return rows, depots, spots


def _matrices(
    problem: SweepProblem, k: int, leaves: Sequence[int], comes: Sequence[int], at: Ints, never: int
) -> tuple[Ints, Ints]:
    """Return what shift ``k`` pays and takes between PyVRP's locations.

    ``never`` fits into no shift and stands for no way, for farther, and for stops not open to it.
    """
    times = np.minimum(problem.travel_of(k)[np.ix_(leaves, comes)], never).astype(np.int64)
    closed = [n for n, stop in enumerate(at) if stop >= 0 and not problem.stops[stop].open_to(problem.shifts[k])]
    times[:, closed] = never
    costs = times + _off_habit(problem, k, at)
    for matrix in (times, costs):
        np.fill_diagonal(matrix, 0)
    return costs, times


def _off_habit(problem: SweepProblem, k: int, at: Ints) -> Ints:
    """Return what every leg costs beyond travel: a new leg, and a stop that had another crew."""
    costs = np.zeros((len(at), len(at)), dtype=np.int64)
    if problem.habit is None:
        return costs
    crew_of = {stop: crew for crew, route in enumerate(problem.habit.routes) for stop in route}
    before = {b: a for route in problem.habit.routes for a, b in pairwise((-1, *route))}
    for n, stop in enumerate(at):
        if stop < 0:
            continue
        costs[:, n] = problem.habit.leg_s + (problem.habit.crew_s if crew_of.get(int(stop), k) != k else 0)
        known = at == before[stop] if stop in before else np.zeros(len(at), dtype=bool)
        if before.get(int(stop)) == -1 and crew_of[int(stop)] != k:
            known = known & False
        costs[known, n] -= problem.habit.leg_s
    return costs


def _clients(
    problem: SweepProblem,
    stops: Sequence[int],
    worth: dict[int, int],
    required_worth: int,
    bounds: tuple[int, int, int],
) -> tuple[list[Client], list[ClientGroup]]:
    """Return a client a mode, and a group for every stop with several; ``bounds``: zero, end, number of depots."""
    zero, end, n_depots = bounds
    loads = any(shift.capacity is not None for shift in problem.shifts)
    clients: list[Client] = []
    groups: list[ClientGroup] = []
    for k in stops:
        place = problem.stops[k]
        several = len(place.modes) > 1
        group = len(groups) if several else None
        if several:
            groups.append(ClientGroup([len(clients) + m for m in range(len(place.modes))], required=False))
        for mode in place.modes:
            clients.append(
                Client(
                    location=n_depots + len(clients),
                    pickup=[place.load] if loads else [],
                    service_duration=mode.service_s,
                    tw_early=min(max(place.window_s[0], zero), end) - zero,
                    tw_late=max(min(place.window_s[1], end), zero) - zero,
                    prize=worth[k] + required_worth * place.required,
                    required=False,
                    group=group,
                )
            )
    return clients, groups


def _vehicle(shift: Shift, n: int, kind: int, depots: tuple[int, ...], zero: int) -> VehicleType:
    limits: dict[str, Any] = {}
    if shift.capacity is not None:
        limits |= {"capacity": [shift.capacity], "initial_load": [shift.load]}
    if shift.most_travel_s is not None:
        limits["max_distance"] = shift.most_travel_s
    if shift.unload is not None:
        limits["reload_depots"] = [depots[2]]
    return VehicleType(
        num_available=n,
        start_depot=depots[0],
        end_depot=depots[1],
        tw_early=shift.window_s[0] - zero,
        tw_late=shift.window_s[1] - zero,
        unit_distance_cost=TENTHS,
        profile=kind,
        **limits,
    )


def _held(shift: Shift, everything: int | None) -> Shift:
    """Return the shift with a container for everything, where others have a container and it has no limit."""
    return shift if shift.capacity is not None or everything is None else replace(shift, capacity=everything)
