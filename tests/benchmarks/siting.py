"""Public siting instances: ``python -m tests.benchmarks.siting FAMILY FILE... --p N --seconds 60 --json``.

pmedian, pcenter : OR-Library graphs (``n m p``, then edges; where an edge repeats, the last cost wins).
mclp : cities with NODE_COORD_SECTION and DEMAND_SECTION in degrees (``--radius`` metres), or a list of points in metres
    with its demand in a second file, or in ``demand-NAME.dat`` beside it.
cap : OR-Library capacitated location (``--capacity`` where the file says "capacity").

Prints value, bound, gap, how it was certified and CPU seconds; what the
multipliers prove is the judge's own sum.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from sweepplan.judging import judge_capacity, judge_center, judge_kiosks
from sweepplan.model import CapacityProblem, KioskProblem, Limit
from sweepplan.siting import nearest_reach, solve_capacity, solve_kiosks

EARTH_M = 6_378_100


def text_of(path: Path) -> str:
    """Return a file's text, gzipped or not."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()


def graph(path: Path) -> tuple[np.ndarray, int]:
    """Return all distances of an OR-Library p-median file, and its p."""
    numbers = _numbers(text_of(path))
    n, m, p = (int(number) for number in numbers[:3])
    cost = {}
    for i, j, length in numbers[3 : 3 + 3 * m].reshape(-1, 3).tolist():
        cost[min(i, j), max(i, j)] = length
    ends = np.array(list(cost)).astype(np.int64) - 1
    # An edge of length 0 would vanish from a sparse matrix: the least number above 0 stands for it.
    lengths = np.maximum(np.array(list(cost.values()), dtype=float), 1e-12)
    matrix = csr_array((lengths, (ends[:, 0], ends[:, 1])), shape=(n, n))
    walk_m = shortest_path(matrix, directed=False)
    return np.where(walk_m < 1e-6, 0.0, walk_m), p


def _numbers(text: str) -> np.ndarray:
    """Return the numbers of a text, words and commas left out."""
    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(float(word))
        except ValueError:
            continue
    return np.array(found, dtype=np.float64)


def points(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return demand and all distances of a maximal-covering instance."""
    text = text_of(paths[0])
    if "NODE_COORD_SECTION" in text:
        return _city(text)
    numbers = _numbers(text)
    n = int(numbers[0])
    table = numbers[1 + (numbers.size - 1) % n :].reshape(n, -1)
    if table.shape[1] > 2 and (table[:, 0] == np.arange(1, n + 1)).all():
        table = table[:, 1:]
    demand = table[:, 2] if table.shape[1] > 2 else None
    beside = paths[0].with_name(f"demand-{paths[0].name.split('.')[0]}.dat")
    file = paths[1] if len(paths) > 1 else beside
    if file.is_file():
        demand = _numbers(text_of(file))[-n:]
    if demand is None:
        raise click.UsageError(f"{paths[0]}: no demand: give its file as the second FILE")
    return demand, np.hypot(*(table[:, None, :2] - table[:, :2]).transpose(2, 0, 1))


def _city(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a city's demand and distances; the nodes' numbers may stand before their values or not."""
    head, *sections = re.split(r"(NODE_COORD_SECTION|DEMAND_SECTION)", text)
    named = {name: _numbers(body) for name, body in zip(sections[::2], sections[1::2], strict=True)}
    degrees, weights = named["NODE_COORD_SECTION"], named["DEMAND_SECTION"]
    dimension = re.search(r"DIMENSION\s*:?\s*(\d+)", head)
    n = int(dimension[1]) if dimension else weights.size
    degrees, weights = degrees.reshape(n, -1)[:, -2:], weights.reshape(n, -1)[:, -1]
    lat, lon = np.radians(degrees).T
    cosine = np.sin(lat)[:, None] * np.sin(lat) + np.cos(lat)[:, None] * np.cos(lat) * np.cos(lon[:, None] - lon)
    with np.errstate(invalid="ignore"):
        walk_m = EARTH_M * np.arccos(cosine).astype(np.float32)
    np.fill_diagonal(walk_m, 0)
    return weights, np.where(np.isnan(walk_m), np.inf, walk_m).astype(np.float64)


def problem_of(demand: np.ndarray, walk_m: np.ndarray, k: int, reach_m: float, **more: Any) -> KioskProblem:
    """Return the kiosk problem of a full matrix of distances, row a point, column a site."""
    point, site = np.nonzero(walk_m <= reach_m)
    pairs = (point.astype(np.int64), site.astype(np.int64), walk_m[point, site].astype(np.float64))
    return KioskProblem(demand.astype(np.float64), walk_m.shape[1], *pairs, reach_m, k, **more)


def mclp(paths: list[Path], p: int | None, until: float, radius: float | None, _: float | None) -> dict[str, Any]:
    """Solve one maximal-covering instance."""
    if p is None:
        raise click.UsageError("mclp: give --p")
    demand, walk_m = points(paths)
    return _solved(problem_of(demand, walk_m, p, 800.0 if radius is None else radius), until)


def pmedian(paths: list[Path], p: int | None, until: float, _: float | None, __: float | None) -> dict[str, Any]:
    """Solve one p-median instance."""
    walk_m, own = graph(paths[0])
    problem = problem_of(np.ones(len(walk_m)), walk_m, p or own, float(walk_m.max()) + 1, aim="median")
    return _solved(problem, until)


def pcenter(paths: list[Path], p: int | None, until: float, _: float | None, __: float | None) -> dict[str, Any]:
    """Solve one p-center instance."""
    walk_m, own = graph(paths[0])
    problem = problem_of(np.ones(len(walk_m)), walk_m, p or own, float(walk_m.max()))
    plan = nearest_reach(problem, limit=_left(until))
    judged = judge_center(problem, plan)
    return {
        "p": problem.k, "value": judged.value, "bound": judged.bound, "gap": judged.gap, "certified_by": judged.proof,
        "sites": [site + 1 for site in plan.sites],
    }  # fmt: skip


def cap(paths: list[Path], p: int | None, until: float, _: float | None, capacity: float | None) -> dict[str, Any]:
    """Solve one capacitated-location instance."""
    problem = warehouses(paths[0], capacity, p)
    plan = solve_capacity(problem, limit=_left(until))
    judged = judge_capacity(problem, plan)
    return {
        "p": len(plan.sites), "value": judged.value, "bound": judged.bound, "gap": judged.gap,
        "certified_by": judged.proof, "root_bound": judged.root_bound, "sites": [site + 1 for site in plan.sites],
    }  # fmt: skip


def warehouses(path: Path, capacity: float | None = None, p: int | None = None) -> CapacityProblem:
    """Return an OR-Library capacitated location problem: costs are given for all of a customer's demand."""
    words = text_of(path).split()
    m, n = int(words[0]), int(words[1])
    sites = words[2 : 2 + 2 * m]
    if any(word.isalpha() for word in sites) and capacity is None:
        raise click.UsageError(f"{path}: the capacity is left open: give --capacity")
    room = np.array([float(word) if not word.isalpha() else capacity for word in sites[::2]], dtype=np.float64)
    rest = np.array(words[2 + 2 * m :], dtype=np.float64)[: n * (m + 1)].reshape(n, m + 1)
    demand, cost = rest[:, 0], rest[:, 1:]
    # A customer without demand still costs what its nearest site asks: it is given a demand that fills nothing.
    weight = np.where(demand > 0, demand, 1e-9)
    point, site = np.divmod(np.arange(n * m), m)
    return CapacityProblem(
        weight, point, site, (cost / weight[:, None]).ravel(), room, np.array(sites[1::2], dtype=np.float64), np.inf, p
    )


def _left(until: float) -> Limit:
    """Return what is left of the time: reading a file takes its part."""
    return Limit(seconds=max(until - time.monotonic(), 0.1))


def _solved(problem: KioskProblem, until: float) -> dict[str, Any]:
    plan = solve_kiosks(problem, limit=_left(until))
    judged = judge_kiosks(problem, plan)
    return {
        "p": problem.k, "value": judged.value, "bound": judged.bound, "gap": judged.gap, "certified_by": judged.proof,
        "root_bound": judged.root_bound, "sites": [site + 1 for site in plan.sites],
    }  # fmt: skip


FAMILIES = {"cap": cap, "mclp": mclp, "pcenter": pcenter, "pmedian": pmedian}


@click.command()
@click.argument("family", type=click.Choice(sorted(FAMILIES)))
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--p", type=int, help="Sites to choose; a p-median file names its own.")
@click.option("--radius", type=float, help="Metres that count as covered (default 800).")
@click.option("--capacity", type=float, help="Capacity where a cap file leaves it open.")
@click.option("--seconds", type=float, default=60.0, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(
    family: str,
    files: tuple[Path, ...],
    p: int | None,
    radius: float | None,
    capacity: float | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Solve instances of a FAMILY; of mclp points, a demand file follows its FILE."""
    for group in _grouped(family, files):
        began, wall = time.process_time(), time.monotonic()
        answer = {
            "family": family,
            "file": group[0].name,
            **FAMILIES[family](list(group), p, wall + seconds, radius, capacity),
        }
        answer |= {"cpu_s": round(time.process_time() - began, 2), "wall_s": round(time.monotonic() - wall, 2)}
        if as_json:
            click.echo(json.dumps(answer))
        else:
            shown = {key: value for key, value in answer.items() if key != "sites"}
            click.echo("  ".join(f"{key} {value}" for key, value in shown.items()))
        sys.stdout.flush()


def _grouped(family: str, files: tuple[Path, ...]) -> list[list[Path]]:
    groups: list[list[Path]] = []
    for file in files:
        if family == "mclp" and groups and "demand" in file.name:
            groups[-1].append(file)
        else:
            groups.append([file])
    return groups


if __name__ == "__main__":
    main()
