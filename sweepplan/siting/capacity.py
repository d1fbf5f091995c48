"""Capacity problem to capacity plan: prices by subgradient steps, sites ruled out by them, the rest in HiGHS."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from sweepplan.errors import ProblemError
from sweepplan.judging.capacity import most_worth, price_bound
from sweepplan.model import CapacityPlan, CapacityProblem, Floats, Ints, Limit
from sweepplan.siting.highs import run, solver_for

_STEPS, _PATIENCE = 300, 12
_MANY, _LIKELY = 20_000, 20
"""Pairs from which on exchanges are tried before HiGHS, and sites that may join."""


def solve_capacity(problem: CapacityProblem, *, limit: Limit | None = None) -> CapacityPlan:
    """Open sites and share demand among them at the least cost.

    The Lagrangian of the demand rows prices each unit (Beasley 1993) and rules sites out; HiGHS searches what is left.

    Raises
    ------
    ProblemError
        No choice of sites keeps all the rules, or none serves what must be served.
    """
    end = math.inf if limit is None or limit.seconds is None else time.monotonic() + limit.seconds
    u, root = _priced(problem)
    half = end if math.isinf(end) else time.monotonic() + 0.4 * (end - time.monotonic())
    few = half if problem.serving.size > _MANY else time.monotonic()
    sites, served, value = _improved(problem, u, _opened(problem, _worth(problem, u)[0]), few)
    small = problem
    if sites is not None and not problem.rules:
        small = _without(problem, u, root, value, {*sites})
        u2, root2 = _priced(small, u, goal=value)
        u, root = (u2, root2) if root2 > root and price_bound(problem, u2) >= root2 - 1e-9 * abs(root2) else (u, root)
    found, shared, bound = _search(small, None if sites is None else (sites, served), end)
    if found is None and time.monotonic() >= end:
        raise ProblemError("capacity problem: no lawful choice of sites found in the time given: give more")
    if found is None:
        raise ProblemError("capacity problem: no choice of sites keeps all the rules and serves what must be served")
    root = price_bound(problem, u)
    return CapacityPlan(tuple(sorted(found)), shared, max(min(bound, _cost(problem, found, shared)), root), u, root)


def _priced(problem: CapacityProblem, u: Floats | None = None, goal: float | None = None) -> tuple[Floats, float]:
    """Return prices a unit of demand and the bound they prove, by steps along the unserved less the over-served."""
    if u is None:
        first = np.full(problem.demand.size, np.inf)
        np.minimum.at(first, problem.pair_demand, problem.serving)
        spread = problem.opening / np.maximum(problem.capacity, 1e-12)
        u = np.where(np.isfinite(first), first, 0.0) + float(np.median(spread)) + 1e-9
        u = np.minimum(u, problem.unserved)
    best_u, best, idle, reach = u, -np.inf, 0, 1.0
    for _ in range(_STEPS):
        worth, spread = _worth(problem, u)
        bound = float(u @ problem.demand) - most_worth(problem, worth)
        idle = 0 if bound > best else idle + 1
        if bound > best:
            best, best_u = bound, u
        taken = np.where(np.isin(problem.pair_site, [*_opened(problem, worth), *problem.fixed]), spread, 0.0)
        slope = problem.demand - np.bincount(problem.pair_demand, taken, problem.demand.size)
        norm = float((slope**2).sum())
        if norm == 0 or reach < 0.01:
            break
        towards = max(best + 0.05 * abs(best) if goal is None else goal, best + 0.005 * abs(best) + 1e-9)
        if idle >= _PATIENCE:
            idle, reach, u = 0, reach / 2, best_u
        else:
            u = np.clip(u + reach * (towards - bound) / norm * slope, 0.0, problem.unserved)
    return best_u, best


def _improved(
    problem: CapacityProblem, u: Floats, sites: Ints, end: float
) -> tuple[tuple[int, ...] | None, Floats, float]:
    """Add, drop and exchange sites while that costs less, those worth most at the prices tried first."""
    best = _served(problem, sites, end)
    net = _worth(problem, u)[0] - problem.opening
    net[[*problem.fixed, *problem.forbidden]] = -np.inf
    likely = [int(j) for j in np.argsort(-net, kind="stable")[:_LIKELY] if np.isfinite(net[j])]
    better = best[0] is not None and np.isinf(problem.unserved) and not problem.rules
    while better and time.monotonic() < end:
        better = False
        now = {*(best[0] or ())}
        moves = [now - {j} for j in now] + [now | {j} for j in likely if j not in now]
        moves += [now - {out} | {j} for j in likely if j not in now for out in now]
        for tried in moves:
            found = _served(problem, np.array(sorted(tried), dtype=np.int64), end)
            if found[2] < best[2] * (1 - 1e-9):
                best, better = found, True
                break
            if time.monotonic() >= end:
                break
    return best


def _worth(problem: CapacityProblem, u: Floats) -> tuple[Floats, Floats]:
    """Return, per site, what it is worth at these prices before opening, and per pair what it would take."""
    gain = u[problem.pair_demand] - problem.serving
    order = np.lexsort((-gain, problem.pair_site))
    site = problem.pair_site[order]
    before = np.cumsum(np.where(gain[order] > 0, problem.demand[problem.pair_demand[order]], 0.0))
    bounds = np.searchsorted(site, np.arange(problem.n_sites + 1))
    offset = np.concatenate([[0.0], before])[bounds[:-1]]
    upto = np.minimum(before - offset[site], problem.capacity[site])
    taken = np.diff(upto, prepend=0.0)
    first = bounds[:-1][bounds[:-1] < bounds[1:]]
    taken[first] = upto[first]
    spread = np.empty(gain.size)
    spread[order] = taken
    worth = np.bincount(problem.pair_site, spread * np.maximum(gain, 0), problem.n_sites).astype(np.float64)
    return worth, spread


def _opened(problem: CapacityProblem, worth: Floats) -> Ints:
    """Return the sites that their worth at the prices would open, more where capacity lacks."""
    net = worth - problem.opening
    net[[*problem.fixed, *problem.forbidden]] = -np.inf
    order = np.argsort(-net, kind="stable")
    order = order[np.isfinite(net[order])]
    if problem.k is not None:
        return order[: problem.k]
    paying = int((net[order] > 0).sum())
    if np.isinf(problem.unserved):
        room = np.cumsum(problem.capacity[order]) + problem.capacity[list(problem.fixed)].sum()
        paying = max(paying, int(np.searchsorted(room, problem.demand.sum() * (1 - 1e-12))) + 1)
    return order[:paying]


def _without(problem: CapacityProblem, u: Floats, root: float, value: float, kept: set[int]) -> CapacityProblem:
    """Forbid the sites that no plan cheaper than ``value`` opens."""
    worth, _ = _worth(problem, u)
    net = worth - problem.opening
    bar = 0.0
    if problem.k is not None:
        free = np.setdiff1d(np.arange(problem.n_sites), [*problem.fixed, *problem.forbidden])
        bar = (
            float(np.sort(np.maximum(net[free], 0))[::-1][max(problem.k - 1, 0)]) if 0 < problem.k <= free.size else 0.0
        )
    if problem.k is None and np.isinf(problem.unserved):
        # The bound buys lacking capacity; without that part it is weaker and the test is safe.
        root = float(np.minimum(u, problem.unserved) @ problem.demand) - float(np.maximum(net, 0).sum())
    out = np.flatnonzero(root + np.maximum(bar - net, 0) > value * (1 + 1e-9))
    gone = {*out.tolist()} - kept - {*problem.fixed}
    return replace(problem, forbidden=tuple(sorted({*problem.forbidden} | gone)))


def _cost(problem: CapacityProblem, sites: tuple[int, ...], served: Floats) -> float:
    left = float(problem.demand.sum() - served.sum())
    cost = float(problem.opening[list(sites)].sum() + problem.serving @ served)
    return cost if np.isinf(problem.unserved) else cost + problem.unserved * left


def _served(problem: CapacityProblem, sites: Ints, end: float) -> tuple[tuple[int, ...] | None, Floats, float]:
    """Return the sites, demand shared among them at the least cost, and that cost; None where they cannot serve."""
    closed = np.setdiff1d(np.arange(problem.n_sites), [*sites, *problem.fixed])
    small = (
        replace(problem, forbidden=tuple(closed.tolist()), rules=type(problem.rules)(), k=None)
        if _able(problem, closed)
        else None
    )
    if small is None or problem.rules:
        return None, np.zeros(problem.serving.size), math.inf
    model, shared = _model(small, whole=False)
    solver = solver_for(max(end - time.monotonic(), 5.0))
    run(solver, model)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None, np.zeros(problem.serving.size), math.inf
    served = _spread(small, np.array(solver.getSolution().col_value), shared)
    chosen = tuple(int(site) for site in sites)
    return chosen, served, _cost(problem, chosen, served)


def _able(problem: CapacityProblem, closed: Ints) -> bool:
    able = np.setdiff1d(np.arange(problem.n_sites), [*closed, *problem.forbidden])
    return not np.isinf(problem.unserved) or problem.capacity[able].sum() >= problem.demand.sum()


def _search(
    problem: CapacityProblem, start: tuple[tuple[int, ...], Floats] | None, end: float
) -> tuple[tuple[int, ...] | None, Floats, float]:
    """Return the best sites, shares and bound that HiGHS finds."""
    model, shared = _model(problem, whole=True)
    solver = solver_for(end - time.monotonic())
    solver.setOptionValue("mip_rel_gap", 1e-9)
    solver.passModel(model)
    if start is not None:
        x = np.zeros(problem.n_sites)
        x[list(start[0])] = 1
        known = highspy.HighsSolution()
        known.col_value = np.concatenate(
            [x, start[1][shared] / np.maximum(problem.demand[problem.pair_demand[shared]], 1e-12)]
        ).tolist()
        solver.setSolution(known)
    run(solver, None)
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None, np.zeros(problem.serving.size), math.inf
    values = np.array(solver.getSolution().col_value)
    bound = float(solver.getInfo().mip_dual_bound) + (
        0.0 if np.isinf(problem.unserved) else problem.unserved * float(problem.demand.sum())
    )
    if not values.size or solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return (start[0], start[1], bound) if start is not None else (None, np.zeros(problem.serving.size), bound)
    sites = tuple(j for j in np.flatnonzero(values[: problem.n_sites] > 0.5).tolist() if j not in problem.fixed)
    return sites, _spread(problem, values, shared), bound


def _spread(problem: CapacityProblem, values: Floats, shared: Ints) -> Floats:
    served = np.zeros(problem.serving.size)
    part = np.clip(values[problem.n_sites :], 0, 1)
    served[shared] = part * problem.demand[problem.pair_demand[shared]]
    return served


def _model(problem: CapacityProblem, *, whole: bool) -> tuple[Any, Ints]:
    """Return the model: x of sites, then the share of each pair that may serve; and those pairs.

    Rows: shares of a point (1 where all must be served), capacity, share <= x, count, rules.
    """
    s, inf = problem.n_sites, highspy.kHighsInf
    closed = np.zeros(s, dtype=np.bool_)
    closed[list(problem.forbidden)] = True
    kept = ~closed[problem.pair_site] & (problem.demand[problem.pair_demand] > 0)
    if not np.isinf(problem.unserved):
        kept &= problem.serving < problem.unserved
    shared = np.flatnonzero(kept)
    point, site = problem.pair_demand[shared], problem.pair_site[shared]
    weight, e = problem.demand[point], shared.size
    at = np.arange(e)
    asked = problem.demand > 0
    rows = [sparse.csr_array((np.ones(e), (point, s + at)), shape=(problem.demand.size, s + e))[np.flatnonzero(asked)]]
    lower = [np.full(int(asked.sum()), 1.0 if np.isinf(problem.unserved) else -inf)]
    upper = [np.ones(int(asked.sum()))]
    unit = max(float(problem.capacity.max(initial=1.0)), 1.0)
    load = sparse.csr_array((weight / unit, (site, s + at)), shape=(s, s + e))
    rows.append(load - sparse.hstack([sparse.diags_array(problem.capacity / unit), sparse.csr_array((s, e))]))
    link = sparse.csr_array((np.r_[np.ones(e), -np.ones(e)], (np.r_[at, at], np.r_[s + at, site])), shape=(e, s + e))
    rows.append(link)
    lower += [np.full(s + e, -inf)]
    upper += [np.zeros(s + e)]
    for columns, values, low, high in _rule_rows(problem):
        rows.append(sparse.csr_array((values, (np.zeros(columns.size, int), columns)), shape=(1, s + e)))
        lower.append(np.array([low]))
        upper.append(np.array([high]))
    matrix = sparse.csr_array(sparse.vstack(rows))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = s + e, matrix.shape[0]
    saved = 0.0 if np.isinf(problem.unserved) else problem.unserved
    opening = problem.opening.copy()
    opening[list(problem.fixed)] = 0
    lp.col_cost_ = np.r_[opening, (problem.serving[shared] - saved) * weight]
    fixed = np.isin(np.arange(s), problem.fixed).astype(float)
    lp.col_lower_, lp.col_upper_ = np.r_[fixed, np.zeros(e)], np.r_[(~closed).astype(float), np.ones(e)]
    lp.row_lower_, lp.row_upper_ = np.concatenate(lower), np.concatenate(upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if whole:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * s + [highspy.HighsVarType.kContinuous] * e
    return lp, shared


def _rule_rows(problem: CapacityProblem) -> list[tuple[Ints, Floats, float, float]]:
    inf, rules, fixed = highspy.kHighsInf, problem.rules, {*problem.fixed}
    rows = []
    if problem.k is not None:
        every = np.arange(problem.n_sites)
        rows.append((every, np.ones(every.size), -inf, float(problem.k + len(fixed))))
    rows += [(np.array(pair), np.ones(2), -inf, 1.0) for pair in rules.apart]
    rows += [(np.unique(np.array(sites)), np.ones(len({*sites})), float(n), inf) for sites, n in rules.at_least]
    if rules.budget is not None:
        cost = np.array(rules.cost, dtype=np.float64)
        cost[list(fixed)] = 0
        rows.append((np.arange(cost.size), cost, -inf, float(rules.budget)))
    return rows
