"""The way from one point to another: geometry, streets, turns, and the words for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString
from shapely.ops import substring

from sweepplan.geo import distance_words
from sweepplan.streets.tags import UNNAMED
from sweepplan.streets.turns import AROUND_DEG, SIDES, STRAIGHT_DEG, bearings, sides, turned
from sweepplan.streets.ways import Piece

Turn = Literal["start", "straight", "left", "right", "around"]

FOLD_M = 25.0
"""An unnamed piece so short between two streets, in metres, is part of the junction, not a street of its own."""

_COMPASS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
_WORDS = {"straight": "straight on", "left": "left on", "right": "right on", "around": "turn around on"}


@dataclass(frozen=True)
class Step:
    """Along one street.

    Attributes
    ----------
    turn : onto it; "start" where nobody knows which way the vehicle stands.
    name : of the street.
    length_m : metres along it.
    bearing_deg : in which direction it begins, east 0, north 90.
    """

    turn: Turn
    name: str
    length_m: float
    bearing_deg: float

    @property
    def words(self) -> str:
        """The step without its length.

        Examples
        --------
        >>> Step("left", "Albany St", 240, 90.0).words, Step("start", "Albany St", 240, 44.0).words
        ('left on Albany St', 'north-east on Albany St')
        """
        if self.turn == "start":
            return f"{_COMPASS[round(self.bearing_deg / 45) % 8]} on {self.name}"
        return f"{_WORDS[self.turn]} {self.name}"

    def text(self, unit: str = "m") -> str:
        """Return the step in words, distances in ``unit``.

        Examples
        --------
        >>> Step("left", "Albany St", 240, 90.0).text(), Step("right", "Elm St", 2410, 0.0).text("mi")
        ('left on Albany St, 240 m', 'right on Elm St, 1.5 mi')
        """
        return f"{self.words}, {distance_words(self.length_m, unit)}"


@dataclass(frozen=True, eq=False)
class Leg:
    """The way from one point to another.

    Attributes
    ----------
    geometry : along the streets, on the plane; two equal points where nothing has to be travelled.
    travel_s, length_m : as ``StreetNetwork.travel_s`` says to the millisecond; metres along the streets.
    steps : in order; the names of neighbours differ unless one turns around.
    edges : the edges travelled, in order, the first and last perhaps in part.
    side : on which side the destination lies as one arrives: "left", "right", or "" where it is not known.
    """

    geometry: LineString
    travel_s: float
    length_m: float
    steps: tuple[Step, ...]
    edges: tuple[int, ...] = ()
    side: str = ""


@dataclass
class _Run:
    """Pieces under one name."""

    name: str
    length_m: float
    begins: float
    ends: float


def cut(line: LineString, piece: Piece) -> LineString:
    """Return the part of the line that ``piece`` takes."""
    whole = (piece.start, piece.stop) == (0, 1)
    part = line if whole else substring(line, piece.start, piece.stop, normalized=True)
    return LineString(shapely.get_coordinates(part))


def joined(lines: Sequence[shapely.Geometry] | NDArray[np.object_]) -> LineString:
    """Return one line along all, without points that repeat; two equal points where they are one point."""
    xy = shapely.get_coordinates(list(lines))
    kept = np.concatenate([[True], np.any(xy[1:] != xy[:-1], axis=1)])
    return LineString(xy[kept] if kept.sum() > 1 else xy[[0, 0]])


def steps_of(
    lines: NDArray[np.object_], names: Sequence[str], lengths: Sequence[float], *, heading: float | None
) -> tuple[Step, ...]:
    """Return the steps along the pieces of a way.

    Parameters
    ----------
    lines, names, lengths : of the pieces, in order; no piece is without length.
    heading : bearing in which one arrives at the first of them, degrees; None where nobody knows.
    """
    if not len(lines):
        return ()
    runs: list[_Run] = []
    for name, length, begins, ends in zip(names, lengths, *bearings(lines), strict=True):
        _add(runs, _Run(name, length, float(begins), float(ends)), most_deg=STRAIGHT_DEG if name == UNNAMED else 180)
    runs = _folded(runs)
    steps = []
    for run in runs:
        turn: Turn = "start" if heading is None else _turn(heading, run.begins)
        steps.append(Step(turn, run.name, run.length_m, run.begins))
        heading = run.ends
    return tuple(steps)


def _add(runs: list[_Run], run: _Run, *, most_deg: float) -> None:
    """Add a run, to the last one where it goes on under its name by a turn of less than ``most_deg`` degrees."""
    angle = abs(_angle(runs[-1].ends, run.begins)) if runs else 180.0
    if runs and runs[-1].name == run.name and angle <= most_deg and angle < AROUND_DEG:
        runs[-1].length_m += run.length_m
        runs[-1].ends = run.ends
    else:
        runs.append(run)


def _folded(runs: list[_Run]) -> list[_Run]:
    kept: list[_Run] = []
    extra_m = 0.0
    for k, run in enumerate(runs):
        if run.name == UNNAMED and run.length_m < FOLD_M and 0 < k < len(runs) - 1:
            extra_m += run.length_m
            continue
        run.length_m += extra_m
        extra_m = 0.0
        _add(kept, run, most_deg=STRAIGHT_DEG if run.name == UNNAMED else 180)
    return kept


def _angle(ends: float, begins: float) -> float:
    return float(turned(np.array([ends]), np.array([begins]))[0])


def _turn(ends: float, begins: float) -> Turn:
    return SIDES[int(sides(np.array([_angle(ends, begins)]), np.array([False]))[0])]
