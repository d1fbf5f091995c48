"""Where crews come to, sweep and leave, by how they move: a street is swept along its line.

A row of ``travel_s`` is one way to serve a stop: its column says how long one comes to where the service begins, its
row how long one goes on from where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString

from sweepplan.bridge.rules import SweepRules
from sweepplan.bridge.snapping import on_foot_m, reachable, snapped
from sweepplan.errors import ProblemError
from sweepplan.geo import Floats
from sweepplan.streets import Snaps, StreetNetwork

Ints = NDArray[np.int64]

AT, AHEAD, BACK, ROUND, ROUND_FAR, PARK, PARK_FAR = range(7)
"""At one point; along the line of a street, against it; there and back, from its first end or from its last; the same
on foot, from a van that is parked at that end."""

_FAR = (BACK, ROUND_FAR, PARK_FAR)

_SAME_M = 0.5


@dataclass(frozen=True, eq=False)
class Layout:
    """What a day's stops are on the map, whoever comes.

    Attributes
    ----------
    depots, spots : points of the depots and of the stops.
    place : shape (stops,), their ids.
    line : shape (stops,), the street to be swept along, None at any other stop.
    walk_m : shape (stops,), how far each is walked to, one way, as its time of work counts.
    stop, way : shape (rows,), per row of ``travel_s`` its stop, -1 at a depot, and how it is served, ``AT`` to
        ``PARK_FAR``. Depots come first.
    """

    depots: gpd.GeoSeries
    spots: gpd.GeoSeries
    place: NDArray[np.object_]
    line: NDArray[np.object_]
    walk_m: Floats
    stop: Ints
    way: Ints

    def __len__(self) -> int:
        return int(self.stop.size)

    @property
    def row_of_spot(self) -> Ints:
        """Shape (rows,): per row its point, depots first, then stops."""
        n = len(self.depots)
        return np.where(self.stop < 0, np.arange(len(self)), n + self.stop)

    def rows(self, stop: int) -> Ints:
        """Return the rows of a stop, one a way to serve it."""
        return np.flatnonzero(self.stop == stop)

    def swept(self, row: int) -> LineString | None:
        """Return the line that is swept, in the order it is; None where no street is."""
        way, line = int(self.way[row]), None if self.stop[row] < 0 else self.line[self.stop[row]]
        if way == AT or line is None:
            return None
        xy = shapely.get_coordinates(line)
        turned = xy[::-1]
        first, back = (turned, xy) if way in _FAR else (xy, turned)
        parts = [first] if way in (AHEAD, BACK) else [first, back[1:]]
        return LineString(np.concatenate(parts))

    def with_points(self, points: gpd.GeoSeries, ids: Sequence[str]) -> Layout:
        """Return the layout with more stops, each served at its point; all rows keep their places.

        Parameters
        ----------
        ids : their ids, none of which stands yet.
        """
        n = len(points)
        return replace(
            self,
            spots=gpd.GeoSeries(pd.concat([self.spots, points], ignore_index=True), crs=self.spots.crs),
            place=np.concatenate([self.place, np.array(ids, dtype=object)]),
            line=np.concatenate([self.line, np.full(n, None, dtype=object)]),
            walk_m=np.concatenate([self.walk_m, np.zeros(n)]),
            stop=np.concatenate([self.stop, len(self.spots) + np.arange(n)]),
            way=np.concatenate([self.way, np.full(n, AT)]),
        )

    def walked(self, walk_m: Floats) -> Layout:
        """Return the layout with the walks that the last stops' times of work count."""
        known = len(self.spots) - len(walk_m)
        return replace(self, walk_m=np.concatenate([self.walk_m[:known], walk_m]))


@dataclass(frozen=True, eq=False)
class Ground:
    """The rows of a layout for one way of moving.

    Attributes
    ----------
    mode : ``drive``, ``walk`` or ``park-and-walk``.
    comes, leaves : shape (rows,), where one comes to and goes on from; -1 where a row is not for this mode.
    walk_m : shape (stops,), how far the last of the way to a stop is walked, one way.
    """

    mode: str
    streets: StreetNetwork
    comes: Snaps
    leaves: Snaps
    walk_m: Floats

    def travel_s(self) -> Floats:
        """Return whole seconds from where every row is left to where every row is come to."""
        travel_s: Floats = np.ceil(self.streets.travel_s(self.leaves, self.comes))
        return travel_s

    def with_point(self, snap: Snaps, walk_m: float) -> Ground:
        """Return the ground with one more row and stop, at a point."""
        comes, leaves = Snaps.join(self.comes, snap), Snaps.join(self.leaves, snap)
        return replace(self, comes=comes, leaves=leaves, walk_m=np.append(self.walk_m, walk_m))


def layout_of(
    depots: gpd.GeoSeries, stops: gpd.GeoDataFrame, modes: Sequence[str], streets: StreetNetwork, rules: SweepRules
) -> Layout:
    """Lay out a day.

    A street is swept in one pass along its line, one-ways in their direction; a wide one there and back. Who parks and
    walks goes there and back anyway, and so does a van's crew where a street cannot be driven into and out of again. On
    foot, a one-way has two directions.

    Parameters
    ----------
    stops : ``place_id``, ``line`` (None where no street is swept), and points.
    modes : how the crews move, the first crew's first.
    """
    line = stops["line"].to_numpy(dtype=object)
    edge = streets.street_edges(stops["place_id"])
    edge = np.where([each is None for each in line], -1, edge)
    highway, reverse = streets.edges["highway"].to_numpy(), streets.edges["reverse"].to_numpy()
    wide, ends = np.isin(highway, rules.both_sides), streets.joined_ends
    ways = [_ways(modes, wide=wide[e], lone=reverse[e] < 0, ends=ends[e]) if e >= 0 else (AT,) for e in edge]
    n = len(depots)
    return Layout(
        depots,
        gpd.GeoSeries(stops.geometry, crs=stops.crs),
        stops["place_id"].to_numpy(dtype=object),
        np.array([None if way == (AT,) else each for way, each in zip(ways, line, strict=True)], dtype=object),
        np.zeros(len(stops)),
        np.concatenate([np.full(n, -1), np.repeat(np.arange(len(stops)), [len(each) for each in ways])]),
        np.concatenate([np.full(n, AT), [way for each in ways for way in each]]).astype(np.int64),
    )


def _ways(modes: Sequence[str], *, wide: bool, lone: bool, ends: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return how a street may be swept by crews that move so; ``ends``: whether vans come to each and back again."""
    parked = tuple(way for way, there in zip((PARK, PARK_FAR), ends, strict=True) if there)
    both = (ROUND, ROUND_FAR) if wide else (AHEAD, BACK)
    by_mode = {
        "drive": ((AHEAD,) if lone else both) if ends.all() else parked,
        "park-and-walk": parked,
        "walk": both,
    }
    return tuple(dict.fromkeys(way for mode in modes for way in by_mode[mode])) or (AT,)


def ground_of(layout: Layout, mode: str, streets: StreetNetwork, rules: SweepRules) -> Ground:
    """Return where a layout lies on the streets for one way of moving.

    Parameters
    ----------
    streets : those of people on foot where ``mode`` is ``walk``, else those of vans.

    Raises
    ------
    StreetsError
        A depot lies off the network.
    """
    spots = snapped(streets, layout.depots, layout.spots, rules)
    walk_m = on_foot_m(spots[len(layout.depots) :], rules)
    comes = spots[layout.row_of_spot]
    leaves = comes
    along = np.flatnonzero(layout.way != AT)
    if along.size:
        first, last = (
            _on_foot(layout, along, streets, rules) if mode == "walk" else _driven(layout, along, mode, streets)
        )
        comes, leaves = _put(comes, along, first), _put(comes, along, last)
    return Ground(mode, streets, comes, leaves, walk_m)


def _put(snaps: Snaps, rows: Ints, there: Snaps) -> Snaps:
    """Return snaps with those of ``rows`` in place of what stood there."""
    order = np.arange(len(snaps))
    order[rows] = len(snaps) + np.arange(rows.size)
    return Snaps.join(snaps, there)[order]


def _driven(layout: Layout, rows: Ints, mode: str, streets: StreetNetwork) -> tuple[Snaps, Snaps]:
    """Return where a van comes to and leaves from, for each of ``rows``: along the street, or parked at its end."""
    way, length = layout.way[rows], streets.edges["length_m"].to_numpy()
    ahead = _edges_along(layout, streets)[layout.stop[rows]]
    back = np.where(ahead >= 0, streets.edges["reverse"].to_numpy()[ahead], -1)
    far, parked, zero = np.isin(way, _FAR), np.isin(way, (PARK, PARK_FAR)), np.zeros(rows.size)
    into = np.where(far, back, ahead)
    out = np.where(np.isin(way, (ROUND, ROUND_FAR)), np.where(far, ahead, back), into)
    driven = ~parked & (into >= 0) & (out >= 0) & (mode == "drive")
    ends = np.where(far, length[ahead], 0.0)
    into, out = (np.where(parked, ahead, np.where(driven, edge, -1)) for edge in (into, out))
    return (
        Snaps(into, np.where(parked, ends, 0.0), zero, along=driven),
        Snaps(out, np.where(parked, ends, length[out]), zero, along=driven),
    )


def _on_foot(layout: Layout, rows: Ints, streets: StreetNetwork, rules: SweepRules) -> tuple[Snaps, Snaps]:
    """Return where people on foot come to and leave from, for each of ``rows``: the corner nearest to that end."""
    way, lines, crs = layout.way[rows], layout.line[layout.stop[rows]], layout.spots.crs
    ends = [reachable(streets, gpd.GeoSeries(shapely.get_point(lines, at), crs=crs), rules) for at in (0, -1)]
    both, first = Snaps.join(*ends), np.arange(rows.size) + rows.size * np.isin(way, _FAR)
    other = (first + rows.size) % (2 * rows.size)
    return both[first], both[np.where(np.isin(way, (AHEAD, BACK)), other, first)]


def _edges_along(layout: Layout, streets: StreetNetwork) -> Ints:
    """Return per stop the edge that runs as its line does; -1 where the network has no such street, or no line."""
    edge = streets.street_edges(layout.place)
    edge = np.where([line is None for line in layout.line], -1, edge)
    there = np.flatnonzero(edge >= 0)
    lines, shapes = layout.line[there], streets.edges.geometry.to_numpy()[edge[there]]
    reverse = streets.edges["reverse"].to_numpy()[edge[there]]
    same = shapely.distance(_middle(lines), _middle(shapes)) <= _SAME_M
    starts = [shapely.get_coordinates(shapely.get_point(each, 0)) for each in (lines, shapes)]
    turned = np.hypot(*(starts[0] - starts[1]).T) > _SAME_M
    edge[there] = np.where(same, np.where(turned, reverse, edge[there]), -1)
    return edge


def _middle(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    middle: NDArray[np.object_] = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    return middle


def grounds_of(
    layout: Layout, modes: Sequence[str], streets: StreetNetwork, walk: StreetNetwork | None, rules: SweepRules
) -> tuple[Ground, ...]:
    """Return the grounds of all ways of moving.

    Raises
    ------
    ProblemError
        A crew walks, and no network to walk on is given.
    """
    if "walk" in modes and walk is None:
        raise ProblemError("a crew walks: give the streets it walks on as well")
    on = {mode: walk if mode == "walk" and walk is not None else streets for mode in modes}
    return tuple(ground_of(layout, mode, on[mode], rules) for mode in modes)


def travel_of(grounds: Sequence[Ground]) -> Floats:
    """Return ``travel_s`` of a problem: one matrix, or one a ground."""
    each = [ground.travel_s() for ground in grounds]
    return each[0] if len(each) == 1 else np.stack(each)
