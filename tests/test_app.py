"""The pages, each run as Streamlit runs it, on Gridtown; and the whole app once in a browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import cast

import geopandas as gpd
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page
from shapely.geometry import Point, box
from streamlit.testing.v1 import AppTest

from sweepplan import demo
from sweepplan.app import SCRIPT, kiosk_tables, shown, words
from sweepplan.app.access import Person
from sweepplan.errors import ProblemError, SettingsError
from sweepplan.geo import Area
from sweepplan.model import Crew
from sweepplan.privacy import Policy, Published, publish
from sweepplan.tables import KIOSKS
from tests.app_pages import crew_rows, press, served_app, show_page, table, text_of

Write = Callable[..., Path]


def test_hotspots_names_each_place_by_its_streets_and_says_how_it_goes(
    open_page: Callable[..., AppTest], city: Path
) -> None:
    page = open_page("hotspots", city)
    listed = table(page, "Hotspot", "Trend")
    assert listed["Reports"].tolist() == [60]
    assert set(listed["Hotspot"].iloc[0].split(" & ")) == {"D Street", "Avenue 4"}
    assert listed["Trend"].tolist() == ["↑ rising"]
    assert "What this cannot say" in text_of(page)


@pytest.mark.parametrize("role", ["analyst", "public"])
def test_who_sees_no_single_report_is_shown_counted_squares_and_never_dates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, role: str
) -> None:
    monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(demo.folder() / "settings.toml"))
    monkeypatch.setenv("SWEEPPLAN_STORE", str(tmp_path / "store.sqlite"))
    page = AppTest.from_function(show_page, args=("hotspots",), default_timeout=120)
    page.session_state["person"] = Person("sam", "sam", frozenset({role}))
    said = text_of(page.run())
    listed = table(page, "Hotspot")
    assert listed["Reports"].min() >= Policy().min_count
    assert not {"Since", "Last", "Trend", "4 weeks"} & {*listed.columns}
    assert "Counted in squares over" in said
    assert "needle reports as points" in said


def test_overdoses_are_shown_by_place_and_never_as_reports(open_page: Callable[..., AppTest], city: Path) -> None:
    page = open_page("hotspots", city, kind="overdose")
    assert "Where overdoses gather" in text_of(page)
    listed = table(page, "Hotspot")
    assert listed["Reports"].tolist() == [15]
    assert "One hotspot holds 15 reports of Jul to Dec 2025" in text_of(page)


def test_kiosks_say_what_new_ones_would_reach(open_page: Callable[..., AppTest], city: Path) -> None:
    page = open_page("kiosks", city)
    said = text_of(page)
    # 60 of the 63 reports lie at one corner, 3 at another, 400 m off.
    assert "No kiosk stands yet. The next two would reach 100 % of reports within 150 m." in said
    assert "certified optimal" in said
    assert table(page, "Not covered today")["In reach"].tolist() == ["60", "withheld"]
    assert "Withheld: 1 kiosk count" in said
    page.number_input(key="new").set_value(0).run()
    assert "set New kiosks to 1 or more" in text_of(page)


def test_rules_of_a_choice_are_kept_their_cost_is_said_and_choices_stand_side_by_side(
    open_page: Callable[..., AppTest], city: Path
) -> None:
    page = open_page("kiosks", city)
    first = table(page, "Not covered today")["Where"].tolist()
    page = press(page, "Keep this choice to compare")
    page.number_input(key="new").set_value(1).run()
    assert table(page, "Choice", "Rules")["New"].tolist() == ["2"]
    page = press(page, "Keep this choice to compare")
    assert table(page, "Choice", "Rules")["New"].tolist() == ["2", "1"]
    assert table(page, "Choice", "Rules")["Sites"].iloc[1] in first
    assert {"Approval packet", "Map (GeoJSON)"} <= {link.label for link in page.get("link_button")}


def test_an_area_is_drawn_corner_by_corner_undone_and_said_with_what_it_costs(
    open_page: Callable[..., AppTest], city: Path, gridtown_at: Callable[..., gpd.GeoSeries]
) -> None:
    spots = gridtown_at((250, 250), (350, 250), (350, 350), (250, 350)).to_crs("EPSG:4326")
    corners = tuple((spot.y, spot.x) for spot in spots)
    page = open_page("kiosks", city, area_draw=True, area_corners=corners[:2])
    assert "2 corners clicked: 1 more at least" in text_of(page)
    page.session_state["area_corners"] = corners
    page = press(page.run(), "Close area")
    said = text_of(page)
    assert "1 area ruled out" in said
    assert "the areas ruled out: costs nothing" in said.replace("\\", "")
    where = table(page, "Rank", "Where")["Where"]
    assert not where.str.contains("Avenue 4").any() or not where.str.contains("D Street").any()
    page = press(page, "Undo")
    assert "4 corners clicked" in text_of(page)
    page = press(press(page, "Undo"), "Clear all")
    assert "ruled out" not in text_of(page)


def test_naloxone_boxes_are_spoken_of_as_such_and_no_figure_of_a_place_is_shown(
    open_page: Callable[..., AppTest], city: Path, tmp_path: Path
) -> None:
    for file in city.parent.iterdir():
        if file.suffix in (".csv", ".graphml", ".toml"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = tmp_path / "settings.toml"
    settings.write_text(f'boxes = "naloxone"\n{settings.read_text()}')
    page = open_page("kiosks", settings)
    said = text_of(page)
    assert "No naloxone box stands yet." in said
    assert "kiosk" not in said.replace("kiosks.geojson", "").lower()
    assert "New naloxone boxes" in {box.label for box in page.number_input}
    assert all("In reach" not in each.value for each in page.dataframe)


def test_the_card_of_a_site_rounds_what_tells_of_few_reports() -> None:
    facts = pd.DataFrame(
        {"name": ["Mill St"], "within_100": [7.0], "uncovered": [63.0], "loss": [0.0], "next_best": ["Elm St"]},
        index=["x"],
    ).assign(next_best_loss=12.0, nearest_school_m=310.0)
    area = Area("Gridtown", box(0, 0, 1000, 1000), "EPSG:32619", "America/New_York")
    kiosks = gpd.GeoDataFrame(
        {"name": ["Mill St"], "state": ["proposed"], "rank": [1], "covered": [63.0], "added": [63.0]},
        index=pd.Index(["x"], name="kiosk_id", dtype="str"),
        geometry=[Point(500, 500)],
        crs=area.crs,
    ).assign(demand_kind="needle")
    shown = publish(KIOSKS.check(kiosks), area=area, policy=Policy.for_role("lead"))
    said = kiosk_tables.site_card(facts, shown, "x", 11)
    assert said[1:4] == [
        "Reports a year: fewer than 11 within 100 m",
        "In reach of no kiosk today: about 60",
        "Without it none a year would be covered no more",
    ]
    assert "Nearest school: 310 m, straight line" in said
    assert kiosk_tables.site_card(facts, shown, "another", 11) == []


def test_a_setting_that_cannot_be_read_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(tmp_path / "none.toml"))
    monkeypatch.setenv("SWEEPPLAN_STORE", str(tmp_path / "store.sqlite"))
    page = AppTest.from_file(SCRIPT, default_timeout=120).run()
    assert not page.exception
    [error] = page.error
    assert "cannot be read" in error.value


def test_crews_come_back_from_the_editor_as_they_went_in() -> None:
    foot = Crew("foot", time(8), time(12), mode="walk", break_from=time(10), break_until=time(11))
    crews = (Crew("A", time(7), time(15)), foot)
    assert shown.crews_of(shown.crew_rows(crews)) == crews


def test_a_crew_that_is_known_keeps_what_the_editor_does_not_ask() -> None:
    known = Crew("A", time(7), time(15), capacity=80, skills=frozenset({"two-person"}))
    rows = shown.crew_rows([known])
    rows[["Moves", "Break from", "Break until"]] = [["park and walk", time(11), time(12)]]
    parked = dataclasses.replace(known, mode="park-and-walk", break_from=time(11), break_until=time(12))
    assert shown.crews_of(rows, [known]) == (parked,)


def test_half_a_break_is_refused() -> None:
    rows = shown.crew_rows([Crew("A", time(7), time(15))])
    rows["Break from"] = time(11)
    with pytest.raises(ProblemError, match="both an earliest and a latest start"):
        shown.crews_of(rows)


def test_a_crew_without_a_name_gets_the_next_free_letter() -> None:
    rows = pd.concat([crew_rows("A", time(8), time(16)), crew_rows(None, time(8), time(16))])
    assert [crew.name for crew in shown.crews_of(rows)] == ["A", "B"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "give 1 to 10"),
        ([("A", time(8), time(16))] * 2, "stands twice"),
        ([("A", time(8), None)], "a shift without start or end"),
        ([("A", time(16), time(8))], "ends before it starts"),
    ],
)
def test_an_editor_that_says_no_crews_is_refused(rows: list[tuple[str, time, time]], words: str) -> None:
    given = pd.concat([shown.crew_rows([]), *(crew_rows(*row) for row in rows)])
    with pytest.raises((SettingsError, ProblemError), match=words):
        shown.crews_of(given)


def test_reasons_that_differ_in_figures_alone_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    far = [f"longer than any shift allows: {n} min there, work and back" for n in (21, 22, 22)]
    left = pd.DataFrame({"Left out because": [*far, *["due too early: 09:00"] * 2, "no time"]})
    monkeypatch.setattr(shown, "left_out", lambda _: left)
    said = ["3 left out: longer than any shift allows", "2 left out: due too early: 09:00", "1 left out: no time"]
    assert shown.reasons(cast(Published, None)) == said
    monkeypatch.setattr(shown, "left_out", lambda _: left.iloc[:0].astype("object"))
    assert shown.reasons(cast(Published, None)) == []
    monkeypatch.setattr(shown, "left_out", lambda _: pd.DataFrame({"Left out because": []}))
    assert shown.reasons(cast(Published, None)) == []


def test_text_from_files_is_never_markdown() -> None:
    assert words.plain("[a](b) `c` :red[d] $e$") == r"\[a\]\(b\) \`c\` \:red\[d\] \$e\$"


@pytest.fixture
def served(city: Path) -> Iterator[str]:
    """Address of the app, started by the command."""
    with served_app(city) as address:
        yield address


def saved(page: Page, label: str) -> Path:
    """Click a link, and return the file that the browser saves."""
    with page.expect_download() as download:
        page.get_by_role("link", name=label).click()
    return Path(download.value.path())


def card_of_first_line(page: Page) -> bool:
    """Click the first line of the list, and look whether its card opens; none does while the list is being drawn."""
    page.get_by_test_id("stDataFrame").first.click(position={"x": 120, "y": 52})
    page.wait_for_timeout(1000)
    return page.locator(".st-key-hotspot").get_by_text("1. ").count() > 0


def is_corner(page: Page, at: tuple[int, int], n: int) -> bool:
    """Click a spot of the map, and look whether ``n`` corners are said; a page that is still at work takes none."""
    page.locator(".live[data-drawn]").click(position={"x": at[0], "y": at[1]})
    page.wait_for_timeout(1000)
    return page.get_by_text(f"{n} corner").count() > 0


@pytest.mark.browser
def test_the_app_works_offline_from_page_to_page(chromium: Browser, served: str) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws:", "http:")))
    page.goto(served)
    page.get_by_role("button", name="Plan", exact=True).click()
    page.get_by_text("All 3 requests reached").wait_for()
    drawn = page.locator(".live[data-drawn]")
    drawn.get_by_text("Crew A").first.wait_for()
    page.get_by_role("button", name="Print and export").click()
    assert "<trk>" in saved(page, "Tracks (GPX)").read_text()
    # Third click since the app was opened: paper.
    assert saved(page, "All crews (PDF)").read_bytes().startswith(b"%PDF")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Published as version").wait_for()
    mark = page.locator(".live .leaflet-marker-icon .badge.request").first
    mark.dispatch_event("click")
    page.get_by_text("Due ").first.wait_for()
    page.get_by_role("button", name="Not today").click()
    page.get_by_text("2 of 3 requests reached").wait_for()
    drawn.get_by_text("Left out").wait_for()
    # Layers stay shown when they are drawn anew.
    assert page.locator(".live .leaflet-marker-icon .badge.request").count() == 2
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("All 3 requests reached").wait_for()
    page.get_by_role("link", name="Hotspots").click()
    page.get_by_text("Where needles gather").wait_for()
    drawn.get_by_text("Needle hotspots").wait_for()
    assert any(card_of_first_line(page) for _ in range(8))
    page.get_by_role("link", name="Kiosks").click()
    page.get_by_text("certified optimal").wait_for()
    drawn.get_by_text("Kiosks proposed").wait_for()
    page.get_by_text("Rules: what a choice must keep").click()
    page.get_by_text("Draw an area on the map").click()
    for n, (east, north) in enumerate(((420, 300), (520, 300), (520, 400)), 1):
        assert any(is_corner(page, (east, north), n) for _ in range(20))
    page.get_by_role("button", name="Close area").click()
    page.get_by_text("1 area ruled out").wait_for()
    page.get_by_role("link", name="Today").click()
    page.get_by_text("All 3 requests reached").wait_for()
    page.close()
    outside = [url for url in asked if not url.startswith((served, "data:", "blob:", "about:"))]
    assert len(asked) > 20
    assert not outside
