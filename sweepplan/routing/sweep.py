"""From a sweep problem to a sweep plan, within a limit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from sweepplan.errors import PlanError, SettingsError
from sweepplan.judging import impossible_stops, plan_worth
from sweepplan.model import Limit, SweepPlan, SweepProblem
from sweepplan.routing.pyvrp_search import improve, refuses

NEEDLE_S = 300.0  # seconds of travel that one expected needle is worth

log = logging.getLogger(__name__)


def solve_sweep(
    problem: SweepProblem,
    *,
    limit: Limit,
    seed: int,
    needle_s: float = NEEDLE_S,
    progress: Callable[[float], None] | None = None,
) -> SweepPlan:
    """Plan the crews' routes: prize-collecting vehicle routing with time windows.

    The plan serves as many required stops as the solver can; then its needles, at ``needle_s`` seconds each, less its
    travel are to be as much as possible. The judge accepts it whatever the limit.

    Parameters
    ----------
    limit : seconds of wall clock, all work here included, or iterations of the search, which repeat to the byte.
    needle_s : seconds of travel that one expected needle is worth, ``> 0``.
    progress : told the share of the limit used up, 0 to 1.

    Raises
    ------
    ProblemError
        The prizes are too large to count with.
    SettingsError
        ``needle_s`` is not above 0.
    """
    if not needle_s > 0:
        raise SettingsError(f"needle_s {needle_s:g}: give the seconds of travel a needle is worth, more than 0")
    until = _Until(limit, progress or (lambda share: None))
    never = {stop for stop, _ in impossible_stops(problem)}
    able = [stop for stop in range(len(problem.stops)) if stop not in never]
    nobody = SweepPlan(((),) * len(problem.shifts), "nobody", seed)
    plans = [nobody]
    if able and refuses(problem) is None:
        plans.append(improve(problem, nobody, able, needle_s=needle_s, stopped=until, seed=seed))
    best = max(plans, key=lambda plan: _worth(problem, plan, needle_s))
    until.progress(1.0)
    return replace(best)


def _worth(problem: SweepProblem, plan: SweepPlan, needle_s: float) -> tuple[float, float]:
    """Return what the judge finds the plan worth: required stops served, then seconds; less than nothing if refused."""
    try:
        return plan_worth(problem, plan, needle_s)
    except PlanError as error:
        log.warning("the plan of %s is refused: %s", plan.solver, error)
        return (-1.0, 0.0)


class _Until:
    """True when the limit is used up; its clock starts when it is made."""

    def __init__(self, limit: Limit, progress: Callable[[float], None]) -> None:
        self.limit, self.progress = limit, progress
        self._begun, self._asked, self._told = time.perf_counter(), 0, 0

    def __call__(self) -> bool:
        """Count one more question; tell the progress at every hundredth."""
        used = time.perf_counter() - self._begun if self.limit.seconds is not None else self._asked
        self._asked += 1
        share = min(1.0, used / self.limit.amount)
        if int(100 * share) > self._told:
            self._told = int(100 * share)
            self.progress(share)
        return share >= 1.0
