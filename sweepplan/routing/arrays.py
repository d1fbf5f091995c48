"""A sweep problem as flat arrays, for compiled search.

Numbers 0 to S-1 are stops; after them come, per shift, its start (S + r), its end (S + R + r) and the place where its
container is emptied (S + 2R + r). Each has one or more modes, numbered through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweepplan.model import Floats, Mode, SweepProblem

Small = NDArray[np.int32]
NEVER = 2**30
NEAR = 400
"""So many neighbours of every stop are known to the search."""


class Given(NamedTuple):
    """What does not change during a search; sizes S stops, R shifts, N modes, Q = S + 3R.

    ``travel`` (n, p, p) · ``first`` (Q + 1) where the modes of each number begin · ``entry, leave`` (N) rows ·
    ``service`` (N) · ``opens, closes, load`` (Q) · ``worth`` (S) · ``net, begin, end, rest_from, rest_until, rest_s,
    holds, held, most, kind`` (R), ``rest_from`` inf without break, ``unload`` (R) -1 without ·
    ``may`` (S, R) · ``near`` (S, K) · ``keys`` (k, S) orders to insert in, ``odds`` (k + 1) their cumulative odds ·
    ``follows`` (Q), ``usual`` (S) the habit: next stop and shift, -1 unknown · ``leg_s, crew_s`` its costs ·
    ``prized`` whether stops are chosen and no container is emptied, ``must`` the least worth of a required stop.
    """

    travel: Small
    first: Small
    entry: Small
    leave: Small
    service: Floats
    opens: Floats
    closes: Floats
    load: Floats
    worth: Floats
    net: Small
    begin: Floats
    end: Floats
    rest_from: Floats
    rest_until: Floats
    rest_s: Floats
    holds: Floats
    held: Floats
    most: Floats
    kind: Small
    unload: Small
    may: NDArray[np.bool_]
    near: Small
    keys: Floats
    odds: Floats
    follows: Small
    usual: Small
    leg_s: float
    crew_s: float
    prized: bool
    must: float


def given(problem: SweepProblem, stops: Sequence[int], *, needle_s: float) -> Given:
    """Return the arrays of a problem; only ``stops`` may be visited."""
    shifts, n, r = problem.shifts, len(problem.stops), len(problem.shifts)
    ends = [Mode(s.start, s.start, 0) for s in shifts] + [Mode(s.end, s.end, 0) for s in shifts]
    ends += [Mode(u, u, s.unload_s) for s in shifts for u in [s.start if s.unload is None else s.unload]]
    modes = [mode for stop in problem.stops for mode in stop.modes] + ends
    travel = np.minimum(problem.networks, NEVER).astype(np.int32)
    windows = np.array([stop.window_s for stop in problem.stops], dtype=float).reshape(-1, 2)
    windows = np.vstack([windows, np.tile([-np.inf, np.inf], (3 * r, 1))])
    counts = [len(stop.modes) for stop in problem.stops] + [1] * 3 * r
    may = np.zeros((n, r), dtype=np.bool_)
    for k in stops:
        may[k] = [problem.stops[k].open_to(shift) for shift in shifts]
    follows, usual, leg_s, crew_s = _habit(problem)
    services = np.array([mode.service_s for mode in modes], dtype=float)
    worth = worths(problem, needle_s)
    near, reach_s = _near(problem, travel[0])
    keys, odds = _orders(problem, worth, reach_s)
    return Given(
        travel=travel,
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        entry=np.array([mode.entry for mode in modes], dtype=np.int32),
        leave=np.array([mode.exit for mode in modes], dtype=np.int32),
        service=services,
        opens=windows[:, 0].copy(),
        closes=windows[:, 1].copy(),
        load=np.array([stop.load for stop in problem.stops] + [0] * 3 * r, dtype=float),
        worth=worth,
        net=np.array([shift.network for shift in shifts], dtype=np.int32),
        begin=np.array([shift.window_s[0] for shift in shifts], dtype=float),
        end=np.array([shift.window_s[1] for shift in shifts], dtype=float),
        rest_from=np.array([s.pause.earliest_s if s.pause else np.inf for s in shifts], dtype=float),
        rest_until=np.array([s.pause.latest_s if s.pause else -np.inf for s in shifts], dtype=float),
        rest_s=np.array([s.pause.length_s if s.pause else 0 for s in shifts], dtype=float),
        holds=np.array([np.inf if s.capacity is None else s.capacity for s in shifts], dtype=float),
        held=np.array([shift.load for shift in shifts], dtype=float),
        most=np.array([np.inf if s.most_travel_s is None else s.most_travel_s for s in shifts], dtype=float),
        kind=_kinds(problem),
        unload=np.array([-1 if s.unload is None else n + 2 * r + k for k, s in enumerate(shifts)], dtype=np.int32),
        may=may,
        near=near,
        keys=keys,
        odds=odds,
        follows=follows,
        usual=usual,
        leg_s=leg_s,
        crew_s=crew_s,
        prized=not all(stop.required for stop in problem.stops) and all(s.unload is None for s in shifts),
        must=float(worth[[stop.required for stop in problem.stops]].min(initial=np.inf)),
    )


def worths(problem: SweepProblem, needle_s: float) -> Floats:
    """Return what serving each stop is worth in seconds; a required stop outweighs all needles and all travel."""
    prize = np.array([needle_s * stop.prize for stop in problem.stops], dtype=float)
    shifts_s = sum(b - a for a, b in (shift.window_s for shift in problem.shifts))
    habit_s = (problem.habit.crew_s + problem.habit.leg_s) * len(problem.stops) if problem.habit else 0
    required = np.array([stop.required for stop in problem.stops], dtype=bool)
    most_s = min(float(shifts_s), float(NEVER)) + habit_s + 1.0
    worth: Floats = prize + required * (prize.sum() + most_s)
    return worth


def _kinds(problem: SweepProblem) -> Small:
    """Return a number a shift; shifts of the same number are alike, but for their name."""
    promised = {stop.crew for stop in problem.stops}
    seen: dict[object, int] = {}
    kinds = []
    for k, shift in enumerate(problem.shifts):
        own = problem.habit is not None or shift.crew in promised
        kinds.append(seen.setdefault(k if own else (shift.__class__, *_but_name(shift)), len(seen)))
    return np.array(kinds, dtype=np.int32)


def _but_name(shift: object) -> tuple[object, ...]:
    return tuple(value for name, value in vars(shift).items() if name != "crew")


def _near(problem: SweepProblem, travel: Small) -> tuple[Small, Floats]:
    """Return the nearest stops of each, itself first, and the seconds from the first start to each."""
    n = len(problem.stops)
    entry = np.array([stop.modes[0].entry for stop in problem.stops], dtype=np.int64)
    leave = np.array([stop.modes[0].exit for stop in problem.stops], dtype=np.int64)
    k = min(n, NEAR)
    near = np.empty((n, k), dtype=np.int32)
    for s in range(n):
        far = np.minimum(travel[leave[s], entry], travel[leave, entry[s]])
        far[s] = -1
        best = np.argpartition(far, k - 1)[:k] if k < n else np.arange(n)
        near[s] = best[np.argsort(far[best], kind="stable")]
    start = problem.shifts[0].start
    return near, travel[start, entry].astype(float) if n else np.empty(0)


def _orders(problem: SweepProblem, worth: Floats, reach_s: Floats) -> tuple[Floats, Floats]:
    """Return the orders in which stops may be inserted, required ones first, and their cumulative odds."""
    windows = np.array([stop.window_s for stop in problem.stops], dtype=float).reshape(-1, 2)
    loads = np.array([stop.load for stop in problem.stops], dtype=float)
    service = np.array([stop.modes[0].service_s for stop in problem.stops], dtype=float)
    required = np.array([stop.required for stop in problem.stops], dtype=bool)
    prized, bounded = not required.all(), any(shift.capacity is not None for shift in problem.shifts)
    tight = len(windows) > 0 and bool(np.ptp(windows[:, 0]) > 0 or np.ptp(windows[:, 1]) > 0)
    orders = [
        (4.0, np.zeros(len(worth))),  # as chance has it
        (4.0 * prized, -worth),
        (4.0 * prized, -worth / (service + 60.0)),
        (4.0 * (bounded and bool(loads.any())), -loads),
        (2.0, -reach_s),
        (1.0, reach_s),
        (2.0 * tight, windows[:, 1]),
        (2.0 * tight, windows[:, 1] - windows[:, 0]),
    ]
    odds = np.cumsum([odd for odd, _ in orders])
    first = np.where(required, -1e15, 0.0) if required.any() and prized else 0.0
    return np.array([key for _, key in orders]) + first, odds / odds[-1]


def _habit(problem: SweepProblem) -> tuple[Small, Small, float, float]:
    n, r = len(problem.stops), len(problem.shifts)
    follows, usual = np.full(n + 3 * r, -1, dtype=np.int32), np.full(n, -1, dtype=np.int32)
    if problem.habit is None:
        return follows, usual, 0.0, 0.0
    for k, route in enumerate(problem.habit.routes):
        for a, b in zip((n + k, *route), route, strict=False):
            follows[a], usual[b] = b, k
    return follows, usual, float(problem.habit.leg_s), float(problem.habit.crew_s)
