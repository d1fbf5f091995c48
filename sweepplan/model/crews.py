"""Who goes out: a crew by its wall clock, and its shift in a problem's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from sweepplan.errors import ProblemError

LatLon = tuple[float, float]


@dataclass(frozen=True)
class Crew:
    """Who goes out, and when; ``start`` and ``end`` are wall-clock times of the day planned, ``start < end``.

    Attributes
    ----------
    mode : how it gets about: ``drive``, ``walk`` or ``park-and-walk``.
    break_from, break_until : when its break starts at the earliest and latest; both or neither.
    break_min : minutes of that break.
    capacity : needles its containers hold together; None: no limit.
    unload_min : minutes that emptying them where it starts takes; None: as the rules say.
    skills : what it can do that not every crew can, e.g. ``two-person``.
    zones : the zones it may work in; empty: anywhere.
    depot, end_depot : latitude, longitude of where it starts and ends; None: where all do, and where it starts.

    Raises
    ------
    ProblemError
        The shift ends before it starts, the break is no break, the name is empty, a figure is out of bounds, or a depot
        does not lie on the globe.

    Examples
    --------
    >>> Crew.on_shift("A", "08:00-16:00").end
    datetime.time(16, 0)
    """

    name: str
    start: time = time(8)
    end: time = time(16)
    mode: str = "drive"
    break_from: time | None = None
    break_until: time | None = None
    break_min: int = 30
    capacity: int | None = None
    unload_min: int | None = None
    skills: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    depot: LatLon | None = None
    end_depot: LatLon | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ProblemError("a crew without a name: give e.g. 'A'")
        if self.start >= self.end:
            raise ProblemError(
                f"crew {self.name!r}: the shift {self.start:%H:%M}-{self.end:%H:%M} ends before it starts: "
                "give start-end of one day, e.g. 08:00-16:00"
            )
        if self.mode not in ("drive", "walk", "park-and-walk"):
            raise ProblemError(f"crew {self.name!r}: mode {self.mode!r}: one of drive, walk, park-and-walk")
        if self.capacity is not None and self.capacity < 1:
            raise ProblemError(f"crew {self.name!r}: capacity {self.capacity}: give the needles its containers hold")
        if self.unload_min is not None and self.unload_min < 0:
            raise ProblemError(f"crew {self.name!r}: unload_min {self.unload_min}: give minutes >= 0")
        for lat, lon in filter(None, (self.depot, self.end_depot)):
            if not (-90 <= lat <= 90 and -180 <= lon <= 180):
                raise ProblemError(f"crew {self.name!r}: depot {lat:g}, {lon:g}: give latitude, longitude in degrees")
        if (self.break_from is None) != (self.break_until is None):
            raise ProblemError(f"crew {self.name!r}: a break needs both an earliest and a latest start")
        if self.break_from and self.break_until and not (self.break_from <= self.break_until and self.break_min > 0):
            raise ProblemError(
                f"crew {self.name!r}: break {self.break_from:%H:%M}-{self.break_until:%H:%M} of {self.break_min} min: "
                "give its earliest and latest start, in this order, and minutes above 0"
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
class Break:
    """A rest of ``length_s`` that starts from ``earliest_s`` to ``latest_s`` after zero, both allowed.

    It is taken between two visits, or before the first or after the last. A crew back by ``latest_s`` needs none.
    """

    earliest_s: int
    latest_s: int
    length_s: int


@dataclass(frozen=True)
class Shift:
    """What a problem knows of one crew on one day; one route at most.

    Attributes
    ----------
    crew : its name; unique in a problem.
    window_s : earliest leave and latest back, seconds after the problem's zero.
    start, end : rows of ``travel_s`` where it starts and ends: depots, or where it stands when plans change.
    pause : its break, if any.
    network : which matrix of ``travel_s`` it moves by, where there are several.
    capacity : load its container holds, ``>= 0``; None: no limit.
    load : what lies in the container at the start.
    unload : row of ``travel_s`` where the container is emptied, as often as needed; None: only at the end.
    unload_s : seconds that takes.
    most_travel_s : seconds of travel it may have; None: as the window allows.
    skills, zones : what it can do; where it may work, empty: anywhere.
    """

    crew: str
    window_s: tuple[int, int]
    start: int = 0
    end: int = 0
    pause: Break | None = None
    network: int = 0
    capacity: int | None = None
    load: int = 0
    unload: int | None = None
    unload_s: int = 0
    most_travel_s: int | None = None
    skills: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()

    def faults(self, n_rows: int, n_networks: int) -> list[str]:
        """Return what contradicts itself, given the size of ``travel_s``."""
        who, (begin, end) = f"crew {self.crew!r}", self.window_s
        found = [f"the shift of {who} ends before it starts"] if begin >= end else []
        rows = (self.start, self.end, *(() if self.unload is None else (self.unload,)))
        found += [f"{who}: no row {row} in travel_s, which has {n_rows}" for row in rows if not 0 <= row < n_rows]
        if not 0 <= self.network < n_networks:
            found.append(f"{who}: no network {self.network} in travel_s, which has {n_networks}")
        if self.capacity is not None and not 0 <= self.load <= self.capacity:
            found.append(f"{who}: load {self.load} does not lie in its capacity, 0 to {self.capacity}")
        if self.unload_s < 0:
            found.append(f"{who}: unload_s {self.unload_s}: give seconds >= 0")
        if self.pause is not None:
            p = self.pause
            if p.length_s < 0 or p.earliest_s > p.latest_s:
                found.append(f"{who}: its break ends before it starts")
            elif self.window_s[0] > p.latest_s:
                found.append(f"{who}: its break must start before the shift does")
        return found
