"""Streets are swept along their lines: every drawn route is walked edge by edge, and no one-way is driven against."""

from collections.abc import Callable
from datetime import time
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import gpxpy
import networkx as nx
import numpy as np
import pytest
import shapely

from sweepplan import bridge
from sweepplan.bridge import SweepRules
from sweepplan.bridge.grounds import PARK, PARK_FAR
from sweepplan.errors import ProblemError
from sweepplan.geo import Area
from sweepplan.model import Crew, Limit, SweepPlan
from sweepplan.privacy import Policy, publish
from sweepplan.report import routes_gpx
from sweepplan.routing import solve_sweep
from sweepplan.streets import StreetNetwork, area_of, read_graph
from tests.test_bridge import DAY, At, day, reports

ONE_WAY = [(0, 1), (1, 2), (102, 101), (101, 100), (1, 101), (202, 102), (300, 200), (203, 204)]


def against(edges: gpd.GeoDataFrame, line: shapely.LineString, *, within_m: float = 0.2) -> list[tuple]:
    """The parts of a line, from corner to corner, that no edge bears in that direction."""
    lines = edges.geometry.to_numpy()
    tree, xy, odd = edges.sindex, shapely.get_coordinates(line), []
    for a, b in pairwise(xy):
        near = tree.query(shapely.LineString([a, b]).buffer(within_m), predicate="intersects")
        along = [
            shapely.line_locate_point(lines[k], shapely.Point(b))
            - shapely.line_locate_point(lines[k], shapely.Point(a))
            for k in near
            if max(lines[k].distance(shapely.Point(p)) for p in (a, (a + b) / 2, b)) <= within_m
        ]
        if np.hypot(*(b - a)) > within_m and not any(each > 0 for each in along):
            odd.append((tuple(a), tuple(b)))
    return odd


@pytest.fixture(scope="module")
def one_ways(make_gridtown: Callable[..., nx.MultiDiGraph], gridtown_area: Area) -> StreetNetwork:
    graph = make_gridtown(one_way=ONE_WAY)
    for u, v in ((600, 601), (601, 602)):
        for a, b in ((u, v), (v, u)):
            graph.edges[a, b, 0]["highway"] = "primary"
    return StreetNetwork.from_graph(graph, gridtown_area, "drive", speed_ms=5.0)


def swept(network: StreetNetwork, at: At, crews: list[Crew], walk: StreetNetwork | None = None, **changes) -> tuple:
    places = network.places()
    places = places.assign(needles_a_day=1.0 + np.arange(len(places)) % 7, swept_d=np.nan, sweep_s=120.0)
    waiting = reports(at((250, 300)), [1.0], network.area.moment(f"{DAY} 06:00"))
    made = day(network, at, waiting, crews=crews, places=places, walk=walk, **changes)
    return made, solve_sweep(made.problem, limit=Limit(iterations=30), seed=1, needle_s=36_000)


def test_a_street_is_entered_at_one_end_and_left_at_the_other(one_ways: StreetNetwork, gridtown_at: At) -> None:
    made, _ = swept(one_ways, gridtown_at, [Crew("A")])
    number = {place: k for k, place in enumerate(made.stops["place_id"])}
    stops = made.problem.stops
    assert [len(stops[number[place]].modes) for place in ("street-0-1", "street-2-3", "street-600-601")] == [1, 2, 2]
    ahead, back = (mode.entry for mode in stops[number["street-2-3"]].modes)
    t = made.problem.travel_s
    # From the depot at (0, 0) to (200, 0) by one-way A Street is 40 s, to its other end 60 s; and back round the block.
    assert (t[0, ahead], t[0, back]) == (40, 60)
    assert t[ahead, 0] == t[back, 0] + 20
    wide = made.layout.swept(stops[number["street-600-601"]].modes[0].entry)
    assert wide is not None
    assert wide.length == pytest.approx(200)
    plan = SweepPlan(((number["street-2-3"], number["street-0-1"]),), "by hand", 0, ((1, 0),))
    route, legs = bridge.route_table(made, plan).loc["A"], bridge.leg_table(made, plan)
    assert legs["swept_m"].tolist() == pytest.approx([100, 100, 0])
    assert legs["directions"].iloc[0].endswith("sweep A Street to its end, 100 m")
    assert route.geometry.length == pytest.approx(route["drive_m"] + 200)


def test_every_drawn_route_is_walked_edge_by_edge(one_ways: StreetNetwork, gridtown_at: At) -> None:
    made, plan = swept(one_ways, gridtown_at, [Crew("A", time(8), time(9)), Crew("B", time(8), time(9))])
    routes, legs = bridge.route_table(made, plan), bridge.leg_table(made, plan)
    assert len(routes) == 2
    assert (legs["swept_m"] > 0).sum() > 20
    for line in routes.geometry:
        assert against(one_ways.edges, line) == []
    wrong = shapely.LineString(one_ways.edges.geometry[one_ways.edges["reverse"] < 0].iloc[0].coords[::-1])
    assert len(against(one_ways.edges, wrong)) == 1


def test_who_walks_is_bound_by_no_one_way_and_who_parks_comes_back_to_the_van(
    one_ways: StreetNetwork, make_gridtown: Callable[..., nx.MultiDiGraph], gridtown_area: Area, gridtown_at: At
) -> None:
    walk = StreetNetwork.from_graph(make_gridtown(one_way=ONE_WAY), gridtown_area, "walk", speed_ms=1.0)
    shift = time(8), time(8, 30)
    crews = [Crew("A", *shift), Crew("foot", *shift, mode="walk"), Crew("P", *shift, mode="park-and-walk")]
    made, plan = swept(one_ways, gridtown_at, crews, walk, rules=SweepRules(places_per_crew_h=60))
    shifts, t = made.problem.shifts, made.problem.travel_s
    assert [shift.network for shift in shifts] == [0, 1, 2]
    number = {place: k for k, place in enumerate(made.stops["place_id"])}
    rows = made.layout.rows(number["street-0-1"])
    ahead, back, _, park_far = rows
    assert t[:, 0, rows].tolist() == [
        [0, np.inf, 0, 20],  # a van: A Street is one-way from 0 to 1
        [0, 100, 0, 100],  # on foot at 1 m/s
        [np.inf, np.inf, 0, 20],
    ]
    assert t[2, park_far, park_far] == 0
    assert (t[1, ahead, 0], t[1, back, 0]) == (100, 0)
    assert np.isinf(t[0, back]).all()
    legs, routes = bridge.leg_table(made, plan), bridge.route_table(made, plan)
    assert set(routes.index) == {"A", "foot", "P"}
    both = legs["directions"].str.contains(r"park and sweep .* there and back, 100 m each way")
    assert both[legs["crew"] == "P"].sum() > 5
    assert not both[legs["crew"] == "foot"].any()
    with pytest.raises(ProblemError, match="a crew walks: give the streets"):
        swept(one_ways, gridtown_at, crews)
    added = bridge.with_request(made, gridtown_at((150, 0)), SweepRules())
    assert added.problem.travel_s.shape == (3, len(made.layout) + 1, len(made.layout) + 1)
    assert added.problem.travel_s[:, 0, -1].tolist() == [30, 150, 30]


def test_a_street_no_van_gets_out_of_is_walked_from_its_open_end(
    make_gridtown: Callable[..., nx.MultiDiGraph], gridtown_area: Area, gridtown_at: At
) -> None:
    graph = make_gridtown(rows=3, columns=3)
    graph.remove_edges_from([(a, b) for a, b in graph.edges() if 202 in (a, b) and (a, b) != (201, 202)])
    network = StreetNetwork.from_graph(graph, gridtown_area, "drive", speed_ms=5.0)
    made, _ = swept(network, gridtown_at, [Crew("A")])
    stop = made.stops["place_id"].tolist().index("street-201-202")
    (mode,) = made.problem.stops[stop].modes
    assert made.problem.travel_s[0, mode.entry] == 60
    assert bridge.leg_table(made, SweepPlan(((stop,),), "by hand", 0))["directions"].iloc[0].endswith("100 m each way")


def test_emptying_the_container_is_a_stop_on_paper_and_the_plan_reads_back(
    one_ways: StreetNetwork, gridtown_at: At
) -> None:
    made, plan = swept(
        one_ways, gridtown_at, [Crew("A", time(8), time(10), capacity=40)], rules=SweepRules(unload_s=60)
    )
    stops, legs = bridge.stop_table(made, plan), bridge.leg_table(made, plan)
    assert (stops["kind"] == "unload").sum() >= 1
    assert stops["seq"].tolist() == list(range(1, len(stops) + 1))
    assert len(legs) == len(stops) + 1
    again = bridge.known_plan(made, stops, solver=plan.solver, seed=plan.seed)
    assert again == plan
    shown = publish(
        stops, legs, bridge.route_table(made, plan), area=one_ways.area, policy=Policy.for_role("crew", min_count=11)
    )
    track = gpxpy.parse(routes_gpx(shown)).tracks[0]
    times = [point.time for segment in track.segments for point in segment.points]
    assert times == sorted(times)
    assert len({point.name for point in gpxpy.parse(routes_gpx(shown)).waypoints}) == len(stops)


@pytest.mark.shared
@pytest.mark.parametrize("file", ["boston/streets_drive_2022.graphml.gz", "cambridge/streets_2026.graphml.gz"])
def test_routes_on_real_streets_are_walked_edge_by_edge(shared: Path, file: str) -> None:
    graph = read_graph(shared / "data" / file)
    area = area_of(graph, tz="America/New_York", name="real streets")
    network = StreetNetwork.from_graph(graph, area)
    depot = gpd.GeoSeries([area.boundary.representative_point()], crs=area.crs)
    places = network.places()
    dice = np.random.default_rng(7)
    places = places.assign(needles_a_day=dice.exponential(1.0, len(places)), swept_d=np.nan)
    as_of = network.area.moment(f"{DAY} 06:00")
    made = bridge.sweep_day(
        reports(depot, [1.0], as_of), network, [Crew("A"), Crew("B")], as_of=as_of, depot=depot, places=places
    )
    plan = solve_sweep(made.problem, limit=Limit(iterations=10), seed=1, needle_s=36_000)
    parked = np.isin(made.layout.way, (PARK, PARK_FAR))
    for k, ways in enumerate(made.problem.ways(plan)):
        assert len(ways) > 40
        for a, b in ways:
            assert against(network.edges, made.leg(k, a, b).geometry) == []
            swept = made.layout.swept(b)
            assert swept is None or parked[b] or against(network.edges, swept) == []
