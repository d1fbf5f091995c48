"""Streets: hostile files, tags, and a download from a local server."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import osmnx as ox
import pytest
import shapely

from sweepplan.errors import SourceError, StreetsError, SweepplanError
from sweepplan.geo import Area
from sweepplan.streets import Snaps, StreetNetwork, area_of, download_graph, read_graph
from sweepplan.streets.tags import CITY_FACTOR, classes, may_drive, may_walk, name_of, posted_kph
from tests.replay import place, server

GraphMaker = Callable[..., nx.MultiDiGraph]


@pytest.fixture
def saved(make_gridtown: GraphMaker, tmp_path: Path) -> Path:
    path = tmp_path / "grid.graphml"
    ox.save_graphml(make_gridtown(columns=3, rows=3), path)
    return path


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".graphml", ".graphml.gz", ".gz", ".xml"])
def test_read_plain_and_gzipped_whatever_the_name(saved: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"town{suffix}"
    path.write_bytes(gzip.compress(saved.read_bytes()) if "gz" in suffix else saved.read_bytes())
    graph = read_graph(path)
    assert (len(graph), graph.number_of_edges()) == (9, 24)
    assert graph.edges[0, 1, 0]["length"] == 100.0


def test_read_projected_graph_comes_back_to_degrees(saved: Path, tmp_path: Path) -> None:
    plain = read_graph(saved)
    path = tmp_path / "utm.graphml"
    ox.save_graphml(ox.project_graph(plain), path)
    graph = read_graph(path)
    for node in plain:
        assert graph.nodes[node]["x"] == pytest.approx(plain.nodes[node]["x"], abs=1e-9)
        assert graph.nodes[node]["y"] == pytest.approx(plain.nodes[node]["y"], abs=1e-9)


def test_read_undirected_graph_goes_both_ways(tmp_path: Path) -> None:
    graph = nx.MultiGraph(crs="epsg:4326")
    graph.add_node(1, x=-71.06, y=42.36)
    graph.add_node(2, x=-71.061, y=42.36)
    graph.add_edge(1, 2, length=82.0)
    nx.write_graphml(graph, tmp_path / "u.graphml")
    assert sorted(read_graph(tmp_path / "u.graphml").edges()) == [(1, 2), (2, 1)]


HOSTILE_BYTES = {
    "empty": (b"", "empty"),
    "blank": (b" \n\n", "empty"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git lfs pull"),
    "empty gzip": (gzip.compress(b""), "empty"),
    "cut gzip": (gzip.compress(b"<graphml>" + bytes(range(256)) * 40)[:200], "cut off"),
    "damaged gzip": (b"\x1f\x8b\x08\x00" + b"\xff" * 40, "damaged"),
    "csv": (b"id,lat,lon\n1,42,-71\n", "not a street network"),
    "html": (b"<!doctype html><html><p>404", "not a street network"),
    "other xml": (b"<osm version='0.6'></osm>", "not a street network"),
    "half xml": (
        b"<?xml version='1.0'?><graphml xmlns='http://graphml.graphdrawing.org/xmlns'><graph>",
        "not a street",
    ),
    "binary": (b"\x89PNG\xff\xfe\x00\x01", "UTF-8"),
}


@pytest.mark.parametrize("case", HOSTILE_BYTES)
def test_hostile_bytes_are_one_line(tmp_path: Path, case: str) -> None:
    data, words = HOSTILE_BYTES[case]
    path = tmp_path / "town.graphml"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=words) as caught:
        read_graph(path)
    assert_one_line(caught.value, path)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.graphml", tmp_path):
        with pytest.raises(SourceError, match="cannot be read") as caught:
            read_graph(path)
        assert_one_line(caught.value, path)


def test_file_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweepplan.streets.read.MAX_BYTES", 1_000_000)
    path = tmp_path / "bomb.graphml.gz"
    path.write_bytes(gzip.compress(b" " * 1_000_001))
    with pytest.raises(SourceError, match="more than 1 MB"):
        read_graph(path)


def assert_one_line(error: SweepplanError, path: Path) -> None:
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 400


HOSTILE_TEXT = {
    "no coordinates": (r'<data key="(d\d+)">-71[^<]*</data>', "", "without finite coordinates x, y, first node 0"),
    "NaN coordinate": (r">-71\.[^<]*<", ">nan<", "9 of 9 nodes without finite coordinates"),
    "infinite coordinate": (r">-71\.[^<]*<", ">inf<", "without finite coordinates"),
    "coordinate in metres": (r">-71\.[^<]*<", ">330000.0<", "not degrees"),
    "text for a coordinate": (r">-71\.[^<]*<", ">west<", "not a street network"),
    "NaN length": (r">100\.0<", ">nan<", "edge 0-1 has length nan"),
    "negative length": (r">100\.0<", ">-5<", "edge 0-1 has length -5"),
    "infinite length": (r">100\.0<", ">inf<", "edge 0-1 has length inf"),
    "no edges": (r"(?s)<edge .*</edge>", "", "no edges among 9 nodes"),
    "unknown crs": (r">EPSG:4326<", ">EPSG:99999999<", "unknown crs"),
    "text for a node id": (r'id="0"', 'id="zero"', "not a street network"),
}


@pytest.mark.parametrize("case", HOSTILE_TEXT)
def test_hostile_networks_are_one_line(saved: Path, case: str) -> None:
    pattern, instead, words = HOSTILE_TEXT[case]
    before = saved.read_text()
    text = re.sub(pattern, instead, before)
    assert text != before
    saved.write_text(text)
    with pytest.raises(SweepplanError, match=words) as caught:
        read_graph(saved)
    assert_one_line(caught.value, saved)


def test_hostile_graph_by_hand(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    graph = make_gridtown()
    with np.errstate(invalid="ignore"):
        graph.edges[0, 1, 0]["geometry"] = shapely.LineString([(0, 0), (np.nan, 1)])
    with pytest.raises(StreetsError, match="0-1 has a geometry"):
        StreetNetwork.from_graph(graph, gridtown_area)
    with pytest.raises(StreetsError, match="mode 'fly'"):
        StreetNetwork.from_graph(make_gridtown(), gridtown_area, "fly")
    with pytest.raises(StreetsError, match="speed_ms 0"):
        StreetNetwork.from_graph(make_gridtown(), gridtown_area, speed_ms=0)


def test_streets_of_another_city(saved: Path) -> None:
    elsewhere = Area.around([-84.5], [39.1], "America/New_York", name="Cincinnati")
    with pytest.raises(StreetsError, match="do not overlap the area 'Cincinnati'"):
        StreetNetwork.load(saved, elsewhere)


def test_no_street_for_the_mode(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    graph = make_gridtown()
    nx.set_edge_attributes(graph, "footway", "highway")
    with pytest.raises(StreetsError, match="none of the 168 edges is open to mode 'drive'"):
        StreetNetwork.from_graph(graph, gridtown_area)
    assert len(StreetNetwork.from_graph(graph, gridtown_area, "walk").edges) == 168


def test_area_of_holds_every_street_and_100_m(make_gridtown: GraphMaker) -> None:
    area = area_of(make_gridtown(), tz="America/New_York", name="Gridtown")
    assert area.crs == "EPSG:32619"
    west, south, east, north = area.boundary.bounds
    assert 799 < east - west < 1000
    assert 799 < north - south < 1000
    assert area.boundary.contains(shapely.Point(330_350, 4_690_350))  # the middle of a block


# --- tags --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maxspeed", "kph"),
    [
        ("25 mph", 25 * 1.609344),
        ("25mph", 25 * 1.609344),
        ("40", 40),
        ("40 km/h", 40),
        ("walk", 7),
        ("DE:walk", 7),
        (["35 mph", "25 mph"], 25 * 1.609344),
        ("50;30", 30),
        (["signals", "30"], 30),
        ("none", 50),
        (None, 50),
        (float("nan"), 50),
        ("signals", 50),
        ("0", 50),
        ("-20", 50),
        ("9999", 50),
        ([], 50),
    ],
)
def test_posted_speed(maxspeed: object, kph: float) -> None:
    assert posted_kph({"maxspeed": maxspeed, "highway": "primary"}) == pytest.approx(kph)


def test_speed_by_class() -> None:
    assert (
        posted_kph({"highway": "motorway"})
        > posted_kph({"highway": "residential"})
        > posted_kph({"highway": "service"})
    )
    assert posted_kph({"highway": ["motorway_link", "service"]}) == posted_kph({"highway": "service"})
    assert posted_kph({}) == posted_kph({"highway": "never heard of"}) == 40


def test_drive_time_is_the_posted_speed_times_the_city_factor(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    graph = make_gridtown()
    graph.edges[0, 1, 0]["maxspeed"] = "36"
    edges = StreetNetwork.from_graph(graph, gridtown_area).edges
    assert edges["travel_ms"].iloc[0] == round(100 / (10 * CITY_FACTOR) * 1000)


def test_walking_takes_its_own_speed_and_no_motorway(make_gridtown: GraphMaker, gridtown_area: Area) -> None:
    graph = make_gridtown()
    graph.edges[0, 1, 0]["highway"] = ["motorway", "primary"]
    graph.edges[1, 0, 0]["highway"] = "motorway_link"
    net = StreetNetwork.from_graph(graph, gridtown_area, "walk")
    assert len(net.edges) == 166
    assert set(net.edges["travel_ms"]) == {round(100 / 1.3 * 1000)}


def test_who_may_go_where() -> None:
    assert may_drive({"highway": "residential"})
    assert not may_drive({"highway": ["residential", "steps"]})
    assert may_walk({"highway": "steps"})
    assert may_walk({"highway": "trunk"})
    assert not may_walk({"highway": "trunk", "foot": "no"})
    assert not may_walk({"highway": "trunk", "motorroad": "yes"})
    assert classes({}) == ["road"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, "unnamed road"),
        ("", "unnamed road"),
        (float("nan"), "unnamed road"),
        ([], "unnamed road"),
        ("  Beacon\n Street ", "Beacon Street"),
        (["Fenway", "The Fenway", "Fenway"], "Fenway / The Fenway"),
    ],
)
def test_names(name: object, shown: str) -> None:
    assert name_of({"name": name}) == shown


# --- download ----------------------------------------------------------------------------------------------------


def ask(url: str, mode: str = "drive") -> nx.MultiDiGraph:
    return download_graph("Somewhere", mode, overpass_url=url, nominatim_url=url)


CROSSROADS = json.dumps(
    {
        "elements": [
            {"type": "node", "id": 1, "lat": 42.360, "lon": -71.060},
            {"type": "node", "id": 2, "lat": 42.361, "lon": -71.060},
            {"type": "node", "id": 3, "lat": 42.362, "lon": -71.060},
            {"type": "node", "id": 4, "lat": 42.361, "lon": -71.062},
            {"type": "way", "id": 9, "nodes": [1, 2, 3], "tags": {"highway": "residential", "name": "Long Street"}},
            {"type": "way", "id": 8, "nodes": [4, 2], "tags": {"highway": "residential", "oneway": "yes"}},
        ]
    }
).encode()
AROUND = shapely.box(-71.07, 42.35, -71.05, 42.37)


def test_download_a_made_up_crossroads() -> None:
    before = {name: getattr(ox.settings, name) for name in ("overpass_url", "use_cache", "overpass_rate_limit")}
    resolve = socket.getaddrinfo
    with server(place(AROUND), lambda _: CROSSROADS) as (url, asked):
        graph = ask(url)
        net = StreetNetwork.download(
            "Somewhere", tz="America/New_York", mode="walk", overpass_url=url, nominatim_url=url
        )
    assert sorted(graph.edges()) == [(1, 2), (2, 1), (2, 3), (3, 2), (4, 2)]
    assert asked[0] == "Somewhere"
    assert "footway" in asked[1]  # the drive filter excludes footways, the walking filter does not
    assert (net.mode, net.area.name, len(net.edges)) == ("walk", "Somewhere", 6)
    assert before == {name: getattr(ox.settings, name) for name in before}
    assert socket.getaddrinfo is resolve


def test_download_brings_turn_restrictions_that_outlive_a_file(tmp_path: Path) -> None:
    """From the side street (way 8) into Long Street (way 9): where both are known, the turn is forbidden."""
    rule = {
        "type": "relation",
        "id": 5,
        "tags": {"type": "restriction", "restriction": "no_left_turn"},
        "members": [
            {"type": "way", "ref": 8, "role": "from"},
            {"type": "node", "ref": 2, "role": "via"},
            {"type": "way", "ref": 9, "role": "to"},
        ],
    }

    def answer(query: str) -> bytes:
        return json.dumps({"elements": [rule]}).encode() if '"type"="restriction"' in query else CROSSROADS

    with server(place(AROUND), answer) as (url, asked):
        graph = ask(url)
    assert len(asked) == 3
    ox.save_graphml(graph, tmp_path / "crossroads.graphml")
    again = read_graph(tmp_path / "crossroads.graphml")
    area = area_of(again, tz="America/New_York", name="Somewhere")
    net = StreetNetwork.from_graph(again, area)
    side, long = (net.edges.index[net.edges["name"] == name].to_numpy() for name in ("unnamed road", "Long Street"))
    half = net.edges["length_m"].to_numpy() / 2
    snaps = [Snaps(edges, half[edges], np.zeros(len(edges))) for edges in (side, long)]
    assert np.isinf(net.travel_s(*snaps)).all()
    del again.graph["turn_restrictions"]
    assert np.isfinite(StreetNetwork.from_graph(again, area).travel_s(*snaps)).all()


def test_download_that_fails_is_one_line() -> None:
    failures = {
        "unknown place": (b"[]", CROSSROADS),
        "a place without boundary": (place(AROUND).replace(b'"Polygon"', b'"Point"'), CROSSROADS),
        "no streets": (place(AROUND), b'{"elements": []}'),
        "an answer that is no JSON": (place(AROUND), b"<html>busy</html>"),
        "a refusal": (place(AROUND), b""),
    }
    for what, (places, streets) in failures.items():
        with server(places, lambda _, body=streets: body) as (url, _), pytest.raises(StreetsError) as caught:
            ask(url)
        assert "cannot be downloaded" in str(caught.value), what
        assert "\n" not in str(caught.value)


def test_download_without_a_server() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(StreetsError, match="'Somewhere' cannot be downloaded"):
            ask(url)


def real_answers(shared: Path) -> Callable[[str], bytes]:
    folder = shared / "data/boston/overpass"

    def answer(query: str) -> bytes:
        [path] = folder.glob("0798*" if '"footway' in query or "|footway" in query else "ca00*")
        return gzip.decompress(path.read_bytes())

    return answer


@pytest.mark.shared
def test_download_of_real_answers_equals_the_saved_networks(shared: Path) -> None:
    """The whole quarter: as many corners as the network saved of the same answers."""
    for mode, n_nodes in (("drive", 581), ("walk", 5754)):
        quarter = shapely.box(-71.1107, 42.3343, -71.0623, 42.3682)
        with server(place(quarter), real_answers(shared)) as (url, _):
            graph = ask(url, mode)
        assert len(graph) == pytest.approx(n_nodes, rel=0.005)


@pytest.mark.shared
def test_download_of_back_bay(shared: Path) -> None:
    """Nominatim's own answer: its first polygon cuts the quarter to Back Bay."""
    [path] = (shared / "data/boston/overpass").glob("17eb*")
    answer = gzip.decompress(path.read_bytes())
    back_bay = shapely.geometry.shape(json.loads(answer)[0]["geojson"])
    with server(answer, real_answers(shared)) as (url, asked):
        graph = ask(url)
    saved = read_graph(shared / "data/boston/streets_drive_2022.graphml.gz")
    inside = [n for n, data in saved.nodes(data=True) if back_bay.contains(shapely.Point(data["x"], data["y"]))]
    assert asked[0] == "Somewhere"
    assert len(set(inside) - set(graph)) <= 2
    assert len(inside) <= len(graph) < 200


@pytest.mark.shared
def test_awkward_manhattan(shared: Path) -> None:
    path = shared / "data/awkward/manhattan_no_coords.graphml.gz"
    with pytest.raises(StreetsError, match="nodes without coordinates x, y") as caught:
        read_graph(path)
    assert_one_line(caught.value, path)
