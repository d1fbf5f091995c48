"""Rules that contradict each other: which one, given way a little, would let the others be kept."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from sweepplan.model import Floats, Ints, KioskProblem
from sweepplan.siting.core import Core
from sweepplan.siting.highs import chain_of
from sweepplan.siting.side import Side

Row = tuple[Ints, Floats, float, float]
"""Columns, values, least, most."""


def ways_out(problem: KioskProblem, core: Core, side: Side) -> list[str]:
    """Return, per rule that alone stands in the way of all others, the least it must give; empty where none is."""
    said = []
    for name in _rules(core, side):
        given = _least_given(core, side, name)
        if given is not None and given > 1e-6:
            said.append(_words(problem, side, name, given))
    return said


def _words(problem: KioskProblem, side: Side, name: str, given: float) -> str:
    whole = round(given)
    match name:
        case "k":
            return f"k = {problem.k + whole} instead of {problem.k}"
        case "budget":
            return f"a budget of {(problem.rules.budget or 0) + whole} instead of {problem.rules.budget}"
        case "spacing":
            return f"{whole} pair{'s' if whole != 1 else ''} of sites nearer than the spacing"
        case "minimum":
            wanted = sum(max(need, 0) for _, need in side.groups)
            return f"{wanted - whole} instead of {wanted} sites over all the groups that have a minimum"
        case _:
            unit = problem.weights()[1]
            return f"{given * unit / problem.most:.3g} less demand covered over all the districts with a floor"


def _rules(core: Core, side: Side) -> dict[str, list[Row]]:
    s, inf = core.sites.size, np.inf
    rules: dict[str, list[Row]] = {"k": [(np.arange(s), np.ones(s), -inf, float(side.k))]}
    if side.cost is not None:
        rules["budget"] = [(np.arange(s), side.cost.astype(float), -inf, float(side.budget))]
    if side.near.size:
        pairs = np.argwhere(np.triu(side.near, 1))
        rules["spacing"] = [(pair, np.ones(2), -inf, 1.0) for pair in pairs]
    needs = [(cols, np.ones(cols.size), float(need), inf) for cols, need in side.groups if need > 0]
    if needs:
        rules["minimum"] = needs
    if side.room is not None:
        chain = chain_of(core)
        base = np.bincount(core.district + 1, chain.base, side.room.size + 1)[1:]
        rules["floors"] = [
            (s + np.flatnonzero(chain.district == d), chain.weight[chain.district == d], -inf, float(room - base[d]))
            for d, room in enumerate(side.room)
        ]
    return rules


def _least_given(core: Core, side: Side, soft: str) -> float | None:
    """Return the least that the rows of rule ``soft`` must give in all for the rest to hold; None: they never hold."""
    s = core.sites.size
    n_sets = chain_of(core).weight.size if side.room is not None else 0
    rules = _rules(core, side)
    slack = len(rules[soft])
    blocks: list[sparse.csr_array[np.float64]] = []
    low: list[float] = []
    high: list[float] = []
    for name, rows in rules.items():
        for i, (columns, values, least, most) in enumerate(rows):
            columns, values = np.asarray(columns), np.asarray(values, dtype=float)
            if name == soft:
                columns = np.append(columns, s + n_sets + i)
                values = np.append(values, 1.0 if np.isfinite(least) else -1.0)
            row = (np.zeros(columns.size, int), columns)
            blocks.append(sparse.csr_array((values, row), shape=(1, s + n_sets + slack)))
            low.append(least)
            high.append(most)
    if n_sets:
        chain = chain_of(core)
        parts = [chain.sets, sparse.eye_array(n_sets, format="csr"), sparse.csr_array((n_sets, slack))]
        blocks.append(sparse.csr_array(sparse.hstack(parts)))
        low += [1.0] * n_sets
        high += [np.inf] * n_sets
    size = s + n_sets + slack
    aim = np.r_[np.zeros(s + n_sets), np.ones(slack)]
    kinds = np.r_[np.ones(s), np.zeros(n_sets + slack)]
    bounds = Bounds(np.zeros(size), np.r_[np.ones(s), np.full(n_sets + slack, np.inf)])
    rows_of = LinearConstraint(sparse.csr_array(sparse.vstack(blocks)), low, high)
    found = milp(aim, integrality=kinds, bounds=bounds, constraints=rows_of, options={"time_limit": 20.0})
    return float(found.fun) if found.status == 0 else None
