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
from sweepplan.hotspots import place_rates
from sweepplan.model import Crew, KioskPlan, Limit, SweepPlan
from sweepplan.routing import solve_sweep
from sweepplan.siting import solve_kiosks
from sweepplan.streets import StreetNetwork
from sweepplan.tables import CELLS, PICKUPS, SITES

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
        "depot": at((0, 0)),
        "places": network.places().assign(needles_a_day=0.0, swept_d=np.nan),
        **changes,
    }
    crews = arguments.pop("crews", [Crew("A", time(8), time(16))])
    return bridge.sweep_day(table, network, crews, **arguments)


def test_kiosks_due_are_stops_without_needles(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    due = gpd.GeoDataFrame(
        {"name": ["Kiosk 1"], "why": ["full"], "due_at": [as_of - pd.Timedelta(days=2)]},
        index=pd.Index(["k1"], name="site_id"),
        geometry=gridtown_at((300, 0)).array,
        crs=gridtown_at((300, 0)).crs,
    )
    made = day(gridtown, gridtown_at, reports(gridtown_at((100, 0)), [5.0], as_of), services=due)
    assert made.stops["kind"].tolist() == ["request", "kiosk"]
    assert made.stops["name"].iloc[1] == "Kiosk 1: full"
    stop = made.problem.stops[1]
    assert (stop.required, stop.prize, stop.modes[0].service_s) == (True, 0.0, 900)


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
    route = bridge.route_table(made, plan).loc["A"]
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


@pytest.mark.parametrize(("swept_d", "days"), [(np.nan, 10), (30.0, 10), (4.0, 4)])
def test_places_with_the_most_needles_a_minute_are_offered_with_their_prize(
    gridtown: StreetNetwork, gridtown_at: At, swept_d: float, days: float
) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    rates = place_rates(cells(gridtown_at, {(50, 250): 0.9, (250, 50): 0.1}), gridtown.places())["rate"]
    rules = SweepRules(places_per_crew_h=0.5, days_between_sweeps=10)
    places = gridtown.places().assign(needles_a_day=2 * rates, swept_d=swept_d)
    made = day(gridtown, gridtown_at, reports(gridtown_at((0, 0)), [1.0], as_of), places=places, rules=rules)
    optional = [stop for stop in made.problem.stops if not stop.required]
    assert len(optional) == 4
    assert sum(stop.prize for stop in optional) == pytest.approx(0.9 * days * 2, rel=1e-3)
    assert {stop.kind for stop in made.stops.itertuples()} == {"request", "street"}


def test_needles_gather_where_reports_come_along_the_street_and_less_where_crews_found_nothing(
    gridtown: StreetNetwork, gridtown_at: At
) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    spots = [(150, 300)] * 12 + [(350, 500)] * 12
    table = reports(gridtown_at(*spots), [24.0 * 3 * (k % 12 + 1) for k in range(24)], as_of)
    none = cells(gridtown_at, {})
    lines = gridtown.places()
    here, there = (lines.distance(spot).idxmin() for spot in gridtown_at((150, 300), (350, 500)))
    places = bridge.places_to_sweep(table, gridtown, as_of=as_of, cells=none)
    best = places["needles_a_day"].nlargest(2)
    assert set(best.index) == {here, there}
    clean = gpd.GeoDataFrame(
        {
            "place_id": here,
            "at": pd.to_datetime([as_of - pd.Timedelta(days=d) for d in (5, 15, 25)], utc=True).as_unit("us"),
            "needles": 0.0,
            "minutes": 5.0,
            "outcome": "clean",
            "stream": "sweep",
        },
        geometry=gridtown_at(*[(150, 300)] * 3).to_numpy(),
        crs=gridtown.area.crs,
    )
    found = clean.assign(place_id=there, needles=8.0, outcome="found")
    log = pd.concat([clean, found], ignore_index=True)
    log.index = pd.Index([f"p{k}" for k in range(6)], name="pickup_id", dtype="str")
    after = bridge.places_to_sweep(table, gridtown, as_of=as_of, cells=none, pickups=PICKUPS.check(log))
    assert after.loc[here, "needles_a_day"] < after.loc[there, "needles_a_day"] / 3


def test_streets_are_cut_into_even_pieces_and_nothing_leaks_through_a_block(
    gridtown: StreetNetwork, gridtown_at: At
) -> None:
    ground, lines = bridge.street_pieces(gridtown, piece_m=40)
    assert ground.length_m.sum() == pytest.approx(gridtown.places()["length_m"].sum())
    assert ground.length_m.max() <= 40
    assert lines.length.to_numpy() == pytest.approx(ground.length_m, rel=1e-3)
    weight = np.zeros((1, len(lines)))
    piece = bridge.piece_of(reports(gridtown_at((150, 302), (5000, 5000)), [1, 1], pd.Timestamp(DAY, tz="UTC")), lines)
    assert piece[1] == -1
    weight[0, piece[0]] = 3
    spread = ground.spread(weight, 30)[0]
    assert spread.sum() == pytest.approx(3)
    across = bridge.piece_of(reports(gridtown_at((150, 400)), [1], pd.Timestamp(DAY, tz="UTC")), lines)[0]
    along = bridge.piece_of(reports(gridtown_at((200, 300)), [1], pd.Timestamp(DAY, tz="UTC")), lines)[0]
    assert spread[across] == 0  # 100 m away as the crow flies, 200 m along the streets
    assert spread[along] > 0
    assert ground.near(np.zeros(len(lines))).all()
    with pytest.raises(StreetsError, match="piece_m 0"):
        bridge.street_pieces(gridtown, piece_m=0)


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
        rules=SweepRules(snap_limit_m=20, foot_limit_m=40),
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


def test_a_request_off_the_streets_is_walked_to(gridtown: StreetNetwork, gridtown_at: At) -> None:
    """50 m from the nearest street, x 1.25, at 1.2 m/s, there and back: 104 s more."""
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    table = reports(gridtown_at((50, 50), (300, 400)), [1.0, 1.0], as_of)
    made = day(gridtown, gridtown_at, table, rules=SweepRules(snap_limit_m=20, request_s=600))
    required = [stop for stop in made.problem.stops if stop.required]
    assert [stop.modes[0].service_s for stop in required] == [705, 600]
    assert made.stops["name"].iloc[0].endswith(", then 62 m on foot")
    assert np.isfinite(made.problem.travel_s).all()
