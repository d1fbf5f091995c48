"""Where points lie on the streets."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import STRtree

from sweepplan.geo import Floats

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

END_M = 0.01
"""A point that falls on a street so near to its end, in metres, stands at the corner."""

_AROUND_M = 1.0
_UNKNOWN = np.zeros(1, dtype=np.int64)
_NO = np.zeros(1, dtype=bool)


@dataclass(frozen=True, eq=False)
class Snaps:
    """Where points lie on the edges of one :class:`StreetNetwork`.

    Attributes
    ----------
    edge : shape (n,), row of ``StreetNetwork.edges``; -1 = no street within the limit.
    offset_m : shape (n,), metres along the edge from its u, ``0 <= offset_m <= length_m``.
    distance_m : shape (n,), metres from point to edge; ``inf`` where there is none.
    side : shape (n,), on which side of the edge, seen from u to v: 1 left, -1 right, 0 on it or not known.
    along : shape (n,), whether one comes and goes along ``edge`` alone, as who sweeps a street in one direction does;
        else along either direction, and at an end of the edge by any street.
    """

    edge: Ints
    offset_m: Floats
    distance_m: Floats
    side: Ints = field(default_factory=lambda: _UNKNOWN)
    along: Bools = field(default_factory=lambda: _NO)

    def __post_init__(self) -> None:
        for name in ("side", "along"):
            object.__setattr__(self, name, np.broadcast_to(getattr(self, name), self.edge.shape))

    def __len__(self) -> int:
        return int(self.edge.size)

    def __getitem__(self, rows: ArrayLike | slice) -> Snaps:
        """Return the snaps of ``rows`` (indices, mask or slice); one index gives snaps of length 1."""
        at = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        return Snaps(**{f.name: getattr(self, f.name)[at] for f in dataclasses.fields(self)})

    @classmethod
    def join(cls, *parts: Snaps) -> Snaps:
        """Return the snaps of all parts, one after the other."""
        names = [f.name for f in dataclasses.fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def nearest(
    points: Shapes, lines: Shapes, length_m: Floats, tree: STRtree, edge_of_tree: Ints, *, limit_m: float
) -> Snaps:
    """Return where each point lies on the nearest line of ``tree``, at most ``limit_m`` away.

    Parameters
    ----------
    points : shape (n,); one that is empty or has no finite coordinates lies nowhere.
    lines, length_m : shape (e,), geometry of the edges, and the length their offsets are measured by.
    edge_of_tree : the edge of every line of ``tree``.
    """
    xy = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
    there = np.flatnonzero(np.isfinite(xy).all(axis=1))
    (row, near), distance = tree.query_nearest(
        points[there], max_distance=limit_m, all_matches=False, return_distance=True
    )
    n = len(points)
    edge, offset, away = np.full(n, -1, dtype=np.int64), np.zeros(n), np.full(n, np.inf)
    side = np.zeros(n, dtype=np.int64)
    at = there[row]
    edge[at], away[at] = edge_of_tree[near], distance
    share = np.nan_to_num(shapely.line_locate_point(lines[edge[at]], points[at], normalized=True))
    length = length_m[edge[at]]
    metres = share * length
    offset[at] = np.where(metres <= END_M, 0.0, np.where(metres >= length - END_M, length, metres))
    side[at] = _side(lines[edge[at]], share, xy[at])
    return Snaps(edge, offset, away, side)


def _side(lines: Shapes, share: Floats, xy: Floats) -> Ints:
    """Return 1 for points on the left of their line, -1 for the right, 0 for those on it."""
    at = share * shapely.length(lines)
    behind, ahead = (
        shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(at + step, 0)))
        for step in (-_AROUND_M, _AROUND_M)
    )
    way, off = ahead - behind, xy - behind
    cross = way[:, 0] * off[:, 1] - way[:, 1] * off[:, 0]
    return np.where(np.abs(cross) <= 1e-6, 0, np.sign(cross)).astype(np.int64)
