"""Today: from the first look to a plan that was changed by hand, published and printed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from sweepplan.app.documents import SHELF
from sweepplan.store import Store
from tests.app_pages import crew_rows, opened_page, press, table, text_of

Write = Callable[..., Path]


def test_today_says_what_waits_before_anything_is_pressed(open_page: Callable[..., AppTest], city: Path) -> None:
    said = text_of(open_page("today", city))
    assert "Monday 2 March · Gridtown" in said
    assert "**3 open requests** (2 more than yesterday) · :red[**1 over due**]" in said
    assert "as of 06:00, last report Mon 2 Mar, 04:00" in said
    assert "press Plan" in said


@pytest.fixture(scope="module")
def planned(city: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What lies on the desk after Plan: made once, tests start from it."""
    with pytest.MonkeyPatch.context() as patch:
        page = press(opened_page(patch, "today", city), "Plan")
        assert not page.exception
        return list(page.session_state["plans"])


def test_plan_gives_every_crew_its_route_and_every_request_its_crew(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    page = open_page("today", city, plans=planned)
    assert "**All 3 requests reached, 2 in time, 1 late (1 over due already)**" in text_of(page)
    routes = table(page, "Crew", "Back")
    assert set(routes["Crew"]) <= {"A", "B"}
    assert routes["Requests"].sum() == 3
    n_requests = 0
    for crew, n_stops in zip(routes["Crew"], routes["Stops"], strict=True):
        stops = table(open_page("today", city, plans=planned, stops_of=crew), "Arrives", "Where")
        assert len(stops) == n_stops
        assert stops["Arrives"].is_monotonic_increasing
        assert stops["Where"].str.contains("Street|Avenue").all()
        n_requests += (stops["What"] == "Request").sum()
    assert n_requests == 3


def test_a_second_plan_says_what_has_changed_and_an_error_keeps_it(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    page = press(open_page("today", city, plans=planned), "Plan")
    assert "A: the same stops" in text_of(page).replace("\\", "")
    page.session_state["crews"] = crew_rows("C", time(16), time(8))
    page.session_state["crews_first"] = page.session_state["crews"]
    page = press(page.run(), "Plan")
    assert "The plan is as it was" in text_of(page)
    assert set(table(page, "Crew", "Back")["Crew"]) <= {"A", "B"}


def selected(planned: list[Any], what: str = "request") -> str:
    """Return the place of the stop of a kind that is due last."""
    stops = planned[-1].sweep.stops
    return str(stops[stops["kind"] == what].sort_values("due_at")["place_id"].iloc[-1])


def test_the_card_says_what_since_when_until_when_and_why(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    said = text_of(open_page("today", city, plans=planned, selected=selected(planned))).replace("\\", "")
    assert "Request, reported Mon 2 Mar, 04:00, 2 h ago" in said
    assert "Due Tue 3 Mar, 04:00" in said
    assert "Why here: 3 reports within 60 m in 4 weeks, 3 in a year" in said
    assert "1 needle expected" in said
    street = text_of(open_page("today", city, plans=planned, selected=selected(planned, "street")))
    assert "needles expected" in street
    before = text_of(open_page("today", city, selected=selected(planned))).replace("\\", "")
    assert "Due Tue 3 Mar, 04:00" in before


def test_a_stop_is_moved_kept_back_and_all_of_it_undone(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    place = selected(planned)
    page = open_page("today", city, plans=planned, selected=place)
    crew = planned[-1].sweep.stops.set_index("place_id")["crew"][place]
    other = {"A": "B", "B": "A"}[crew]
    page = press(page, f"Move to {other}")
    assert f"is with crew {other}, which keeps it" in text_of(page)
    assert any(button.label == "Unlock" for button in page.button)
    page = press(page, "Not today")
    assert "2 of 3 requests reached" in text_of(page)
    assert "requests 3 → 2" in text_of(page).replace("\\", "")
    assert table(page, "Left out because")["Left out because"].tolist() == ["kept back today"]
    page = press(press(page, "Undo"), "Undo")
    assert "All 3 requests reached" in text_of(page)
    assert not [button for button in page.button if button.label in ("Undo", "Unlock")]


def test_what_a_crew_has_no_room_for_is_said_and_the_plan_stays(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    page = open_page("today", city, plans=planned)
    page.text_input(key="add_words").set_value("Elm & Oak").run()
    page = press(page, "Add")
    assert "No street is called 'Elm'" in text_of(page).replace("\\", "")
    assert "The plan is as it was" in text_of(page)
    page.text_input(key="add_words").set_value("C Street & Avenue 6").run()
    page = press(page, "Add")
    assert "All 4 requests reached" in text_of(page)
    assert "Added: C Street & Avenue 6" in text_of(page).replace("\\", "")
    assert page.text_input(key="add_words").value == ""


def test_what_is_published_is_a_version_in_the_database_and_noted(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    page = press(open_page("today", city, plans=planned), "Publish")
    assert "Published as version 1" in text_of(page)
    assert "Published as version 2" in text_of(press(page, "Publish"))
    with Store.open(city.parent / "store.sqlite") as store:
        kept = store.plan("2026-03-02")
        assert kept.version == 2
        assert len(kept.body["stops"]) == planned[-1].sweep.stops["crew"].notna().sum()
        assert "published plan 2026-03-02, version 2" in store.audit()["what"].tolist()


def test_sheets_and_files_are_made_of_the_plan_that_is_shown(
    open_page: Callable[..., AppTest], city: Path, planned: list[Any]
) -> None:
    made = planned[-1]
    links = {link.label: link.url for link in open_page("today", city, plans=planned).get("link_button")}
    documents = {label: SHELF.get(url.split("/")[2]) for label, url in links.items()}
    assert {*made.papers, *made.files} <= documents.keys()
    assert all(document is not None and document.roles == {"lead"} for document in documents.values())
    sheets = made.papers["All crews"].make().decode()
    assert sheets.count("<article") == len(made.sweep.routes)
    for label, marks in {"Tracks (GPX)": "<trk>", "Stops (CSV)": "request", "Map links (CSV)": "google"}.items():
        assert marks in made.files[label].make().decode()


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
