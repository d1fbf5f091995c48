"""Boston's exports of all years: both systems, misrouted cases, the city's own address."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal

from sweepplan.errors import SettingsError, SourceError
from sweepplan.geo import Area
from sweepplan.sources import Reading, read_file

AREA = Area.around([-71.10, -71.00], [42.30, 42.40], "America/New_York", name="test", margin_m=6_000)

LEGACY = {
    "case_enquiry_id": "1",
    "open_dt": "2026-07-16 12:10:24",
    "target_dt": "2026-07-18 12:10:24",
    "closed_dt": "2026-07-16 13:00:00",
    "case_status": "Closed",
    "closure_reason": "Case Resolved",
    "case_title": "Needle Pickup",
    "type": "Needle Pickup",
    "queue": "INFO_HumanWaste",
    "location_street_name": "1 Example St",
    "latitude": "42.35",
    "longitude": "-71.06",
}
NEW = {
    "case_id": "1",
    "open_date": "2026-07-16 16:10:24+00",
    "close_date": "2026-07-16 17:00:00+00",
    "target_close_date": "2026-07-18 16:10:24+00",
    "case_topic": "Needles",
    "service_name": "Needle Clean-up",
    "assigned_team": "A team",
    "case_status": "Closed",
    "closure_reason": "Resolved",
    "closure_comments": "",
    "street_name": "Example St",
    "latitude": "42.35",
    "longitude": "-71.06",
}


def reading(folder: Path, row: dict[str, str], *changes: dict[str, str], **options: str) -> Reading:
    path = folder / "b.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        key = next(iter(row))
        writer.writerows([row, *({**row, key: f"x{k}"} | change for k, change in enumerate(changes))])
    return read_file("boston311", path, AREA, mapping=options)


def test_both_systems_read_the_same(tmp_path):
    assert_geodataframe_equal(reading(tmp_path, NEW).incidents, reading(tmp_path, LEGACY).incidents)
    sla = {"sla_target_dt" if name == "target_dt" else name: value for name, value in LEGACY.items()}
    assert_geodataframe_equal(reading(tmp_path, sla).incidents, reading(tmp_path, LEGACY).incidents)


def test_the_new_systems_steps_are_open_cases(tmp_path):
    steps = ("In progress", "Submit", "Needs Reallocation")
    found = reading(tmp_path, NEW, *({"case_status": step, "close_date": ""} for step in steps))
    assert found.incidents["status"].drop("1").tolist() == ["open"] * 3
    test = reading(tmp_path, NEW, {"closure_comments": "TEST"}, {"service_name": "Pothole"}, {"case_status": "Lost"})
    assert test.rejected == {"not a needle request": 1, "status is not open or closed": 1, "test case": 1}
    local = reading(tmp_path, NEW, zero_offset="local").incidents
    assert local["reported_at"].tolist() == [pd.Timestamp("2026-07-16 20:10:24", tz="UTC")]


def test_a_spreadsheet_wrote_the_times_again(tmp_path):
    times = {"open_dt": "7/16/2026 12:10", "closed_dt": "7/16/2026 13:00:00", "target_dt": ""}
    found = reading(tmp_path, LEGACY, times)
    assert found.incidents.loc["x0", "reported_at"] == pd.Timestamp("2026-07-16 16:10", tz="UTC")
    assert found.incidents.loc["x0", "closed_at"] == found.incidents.loc["1", "closed_at"]


MISROUTED = [
    {"type": "Requests for Street Cleaning", "case_title": "Needles by the steps"},
    {"type": "General Request", "case_title": "SYRINGE on sidewalk"},
    {"type": "Sharps box full", "case_title": ""},
    {"type": "Encampments", "case_title": "Encampments", "queue": "GEN_Needle_Pickup"},
]
OTHERS = [
    {"type": "Tree Maintenance", "case_title": "Pine needles block the drain"},
    {"type": "Schedule a Bulk Item Pickup", "case_title": "Needleman St"},
]


def test_misrouted_cases_are_taken_where_asked(tmp_path):
    assert reading(tmp_path, LEGACY, *MISROUTED, *OTHERS).rejected == {"not a needle request": 6}
    found = reading(tmp_path, LEGACY, *MISROUTED, *OTHERS, misrouted="yes")
    assert found.rejected == {"not a needle request": 2}
    assert set(found.incidents.index) == {"1", "x0", "x1", "x2", "x3"}
    with pytest.raises(SettingsError, match="misrouted = 'perhaps'"):
        reading(tmp_path, LEGACY, misrouted="perhaps")


def test_cases_at_city_halls_own_address_are_flagged(tmp_path):
    found = reading(
        tmp_path,
        LEGACY,
        {"location_street_name": "1 City Hall Plz"},
        {"location_street_name": "11 City Hall Plz"},
        {"location_street_name": "1 City Hall Plz", "type": "Graffiti"},
    )
    assert found.flagged == {"at City Hall's own address": 1}
    assert found.flags["incident_id"].tolist() == ["x0"]
    assert len(found.incidents) == 3


def test_a_column_that_is_missing_is_named_in_its_own_schema(tmp_path):
    with pytest.raises(SourceError, match="no column 'open_date'"):
        reading(tmp_path, {name: value for name, value in NEW.items() if name != "open_date"})
    with pytest.raises(SourceError, match="no column 'open_dt'"):
        reading(tmp_path, {name: value for name, value in LEGACY.items() if name != "open_dt"})


def test_streets_go_no_further(tmp_path):
    found = reading(tmp_path, LEGACY, {"location_street_name": "4 Privet Drive", "latitude": ""})
    assert "Privet" not in found.incidents.to_csv() + found.quarantine.to_csv() + found.flags.to_csv()
