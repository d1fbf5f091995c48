"""What leaves a run can be opened by others, and runs nothing there."""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import geopandas as gpd
import gpxpy
import numpy as np
import pandas as pd
import pytest
from defusedxml.ElementTree import fromstring
from shapely.geometry import LineString

from sweepplan.errors import PlanError, SettingsError
from sweepplan.geo import Area
from sweepplan.privacy import Policy, Published, publish
from sweepplan.report import (
    fresh_folder,
    map_links,
    print_pdf,
    route_sheet,
    routes_csv,
    routes_geojson,
    routes_gpx,
    write_sheets,
)
from sweepplan.tables import LEGS, ROUTES, STOPS

At = Callable[..., gpd.GeoSeries]


def published(area: Area, at: At, names: list[str], policy: Policy | None = None) -> Published:
    n = len(names)
    moments = pd.Series(pd.date_range("2026-03-02 13:00", periods=n, freq="10min", tz="UTC").as_unit("us"))
    crew = pd.Series([None, *["A"] * (n - 1)], dtype="str")
    stops = gpd.GeoDataFrame(
        {
            "crew": crew.array,
            "seq": np.arange(n),
            "place_id": [f"p{k}" for k in range(n)],
            "name": names,
            "kind": "street",
            "arrives_at": moments.where(crew.notna()).array,
            "leaves_at": moments.where(crew.notna()).array,
            "due_at": pd.Series(pd.NaT, index=range(n), dtype=moments.dtype).array,
            "slack_min": np.where(crew.notna(), 75.0, np.nan),
            "mode": 0,
            "expected_needles": 1.25,
            "reason": pd.array(["no crew has time left", *[None] * (n - 1)], dtype="str"),
        },
        geometry=at(*[(100 * k, 0) for k in range(n)]).to_numpy(),
        crs=area.crs,
        index=pd.Index([f"stop-{k}" for k in range(n)], name="stop_id", dtype="str"),
    )
    way = LineString([(point.x, point.y) for point in at(*[(100 * k, 0) for k in range(n)])])
    routes = gpd.GeoDataFrame(
        {
            "n_stops": [n],
            "crew_s": 3600.0,
            "drive_m": 100.0 * n,
            "expected_needles": 1.25 * n,
            "starts_at": moments.iloc[[0]].array,
            "ends_at": (moments.iloc[[-1]] + pd.Timedelta(minutes=10)).array,
        },
        geometry=[way],
        crs=area.crs,
        index=pd.Index(["A"], name="crew", dtype="str"),
    )
    legs = gpd.GeoDataFrame(
        {
            "crew": "A",
            "seq": range(1, n + 1),
            "length_m": 100.0,
            "travel_s": 60.0,
            "swept_m": 0.0,
            "directions": [f"left on {name}, 100 m" for name in [*names[1:], "Home St"]],
        },
        geometry=[LineString([(point.x, point.y), (point.x + 100, point.y)]) for point in stops.geometry],
        crs=area.crs,
        index=pd.Index([f"A-{k}" for k in range(n)], name="leg_id", dtype="str"),
    )
    tables = (ROUTES.check(routes), STOPS.check(stops), LEGS.check(legs))
    return publish(*tables, area=area, policy=policy or Policy())


def test_a_gpx_reader_finds_track_and_numbered_stops(gridtown_area: Area, gridtown_at: At) -> None:
    text = routes_gpx(published(gridtown_area, gridtown_at, ["Left Out", "B Street", "<C> & 'D'"]))
    document = gpxpy.parse(text)
    assert document.name == "Gridtown (made-up city)"
    assert [track.name for track in document.tracks] == ["Crew A"]
    assert document.tracks[0].length_2d() == pytest.approx(300, rel=1e-2)
    assert [point.name for point in document.waypoints] == ["A1 B Street", "A2 <C> & 'D'"]
    assert document.waypoints[0].description == "street, 08:10, 75 min to spare"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_spreadsheet_sees_no_formula_and_numbers_stay_numbers(
    gridtown_area: Area, gridtown_at: At, name: str
) -> None:
    text = routes_csv(published(gridtown_area, gridtown_at, ["Left Out", name]))
    table = pd.read_csv(io.StringIO(text, newline=""))
    assert table["name"].iloc[1] == f"'{name}"
    assert table["lon"].iloc[1] < 0
    assert table["expected_needles"].iloc[1] == 1.25
    assert table["left_out_because"].iloc[0] == "no crew has time left"


def test_what_did_not_pass_the_gate_is_in_no_file(gridtown_area: Area, gridtown_at: At) -> None:
    hidden = published(gridtown_area, gridtown_at, ["Left Out", "B Street"], Policy(show_routes=False))
    assert "B Street" not in routes_csv(hidden)
    assert "B Street" not in routes_gpx(hidden)


def test_a_folder_is_written_whole_or_not_at_all(tmp_path) -> None:
    out = tmp_path / "run"
    with fresh_folder(out) as folder:
        (folder / "run.json").write_text("first")

    def fail() -> None:
        with fresh_folder(out) as folder:
            (folder / "run.json").write_text("second")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (out / "run.json").read_text() == "first"
    with fresh_folder(out) as folder:
        (folder / "run.json").write_text("third")
    assert (out / "run.json").read_text() == "third"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="is a file"):
        fresh_folder(tmp_path / "file").__enter__()


HOSTILE = "</style><script>alert(1)</script>${1}'\"&"


def test_a_track_keeps_the_plans_times(gridtown_area: Area, gridtown_at: At) -> None:
    """A leg of 60 s to a stop at 08:10 is left at 08:09; every point later than the one before."""
    document = gpxpy.parse(routes_gpx(published(gridtown_area, gridtown_at, ["Left Out", "B Street", "C Street"])))
    [segment] = document.tracks[0].segments
    times = [point.time for point in segment.points]
    assert [f"{time:%H:%M}" for time in times[:4]] == ["13:09", "13:10", "13:19", "13:20"]
    assert times == sorted(times)
    assert document.waypoints[0].time == times[1]


def test_gdal_reads_the_gpx(gridtown_area: Area, gridtown_at: At, tmp_path: Path) -> None:
    path = tmp_path / "routes.gpx"
    path.write_text(routes_gpx(published(gridtown_area, gridtown_at, ["Left Out", "B Street", "C Street"])))
    assert list(gpd.read_file(path, layer="waypoints")["name"]) == ["A1 B Street", "A2 C Street"]
    assert gpd.read_file(path, layer="tracks").geometry.geom_type.tolist() == ["MultiLineString"]


GPX = "{http://www.topografix.com/GPX/1/1}"
IN_ORDER = {
    "gpx": "metadata wpt rte trk extensions",
    "metadata": "name desc author copyright link time keywords bounds extensions",
    "wpt": "ele time magvar geoidheight name cmt desc src link sym type fix sat hdop vdop pdop extensions",
    "trk": "name cmt desc src link number type extensions trkseg",
    "trkseg": "trkpt extensions",
    "trkpt": "ele time magvar geoidheight name cmt desc src link sym type fix sat hdop vdop pdop extensions",
}
MANY = {"wpt", "trk", "trkseg", "trkpt", "link"}


@pytest.mark.parametrize("policy", [Policy(), Policy(show_routes=False)])
def test_the_gpx_is_in_the_order_of_its_schema(gridtown_area: Area, gridtown_at: At, policy: Policy) -> None:
    """GPX 1.1 is a schema of sequences: every element has its place, and points lie on the globe."""
    root = fromstring(routes_gpx(published(gridtown_area, gridtown_at, ["Left Out", "B Street", "C Street"], policy)))
    assert root.tag == f"{GPX}gpx"
    assert root.get("version") == "1.1"
    assert root.get("creator")
    for element in root.iter():
        name = element.tag.removeprefix(GPX)
        places = [IN_ORDER.get(name, "").split().index(part.tag.removeprefix(GPX)) for part in element]
        assert places == sorted(places), name
        once = [place for part, place in zip(element, places, strict=True) if part.tag[len(GPX) :] not in MANY]
        assert len(set(once)) == len(once), name
        if name in ("wpt", "trkpt"):
            assert -90 <= float(element.attrib["lat"]) <= 90
            assert -180 <= float(element.attrib["lon"]) < 180


def test_geojson_holds_routes_and_served_stops(gridtown_area: Area, gridtown_at: At) -> None:
    document = json.loads(routes_geojson(published(gridtown_area, gridtown_at, ["Left Out", "B Street", "C Street"])))
    whats = [(each["properties"]["what"], each["geometry"]["type"]) for each in document["features"]]
    assert whats == [("route", "LineString"), ("stop", "Point"), ("stop", "Point")]
    assert document["features"][1]["properties"]["arrives_at"] == "2026-03-02T08:10:00-05:00"
    lon, lat = document["features"][1]["geometry"]["coordinates"]
    assert (round(lon), round(lat)) == (-71, 42)


def test_links_take_at_most_nine_stops_and_join_without_a_gap(gridtown_area: Area, gridtown_at: At) -> None:
    links = map_links(published(gridtown_area, gridtown_at, ["Left Out", *(f"{k} Street" for k in range(20))]))
    assert links[["first_stop", "last_stop"]].to_numpy().tolist() == [[1, 9], [10, 18], [19, 21]]
    asked = [parse_qs(urlparse(link).query) for link in links["google"]]
    assert [len(query["waypoints"][0].split("|")) for query in asked] == [8, 8, 2]
    assert [query["destination"] for query in asked[:-1]] == [query["origin"] for query in asked[1:]]
    assert all(len(parse_qs(urlparse(link).query)["waypoint"]) <= 8 for link in links["apple"])


def test_the_sheet_says_all_and_runs_nothing(gridtown_area: Area, gridtown_at: At, tmp_path: Path) -> None:
    area = dataclasses.replace(gridtown_area, unit="mi")
    shown = published(area, gridtown_at, ["Left Out", HOSTILE, "C Street"])
    page = route_sheet(shown, "A")
    assert "<script" not in page
    assert page.count("</style>") == 1
    for words in (
        "left on C Street, 100 m",
        "0.2 mi",
        "08:10",
        "counter(pages)",
        "1 h 15 to spare",
        "hand back",
        "Needlestick",
        "<svg",
    ):
        assert words in page, words
    assert "verdose" not in page
    assert "Left Out" not in page
    assert page.count("<figcaption") == len(map_links(shown))  # a code a leg, drawn without asking anybody
    assert "stop 1 to the depot" in page
    assert "src=" not in page
    assert [path.name for path in write_sheets(shown, tmp_path)] == ["sheet-A.html"]
    with pytest.raises(PlanError, match="no route of crew 'Z': one of A"):
        route_sheet(shown, "Z")
    with pytest.raises(PlanError, match="one of none"):
        route_sheet(published(area, gridtown_at, ["Left Out", "B"], Policy(show_routes=False)), "A")


def test_without_a_browser_there_is_no_pdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "sheet-A.html").write_text("<p>A")
    assert print_pdf(tmp_path / "sheet-A.html") is None
