"""The compact maximal-covering model in HiGHS: its relaxation for multipliers, its exact search for the rest.

maximise ``sum w y`` where ``y <= sum of the x that cover it``, ``sum x <= k``, ``0 <= y <= 1`` (Church, ReVelle 1974).
"""

from __future__ import annotations

from typing import Any

import highspy
import numpy as np
from scipy import sparse

from sweepplan.errors import SolverError
from sweepplan.model import Floats, Ints
from sweepplan.siting.cover import Cover


def relax(cover: Cover, k: int, *, seconds: float) -> tuple[Floats, Floats] | None:
    """Return x (s,) and the multipliers u (m,) of ``y <= sum x`` at the relaxation's optimum; None: time ran out.

    The x have no upper bound: above 1 they are of no use, so the optimum stays the same, and its dual is then
    ``sum(w - u) + k * largest column sum of u``, which the sum over the k largest columns can only better.
    """
    solver = _solver(seconds)
    # Simplex took 10 times as long at 160,000 pairs.
    solver.setOptionValue("solver", "ipm")
    scale = _pass_model(solver, cover, k, whole=False)
    _run(solver)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found = solver.getSolution()
    u = np.clip(-np.array(found.row_dual[:-1]) / scale, 0.0, cover.w)
    return np.array(found.col_value[: cover.sites.size]), u


def search(cover: Cover, k: int, start: Ints, *, step: float, seconds: float, nodes: int | None) -> tuple[Ints, float]:
    """Return the best columns found (at most ``k``) and HiGHS's bound on the weight that any choice covers.

    ``step`` : two values of plans differ by this much or not at all; 0 where unknown.
    """
    solver = _solver(seconds)
    scale = _pass_model(solver, cover, k, whole=True)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 0.999 * step * scale)
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    known = highspy.HighsSolution()
    chosen = np.zeros(cover.sites.size)
    chosen[start] = 1
    known.col_value = np.concatenate([chosen, cover.counts(start) > 0]).tolist()
    solver.setSolution(known)
    _run(solver)
    info = solver.getInfo()
    x = np.array(solver.getSolution().col_value[: cover.sites.size])
    columns = np.flatnonzero(x > 0.5) if x.size else start
    return columns, -float(info.mip_dual_bound) / scale


def _solver(seconds: float) -> Any:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    solver.setOptionValue("time_limit", seconds)
    return solver


def _pass_model(solver: Any, cover: Cover, k: int, *, whole: bool) -> float:
    """Hand the model over, weights times the power of two returned: HiGHS's tolerances are absolute."""
    m, s = cover.reach.shape
    scale = float(2.0 ** (10 - np.ceil(np.log2(cover.w.max()))))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = s + m, m + 1
    lp.col_cost_ = np.concatenate([np.zeros(s), -cover.w * scale])
    lp.col_lower_ = np.zeros(s + m)
    lp.col_upper_ = np.concatenate([np.full(s, 1.0 if whole else highspy.kHighsInf), np.ones(m)])
    lp.row_lower_ = np.full(m + 1, -highspy.kHighsInf)
    lp.row_upper_ = np.concatenate([np.zeros(m), [k]])
    links = sparse.hstack([-cover.reach, sparse.eye_array(m)])
    count = sparse.csr_array(np.concatenate([np.ones(s), np.zeros(m)])[np.newaxis])
    matrix = sparse.csr_array(sparse.vstack([links, count]))
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    if whole:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * s + [highspy.HighsVarType.kContinuous] * m
    if solver.passModel(lp) == highspy.HighsStatus.kError:
        raise SolverError(f"HiGHS refused a model of {m} demand rows and {s} sites: check the weights' range")
    return scale


def _run(solver: Any) -> None:
    if solver.run() == highspy.HighsStatus.kError:
        raise SolverError(f"HiGHS stopped: {solver.modelStatusToString(solver.getModelStatus())}")
