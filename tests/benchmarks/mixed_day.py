"""A mixed day on a public instance: ``python -m tests.benchmarks.mixed_day FILE --seconds 10 --seeds 1-2 --json``.

FILE : streets as JSON, of the family orienteering-arcs. Thirty of its streets that a crew can reach, by the seed
become must-visits without a prize, every other one with a window of a quarter of the shift that can be met; the
others keep their prizes. A shift is .35 of the instance's time. Our default, both solvers side by side,
against PyVRP alone, in the same run; the judge counts both.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from sweepplan.judging import bound_sweep, impossible_stops, judge_sweep
from sweepplan.model import Limit, SweepProblem
from sweepplan.routing import solve_sweep
from sweepplan.routing.engine import warm
from tests.benchmarks.routing import orienteering_arcs, seeds_of

SHIFT = 0.35
"""Length of a shift, as a share of the instance's time: with more, four crews collect nearly all there is."""


def mixed(path: Path, seed: int, *, crews: int, required: int) -> SweepProblem:
    """Return the instance as a day of several crews, some of its streets as must-visits."""
    problem = orienteering_arcs(path, crews).problem
    budget = int(SHIFT * problem.shifts[0].window_s[1])
    random = np.random.default_rng(seed)
    shifts = tuple(replace(shift, window_s=(0, budget)) for shift in problem.shifts)
    stops = [replace(stop, window_s=(0, budget)) for stop in problem.stops]
    never = {k for k, _ in impossible_stops(SweepProblem(tuple(stops), shifts, problem.travel_s))}
    near = [k for k in range(len(stops)) if k not in never]
    for n, k in enumerate(random.choice(near, required, replace=False)):
        there = min(int(problem.travel_s[0, mode.entry]) for mode in stops[k].modes)
        opens = int(random.integers(there, max(there + 1, budget // 2)))
        window_s = (opens, opens + budget // 4) if n % 2 else (0, budget)
        stops[k] = replace(stops[k], prize=0.0, window_s=window_s, required=True)
    return SweepProblem(tuple(stops), shifts, problem.travel_s)


def compared(problem: SweepProblem, seed: int, seconds: float) -> dict[str, Any]:
    """Return what both find, and the bound."""
    said: dict[str, Any] = {"seed": seed}
    prize = {}
    for name, solver in (("ours", "both"), ("pyvrp", "pyvrp")):
        budget = float(problem.shifts[0].window_s[1])
        plan = solve_sweep(
            problem,
            limit=Limit(seconds=seconds),
            seed=seed,
            needle_s=budget,
            solver=solver,
        )
        judged = judge_sweep(problem, plan)
        prize[name] = judged.needles
        said |= {
            f"{name}_required": f"{judged.n_required_served}/{judged.n_required}",
            name: round(judged.needles),
        }
    bound = bound_sweep(problem, n_required_served=sum(stop.required for stop in problem.stops))
    more = round(100 * (prize["ours"] / prize["pyvrp"] - 1), 2) if prize["pyvrp"] else None
    return said | {"bound": round(bound), "more_percent": more}


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--seconds", default=10.0, show_default=True, help="Wall clock for one run.")
@click.option("--seeds", default="1-2", show_default=True)
@click.option("--crews", default=4, show_default=True)
@click.option("--required", default=30, show_default=True, help="Streets that become must-visits.")
@click.option("--json", "as_json", is_flag=True)
def main(file: Path, seconds: float, seeds: str, crews: int, required: int, as_json: bool) -> None:
    """Plan the mixed day of FILE with our default and with PyVRP alone."""
    warm()
    rows = []
    for seed in seeds_of(seeds):
        rows.append(compared(mixed(file, seed, crews=crews, required=required), seed, seconds))
        click.echo(" ".join(f"{name}={value}" for name, value in rows[-1].items()), err=as_json)
    if as_json:
        click.echo(json.dumps({"runs": rows}))


if __name__ == "__main__":
    sys.exit(main())
