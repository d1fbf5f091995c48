"""Figures of public health: counted by hand, and so told that no few reports can be worked out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from openpyxl import load_workbook
from shapely.geometry import box
from streamlit.testing.v1 import AppTest

from sweepplan import pipeline
from sweepplan.app.documents import SHELF
from sweepplan.errors import SettingsError
from sweepplan.model import Crew
from sweepplan.pipeline import HOTSPOT, Health, health
from sweepplan.privacy import Policy
from tests.app_pages import table, text_of

City = tuple[pipeline.City, pd.Timestamp]


@pytest.fixture(scope="module")
def read(city: Path) -> City:
    """Gridtown: 60 reports closed an hour after they came in, three open; 15 overdose calls."""
    settings = pipeline.Settings.load(city)
    found = pipeline.load_city(settings)
    return found, found.area.moment(settings.as_of)


@pytest.fixture(scope="module")
def spiking(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gridtown with a report a day at its corner for 200 days, and twelve in the last day at another."""
    folder = tmp_path_factory.mktemp("spiking")
    for file in city.parent.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    lines = (city.parent / "requests.csv").read_text().splitlines()
    usual, other = (",".join(line.split(",")[-2:]) for line in (lines[1], lines[-1]))
    at = pd.Timestamp("2026-03-02 05:00")
    new = [(usual, at - pd.Timedelta(days=day)) for day in range(1, 200)]
    new += [(other, at - pd.Timedelta(hours=k)) for k in range(12)]
    rows = [
        f"{2000 + k},{when:%m/%d/%Y %I:%M:%S %p},,,Closed,Needle Pickup,{spot}" for k, (spot, when) in enumerate(new)
    ]
    (folder / "requests.csv").write_text("\n".join([*lines, *rows]) + "\n")
    return folder / "settings.toml"


def figures(read: City, role: str, days: int = 28, reading: int = 0) -> Health:
    found, as_of = read
    areas = {"corner": box(*found.area.boundary.bounds)}
    reports = found.readings[reading].incidents
    return health(
        reports, found.area, Policy.for_role(role), as_of=as_of, days=days, back_d=days, places={HOTSPOT: areas}
    )


def test_counts_and_times_to_close_are_those_of_the_window(read: City) -> None:
    """Reports came 14.4 h apart, back from 06:00: 39 within 28 days of that day's midnight, and an open one."""
    told = figures(read, "lead")
    came = read[0].reports["reported_at"]
    assert told.n == ((came >= told.start) & (came < told.stop)).sum()
    assert told.n_before == ((came >= told.before) & (came < told.start)).sum()
    assert told.answered is not None
    assert (told.answered.median_h, told.answered.p90_h, told.answered.within_24_h) == (1, 1, 1)
    assert told.by["Hotspot"].index.tolist() == ["corner"]
    assert told.compared["Hotspot"].loc["corner"].tolist() == [told.n, told.n_before]
    assert told.trend["n"].sum() == ((came >= told.trend["start"].iloc[0]) & (came < told.stop)).sum()
    assert (told.trend["start"].diff().dropna() == pd.Timedelta(days=7)).all()
    assert (told.ahead["low"] <= told.ahead["mean"]).all()
    assert (told.ahead["mean"] <= told.ahead["high"]).all()


@pytest.mark.parametrize(("role", "reading"), [("analyst", 0), ("public", 0), ("lead", 1)])
def test_who_may_not_see_reports_is_told_rounded_counts_of_whole_months(read: City, role: str, reading: int) -> None:
    told = figures(read, role, reading=reading)
    assert not told.exact
    counts = [told.n, told.n_before, *told.trend["n"].dropna()]
    assert all(n is None or n % 20 == 0 for n in counts)
    assert told.hidden >= sum(n is None for n in counts) + told.trend["n"].isna().sum()
    assert "Hotspot" not in told.by
    assert not told.compared
    assert told.ahead.empty
    assert (told.trend["start"].map(read[0].area.local).dt.day == 1).all()


def test_too_few_closed_requests_are_no_figure(read: City) -> None:
    found, as_of = read
    few = found.reports[found.reports["status"] == "closed"].tail(5)
    told = health(few, found.area, Policy.for_role("lead"), as_of=as_of, days=364, back_d=364)
    assert told.answered is None
    assert not told.by
    assert told.hidden >= 1


def test_the_page_says_how_many_how_fast_and_against_what(open_page: Callable[..., AppTest], city: Path) -> None:
    page = open_page("hotspots", city)
    said = text_of(page)
    assert "needle reports** (" in said
    assert "closed in **1 h 00** (median" in said
    assert "**100%** within 24 h" in said
    assert set(table(page, "Part of the day", "Median")["Within 24 h"]) == {"100%"}
    year = text_of(open_page("hotspots", city, window="year"))
    assert "**61 needle reports**" in year
    documents = [SHELF.get(link.url.split("/")[2]) for link in page.get("link_button")]
    csv, xlsx = (document.make() for document in documents if document is not None)
    cells = [str(cell.value) for row in load_workbook(BytesIO(xlsx)).worksheets[0].iter_rows() for cell in row]
    for text in (csv.decode(), "\n".join(cells)):
        assert "D Street" in text or "Avenue 4" in text
        assert "Data version" in text


def test_changes_of_the_programme_are_days_with_words_or_refused(city: Path) -> None:
    given = {"tz": "UTC", "as_of": "2026-03-02", "incidents": "x.csv"}
    [change] = pipeline.Settings.of({**given, "programme": [{"day": "2025-10-06", "what": "night crew"}]}).programme
    assert (change.day.isoformat(), change.what) == ("2025-10-06", "night crew")
    for bad in ({"day": "soon", "what": "night crew"}, {"day": "2025-10-06"}, {"day": "2025-10-06", "what": " "}):
        with pytest.raises(SettingsError, match="give day"):
            pipeline.Settings.of({**given, "programme": [bad]})


def test_who_may_see_reports_is_told_at_a_glance_whether_there_is_a_spike(
    open_page: Callable[..., AppTest], spiking: Path
) -> None:
    page = open_page("hotspots", spiking)
    assert not page.exception
    [said] = [each.value for each in page.warning]
    assert "1 spike" in said
    assert "15 in 2 days" in said
    assert "a budget of 1 in 30 days" in text_of(page)


def test_who_may_not_see_reports_is_not_told_of_their_spikes(spiking: Path) -> None:
    settings = pipeline.Settings.load(spiking)
    found = pipeline.load_city(settings)
    as_of = found.area.moment(settings.as_of)
    spikes = pipeline.spikes(found.readings, pipeline.find(found.readings, as_of=as_of)[0], found.area, as_of=as_of)
    assert spikes.watch is not None
    assert len(spikes.watch.alerts) == 1
    told = pipeline.tell_alerts(spikes.watch, found.area, Policy.for_role("analyst"), None, as_of=as_of)
    assert told.shown.table("alerts").empty
    assert told.over.table("alerts").empty
    assert told.shown.withheld["needle alerts"] == 1


def test_a_time_before_is_shown_as_it_was_seen_then(open_page: Callable[..., AppTest], city: Path) -> None:
    now = table(open_page("hotspots", city), "Hotspot", "Reports")
    then = table(open_page("hotspots", city, time="as long before"), "Hotspot", "Reports")
    assert then["Reports"].sum() < now["Reports"].sum()


def test_work_is_summed_by_stream_and_rounded_for_who_may_not_see_reports() -> None:
    at = pd.Timestamp("2026-02-10 12:00", tz="UTC")
    rows = [("sweep", 3.0, "found"), ("sweep", 0.0, "clean")] + [("request", 1.0, "found")] * 18
    logged = gpd.GeoDataFrame(rows, columns=["stream", "needles", "outcome"]).assign(at=at, minutes=30.0)
    window = {"start": at - pd.Timedelta(days=5), "stop": at + pd.Timedelta(days=5)}
    crews = [Crew("A", time(7), time(15)), Crew("night", time(20), time(23))]
    done = pipeline.work(logged, crews, Policy.for_role("lead"), **window)
    assert done is not None
    assert done.streams.loc["sweep"].tolist() == [2, 3, 1, 0.5]
    assert (done.hours, done.shift_h) == (10, 110)
    assert done.outcomes["visits"].to_dict() == {"found": 18}
    coarse = pipeline.work(logged, crews, Policy.for_role("analyst"), **window)
    assert coarse is not None
    assert pd.isna(coarse.streams.loc["sweep", "visits"])
    assert coarse.streams.loc["request", "visits"] == 20
    assert pipeline.work(logged.head(5), crews, Policy.for_role("analyst"), **window) is None
    assert pipeline.work(None, crews, Policy.for_role("lead"), **window) is None
