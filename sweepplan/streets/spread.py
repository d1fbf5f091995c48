"""Shortest ways on directed edges with turns, in whole numbers. Numbers only, compiled.

A state is an edge that one has turned onto; its label is the least cost at its start, turn included. Edges wait in
buckets by the cost at their *end* (Dial 1969); within a bucket the order is free, and an edge whose label falls later
is taken again. An edge that arrives at a node so much after another that all its turns are beaten goes no further:
without turn costs that is the plain search over nodes, with them only a little more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweepplan.streets.compiled import compiled, inlined

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]
Floats = NDArray[np.float64]

FAR = 1 << 30
"""No way there: more than twelve days in milliseconds, or a thousand kilometres in millimetres."""

FROM_NODE = -2
"""What stands for the edge one came by where a search starts at a node."""

_MOST_BUCKETS = 2048


V, COST, REVERSE, FIRST = range(4)
START, VIA, BUCKET, AFTER, BEFORE = range(5)
ARRIVAL, BY, MOST = range(3)


class Net(NamedTuple):
    """Directed edges and the turns between them. What is read together lies together in memory.

    Attributes
    ----------
    edge : shape (e + 1, 4): V end node, COST ``>= 1``, REVERSE the same street the other way (-1 = none), FIRST its
        first turn; the last row holds the end of the last edge's turns alone.
    onto, turn : shape (t,), the turns, by edge one comes from: edge turned onto, cost.
    most : shape (nodes,), the most that a turn there costs, U-turns apart; ``FAR`` where one is forbidden.
    leave_first, leave : the edges out of node ``n`` are ``leave[leave_first[n]:leave_first[n + 1]]``.
    """

    edge: Int32s
    onto: Int32s
    turn: Int32s
    most: Int32s
    leave_first: Int32s
    leave: Int32s


class Marks(NamedTuple):
    """What a search writes down; blank again once :func:`wipe` has run.

    Attributes
    ----------
    edge : shape (e + 2, 5): START least cost at the edge's start, turn included; VIA the edge before it; BUCKET it
        waits in (-1 = none), AFTER and BEFORE its neighbours there. The last two rows are the edges the source lies on.
    node : shape (nodes, 3): ARRIVAL least cost at the node, BY which edge one comes, MOST of the net.
    head : first edge of every bucket, a power of two of them.
    shift : shape (1,), a bucket is ``1 << shift`` wide.
    edges, nodes, used : which were written, and how many of each.
    """

    edge: Int32s
    node: Int32s
    head: Int32s
    shift: Int32s
    edges: Int32s
    nodes: Int32s
    used: Int32s


def blank(net: Net) -> Marks:
    """Return marks on which nothing is written."""
    n_edges, n_nodes = len(net.edge) + 1, net.most.size
    longest = int(net.edge[:, COST].max()) + int(net.turn.max(initial=0))
    shift = max(0, longest.bit_length() - (_MOST_BUCKETS // 2).bit_length() + 1)
    n_buckets = 1 << ((longest >> shift) + 1).bit_length()
    node = np.column_stack([np.full(n_nodes, FAR), np.full(n_nodes, -1), net.most])
    return Marks(
        edge=np.tile(np.array([FAR, -1, -1, -1, -1], np.int32), (n_edges, 1)),
        node=np.ascontiguousarray(node, dtype=np.int32),
        head=np.full(n_buckets, -1, np.int32),
        shift=np.full(1, shift, np.int32),
        edges=np.empty(n_edges, np.int32),
        nodes=np.empty(n_nodes, np.int32),
        used=np.zeros(2, np.int32),
    )


@inlined
def _put(mark: Int32s, head: Int32s, edge: int, slot: int) -> None:
    """Put the edge into a bucket."""
    top = head[slot]
    mark[edge, AFTER], mark[edge, BEFORE], mark[edge, BUCKET] = top, -1, slot
    if top >= 0:
        mark[top, BEFORE] = edge
    head[slot] = edge


@inlined
def _take(mark: Int32s, head: Int32s, edge: int) -> None:
    """Take the edge out of its bucket."""
    after, before = mark[edge, AFTER], mark[edge, BEFORE]
    if before >= 0:
        mark[before, AFTER] = after
    else:
        head[mark[edge, BUCKET]] = after
    if after >= 0:
        mark[after, BEFORE] = before
    mark[edge, BUCKET] = -1


@inlined
def _beaten(of: Int32s, mark: Int32s, node: Int32s, source: Ints, at: int, end: int) -> bool:
    """Say whether nothing gets cheaper by coming to node ``at`` at cost ``end``."""
    if end < node[at, ARRIVAL] + node[at, MOST]:
        return False
    by, n_edges = node[at, BY], len(of) - 1
    if by == FROM_NODE:
        return True
    back = of[source[by - n_edges] if by >= n_edges else by, REVERSE]  # its U-turn may cost more than other turns
    return bool(back < 0 or end >= mark[back, START])


@compiled
def search(net: Net, marks: Marks, source: Ints, left: Ints, stand: int, limit: int) -> None:  # noqa: C901 - one loop
    """Write the least cost to everything within ``limit``.

    Parameters
    ----------
    source, left : shape (2,), the edges the source lies on (-1 = none) and the cost from it to their ends.
    stand : the node it stands at, -1 = none.
    """
    of, onto, turn, _, leave_first, leave = net
    mark, node, head, shift, edges, nodes, used = marks
    n_edges, wide, slots = len(of) - 1, shift[0], head.size - 1
    n_edge, n_node, waiting, now = 0, 0, 0, 1 << 40
    for k in range(2):
        if source[k] >= 0 and left[k] <= limit:
            mark[n_edges + k, START] = left[k] - of[source[k], COST]
            _put(mark, head, n_edges + k, (left[k] >> wide) & slots)
            waiting, now = waiting + 1, min(now, left[k] >> wide)
    if stand >= 0:
        node[stand, ARRIVAL], node[stand, BY], nodes[0], n_node, now = 0, FROM_NODE, stand, 1, 0
        for k in range(leave_first[stand], leave_first[stand + 1]):
            mark[leave[k], START], mark[leave[k], VIA], edges[n_edge] = 0, FROM_NODE, leave[k]
            n_edge += 1
            if of[leave[k], COST] <= limit:
                _put(mark, head, leave[k], (of[leave[k], COST] >> wide) & slots)
                waiting += 1
    while waiting:
        while head[now & slots] >= 0:
            edge = head[now & slots]
            _take(mark, head, edge)
            waiting -= 1
            real = source[edge - n_edges] if edge >= n_edges else edge
            at, end = of[real, V], mark[edge, START] + of[real, COST]
            if end < node[at, ARRIVAL]:
                if node[at, ARRIVAL] == FAR:
                    nodes[n_node] = at
                    n_node += 1
                node[at, ARRIVAL], node[at, BY] = end, edge
            elif _beaten(of, mark, node, source, at, end):
                continue
            for k in range(of[real, FIRST], of[real + 1, FIRST]):
                onward, label = onto[k], end + turn[k]
                if label >= mark[onward, START] or label > limit:
                    continue
                if mark[onward, START] == FAR:
                    edges[n_edge] = onward
                    n_edge += 1
                elif mark[onward, BUCKET] >= 0:
                    _take(mark, head, onward)
                    waiting -= 1
                mark[onward, START], mark[onward, VIA] = label, edge
                label += of[onward, COST]
                if label <= limit and not _beaten(of, mark, node, source, of[onward, V], label):
                    _put(mark, head, onward, (label >> wide) & slots)
                    waiting += 1
        now += 1
    used[0], used[1] = n_edge, n_node


@compiled
def wipe(marks: Marks) -> None:
    """Take back all that a search wrote."""
    mark, node, edges, nodes = marks.edge, marks.node, marks.edges, marks.nodes
    for k in range(marks.used[0]):
        mark[edges[k], START] = FAR
    for k in range(marks.used[1]):
        node[nodes[k], ARRIVAL] = FAR


@compiled
def arrive(mark: Int32s, node: Int32s, edge: Ints, done: Ints, at: int) -> int:
    """Return the least cost to a spot on the two edges ``edge``, ``done`` from their starts, or at node ``at``."""
    least = node[at, ARRIVAL] if at >= 0 else FAR
    for k in range(2):
        if edge[k] >= 0 and mark[edge[k], START] < FAR:
            least = min(least, mark[edge[k], START] + done[k])
    return least


@compiled
def spread(
    net: Net, marks: Marks, origins: tuple[Ints, Ints, Ints], spots: tuple[Ints, Ints, Ints], limit: int, out: Int32s
) -> None:
    """Write the least cost from each origin (``source, left, stand``) to each spot (``edge, done, at``) into ``out``.

    The one function here that fills what it is given: compiled without memory of its own.
    """
    (source, left, stand), (edge, done, at) = origins, spots
    mark, node = marks.edge, marks.node
    for i in range(stand.size):
        search(net, marks, source[i], left[i], stand[i], limit)
        for j in range(at.size):
            out[i, j] = arrive(mark, node, edge[j], done[j], at[j])
        wipe(marks)
