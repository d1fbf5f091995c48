"""Noon: the rest of a day planned anew in the app; what is done stands, and what changed is said for whom."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, TimeoutError
from streamlit.testing.v1 import AppTest

from sweepplan import demo
from sweepplan.geo import Area
from sweepplan.store import Store
from tests.app_pages import opened_page, press, served_app, text_of


@pytest.fixture(scope="module")
def planned(city: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        return list(press(opened_page(patch, "today", city), "Plan").session_state["plans"])


def at(page: AppTest, hour: int, minute: int = 0) -> AppTest:
    return page.time_input(key="rest_at").set_value(time(hour, minute)).run()


def test_what_is_done_stands_and_who_goes_home_leaves_the_rest_to_others(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    page = at(open_page("today", city, plans=planned), 9)
    before = planned[-1].sweep
    done = {box.label[0]: box.value for box in page.number_input if "did (of" in box.label}
    for crew, n in done.items():  # by the clock, unless somebody says otherwise
        mine = before.stops[before.stops["crew"] == crew]
        assert n == (mine["leaves_at"] <= before.day.clock(9 * 3600)).sum()
    page.checkbox[-1].check().run()  # the last crew goes home
    goes = sorted(done)[-1]
    page = press(page, "Re-plan from here")
    after = page.session_state["plans"][-1].sweep
    assert goes not in set(after.stops["crew"])
    assert after.stops["crew"].notna().any()
    assert len(after.begun.done) == sum(done.values())
    assert not {*after.begun.done["place_id"]} & {*after.stops["place_id"]}
    assert (after.stops["arrives_at"].dropna() >= after.since).all()
    said = text_of(page).replace("\\", "")
    assert f"From 09:00 on, {sum(done.values())} stops done before" in said
    assert "Planned anew from 09:00 on" in said
    for crew in done:
        assert re.search(rf"{crew}: .*(legs as before|nowhere left to go)", said)
    page = press(at(page, 10), "Re-plan from here")  # and again, an hour later
    later = page.session_state["plans"][-1].sweep
    assert len(later.begun.done) > len(after.begun.done)
    assert (later.stops["arrives_at"].dropna() >= later.since).all()
    page = press(press(page, "Undo"), "Undo")
    assert len(page.session_state["plans"]) == 1


def test_news_that_cannot_be_are_one_line_and_the_plan_stays(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    page = at(open_page("today", city, plans=planned), 5)
    page = press(page, "Re-plan from here")
    assert "Nobody is out yet at 05:00" in text_of(page).replace("\\", "")
    page = at(page, 9)
    page.text_input(key="rest_shut").set_value("Nowhere Row").run()
    page = press(page, "Re-plan from here")
    assert "Nowhere Row" in text_of(page)
    assert "The plan is as it was" in text_of(page)
    assert len(page.session_state["plans"]) == 1


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Address of the app on the made-up city, which searches for two seconds."""
    shutil.copytree(demo.folder(), tmp_path / "town")
    settings = tmp_path / "town" / "settings.toml"
    settings.write_text(settings.read_text().replace('limit = "10s"', 'limit = "2s"'))
    with served_app(settings) as address:
        yield address


def _fill_in(grid: Locator, n: int, found: str) -> None:
    """Type what was found at stop ``n``, from 0; the grid is a picture, and a busy machine may lose a key."""
    page = grid.page
    kept = page.get_by_role("button", name=f"Keep {n + 1} of")
    for _ in range(10):
        grid.click(position={"x": 280, "y": 54 + 35 * n})
        page.wait_for_timeout(500)
        page.keyboard.type(found)
        page.keyboard.press("Enter")
        with suppress(TimeoutError):
            kept.wait_for(timeout=10_000)
            return
    raise AssertionError(
        f"the grid took no count: {[button.inner_text() for button in page.get_by_role('button').all()]}"
    )


@pytest.mark.browser
def test_noon_in_the_made_up_city(chromium: Browser, served: str, tmp_path: Path) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 1600})
    page.set_default_timeout(120_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served}/today")
    page.get_by_role("button", name="Plan", exact=True).click()
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Published as version 1").wait_for()
    page.get_by_text("Add a request that came in by telephone").click()
    page.get_by_placeholder("High Street & Mill Lane").fill("Quarry Road")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Added: ").wait_for()
    page.get_by_text("Re-plan the rest of the day").click()
    page.get_by_text("goes home", exact=True).last.click()
    page.get_by_role("checkbox", name="goes home", checked=True).wait_for()
    page.get_by_placeholder("High Street", exact=True).fill("Cannery Street")
    page.get_by_placeholder("High Street", exact=True).press("Tab")
    page.get_by_role("button", name="Re-plan from here").click()
    page.get_by_text("Planned anew from 12:00 on").wait_for()
    assert page.get_by_text("legs as before").count()
    assert page.get_by_text(re.compile("D: .*nowhere left to go")).count()
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Published as version 2").wait_for()
    page.get_by_text("Close a shift: what was found").click()
    grid = page.get_by_test_id("stDataFrame").last
    grid.scroll_into_view_if_needed()
    for n, found in enumerate(("3", "0")):
        _fill_in(grid, n, found)
    page.get_by_role("button", name="Keep 2 of").click()
    page.get_by_text("2 counts kept, 3 needles found").wait_for()
    page.close()
    assert not [url for url in asked if not url.startswith((served, "data:", "blob:", "about:"))]
    with Store.open(tmp_path / "town" / "served.sqlite") as store:
        body = store.plan("2026-03-02").body
        assert sorted(store.pickups(Area.load(tmp_path / "town" / "area.toml"))["needles"]) == [0, 3]
    assert body["news"]["at"] == "12:00"
    assert body["earlier"]["added"]
