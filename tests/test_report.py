"""What leaves a run can be opened by others, and runs nothing there."""

import io
from collections.abc import Callable

import geopandas as gpd
import gpxpy
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString

from sweepplan.errors import SettingsError
from sweepplan.geo import Area
from sweepplan.privacy import Policy, Published, publish
from sweepplan.report import fresh_folder, routes_csv, routes_gpx
from sweepplan.tables import ROUTES, STOPS

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
            "ends_at": moments.iloc[[-1]].array,
        },
        geometry=[way],
        crs=area.crs,
        index=pd.Index(["A"], name="crew", dtype="str"),
    )
    return publish(ROUTES.check(routes), STOPS.check(stops), area=area, policy=policy or Policy())


def test_a_gpx_reader_finds_track_and_numbered_stops(gridtown_area: Area, gridtown_at: At) -> None:
    text = routes_gpx(published(gridtown_area, gridtown_at, ["Left Out", "B Street", "<C> & 'D'"]))
    document = gpxpy.parse(text)
    assert document.name == "Gridtown (made-up city)"
    assert [track.name for track in document.tracks] == ["Crew A"]
    assert document.tracks[0].length_2d() == pytest.approx(200, rel=1e-2)
    assert [point.name for point in document.waypoints] == ["A1 B Street", "A2 <C> & 'D'"]
    assert document.waypoints[0].description == "street, 08:10"


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
