"""Fixtures every test may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely
from playwright.sync_api import Browser, sync_playwright
from pyproj import Transformer
from shapely.geometry import box

from sweepplan.geo import WGS84, Area
from sweepplan.streets import StreetNetwork

GRIDTOWN_CRS = "EPSG:32619"
GRIDTOWN_ORIGIN = np.array([330_000.0, 4_690_000.0])
BLOCK_M = 100.0

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data; absent on most machines."""
    if not SHARED.is_dir():
        pytest.skip(f"no folder {SHARED.name} beside the checkout: real data is not at hand")
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium that finds no host but this one; absent on some machines, never in CI."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium on the path: install it, the maps are tested in it")
        pytest.skip("no chromium on the path")
    quiet = ("no-first-run", "disable-background-networking", "disable-component-update", "disable-sync")
    flags = ("headless", "no-sandbox", "disable-gpu", *quiet, "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=[f"--{flag}" for flag in flags])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def gridtown_area() -> Area:
    """Gridtown: 600 m by 600 m, and 100 m around."""
    x, y = GRIDTOWN_ORIGIN
    return Area("Gridtown", box(x - 100, y - 100, x + 700, y + 700), GRIDTOWN_CRS, "America/New_York", "made-up city")


@pytest.fixture(scope="session")
def gridtown_at() -> Callable[..., gpd.GeoSeries]:
    """Function: pairs (metres east, metres north) of Gridtown's south-west corner -> points on its plane."""

    def at(*spots: tuple[float, float]) -> gpd.GeoSeries:
        xy = np.array(spots, dtype=float).reshape(-1, 2) + GRIDTOWN_ORIGIN
        return gpd.GeoSeries(shapely.points(xy), crs=GRIDTOWN_CRS)

    return at


@pytest.fixture(scope="session")
def make_gridtown() -> Callable[..., nx.MultiDiGraph]:
    """Function: a new Gridtown as osmnx would make it, in degrees, streets every 100 m.

    Node ``100 * row + column`` stands ``100 * column`` m east and ``100 * row`` m north. "A Street" is the southmost of
    those that run east, "Avenue 1" the westmost of those that run north. ``one_way`` names (u, v) that lose v -> u.
    """

    def make(*, columns: int = 7, rows: int = 7, one_way: Iterable[tuple[int, int]] = ()) -> nx.MultiDiGraph:
        graph = nx.MultiDiGraph(crs=WGS84)
        to_degrees = Transformer.from_crs(GRIDTOWN_CRS, WGS84, always_xy=True)
        for row in range(rows):
            for column in range(columns):
                lon, lat = to_degrees.transform(*(GRIDTOWN_ORIGIN + BLOCK_M * np.array([column, row])))
                graph.add_node(100 * row + column, x=lon, y=lat)
        for node in list(graph):
            row, column = divmod(node, 100)
            streets = [(node + 1, f"{chr(65 + row)} Street"), (node + 100, f"Avenue {column + 1}")]
            for end, name in streets:
                if end in graph:
                    for u, v in ((node, end), (end, node)):
                        graph.add_edge(u, v, length=BLOCK_M, highway="residential", name=name, oneway=False)
        for u, v in one_way:
            graph.remove_edge(v, u)
            graph.edges[u, v, 0]["oneway"] = True
        return graph

    return make


@pytest.fixture(scope="session")
def gridtown(make_gridtown: Callable[..., nx.MultiDiGraph], gridtown_area: Area) -> StreetNetwork:
    """Gridtown in a van at 1 m/s: 3 blocks east and 4 north is 700 m and 700 s."""
    return StreetNetwork.from_graph(make_gridtown(), gridtown_area, "drive", speed_ms=1.0)


AS_OF = pd.Timestamp("2026-03-02 06:00")
COLUMNS = "CASE_ENQUIRY_ID,OPEN_DT,TARGET_DT,CLOSED_DT,CASE_STATUS,TYPE,LATITUDE,LONGITUDE"
CALLS = "LATITUDE_X,LONGITUDE_X,CREATE_TIME_INCIDENT,DISPOSITION_TEXT,EVENT_NUMBER,CLOSED_TIME_INCIDENT"
SETTINGS = """
incidents = "requests.csv"
feed = "boston311"
overdoses = "calls.csv"
streets = "streets.graphml"
tz = "America/New_York"
name = "Gridtown"
as_of = "2026-03-02 06:00"
depot = [{lat}, {lon}]
k = 2
reach_m = 150
limit = "20it"

[[crews]]
name = "A"
shift = "07:00-15:00"

[[crews]]
name = "B"
shift = "08:00-12:00"
"""


def stamp(at: pd.Timestamp) -> str:
    return at.strftime("%m/%d/%Y %I:%M:%S %p")


def request(number: int, spot: Any, opened: pd.Timestamp, *, is_open: bool) -> str:
    closed = "" if is_open else stamp(opened + pd.Timedelta(hours=1))
    due, status = stamp(opened + pd.Timedelta(days=1)), "Open" if is_open else "Closed"
    return f"{number},{stamp(opened)},{due},{closed},{status},Needle Pickup,{spot.y:.6f},{spot.x:.6f}"


@pytest.fixture(scope="session")
def write_city(
    tmp_path_factory: pytest.TempPathFactory,
    make_gridtown: Callable[..., nx.MultiDiGraph],
    gridtown_at: Callable[..., gpd.GeoSeries],
) -> Callable[..., Path]:
    """Function: hours that each open request has waited -> settings.toml of a Gridtown with them.

    Needles gather at the corner 300 m east, 300 m north: 40 reports of the last 28 days and 20 of the 28 before;
    overdoses 500 m east, 100 m north, in the half-year before.
    """

    def write(waits_h: tuple[float, ...] = (2, 5, 30)) -> Path:
        folder = tmp_path_factory.mktemp("city")
        ox.save_graphml(make_gridtown(), folder / "streets.graphml")
        spots = gridtown_at((300, 300), (500, 100), (100, 500), (0, 0)).to_crs(WGS84)
        days = [*(k * 0.6 for k in range(1, 41)), *(29 + k for k in range(20))]
        rows = [request(k, spots[0], AS_OF - pd.Timedelta(days=day), is_open=False) for k, day in enumerate(days)]
        rows += [
            request(900 + k, spots[2], AS_OF - pd.Timedelta(hours=hours), is_open=True)
            for k, hours in enumerate(waits_h)
        ]
        (folder / "requests.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
        calls = [AS_OF - pd.Timedelta(days=k + 70) for k in range(15)]
        lines = [f"{spots[1].y:.6f},{spots[1].x:.6f},{stamp(t)},TRANSPORT,E{k},{stamp(t)}" for k, t in enumerate(calls)]
        (folder / "calls.csv").write_text("\n".join([CALLS, *lines]) + "\n")
        (folder / "settings.toml").write_text(SETTINGS.format(lat=round(spots[3].y, 6), lon=round(spots[3].x, 6)))
        return folder / "settings.toml"

    return write


@pytest.fixture(scope="session")
def city(write_city: Callable[..., Path]) -> Path:
    """Settings of a Gridtown with three open requests, one of them over due."""
    return write_city()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Function: name of a page, settings, session state -> the page as it is first shown."""
    from tests.app_pages import opened_page

    return partial(opened_page, monkeypatch)
