"""Why a stop is on no route, in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sweepplan.model import UNLOAD, Floats, Ints, Mode, Shift, Stop, SweepPlan, SweepProblem


def impossible_stops(problem: SweepProblem) -> tuple[tuple[int, str], ...]:
    """Return (stop index, reason) of every stop that no crew could serve even if it had nothing else to do."""
    stops = tuple(range(len(problem.stops)))
    if not stops:
        return ()
    alone = [_alone(problem, k, stops) for k in range(len(problem.shifts))]
    never = np.flatnonzero(~np.isfinite(np.min(alone, axis=0)))
    return tuple((int(k), _why_never(problem, int(k))) for k in never)


def _alone(problem: SweepProblem, k: int, stops: tuple[int, ...]) -> Floats:
    """Return what each stop adds to a route of nothing but emptying the container, if anything; inf: never."""
    at = problem.shifts[k].unload
    emptied = () if at is None else (Mode(at, at, problem.shifts[k].unload_s),)
    empty = [room_for(problem, k, (UNLOAD,) * n, emptied * n, stops)[0] for n in range(1 + 2 * len(emptied))]
    least: Floats = np.min(empty, axis=0)
    return least


def unserved(problem: SweepProblem, plan: SweepPlan) -> tuple[tuple[int, str], ...]:
    """Return (stop index, reason) of every stop on no route, required ones first."""
    served = {stop for route in plan.routes for stop in route}
    left = tuple(k for k in range(len(problem.stops)) if k not in served)
    if not left:
        return ()
    never = dict(impossible_stops(problem))
    modes = tuple(problem.visits(plan))
    rooms = [room_for(problem, k, route, modes[k], left) for k, route in enumerate(plan.routes)]
    extra_s, light_s = np.min([r[0] for r in rooms], axis=0), np.min([r[1] for r in rooms], axis=0)
    named = [
        (stop, never.get(stop) or _why_left(problem.stops[stop], float(extra_s[n]), float(light_s[n])))
        for n, stop in enumerate(left)
    ]
    return tuple(sorted(named, key=lambda pair: (not problem.stops[pair[0]].required, pair[0])))


def room_for(
    problem: SweepProblem, k: int, route: tuple[int, ...], modes: tuple[Mode, ...], stops: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Find what serving each of ``stops`` too would add to a route of shift ``k`` that keeps its rules.

    Parameters
    ----------
    modes : how each visit of the route is served.

    Returns
    -------
    extra_s : shape (len(stops),), seconds of travel that serving it adds at best; inf where it fits nowhere.
    light_s : the same if the container had no limit.
    """
    shift, t = problem.shifts[k], problem.travel_of(k)
    chosen = [(n, problem.stops[stop], mode) for n, stop in enumerate(stops) for mode in problem.stops[stop].modes]
    of = np.array([n for n, _, _ in chosen])
    entry, exit_ = np.array([m.entry for _, _, m in chosen]), np.array([m.exit for _, _, m in chosen])
    service, opens, closes = (np.array(v, dtype=float) for v in _times(chosen))
    line = _line(problem, k, route, modes)
    there, away = t[line.leaves][:, entry], t[exit_][:, line.comes].T
    legs = np.array(line.legs)[:, None]
    extra = there + away - np.where(np.isfinite(legs), legs, 0.0)
    fits = _in_time(shift, line, there, away, service, (opens, closes))
    fits &= np.array([stop.open_to(shift) for _, stop, _ in chosen])
    if shift.most_travel_s is not None:
        fits &= extra + sum(line.legs) <= shift.most_travel_s
    loads = np.array([stop.load for _, stop, _ in chosen])
    room = np.inf if shift.capacity is None else shift.capacity - np.array(line.loads, dtype=float)[:, None]
    return (
        _best(np.where(fits & (loads <= room), extra, np.inf), of, len(stops)),
        _best(
            np.where(fits & (loads <= (np.inf if shift.capacity is None else shift.capacity)), extra, np.inf),
            of,
            len(stops),
        ),
    )


def _times(chosen: list[tuple[int, Stop, Mode]]) -> tuple[list[int], list[int], list[int]]:
    return (
        [mode.service_s for _, _, mode in chosen],
        [stop.window_s[0] for _, stop, _ in chosen],
        [stop.window_s[1] for _, stop, _ in chosen],
    )


def _best(extra_s: Floats, of: Ints, n: int) -> Floats:
    """Return the least of every stop over positions and modes."""
    best = np.full(n, np.inf)
    np.minimum.at(best, of, extra_s.min(axis=0))
    return best


@dataclass(frozen=True)
class _Line:
    """A route seen from its gaps: rows left and come to, legs, done and due times without and with the break taken."""

    leaves: list[int]
    comes: list[int]
    legs: list[float]
    free: tuple[list[float], list[float]]
    due: tuple[list[float], list[float]]
    loads: list[int]


def _line(problem: SweepProblem, k: int, route: tuple[int, ...], modes: tuple[Mode, ...]) -> _Line:
    shift, t = problem.shifts[k], problem.travel_of(k)
    leaves, comes = [shift.start, *(m.exit for m in modes)], [*(m.entry for m in modes), shift.end]
    legs = [float(t[a, b]) for a, b in zip(leaves, comes, strict=True)] if route else [0.0]
    windows = [(-np.inf, np.inf) if s == UNLOAD else problem.stops[s].window_s for s in route]
    works = [mode.service_s for mode in modes]
    before, after = [np.inf if shift.pause is None else float(shift.window_s[0])], [float(shift.window_s[0])]
    after[0] = after[0] if shift.pause is None else _rested(shift, before[0])
    for leg, work, (opens, closes) in zip(legs, works, windows, strict=False):
        start, rested = max(before[-1] + leg, opens), max(after[-1] + leg, opens)
        before.append(start + work if start <= closes else np.inf)
        after.append(min(rested + work if rested <= closes else np.inf, _rested(shift, before[-1])))
    last = float(shift.window_s[1])
    due1, due0 = [last], [-np.inf if shift.pause is None else min(last, shift.pause.latest_s)]
    for leg, work, (_, closes) in zip(reversed(legs[1:]), reversed(works), reversed(windows), strict=False):
        done0 = max(due0[-1] - leg, _must_rest(shift, due1[-1] - leg))
        due0.append(min(closes, done0 - work))
        due1.append(min(closes, due1[-1] - leg - work))
    return _Line(leaves, comes, legs, (before, after), (due0[::-1], due1[::-1]), _gap_loads(problem, shift, route))


def _rested(shift: Shift, now: float) -> float:
    """Return when the break ends that starts as soon as it may; inf where it may not any more."""
    if shift.pause is None:
        return np.inf
    start = max(now, shift.pause.earliest_s)
    return start + shift.pause.length_s if start <= shift.pause.latest_s else np.inf


def _must_rest(shift: Shift, leave: float) -> float:
    """Return when the break must begin at the latest so that the crew can leave in time; -inf if it can't."""
    if shift.pause is None or shift.pause.earliest_s + shift.pause.length_s > leave:
        return -np.inf
    return min(float(shift.pause.latest_s), leave - shift.pause.length_s)


def _in_time(
    shift: Shift, line: _Line, there: Floats, away: Floats, service: Floats, window: tuple[Floats, Floats]
) -> np.ndarray:
    """Whether each candidate (columns) fits into each gap (rows), with the break before, at once after, or later."""
    opens, closes = window
    before, after = (np.array(free)[:, None] for free in line.free)
    due0, due1 = (np.array(due)[:, None] for due in line.due)
    start0, start1 = np.maximum(opens, before + there), np.maximum(opens, after + there)
    fits = (start1 <= closes) & (start1 + service + away <= due1)
    if shift.pause is not None:
        done = start0 + service
        rests = np.maximum(done, shift.pause.earliest_s)
        now = (rests <= shift.pause.latest_s) & (rests + shift.pause.length_s + away <= due1)
        fits |= (start0 <= closes) & ((done + away <= due0) | now)
    return fits


def _gap_loads(problem: SweepProblem, shift: Shift, route: tuple[int, ...]) -> list[int]:
    """Return, for every gap of the route, what the container holds when it is emptied next."""
    cuts = [-1, *(n for n, stop in enumerate(route) if stop == UNLOAD), len(route)]
    loads: list[int] = []
    for part, (a, b) in enumerate(pairwise(cuts)):
        held = sum(problem.stops[stop].load for stop in route[a + 1 : b]) + (0 if part else shift.load)
        loads += [held] * (b - a)
    return loads


def _why_never(problem: SweepProblem, stop: int) -> str:
    place = problem.stops[stop]
    # The crew that fails latest, and by least, gives the reason.
    return max(_why_not(problem, k, place, mode) for k in range(len(problem.shifts)) for mode in place.modes)[2]


def _why_not(problem: SweepProblem, k: int, place: Stop, mode: Mode) -> tuple[int, float, str]:
    """Return how far down the list of hurdles a crew fails, by how much, and the words."""
    shift, t = problem.shifts[k], problem.travel_of(k)
    leave, end = shift.window_s
    if not place.open_to(shift):
        return (0, 0.0, _why_closed(place, shift))
    if shift.capacity is not None and place.load > shift.capacity:
        return (1, -place.load, f"its {place.load} needles fit no container")
    there, back = float(t[shift.start, mode.entry]), float(t[mode.exit, shift.end])
    way, alone = there + back, there + mode.service_s + back
    start = max(place.window_s[0], leave + there)
    if not np.isfinite(there):
        return (2, 0.0, "no way there on the streets")
    if not np.isfinite(back):
        return (3, 0.0, "no way back from there on the streets")
    if way > min(end - leave, shift.most_travel_s or np.inf):
        return (4, -way, f"farther than any shift allows: {duration(way)} there and back")
    if alone > end - leave:
        return (5, -alone, f"longer than any shift allows: {duration(alone)} there, work and back")
    if start > place.window_s[1]:
        return (6, -start, f"its window closes {clock(place.window_s[1])} before any crew can be there")
    if start + mode.service_s + back > end:
        opens = clock(place.window_s[0])
        return (7, -start, f"its window opens {opens}, too late for any crew to be back in time")
    return (8, 0.0, "no crew could serve it and take its break")


def _why_closed(place: Stop, shift: Shift) -> str:
    if place.crew == "":
        return "kept back today"
    if place.crew not in (None, shift.crew):
        return f"promised to crew {place.crew!r}, which is not on shift"
    missing = sorted(place.skills - shift.skills)
    return f"no crew on shift is {missing[0]!r}" if missing else f"no crew on shift works in zone {place.zone!r}"


def _why_left(place: Stop, extra_s: float, light_s: float) -> str:
    if not np.isfinite(extra_s):
        return "no container has room left" if np.isfinite(light_s) else "no crew has time left"
    if place.required:
        return f"the plan leaves it out, though it takes a crew only {duration(extra_s)} of travel more"
    if place.prize == 0:
        return "no needles are expected there"
    return f"worth less than the {duration(extra_s)} of travel it takes"


def clock(seconds: float) -> str:
    """Write seconds after zero as hh:mm, with :ss where there are some."""
    sign, whole = "-" if seconds < 0 else "", abs(int(seconds))
    text = f"{sign}{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return f"{text}:{whole % 60:02d}" if whole % 60 else text


def duration(seconds: float) -> str:
    """Write a duration in hours and minutes, begun minutes counted whole."""
    hours, minutes = divmod(int(np.ceil(seconds / 60)), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
