"""Shortest ways between spots on edges, in whole numbers: milliseconds or millimetres. Numbers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sweepplan.errors import StreetsError
from sweepplan.streets.spread import (
    BY,
    COST,
    FAR,
    FROM_NODE,
    REVERSE,
    START,
    VIA,
    Floats,
    Int32s,
    Ints,
    Marks,
    Net,
    V,
    arrive,
    blank,
    search,
    spread,
)
from sweepplan.streets.turns import Turns

Bools = NDArray[np.bool_]

BLOCK = 8_000_000
"""So many costs are worked out at a time."""


@dataclass(frozen=True, eq=False)
class Spots:
    """Where points lie on the edges of :class:`Ways`; column 0 is along the lower edge of the street, 1 its reverse.

    Attributes
    ----------
    street : shape (n,), the lower of its street's two edges; -1 where the point lies on none.
    share : shape (n,), how far along that edge, 0 to 1.
    heading : shape (n,), 1 or -1 where one comes and goes along column 0 or 1 alone; 0: either.
    edge : shape (n, 2), the edges one may come and go by; -1 = none.
    done, left : shape (n, 2), cost from the start of each, and to its end.
    node : shape (n,), the node a point at an end of its edge is, where one may come and go by any edge; -1 = none.
    """

    street: Ints
    share: Floats
    heading: Ints
    edge: Ints
    done: Ints
    left: Ints
    node: Ints

    def __len__(self) -> int:
        return int(self.street.size)

    def __getitem__(self, rows: ArrayLike) -> Spots:
        """Return the spots of ``rows``."""
        at = np.asarray(rows)
        return replace(self, **{name: getattr(self, name)[at] for name in self.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class Piece:
    """Part of a way: along ``edge`` from share ``start`` to share ``stop``."""

    edge: int
    start: float
    stop: float


@dataclass(frozen=True, eq=False)
class Ways:
    """Directed edges with whole costs, and the turns between them."""

    u: Ints
    net: Net

    @classmethod
    def of(cls, u: Ints, v: Ints, cost: Ints, reverse: Ints, turns: Turns, *, n_nodes: int) -> Ways:
        """Make the ways along edges from node ``u`` to ``v`` at ``cost >= 1``.

        Parameters
        ----------
        reverse : shape (e,), the same street the other way, -1 = none; the reverse of the reverse is the edge.
        """
        if cost.max(initial=0) >= FAR:
            raise StreetsError(f"an edge costs {cost.max():,}: at most {FAR:,} (thousandths of a second or metre)")
        leave = np.argsort(u, kind="stable")
        leave_first = np.searchsorted(u[leave], np.arange(n_nodes + 1))
        most = np.where(turns.most < 0, FAR, turns.most)
        edge = np.column_stack([v, cost, reverse, turns.first[:-1]])
        edge = np.vstack([edge, [0, 0, 0, turns.first[-1]]])
        arrays = (edge, turns.onto, turns.cost, most, leave_first, leave)
        return cls(u, Net(*(np.ascontiguousarray(array, dtype=np.int32) for array in arrays)))

    @property
    def v(self) -> Ints:
        """Node every edge ends at."""
        return self._column(V)

    @property
    def cost(self) -> Ints:
        """Cost of every edge."""
        return self._column(COST)

    @property
    def reverse(self) -> Ints:
        """The same street the other way, -1 = none."""
        return self._column(REVERSE)

    def _column(self, column: int) -> Ints:
        return self.net.edge[:-1, column].astype(np.int64)

    def spots(self, edge: Ints, share: Floats, along: Bools) -> Spots:
        """Place points on edges; one at an end of its edge is that node, unless it is passed ``along`` the edge alone.

        Parameters
        ----------
        along : shape (n,), whether one comes and goes along ``edge`` alone, not along its reverse.
        """
        there = edge >= 0
        e = np.where(there, edge, 0)
        back = self.reverse[e]
        turned = (back >= 0) & (back < e)
        heading = np.where(along, np.where(turned, -1, 1), 0)
        e, back, share = np.where(turned, back, e), np.where(turned, e, back), np.where(turned, 1 - share, share)
        both = np.column_stack([e, back])
        cost = np.where(both >= 0, self.cost[both], 0).astype(np.int64)
        done = np.rint(np.column_stack([share, 1 - share]) * cost).astype(np.int64)
        done[:, 1] = cost[:, 1] - np.rint(share * cost[:, 1])
        node = np.where(share == 0, self.u[e], np.where(share == 1, self.v[e], -1))
        node[(heading != 0) | ~there] = -1
        off = np.column_stack([heading < 0, heading > 0]) | ((node >= 0) | ~there)[:, None]
        return Spots(
            street=np.where(there, e, -1),
            share=share,
            heading=heading.astype(np.int64),
            edge=np.where(off, -1, both),
            done=done,
            left=cost - done,
            node=node,
        )

    def matrix(self, origins: Spots, destinations: Spots) -> Floats:
        """Return least costs, shape (n, m), ``inf`` where there is no way."""
        out = np.full((len(origins), len(destinations)), np.inf)
        for rows, block in self._blocks(origins, destinations, FAR - 1):
            out[rows] = np.where(block < FAR, block, np.inf)
        return out

    def pairs(self, origins: Spots, destinations: Spots, limit: int) -> tuple[Ints, Ints, Floats]:
        """Return origin, destination and cost of every pair whose least cost is ``<= limit``, by origin."""
        found = []
        for rows, block in self._blocks(origins, destinations, limit):
            i, j = np.nonzero(block <= limit)
            found.append((rows[i], j.astype(np.int64), block[i, j].astype(float)))
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        i, j, cost = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.lexsort((j, i))
        return i[order], j[order], cost[order]

    def path(self, origins: Spots, destinations: Spots) -> tuple[float, list[Piece]]:
        """Return the least cost from the first origin to the first destination and the pieces of the way.

        Cost ``inf`` and no piece where there is no way.
        """
        a, b = origins[[0]], destinations[[0]]
        direct = self._direct(a, b)[2] if a.street[0] == b.street[0] else np.empty(0, dtype=np.int64)
        marks = blank(self.net)
        search(self.net, marks, a.edge[0], a.left[0], int(a.node[0]), FAR - 1)
        around = int(arrive(marks.edge, marks.node, b.edge[0], b.done[0], int(b.node[0])))
        if direct.size and direct[0] <= around:
            return float(direct[0]), [self._direct_piece(a, b)]
        return (np.inf, []) if around == FAR else (float(around), self._traced(marks, a, b, around))

    def _blocks(self, origins: Spots, destinations: Spots, limit: int) -> Iterator[tuple[Ints, Int32s]]:
        """Yield origins and their costs to all destinations, more than ``limit`` where it is above, block by block."""
        there = np.flatnonzero(origins.street >= 0)
        alike = np.column_stack([origins.edge[there], origins.left[there], origins.node[there]])
        sources, source_of = np.unique(alike, axis=0, return_inverse=True)
        source_of = source_of.ravel()
        direct = pd.DataFrame(dict(zip("ijc", self._direct(origins, destinations), strict=True)))
        marks = blank(self.net)
        to = (destinations.edge, destinations.done, destinations.node)
        step = max(1, BLOCK // max(1, len(destinations)))
        for start in range(0, len(sources), step):
            chunk = np.ascontiguousarray(sources[start : start + step])
            edge, left, stand = (np.ascontiguousarray(chunk[:, at]) for at in (slice(2), slice(2, 4), 4))
            to_all = np.empty((len(chunk), len(destinations)), np.int32)
            spread(self.net, marks, (edge, left, stand), to, limit, to_all)
            mine = (source_of >= start) & (source_of < start + step)
            rows = there[mine]
            block = to_all[source_of[mine] - start]
            near = direct[np.isin(direct["i"], rows)]
            k, j = np.searchsorted(rows, near["i"]), near["j"].to_numpy()
            block[k, j] = np.minimum(block[k, j], near["c"])
            yield rows, block

    def _direct(self, origins: Spots, destinations: Spots) -> tuple[Ints, Ints, Ints]:
        """Return origin, destination and cost of the pairs on one street with a way that leaves it at no end."""
        a, b = (
            pd.DataFrame({"street": s.street, "share": s.share, "heading": s.heading}).rename_axis("row")
            for s in (origins, destinations)
        )
        both = a[a["street"] >= 0].reset_index().merge(b[b["street"] >= 0].reset_index(), on="street")
        e, s, t = (both[name].to_numpy() for name in ("street", "share_x", "share_y"))
        heading = both[["heading_x", "heading_y"]]
        back = self.reverse[e]
        ahead = (s <= t) & (heading >= 0).all(axis=1).to_numpy()
        behind = (s >= t) & (heading <= 0).all(axis=1).to_numpy() & (back >= 0)
        along = np.abs(np.rint(t * self.cost[e]) - np.rint(s * self.cost[e]))
        against = np.abs(np.rint(s * self.cost[back]) - np.rint(t * self.cost[back]))
        kept = ahead | behind
        cost = np.where(ahead, along, against).astype(np.int64)
        return both["row_x"].to_numpy()[kept], both["row_y"].to_numpy()[kept], cost[kept]

    def _direct_piece(self, a: Spots, b: Spots) -> Piece:
        edge, s, t = int(a.street[0]), float(a.share[0]), float(b.share[0])
        ahead = s < t or (s == t and min(a.heading[0], b.heading[0]) >= 0)
        return Piece(edge, s, t) if ahead else Piece(int(self.reverse[edge]), 1 - s, 1 - t)

    def _traced(self, marks: Marks, a: Spots, b: Spots, cost: int) -> list[Piece]:
        """Follow the marks back from the destination."""
        n_edges = self.u.size
        edge, last = int(marks.node[b.node[0], BY]) if b.node[0] >= 0 else FROM_NODE, 1.0
        for k in range(2):
            at = int(b.edge[0, k])
            if at >= 0 and marks.edge[at, START] + b.done[0, k] == cost:
                edge, last = at, float(b.share[0] if k == 0 else 1 - b.share[0])
        pieces: list[Piece] = []
        while 0 <= edge < n_edges:
            pieces.append(Piece(edge, 0.0, last))
            edge, last = int(marks.edge[edge, VIA]), 1.0
        if edge >= n_edges:
            k = edge - n_edges
            pieces.append(Piece(int(a.edge[0, k]), float(a.share[0] if k == 0 else 1 - a.share[0]), last))
        return pieces[::-1]
