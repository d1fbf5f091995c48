"""Shortest ways between spots on edges, in whole numbers: milliseconds or millimetres. Numbers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CHUNK = 64
"""So many sources go through Dijkstra's algorithm at a time."""

_NO_NODE = -1


@dataclass(frozen=True, eq=False)
class Spots:
    """Where points lie on the edges of :class:`Ways`.

    Attributes
    ----------
    edge : shape (n,), the lower of its street's two edges; -1 where the point lies on none.
    share : shape (n,), how far along that edge, 0 to 1.
    out_node, out_cost : shape (n, 2), the nodes one may go on to and the cost to get there; ``inf`` = none.
    in_node, in_cost : shape (n, 2), the nodes one may come from and the cost from there; ``inf`` = none.
        Column 0 is along the edge, column 1 along its reverse.
    """

    edge: Ints
    share: Floats
    out_node: Ints
    out_cost: Floats
    in_node: Ints
    in_cost: Floats


@dataclass(frozen=True, eq=False)
class Piece:
    """Part of a way: along ``edge`` from share ``start`` to share ``stop``."""

    edge: int
    start: float
    stop: float


@dataclass(frozen=True, eq=False)
class Ways:
    """Directed edges with whole costs.

    Attributes
    ----------
    u, v, cost : shape (e,), from node, to node, cost ``>= 1``.
    reverse : shape (e,), the same street the other way, -1 = none; the reverse of the reverse is the edge.
    csr : shape (nodes, nodes), least cost over parallel edges; a loop is no way to anywhere and left out.
    edge_of : the edge of every entry of ``csr.data``.
    """

    u: Ints
    v: Ints
    cost: Ints
    reverse: Ints
    csr: csr_matrix
    edge_of: Ints

    @classmethod
    def of(cls, u: Ints, v: Ints, cost: Ints, reverse: Ints, *, n_nodes: int) -> Ways:
        """Make the CSR matrix of the edges."""
        order = np.lexsort((np.arange(u.size), cost, v, u))
        order = order[u[order] != v[order]]
        pair = u[order] * n_nodes + v[order]
        best = order[np.concatenate([[True], pair[1:] != pair[:-1]])] if order.size else order
        indptr = np.searchsorted(u[best], np.arange(n_nodes + 1)).astype(np.int32)
        csr = csr_matrix((cost[best], v[best].astype(np.int32), indptr), shape=(n_nodes, n_nodes))
        return cls(u, v, cost, reverse, csr, best)

    def spots(self, edge: Ints, share: Floats) -> Spots:
        """Place points on edges; a point at an end of its edge is that node, and may go anywhere from there."""
        there = edge >= 0
        e = np.where(there, edge, 0)
        back = self.reverse[e]
        turned = (back >= 0) & (back < e)
        e, back, share = np.where(turned, back, e), np.where(turned, e, back), np.where(turned, 1 - share, share)
        cost, cost_back = self.cost[e], self.cost[back]
        done, done_back = np.rint(share * cost), np.rint(share * cost_back)
        out_cost = np.column_stack([cost - done, np.where(back >= 0, done_back, np.inf)])
        in_cost = np.column_stack([done, np.where(back >= 0, cost_back - done_back, np.inf)])
        out_node, in_node = np.column_stack([self.v[e], self.u[e]]), np.column_stack([self.u[e], self.v[e]])
        for at, node in ((share == 0, self.u[e]), (share == 1, self.v[e])):
            out_node[at], in_node[at] = node[at, None], node[at, None]
            out_cost[at], in_cost[at] = (0, np.inf), (0, np.inf)
        out_cost[~there], in_cost[~there] = np.inf, np.inf
        return Spots(np.where(there, e, -1), share, out_node, out_cost, in_node, in_cost)

    def matrix(self, origins: Spots, destinations: Spots) -> Floats:
        """Return least costs, shape (n, m), ``inf`` where there is no way."""
        out = np.full((origins.edge.size, destinations.edge.size), np.inf)
        for rows, block in self._blocks(origins, destinations, np.inf):
            out[rows] = block
        return out

    def pairs(self, origins: Spots, destinations: Spots, limit: float) -> tuple[Ints, Ints, Floats]:
        """Return origin, destination and cost of every pair whose least cost is ``<= limit``, by origin."""
        found = []
        for rows, block in self._blocks(origins, destinations, limit):
            i, j = np.nonzero(block <= limit)
            found.append((rows[i], j.astype(np.int64), block[i, j]))
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        i, j, cost = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.lexsort((j, i))
        return i[order], j[order], cost[order]

    def path(self, origins: Spots, destinations: Spots) -> tuple[float, list[Piece]]:
        """Return the least cost from the first origin to the first destination and the pieces of the way.

        Cost ``inf`` and no piece where there is no way.
        """
        one_street = origins.edge[0] == destinations.edge[0]
        direct = self._direct(origins, destinations)[2] if one_street else np.empty(0)
        graph = self._with_sources(origins.out_node[:1], origins.out_cost[:1])
        cost, before = dijkstra(graph, indices=np.array(self.csr.shape[0]), return_predecessors=True)
        around = cost[destinations.in_node[0]] - 1 + destinations.in_cost[0]
        entry = int(around.argmin())
        least = min(float(around[entry]), float(direct.min(initial=np.inf)))
        if not np.isfinite(least):
            return np.inf, []
        if direct.size and direct[0] == least:
            return least, [self._direct_piece(origins, destinations)]
        nodes = _walk_back(before, int(destinations.in_node[0, entry]))
        pieces = [self._first_piece(origins, nodes[0]), *self._pieces(nodes), _last_piece(self, destinations, entry)]
        return least, [piece for piece in pieces if piece is not None]

    def _blocks(self, origins: Spots, destinations: Spots, limit: float) -> Iterator[tuple[Ints, Floats]]:
        """Yield origins and their costs to all destinations, ``inf`` where it is above ``limit``, chunk by chunk."""
        there = np.flatnonzero(origins.edge >= 0)
        alike = np.column_stack([origins.out_node[there], origins.out_cost[there]])
        sources, source_of = np.unique(alike, axis=0, return_inverse=True)
        source_of = source_of.ravel()
        direct = pd.DataFrame(dict(zip("ijc", self._direct(origins, destinations), strict=True)))
        for start in range(0, len(sources), CHUNK):
            chunk = sources[start : start + CHUNK]
            to_all = self._from(chunk[:, :2].astype(np.int64), chunk[:, 2:], destinations, limit)
            mine = (source_of >= start) & (source_of < start + CHUNK)
            rows = there[mine]
            block = to_all[source_of[mine] - start]
            near = direct[np.isin(direct["i"], rows)]
            k, j = np.searchsorted(rows, near["i"]), near["j"].to_numpy()
            block[k, j] = np.minimum(block[k, j], near["c"])
            yield rows, block

    def _from(self, node: Ints, cost: Floats, destinations: Spots, limit: float) -> Floats:
        first = self.csr.shape[0]
        graph = self._with_sources(node, cost)
        reached = dijkstra(graph, indices=np.arange(first, first + len(node)), limit=limit + 1) - 1
        by_edge = reached[:, destinations.in_node[:, 0]] + destinations.in_cost[:, 0]
        return np.minimum(by_edge, reached[:, destinations.in_node[:, 1]] + destinations.in_cost[:, 1])

    def _with_sources(self, node: Ints, cost: Floats) -> csr_matrix:
        """Return the graph with one more node per source, joined to its exits at their cost and one.

        The one is taken off again by the caller: an entry of zero would count as no edge.
        """
        twice = (node[:, 0] == node[:, 1]) & (cost[:, 1] >= cost[:, 0])
        kept = np.isfinite(cost)
        kept[:, 1] &= ~twice
        kept[:, 0] &= (node[:, 0] != node[:, 1]) | twice
        n = self.csr.shape[0] + len(node)
        ends = self.csr.indptr[-1] + np.cumsum(kept.sum(axis=1))
        return csr_matrix(
            (
                np.concatenate([self.csr.data, cost[kept] + 1]),
                np.concatenate([self.csr.indices, node[kept]]).astype(np.int32),
                np.concatenate([self.csr.indptr, ends]).astype(np.int32),
            ),
            shape=(n, n),
        )

    def _direct(self, origins: Spots, destinations: Spots) -> tuple[Ints, Ints, Floats]:
        """Return origin, destination and cost of the pairs on one street with a way that leaves it at no end."""
        a, b = (
            pd.DataFrame({"edge": spots.edge, "share": spots.share}).rename_axis("row")
            for spots in (origins, destinations)
        )
        both = a[a["edge"] >= 0].reset_index().merge(b[b["edge"] >= 0].reset_index(), on="edge", suffixes=("_a", "_b"))
        e = both["edge"].to_numpy()
        s, t = both["share_a"].to_numpy(), both["share_b"].to_numpy()
        back = self.reverse[e]
        ahead = np.rint(t * self.cost[e]) - np.rint(s * self.cost[e])
        behind = np.rint(s * self.cost[back]) - np.rint(t * self.cost[back])
        cost = np.where(s <= t, ahead, np.where(back >= 0, behind, np.inf))
        return both["row_a"].to_numpy(), both["row_b"].to_numpy(), cost.astype(float)

    def _direct_piece(self, origins: Spots, destinations: Spots) -> Piece:
        edge, s, t = int(origins.edge[0]), float(origins.share[0]), float(destinations.share[0])
        return Piece(edge, s, t) if s <= t else Piece(int(self.reverse[edge]), 1 - s, 1 - t)

    def _first_piece(self, origins: Spots, node: int) -> Piece | None:
        edge, share = int(origins.edge[0]), float(origins.share[0])
        if share in (0, 1):
            return None
        cost = np.where(origins.out_node[0] == node, origins.out_cost[0], np.inf)
        if cost.argmin() == 0:
            return Piece(edge, share, 1)
        return Piece(int(self.reverse[edge]), 1 - share, 1)

    def _pieces(self, nodes: list[int]) -> list[Piece]:
        pieces = []
        for a, b in pairwise(nodes):
            start, stop = self.csr.indptr[a], self.csr.indptr[a + 1]
            at = start + int(np.searchsorted(self.csr.indices[start:stop], b))
            pieces.append(Piece(int(self.edge_of[at]), 0, 1))
        return pieces


def _walk_back(before: NDArray[np.int32], node: int) -> list[int]:
    """Return the nodes from the first after the source to ``node``; the source has no node before it."""
    nodes = []
    while before[node] >= 0:
        nodes.append(node)
        node = int(before[node])
    return nodes[::-1]


def _last_piece(ways: Ways, destinations: Spots, entry: int) -> Piece | None:
    edge, share = int(destinations.edge[0]), float(destinations.share[0])
    if share in (0, 1):
        return None
    return Piece(edge, 0, share) if entry == 0 else Piece(int(ways.reverse[edge]), 0, 1 - share)
