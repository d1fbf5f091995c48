"""A mixed day on real streets: ``python -m tests.benchmarks.mixed_day FILE... --seconds 10 --seeds 1-2 --json``.

FILE : streets as JSON, of the family orienteering-arcs, where a shift is .35 of the instance's time; or a city's
streets as GraphML, where 550 segments drawn by the seed have made-up prizes, swept in one direction or the other as the
streets allow, and a shift is two and a half hours.

Thirty of the streets that a crew can reach, by the seed, become must-visits without a prize, every other one with a
window of a quarter of the shift that can be met. The judge counts all, and says what each used of the processor.

ours : our default, both solvers side by side.
ruin, pyvrp : each of the two alone; PyVRP with our settings, from our first plan.
pyvrp-own : PyVRP with its own settings, from nothing.
ortools, vroom : the peers of the extra ``peers``, each in its own process; one that is not here is named.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import numpy as np
import pyvrp
from pyvrp.stop import MaxRuntime

from sweepplan.errors import PlanError
from sweepplan.judging import bound_sweep, impossible_stops, judge_sweep
from sweepplan.model import Limit, Mode, Shift, Stop, SweepPlan, SweepProblem
from sweepplan.routing import pyvrp_search, solve_sweep
from sweepplan.routing.engine import warm
from sweepplan.streets import Snaps, StreetNetwork, area_of, read_graph
from sweepplan.streets.network import NOT_SWEPT
from tests.benchmarks.peers import PEERS, MissingError, peer_plan
from tests.benchmarks.routing import orienteering_arcs, seeds_of

SHIFT = 0.35
"""Length of a shift, as a share of the instance's time: with more, four crews collect nearly all there is."""
CITY_SHIFT_S = 9000
CITY_STREETS = 550
OWN = "pyvrp-own"
OURS = {"ours": "both", "ruin": "ruin", "pyvrp": "pyvrp"}


def instance_day(path: Path, crews: int) -> SweepProblem:
    """Return a public instance with shorter shifts."""
    problem = orienteering_arcs(path, crews).problem
    budget = int(SHIFT * problem.shifts[0].window_s[1])
    shifts = tuple(replace(shift, window_s=(0, budget)) for shift in problem.shifts)
    return SweepProblem(tuple(replace(stop, window_s=(0, budget)) for stop in problem.stops), shifts, problem.travel_s)


def city_day(path: Path, seed: int, crews: int) -> SweepProblem:
    """Return a made-up day on a city's streets: segments drawn by the seed, their prizes lognormal."""
    graph = read_graph(path)
    streets = StreetNetwork.from_graph(graph, area_of(graph, tz="UTC", name="the city"), "drive")
    random = np.random.default_rng(seed)
    once = streets.edges.drop_duplicates("street")
    picked = random.choice(once.index[~once["highway"].isin(NOT_SWEPT)].to_numpy(), CITY_STREETS, replace=False)
    depot = streets.snap(gpd.GeoSeries([streets.area.boundary.centroid], crs=streets.area.crs), limit_m=1000)
    back = streets.edges["reverse"].to_numpy()[picked]
    ways = np.concatenate([picked, back[back >= 0]])
    begins, ends = streets.ends(ways)
    travel_s = np.ceil(streets.travel_s(Snaps.join(depot, begins, ends)))
    length_m = streets.edges["length_m"].to_numpy()
    row = {edge: 1 + k for k, edge in enumerate(ways)}
    stops = []
    for k, edge in enumerate(picked):
        service_s = int(np.ceil(length_m[edge] / 0.6))
        modes = tuple(Mode(row[e], len(ways) + row[e], service_s) for e in (edge, back[k]) if e >= 0)
        stops.append(Stop(f"made-up {k}", modes, round(float(random.lognormal(-1, 1)), 2), (0, CITY_SHIFT_S)))
    return SweepProblem(tuple(stops), tuple(Shift(str(k), (0, CITY_SHIFT_S)) for k in range(crews)), travel_s)


def mixed(problem: SweepProblem, seed: int, required: int) -> SweepProblem:
    """Return the day with some of its streets as must-visits."""
    budget = problem.shifts[0].window_s[1]
    random = np.random.default_rng(seed)
    stops = list(problem.stops)
    never = {k for k, _ in impossible_stops(problem)}
    near = [k for k in range(len(stops)) if k not in never]
    for n, k in enumerate(random.choice(near, required, replace=False)):
        there = min(int(problem.travel_s[0, mode.entry]) for mode in stops[k].modes)
        opens = int(random.integers(there, max(there + 1, budget // 2)))
        window_s = (opens, opens + budget // 4) if n % 2 else (0, budget)
        stops[k] = replace(stops[k], prize=0.0, window_s=window_s, required=True)
    return SweepProblem(tuple(stops), problem.shifts, problem.travel_s)


def planned(name: str, problem: SweepProblem, seed: int, seconds: float) -> SweepPlan:
    """Return the plan of one solver; a needle is worth a whole shift of travel to each."""
    needle_s = float(problem.shifts[0].window_s[1])
    if name in OURS:
        limit = Limit(seconds=seconds)
        return solve_sweep(problem, limit=limit, seed=seed, needle_s=needle_s, solver=OURS[name])
    if name == OWN:
        able = sorted(set(range(len(problem.stops))) - {stop for stop, _ in impossible_stops(problem)})
        words = pyvrp_search._words(problem, able, needle_s)
        found = pyvrp.solve(words.data, MaxRuntime(seconds), seed, collect_stats=False)
        return words.plan(len(problem.shifts), found.best, seed)
    return peer_plan(name, problem, seconds=seconds, needle_s=needle_s)


def cpu_s() -> float:
    """Return the CPU seconds of this process and the peers that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def compared(problem: SweepProblem, seed: int, seconds: float) -> list[dict[str, Any]]:
    """Return what each finds, and the bound."""
    bound = bound_sweep(problem, n_required_served=sum(stop.required for stop in problem.stops))
    rows: list[dict[str, Any]] = []
    for name in (*OURS, OWN, *PEERS):
        row: dict[str, Any] = {"seed": seed, "solver": name, "bound": round(bound, 1)}
        began = cpu_s()
        try:
            judged = judge_sweep(problem, planned(name, problem, seed, seconds))
        except (MissingError, PlanError) as error:
            rows.append(row | {"skipped": str(error)})
            continue
        ours = rows[0]["prize"] if rows else judged.needles
        row |= {"required": f"{judged.n_required_served}/{judged.n_required}", "prize": round(judged.needles, 2)}
        more = round(100 * (ours / judged.needles - 1), 2) if judged.needles else None
        rows.append(row | {"ours_more_percent": more, "cpu_s": round(cpu_s() - began, 1)})
    return rows


@click.command()
@click.argument("files", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--seconds", default=10.0, show_default=True, help="Wall clock for one run.")
@click.option("--seeds", default="1-2", show_default=True)
@click.option("--crews", default=4, show_default=True)
@click.option("--required", default=30, show_default=True, help="Streets that become must-visits.")
@click.option("--json", "as_json", is_flag=True)
def main(files: tuple[Path, ...], seconds: float, seeds: str, crews: int, required: int, as_json: bool) -> None:
    """Plan the mixed day of each FILE with our default, each of its two solvers alone, and every peer that is here."""
    warm()
    runs = []
    for path in files:
        for seed in seeds_of(seeds):
            day = city_day(path, seed, crews) if ".graphml" in path.name else instance_day(path, crews)
            for row in compared(mixed(day, seed, required), seed, seconds):
                runs.append({"file": path.name} | row)
                click.echo("  ".join(f"{name} {value}" for name, value in runs[-1].items()), err=as_json)
    if as_json:
        click.echo(json.dumps({"runs": runs}))


if __name__ == "__main__":
    sys.exit(main())
