"""Tables and streets become problems, plans become tables; Gridtown is checked with a pencil."""

from collections.abc import Callable
from datetime import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sweepplan import bridge
from sweepplan.bridge import KioskRules, SweepRules
from sweepplan.errors import ProblemError, StreetsError
from sweepplan.model import Crew, KioskPlan, Limit, SweepPlan
from sweepplan.routing import solve_sweep
from sweepplan.siting import solve_kiosks
from sweepplan.streets import StreetNetwork
from sweepplan.tables import CELLS, SITES

DAY = "2026-03-02"
At = Callable[..., gpd.GeoSeries]


def reports(spots: gpd.GeoSeries, hours_ago: list[float], as_of: pd.Timestamp, **changes: object) -> gpd.GeoDataFrame:
    n = len(spots)
    moments = pd.Series(as_of - pd.to_timedelta(hours_ago, unit="h")).dt.as_unit("us")
    never = pd.Series(pd.NaT, index=range(n), dtype="datetime64[us, UTC]")
    columns: dict[str, object] = {
        "kind": "needle",
        "reported_at": moments,
        "time_precision": "second",
        "source": "made up",
        "needles": np.nan,
        "status": "open",
        "due_at": never,
        "closed_at": never,
    }
    table = gpd.GeoDataFrame({**columns, **changes}, geometry=spots.to_numpy(), crs=spots.crs, index=range(n))
    table.index = pd.Index([f"r{k}" for k in range(n)], name="incident_id", dtype="str")
    return table


def cells(at: At, rates: dict[tuple[int, int], float]) -> gpd.GeoDataFrame:
    corner = shapely.get_coordinates(at((0, 0)).to_numpy())[0]
    boxes = [shapely.box(corner[0] + x, corner[1] + y, corner[0] + x + 100, corner[1] + y + 100) for x, y in rates]
    table = gpd.GeoDataFrame(
        {"kind": "needle", "n_incidents": 20, "rate": list(rates.values())}, geometry=boxes, crs=at((0, 0)).crs
    )
    table.index = pd.Index([f"c{k}" for k in range(len(rates))], name="cell_id", dtype="str")
    return CELLS.check(table) if rates else CELLS.empty(at((0, 0)).crs)


def day(network: StreetNetwork, at: At, table: gpd.GeoDataFrame, **changes: object) -> bridge.SweepDay:
    arguments = {
        "as_of": network.area.moment(f"{DAY} 06:00"),
        "cells": cells(at, {}),
        "depot": at((0, 0)),
        **changes,
    }
    crews = arguments.pop("crews", [Crew("A", time(8), time(16))])
    return bridge.sweep_day(table, network, crews, **arguments)


def test_what_waits_is_open_before_the_moment_and_not_closed_before_it(
    gridtown: StreetNetwork, gridtown_at: At
) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    hours = [5.0, 5.0, 5.0, -1.0, 5.0, 30.0, 5.0, 5.0]
    status = ["open", "closed", "closed", "open", None, None, None, "closed"]
    closed = [None, as_of - pd.Timedelta(hours=1), as_of + pd.Timedelta(hours=1), None, None, None, None, None]
    table = reports(
        gridtown_at(*[(100 * k, 0) for k in range(len(hours))]),
        hours,
        as_of,
        status=pd.array(status, dtype="str"),
        closed_at=pd.to_datetime(closed, utc=True).as_unit("us"),
        time_precision=["second"] * 6 + ["month", "second"],
    )
    assert list(bridge.open_requests(table, as_of=as_of).index) == ["r0", "r2", "r4"]


def test_an_overdose_is_never_a_stop(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    table = reports(gridtown_at((100, 0), (200, 0)), [1, 1], as_of, kind=["needle", "overdose"])
    assert list(bridge.open_requests(table, as_of=as_of).index) == ["r0"]


def test_a_route_in_gridtown_takes_what_a_pencil_says(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    made = day(gridtown, gridtown_at, reports(gridtown_at((300, 400)), [1.0], as_of), rules=SweepRules(request_s=600))
    plan = SweepPlan(((0,),), "by hand", 0)
    route = bridge.route_table(made, plan, gridtown).loc["A"]
    assert route["drive_m"] == pytest.approx(1400, abs=0.1)
    assert route["crew_s"] == pytest.approx(700 + 600 + 700, abs=1)
    assert route["starts_at"] == gridtown.area.moment(f"{DAY} 08:00")
    stop = bridge.stop_table(made, plan).iloc[0]
    assert stop["arrives_at"] == pytest.approx(gridtown.area.moment(f"{DAY} 08:11:40"), abs=pd.Timedelta(seconds=1))
    assert (stop["crew"], stop["seq"], stop["kind"], stop["place_id"]) == ("A", 1, "request", "r0")


def test_a_due_time_is_a_window_unless_nobody_can_meet_it(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    due = [gridtown.area.moment(f"{DAY} {wall}") for wall in ("05:00", "08:05", "12:00", "23:00")]
    table = reports(gridtown_at(*[(600, 600)] * 4), [3.0] * 4, as_of, due_at=pd.Series(due).dt.as_unit("us"))
    closes = [stop.window_s[1] for stop in day(gridtown, gridtown_at, table).problem.stops]
    assert closes == [16 * 3600, 16 * 3600, 12 * 3600, 16 * 3600]


def test_places_with_the_most_needles_a_minute_are_offered_with_their_prize(
    gridtown: StreetNetwork, gridtown_at: At
) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    rates = cells(gridtown_at, {(50, 250): 0.9, (250, 50): 0.1})
    rules = SweepRules(places_per_crew_h=0.5, days_between_sweeps=10, needles_per_report=2)
    made = day(gridtown, gridtown_at, reports(gridtown_at((0, 0)), [1.0], as_of), cells=rates, rules=rules)
    optional = [stop for stop in made.problem.stops if not stop.required]
    assert len(optional) == 4
    assert sum(stop.prize for stop in optional) == pytest.approx(0.9 * 10 * 2, rel=1e-3)
    assert {stop.kind for stop in made.stops.itertuples()} == {"request", "street"}


def test_the_day_starts_at_the_moment_planned(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 12:00")
    table = reports(gridtown_at((300, 400)), [1.0], as_of)
    assert day(gridtown, gridtown_at, table, as_of=as_of).problem.shifts[0].window_s == (12 * 3600, 16 * 3600)
    with pytest.raises(ProblemError, match="shift of crew 'A' is over at 2026-03-02 17:00"):
        day(gridtown, gridtown_at, table, as_of=gridtown.area.moment(f"{DAY} 17:00"))


def test_on_the_day_the_clock_jumps_a_shift_still_starts_by_the_clock(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment("2026-03-08 00:30")
    made = day(gridtown, gridtown_at, reports(gridtown_at((300, 400)), [1.0], as_of), as_of=as_of)
    assert made.problem.shifts[0].window_s == (7 * 3600, 15 * 3600)
    assert made.clock(7 * 3600) == gridtown.area.moment("2026-03-08 08:00")


def test_a_request_off_the_streets_is_named_not_dropped(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    made = day(
        gridtown,
        gridtown_at,
        reports(gridtown_at((50, 50), (300, 400)), [1.0, 1.0], as_of),
        rules=SweepRules(snap_limit_m=20),
    )
    plan = solve_sweep(made.problem, limit=Limit(iterations=20), seed=1)
    stops = bridge.stop_table(made, plan).set_index("place_id")
    assert stops.loc["r1", "crew"] == "A"
    assert stops.loc["r0", "reason"] == "no way there on the streets"
    with pytest.raises(StreetsError, match="the depot lies more than 20 m from any street"):
        day(
            gridtown,
            gridtown_at,
            reports(gridtown_at((0, 0)), [1.0], as_of),
            depot=gridtown_at((50, 50)),
            rules=SweepRules(depot_limit_m=20),
        )


def test_a_depot_on_a_stub_nobody_can_come_back_to_stands_on_the_next_street(
    make_gridtown: Callable[..., object], gridtown_area: object, gridtown_at: At
) -> None:
    graph = make_gridtown(one_way=[(1, 0), (100, 0)])
    network = StreetNetwork.from_graph(graph, gridtown_area, "drive", speed_ms=1.0)
    as_of = network.area.moment(f"{DAY} 06:00")
    made = day(network, gridtown_at, reports(gridtown_at((300, 400)), [1.0], as_of), depot=gridtown_at((10, 0)))
    assert np.isfinite(made.problem.travel_s).all()


def sites(at: At, spots: list[tuple[float, float]], kind: str) -> gpd.GeoDataFrame:
    index = pd.Index([f"{kind}-{k}" for k in range(len(spots))], name="site_id", dtype="str")
    table = gpd.GeoDataFrame({"name": index, "kind": kind, "state": "x"}, geometry=at(*spots).to_numpy(), index=index)
    return SITES.check(table.set_crs(at((0, 0)).crs))


def test_reach_is_walked_along_the_streets_and_its_bound_counts(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    table = reports(gridtown_at((0, 0), (0, 0), (100, 100), (150, 100), (600, 600)), [24.0 * 9] * 5, as_of)
    study = bridge.kiosk_study(
        table,
        gridtown,
        candidates=sites(gridtown_at, [(0, 0), (100, 0), (600, 500)], "candidate"),
        kiosks=sites(gridtown_at, [(600, 600)], "kiosk"),
        as_of=as_of,
        rules=KioskRules(k=1, reach_m=200),
    )
    plan = solve_kiosks(study.problem)
    shown = bridge.kiosk_table(study, plan)
    assert list(shown.index) == ["kiosk-0", "candidate-1"]
    assert list(shown["covered"]) == [1, 4]
    assert list(shown["added"]) == [0, 4]
    assert list(shown["state"]) == ["installed", "proposed"]
    at_origin = bridge.kiosk_table(study, KioskPlan((1,), 5.0, "by hand")).loc["candidate-0"]
    assert at_origin["covered"] == 3


def test_only_reports_of_one_kind_in_the_window_make_demand(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    mixed = reports(gridtown_at((0, 0), (100, 0)), [1.0, 1.0], as_of, kind=["needle", "overdose"])
    old = reports(gridtown_at((0, 0)), [24.0 * 400], as_of)
    for table, words in ((mixed, "kinds needle and overdose"), (old, "no report in the 365 days")):
        with pytest.raises(ProblemError, match=words):
            bridge.kiosk_study(table, gridtown, candidates=None, kiosks=None, as_of=as_of)


def test_without_candidates_the_corners_near_reports_are_offered(gridtown: StreetNetwork, gridtown_at: At) -> None:
    offered = bridge.corner_sites(gridtown, gridtown_at((300, 300)), 120)
    assert sorted(offered["name"]) == [
        "Avenue 3 & D Street",
        "Avenue 4 & C Street",
        "Avenue 4 & D Street",
        "Avenue 4 & E Street",
        "Avenue 5 & D Street",
    ]
