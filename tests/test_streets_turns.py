"""Turns: their cost, what is forbidden, and an oracle on the graph of edges; parts, sides and words of the way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from sweepplan.errors import StreetsError
from sweepplan.geo import WGS84, Area, distance_words
from sweepplan.streets import Snaps, Step, StreetNetwork, TurnCosts, area_of, read_graph
from sweepplan.streets.restrictions import KEY, overpass_query, parse

GraphMaker = Callable[..., nx.MultiDiGraph]
At = Callable[..., gpd.GeoSeries]
COSTS = TurnCosts()


def turning(graph: nx.MultiDiGraph, area: Area) -> StreetNetwork:
    return StreetNetwork.from_graph(graph, area, speed_ms=1.0, turns=COSTS)


def seconds(net: StreetNetwork, points: gpd.GeoSeries) -> float:
    return float(net.travel_s(net.snap(points))[0, 1])


# --- with a pencil -----------------------------------------------------------------------------------------------


def test_a_left_and_a_right_cost_their_seconds(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    net = turning(make_gridtown(), gridtown_area)
    assert seconds(net, gridtown_at((150, 0), (350, 0))) == 200
    assert seconds(net, gridtown_at((150, 0), (200, 50))) == 100 + 6  # east, then left to the north
    assert seconds(net, gridtown_at((200, 50), (150, 0))) == 100 + 3  # south, then right to the west
    assert seconds(net, gridtown_at((100, 0), (200, 50))) == 150 + 6  # a corner is left by any street
    leg = net.leg(*(net.snap(gridtown_at((150, 0), (200, 50)))[k] for k in (0, 1)))
    assert [step.text() for step in leg.steps] == ["east on A Street, 50 m", "left on Avenue 3, 50 m"]


def test_a_bend_is_no_turn(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    """At Gridtown's south-west corner the street only bends: nothing to wait for."""
    net = turning(make_gridtown(), gridtown_area)
    assert seconds(net, gridtown_at((50, 0), (0, 50))) == 100


def test_whoever_sweeps_a_street_turns_round_at_its_end(
    make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At
) -> None:
    net = turning(make_gridtown(), gridtown_area)
    edge = net.snap(gridtown_at((250, 100))).edge
    back = net.edges["reverse"].to_numpy()[edge]
    (enter, leave), (enter_back, _) = net.ends(edge), net.ends(back)
    assert net.travel_s(enter, leave)[0, 0] == 100
    assert net.travel_s(leave, enter_back)[0, 0] == 20
    [step] = net.leg(leave, net.snap(gridtown_at((250, 200)))).steps[:1]
    assert step.turn in ("left", "right")
    assert net.leg(leave, enter_back).length_m == 0
    assert net.travel_s(leave, enter)[0, 0] == 20 + 100 + 20  # there is no shorter way than back, and round again


def test_restrictions_bind(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    graph = make_gridtown()
    for way, (u, v) in enumerate(graph.edges()):
        graph.edges[u, v, 0]["osmid"] = way
    east, north, south = (graph.edges[a, b, 0]["osmid"] for a, b in ((102, 103), (103, 203), (103, 3)))
    graph.graph[KEY] = json.dumps([[east, 103, north, "no"]])
    net = turning(graph, gridtown_area)
    start, left, right = gridtown_at((250, 100)), gridtown_at((300, 150)), gridtown_at((300, 50))
    way = [net.snap(p) for p in (start, left, right)]
    assert net.travel_s(way[0], way[2])[0, 0] == 100 + 3
    assert net.travel_s(way[0], way[1])[0, 0] == 50 + 3 + 100 + 3 + 100 + 3 + 50  # west, and three times right
    graph.graph[KEY] = json.dumps([[east, 103, south, "only"]])
    only = turning(graph, gridtown_area)
    assert only.travel_s(way[0], only.snap(gridtown_at((350, 100))))[0, 0] > 103
    graph.graph[KEY] = "[[1, 2]]"
    with pytest.raises(StreetsError, match=r"turn_restrictions .* cannot be read"):
        turning(graph, gridtown_area)


def test_figures_that_are_none() -> None:
    with pytest.raises(StreetsError, match="left_s -1"):
        TurnCosts(left_s=-1)


# --- the oracle: networkx on the graph of edges ------------------------------------------------------------------


@st.composite
def towns(draw: st.DrawFn) -> tuple[nx.MultiDiGraph, list[tuple[int, float, bool]]]:
    """Small town with one-ways and forbidden turns, and spots on its edges, some of them passed one way only."""
    n = draw(st.integers(3, 7))
    spot = st.tuples(st.integers(0, 4), st.integers(0, 4))
    corners = draw(st.lists(spot, min_size=n, max_size=n, unique=True))
    to_degrees = Transformer.from_crs("EPSG:32619", WGS84, always_xy=True)
    graph = nx.MultiDiGraph(crs=WGS84)
    for node, (column, row) in enumerate(corners):
        lon, lat = to_degrees.transform(330_000 + 97 * column, 4_690_000 + 103 * row)
        graph.add_node(node, x=lon, y=lat)
    node = st.integers(0, n - 1)
    pairs = draw(st.sets(st.tuples(node, node).filter(lambda p: p[0] != p[1]), min_size=2, max_size=16))
    for way, (u, v) in enumerate(sorted(pairs)):
        graph.add_edge(u, v, highway="residential", osmid=way)
    way = st.integers(0, len(pairs) - 1)
    bans = draw(st.lists(st.tuples(way, node, way, st.sampled_from(["no", "no", "only"])), max_size=8))
    graph.graph[KEY] = json.dumps(bans)
    share = st.sampled_from([0.0, 0.3, 0.5, 1.0])
    return graph, draw(st.lists(st.tuples(st.integers(0, 999), share, st.booleans()), min_size=2, max_size=6))


def turn_ms(net: StreetNetwork, e: int, f: int) -> int:
    """Work out what turning from edge ``e`` onto ``f`` costs, straight lines only."""
    edges = net.edges
    (ax, ay), (bx, by), (cx, cy) = (net.node_xy[k] for k in (edges["u"][e], edges["v"][e], edges["v"][f]))
    if edges["reverse"][e] == f:
        return 20_000
    others = (edges["u"] == edges["v"][e]) & (edges.index != edges["reverse"][e])
    if others.sum() == 1:
        return 0
    angle = math.degrees(math.atan2(cy - by, cx - bx) - math.atan2(by - ay, bx - ax))
    angle = (angle + 180) % 360 - 180
    if abs(angle) >= 170:
        return 20_000
    return 0 if abs(angle) <= 45 else 6_000 if angle > 0 else 3_000


def banned(net: StreetNetwork, graph: nx.MultiDiGraph, e: int, f: int) -> bool:
    ends = net.node_id[net.edges[["u", "v"]].to_numpy()]
    way = {(u, v): tags["osmid"] for u, v, tags in graph.edges(data=True)}
    e_way, f_way, at = way[tuple(ends[e])], way[tuple(ends[f])], ends[e][1]
    for origin, via, target, kind in json.loads(graph.graph[KEY]):
        there = any(way[tuple(pair)] == target and pair[0] == via for pair in ends)
        if (origin, via) == (e_way, at) and there and (f_way == target) == (kind == "no"):
            return True
    return False


def oracle(net: StreetNetwork, graph: nx.MultiDiGraph, snaps: Snaps) -> np.ndarray:  # noqa: C901
    ms, length, edges = net.edges["travel_ms"], net.edges["length_m"], net.edges
    after = {
        e: [(f, turn_ms(net, e, f)) for f in edges.index[edges["u"] == edges["v"][e]] if not banned(net, graph, e, f)]
        for e in edges.index
    }
    lines = nx.DiGraph()
    lines.add_nodes_from(edges.index)
    lines.add_weighted_edges_from((e, f, int(ms[e]) + cost) for e, onto in after.items() for f, cost in onto)
    out = np.full((len(snaps), len(snaps)), np.inf)
    sits = []
    for edge, offset, along in zip(snaps.edge, snaps.offset_m, snaps.along, strict=True):
        share, back = offset / length[edge], edges["reverse"][edge]
        lower, s = (edge, share) if back < 0 or edge < back else (back, 1 - share)
        on = {}  # edge -> (cost from its start, cost to its end)
        for e in (lower, edges["reverse"][lower]):
            if e >= 0 and (not along or e == edge):
                done = round(s * ms[lower]) if e == lower else int(ms[e]) - round(s * ms[e])
                on[e] = (done, int(ms[e]) - done)
        corner = None if along or s not in (0, 1) else edges["u" if s == 0 else "v"][lower]
        sits.append((lower, s, on, corner))
    for i, (lower, s, on, corner) in enumerate(sits):
        lines.add_node("from")
        starts = dict.fromkeys(edges.index[edges["u"] == corner], 0) if corner is not None else {}
        for e, (_, left) in on.items() if corner is None else ():
            for f, cost in after[e]:
                starts[f] = min(starts.get(f, 10**9), left + cost)
        lines.add_weighted_edges_from(("from", f, cost) for f, cost in starts.items())
        reached = nx.single_source_dijkstra_path_length(lines, "from")
        lines.remove_node("from")
        for j, (lower_j, t, on_j, corner_j) in enumerate(sits):
            best = np.inf
            if corner_j is not None:
                best = 0 if corner_j == corner else best
                for e in edges.index[edges["v"] == corner_j]:
                    best = min(best, reached.get(e, np.inf) + ms[e])
                for e, (_, left) in on.items() if corner is None else ():
                    best = min(best, left if edges["v"][e] == corner_j else np.inf)
            else:
                for e, (done, _) in on_j.items():
                    best = min(best, reached.get(e, np.inf) + done)
            for e in edges.index[[lower]] if lower == lower_j else ():
                back = edges["reverse"][e]
                if s <= t and e in on and e in on_j:
                    best = min(best, on_j[e][0] - on[e][0])
                if s >= t and back >= 0 and back in on and back in on_j:
                    best = min(best, on_j[back][0] - on[back][0])
            out[i, j] = best
    return out


@settings(derandomize=True, deadline=None, max_examples=30)
@given(town=towns())
def test_times_with_turns_equal_networkx(town: tuple[nx.MultiDiGraph, list[tuple[int, float, bool]]]) -> None:
    graph, spots = town
    net = turning(graph, area_of(graph, tz="America/New_York", name="town"))
    edge = np.array([k % len(net.edges) for k, _, _ in spots])
    offset = np.array([share for _, share, _ in spots]) * net.edges["length_m"].to_numpy()[edge]
    snaps = Snaps(edge, offset, np.zeros(len(edge)), along=np.array([along for _, _, along in spots]))
    times = net.travel_s(snaps)
    np.testing.assert_array_equal(np.rint(times * 1000), oracle(net, graph, snaps))
    for i in range(len(snaps)):
        for j in range(len(snaps)):
            if np.isfinite(times[i, j]):
                follow(net, graph, snaps[i], snaps[j], times[i, j])


def follow(net: StreetNetwork, graph: nx.MultiDiGraph, a: Snaps, b: Snaps, travel_s: float) -> None:
    """Walk the leg edge by edge: each begins where the last ends, no turn is forbidden, the time adds up."""
    leg = net.leg(a, b)
    turns = 0
    for e, f in zip(leg.edges, leg.edges[1:], strict=False):
        assert net.edges["v"][e] == net.edges["u"][f]
        assert not banned(net, graph, e, f)
        turns += turn_ms(net, e, f)
    if a.along[0] and leg.edges and leg.edges[0] != a.edge[0]:
        turns += turn_ms(net, int(a.edge[0]), leg.edges[0])
    if b.along[0] and leg.edges and leg.edges[-1] != b.edge[0]:
        turns += turn_ms(net, leg.edges[-1], int(b.edge[0]))
    if not leg.edges and a.along[0] and b.along[0] and a.edge[0] != b.edge[0]:
        turns += turn_ms(net, int(a.edge[0]), int(b.edge[0]))
    assert leg.travel_s == travel_s
    assert leg.length_m + turns / 1000 == pytest.approx(travel_s, abs=0.02)
    assert leg.geometry.length == pytest.approx(leg.length_m, abs=0.01)


# --- restrictions of OpenStreetMap -------------------------------------------------------------------------------


def relation(kind: str, *, via: str = "node", **tags: str) -> dict[str, object]:
    members = [("way", 7, "from"), (via, 2, "via"), ("way", 8, "to")]
    return {
        "type": "relation",
        "id": 1,
        "tags": {"type": "restriction", **({"restriction": kind} if kind else {}), **tags},
        "members": [{"type": what, "ref": ref, "role": role} for what, ref, role in members],
    }


def test_which_restrictions_bind_a_van() -> None:
    given = [
        relation("no_left_turn"),
        relation("only_straight_on"),
        relation("no_right_turn", via="way"),
        relation("no_u_turn", **{"except": "psv;motorcar"}),
        relation("", **{"restriction:hgv": "no_left_turn"}),
        relation("", **{"restriction:conditional": "no_left_turn @ (Mo-Fr 07:00-09:00)"}),
        {"type": "node", "id": 2},
    ]
    assert [(each.origin, each.via, each.target, each.only) for each in parse(given)] == [
        (7, 2, 8, False),
        (7, 2, 8, True),
    ]
    assert overpass_query(-71.1, 42.3, -71.0, 42.4).endswith(
        '["type"="restriction"](42.300000,-71.100000,42.400000,-71.000000);out body;'
    )


# --- parts, sides, words -----------------------------------------------------------------------------------------


def test_parts_are_named(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    graph = make_gridtown()
    graph.remove_edges_from([(u, v) for u, v in graph.edges() if sorted((u % 100, v % 100)) == [2, 3]])
    parts = turning(graph, gridtown_area).parts()
    assert parts["n_streets"].tolist() == [7 * 3 + 4 * 6, 7 * 2 + 3 * 6]
    assert parts["length_m"].tolist() == [4500, 3200]
    assert parts["name"].tolist() == ["Avenue 4 & Avenue 5", "Avenue 1 & Avenue 2"]


def test_side_of_the_street(make_gridtown: GraphMaker, gridtown_area: Area, gridtown_at: At) -> None:
    net = turning(make_gridtown(), gridtown_area)
    snaps = net.snap(gridtown_at((10, 0), (250, 5), (250, -5), (250, 0)))
    east = 1 if net.edges["v"].iloc[snaps.edge[1]] > net.edges["u"].iloc[snaps.edge[1]] else -1
    assert (east * snaps.side[1:]).tolist() == [1, -1, 0]
    assert [net.leg(snaps[[0]], snaps[[k]]).side for k in (1, 2, 3)] == ["left", "right", ""]
    far = net.snap(gridtown_at((610, 0)))
    assert [net.leg(far, snaps[[k]]).side for k in (1, 2)] == ["right", "left"]


def test_words_of_the_way() -> None:
    assert Step("around", "Elm St", 95.2, 0).text() == "turn around on Elm St, 100 m"
    assert Step("straight", "Elm St", 95.2, 0).text("mi") == "straight on Elm St, 310 ft"
    assert distance_words(994.9, "m") == "990 m"
    assert distance_words(995.1, "m") == "1.0 km"


@pytest.mark.shared
def test_every_leg_on_the_real_streets_obeys_their_one_ways(shared: Path) -> None:
    """Walk legs edge by edge on Boston's and Cambridge's own edges: each edge is one of the graph, in its direction."""
    for name in ("boston/streets_drive_2022", "cambridge/streets_2026"):
        graph = read_graph(shared / f"data/{name}.graphml.gz")
        net = StreetNetwork.from_graph(graph, area_of(graph, tz="America/New_York", name=name))
        allowed = set(graph.edges())
        rng = np.random.default_rng(5)
        edge = rng.integers(len(net.edges), size=40)
        snaps = Snaps(edge, rng.random(40) * net.edges["length_m"].to_numpy()[edge], np.zeros(40))
        times = net.travel_s(snaps)
        u, v = (net.node_id[net.edges[column]] for column in ("u", "v"))
        walked = 0
        for i, j in zip(range(40), np.roll(np.arange(40), 7), strict=True):
            if not np.isfinite(times[i, j]):
                continue
            leg = net.leg(snaps[[i]], snaps[[j]])
            assert leg.travel_s == times[i, j]
            assert all((u[e], v[e]) in allowed for e in leg.edges)
            assert all(v[a] == u[b] for a, b in zip(leg.edges, leg.edges[1:], strict=False))
            streets = shapely.union_all(net.edges.geometry.iloc[list(leg.edges)].to_numpy()).buffer(0.01)
            assert streets.covers(leg.geometry)
            walked += len(leg.edges)
        assert walked > 200
