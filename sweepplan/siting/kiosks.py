"""Kiosk problem to kiosk plan: the sites that cover most demand, and the proof that no others cover more."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from sweepplan.model import Floats, Ints, KioskPlan, KioskProblem, Limit
from sweepplan.siting.cover import Cover, cover_of
from sweepplan.siting.greedy import greedy, needed, swap
from sweepplan.siting.highs import relax, search

Progress = Callable[[float, float], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Best:
    """The best columns so far, what they cover, the bound, and the multipliers that prove it (None: HiGHS's word)."""

    columns: Ints
    value: float
    bound: float
    multipliers: Floats | None


def solve_kiosks(problem: KioskProblem, *, limit: Limit | None = None, progress: Progress | None = None) -> KioskPlan:
    """Choose exactly ``k`` sites that cover the most demand (MCLP; Church, ReVelle 1974), proved best.

    Greedy and swaps give the plan; the multipliers of the relaxation in HiGHS give the bound. Where these two do not
    meet, HiGHS searches among the sites that could still matter.

    Parameters
    ----------
    problem : whole-numbered demand lets the bound be rounded down, which often is what proves the plan.
    limit : seconds, or as iterations the nodes of the search; none: until proved.
    progress : called with (demand covered, bound), each time with what is best so far.

    Returns
    -------
    KioskPlan
        Sites ascending. Of equal choices the same one each time; sites that add nothing are those of lowest index.
        ``bound`` above the value covered only where the limit came first, or in the last digits of fractional demand.

    Raises
    ------
    SolverError
        HiGHS failed.

    Examples
    --------
    Three needle spots in a row, sites 0 and 1 between them, site 1 reaching the heavier two:

    >>> import numpy as np
    >>> problem = KioskProblem(
    ...     np.array([3.0, 4, 5]), 2, np.array([0, 1, 1, 2]), np.array([0, 0, 1, 1]), np.full(4, 150.0), 200, 1)
    >>> plan = solve_kiosks(problem)
    >>> plan.sites, plan.bound
    ((1,), 9.0)
    """
    end = math.inf if limit is None or limit.seconds is None else time.monotonic() + limit.seconds
    nodes = None if limit is None else limit.iterations
    cover = cover_of(problem)
    whole = bool((problem.demand == np.floor(problem.demand)).all())
    best = _start(cover, problem.k, whole)
    for improve in (_relax, partial(_search, nodes=nodes)):
        if progress is not None:
            progress(cover.fixed_weight + best.value, cover.fixed_weight + best.bound)
        seconds = end - time.monotonic()
        if best.bound > best.value and seconds > 0:
            best = improve(cover, problem.k, best, whole=whole, seconds=seconds)
    _log.info("%d kiosks, %g covered, bound %g", problem.k, best.value, best.bound)
    return _plan(problem, cover, best)


def _start(cover: Cover, k: int, whole: bool) -> _Best:
    """Take greedy's choice after swaps, and the better of the two bounds that need no solver."""
    columns = swap(cover, greedy(cover, k))
    # The k sites that cover most, as if none overlapped; or the choice and the k sites that add most to it.
    none_shared, added = cover.w, np.where(cover.counts(columns) > 0, 0.0, cover.w)
    u = min(none_shared, added, key=lambda u: _proved(cover, k, u))
    return _settled(cover, columns, _proved(cover, k, u), u, whole)


def _relax(cover: Cover, k: int, best: _Best, *, whole: bool, seconds: float) -> _Best:
    """Take the relaxation's multipliers, and its k largest x after swaps."""
    relaxed = relax(cover, k, seconds=seconds)
    if relaxed is None:
        return best
    x, u = relaxed
    rounded = swap(cover, np.argsort(-x, kind="stable")[:k])
    columns = max(best.columns, rounded, key=cover.value)
    return _settled(cover, columns, _proved(cover, k, u), u, whole)


def _search(cover: Cover, k: int, best: _Best, *, whole: bool, seconds: float, nodes: int | None) -> _Best:
    """Search among the sites that could still cover more; what the others could is below what is covered already."""
    matter = _may_improve(cover, k, best, whole)
    residual = cover.only(matter)
    start = np.searchsorted(matter, best.columns)
    found, bound = search(residual, k, start, step=float(whole), seconds=seconds, nodes=nodes)
    columns = max(best.columns, greedy(cover, k, matter[found]), key=cover.value)
    if bound + _rounding(cover) < best.bound:
        return _settled(cover, columns, bound, None, whole)
    return _settled(cover, columns, best.bound, best.multipliers, whole)


def _may_improve(cover: Cover, k: int, best: _Best, whole: bool) -> Ints:
    """Return the columns of any choice that covers more than ``best``, and those of ``best`` (reduced-cost fixing)."""
    if best.multipliers is None or k == 0:
        return np.arange(cover.sites.size)
    sums = cover.gains(best.multipliers)
    kth = np.sort(sums)[-k]
    with_it = _proved(cover, k, best.multipliers) - np.maximum(kth - sums, 0)
    matter = with_it >= best.value + (1.0 if whole else 0.0) - _rounding(cover)
    matter[best.columns] = True
    return np.flatnonzero(matter)


def _proved(cover: Cover, k: int, u: Floats) -> float:
    """Return what no choice can exceed: ``sum(w - u)`` + the k largest column sums of u, for any ``0 <= u <= w``."""
    largest = np.sort(cover.gains(u))[cover.sites.size - k :]
    return float((cover.w - u).sum() + largest.sum())


def _settled(cover: Cover, columns: Ints, bound: float, u: Floats | None, whole: bool) -> _Best:
    """Round the bound down where demand is whole, and onto the value where only rounding parts them."""
    value = cover.value(columns)
    bound = float(np.floor(bound + _rounding(cover))) if whole else bound
    return _Best(columns, value, value if bound <= value + _rounding(cover) else bound, u)


def _rounding(cover: Cover) -> float:
    """Return the weight below which two sums are the same."""
    return 1e-9 * float(cover.w.sum())


def _plan(problem: KioskProblem, cover: Cover, best: _Best) -> KioskPlan:
    """Translate columns to sites and rows to demand points."""
    columns = greedy(cover, problem.k, needed(cover, best.columns))
    u = None
    if best.multipliers is not None:
        # -1 takes the 1 at the end: points in no row, which no choice among the free sites changes.
        share = np.append(best.multipliers / cover.w, 1.0)[cover.row_of]
        u = tuple((problem.demand * share).tolist())
    return KioskPlan(
        sites=tuple(np.sort(cover.sites[columns]).tolist()),
        bound=cover.fixed_weight + best.bound,
        solver="sweepplan-mclp",
        multipliers=u,
    )
