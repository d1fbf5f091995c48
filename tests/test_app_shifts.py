"""From one shift to the next: plans reopened, counts entered, what was left put first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from sweepplan import pipeline
from sweepplan.geo import Area
from sweepplan.pipeline import counts, last_shift, shift_of, with_counts
from sweepplan.store import Store
from tests.app_pages import opened_page, press, table, text_of

Write = Callable[..., Path]
NOW = pd.Timestamp("2026-03-02 11:00", tz="UTC")


@pytest.fixture(scope="module")
def town(write_city: Write) -> Path:
    """Settings of a Gridtown whose database is this module's own."""
    return write_city()


@pytest.fixture(scope="module")
def planned(town: Path) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        return list(press(opened_page(patch, "today", town), "Plan").session_state["plans"])


def yesterday(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a plan a day earlier."""
    told = json.loads(json.dumps(body))
    for stop in told["stops"]:
        for name in ("arrives_at", "leaves_at"):
            stop[name] = (pd.Timestamp(stop[name]) - pd.Timedelta(days=1)).isoformat()
    return dict(told)


def test_a_published_plan_is_reopened_as_it_was(
    open_page: Callable[..., AppTest], town: Path, planned: list[Any]
) -> None:
    stops = planned[-1].sweep.stops
    place = stops.loc[stops["kind"] == "request", "place_id"].iloc[0]
    page = press(open_page("today", town, plans=planned, selected=place), "Lock")
    page.text_input(key="add_words").set_value("C Street & Avenue 6").run()
    page = press(press(page, "Add"), "Publish")
    page.time_input(key="rest_at").set_value(pd.Timestamp("09:00").time()).run()
    page = press(press(page, "Re-plan from here"), "Publish")
    whole, rest = (page.session_state["plans"][k].sweep for k in (-2, -1))
    fresh = open_page("today", town)
    assert table(fresh, "Version", "Published")["Version"].tolist() == [2, 1]
    for version, was in ((1, whole), (2, rest)):
        fresh.selectbox(key="version").set_value(version).run()
        fresh = press(fresh, "Reopen")
        again = fresh.session_state["plans"][-1].sweep
        told = [each.stops.drop(columns="geometry") for each in (again, was)]
        pd.testing.assert_frame_equal(*told)
        assert again.stops.geometry.distance(was.stops.geometry).max() < 0.001
        assert again.since == was.since
        assert again.changes == was.changes
        assert [stop.crew for stop in again.day.problem.stops] == [stop.crew for stop in was.day.problem.stops]
        assert f"Version {version}, as it was published" in text_of(fresh).replace("\\", "")


def test_counts_are_kept_once_and_what_has_none_is_left_for_the_next_shift(
    open_page: Callable[..., AppTest], write_city: Write, planned: list[Any]
) -> None:
    town = write_city()
    sweep, settings = planned[-1].sweep, planned[-1].settings
    area: Area = pipeline.load_city(settings).area
    with Store.open(town.parent / "store.sqlite") as store:
        body = yesterday(dict(pipeline.plan_body(sweep, settings)))
        phoned = {**body["stops"][0], "place_id": "added-9", "name": "Phoned in", "kind": "request", "seq": 99}
        body["stops"].append(phoned)
        store.save_plan("2026-03-01", body, by="lead", at=NOW)
        store.publish_plan("2026-03-01", 1)
        said = text_of(open_page("today", town)).replace("\\", "")
        assert "no counts of Sun 1 Mar 2026 yet" in said
        shift = shift_of(store, area, "2026-03-01")
        places = list(shift.stops["place_id"])
        found = {place: float(k) for k, place in enumerate(places[:-3])}
        table = counts(shift, found)
        requests = table["stream"] == "request"
        assert set(table.loc[(table["needles"] == 0) & ~requests, "outcome"]) <= {"clean"}
        assert set(table.loc[(table["needles"] == 0) & requests, "outcome"]) <= {"not_found"}
        assert store.add_pickups(table) == len(found)
        assert store.add_pickups(counts(shift, found)) == 0
        last = last_shift(store, area, "2026-03-02")
        assert last is not None
        assert list(last.left["place_id"]) == places[-3:]
        # What was counted is known to the next plan.
        city = with_counts(pipeline.load_city(settings), store, until=area.moment("2026-03-02 06:00"))
        assert city.around.pickups is not None
        assert city.around.pickups["needles"].sum() == sum(found.values())
    page = open_page("today", town)
    assert "last shift left 3 stops" in text_of(page)
    page = press(page, "Plan")
    assert "Phoned in" in set(page.session_state["plans"][-1].sweep.stops["name"])
    stops = page.session_state["plans"][-1].sweep.day.problem.stops
    assert {each.place for each in stops if each.required} >= {*places[-3:-1]} & {each.place for each in stops}


def test_a_slip_is_taken_back_and_the_audit_says_what_stood_there(
    open_page: Callable[..., AppTest], write_city: Write, planned: list[Any]
) -> None:
    town = write_city()
    sweep, settings = planned[-1].sweep, planned[-1].settings
    area: Area = pipeline.load_city(settings).area
    with Store.open(town.parent / "store.sqlite") as store:
        store.save_plan("2026-03-02", pipeline.plan_body(sweep, settings), by="lead", at=NOW)
        store.publish_plan("2026-03-02", 1)
        shift = shift_of(store, area, "2026-03-02")
        slip, other = shift.stops["place_id"].iloc[:2]
        store.add_pickups(counts(shift, {slip: 30.0, other: 2.0}))
        page = open_page("today", town)
        slips = next(each for each in page.multiselect if each.label == "Counts to correct")
        assert len(slips.options) == 2
        assert slips.options[0].endswith(": 30 needles")
        page = press(slips.set_value([slip]).run(), "Take back")
        assert [each.value for each in page.success] == ["1 count taken back: enter it anew above"]
        again = shift_of(store, area, "2026-03-02")
        assert again.found == {other: 2.0}
        assert again.entered == {other}
        assert store.audit(last=1)["what"].item() == "took back counts of 2026-03-02: 30"
        store.add_pickups(counts(again, {slip: 3.0}))
        assert shift_of(store, area, "2026-03-02").found == {slip: 3.0, other: 2.0}
