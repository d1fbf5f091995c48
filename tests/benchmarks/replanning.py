"""The rest of a day planned anew: what stays as it was, and what that costs.

``python -m tests.benchmarks.replanning --stops 500 --crews 10 --seconds 5 --seeds 1-5 [--home]``: made-up days, a tenth
of the stops must-visits. At 11:00 a request comes in; with ``--home`` the last crew goes home as well.

Per seed: seconds to a first feasible plan of the whole day; done stops that the new plan has; must-visits it serves
fewer than a plan of the rest from scratch, in the same time; the share of legs kept, of the crews that go on, a leg
to what is new being none; the needles lost beside the plan from scratch, in percent.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from sweepplan.judging import judge_sweep
from sweepplan.model import Habit, Limit, Stop, SweepPlan, SweepProblem
from sweepplan.routing import changes, rest_of_day, solve_sweep
from tests.test_routing import town

NEEDLE_S = 36_000.0
AT_S = 11 * 3600


def with_request(problem: SweepProblem, seed: int) -> tuple[SweepProblem, Stop]:
    """Return the day with one more row, in the middle of two others, and the request there."""
    t, n = problem.travel_s, len(problem.travel_s)
    a, b = np.random.default_rng(seed).integers(1, n, 2)
    grown = np.zeros((n + 1, n + 1))
    grown[:n, :n] = t
    grown[n, :n] = grown[:n, n] = np.ceil((t[a] + t[b]) / 2)
    end = max(shift.window_s[1] for shift in problem.shifts)
    stop = Stop.point("new", n, 1.0, 600, (AT_S, end), required=True)
    return SweepProblem(problem.stops, problem.shifts, grown), stop


def habit_of(problem: SweepProblem, plan: SweepPlan, keep_share: float) -> Habit:
    """Return what a change costs, as the bridge reckons it: shares of an average stop's needles."""
    prizes = [problem.stops[stop].prize for route in plan.routes for stop in route if stop >= 0]
    leg_s = keep_share * NEEDLE_S * float(np.mean(prizes))
    return Habit((), max(300, round(2 * leg_s)), max(60, round(leg_s)))


def measured(seed: int, n_stops: int, n_crews: int, seconds: float, *, home: bool) -> dict[str, Any]:
    """Return the figures of one seed."""
    required = n_stops // 10
    problem, new = with_request(town(seed, required, n_stops - required, n_crews), seed)
    solve_sweep(town(seed, 2, 4, 1), limit=Limit(iterations=1), seed=1, needle_s=NEEDLE_S)
    begun = time.perf_counter()
    solve_sweep(problem, limit=Limit(seconds=0.01), seed=seed, needle_s=NEEDLE_S)
    first_s = time.perf_counter() - begun
    day = solve_sweep(problem, limit=Limit(seconds=seconds), seed=seed, needle_s=NEEDLE_S)
    gone = (problem.shifts[-1].crew,) if home else ()
    rest = rest_of_day(problem, day, at_s=AT_S, home=gone, added=[new], habit=habit_of(problem, day, 0.1))
    free = SweepProblem(rest.problem.stops, rest.problem.shifts, rest.problem.travel_s)
    limit = Limit(seconds=seconds)
    kept = solve_sweep(rest.problem, limit=limit, seed=seed, needle_s=NEEDLE_S, start=rest.start)
    anew = solve_sweep(free, limit=limit, seed=seed, needle_s=NEEDLE_S)
    mine, other = judge_sweep(rest.problem, kept), judge_sweep(free, anew)
    done = {stop for route in rest.frozen for stop in route}
    said = changes(rest, kept)
    legs = sum(change.legs for change in said)
    return {
        "seed": seed,
        "first_plan_s": round(first_s, 2),
        "done_altered": len(done & {rest.stops[stop] for route in kept.routes for stop in route}),
        "must_visits_lost": max(0, other.n_required_served - mine.n_required_served),
        "legs_kept": round(sum(change.kept_legs for change in said) / max(1, legs), 4),
        "loss_percent": round(100 * (other.needles - mine.needles) / other.needles, 2),
    }


def main() -> None:
    """Print one line of JSON a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=500)
    parser.add_argument("--crews", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seeds", default="1-5")
    parser.add_argument("--home", action="store_true", help="the last crew goes home")
    given = parser.parse_args()
    low, _, high = given.seeds.partition("-")
    for seed in range(int(low), int(high or low) + 1):
        print(json.dumps(measured(seed, given.stops, given.crews, given.seconds, home=given.home)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
