"""Crews as the field has them: shifts, breaks, containers, skills, zones, depots; there and back."""

import dataclasses
import tomllib
from datetime import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sweepplan import bridge, pipeline, report
from sweepplan.bridge import SweepRules
from sweepplan.errors import ProblemError, SettingsError
from sweepplan.model import Break, Crew
from sweepplan.pipeline import Settings, crew_of, crew_told
from sweepplan.streets import StreetNetwork
from sweepplan.tables import PLACES
from tests.test_bridge import DAY, At, day, reports

FULL = """
name = "A"
shift = "07:00-15:00"
mode = "drive"
break = "11:00-13:00"
break_min = 45
capacity = 120
unload_min = 5
skills = ["two-person", "ladder"]
zones = ["north"]
depot = [41.0, -70.9]
end_depot = [41.1, -70.8]
"""


def test_a_crew_reads_back_what_it_writes() -> None:
    crew = crew_of(tomllib.loads(FULL))
    assert crew == Crew(
        "A",
        time(7),
        time(15),
        break_from=time(11),
        break_until=time(13),
        break_min=45,
        capacity=120,
        unload_min=5,
        skills=frozenset({"two-person", "ladder"}),
        zones=frozenset({"north"}),
        depot=(41.0, -70.9),
        end_depot=(41.1, -70.8),
    )
    assert crew_of(crew_told(crew)) == crew
    assert crew_told(Crew("B")) == {"name": "B", "shift": "08:00-16:00"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("capacity = 0", "crew 'A': capacity 0: give the needles"),
        ("capacity = 1.5", "crew 'A': capacity 1.5: give a whole number"),
        ("unload_min = -1", "unload_min -1: give minutes >= 0"),
        ('break = "noon"', "break 'noon': write its earliest and latest start as 11:00-13:00"),
        ('break = "13:00-11:00"', "break 13:00-11:00 of 30 min"),
        ("break_min = 30", "break_min without break"),
        ('skills = "two-person"', "skills 'two-person': give a list of words"),
        ("depot = [91.0, 0.0]", "depot 91, 0: give latitude, longitude"),
        ('depot = "here"', "depot 'here': write [latitude, longitude]"),
        ('mode = "fly"', "mode 'fly': one of drive, walk, park-and-walk"),
        ("speed = 3", "unknown 'speed': one of name, shift"),
    ],
)
def test_a_value_that_no_crew_has_is_named(line: str, words: str) -> None:
    with pytest.raises(ProblemError) as refused:
        crew_of(tomllib.loads(f'name = "A"\nshift = "07:00-15:00"\n{line}'))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"crews": [{"shift": "07:00-15:00"}]}, "a crew: no name"),
        ({"crews": [{"name": "A"}]}, "crew 'A': no shift"),
        ({"crews": []}, "0 crews: give 1 to 10"),
        ({"crews": [{"name": "A", "shift": "07:00-15:00"}] * 2}, "crew 'A' stands twice"),
        ({"crews": [{"name": "A", "shift": "07:00-15:00", "zones": ["n"]}]}, "crew 'A' has zones: give districts"),
        ({"rules": {"done_before": {"school": "08:00"}}}, "done_before of 'school': a stop is one of request"),
        ({"rules": {"done_before": {"park": "8"}}}, "done_before of 'park': '8': give a time of day"),
        ({"rules": {"needs": {"kiosk": "two-person"}}}, "needs of 'kiosk': 'two-person': give a list"),
        ({"rules": {"needs": 3}}, "needs 3: give a table"),
    ],
)
def test_settings_name_what_is_wrong_with_crews_and_rules(given: dict, words: str) -> None:
    base = {"tz": "America/New_York", "as_of": "2026-03-02 06:00", "incidents": "reports.csv"}
    with pytest.raises((SettingsError, ProblemError)) as refused:
        Settings.of({**base, **given})
    assert words in str(refused.value)


def schoolyard(at: At, x: float, y: float) -> gpd.GeoDataFrame:
    corner = shapely.get_coordinates(at((x, y)).to_numpy())[0]
    told = {"kind": "schoolyard", "name": "Mill School", "length_m": 80.0, "sweep_s": 600.0, "needles_a_day": 1.0}
    yard = gpd.GeoDataFrame({**told, "swept_d": np.nan}, geometry=[shapely.box(*corner, *corner + 20)], index=["y"])
    return PLACES.check(yard.set_crs(at((0, 0)).crs).rename_axis("place_id"))


@pytest.mark.parametrize(("on", "closes_s"), [(DAY, 8 * 3600 - 600), ("2026-03-01", 16 * 3600)])
def test_a_schoolyard_is_clean_before_school_begins_and_at_weekends_at_any_time(
    gridtown: StreetNetwork, gridtown_at: At, on: str, closes_s: int
) -> None:
    as_of = gridtown.area.moment(f"{on} 06:00")
    waiting = reports(gridtown_at((0, 0)), [1.0], as_of)
    made = day(gridtown, gridtown_at, waiting, as_of=as_of, places=schoolyard(gridtown_at, 300, 300))
    request, yard = made.problem.stops
    assert (request.window_s[1], yard.window_s[1]) == (16 * 3600, closes_s)


def test_zones_skills_and_depots_come_into_the_problem(gridtown: StreetNetwork, gridtown_at: At) -> None:
    as_of = gridtown.area.moment(f"{DAY} 06:00")
    far = gridtown_at((600, 600)).to_crs("EPSG:4326").iloc[0]
    west = shapely.box(*gridtown_at((0, 0), (300, 600)).total_bounds)
    crews = [
        Crew("A", time(8), time(16), zones=frozenset({"west"}), skills=frozenset({"two-person"})),
        Crew("B", time(8), time(16), depot=(far.y, far.x), break_from=time(11), break_until=time(12), capacity=9),
    ]
    made = day(
        gridtown,
        gridtown_at,
        reports(gridtown_at((100, 0), (500, 600)), [1.0, 1.0], as_of),
        crews=crews,
        zones=gpd.GeoDataFrame({"name": ["west"]}, geometry=[west], crs=gridtown.area.crs),
        rules=SweepRules(needs=(("request", ("two-person",)),), unload_s=60),
    )
    a, b = made.problem.shifts
    assert [(s.start, s.end, s.unload) for s in (a, b)] == [(0, 0, None), (1, 1, 1)]
    assert b.pause == Break(11 * 3600, 12 * 3600, 1800)
    assert made.problem.travel_s[0, 1] == 1200  # from corner to corner of Gridtown at 1 m/s
    assert [stop.zone for stop in made.problem.stops] == ["west", None]
    assert [[stop.open_to(shift) for stop in made.problem.stops] for shift in (a, b)] == [[True, False], [False, False]]
    added = bridge.with_request(made, gridtown_at((200, 0)), SweepRules())
    assert added.problem.stops[-1].zone == "west"


def test_a_folder_plans_again_with_just_the_same_crews_and_rules(city: Path, tmp_path: Path) -> None:
    settings = Settings.load(city, limit="5it")
    lat, lon = settings.depot or (0.0, 0.0)
    crews = (
        Crew("A", time(7), time(15), break_from=time(11), break_until=time(13), skills=frozenset({"ladder"})),
        Crew("B", time(10), time(18), capacity=50, unload_min=5, end_depot=(lat, lon)),
    )
    rules = SweepRules(needs=(("request", ("ladder",)),), done_before=(("park", "09:00"),))
    done = pipeline.run(dataclasses.replace(settings, crews=crews, rules=rules), kiosks=False)
    with report.fresh_folder(tmp_path / "run") as folder:
        report.write_run(done, folder)
    again = report.earlier_run(tmp_path / "run", [city.parent])
    assert again.settings.crews == crews
    assert again.settings.rules == rules
    later = pipeline.replan(again.settings, again.stops, pipeline.News("11:00"))
    assert later.sweep is not None
    shifts = later.sweep.day.problem.shifts
    assert [shift.pause is not None for shift in shifts] == [True, False]
    assert [shift.capacity for shift in shifts] == [None, 50]
    assert later.sweep.day.clock(shifts[1].window_s[1]) == pd.Timestamp(f"{DAY} 18:00", tz="America/New_York")
