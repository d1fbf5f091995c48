"""Things with a life: frozen dataclasses of numbers. Problems say what is given, plans what was decided."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sweepplan.errors import ProblemError, SettingsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Limit:
    """How long a solver may work: ``seconds`` (wall clock) or ``iterations`` (repeats to the byte), one of the two.

    Examples
    --------
    >>> Limit.parse("10s"), Limit.parse("1000it")
    (Limit(seconds=10.0, iterations=None), Limit(seconds=None, iterations=1000))
    """

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.iterations is None):
            raise SettingsError("a limit is either seconds or iterations: give one of the two, e.g. '10s' or '1000it'")
        if not np.isfinite(self.amount) or self.amount <= 0:
            raise SettingsError(f"limit {self.amount:g}: give more than 0")

    @property
    def amount(self) -> float:
        """The number of seconds or iterations."""
        return float(self.seconds if self.seconds is not None else self.iterations or 0)

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read ``10s`` or ``1000it``."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|it)\s*", text)
        if not found:
            raise SettingsError(f"limit {text!r}: write seconds as '10s' or iterations as '1000it'")
        number, unit = found.groups()
        if unit == "s":
            return cls(seconds=float(number))
        if "." in number:
            raise SettingsError(f"limit {text!r}: iterations are a whole number")
        return cls(iterations=int(number))

    def __str__(self) -> str:
        return f"{self.seconds:g}s" if self.seconds is not None else f"{self.iterations}it"


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


@dataclass(frozen=True, eq=False)
class KioskProblem:
    """Maximal covering: place ``k`` new kiosks so that the most demand lies within ``reach_m`` of one (MCLP).

    Only pairs of demand and site that may matter are listed; a pair not listed is out of reach.

    Attributes
    ----------
    demand : shape (n,), weight of each demand point, ``>= 0``, whole numbers where the bound shall be exact.
    n_sites : number of sites, installed ones included.
    pair_demand, pair_site : shape (e,), indices of the pairs listed.
    walk_m : shape (e,), walking distance of each pair, metres; covered when ``walk_m <= reach_m``.
    reach_m : service standard, ``> 0``.
    k : how many sites to add to ``fixed``.
    fixed : sites kept whatever happens (installed kiosks).
    forbidden : sites that may not be chosen.

    Raises
    ------
    ProblemError
        Names every contradiction in one message.
    """

    demand: Floats
    n_sites: int
    pair_demand: Ints
    pair_site: Ints
    walk_m: Floats
    reach_m: float
    k: int
    fixed: tuple[int, ...] = ()
    forbidden: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        faults = [*self._rule_faults(), *self._pair_faults()]
        if faults:
            raise ProblemError(f"kiosk problem: {'; '.join(faults)}")

    def _rule_faults(self) -> list[str]:
        faults = []
        if not (np.isfinite(self.reach_m) and self.reach_m > 0):
            faults.append(f"reach_m {self.reach_m}: give metres > 0")
        named = {*self.fixed, *self.forbidden}
        faults += [f"no site {site} among {self.n_sites}" for site in sorted(named) if not 0 <= site < self.n_sites]
        both = sorted({*self.fixed} & {*self.forbidden})
        if both:
            faults.append(f"site {both[0]} is both fixed and forbidden")
        free = self.n_sites - len(named)
        if not 0 <= self.k <= free:
            faults.append(f"k = {self.k}: only {free} sites may be chosen")
        return faults

    def _pair_faults(self) -> list[str]:
        faults = []
        if self.demand.ndim != 1:
            faults.append(f"demand has shape {self.demand.shape}: give one weight a demand point")
        if not (np.isfinite(self.demand).all() and (self.demand >= 0).all()):
            faults.append("demand holds a negative or infinite weight")
        if not self.pair_demand.shape == self.pair_site.shape == self.walk_m.shape:
            faults.append("pair_demand, pair_site and walk_m differ in length")
        if self.pair_demand.size:
            if self.pair_demand.min() < 0 or self.pair_demand.max() >= self.demand.size:
                faults.append("a pair names a demand point that is not there")
            if self.pair_site.min() < 0 or self.pair_site.max() >= self.n_sites:
                faults.append("a pair names a site that is not there")
            if not (self.walk_m >= 0).all():
                faults.append("walk_m holds a negative or empty distance")
        return faults


@dataclass(frozen=True)
class KioskPlan:
    """What was decided, and why nothing better can be.

    Attributes
    ----------
    sites : the sites chosen, ascending; fixed ones not repeated.
    bound : no plan covers more.
    multipliers : per demand point u, ``0 <= u <= demand``, from which anybody recomputes the bound (whole demand:
        rounded down): ``sum(demand - u)`` + the k largest sums of u over a free site's reach, where u = 0 at points
        that a fixed site covers. None: the bound is the solver's word.
    """

    sites: tuple[int, ...]
    bound: float
    solver: str
    multipliers: tuple[float, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class KioskJudgement:
    """What a kiosk plan is worth, recomputed from the problem alone, in units of demand.

    Attributes
    ----------
    covered, covered_today : demand within reach of the plan (fixed and chosen); of the fixed sites alone.
    total : all demand.
    bound, gap : no plan covers more than ``bound``; ``(bound - covered) / bound``, 0 where bound is 0.
    proof : what the bound rests on: the plan's ``multipliers``, recomputed, or the ``solver``'s word.
    site_covered, site_added : per chosen site, demand within its reach, and of that what no fixed site covers.
    """

    covered: float
    covered_today: float
    total: float
    bound: float
    gap: float
    proof: Literal["multipliers", "solver"]
    site_covered: tuple[float, ...] = field(default=())
    site_added: tuple[float, ...] = field(default=())
