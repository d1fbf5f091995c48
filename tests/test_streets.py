"""Streets: pencil checks on Gridtown, an oracle that really splits the edges, the real networks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from sweepplan.errors import CrsError, StreetsError
from sweepplan.geo import WGS84, Area
from sweepplan.streets import Snaps, StreetNetwork, TurnCosts, area_of, read_graph
from sweepplan.tables import PLACES, STREETS

GraphMaker = Callable[..., nx.MultiDiGraph]
At = Callable[..., gpd.GeoSeries]


def network(graph: nx.MultiDiGraph, area: Area, mode: str = "drive") -> StreetNetwork:
    return StreetNetwork.from_graph(graph, area, mode, speed_ms=1.0)


def seconds(net: StreetNetwork, points: gpd.GeoSeries) -> float:
    return float(net.travel_s(net.snap(points))[0, 1])


def metres(leg_line: shapely.LineString, at: At) -> list[tuple[int, int]]:
    origin = shapely.get_coordinates(at((0, 0)).to_numpy())
    return [(round(x), round(y)) for x, y in shapely.get_coordinates(leg_line) - origin]


# --- Gridtown, with a pencil -------------------------------------------------------------------------------------


def test_three_blocks_east_and_four_north(gridtown: StreetNetwork, gridtown_at: At) -> None:
    snaps = gridtown.snap(gridtown_at((0, 0), (300, 400)))
    assert gridtown.travel_s(snaps).tolist() == [[0, 700], [700, 0]]
    i, j, walk_m = gridtown.within(snaps, snaps, 700)
    assert list(zip(i, j, walk_m, strict=True)) == [(0, 0, 0), (0, 1, 700), (1, 0, 700), (1, 1, 0)]
    assert gridtown.within(snaps[0], snaps[1], 699.999)[0].size == 0
    leg = gridtown.leg(snaps[0], snaps[1])
    assert (leg.travel_s, leg.length_m) == (700, 700)
    assert leg.geometry.length == pytest.approx(700)
    assert sum(step.length_m for step in leg.steps) == 700


def test_streets_of_gridtown(gridtown: StreetNetwork) -> None:
    assert len(gridtown.edges) == 2 * len(gridtown.streets()) == 2 * 2 * 7 * 6
    assert (gridtown.edges["reverse"].iloc[gridtown.edges["reverse"]] == gridtown.edges.index).all()
    assert (gridtown.edges["street"].iloc[gridtown.edges["reverse"]].to_numpy() == gridtown.edges["street"]).all()
    assert gridtown.csr.shape == (49, 49)
    assert gridtown.csr.nnz == 168
    assert set(gridtown.csr.data) == {100_000}
    assert gridtown.largest_share == 1


def test_snapping_to_the_middle_of_a_block(gridtown: StreetNetwork, gridtown_at: At) -> None:
    snaps = gridtown.snap(gridtown_at((130, 8), (150, 50), (60, 700.5), (60, 699.5), (np.nan, 5)))
    assert snaps.distance_m == pytest.approx([8, 50, np.inf, 99.5, np.inf])
    assert (snaps.edge < 0).tolist() == [False, False, True, False, True]
    spots = gridtown.edges.geometry.iloc[snaps.edge[[0]]].interpolate(snaps.offset_m[0])
    assert metres(spots.iloc[0], gridtown_at) == [(130, 0)]
    assert np.isinf(gridtown.travel_s(snaps)[2]).all()
    assert np.isinf(gridtown.travel_s(snaps)[:, 4]).all()
    assert len(snaps[1:3]) == 2
    assert snaps[[3]].distance_m == pytest.approx(99.5)


def test_along_one_block_and_round_a_corner(gridtown: StreetNetwork, gridtown_at: At) -> None:
    assert seconds(gridtown, gridtown_at((130, 0), (175, 3))) == 45
    assert seconds(gridtown, gridtown_at((175, 0), (130, 3))) == 45
    assert seconds(gridtown, gridtown_at((130, 0), (100, 60))) == 90
    assert seconds(gridtown, gridtown_at((130, 0), (130, 100))) == 160  # back 30, up 100, on 30
    assert seconds(gridtown, gridtown_at((130, 0), (130, 0))) == 0


def test_one_way_only_forwards(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    net = network(make_gridtown(one_way=[(1, 2)]), gridtown_area)
    assert seconds(net, gridtown_at((130, 0), (175, 0))) == 45
    assert seconds(net, gridtown_at((175, 0), (130, 0))) == 25 + 300 + 30  # on, round the block, along
    assert seconds(net, gridtown_at((200, 0), (100, 0))) == 300
    assert seconds(net, gridtown_at((100, 0), (200, 0))) == 100
    leg = net.leg(*(net.snap(gridtown_at((175, 0), (130, 0)))[k] for k in (0, 1)))
    assert metres(leg.geometry, gridtown_at) == [(175, 0), (200, 0), (200, 100), (100, 100), (100, 0), (130, 0)]
    assert [step.text() for step in leg.steps] == [
        "east on A Street, 25 m",
        "left on Avenue 3, 100 m",
        "left on B Street, 100 m",
        "left on Avenue 2, 100 m",
        "left on A Street, 30 m",
    ]


def test_corner_of_a_one_way_is_reached_by_the_other_streets(
    make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At
) -> None:
    """A point at the far end of a one-way is the corner: nobody has to drive the one-way to get there."""
    net = network(make_gridtown(one_way=[(1, 2)]), gridtown_area)
    one_way = net.edges.index[net.edges["reverse"] < 0].to_numpy()
    corner = Snaps(one_way, net.edges["length_m"].to_numpy()[one_way], np.zeros(1))
    assert net.travel_s(net.snap(gridtown_at((200, 40))), corner)[0, 0] == 40


def test_on_foot_one_ways_do_not_bind(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    net = network(make_gridtown(one_way=[(1, 2)]), gridtown_area, "walk")
    assert seconds(net, gridtown_at((175, 0), (130, 0))) == 45
    assert (net.edges["reverse"] >= 0).all()


def test_parts_that_are_not_joined(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    graph = make_gridtown()
    graph.remove_edges_from([(u, v) for u, v in graph.edges() if sorted((u % 100, v % 100)) == [2, 3]])
    net = network(graph, gridtown_area)
    snaps = net.snap(gridtown_at((50, 0), (550, 0)))
    assert np.isinf(net.travel_s(snaps)[0, 1])
    assert net.within(snaps[0], snaps[1], 10_000)[0].size == 0
    assert len(set(net.components)) == 2
    assert net.largest_share == pytest.approx(28 / 49)
    with pytest.raises(StreetsError, match="no way from 'A Street' to 'A Street'"):
        net.leg(snaps[0], snaps[1])


def test_leg_to_where_one_stands(gridtown: StreetNetwork, gridtown_at: At) -> None:
    for spot in ((130, 0), (200, 0)):
        snaps = gridtown.snap(gridtown_at(spot, spot))
        leg = gridtown.leg(snaps[0], snaps[1])
        assert (leg.travel_s, leg.length_m, leg.geometry.length) == (0, 0, 0)
        assert metres(leg.geometry, gridtown_at) == [spot, spot]


def test_leg_asks_for_one_point_on_a_street(gridtown: StreetNetwork, gridtown_at: At) -> None:
    snaps = gridtown.snap(gridtown_at((0, 0), (650, 650), (0, 700.5)), limit_m=100)
    with pytest.raises(StreetsError, match="one point to one point"):
        gridtown.leg(snaps, snaps[[0]])
    with pytest.raises(StreetsError, match="on no street"):
        gridtown.leg(snaps[[0]], snaps[[2]])


def test_degrees_another_plane_and_far_points_are_refused(gridtown: StreetNetwork, gridtown_at: At) -> None:
    with pytest.raises(CrsError, match="EPSG:4326"):
        gridtown.snap(gridtown_at((0, 0)).to_crs(WGS84))
    with pytest.raises(CrsError, match="no plane"):
        gridtown.snap(gpd.GeoSeries([shapely.Point(0, 0)]))
    with pytest.raises(StreetsError, match="do not overlap the points"):
        gridtown.snap(gridtown_at((90_000, 0), (90_100, 50)))
    with pytest.raises(StreetsError, match="only points"):
        gridtown.snap(gridtown_at((0, 0)).buffer(3))
    with pytest.raises(StreetsError, match="limit_m"):
        gridtown.snap(gridtown_at((0, 0)), limit_m=float("nan"))


def test_nothing_to_snap(gridtown: StreetNetwork, gridtown_at: At) -> None:
    none = gridtown.snap(gridtown_at())
    some = gridtown.snap(gridtown_at((5, 5)))
    assert len(none) == 0
    assert gridtown.travel_s(none).shape == (0, 0)
    assert gridtown.travel_s(some, none).shape == (1, 0)
    assert [part.size for part in gridtown.within(none, some, 100)] == [0, 0, 0]
    with pytest.raises(StreetsError, match="limit_m -1"):
        gridtown.within(some, some, -1)


def test_places_and_streets(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    graph = make_gridtown()
    for u, v in ((0, 1), (1, 0)):
        graph.edges[u, v, 0]["highway"] = ["motorway_link", "primary"]
    net = network(graph, gridtown_area)
    places, streets = net.places(sweep_speed_ms=0.5), net.streets()
    PLACES.check(places, plane=gridtown_area.crs)
    STREETS.check(streets, plane=gridtown_area.crs)
    assert len(streets) == 84
    assert len(places) == 83
    assert "street-0-1" in streets.index
    assert "street-0-1" not in places.index
    assert places.loc["street-1-2", ["name", "length_m", "sweep_s"]].tolist() == ["A Street", 100, 200]


def test_place_names_outlive_a_new_extract(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    """Streets elsewhere come and go, edges are listed in another order: a place keeps its id."""
    graph = make_gridtown()
    later = nx.MultiDiGraph(crs=WGS84)
    later.add_nodes_from(reversed(list(graph.nodes(data=True))))
    later.add_edges_from(reversed([edge for edge in graph.edges(data=True) if 606 not in edge[:2]]))
    before, after = (network(g, gridtown_area).places() for g in (graph, later))
    assert set(before.index) - set(after.index) == {"street-506-606", "street-605-606"}
    assert after.geometry.geom_equals(before.geometry.loc[after.index]).all()


# --- what makes two edges one street -----------------------------------------------------------------------------


def bow(graph: nx.MultiDiGraph, u: int, v: int, east: float, north: float) -> shapely.LineString:
    ends = [(graph.nodes[n]["x"], graph.nodes[n]["y"]) for n in (u, v)]
    middle = (np.mean([x for x, _ in ends]) + east / 82_000, np.mean([y for _, y in ends]) + north / 111_000)
    return shapely.LineString([ends[0], middle, ends[1]])


def test_parallel_edges_of_another_line_are_another_street(
    make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At
) -> None:
    graph = make_gridtown()
    crescent = bow(graph, 1, 2, 0, -40)
    graph.add_edge(1, 2, geometry=crescent, highway="residential", name="Crescent")
    graph.add_edge(2, 1, geometry=crescent.reverse(), highway="residential", name="Crescent")
    net = network(graph, gridtown_area)
    streets = net.streets()
    assert len(streets) == 85
    assert streets.loc["street-1-2-2", "length_m"] == pytest.approx(2 * np.hypot(50, 40), rel=0.01)
    crown = net.edges[net.edges["name"] == "Crescent"]
    assert crown["reverse"].tolist() == crown.index[::-1].tolist()
    assert seconds(net, gridtown_at((100, 0), (200, 0))) == 100


def test_edge_listed_twice_keeps_the_faster(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    graph = make_gridtown()
    graph.add_edge(1, 2, length=60.0, highway="residential", name="A Street again")
    net = network(graph, gridtown_area)
    assert len(net.edges) == 168
    assert seconds(net, gridtown_at((100, 0), (200, 0))) == 60
    assert seconds(net, gridtown_at((200, 0), (100, 0))) == 100


def test_loop_has_two_directions(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    graph = make_gridtown()
    x, y = graph.nodes[0]["x"], graph.nodes[0]["y"]
    ring = shapely.LineString([(x, y), (x - 5e-4, y), (x - 5e-4, y - 5e-4), (x, y)])
    graph.add_edge(0, 0, geometry=ring, highway="residential", name="Loop")
    graph.add_edge(0, 0, geometry=ring.reverse(), highway="residential", name="Loop")
    net = network(graph, gridtown_area)
    loop = net.edges[net.edges["name"] == "Loop"]
    assert loop["street"].nunique() == 1
    assert loop["reverse"].tolist() == loop.index[::-1].tolist()
    length = float(loop["length_m"].iloc[0])
    early, late = (Snaps(loop.index.to_numpy()[:1], np.array([share * length]), np.zeros(1)) for share in (0.1, 0.9))
    assert net.travel_s(early, late)[0, 0] == pytest.approx(0.2 * length, abs=0.002)
    assert net.leg(early, late).length_m == pytest.approx(0.2 * length)
    assert net.leg(early, late).geometry.length == pytest.approx(0.2 * length, rel=0.01)


def test_geometry_that_runs_from_v_to_u_is_turned(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    graph = make_gridtown()
    graph.edges[1, 2, 0]["geometry"] = bow(graph, 2, 1, 0, 5)
    edges = network(graph, gridtown_area).edges
    starts = shapely.get_coordinates(shapely.get_point(edges.geometry.to_numpy(), 0))
    nodes = network(graph, gridtown_area).node_xy[edges["u"]]
    assert np.abs(starts - nodes).max() < 1e-6


# --- the oracle: networkx on a graph whose edges are really split ------------------------------------------------

SPOT = st.tuples(st.integers(0, 10**6), st.sampled_from([0.0, 0.125, 0.3, 0.5, 0.77, 1.0]))


@st.composite
def towns(draw: st.DrawFn) -> tuple[nx.MultiDiGraph, list[tuple[int, float]]]:
    """Small graph with one-ways, parallel edges, loops and parts apart, and spots on its edges."""
    n = draw(st.integers(2, 7))
    corners = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=n, max_size=n, unique=True))
    to_degrees = Transformer.from_crs("EPSG:32619", WGS84, always_xy=True)
    graph = nx.MultiDiGraph(crs=WGS84)
    for node, (column, row) in enumerate(corners):
        lon, lat = to_degrees.transform(330_000 + 97 * column, 4_690_000 + 103 * row)
        graph.add_node(node, x=lon, y=lat)
    node = st.integers(0, n - 1)
    for u, v, both, side in draw(
        st.lists(st.tuples(node, node, st.booleans(), st.integers(-2, 2)), min_size=1, max_size=14)
    ):
        line = bow(graph, u, v, 20.0 * side, 31.0 * side) if side else None
        if u == v:
            x, y = graph.nodes[u]["x"], graph.nodes[u]["y"]
            line = shapely.LineString([(x, y), (x + 3e-4, y), (x, y + 2e-4 * (side or 3)), (x, y)])
        graph.add_edge(u, v, **({} if line is None else {"geometry": line}), highway="residential")
        if both:
            graph.add_edge(v, u, **({} if line is None else {"geometry": line.reverse()}), highway="residential")
    return graph, draw(st.lists(SPOT, min_size=1, max_size=7))


def split(net: StreetNetwork, snaps: Snaps, column: str) -> nx.MultiDiGraph:
    """Return the network with every snapped point a node ``("p", k)`` and its edges cut there."""
    cost = np.maximum(1, np.rint(net.edges["length_m"] * 1000)) if column == "mm" else net.edges["travel_ms"]
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(net.node_id)))
    graph.add_nodes_from(("p", k) for k in range(len(snaps)))
    for edge, row in net.edges.iterrows():
        lower = edge if row["reverse"] < 0 else min(edge, row["reverse"])
        on = []
        for k, (at, offset) in enumerate(zip(snaps.edge, snaps.offset_m, strict=True)):
            if at in (lower, net.edges["reverse"].iloc[lower]):
                share = offset / net.edges["length_m"].iloc[at]
                on.append((share if at == lower else 1 - share, k))
        u, v = net.edges["u"].iloc[lower], net.edges["v"].iloc[lower]
        stations = [(0.0, u), *((share, ("p", k)) for share, k in sorted(on)), (1.0, v)]
        for (s, a), (t, b) in pairwise(stations):
            part = np.rint(t * cost.iloc[edge]) - np.rint(s * cost.iloc[edge])
            graph.add_edge(*((a, b) if edge == lower else (b, a)), cost=int(part))
            if s == t:  # one spot: a corner, or two points that stand together
                graph.add_edge(a, b, cost=0)
                graph.add_edge(b, a, cost=0)
    return graph


def oracle(net: StreetNetwork, snaps: Snaps, column: str) -> np.ndarray:
    graph = split(net, snaps, column)
    n = len(snaps)
    out = np.full((n, n), np.inf)
    for i in range(n):
        reached = nx.single_source_dijkstra_path_length(graph, ("p", i), weight="cost")
        out[i] = [reached.get(("p", j), np.inf) for j in range(n)]
    return out


def spots_on(net: StreetNetwork, spots: list[tuple[int, float]]) -> Snaps:
    edge = np.array([k % len(net.edges) for k, _ in spots])
    share = np.array([share for _, share in spots])
    return Snaps(edge, share * net.edges["length_m"].to_numpy()[edge], np.zeros(len(spots)))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(town=towns(), mode=st.sampled_from(["drive", "walk"]))
def test_times_distances_and_legs_equal_networkx_on_split_edges(
    town: tuple[nx.MultiDiGraph, list[tuple[int, float]]], mode: str
) -> None:
    graph, spots = town
    net = network(graph, area_of(graph, tz="America/New_York", name="town"), mode)
    snaps = spots_on(net, spots)
    times = net.travel_s(snaps)
    np.testing.assert_array_equal(np.rint(times * 1000), oracle(net, snaps, "travel_ms"))
    distances = oracle(net, snaps, "mm")
    limit_mm = max(1, np.floor(np.median(distances[np.isfinite(distances)])))
    i, j, walk_m = net.within(snaps, snaps, limit_mm / 1000)
    expected = np.nonzero(distances <= limit_mm)
    np.testing.assert_array_equal((i, j), expected)
    np.testing.assert_array_equal(np.rint(walk_m * 1000), distances[expected])
    for a, b in product(range(len(snaps)), repeat=2):
        if np.isfinite(times[a, b]):
            check_leg(net, snaps[a], snaps[b], times[a, b])


def check_leg(net: StreetNetwork, a: Snaps, b: Snaps, travel_s: float) -> None:
    """At 1 m/s metres are seconds: a leg as long as its time, from point to point, takes no street the wrong way."""
    leg = net.leg(a, b)
    assert leg.travel_s == travel_s
    assert leg.length_m == pytest.approx(travel_s, abs=0.02)
    assert leg.length_m == pytest.approx(sum(step.length_m for step in leg.steps), abs=1e-9)
    assert leg.geometry.length == pytest.approx(leg.length_m, abs=0.01)
    for snap, end in ((a, leg.geometry.coords[0]), (b, leg.geometry.coords[-1])):
        assert shapely.Point(end).distance(net.edges.geometry.iloc[snap.edge[0]].interpolate(snap.offset_m[0])) < 0.01


def test_chunks_of_sources_join_without_seam(gridtown: StreetNetwork) -> None:
    """More than 64 sources, some of them alike, some nowhere: the same as one at a time."""
    rng = np.random.default_rng(3)
    edge = rng.integers(-1, len(gridtown.edges), size=150)
    offset = np.where(edge < 0, 0, rng.choice([0.0, 20.0, 55.5, 100.0], size=150))
    snaps = Snaps(edge, offset, np.zeros(150))
    whole = gridtown.travel_s(snaps)
    for row in range(0, 150, 7):
        np.testing.assert_array_equal(gridtown.travel_s(snaps[row], snaps)[0], whole[row])


# --- the real networks -------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_back_bay_equals_networkx(shared: Path) -> None:
    graph = read_graph(shared / "data/boston/streets_drive_2022.graphml.gz")
    area = area_of(graph, tz="America/New_York", name="Back Bay")
    net = StreetNetwork.from_graph(graph, area, turns=TurnCosts(0, 0, 0))
    assert len(net.node_id) == 581
    assert np.bincount(net.components).max() == 488
    rng = np.random.default_rng(7)
    edge = rng.integers(len(net.edges), size=25)
    snaps = Snaps(edge, rng.random(25) * net.edges["length_m"].to_numpy()[edge], np.zeros(25))
    times = net.travel_s(snaps)
    np.testing.assert_array_equal(np.rint(times * 1000), oracle(net, snaps, "travel_ms"))
    assert 0.05 < np.isinf(times).mean() < 0.6
    for a, b in [(0, 1), (3, 9), (12, 4)]:
        if np.isfinite(times[a, b]):
            assert net.leg(snaps[a], snaps[b]).travel_s == times[a, b]


@pytest.mark.shared
def test_cambridge_loads_for_both_modes(shared: Path) -> None:
    graph = read_graph(shared / "data/cambridge/streets_2026.graphml.gz")
    area = area_of(graph, tz="America/New_York", name="Cambridge")
    drive, walk = (StreetNetwork.from_graph(graph, area, mode) for mode in ("drive", "walk"))
    assert len(drive.node_id) == 1870
    assert (drive.edges["reverse"] < 0).any()
    assert (walk.edges["reverse"] >= 0).all()
    assert drive.streets()["length_m"].sum() == pytest.approx(walk.streets()["length_m"].sum())
