"""Kiosk problem to kiosk plan: the best sites, and the proof that no others are better."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sweepplan.errors import ProblemError
from sweepplan.judging.certificate import grain, proves
from sweepplan.model import CLOSED, GOES_ON, Certificate, Floats, Ints, KioskPlan, KioskProblem, Limit
from sweepplan.siting.bound import Prices, climb, first_prices, kept_out, proved
from sweepplan.siting.branching import Tree, branch
from sweepplan.siting.conflict import ways_out
from sweepplan.siting.core import Core, core_of
from sweepplan.siting.descent import descend
from sweepplan.siting.highs import feasible, relax, search
from sweepplan.siting.kernels import Climb, gains
from sweepplan.siting.local import greedy, needed, shake, swap
from sweepplan.siting.mending import mend
from sweepplan.siting.proof import Found, certificate_of, loss_of, worth
from sweepplan.siting.side import Side, side_of

Progress = Callable[[float, float], None]

_log = logging.getLogger(__name__)

_CLIMB = (400, 12, 1.2)
_MOST_ENTRIES = 4_000_000
"""Entries of a core up to which HiGHS gets its relaxation."""
_IDLE = 60
_SEED = 7
_RELAXED_ENTRIES, _MOST_CASES = 6_000, 8_000
"""Entries from which on cases are bounded by subgradient steps first, and how many stages there may be then."""
_MOST_BRANCHED, _MOST_BRANCHED_ENTRIES, _NODES = 1_000, 100_000, (150, 2_000)
"""Columns and entries up to which own branch and bound is tried, and its nodes before and after HiGHS's."""
_PART_S = 2.0
"""Seconds for a part of a large choice."""
_MOST_PROOF = 12_000_000
"""Numbers a certificate may hold; a longer proof stays with the solver."""


@dataclass(frozen=True, eq=False)
class _Work:
    """What is left to decide, and what is known: best columns of the core, their loss, the bound, the proof so far."""

    core: Core
    side: Side
    row_of: Ints
    columns: Ints
    prices: Prices
    bound: float
    step: float
    stages: tuple[Found, ...] = ()
    closed: bool = False
    by_solver: bool = False
    proved: float = -math.inf
    end: float = math.inf
    nodes: int | None = None
    enough: int | None = None

    @property
    def value(self) -> int:
        """Loss of the best choice."""
        return self.core.base + self.core.value(self.columns)

    @property
    def claim(self) -> int:
        """The loss that no choice shall be proved to better."""
        return self.value if self.enough is None else min(self.value, self.enough + int(self.step))

    @property
    def goal(self) -> float:
        """A bound so high leaves nothing better to find; the margin is for rounding multipliers to whole numbers."""
        return self.claim - 0.98 * self.step

    @property
    def over(self) -> bool:
        """Whether to stop: proved, good enough, or late."""
        fine = self.enough is not None and self.value <= self.enough
        return self.closed or fine or time.monotonic() >= self.end


def solve_kiosks(
    problem: KioskProblem,
    *,
    limit: Limit | None = None,
    enough: float | None = None,
    progress: Progress | None = None,
) -> KioskPlan:
    """Choose the ``k`` sites that cover the most demand, or of a median walk least, and prove them best.

    Greedy, exchanges and shakes give the plan. Lagrangian multipliers give the bound and rule sites out; what is left
    is relaxed in HiGHS, and searched: by branch and bound whose tree is the proof, or where that grows too long by
    HiGHS.

    Parameters
    ----------
    problem : whole-numbered demand lets the bound be rounded, which often is what proves the plan.
    limit : seconds, or as iterations the nodes of the search; none: until proved.
    enough : a plan worth this, or the proof that none is, ends the search.
    progress : called with (value, bound), each time with what is best so far.

    Returns
    -------
    KioskPlan
        Sites ascending. Of equal choices the same one each time; sites that add nothing are those of lowest index.
        ``bound`` better than the value only where the limit came first.

    Raises
    ------
    ProblemError
        No choice keeps all the rules; says which rule would have to give way, and by how much.
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
    work = replace(_start(problem, limit), enough=None if enough is None else loss_of(problem, enough))
    tell = _teller(problem, progress)
    for improve in (_narrow, _shake, _descend, _mend, _relax, _narrow, _shake, _branch, _search, _branch):
        tell(work)
        if not work.over:
            work = improve(work)
    tell(work)
    plan = _plan(problem, work)
    _log.info("%d kiosks, bound %g by %s", len(plan.sites), plan.bound, "solver" if work.by_solver else "multipliers")
    return plan


def _start(problem: KioskProblem, limit: Limit | None) -> _Work:
    # Writing the proof takes its part of the time as well.
    end = math.inf if limit is None or limit.seconds is None else time.monotonic() + 0.92 * limit.seconds
    core = core_of(problem)
    side = side_of(problem, core)
    chosen = lawful(core, side)
    if chosen is None:
        ways = ways_out(problem, core, side)
        mend = f": {', or '.join(ways)} would do" if ways else ": several of them stand in each other's way"
        raise ProblemError(f"kiosk problem: no choice of sites keeps all the rules{mend}")
    columns = swap(core, side, chosen)
    # Of fractional demand half the judge's step: rounding the multipliers takes its share of the other half.
    step = grain(problem) * (1.0 if problem.weights()[1] == 1 else 0.5)
    work = _Work(core, side, core.row_of, columns, first_prices(core), -math.inf, step, end=end)
    return replace(work, nodes=None if limit is None else limit.iterations)


def lawful(core: Core, side: Side) -> Ints | None:
    """Return columns that keep every rule, greedily good; None where there are none."""
    columns = greedy(core, side)
    if side.keeps(core, columns):
        return columns
    worth = gains(core.entries, core.w, core.cap, core.sites.size).astype(np.float64)
    found = feasible(core, side, worth, seconds=math.inf)
    return None if found is None or not side.keeps(core, found) else greedy(core, side, found)


def _narrow(work: _Work) -> _Work:
    """Climb, rule columns out, work on with what is left, as long as that makes the core clearly smaller."""
    for round_ in range(8):
        if work.over:
            return work
        prices, bound, x = climb(work.core, work.side, work.prices, Climb(work.goal - work.core.base, *_CLIMB))
        work = _raised(replace(work, prices=prices), work.core.base + bound)
        if work.closed:
            return work
        tried = swap(work.core, work.side, greedy(work.core, work.side, _kept(work, x)))
        work = _better(work, tried)
        if work.closed:
            return work
        before = work.core.sites.size
        work = _shrunk(work)
        work = _better(work, shake(work.core, work.side, work.columns, idle=4, end=work.end, seed=round_))
        if work.closed or work.core.sites.size > 0.9 * before:
            return work
    return work


def _kept(work: _Work, x: Ints) -> Ints:
    """Return those of ``x`` that greedy may go on from: without rules all of them."""
    return x if work.side.plain else np.zeros(0, dtype=np.int64)


def _relax(work: _Work) -> _Work:
    """Take the multipliers of the relaxation in HiGHS, and its largest x after swaps."""
    core = _near(work)
    if core.col.size > _MOST_ENTRIES:
        return work
    relaxed = relax(core, work.side, seconds=0.5 * (work.end - time.monotonic()))
    if relaxed is None:
        return work
    x, prices = relaxed
    bound, _, _ = proved(work.core, work.side, prices)
    if work.core.base + bound > work.bound or not work.side.plain:
        work = _raised(replace(work, prices=prices), work.core.base + bound)
    if work.side.plain and not work.closed:
        order = np.argsort(-x, kind="stable")[: work.side.k]
        work = _better(work, swap(work.core, work.side, order))
    return work if work.closed else _shrunk(work)


def _near(work: _Work) -> Core:
    """Return the core without the losses that no better choice makes its rows bear.

    A row that lost more than its price by the whole gap would lift the bound to the claim.
    """
    if work.side.room is not None or not work.core.w.size:
        return work.core
    bound, _, _ = proved(work.core, work.side, work.prices)
    most = (work.prices.u + max(work.claim - work.core.base - bound, 0.0)) / work.core.w
    return work.core.within(np.floor(most).astype(np.int64) + 1)


def _mend(work: _Work) -> _Work:
    """Choose parts of a large choice anew, and rule columns out by it."""
    if not _large(work):
        return work

    def solve(core: Core, side: Side, columns: Ints) -> Ints:
        end = min(work.end, time.monotonic() + _PART_S)
        part = _Work(core, side, core.row_of, columns, first_prices(core), -math.inf, work.step, end=end)
        for improve in (_narrow, _relax, _branch):
            part = part if part.over else improve(part)
        return np.searchsorted(core.sites, part.core.sites[part.columns])

    better = _better(work, mend(work.core, work.side, work.columns, solve, end=_share(work, 0.6)))
    return better if better is work or better.closed else _shrunk(better)


def _large(work: _Work) -> bool:
    return work.side.plain and work.core.sites.size > _MOST_BRANCHED and work.nodes is None


def _shake(work: _Work) -> _Work:
    """Look for a better choice near the best, and rule columns out by it."""
    if _large(work):
        return work
    better = _better(work, shake(work.core, work.side, work.columns, idle=_IDLE, end=_share(work, 0.2), seed=_SEED))
    return _shrunk(better) if better is not work and not better.closed else better


def _descend(work: _Work) -> _Work:
    """Search by many cases that cost little each, where relaxations would be large."""
    unfit = work.core.sites.size > _MOST_BRANCHED or _near(work).col.size < _RELAXED_ENTRIES
    if unfit or not work.side.plain or work.nodes is not None:
        return work
    nodes = min(_MOST_PROOF // max(work.row_of.size, 1), _MOST_CASES)
    claim, end = work.claim - work.core.base, _share(work, 0.3)
    u, k = work.prices.u, work.side.k
    tree = descend(work.core, k, u, work.columns, claim=claim, step=work.step, end=end, nodes=nodes)
    return _searched(work, tree)


def _branch(work: _Work) -> _Work:
    """Search by few cases, each bounded by its relaxation, where little enough is left."""
    core = _near(work)
    if core.sites.size > _MOST_BRANCHED or core.col.size > _MOST_BRANCHED_ENTRIES:
        return work
    nodes = min(_MOST_PROOF // max(work.row_of.size, 1), _NODES[int(work.by_solver)])
    nodes = nodes if work.nodes is None else min(nodes, work.nodes)
    claim, end = work.claim - work.core.base, _share(work, 0.5)
    return _searched(work, branch(core, work.side, work.columns, claim=claim, step=work.step, end=end, nodes=nodes))


def _searched(work: _Work, tree: Tree) -> _Work:
    """Take what a tree found, and where it is closed the proof that it is."""
    columns = greedy(work.core, work.side, tree.columns)
    work = replace(work, columns=columns if work.side.keeps(work.core, columns) else tree.columns)
    if not tree.closed:
        return _settled(work)
    more = tuple(Found(step.prices, work.row_of, work.core, step.branch) for step in tree.steps)
    loss = float(work.claim)
    return replace(work, stages=(*work.stages, *more), closed=True, by_solver=False, bound=loss, proved=loss)


def _share(work: _Work, share: float) -> float:
    """Return the moment at which so much of the time left is over."""
    return work.end if math.isinf(work.end) else time.monotonic() + share * (work.end - time.monotonic())


def _search(work: _Work) -> _Work:
    """Let HiGHS search what is left; a choice it finds lets the multipliers rule out more."""
    core, left = _near(work), work.end - time.monotonic()
    columns, bound = search(core, work.side, work.columns, step=work.step, seconds=left, nodes=work.nodes)
    work = _better(work, columns)
    rounding = 1e-9 * float(work.core.w @ work.core.cap)
    bound += work.core.base + rounding
    if work.closed or bound <= work.bound:
        return work
    close = bound > work.claim - work.step
    work = replace(work, bound=float(work.claim) if close else bound, by_solver=True)
    return _shrunk(work)


def _raised(work: _Work, bound: float) -> _Work:
    """Note a bound that the work's prices prove."""
    return _settled(replace(work, bound=max(bound, work.bound), proved=max(bound, work.proved)))


def _settled(work: _Work) -> _Work:
    """Close where the bound leaves nothing better to find."""
    if work.closed or work.proved <= work.claim - 0.985 * work.step:
        return work
    loss = float(work.claim)
    return replace(work, stages=(*work.stages, _stage(work, CLOSED)), closed=True, bound=loss, proved=loss)


def _stage(work: _Work, branch: int = GOES_ON) -> Found:
    return Found(work.prices, work.row_of, work.core, branch)


def _better(work: _Work, columns: Ints) -> _Work:
    """Take ``columns`` where they lose less and keep the rules."""
    if work.core.value(columns) < work.core.value(work.columns) and work.side.keeps(work.core, columns):
        return _settled(replace(work, columns=columns))
    return work


def _shrunk(work: _Work) -> _Work:
    """Leave out the columns that no better choice has; those of the best choice so far stay."""
    bound, sums, _ = proved(work.core, work.side, work.prices)
    every = np.ones(work.core.sites.size, dtype=np.bool_)
    out, _ = kept_out(sums, every, work.side.k, work.core.base + bound, work.goal)
    if not out.any():
        return work
    kept = np.union1d(np.flatnonzero(~out), work.columns)
    core = work.core.only(kept)
    u = np.zeros(core.w.size)
    held = core.row_of >= 0
    np.add.at(u, core.row_of[held], work.prices.u[held])
    return replace(
        work,
        core=core,
        side=work.side.only(kept, work.core, core),
        row_of=np.where(work.row_of >= 0, np.append(core.row_of, -1)[work.row_of], -1),
        columns=np.searchsorted(kept, work.columns),
        prices=_prices_on(work.prices, u, kept, work.core.sites.size),
        stages=(*work.stages, _stage(work)),
    )


def _prices_on(prices: Prices, u: Floats, kept: Ints, size: int) -> Prices:
    new = np.full(size, -1, dtype=np.int64)
    new[kept] = np.arange(kept.size)
    cliques = tuple((new[cols][new[cols] >= 0], price) for cols, price in prices.cliques)
    return replace(prices, u=u, cliques=cliques)


def _teller(problem: KioskProblem, progress: Progress | None) -> Callable[[_Work], None]:
    def tell(work: _Work) -> None:
        if progress is not None:
            progress(worth(problem, work.value), worth(problem, min(max(work.bound, 0.0), work.value)))

    return tell


def _plan(problem: KioskProblem, work: _Work) -> KioskPlan:
    """Translate columns to sites and stages to multipliers of points, as far as the judge accepts them."""
    whole = core_of(problem)
    columns = needed(work.core, work.columns) if work.side.plain else work.columns
    columns = greedy(whole, side_of(problem, whole), np.searchsorted(whole.sites, work.core.sites[columns]))
    shown = min(max(work.bound, 0.0), float(work.value))
    proof = work.stages if work.closed and not work.by_solver else (*work.stages, _stage(work, CLOSED))
    certificate = certificate_of(problem, proof)
    proved_loss = min(max(work.proved, 0.0), float(work.value))
    if not proves(problem, certificate, proved_loss):
        _log.info("the multipliers prove less than %g after rounding", proved_loss)
        return _said(problem, whole, columns, shown, None, None)
    if work.by_solver:
        return _said(problem, whole, columns, shown, None, (certificate, proved_loss))
    return _said(problem, whole, columns, shown, certificate, None)


def _said(
    problem: KioskProblem,
    whole: Core,
    columns: Ints,
    loss: float,
    certificate: Certificate | None,
    root: tuple[Certificate, float] | None,
) -> KioskPlan:
    return KioskPlan(
        sites=tuple(sorted({*whole.sites[columns].tolist(), *problem.required})),
        bound=worth(problem, loss),
        solver="sweepplan",
        certificate=certificate,
        root=root[0] if root else None,
        root_bound=worth(problem, root[1]) if root else None,
    )
