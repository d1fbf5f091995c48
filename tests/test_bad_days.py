"""Days that cannot be as they are asked for: each gets a clear answer, and no stop is dropped without a word."""

import time
from dataclasses import replace

import numpy as np
import pytest

from sweepplan.errors import ProblemError, StreetsError, TableError
from sweepplan.judging import judge_sweep, work_days
from sweepplan.model import Crew, Limit, Shift, Stop, SweepProblem
from sweepplan.routing import solve_sweep
from sweepplan.streets import StreetNetwork
from tests.test_bridge import DAY, At, day, reports
from tests.test_routing import town

H = 3600


def test_a_crew_in_another_part_of_town_serves_that_part_and_what_nobody_reaches_is_named() -> None:
    part = np.array([0, 0, 1, 1, 2])  # depots in rows 0 and 2, stops in rows 1, 3 and 4
    travel_s = np.where(part[:, None] == part, 600.0, np.inf)
    stops = tuple(Stop.point(f"r{row}", row, 1.0, 300, (0, 16 * H), required=True) for row in (1, 3, 4))
    shifts = (Shift("A", (8 * H, 16 * H)), Shift("B", (8 * H, 16 * H), start=2, end=2))
    problem = SweepProblem(stops, shifts, travel_s)
    for solver in ("ruin", "pyvrp", "both"):
        plan = solve_sweep(problem, limit=Limit(iterations=20), seed=1, solver=solver)
        assert plan.routes == ((0,), (1,))
        assert judge_sweep(problem, plan).unserved == ((2, "no way there on the streets"),)
    lost = replace(problem, shifts=(shifts[0], replace(shifts[1], start=4, end=4)), stops=stops[:2])
    plan = solve_sweep(lost, limit=Limit(iterations=20), seed=1)
    assert plan.routes == ((0,), ())
    assert judge_sweep(lost, plan).unserved == ((1, "no way there on the streets"),)


@pytest.mark.parametrize(
    ("window_s", "reason"),
    [
        ((0, 7 * H), "its window closes 07:00 before any crew can be there"),
        ((17 * H, 18 * H), "its window opens 17:00, too late for any crew to be back in time"),
    ],
)
def test_a_window_outside_every_shift_is_named(window_s: tuple[int, int], reason: str) -> None:
    stops = (Stop.point("r", 1, 1.0, 300, window_s, required=True), Stop.point("s", 1, 1.0, 300, (0, 16 * H)))
    problem = SweepProblem(stops, (Shift("A", (8 * H, 16 * H)),), np.full((2, 2), 60.0))
    plan = solve_sweep(problem, limit=Limit(iterations=20), seed=1)
    assert plan.routes == ((1,),)
    assert judge_sweep(problem, plan).unserved == ((0, reason),)


@pytest.mark.parametrize("sweep_s", [-1.0, np.nan, np.inf])
def test_a_place_with_no_time_to_sweep_it_is_refused(gridtown: StreetNetwork, gridtown_at: At, sweep_s: float) -> None:
    places = gridtown.places().assign(needles_a_day=1.0, swept_d=np.nan)
    places.loc[places.index[3], "sweep_s"] = sweep_s
    waiting = reports(gridtown_at((0, 0)), [1.0], gridtown.area.moment(f"{DAY} 06:00"))
    with pytest.raises(TableError, match="column 'sweep_s'"):
        day(gridtown, gridtown_at, waiting, places=places)


def test_no_crew_and_a_crew_whose_depot_is_nowhere_are_refused(gridtown: StreetNetwork, gridtown_at: At) -> None:
    waiting = reports(gridtown_at((0, 0)), [1.0], gridtown.area.moment(f"{DAY} 06:00"))
    with pytest.raises(ProblemError, match="no crew: give at least one"):
        day(gridtown, gridtown_at, waiting, crews=[])
    with pytest.raises(StreetsError, match="the depot lies more than 1000 m from any street"):
        day(gridtown, gridtown_at, waiting, crews=[Crew("A", depot=(40.0, -71.0))])


def test_five_thousand_stops_in_a_second_end_with_every_request_served() -> None:
    problem = town(4, n_required=60, n_optional=4940, n_crews=10)
    used = time.process_time()
    plan = solve_sweep(problem, limit=Limit(seconds=1.0), seed=1)
    assert time.process_time() - used < 10
    assert len(work_days(problem, plan)) == 10
    assert len({stop for route in plan.routes for stop in route} & set(range(60))) == 60
