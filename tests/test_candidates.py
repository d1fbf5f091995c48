"""Candidate sites by OpenStreetMap's tags, from a local server with a made-up answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely

from sweepplan import cli
from sweepplan.errors import StreetsError
from sweepplan.geo import WGS84
from sweepplan.pipeline import Servers, area_of_place, download_candidates, streets_of_place
from sweepplan.sources import read_sites
from sweepplan.streets import read_graph
from tests.replay import place, server

AROUND = shapely.box(-71.07, 42.355, -71.05, 42.365)
NODES = [
    {"type": "node", "id": 1, "lat": 42.360, "lon": -71.060},
    {"type": "node", "id": 2, "lat": 42.361, "lon": -71.060},
    {"type": "node", "id": 3, "lat": 42.362, "lon": -71.060},
    {"type": "node", "id": 4, "lat": 42.361, "lon": -71.062},
]
STREETS = [
    {"type": "way", "id": 9, "nodes": [1, 2, 3], "tags": {"highway": "residential", "name": "Long Street"}},
    {"type": "way", "id": 8, "nodes": [4, 2], "tags": {"highway": "service"}},
]
CORNERS = [(42.357, -71.065), (42.357, -71.063), (42.359, -71.063), (42.359, -71.065)]
PLACES = [
    *({"type": "node", "id": 20 + i, "lat": lat, "lon": lon} for i, (lat, lon) in enumerate(CORNERS)),
    {"type": "way", "id": 30, "nodes": [20, 21, 22, 23, 20], "tags": {"leisure": "park", "name": "Made-up Park"}},
    {"type": "node", "id": 31, "lat": 42.3605, "lon": -71.06, "tags": {"amenity": "library", "name": "Branch <1>"}},
    {"type": "node", "id": 32, "lat": 42.358, "lon": -71.061, "tags": {"highway": "bus_stop"}},
    {"type": "node", "id": 33, "lat": 42.358, "lon": -71.059, "tags": {"amenity": "pharmacy", "access": "private"}},
    {"type": "node", "id": 34, "lat": 42.358, "lon": -71.058, "tags": {"amenity": "bar", "name": "No Candidate"}},
]


def answer(query: str, places: list = PLACES) -> bytes:
    return json.dumps({"elements": places if "leisure" in query else [*NODES, *STREETS]}).encode()


def test_public_places_and_points_along_streets_become_candidates() -> None:
    with server(place(AROUND), answer) as (url, _):
        servers = Servers(url, url)
        area = area_of_place("Somewhere", servers)
        sites = download_candidates(area, servers)
    assert sites["kind"].value_counts().to_dict() == {"park": 8, "street": 4, "library": 1, "transit_stop": 1}
    assert set(sites["state"]) == {"candidate"}
    assert sites.loc["node-31", "name"] == "Branch <1>"
    assert sites.loc["node-32", "name"] == "transit stop"
    assert set(sites.loc[sites["kind"] == "street", "name"]) == {"Long Street"}
    at = sites.to_crs(WGS84).loc["node-32"].geometry
    assert (at.x, at.y) == pytest.approx((-71.061, 42.358), abs=1e-7)
    edge = sites[sites["kind"] == "park"].to_crs(WGS84).geometry
    park = shapely.Polygon([(lon, lat) for lat, lon in CORNERS])
    assert shapely.distance(edge.to_numpy(), park.exterior).max() < 1e-6


def test_streets_alone_are_enough() -> None:
    with server(place(AROUND), lambda query: answer(query, [])) as (url, _):
        sites = download_candidates(area_of_place("Somewhere", Servers(url, url)), Servers(url, url))
    assert set(sites["kind"]) == {"street"}


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object, verb: str = "candidates") -> int:
    monkeypatch.setattr("sys.argv", ["sweepplan", verb, *(str(argument) for argument in arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_the_verb_writes_what_the_kiosk_planner_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "sites.geojson"
    with server(place(AROUND), answer) as (url, _):
        area = area_of_place("Somewhere", Servers(url, url))
        servers = ("--overpass", url, "--nominatim", url)
        assert call(monkeypatch, "--place", "Somewhere", *servers, "--out", out, "--every-m", "20") == 0
        said = capsys.readouterr().out
        assert "10 street" in said
        assert "0 fire station" in said
        nowhere = tmp_path / "no" / "sites.geojson"
        assert call(monkeypatch, "--place", "Somewhere", *servers, "--out", nowhere) == 1
    sites, rejected = read_sites(out, area, kind="candidate", state="candidate")
    assert rejected.empty
    assert "node-31" in sites.index
    assert "no folder" in capsys.readouterr().err


def test_without_a_server_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "sites.geojson"
    gone = "http://127.0.0.1:9"
    assert call(monkeypatch, "--place", "Somewhere", "--nominatim", gone, "--out", out) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be downloaded" in said
    assert call(monkeypatch, "--out", out) == 1
    assert "give --place or --area" in capsys.readouterr().err
    assert not out.exists()
    with server(place(AROUND), answer) as (url, _):
        area = area_of_place("Somewhere", Servers(url, url))
    with pytest.raises(StreetsError, match="places of 'Somewhere' cannot be downloaded"):
        download_candidates(area, Servers(gone, gone))


@pytest.mark.parametrize("mode", ["drive", "walk"])
def test_streets_of_a_place_are_a_file_that_is_read_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, mode: str
) -> None:
    out = tmp_path / "streets.graphml"
    with server(place(AROUND), answer) as (url, asked):
        servers = ("--overpass", url, "--nominatim", url)
        assert call(monkeypatch, "--place", "Somewhere", "--mode", mode, *servers, "--out", out, verb="streets") == 0
        assert "streets of Somewhere" in capsys.readouterr().out
        assert ("footway" in asked[1]) == (mode == "drive")  # left out of what vans use
        assert streets_of_place("Somewhere", "drive", Servers(url, url)).startswith(b"<?xml")
    assert read_graph(out).number_of_edges() == 6
    gone = ("--overpass", "http://127.0.0.1:9", "--nominatim", "http://127.0.0.1:9")
    assert call(monkeypatch, "--place", "Somewhere", *gone, "--out", tmp_path / "no.graphml", verb="streets") == 1
    assert "cannot be downloaded" in capsys.readouterr().err
    assert not (tmp_path / "no.graphml").exists()
