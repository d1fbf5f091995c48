"""The covering model of a core in HiGHS: its relaxation for multipliers, its exact search for the rest.

A row of demand served with loss ``a`` by the nearest chosen column is a chain of sets: ``z_t = 1`` where none of the
columns with ``a <= a_t`` is chosen, which loses ``a_{t+1} - a_t`` a unit (Church, ReVelle 1974; with steps and
for p-medians Elloumi 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from sweepplan.errors import SolverError
from sweepplan.model import Floats, Ints
from sweepplan.siting.bound import Prices
from sweepplan.siting.core import Core
from sweepplan.siting.side import Side, cliques

_SEED = 7_040
_WHOLE = 1e-6


@dataclass(frozen=True, eq=False)
class Chain:
    """The sets of a core: those alike are one.

    Attributes
    ----------
    weight : per set, loss where none of its columns is chosen.
    sets : shape (sets, s), 1 where the column is in.
    district : per set.
    row, of, share : per link of a row's chain: the row, its set, the part of the set's weight.
    base : shape (m,), loss of each row whatever is chosen.
    """

    weight: Floats
    sets: sparse.csr_array[np.float64]
    district: Ints
    row: Ints
    of: Ints
    share: Floats
    base: Floats


def chain_of(core: Core) -> Chain:
    """Return the sets of columns within each loss of each row."""
    m, s = core.shape
    row = np.repeat(np.arange(m), np.diff(core.start))
    last = np.flatnonzero(
        np.append((np.diff(core.loss) != 0) | (np.diff(row) != 0), True)[: core.loss.size]  # a loss ends here
    )
    link_row = row[last]
    follows = np.append(link_row[1:] == link_row[:-1], False)[: last.size]
    next_loss = np.where(follows, core.loss[np.append(last[1:], 0)[: last.size]], core.cap[link_row])
    worth = core.w[link_row] * (next_loss - core.loss[last])
    size = last + 1 - core.start[link_row]
    names = np.random.default_rng(_SEED).integers(1, 2**63, (2, s), dtype=np.uint64)
    keys = [size, core.district[link_row] if core.district.size else size]
    for name in names:
        summed = np.concatenate([np.zeros(1, np.uint64), np.cumsum(name[core.col], dtype=np.uint64)])
        keys.append(summed[last + 1] - summed[core.start[link_row]])
    order = np.lexsort(keys)
    new = np.zeros(last.size, dtype=np.bool_)
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    of = np.empty(last.size, dtype=np.int64)
    of[order] = np.cumsum(new)
    n_sets = int(of.max(initial=-1)) + 1
    weight = np.bincount(of, worth, n_sets).astype(np.float64)
    _, example = np.unique(of, return_index=True)
    begin = np.concatenate([[0], np.cumsum(size[example])])
    taken = np.repeat(core.start[link_row[example]] - begin[:-1], size[example]) + np.arange(begin[-1])
    sets = sparse.csr_array((np.ones(taken.size), core.col[taken], begin), shape=(n_sets, s))
    base = core.w * core.loss[core.start[:-1]]
    return Chain(weight, sets, core.district[link_row[example]], link_row, of, worth / weight[of], base.astype(float))


def relax(core: Core, side: Side, *, seconds: float) -> tuple[Floats, Prices] | None:
    """Return x (s,) and the multipliers at the relaxation's optimum; None: no time, or no choice keeps the rules."""
    model = _Model(core, side, whole=False)
    solver = solver_for(seconds)
    solver.setOptionValue("solver", "ipm")
    run(solver, model.lp)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found = solver.getSolution()
    return np.array(found.col_value[: core.sites.size]), model.prices(np.array(found.row_dual))


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The relaxation solved: x and reduced cost of each column, loss (inf: no x there is), multipliers, the basis.

    Where there is no x, the multipliers are a ray: however far one goes along it, the bound rises.
    """

    x: Floats
    reduced: Floats
    value: float
    prices: Prices
    basis: Any

    @property
    def whole(self) -> bool:
        """Whether no column is in part."""
        return bool((np.abs(self.x - np.rint(self.x)) <= _WHOLE).all())


class Relaxation:
    """The relaxation of a core, solved again and again as columns are barred and set."""

    def __init__(self, core: Core, side: Side, *, seconds: float) -> None:
        self._model = _Model(core, side, whole=False)
        self._s = core.sites.size
        self._solver = solver_for(seconds)
        self._solver.setOptionValue("presolve", "off")
        self._solver.setOptionValue("solver", "simplex")
        self._solver.passModel(self._model.lp)

    def solve(self, low: Floats, high: Floats, basis: Any = None) -> Relaxed | None:
        """Solve with x between ``low`` and ``high``, from ``basis``; None: no time."""
        status = self._run(low, high, basis)
        if status == highspy.HighsModelStatus.kInfeasible:
            _, there, ray = self._solver.getDualRay()
            none = np.zeros(self._s)
            return Relaxed(none, none, np.inf, self._model.prices(np.array(ray), ray=True), None) if there else None
        if status != highspy.HighsModelStatus.kOptimal:
            return None
        found = self._solver.getSolution()
        x, reduced = np.array(found.col_value[: self._s]), np.array(found.col_dual[: self._s]) / self._model.scale
        prices = self._model.prices(np.array(found.row_dual))
        return Relaxed(x, reduced, self._value(), prices, self._solver.getBasis())

    def value(self, low: Floats, high: Floats, basis: Any, steps: int) -> float:
        """Return about the loss with x between ``low`` and ``high``: no more than ``steps`` of the simplex are made."""
        self._solver.setOptionValue("simplex_iteration_limit", steps)
        status = self._run(low, high, basis)
        self._solver.setOptionValue("simplex_iteration_limit", 2**31 - 1)
        return np.inf if status == highspy.HighsModelStatus.kInfeasible else self._value()

    def _run(self, low: Floats, high: Floats, basis: Any) -> Any:
        self._solver.changeColsBounds(self._s, np.arange(self._s, dtype=np.int32), low, high)
        if basis is not None:
            self._solver.setBasis(basis)
        run(self._solver, None)
        return self._solver.getModelStatus()

    def _value(self) -> float:
        return float(self._solver.getInfo().objective_function_value / self._model.scale + self._model.base)


def search(
    core: Core, side: Side, start: Ints, *, step: float, seconds: float, nodes: int | None
) -> tuple[Ints, float]:
    """Return the best columns found and HiGHS's bound on the loss that any lawful choice has.

    ``step`` : two values of plans differ by this much or not at all; 0 where unknown.
    """
    model = _Model(core, side, whole=True)
    solver = solver_for(seconds)
    for option, value in {"mip_rel_gap": 0.0, "presolve": "off", "mip_heuristic_effort": 0.0}.items():
        solver.setOptionValue(option, value)
    solver.setOptionValue("mip_abs_gap", 0.999 * step * model.scale)
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    solver.passModel(model.lp)
    known = highspy.HighsSolution()
    known.col_value = model.values(start).tolist()
    solver.setSolution(known)
    run(solver, None)
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return start, np.inf
    x = np.array(solver.getSolution().col_value[: core.sites.size])
    columns = np.flatnonzero(x > 0.5) if x.size else start
    return columns, float(solver.getInfo().mip_dual_bound) / model.scale + float(model.base)


def feasible(core: Core, side: Side, worth: Floats, *, seconds: float) -> Ints | None:
    """Return the lawful columns worth most, one by one, floors kept; None where no choice keeps the rules."""
    model = _Model(core, side, whole=True, worth=worth)
    solver = solver_for(seconds)
    solver.setOptionValue("mip_rel_gap", 0.02)
    run(solver, model.lp)
    x = np.array(solver.getSolution().col_value[: core.sites.size])
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible or not x.size:
        return None
    return np.flatnonzero(x > 0.5)


class _Model:
    """The model: x of columns, then z of sets; rows: sets, count, groups, cliques, budget, floors.

    Losses are scaled by the power of two ``scale``, for HiGHS's tolerances are absolute. With ``worth``, the sum of the
    chosen columns' worth is the aim, and sets stand only where floors ask for them.
    """

    def __init__(self, core: Core, side: Side, *, whole: bool, worth: Floats | None = None) -> None:
        self._core, self._side, self._chain = core, side, chain_of(core)
        chain, s = self._chain, core.sites.size
        if worth is not None and side.room is None:
            chain = self._chain = _without_sets(chain, s)
        most = chain.weight.max(initial=1.0) if worth is None else max(float(worth.max(initial=0)), 1.0)
        self.scale = float(2.0 ** (10 - np.ceil(np.log2(most))))
        self.base = chain.base.sum()
        self.cliques = cliques(side.near) if side.near.size else []
        matrix, lower, upper = self._rows()
        n_sets = chain.weight.size
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = s + n_sets, matrix.shape[0]
        aim = np.concatenate([np.zeros(s), chain.weight]) if worth is None else np.r_[-worth, np.zeros(n_sets)]
        lp.col_cost_ = aim * self.scale
        lp.col_lower_ = np.zeros(s + n_sets)
        lp.col_upper_ = np.concatenate([np.ones(s), np.full(n_sets, highspy.kHighsInf)])
        lp.row_lower_, lp.row_upper_ = lower, upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        if whole:
            kinds = [highspy.HighsVarType.kInteger] * s + [highspy.HighsVarType.kContinuous] * n_sets
            lp.integrality_ = kinds
        self.lp = lp

    def _rows(self) -> tuple[sparse.csr_array[np.float64], Floats, Floats]:
        chain, side, s = self._chain, self._side, self._core.sites.size
        n_sets, inf = chain.weight.size, highspy.kHighsInf
        blocks = [sparse.hstack([chain.sets, sparse.eye_array(n_sets)])] if n_sets else []
        lower, upper = [np.ones(n_sets)], [np.full(n_sets, inf)]

        def add(columns: Ints, values: Floats, at_least: float, at_most: float) -> None:
            row = sparse.csr_array((values, (np.zeros(columns.size, int), columns)), shape=(1, s + n_sets))
            blocks.append(row)
            lower.append(np.array([at_least]))
            upper.append(np.array([at_most]))

        add(np.arange(s), np.ones(s), -inf, side.k)
        for cols, need in side.groups:
            add(cols, np.ones(cols.size), need if need > 0 else -inf, inf)
        for cols in self.cliques:
            add(cols, np.ones(cols.size), -inf, 1)
        if side.cost is not None:
            unit = float(max(side.budget, 1))
            add(np.arange(s), side.cost / unit, -inf, side.budget / unit)
        if side.room is not None:
            base = np.bincount(self._core.district + 1, chain.base, side.room.size + 1)[1:]
            for d, room in enumerate(side.room):
                mine = np.flatnonzero(chain.district == d)
                unit = max(float(chain.weight[mine].max(initial=1)), 1.0)
                add(s + mine, chain.weight[mine] / unit, -inf, (float(room) - base[d]) / unit)
        return sparse.csr_array(sparse.vstack(blocks)), np.concatenate(lower), np.concatenate(upper)

    def values(self, columns: Ints) -> Floats:
        """Return x and z of a choice."""
        x = np.zeros(self._core.sites.size)
        x[columns] = 1
        return np.concatenate([x, np.asarray(self._chain.sets @ x) < 1])

    def prices(self, dual: Floats, *, ray: bool = False) -> Prices:
        """Return the multipliers that the duals of the rows are, or a ray of them, clipped to what is lawful."""
        chain, side = self._chain, self._side
        dual = dual / self.scale
        sets, rest = dual[: chain.weight.size], dual[chain.weight.size + 1 :]
        groups, rest = np.clip(rest[: len(side.groups)], 0, None), rest[len(side.groups) :]
        held, rest = np.clip(-rest[: len(self.cliques)], 0, None), rest[len(self.cliques) :]
        budget = 0.0
        if side.cost is not None:
            budget, rest = max(-float(rest[0]), 0.0) / max(side.budget, 1), rest[1:]
        floors = np.zeros(0)
        if side.room is not None:
            units = [max(float(chain.weight[chain.district == d].max(initial=1)), 1.0) for d in range(side.room.size)]
            floors = np.clip(-rest, 0, None) / units
        more = np.zeros(self._core.w.size)
        if floors.size:
            inside = self._core.district >= 0
            more[inside] = floors[self._core.district[inside]]
        sets = np.clip(sets, 0, None)
        more = more if ray else 1 + more
        u = chain.base * more + np.bincount(chain.row, sets[chain.of] * chain.share, self._core.w.size)
        u = np.minimum(u, self._core.w * self._core.cap * more)
        some = tuple((cols, float(price)) for cols, price in zip(self.cliques, held, strict=True) if price > 0)
        return Prices(u, groups, some, budget, floors)


def _without_sets(chain: Chain, s: int) -> Chain:
    none = np.zeros(0, dtype=np.int64)
    return Chain(np.zeros(0), sparse.csr_array((0, s)), none, none, none, np.zeros(0), chain.base)


def solver_for(seconds: float) -> Any:
    """Return HiGHS as every model here runs it: quiet, one thread, repeatable."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    if np.isfinite(seconds):
        solver.setOptionValue("time_limit", max(seconds, 0.01))
    return solver


def run(solver: Any, model: Any | None) -> None:
    """Run HiGHS on ``model``, or on what it holds already.

    Raises
    ------
    SolverError
        It refuses the model or stops.
    """
    if model is not None and solver.passModel(model) == highspy.HighsStatus.kError:
        raise SolverError("HiGHS refused a model of kiosks: check the weights' range")
    if solver.run() == highspy.HighsStatus.kError:
        raise SolverError(f"HiGHS stopped: {solver.modelStatusToString(solver.getModelStatus())}")
