"""A city of one's own from a name, streets and reports."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pytest
from playwright.sync_api import Browser
from shapely.geometry import box
from streamlit.testing.v1 import AppTest

from sweepplan import demo, pipeline
from sweepplan.app import starting
from sweepplan.errors import SettingsError, SourceError, SweepplanError
from sweepplan.geo import WGS84
from sweepplan.pipeline import Founding, Settings, found_city
from tests.app_pages import press, served_app, text_of

FAR_OFF = gpd.GeoSeries([box(10.0, 50.0, 10.1, 50.1)], crs=WGS84).to_json().encode()


@pytest.fixture
def given(city: Path) -> Founding:
    streets, reports = ((city.parent / name).read_bytes() for name in ("streets.graphml", "requests.csv"))
    return Founding("New Gridtown", Settings.load(city).tz, streets, reports + b"bad,,,,,,,\n", ".csv", "boston311")


@pytest.mark.parametrize("zipped", [False, True])
def test_a_city_of_files_opens_and_says_what_was_read(
    given: Founding, city: Path, tmp_path: Path, zipped: bool
) -> None:
    found = found_city(replace(given, streets=gzip.compress(given.streets)) if zipped else given, tmp_path)
    before = pipeline.load_city(Settings.load(city))
    settings = Settings.load(found.settings)
    opened = pipeline.load_city(settings)
    assert found.settings == tmp_path / "new-gridtown" / "settings.toml"
    assert found.n_reports == len(opened.reports) == len(before.reports)
    assert found.n_streets == len(before.streets.edges)
    assert sum(found.aside.values()) == sum(before.readings[0].rejected.values()) + 1
    assert settings.depot is not None
    assert opened.area.boundary.contains(opened.area.points([settings.depot[1]], [settings.depot[0]]).iloc[0])
    last = opened.area.local(opened.reports["reported_at"].max())
    assert opened.area.moment(settings.as_of) > last
    assert [each.name for each in tmp_path.iterdir()] == ["new-gridtown"]


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"name": " ... "}, SettingsError, "city's name in letters"),
        ({"name": "../../etc"}, None, "etc"),
        ({"tz": "Mars/Base"}, SettingsError, "give a time zone"),
        ({"streets": b"<no graph"}, SourceError, "^streets.graphml.gz: not a street network"),
        ({"reports": b"no,columns\n1,2\n"}, SourceError, "column"),
        ({"depot": (95.0, 0.0)}, SettingsError, "degrees"),
        ({"boundary": b"{}"}, SourceError, "^boundary.geojson: no boundary in GeoJSON"),
        ({"boundary": b'{"features": []}'}, SourceError, "^boundary.geojson: no boundary in it"),
        ({"boundary": FAR_OFF}, SweepplanError, "of the same city"),
        ({"kiosks": b"name,where\nKiosk 1,here\n"}, SourceError, "kiosks.csv"),
    ],
)
def test_what_cannot_be_read_leaves_nothing(
    given: Founding, tmp_path: Path, changed: dict[str, Any], error: type[SweepplanError] | None, words: str
) -> None:
    folder = tmp_path / "cities"
    if error is None:
        assert found_city(replace(given, **changed), folder).settings.parent == folder / words
        return
    with pytest.raises(error, match=words):
        found_city(replace(given, **changed), folder)
    assert not folder.exists() or not [*folder.iterdir()]


def test_a_boundary_and_kiosks_are_those_of_the_city(given: Founding, tmp_path: Path) -> None:
    whole = pipeline.load_city(Settings.load(found_city(given, tmp_path).settings))
    inner = whole.area.boundary.intersection(whole.reports.geometry.iloc[0].buffer(250))
    outline = gpd.GeoSeries([inner], crs=whole.area.crs).to_crs(WGS84)
    spot = outline.iloc[0].representative_point()
    kiosks = f"name,lat,lon\nBy the park,{spot.y},{spot.x}\nAbroad,10.0,50.0\n".encode()
    within = replace(given, name="Inner Gridtown", boundary=outline.to_json().encode(), kiosks=kiosks)
    found = found_city(within, tmp_path)
    city = pipeline.load_city(Settings.load(found.settings))
    assert city.area.name == "Inner Gridtown"
    assert city.area.boundary.symmetric_difference(inner).area < 0.01 * inner.area
    n_inside = int(whole.reports.intersects(inner).sum())
    assert 0 < found.n_reports == n_inside < len(whole.reports)
    assert found.aside["reports outside the area"] >= len(whole.reports) - n_inside
    assert city.kiosks is not None
    assert city.kiosks["name"].tolist() == ["By the park"]
    assert found.aside["kiosks outside the area"] == 1


def test_a_city_is_never_written_over(given: Founding, tmp_path: Path) -> None:
    found = found_city(given, tmp_path)
    kept = found.settings.read_bytes()
    with pytest.raises(SettingsError, match="made before"):
        found_city(replace(given, name="NEW gridtown"), tmp_path)
    assert found.settings.read_bytes() == kept


def test_the_three_steps_make_a_city_and_name_what_is_missing(
    open_page: Callable[..., AppTest], city: Path, given: Founding, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(starting, "folder", lambda: tmp_path / "cities")
    monkeypatch.setattr(starting, "needed", lambda *_: True)
    page = open_page("data", city)
    assert "Your own city in three steps" in text_of(page)
    page = press(page, "Make my city")
    assert "No streets: choose the file in step 2, or name a place" in text_of(page).replace("\\", "")
    graph = SimpleNamespace(getvalue=lambda: given.streets, name="drive.graphml")
    table = SimpleNamespace(getvalue=lambda: given.reports, name="../reports.csv")
    said = starting.made("Gridtown", given.tz, "", "boston311", starting.Files(graph, table))
    assert "Gridtown is made" in said
    assert "1 row set aside" in said or "rows set aside" in said
    assert said.endswith(f"sweepplan app --settings {tmp_path / 'cities' / 'gridtown' / 'settings.toml'}")
    monkeypatch.setattr(starting, "streets_of_place", lambda _: given.streets)
    assert "By Name is made" in starting.made(
        "By Name", given.tz, "", "boston311", starting.Files(None, table), "Gridtown"
    )
    with pytest.raises(SettingsError, match="no reports"):
        starting.made("Gridtown", given.tz, "", "boston311", starting.Files(graph, None))
    with pytest.raises(SettingsError, match="write latitude, longitude"):
        starting.made("Gridtown", given.tz, "here", "boston311", starting.Files(graph, table))


def test_the_form_makes_a_city_in_a_browser_that_opens(
    chromium: Browser, city: Path, given: Founding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with served_app(demo.folder() / "settings.toml", "--store", str(tmp_path / "own.sqlite")) as address:
        page = chromium.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{address}/data")
        page.get_by_label("Name", exact=True).fill("New Gridtown")
        for label, file in (("Streets of the city", "streets.graphml"), ("Reports of needles", "requests.csv")):
            page.get_by_test_id("stFileUploader").filter(has_text=label).locator("input").set_input_files(
                city.parent / file
            )
            page.get_by_text(file).first.wait_for()
        page.get_by_role("button", name="Make my city").click()
        said = page.get_by_text("New Gridtown is made").inner_text()
        page.close()
    made = Path(said.rpartition(" ")[2])
    assert made.is_relative_to(tmp_path)
    with served_app(made) as address:
        page = chromium.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.get_by_text("open requests").first.wait_for()
        page.locator(".live[data-drawn]").wait_for()
        page.close()
