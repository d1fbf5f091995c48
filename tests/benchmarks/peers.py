"""Peers of the sweep solver, each in its own process: ``python -m tests.benchmarks.peers NAME < day.json``.

ortools : OR-Tools routing, guided local search; the directions of a street are nodes of one disjunction.
vroom : VROOM at its quickest exploration, which finds most in ten seconds of such a day. It knows no alternatives, so
    it gets one direction of each street, the quickest; and priorities from 0 to 100 instead of prizes: must-visits have
    100, the largest prize ``VROOM_TOP``.

Only what a plain day has: windows, shifts, must-visits, prizes. No breaks, containers, skills.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import numpy as np

from sweepplan.model import SweepPlan, SweepProblem

VROOM_TOP = 50
"""Priority of the largest prize: so that no must-visit is given up for fewer than three streets."""


class MissingError(Exception):
    """A peer that is not here, and why."""


def peer_plan(name: str, problem: SweepProblem, *, seconds: float, needle_s: float) -> SweepPlan:
    """Return what the peer finds, one thread, ``seconds`` of search after its model is built."""
    visits = [(k, m) for k, stop in enumerate(problem.stops) for m in range(len(stop.modes))]
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.peers", name],
        input=json.dumps(_day(problem, visits) | {"seconds": seconds, "needle_s": needle_s}),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise MissingError(f"{name}: {(run.stderr.strip() or f'ended with {run.returncode}').splitlines()[-1]}")
    routes = [[visits[node] for node in route] for route in json.loads(run.stdout.splitlines()[-1])]
    stops, modes = (tuple(tuple(pair[part] for pair in route) for route in routes) for part in (0, 1))
    return SweepPlan(stops, name, 0, modes)


def _day(problem: SweepProblem, visits: list[tuple[int, int]]) -> dict[str, Any]:
    """Return the problem in numbers: a node for every direction of a stop, then the crews' starts, then their ends."""
    modes = [problem.stops[k].modes[m] for k, m in visits]
    ends = [shift.start for shift in problem.shifts] + [shift.end for shift in problem.shifts]
    travel = problem.travel_s[np.ix_([m.exit for m in modes] + ends, [m.entry for m in modes] + ends)]
    never = 1 + max(shift.window_s[1] for shift in problem.shifts)
    return {
        "travel": np.minimum(travel, never).astype(int).tolist(),
        "stop": [k for k, _ in visits],
        "service": [int(mode.service_s) for mode in modes],
        "prize": [stop.prize for stop in problem.stops],
        "required": [stop.required for stop in problem.stops],
        "window": [[int(at) for at in stop.window_s] for stop in problem.stops],
        "shift": [[int(at) for at in shift.window_s] for shift in problem.shifts],
    }


def ortools(day: dict[str, Any]) -> list[list[int]]:
    """Return routes of nodes."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    n, crews, travel = len(day["stop"]), len(day["shift"]), day["travel"]
    manager = pywrapcp.RoutingIndexManager(
        len(travel), crews, list(range(n, n + crews)), list(range(n + crews, n + 2 * crews))
    )
    routing = pywrapcp.RoutingModel(manager)
    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(travel))
    service = [*day["service"], *[0] * (2 * crews)]
    took = routing.RegisterTransitMatrix([[t + s for t in row] for row, s in zip(travel, service, strict=True)])
    latest = max(end for _, end in day["shift"])
    routing.AddDimension(took, latest, latest, False, "time")
    time = routing.GetDimensionOrDie("time")
    for crew, (begin, end) in enumerate(day["shift"]):
        time.CumulVar(routing.Start(crew)).SetRange(begin, end)
        time.CumulVar(routing.End(crew)).SetRange(begin, end)
    worth = [round(day["needle_s"] * prize) for prize in day["prize"]]
    dear = sum(worth) + latest * crews + 1
    for k, required in enumerate(day["required"]):
        nodes = [manager.NodeToIndex(node) for node in range(n) if day["stop"][node] == k]
        routing.AddDisjunction(nodes, dear if required else worth[k], 1)
        opens, closes = day["window"][k]
        for index in nodes:
            time.CumulVar(index).SetRange(opens, min(closes, latest))
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.FromTimedelta(timedelta(seconds=day["seconds"]))
    found = routing.SolveWithParameters(search)
    routes = []
    for crew in range(crews):
        routes.append([])
        index = found.Value(routing.NextVar(routing.Start(crew))) if found else routing.End(crew)
        while not routing.IsEnd(index):
            routes[-1].append(manager.IndexToNode(index))
            index = found.Value(routing.NextVar(index))
    return routes


def vroom(day: dict[str, Any]) -> list[list[int]]:
    """Return routes of nodes."""
    import vroom as peer

    n, crews = len(day["stop"]), len(day["shift"])
    given = peer.Input()
    given.set_durations_matrix("car", np.ascontiguousarray(day["travel"], dtype="uint32"))
    for crew, shift in enumerate(day["shift"]):
        given.add_vehicle(peer.Vehicle(crew, n + crew, n + crews + crew, time_window=peer.TimeWindow(*shift)))
    most = max(day["prize"]) or 1.0
    for k, required in enumerate(day["required"]):
        node = min((node for node in range(n) if day["stop"][node] == k), key=lambda node: day["service"][node])
        given.add_job(
            peer.Job(
                node,
                node,
                default_service=day["service"][node],
                priority=100 if required else round(VROOM_TOP * day["prize"][k] / most),
                time_windows=[peer.TimeWindow(*day["window"][k])],
            )
        )
    found = given.solve(exploration_level=0, nb_threads=1, timeout=timedelta(seconds=day["seconds"])).routes
    jobs = found[found["type"] == "job"]
    return [[int(node) for node in jobs.loc[jobs["vehicle_id"] == crew, "id"]] for crew in range(crews)]


PEERS = {"ortools": ortools, "vroom": vroom}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(PEERS[sys.argv[1]](json.load(sys.stdin))) + "\n")
