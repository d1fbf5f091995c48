"""What turning costs, and which turns are forbidden."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from sweepplan.errors import StreetsError
from sweepplan.geo import Floats

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Side = Literal["straight", "left", "right", "around"]

STRAIGHT_DEG = 45.0
"""So many degrees off the way ahead, at most, still go straight on."""

AROUND_DEG = 170.0
"""From so many degrees on, a turn is a turn around."""

LOOK_M = 15.0
"""A street's bearing at its end is that of its last metres, so many at most: a kink of the kerb is no turn."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TurnCosts:
    """Seconds lost by turning at a junction, where there is a choice; straight on costs nothing.

    Attributes
    ----------
    u_turn_s, left_s, right_s : ``>= 0``. Where traffic keeps left, give the figure for crossing it as ``right_s``.

    Raises
    ------
    StreetsError
        A figure is negative or not finite.
    """

    u_turn_s: float = 20.0
    left_s: float = 6.0
    right_s: float = 3.0

    def __post_init__(self) -> None:
        for name in ("u_turn_s", "left_s", "right_s"):
            if not 0 <= getattr(self, name) < np.inf:
                raise StreetsError(f"{name} {getattr(self, name)}: give seconds >= 0")


FREE = TurnCosts(0, 0, 0)
"""Turning costs nothing."""


@dataclass(frozen=True)
class Restriction:
    """One turn restriction of OpenStreetMap, by way or by node.

    Attributes
    ----------
    origin, via, target : id of the way one comes from, of the node, of the way one turns onto.
    only : this turn alone is allowed from ``origin``; else it is forbidden.
    """

    origin: int
    via: int
    target: int
    only: bool = False


@dataclass(frozen=True, eq=False)
class Turns:
    """Every turn off an edge onto the next.

    Attributes
    ----------
    first : shape (e + 1,); the turns off edge ``e`` are ``first[e]`` to ``first[e + 1]`` of the others.
    onto : shape (t,), edge turned onto.
    cost : shape (t,), whole milliseconds.
    most : shape (nodes,), the most a turn there costs, U-turns apart; -1 where one is forbidden.
    """

    first: Ints
    onto: Ints
    cost: Ints
    most: Ints


def sides(angle: Floats, around: Bools) -> NDArray[np.int8]:
    """Return 0 straight on, 1 left, 2 right, 3 around, of turns by ``angle`` degrees to the left, -180 to 180."""
    side = np.where(np.abs(angle) <= STRAIGHT_DEG, 0, np.where(angle > 0, 1, 2))
    return np.where(around | (np.abs(angle) >= AROUND_DEG), 3, side).astype(np.int8)


SIDES: tuple[Side, ...] = ("straight", "left", "right", "around")


def bearings(lines: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Return the bearing of each line as it begins and as it ends: degrees, east 0, north 90."""
    length = shapely.length(lines)
    near = np.minimum(LOOK_M, length / 2)
    stations = (np.zeros_like(near), near, length - near, length)
    xy = [shapely.get_coordinates(shapely.line_interpolate_point(lines, at)) for at in stations]
    begins, ends = xy[1] - xy[0], xy[3] - xy[2]
    return np.degrees(np.arctan2(begins[:, 1], begins[:, 0])), np.degrees(np.arctan2(ends[:, 1], ends[:, 0]))


def turned(ends: Floats, begins: Floats) -> Floats:
    """Return by how many degrees to the left one turns from bearing ``ends`` to ``begins``, -180 to 180.

    Examples
    --------
    >>> turned(np.array([0.0, 170.0, 0.0]), np.array([90.0, -170.0, -90.0]))
    array([ 90.,  20., -90.])
    """
    return (begins - ends + 180) % 360 - 180


def turns_of(
    u: Ints,
    v: Ints,
    reverse: Ints,
    *,
    n_nodes: int,
    costs: TurnCosts = FREE,
    lines: NDArray[np.object_] | None = None,
    forbidden: Collection[tuple[int, int]] = (),
) -> Turns:
    """Return every turn that is allowed.

    A turn costs nothing where the street only bends: where there is no other way on than back.

    Parameters
    ----------
    u, v, reverse : shape (e,), of the edges.
    lines : shape (e,), their geometry; needed where turning costs something.
    forbidden : pairs of edges (from, onto).
    """
    leaving = np.argsort(u, kind="stable")
    begin = np.searchsorted(u[leaving], np.arange(n_nodes + 1))
    n_out = np.diff(begin)[v]
    first = np.concatenate([[0], np.cumsum(n_out)])
    off = np.repeat(np.arange(u.size), n_out)
    onto = leaving[begin[v[off]] + np.arange(off.size) - first[off]]
    back = reverse[off] == onto
    cost = _cost(off, onto, back, n_out - _has_back(reverse), costs, lines)
    banned = _is_banned(off, onto, forbidden, n_edges=u.size)
    most = np.zeros(n_nodes, np.int64)
    np.maximum.at(most, v[off[~back]], cost[~back])
    most[v[off[banned & ~back]]] = -1
    kept = ~banned
    first = np.concatenate([[0], np.cumsum(np.bincount(off[kept], minlength=u.size))])
    return Turns(first, onto[kept], cost[kept], most)


def _has_back(reverse: Ints) -> Ints:
    return (reverse >= 0).astype(np.int64)


def _cost(off: Ints, onto: Ints, back: Bools, n_on: Ints, costs: TurnCosts, lines: NDArray[np.object_] | None) -> Ints:
    if costs == FREE or lines is None:
        return np.zeros(off.size, np.int64)
    begins, ends = bearings(lines)
    side = sides(turned(ends[off], begins[onto]), back)
    by_side = np.rint(1000 * np.array([0, costs.left_s, costs.right_s, costs.u_turn_s])).astype(np.int64)
    bends = (n_on[off] == 1) & ~back
    return np.where(bends, 0, by_side[side])


def _is_banned(off: Ints, onto: Ints, forbidden: Collection[tuple[int, int]], *, n_edges: int) -> Bools:
    pairs = np.array(sorted(forbidden), dtype=np.int64).reshape(-1, 2)
    return np.isin(off * n_edges + onto, pairs[:, 0] * n_edges + pairs[:, 1])


def forbidden_turns(
    restrictions: Iterable[Restriction], u: Ints, v: Ints, node_id: Ints, ways: NDArray[np.object_]
) -> set[tuple[int, int]]:
    """Return the pairs of edges (from, onto) that ``restrictions`` forbid.

    A restriction whose node or ways are not among the streets forbids nothing here.

    Parameters
    ----------
    u, v : shape (e,), rows of ``node_id``.
    ways : shape (e,), per edge the ids of the ways it is made of.
    """
    row_of = {int(node): row for row, node in enumerate(node_id)}
    pairs: set[tuple[int, int]] = set()
    unused = 0
    for each in restrictions:
        node = row_of.get(each.via, -1)
        coming = [e for e in np.flatnonzero(v == node) if each.origin in ways[e]]
        leaving = np.flatnonzero(u == node)
        meant = {int(e) for e in leaving if each.target in ways[e]}
        unused += not (coming and meant)
        if coming and meant:
            off = {int(e) for e in leaving} - meant if each.only else meant
            pairs |= {(int(a), b) for a in coming for b in off}
    if unused:
        _LOG.info("%d turn restrictions are about no street of the network", unused)
    return pairs
