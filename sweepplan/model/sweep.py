"""The sweep: crews and stops are given, routes are decided, days are judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.model.numbers import Floats


@dataclass(frozen=True)
class Crew:
    """Who goes out, and when; ``start`` and ``end`` are wall-clock times of the day planned, ``start < end``.

    Raises
    ------
    ProblemError
        The shift ends before it starts, or the name is empty.

    Examples
    --------
    >>> Crew.on_shift("A", "08:00-16:00")
    Crew(name='A', start=datetime.time(8, 0), end=datetime.time(16, 0))
    """

    name: str
    start: time = time(8)
    end: time = time(16)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ProblemError("a crew without a name: give e.g. 'A'")
        if self.start >= self.end:
            raise ProblemError(
                f"crew {self.name!r}: the shift {self.start:%H:%M}-{self.end:%H:%M} ends before it starts: "
                "give start-end of one day, e.g. 08:00-16:00"
            )

    @classmethod
    def on_shift(cls, name: str, shift: str) -> Crew:
        """Make a crew from a shift written ``08:00-16:00``."""
        try:
            start, end = (time.fromisoformat(part.strip()) for part in shift.split("-"))
        except ValueError as error:
            raise ProblemError(f"crew {name!r}: shift {shift!r}: write start-end as 08:00-16:00") from error
        return cls(name, start, end)


@dataclass(frozen=True)
class Stop:
    """A place a crew may visit.

    Attributes
    ----------
    place : id of the place or incident; unique in a problem.
    at : row and column of ``travel_s``.
    prize : needles expected there, ``>= 0``.
    service_s : seconds spent there, ``>= 0``.
    window_s : earliest and latest *start of service*, seconds after the problem's zero, both ends allowed.
    required : an open request: served before any prize is counted.
    """

    place: str
    at: int
    prize: float
    service_s: int
    window_s: tuple[int, int]
    required: bool = False


@dataclass(frozen=True, eq=False)
class SweepProblem:
    """What is given: stops with prizes, crews with shifts, travel times. Prize-collecting VRPTW.

    Attributes
    ----------
    stops : in any order; a plan names them by index.
    crews : one route each, at most.
    shifts_s : per crew (earliest leave, latest back), seconds after zero.
    depots : per crew, row of ``travel_s`` where it starts and ends.
    travel_s : shape (p, p), whole seconds, row from, column to, ``inf`` = no way; at least one row a stop or depot.

    Raises
    ------
    ProblemError
        Names every contradiction in one message.
    """

    stops: tuple[Stop, ...]
    crews: tuple[Crew, ...]
    shifts_s: tuple[tuple[int, int], ...]
    depots: tuple[int, ...]
    travel_s: Floats

    def __post_init__(self) -> None:
        faults = [*self._shape_faults(), *self._stop_faults()]
        if faults:
            raise ProblemError(f"sweep problem: {'; '.join(faults)}")

    def _shape_faults(self) -> list[str]:
        p = self.travel_s.shape[0] if self.travel_s.ndim == 2 else 0
        faults = []
        if self.travel_s.shape != (p, p):
            faults.append(f"travel_s has shape {self.travel_s.shape}: give a square matrix")
        if not self.crews:
            faults.append("no crew: give at least one")
        names = [crew.name for crew in self.crews]
        faults += [f"crew {name!r} stands twice" for name in sorted(set(names)) if names.count(name) > 1]
        if not len(self.crews) == len(self.shifts_s) == len(self.depots):
            faults.append("crews, shifts_s and depots differ in length")
        faults += [
            f"the shift of crew {c.name!r} ends before it starts"
            for c, (a, b) in zip(self.crews, self.shifts_s, strict=False)
            if a >= b
        ]
        if self.travel_s.size and not (self.travel_s >= 0).all():
            faults.append("travel_s holds a negative or empty time")
        elif (np.floor(self.travel_s) != self.travel_s).any():
            faults.append("travel_s holds parts of a second: round up")
        at = [*self.depots, *(stop.at for stop in self.stops)]
        faults += [f"no row {row} in travel_s, which has {p}" for row in sorted({a for a in at if not 0 <= a < p})]
        return faults

    def _stop_faults(self) -> list[str]:
        places = [stop.place for stop in self.stops]
        faults = []
        if len(set(places)) < len(places):
            twice = next(place for k, place in enumerate(places) if place in places[:k])
            faults.append(f"stop {twice!r} stands twice")
        for stop in self.stops:
            if not np.isfinite(stop.prize) or stop.prize < 0:
                faults.append(f"stop {stop.place!r}: prize {stop.prize}: give a finite number >= 0")
            if not np.isfinite(stop.service_s) or stop.service_s < 0:
                faults.append(f"stop {stop.place!r}: service_s {stop.service_s}: give seconds >= 0")
            if stop.window_s[0] > stop.window_s[1]:
                faults.append(f"stop {stop.place!r}: its window closes before it opens")
        return faults


@dataclass(frozen=True)
class SweepPlan:
    """What was decided: per crew of the problem, the indices of its stops in order (empty: stays in)."""

    routes: tuple[tuple[int, ...], ...]
    solver: str
    seed: int


@dataclass(frozen=True)
class CrewDay:
    """One crew's day, recomputed by the judge; seconds after the problem's zero."""

    leaves_s: int
    back_s: int
    arrives_s: tuple[int, ...]
    starts_s: tuple[int, ...]
    travel_s: int
    needles: float


@dataclass(frozen=True)
class SweepJudgement:
    """What a sweep plan is worth, recomputed from the problem alone.

    Attributes
    ----------
    days : per crew; None where it stays in.
    n_required, n_required_served : open requests, and those of them served.
    needles : expected needles on all routes.
    travel_s : seconds of travel on all routes.
    unserved : (stop index, reason) of every stop on no route, required ones first.
    """

    days: tuple[CrewDay | None, ...]
    n_required: int
    n_required_served: int
    needles: float
    travel_s: int
    unserved: tuple[tuple[int, str], ...]
