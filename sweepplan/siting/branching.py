"""Branch and bound on a core without rules: every node closed by multipliers, so that the tree itself is the proof."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from sweepplan.model import CLOSED, GOES_ON, Floats, Ints
from sweepplan.siting.bound import Node, ruled
from sweepplan.siting.core import Core
from sweepplan.siting.kernels import Climb, ascend, column_sums, first_losses

_STEPS, _PATIENCE, _REACH = 120, 8, 1.0
"""Subgradient steps of a node, see :class:`kernels.Climb`."""


@dataclass(frozen=True, eq=False)
class Step:
    """A stage of the proof: u of the core's rows, the column it branches on, or ``CLOSED``, ``GOES_ON``."""

    u: Floats
    branch: int = GOES_ON


@dataclass(frozen=True, eq=False)
class Tree:
    """What the search found: the best columns, their loss, whether all is proved, and the stages."""

    columns: Ints
    value: int
    closed: bool
    steps: list[Step]


def branch(core: Core, k: int, u: Floats, columns: Ints, *, claim: int, step: float, end: float, nodes: int) -> Tree:
    """Search all choices of ``k`` columns for one that loses less than ``claim``, by at least ``step``.

    Parameters
    ----------
    u : multipliers to start from.
    columns : the best choice so far, which loses ``claim`` or more.
    end : moment of ``time.monotonic`` at which to stop.
    nodes : nodes at most.
    """
    everything = np.ones(core.sites.size, dtype=np.bool_)
    stack = [Node(everything, (), core.cap, u, -np.inf)]
    best, value = columns, claim
    steps: list[Step] = []
    while stack:
        if not nodes or time.monotonic() > end:
            return Tree(best, value, False, steps)
        nodes -= 1
        node = stack.pop()
        node, found, closed = _explore(core, k, node, value, step, steps)
        for tried in found:
            if (lost := core.value(tried)) < value:
                best, value = tried, lost
        if closed:
            steps[-1] = replace(steps[-1], branch=CLOSED)
            continue
        j = _branching_column(core, node)
        steps[-1] = replace(steps[-1], branch=j)
        without = node.alive.copy()
        without[j] = False
        stack.append(replace(node, alive=without))
        stack.append(_standing(core, replace(node, alive=without), (j,)))
    return Tree(best, value, True, steps)


def _explore(
    core: Core, k: int, node: Node, value: int, step: float, steps: list[Step]
) -> tuple[Node, list[Ints], bool]:
    """Raise the node's bound, ruling columns out and in as it rises; return it, choices met, whether it is closed."""
    met = []
    goal = value - step * 0.99
    while True:
        left = k - len(node.standing)
        first = first_losses(core.entries, node.cap, node.alive)
        w = core.w.astype(np.float64)
        low, high = w * first, w * node.cap
        how = Climb(goal, _STEPS, _PATIENCE, _REACH)
        begin = np.clip(node.u, low, high)
        u, bound, x = ascend(core.entries, w, (low, high), node.alive, np.zeros(core.sites.size), left, begin, how)
        steps.append(Step(u))
        met.append(np.array([*node.standing, *x], dtype=np.int64))
        node = replace(node, u=u, bound=bound)
        if bound > value - 0.985 * step:
            return node, met, True
        sums = column_sums(core.entries, w, u, core.sites.size)
        out, into = ruled(sums, node.alive, left, bound, goal)
        node = replace(node, alive=node.alive & ~out & ~into)
        columns = np.flatnonzero(into)
        node = _standing(core, node, tuple(columns.tolist()))
        if len(node.standing) == k or not node.alive.any():
            # All is decided: what stands is the node's only choice, and its own losses are multipliers that say so.
            met.append(np.array(node.standing, dtype=np.int64))
            steps.append(Step(w * node.cap))
            return replace(node, bound=np.inf), met, True
        if not columns.size and out.sum() < 0.1 * node.alive.sum():
            return node, met, False


def _standing(core: Core, node: Node, columns: tuple[int, ...]) -> Node:
    """Return the node with ``columns`` chosen."""
    cap = node.cap.copy()
    for j in columns:
        rows = core.crow[core.cstart[j] : core.cstart[j + 1]]
        cap[rows] = np.minimum(cap[rows], core.closs[core.cstart[j] : core.cstart[j + 1]])
    return replace(node, standing=(*node.standing, *columns), cap=cap)


def _branching_column(core: Core, node: Node) -> int:
    """Return the column whose absence would raise the bound most."""
    sums = column_sums(core.entries, core.w.astype(np.float64), node.u, core.sites.size)
    return int(np.where(node.alive, sums, -np.inf).argmax())
