"""The pages, each run as Streamlit runs it, on Gridtown; and the whole app once in a browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time as clock
import urllib.request
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser
from streamlit.testing.v1 import AppTest

from sweepplan.app import SCRIPT, shown, words
from sweepplan.errors import ProblemError, SettingsError
from sweepplan.model import Crew

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def city(write_city: Write) -> Path:
    """Settings of a Gridtown with three open requests, one of them over due."""
    return write_city()


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Function: name of a page, settings, session state -> the page as it is first shown."""

    def open_(name: str, settings: Path, **state: Any) -> AppTest:
        monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(settings))
        monkeypatch.setenv("SWEEPPLAN_STORE", str(settings.parent / "store.sqlite"))
        page = AppTest.from_function(show_page, args=(name,), default_timeout=60)
        for key, value in state.items():
            page.session_state[key] = value
        return page.run()

    return open_


def show_page(name: str) -> None:
    import importlib

    importlib.import_module(f"sweepplan.app.{name}").page()


def text_of(page: AppTest) -> str:
    """Return all that a page says outside its tables; no page may raise."""
    assert not page.exception, page.exception[0].message
    parts = [*page.subheader, *page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    return "\n".join(str(part.value) for part in parts)


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def table(page: AppTest, *columns: str) -> pd.DataFrame:
    """Return the first table of a page that has all these columns."""
    return next(each.value for each in page.dataframe if {*columns} <= {*each.value.columns})


def test_today_says_what_waits_before_anything_is_pressed(open_page: Callable[..., AppTest], city: Path) -> None:
    said = text_of(open_page("today", city))
    assert "Monday 2 March · Gridtown" in said
    assert "**3 open requests** (2 more than yesterday) · :red[**1 over due**]" in said
    assert "as of 06:00, last report Mon 2 Mar, 04:00" in said
    assert "press Plan" in said


def test_plan_gives_every_crew_its_route_and_every_request_its_crew(
    open_page: Callable[..., AppTest], city: Path
) -> None:
    page = press(open_page("today", city), "Plan")
    assert "**All 3 requests reached, 2 in time, 1 late (1 over due already)**" in text_of(page)
    routes = table(page, "Crew", "Back")
    assert set(routes["Crew"]) <= {"A", "B"}
    assert routes["Requests"].sum() == 3
    stops = [each.value for each in page.dataframe if "Arrives" in each.value]
    assert [len(each) for each in stops] == routes["Stops"].tolist()
    assert sum((each["What"] == "Request").sum() for each in stops) == 3
    assert all(each["Arrives"].is_monotonic_increasing for each in stops)
    assert all(each["Where"].str.contains("Street|Avenue").all() for each in stops)


def test_a_second_plan_says_what_has_changed_and_an_error_keeps_it(
    open_page: Callable[..., AppTest], city: Path
) -> None:
    page = press(press(open_page("today", city), "Plan"), "Plan")
    assert "Since the last plan" in text_of(page)
    assert "A: the same stops" in text_of(page).replace("\\", "")
    page.session_state["crews"] = crew_rows("C", time(16), time(8))
    page.session_state["crews_first"] = page.session_state["crews"]
    page = press(page, "Plan")
    assert "The plan before is kept" in text_of(page)
    assert set(table(page, "Crew", "Back")["Crew"]) <= {"A", "B"}


def test_a_shift_that_ends_before_it_starts_is_one_line(open_page: Callable[..., AppTest], city: Path) -> None:
    page = press(open_page("today", city, crews=crew_rows("A", time(16), time(8))), "Plan")
    [error] = page.error
    assert "\n" not in error.value
    assert "ends before it starts" in error.value
    assert not page.exception


def test_a_request_that_no_crew_reaches_is_named_with_the_reason(open_page: Callable[..., AppTest], city: Path) -> None:
    page = press(open_page("today", city, crews=crew_rows("A", time(7), time(7, 25))), "Plan")
    said = text_of(page)
    left = table(page, "Left out because")
    assert f"**{3 - len(left)} of 3 requests reached" in said
    assert f":orange[{len(left)} left out" in said
    assert 1 <= len(left) <= 2  # ten minutes of work at each, in 25 minutes


def test_a_day_without_open_requests_says_what_to_do(open_page: Callable[..., AppTest], write_city: Write) -> None:
    page = open_page("today", write_city(()))
    assert "**No open request**: press Plan" in text_of(page)
    assert "No open request: crews sweep where most needles are expected" in text_of(press(page, "Plan"))


def test_hotspots_names_each_place_by_its_streets_and_says_how_it_goes(
    open_page: Callable[..., AppTest], city: Path
) -> None:
    page = open_page("hotspots", city)
    listed = table(page, "Hotspot", "Trend")
    assert listed["Reports"].tolist() == [60]
    assert set(listed["Hotspot"].iloc[0].split(" & ")) == {"D Street", "Avenue 4"}
    assert listed["Trend"].tolist() == ["↑ rising"]
    assert "What this cannot say" in text_of(page)


def test_overdoses_are_shown_by_place_and_never_as_reports(open_page: Callable[..., AppTest], city: Path) -> None:
    page = open_page("hotspots", city, kind="overdose")
    assert "Where overdoses gather" in text_of(page)
    listed = table(page, "Hotspot")
    assert listed["Reports"].tolist() == [15]
    assert listed["Last"].tolist() == ["Dec 2025"]


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


def test_a_setting_that_cannot_be_read_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(tmp_path / "none.toml"))
    monkeypatch.setenv("SWEEPPLAN_STORE", str(tmp_path / "store.sqlite"))
    page = AppTest.from_file(SCRIPT, default_timeout=60).run()
    assert not page.exception
    [error] = page.error
    assert "cannot be read" in error.value


def crew_rows(name: str, start: time | None, end: time | None) -> pd.DataFrame:
    return pd.DataFrame({"Crew": [name], "Start": [start], "End": [end]}, dtype=object)


def test_crews_come_back_from_the_editor_as_they_went_in() -> None:
    crews = (Crew("A", time(7), time(15)), Crew("foot", time(8), time(12)))
    assert shown.crews_of(shown.crew_rows(crews)) == crews


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
    with pytest.raises((SettingsError, ProblemError), match=words):
        shown.crews_of(pd.DataFrame(rows, columns=["Crew", "Start", "End"], dtype=object))


def test_text_from_files_is_never_markdown() -> None:
    assert words.plain("[a](b) `c` :red[d] $e$") == r"\[a\]\(b\) \`c\` \:red\[d\] \$e\$"


@pytest.fixture
def served(city: Path) -> Iterator[str]:
    """Address of the app, started by the command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = [sys.executable, "-c", "from sweepplan.cli import main; main()", "app", "--settings", str(city)]
    app = subprocess.Popen(
        [*start, "--port", str(port), "--store", str(city.parent / "served.sqlite")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                    break
            except OSError:
                clock.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(app.pid, signal.SIGTERM)
        app.wait()


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
    with page.expect_download() as download:
        page.get_by_role("button", name="GPX").click()
    assert "<trk>" in download.value.path().read_text()
    page.get_by_role("link", name="Hotspots").click()
    page.get_by_text("Where needles gather").wait_for()
    drawn.get_by_text("Needle hotspots").wait_for()
    page.get_by_role("link", name="Kiosks").click()
    page.get_by_text("certified optimal").wait_for()
    drawn.get_by_text("Kiosks proposed").wait_for()
    page.get_by_role("link", name="Today").click()
    page.get_by_text("All 3 requests reached").wait_for()
    page.close()
    outside = [url for url in asked if not url.startswith((served, "data:", "blob:", "about:"))]
    assert len(asked) > 20
    assert not outside
