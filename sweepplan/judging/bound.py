"""What no sweep plan is above in needles: a relaxation that knows time and order only as sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from sweepplan.model import Floats, Shift, SweepProblem

_ROUNDING = 1e-9


def bound_sweep(problem: SweepProblem, *, n_required_served: int = 0) -> float:
    """Return a number of needles that no plan with at least so many must-visits is above.

    Every visit takes its service, half of a leg that leads to it and half of one that leads on, from and to two
    different stops, the cheapest; no crew has more seconds for all of them than its shift, nor more room than its
    container. The linear relaxation of what is left is solved by HiGHS; only its prices are used, and what they prove
    is added up here, so that a solver's slip makes the bound weaker, not false.

    Parameters
    ----------
    n_required_served : must-visits that the plans in question serve at least.

    Examples
    --------
    >>> from sweepplan.model import Stop
    >>> travel_s = np.array([[0.0, 600.0], [600.0, 0.0]])
    >>> place = Stop.point("lot 7", at=1, prize=2.5, service_s=300, window_s=(0, 7_200))
    >>> enough, short = Shift("A", (0, 1_500)), Shift("A", (0, 1_200))
    >>> [round(bound_sweep(SweepProblem((place,), (shift,), travel_s)), 6) for shift in (enough, short)]
    [2.5, 0.0]
    """
    if not problem.stops:
        return 0.0
    least_in, least_out, both = _legs(problem)
    modes = [mode for stop in problem.stops for mode in stop.modes]
    first = np.cumsum([0, *(len(stop.modes) for stop in problem.stops)])[:-1]
    cost = np.minimum.reduceat(np.array([mode.service_s for mode in modes]) + both, first)
    least_in, least_out = np.minimum.reduceat(least_in, first), np.minimum.reduceat(least_out, first)
    may = np.array([_may(problem, shift, cost, least_in, least_out) for shift in problem.shifts])
    has_s = np.array([_seconds(problem, shift, mine) for shift, mine in zip(problem.shifts, may, strict=True)])
    return _most(problem, may, cost, has_s, n_required_served)


def _legs(problem: SweepProblem) -> tuple[Floats, Floats, Floats]:
    """Return per mode of every stop: the least leg that leads there, the least that leads on, half of the best both."""
    t: Floats = problem.networks.min(axis=0)
    modes = [mode for stop in problem.stops for mode in stop.modes]
    owner = np.repeat(np.arange(len(problem.stops)), [len(stop.modes) for stop in problem.stops])
    entry, leave = np.array([mode.entry for mode in modes]), np.array([mode.exit for mode in modes])
    bases = {shift.unload for shift in problem.shifts if shift.unload is not None}
    starts = np.array(sorted(bases | {shift.start for shift in problem.shifts}))
    ends = np.array(sorted(bases | {shift.end for shift in problem.shifts}))
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    own = owner == np.arange(len(problem.stops))[:, None]
    before, after = t[np.ix_(leave, entry)], t[np.ix_(leave, entry)].T
    nearest = []
    for legs, base in ((before, t[np.ix_(starts, entry)]), (after, t[np.ix_(leave, ends)].T)):
        by_stop = np.where(own, np.inf, np.minimum.reduceat(legs, first, axis=0))
        nearest.append((*_two_least(by_stop), base.min(axis=0)))
    (in_1, in_2, from_1, base_in), (out_1, out_2, to_1, base_out) = nearest
    apart = np.where(from_1 != to_1, in_1 + out_1, np.minimum(in_1 + out_2, in_2 + out_1))
    least_in, least_out = np.minimum(in_1, base_in), np.minimum(out_1, base_out)
    return least_in, least_out, np.minimum(apart, np.minimum(base_in + least_out, least_in + base_out)) / 2


def _two_least(rows: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return per column the least value, the second least, and the row of the least."""
    at, column = rows.argmin(axis=0), np.arange(rows.shape[1])
    least = rows[at, column]
    others = rows.copy()
    others[at, column] = np.inf
    return least, others.min(axis=0), at.astype(np.int64)


def _may(problem: SweepProblem, shift: Shift, cost: Floats, least_in: Floats, least_out: Floats) -> NDArray[np.bool_]:
    """Whether the shift could serve each stop at all."""
    begin, end = shift.window_s
    opens, closes = np.array([stop.window_s for stop in problem.stops]).T
    service = np.array([min(mode.service_s for mode in stop.modes) for stop in problem.stops])
    starts = np.maximum(begin + least_in, opens)
    open_to = np.array([stop.open_to(shift) for stop in problem.stops])
    may: NDArray[np.bool_] = open_to & (starts <= closes) & (starts + service + least_out <= end) & np.isfinite(cost)
    return may


def _seconds(problem: SweepProblem, shift: Shift, may: NDArray[np.bool_]) -> float:
    """Return the seconds that all visits of a shift may take: without its break, half its first and half its last leg.

    A crew back by the latest start of its break needs none.
    """
    begin, end = shift.window_s
    length = float(end - begin)
    if shift.pause is not None:
        length = max(min(shift.pause.latest_s, end) - begin, length - shift.pause.length_s)
    t: Floats = problem.networks[shift.network]
    modes = [mode for stop, mine in zip(problem.stops, may, strict=True) if mine for mode in stop.modes]
    if not modes:
        return 0.0
    bases = [] if shift.unload is None else [shift.unload]
    first = t[shift.start, [*(mode.entry for mode in modes), *bases]].min()
    last = t[[*(mode.exit for mode in modes), *bases], shift.end].min()
    return max(0.0, length - float(first + last) / 2)


def _most(problem: SweepProblem, may: NDArray[np.bool_], cost: Floats, has_s: Floats, n_required: int) -> float:
    """Return what the prices of the relaxation prove: who serves what, at most once, within seconds and room."""
    prize = np.array([stop.prize for stop in problem.stops])
    required = np.array([stop.required for stop in problem.stops], dtype=float)
    load = np.array([stop.load for stop in problem.stops], dtype=float)
    full = [shift.capacity is not None and shift.unload is None for shift in problem.shifts]
    room = np.array([(shift.capacity or 0) - shift.load for shift in problem.shifts], dtype=float)
    k, v = np.nonzero(may)
    n, m, x = len(prize), len(has_s), np.arange(len(k))
    if not x.size:
        return 0.0
    row = np.concatenate([k, m + k, np.full(x.size, 2 * m), 2 * m + 1 + v])
    value = np.concatenate([cost[v], np.where(np.array(full)[k], load[v], 0), -required[v], np.ones(x.size)])
    matrix: Any = csr_array((value, (row, np.tile(x, 4))), shape=(2 * m + 1 + n, x.size))
    limits = np.concatenate([has_s, np.where(full, room, 0), [-n_required], np.ones(n)])
    found = linprog(-prize[v], A_ub=matrix, b_ub=limits, bounds=(0, None), method="highs")
    price = np.zeros(2 * m + 1) if found.status else np.maximum(0, -found.ineqlin.marginals[: 2 * m + 1])
    worth = np.zeros((m, n))
    worth[k, v] = prize[v] - matrix[: 2 * m + 1].T @ price
    proved = float(price @ limits[: 2 * m + 1] + np.maximum(worth, 0).max(axis=0).sum())
    return min(proved, float(prize[may.any(axis=0)].sum())) * (1 + _ROUNDING) + _ROUNDING
