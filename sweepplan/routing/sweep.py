"""From a sweep problem to a sweep plan, within a limit: two solvers side by side, an independent judge."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sweepplan.errors import PlanError, SettingsError
from sweepplan.judging import impossible_stops, plan_worth
from sweepplan.model import Limit, SweepPlan, SweepProblem
from sweepplan.routing import pyvrp_search
from sweepplan.routing.engine import Engine, warm

NEEDLE_S = 300.0  # seconds of travel that one expected needle is worth
SOLVERS = ("both", "ruin", "pyvrp")
STEPS = 50  # steps of our own engine for one iteration of PyVRP's
CHUNK_S = 0.1  # our own engine looks at the clock so often
LIVE_S = 0.5  # a better plan is told at most so often

log = logging.getLogger(__name__)


def solve_sweep(
    problem: SweepProblem,
    *,
    limit: Limit,
    seed: int,
    needle_s: float = NEEDLE_S,
    start: SweepPlan | None = None,
    solver: str = "both",
    progress: Callable[[float], bool | None] | None = None,
    live: Callable[[SweepPlan], None] | None = None,
) -> SweepPlan:
    """Plan the crews' routes: prize-collecting vehicle routing with time windows.

    The plan serves as many required stops as the solvers can; then its needles, at ``needle_s`` seconds each, less its
    travel are to be as much as possible. PyVRP and our own ruin and recreate search side by side, each in one thread;
    the judge keeps the better plan. Where PyVRP has no words for the problem (breaks), our own searches twice.

    Parameters
    ----------
    limit : seconds of wall clock, all work here included, or iterations of the search, which repeat to the byte.
    needle_s : seconds of travel that one expected needle is worth, ``> 0``.
    start : a plan to start from, feasible.
    solver : ``both``, ``ruin`` or ``pyvrp``.
    progress : told the share of the limit used up, 0 to 1; if it returns True the search ends with the best so far.
    live : told of better plans on the way, every half second at most.

    Raises
    ------
    ProblemError
        The prizes are too large to count with.
    SettingsError
        ``needle_s`` is not above 0, or the solver is unknown.
    PlanError
        ``start`` breaks the problem.
    """
    if not needle_s > 0:
        raise SettingsError(f"needle_s {needle_s:g}: give the seconds of travel a needle is worth, more than 0")
    if solver not in SOLVERS:
        raise SettingsError(f"solver {solver!r}: one of {', '.join(SOLVERS)}")
    warm()
    watch = _Watch(limit, progress or (lambda share: None), live or (lambda plan: None), problem, needle_s)
    first = start or SweepPlan(((),) * len(problem.shifts), "nobody", seed)
    watch.offer(first, refused=start is None)
    never = {stop for stop, _ in impossible_stops(problem)}
    able = [stop for stop in range(len(problem.stops)) if stop not in never]
    if able:
        _search(watch, first, able, seed, solver)
    watch.end()
    return watch.best


def _search(watch: _Watch, first: SweepPlan, able: list[int], seed: int, solver: str) -> None:
    problem, needle_s = watch.problem, watch.needle_s
    engine = Engine(problem, able, needle_s=needle_s, seed=seed)
    engine.start(first)
    watch.offer(engine.best())
    why_not = pyvrp_search.refuses(problem)
    if why_not and solver != "ruin":
        log.info("PyVRP is left out: it does not offer %s", why_not)
    if solver == "ruin" or (why_not and solver == "both"):
        watch.run(engine)
        return
    if why_not:
        return
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(watch.run, engine, quiet=True) if solver == "both" else None
        try:
            found = pyvrp_search.improve(problem, watch.best, able, needle_s=needle_s, stopped=watch.stopped, seed=seed)
            watch.offer(found)
        except BaseException:
            watch.halted.set()
            raise
        if other is not None:
            other.result()


class _Watch:
    """The clock, the best plan so far, and who wants to hear of them; the clock starts when it is made."""

    def __init__(
        self,
        limit: Limit,
        progress: Callable[[float], bool | None],
        live: Callable[[SweepPlan], None],
        problem: SweepProblem,
        needle_s: float,
    ) -> None:
        self.limit, self.progress, self.live, self.problem, self.needle_s = limit, progress, live, problem, needle_s
        self.halted = threading.Event()
        self.best = SweepPlan((), "none", 0)
        self._worth: tuple[float, float] = (-1.0, 0.0)
        self._begun, self._asked, self._told, self._lock = time.perf_counter(), 0, 0, threading.Lock()
        self._shown: tuple[float, SweepPlan | None] = (0.0, None)

    @property
    def used_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._begun

    def offer(self, plan: SweepPlan, *, refused: bool = True) -> None:
        """Keep the plan if the judge finds it worth more than the best so far."""
        try:
            worth = plan_worth(self.problem, plan, self.needle_s)
        except PlanError as error:
            if not refused:
                raise
            log.warning("the plan of %s is refused: %s", plan.solver, error)
            return
        with self._lock:
            if worth > self._worth:
                self._worth, self.best = worth, plan

    def stopped(self) -> bool:
        """Count one more iteration of the solver in the foreground, and tell what there is to tell."""
        share = min(1.0, self.used_s / self.limit.amount if self.limit.seconds else self._asked / self.limit.amount)
        self._asked += 1
        self._tell(share)
        return share >= 1.0 or self.halted.is_set()

    def run(self, engine: Engine, *, quiet: bool = False) -> None:
        """Let our own engine search until the limit, and offer what it finds; not ``quiet``: in the foreground."""
        steps, done, total = 200, 0, STEPS * (self.limit.iterations or 0)
        begun_s, shown_s, value = self.used_s, 0.0, float("inf")
        while not self.halted.is_set():
            at_s = self.used_s
            if self.limit.seconds:
                span = max(1e-9, self.limit.seconds - begun_s)
                share, ahead = (at_s - begun_s) / span, CHUNK_S / span
            else:
                steps = min(STEPS * 10, total - done)
                share, ahead = done / total, steps / total
            if share >= 1.0:
                break
            engine.run(steps, min(1.0, share), min(1.0, share + ahead))
            done += steps
            if self.limit.seconds:
                steps = max(1, int(steps * min(4.0, CHUNK_S / max(1e-4, self.used_s - at_s))))
            if engine.value < value and self.used_s - shown_s > LIVE_S and self.limit.seconds:
                value, shown_s = engine.value, self.used_s
                self.offer(engine.best())
            if not quiet:
                self._tell(min(1.0, share + ahead))
        self.offer(engine.best())

    def _tell(self, share: float) -> None:
        if int(100 * share) > self._told:
            self._told = int(100 * share)
            if self.progress(share):
                self.halted.set()
        then, shown = self._shown
        if self.best is not shown and self.best.solver != "none" and self.used_s - then >= LIVE_S:
            self._shown = (self.used_s, self.best)
            self.live(self.best)

    def end(self) -> None:
        """Tell that all is done."""
        self.progress(1.0)
        self.live(self.best)
