"""Public routing instances: ``python -m tests.benchmarks.routing FAMILY FILE... --seconds 10 --seeds 1-5 --json``.

solomon : 100 customers, no header line, depot first; the least distance, Euclidean, tenths, truncated (value x 10).
optw : the same file, one vehicle, prize = demand: the most prize.
top : ``n``, ``m``, ``tmax``, then ``x y prize``, first the start and last the end: the most prize (Chao).
carp : capacitated arc routing as in egl, gdb and val files: the least cost, service included.
orienteering-arcs : streets as JSON: directed arcs with time and prizes, a time budget.
pcvrptw : PyVRP's prize-collecting instances: distance and prizes not collected, x 10.

Solved by the planner itself, ``--solver`` both, ruin or pyvrp, one thread each; counted again from the file by the
judge, and for top by exact distances. Prints value, best known where it is known, gap and CPU seconds.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from sweepplan.judging import judge_sweep
from sweepplan.model import Limit, Mode, Shift, Stop, SweepPlan, SweepProblem
from sweepplan.routing import solve_sweep
from sweepplan.routing.engine import warm
from sweepplan.routing.sweep import SOLVERS

KNOWN = Path(__file__).with_name("routing_known.json")
FAR = 2**29
FINE = 100_000
CAPACITIES = {"R1": 200, "RC1": 200, "C1": 200, "R2": 1000, "RC2": 1000, "C2": 700}


@dataclass(frozen=True)
class Instance:
    """A problem, and what its plans are worth in the family's own words.

    Attributes
    ----------
    value : of a plan, from the instance as it was read; it raises where the plan breaks the instance.
    least : whether less is better.
    needle_s : what a unit of prize is worth to the solver.
    """

    problem: SweepProblem
    value: Callable[[SweepPlan], float]
    least: bool
    needle_s: float = 1.0


def text_of(path: Path) -> str:
    """Return a file's text, gzipped or not."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8", "replace")


def travel(problem: SweepProblem, plan: SweepPlan) -> float:
    """Return the judge's travel; every required stop must be served."""
    judged = judge_sweep(problem, plan)
    if judged.n_required_served < judged.n_required:
        raise click.ClickException(f"{judged.n_required - judged.n_required_served} customers are not served")
    return float(judged.travel_s)


def needles(problem: SweepProblem, plan: SweepPlan) -> float:
    """Return the judge's prize."""
    return judge_sweep(problem, plan).needles


def dear(problem: SweepProblem) -> float:
    """Return twenty times what the shifts give for a unit of prize: prizes come first, but time is still saved."""
    time_s = sum(end - begin for begin, end in (shift.window_s for shift in problem.shifts))
    return 20.0 * time_s / max(1.0, sum(stop.prize for stop in problem.stops))


def truncated(xy: np.ndarray) -> np.ndarray:
    """Return distances in tenths, truncated."""
    return np.floor(10 * np.hypot(*(xy[:, None] - xy).T) + 1e-9).T


def _customers(path: Path) -> np.ndarray:
    """Return the rows ``number x y demand ready due service`` of a Solomon file, with or without its header."""
    rows = [line.split() for line in text_of(path).splitlines()]
    table = [row for row in rows if len(row) == 7 and all(re.fullmatch(r"-?\d+(\.\d*)?", word) for word in row)]
    return np.array(table, dtype=float)


def _capacity(path: Path) -> int:
    head = re.search(r"CAPACITY\s*\n\s*\d+\s+(\d+)", text_of(path))
    kind = re.match(r"(RC|R|C)([12])", path.name.upper())
    if head:
        return int(head[1])
    if kind is None:
        raise click.UsageError(f"{path.name}: no capacity in the file or its name (R1, RC2, ...)")
    return CAPACITIES[kind[1] + kind[2]]


def _vehicles(path: Path) -> int:
    head = re.search(r"CAPACITY\s*\n\s*(\d+)\s+\d+", text_of(path))
    return int(head[1]) if head else 25


def solomon(path: Path, _: int) -> Instance:
    """Vehicle routing with time windows."""
    rows = _customers(path)
    tenths = np.rint(10 * rows[:, 3:])
    stops = tuple(
        Stop(str(k), (Mode(k, k, int(t[3])),), 0.0, (int(t[1]), int(t[2])), required=True, load=int(t[0] / 10))
        for k, t in enumerate(tenths)
        if k
    )
    day, holds = (int(tenths[0, 1]), int(tenths[0, 2])), _capacity(path)
    shifts = tuple(Shift(str(k), day, capacity=holds) for k in range(_vehicles(path)))
    problem = SweepProblem(stops, shifts, truncated(rows[:, 1:3]))
    return Instance(problem, lambda plan: travel(problem, plan), least=True)


def optw(path: Path, crews: int) -> Instance:
    """Orienteering with time windows."""
    rows = _customers(path)
    tenths = np.rint(10 * rows[:, 4:])
    stops = tuple(
        Stop.point(str(k), k, float(rows[k, 3]), int(t[2]), (int(t[0]), int(t[1]))) for k, t in enumerate(tenths) if k
    )
    day = (int(tenths[0, 0]), int(tenths[0, 1]))
    problem = SweepProblem(stops, tuple(Shift(str(k), day) for k in range(crews)), truncated(rows[:, 1:3]))
    return Instance(problem, lambda plan: needles(problem, plan), least=False, needle_s=float(day[1]))


def top(path: Path, _: int) -> Instance:
    """Team orienteering; places that no team reaches are left out."""
    lines = [line.split() for line in text_of(path).splitlines() if line.strip()]
    crews, most = int(lines[1][1]), float(lines[2][1])
    rows = np.array(lines[3:], dtype=float)
    away = np.hypot(*(rows[:, None, :2] - rows[:, :2]).T).T
    limit, last = round(FINE * most), len(rows) - 1
    stops = tuple(
        Stop.point(str(k), k, float(rows[k, 2]), 0, (0, limit))
        for k in range(1, last)
        if away[0, k] + away[k, last] <= most
    )
    shifts = tuple(Shift(str(k), (0, limit), start=0, end=last) for k in range(crews))
    problem = SweepProblem(stops, shifts, np.rint(FINE * away))

    def value(plan: SweepPlan) -> float:
        for route in plan.routes:
            way = [0, *(int(problem.stops[stop].place) for stop in route), last]
            if sum(away[a, b] for a, b in pairwise(way)) > most + 1e-4:
                raise click.ClickException("a route is longer than tmax")
        return needles(problem, plan)

    return Instance(problem, value, least=False, needle_s=dear(problem))


def carp(path: Path, crews: int) -> Instance:
    """Capacitated arc routing; as many vehicles as the load needs, and three more."""
    text = text_of(path)
    pattern = r"\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*\S+\s+(\d+)(?:\s+dem\S+\s+(\d+))?"
    edges = [(int(a) - 1, int(b) - 1, int(c), int(d or 0)) for a, b, c, d in re.findall(pattern, text)]
    holds = int(re.search(r"CAPACI\S*\s*:\s*(\d+)", text)[1])  # type: ignore[index]
    depot = int(re.search(r"DEPOSITO\s*:\s*(\d+)", text)[1]) - 1  # type: ignore[index]
    n = 1 + max(max(a, b) for a, b, _, _ in edges)
    required = [edge for edge in edges if edge[3]]
    cost = {}
    for a, b, c, _ in edges:
        cost[min(a, b), max(a, b)] = min(c, cost.get((min(a, b), max(a, b)), c))
    ends = np.array(list(cost))
    # An edge of cost 0 would vanish from a sparse matrix; none is below 1 in this family.
    matrix = csr_array((np.array(list(cost.values()), dtype=float), (ends[:, 0], ends[:, 1])), shape=(n, n))
    span = FAR // 4
    stops = tuple(
        Stop(str(k), (Mode(a, b, 0), Mode(b, a, 0)), 0.0, (0, span), required=True, load=d)
        for k, (a, b, _, d) in enumerate(required)
    )
    load = sum(edge[3] for edge in required)
    named = re.search(r"VEHICULOS\s*:\s*(\d+)", text)
    fleet = max(-(-load // holds), int(named[1]) if named else 0) + 3
    shifts = tuple(Shift(str(k), (0, span), start=depot, end=depot, capacity=holds) for k in range(max(crews, fleet)))
    problem = SweepProblem(stops, shifts, dijkstra(matrix, directed=False))
    served = sum(edge[2] for edge in required)
    return Instance(problem, lambda plan: served + travel(problem, plan), least=True)


def orienteering_arcs(path: Path, crews: int) -> Instance:
    """Streets with prizes under a time budget: one pass either way takes the larger prize of both directions."""
    given = json.loads(text_of(path))
    nodes = {node["id"]: k for k, node in enumerate(given["graph"]["nodes"])}
    chance = given["distributions"]
    streets: dict[tuple[int, int], list[Any]] = {}
    links: dict[tuple[int, int], int] = {}
    for arc in given["graph"]["arcs"]:
        a, b = nodes[arc["source"]], nodes[arc["target"]]
        takes = int(np.ceil(10 * arc["time"]))
        links[a, b] = min(takes, links.get((a, b), takes))
        profit = arc["profits"][0] + sum(p * q for p, q in zip(arc["profits"][1:], chance, strict=True))
        street = streets.setdefault((min(a, b), max(a, b)), [0, {}])
        street[0] = max(street[0], round(1000 * profit))
        street[1][a, b] = min(takes, street[1].get((a, b), takes))
    ends = np.array(list(links))
    matrix = csr_array((np.array(list(links.values()), dtype=float), (ends[:, 0], ends[:, 1])), shape=(len(nodes),) * 2)
    budget = int(10 * given["max_time"])
    stops = tuple(
        Stop(f"{a}-{b}", tuple(Mode(u, v, s) for (u, v), s in ways.items()), float(prize), (0, budget))
        for (a, b), (prize, ways) in streets.items()
        if prize
    )
    problem = SweepProblem(stops, tuple(Shift(str(k), (0, budget)) for k in range(crews)), dijkstra(matrix))
    return Instance(problem, lambda plan: needles(problem, plan), least=False, needle_s=dear(problem))


def pcvrptw(path: Path, _: int) -> Instance:
    """Prize-collecting vehicle routing with time windows."""
    text = text_of(path)
    head = {name.strip(): word.strip() for name, word in re.findall(r"^(\w+)\s*:\s*(.+)$", text, re.M)}

    def section(name: str) -> np.ndarray:
        body = text.split(f"{name}_SECTION")[1].split("_SECTION")[0]
        rows = [line.split() for line in body.splitlines()[1:] if re.fullmatch(r"[\d.\s-]+", line) and line.split()]
        return np.array([row for row in rows if len(row) > 1], dtype=float)[:, 1:]

    xy, demand, window, prize = (section(name) for name in ("NODE_COORD", "DEMAND", "TIME_WINDOW", "PRIZE"))
    service, windows = int(10 * float(head["SERVICE_TIME"])), np.rint(10 * window).astype(int)
    stops = tuple(
        Stop(
            str(k),
            (Mode(k, k, service),),
            float(round(10 * prize[k, 0])),
            (int(windows[k, 0]), int(windows[k, 1])),
            load=int(demand[k, 0]),
        )
        for k in range(1, len(xy))
    )
    day, holds = (int(windows[0, 0]), int(windows[0, 1])), int(head["CAPACITY"])
    shifts = tuple(Shift(str(k), day, capacity=holds) for k in range(int(head["VEHICLES"])))
    problem = SweepProblem(stops, shifts, truncated(xy))
    every = sum(stop.prize for stop in stops)

    def value(plan: SweepPlan) -> float:
        judged = judge_sweep(problem, plan)
        return every - judged.needles + judged.travel_s

    return Instance(problem, value, least=True)


FAMILIES = {
    "solomon": solomon,
    "optw": optw,
    "top": top,
    "carp": carp,
    "orienteering-arcs": orienteering_arcs,
    "pcvrptw": pcvrptw,
}


def best_known(family: str, path: Path) -> float | None:
    """Return the best value known: from a ``.sol`` beside the file, else from the table of published ones."""
    name = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    beside = path.with_name(f"{name}.sol")
    cost = re.search(r"Cost\D+(\d+(?:\.\d+)?)", beside.read_text()) if beside.is_file() else None
    if cost:
        return float(cost[1])
    found = json.loads(KNOWN.read_text()).get(family, {}).get(name)
    return None if found is None else float(found)


def solved(family: str, path: Path, seed: int, *, seconds: float, solver: str, crews: int) -> dict[str, Any]:
    """Solve one instance once."""
    instance = FAMILIES[family](path, crews)
    cpu, wall = time.process_time(), time.perf_counter()
    plan = solve_sweep(
        instance.problem, limit=Limit(seconds=seconds), seed=seed, needle_s=instance.needle_s, solver=solver
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    value, best = instance.value(plan), best_known(family, path)
    gap = None
    if best:
        gap = round(100 * ((value - best) if instance.least else (best - value)) / best, 3)
    return {
        "family": family, "file": path.name, "seed": seed, "value": round(value, 6), "best_known": best,
        "gap_percent": gap, "found_by": plan.solver, "cpu_s": round(cpu, 1), "wall_s": round(wall, 1),
    }  # fmt: skip


def seeds_of(text: str) -> list[int]:
    """Return the seeds of ``1-5`` or ``1,3``."""
    parts = [part.split("-") for part in text.split(",")]
    return [seed for part in parts for seed in range(int(part[0]), int(part[-1]) + 1)]


@click.command()
@click.argument("family", type=click.Choice(list(FAMILIES)))
@click.argument("files", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--seconds", default=10.0, show_default=True, help="Wall clock for one run.")
@click.option("--seeds", default="1-5", show_default=True)
@click.option("--solver", type=click.Choice(SOLVERS), default="both", show_default=True)
@click.option("--crews", default=1, show_default=True, help="optw, orienteering-arcs: how many.")
@click.option("--json", "as_json", is_flag=True)
def main(
    family: str, files: tuple[Path, ...], seconds: float, seeds: str, solver: str, crews: int, as_json: bool
) -> None:
    """Solve instances of FAMILY, each with every seed."""
    warm()
    rows = []
    for path in files:
        for seed in seeds_of(seeds):
            row = solved(family, path, seed, seconds=seconds, solver=solver, crews=crews)
            rows.append(row)
            click.echo(" ".join(f"{value}" for value in row.values()), err=as_json)
    gaps = [row["gap_percent"] for row in rows if row["gap_percent"] is not None]
    mean = round(float(np.mean(gaps)), 3) if gaps else None
    worst = max(gaps) if gaps else None
    if as_json:
        click.echo(json.dumps({"runs": rows, "mean_gap_percent": mean, "worst_gap_percent": worst}))
    elif gaps:
        click.echo(f"mean gap {mean} %, worst {worst} %")


if __name__ == "__main__":
    sys.exit(main())
