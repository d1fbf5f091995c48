"""The sweep: stops and shifts are given, routes are decided, days are judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.model.crews import Shift
from sweepplan.model.numbers import Floats

UNLOAD = -1
"""In a route: the crew empties its container here."""


@dataclass(frozen=True)
class Mode:
    """One way to serve a stop, e.g. a street swept from one end to the other.

    Attributes
    ----------
    entry, exit : rows of ``travel_s`` where service begins and where it ends.
    service_s : whole seconds in between, ``>= 0``.
    """

    entry: int
    exit: int
    service_s: int


@dataclass(frozen=True)
class Stop:
    """A place a crew may visit, once.

    Attributes
    ----------
    place : id of the place or incident; unique in a problem.
    modes : the ways to serve it, at least one; a plan picks one.
    prize : needles expected there, ``>= 0``.
    window_s : earliest and latest *start of service*, seconds after the problem's zero, both ends allowed.
    required : a must-visit, e.g. an open request: served before any prize is counted.
    load : what it adds to the container, ``>= 0``: needles expected, in whole numbers.
    skills : what a crew must be able to do, e.g. ``two-person``; all of them.
    zone : where it lies, for crews that may not work everywhere.
    crew : the only crew that may serve it, if it is promised to one; empty: kept back from all.
    """

    place: str
    modes: tuple[Mode, ...]
    prize: float
    window_s: tuple[int, int]
    required: bool = False
    load: int = 0
    skills: frozenset[str] = frozenset()
    zone: str | None = None
    crew: str | None = None

    @classmethod
    def point(
        cls,
        place: str,
        at: int,
        prize: float,
        service_s: int,
        window_s: tuple[int, int],
        required: bool = False,
    ) -> Stop:
        """Make a stop that is served at one point, row ``at`` of ``travel_s``."""
        return cls(place, (Mode(at, at, service_s),), prize, window_s, required)

    def open_to(self, shift: Shift) -> bool:
        """Whether the crew may serve it: skills, zone and promise; time and way are another matter."""
        return (
            self.skills <= shift.skills
            and (not shift.zones or self.zone in shift.zones)
            and self.crew in (None, shift.crew)
        )

    def faults(self, n_rows: int) -> list[str]:
        """Return what contradicts itself, given the size of ``travel_s``."""
        who = f"stop {self.place!r}"
        found = [] if self.modes else [f"{who}: no mode: give at least one way to serve it"]
        if not np.isfinite(self.prize) or self.prize < 0:
            found.append(f"{who}: prize {self.prize}: give a finite number >= 0")
        for mode in self.modes:
            if not np.isfinite(mode.service_s) or mode.service_s < 0:
                found.append(f"{who}: service_s {mode.service_s}: give seconds >= 0")
            elif mode.service_s != int(mode.service_s):
                found.append(f"{who}: service_s {mode.service_s} holds parts of a second: round up")
            rows = sorted({row for row in (mode.entry, mode.exit) if not 0 <= row < n_rows})
            found += [f"{who}: no row {row} in travel_s, which has {n_rows}" for row in rows]
        if not np.isfinite(self.window_s).all():
            found.append(f"{who}: window {self.window_s}: give seconds after the problem's zero")
        elif self.window_s[0] > self.window_s[1]:
            found.append(f"{who}: its window closes before it opens")
        if not np.isfinite(self.load) or self.load < 0:
            found.append(f"{who}: load {self.load}: give a whole number >= 0")
        return found


@dataclass(frozen=True)
class Habit:
    """Routes that people know already, and what it costs to change them; counted apart from travel.

    Attributes
    ----------
    routes : per shift of the problem, indices of its stops in the order known.
    crew_s : seconds of travel that keeping a stop with its crew is worth.
    leg_s : seconds of travel that keeping one stop right after another is worth.
    """

    routes: tuple[tuple[int, ...], ...]
    crew_s: int = 300
    leg_s: int = 60


@dataclass(frozen=True, eq=False)
class SweepProblem:
    """What is given: stops with prizes, shifts, travel times. Prize-collecting VRPTW with modes.

    Attributes
    ----------
    stops : in any order; a plan names them by index.
    shifts : one route each, at most.
    travel_s : shape (p, p), or (n, p, p) for n networks; whole seconds, row from, column to, ``inf`` = no way.
    habit : an earlier plan to stay near, if any.

    Raises
    ------
    ProblemError
        Names every contradiction in one message.
    """

    stops: tuple[Stop, ...]
    shifts: tuple[Shift, ...]
    travel_s: Floats
    habit: Habit | None = field(default=None)

    def __post_init__(self) -> None:
        faults = self._travel_faults()
        if not faults:
            n, p = self.networks.shape[:2]
            names = [shift.crew for shift in self.shifts]
            faults += [] if names else ["no crew: give at least one"]
            faults += [f"crew {name!r} stands twice" for name in sorted(set(names)) if names.count(name) > 1]
            faults += [fault for shift in self.shifts for fault in shift.faults(p, n)]
            places = [stop.place for stop in self.stops]
            if len(set(places)) < len(places):
                faults.append(f"stop {next(p for k, p in enumerate(places) if p in places[:k])!r} stands twice")
            faults += [fault for stop in self.stops for fault in stop.faults(p)]
            faults += self._habit_faults()
        if faults:
            raise ProblemError(f"sweep problem: {'; '.join(faults)}")

    @property
    def networks(self) -> Floats:
        """``travel_s`` with one matrix a network, shape (n, p, p)."""
        return self.travel_s.reshape(-1, *self.travel_s.shape[-2:])

    def travel_of(self, shift: int) -> Floats:
        """Return the matrix that a shift moves by, shape (p, p)."""
        matrix: Floats = self.networks[self.shifts[shift].network]
        return matrix

    def visits(self, plan: SweepPlan) -> Iterator[tuple[Mode, ...]]:
        """Yield per shift the modes of its visits in order; emptying the container is one, too."""
        for k, (shift, route) in enumerate(zip(self.shifts, plan.routes, strict=True)):
            chosen = plan.modes[k] if plan.modes else (0,) * len(route)
            at = shift.start if shift.unload is None else shift.unload
            emptied = Mode(at, at, shift.unload_s)
            yield tuple(
                emptied if stop == UNLOAD else self.stops[stop].modes[m] for stop, m in zip(route, chosen, strict=True)
            )

    def ways(self, plan: SweepPlan) -> Iterator[list[tuple[int, int]]]:
        """Yield per shift the rows that every leg leads from and to, start and end included; none if it stays in."""
        for shift, modes in zip(self.shifts, self.visits(plan), strict=True):
            leaves, comes = [shift.start, *(m.exit for m in modes)], [*(m.entry for m in modes), shift.end]
            yield list(zip(leaves, comes, strict=True)) if modes else []

    def _travel_faults(self) -> list[str]:
        t = self.travel_s
        if t.ndim not in (2, 3) or t.shape[-1] != t.shape[-2] or t.size == 0:
            return [f"travel_s has shape {t.shape}: give a square matrix"]
        if not (t >= 0).all():
            return ["travel_s holds a negative or empty time"]
        return ["travel_s holds parts of a second: round up"] if (np.floor(t) != t).any() else []

    def _habit_faults(self) -> list[str]:
        if self.habit is None:
            return []
        known = [stop for route in self.habit.routes for stop in route]
        fits = len(self.habit.routes) == len(self.shifts) and len(set(known)) == len(known)
        return [] if fits and all(0 <= k < len(self.stops) for k in known) else ["habit names other stops or shifts"]


@dataclass(frozen=True)
class SweepPlan:
    """What was decided.

    Attributes
    ----------
    routes : per shift of the problem, the indices of its stops in order, ``UNLOAD`` where the container is emptied;
        empty: stays in.
    solver, seed : where it comes from.
    modes : per shift, the mode of each visit (0 at ``UNLOAD``); empty: the first mode everywhere.
    """

    routes: tuple[tuple[int, ...], ...]
    solver: str
    seed: int
    modes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class CrewDay:
    """One crew's day, recomputed by the judge; seconds after the problem's zero.

    Attributes
    ----------
    arrives_s, starts_s : per visit of the route, arrival and start of service.
    pause_s : start of the break; None without one.
    load : most that lies in the container at any time.
    """

    leaves_s: int
    back_s: int
    arrives_s: tuple[int, ...]
    starts_s: tuple[int, ...]
    travel_s: int
    needles: float
    pause_s: int | None = None
    load: int = 0


@dataclass(frozen=True)
class SweepJudgement:
    """What a sweep plan is worth, recomputed from the problem alone.

    Attributes
    ----------
    days : per shift; None where the crew stays in.
    n_required, n_required_served : must-visits, and those of them served.
    needles : expected needles on all routes.
    travel_s : seconds of travel on all routes.
    unserved : (stop index, reason) of every stop on no route, required ones first.
    bound : no plan that serves as many must-visits expects more needles; None where that is not known.
    """

    days: tuple[CrewDay | None, ...]
    n_required: int
    n_required_served: int
    needles: float
    travel_s: int
    unserved: tuple[tuple[int, str], ...]
    bound: float | None = None

    @property
    def share_of_best(self) -> float | None:
        """The plan expects at least this share of the needles that any plan could; None where that is not known."""
        return None if self.bound is None else min(1.0, self.needles / self.bound) if self.bound > 0 else 1.0
