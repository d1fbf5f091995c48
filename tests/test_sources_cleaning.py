"""Cleaning that can be explained: repeats merged, states kept, points flagged, readings put together, quality told."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from sweepplan.errors import ClockError, CrsError, SettingsError, SourceError
from sweepplan.geo import Area
from sweepplan.sources import concat, flag_near, gaps, merge_repeats, quality, quality_lines, read_file
from sweepplan.sources.location import locate, shared_points
from sweepplan.sources.moments import moments
from sweepplan.sources.reading import MERGED, Reading
from sweepplan.tables import INCIDENTS, SITES

TZ = "America/New_York"
AREA = Area.around([-71.10, -71.00], [42.30, 42.40], TZ, name="test", margin_m=6_000)
MAPPING = {"time": "time", "lat": "lat", "lon": "lon", "id": "id", "clock": TZ}
ROW = {
    "id": "a",
    "time": "2024-05-01 10:00:00",
    "lat": "42.35",
    "lon": "-71.06",
    "kind": "needle",
    "needles": "",
    "status": "closed",
    "due": "",
    "closed": "2024-05-02 10:00:00",
}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def plain(path: Path, *changes: dict[str, str]) -> Reading:
    rows = [{**ROW, "id": chr(97 + k)} | change for k, change in enumerate(changes)]
    return read_file("plain", write(path, rows), AREA, mapping=MAPPING)


def balanced(reading: Reading) -> bool:
    INCIDENTS.check(reading.incidents, plane=reading.area.crs)
    assert reading.lines.index.equals(reading.incidents.index)
    told = [*reading.lines, *reading.quarantine["line"]]
    assert sorted(told) == list(range(1, reading.rows_in + 1))
    assert set(reading.flags["incident_id"]) <= set(reading.incidents.index)
    assert reading.n_reports.sum() == len(reading.incidents) + reading.merged
    return reading.rows_in == len(reading.incidents) + reading.merged + sum(reading.rejected.values())


def test_repeats_of_a_spot_and_day_are_merged(tmp_path):
    reading = plain(
        tmp_path / "r.csv",
        {"needles": "3", "due": "2024-05-04"},
        {"time": "2024-05-01 18:00:00", "status": "open", "closed": "", "needles": "5", "due": "2024-05-03"},
        {"time": "2024-05-02 00:30:00"},
        {"time": "2024-05-01 12:00:00", "lat": "42.3501"},
        {"time": "2024-05-01 12:00:00", "kind": "overdose"},
        {"time": "2024-05"},
        {"time": "2024-05-01"},
    )
    assert reading.merged == 0
    merged = merge_repeats(reading)
    assert balanced(merged)
    assert merged.n_reports.to_dict() == {"f": 1, "a": 3, "d": 1, "e": 1, "c": 1}
    assert merged.rejected == {}
    aside = merged.quarantine.set_index("incident_id")
    assert aside["line"].to_dict() == {"b": 2, "g": 7}
    assert set(aside["reason"]) == {MERGED}
    assert set(aside["value"]) == {"a"}
    one = merged.incidents.loc["a"]
    assert (one["status"], one["needles"], one["time_precision"]) == ("open", 5, "second")
    assert pd.isna(one["closed_at"])
    assert one["due_at"] == AREA.midnight("2024-05-04")  # a due day is its end
    assert one["reported_at"] == AREA.moment("2024-05-01 10:00:00")


def test_a_merged_report_is_closed_when_the_last_was(tmp_path):
    closed = merge_repeats(plain(tmp_path / "r.csv", {}, {"closed": "2024-05-03 10:00:00"}, {"status": ""}))
    assert closed.incidents["status"].tolist() == ["closed"]
    assert closed.incidents["closed_at"].tolist() == [AREA.moment("2024-05-03 10:00:00")]
    silent = merge_repeats(plain(tmp_path / "r.csv", {"status": "", "closed": ""}, {"status": "", "closed": ""}))
    assert silent.incidents["status"].isna().all()


def test_the_day_of_a_repeat_is_the_citys(tmp_path):
    # Both changes of daylight saving: 23:30 and 00:30 are an hour apart and of two days; 25 and 23 hours are one day.
    for day, after in (("2024-11-03", "2024-11-04"), ("2024-03-10", "2024-03-11")):
        reading = plain(
            tmp_path / "r.csv",
            {"time": f"{day} 00:30:00", "closed": ""},
            {"time": f"{day} 23:30:00", "closed": ""},
            {"time": f"{after} 00:30:00", "closed": ""},
        )
        assert merge_repeats(reading).n_reports.tolist() == [2, 1]


def test_nothing_to_merge_is_the_same_reading(tmp_path):
    reading = plain(tmp_path / "r.csv", {}, {"time": "2024-05-02 10:00:00"})
    assert merge_repeats(reading) is reading


DIRTY = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["", "a", "b", "c", "d", "e", "f"]),
        "time": st.sampled_from(
            ["", "2024-05-01 10:00:00", "2024-05-01 11:00:00", "2024-05-02 10:00:00", "2024-05-01", "2024-05", "soon"]
        ),
        "lat": st.sampled_from(["42.35", "42.35", "42.3500001", "42.36", "x", "41"]),
        "lon": st.just("-71.06"),
        "kind": st.sampled_from(["needle", "needle", "overdose"]),
        "needles": st.sampled_from(["", "0", "3"]),
        "status": st.sampled_from(["", "open", "closed"]),
        "due": st.sampled_from(["", "2024-05-06"]),
        "closed": st.sampled_from(["", "2024-05-03 10:00:00", "2024-05-04 10:00:00"]),
    }
)
USABLE = {**ROW, "id": "z"}


@settings(derandomize=True, deadline=None, max_examples=60)
@given(dirty=st.lists(DIRTY, max_size=12), order=st.randoms(use_true_random=False), cut=st.integers(1, 12))
def test_every_row_is_told_whatever_the_order(tmp_path_factory, dirty, order, cut):
    folder = tmp_path_factory.mktemp("dirty")

    def reading(rows, name="d.csv"):
        return read_file("plain", write(folder / name, rows), AREA, mapping=MAPPING)

    rows = [USABLE, *dirty]
    one, two = reading(rows), reading(order.sample(rows, len(rows)))
    merged = merge_repeats(one)
    assert balanced(one)
    assert balanced(merged)
    assert_geodataframe_equal(merged.incidents, merge_repeats(two).incidents)
    assert merged.n_reports.equals(merge_repeats(two).n_reports)
    again = merge_repeats(merged)
    assert_geodataframe_equal(again.incidents, merged.incidents)
    assert again.quarantine.equals(merged.quarantine)
    parts = [reading([USABLE, *rows[:cut]], "1.csv"), reading([USABLE, *rows[cut:]], "2.csv")]
    whole, turned = concat(parts), concat(parts[::-1])
    assert balanced(whole)
    assert_geodataframe_equal(whole.incidents, one.incidents)
    assert_geodataframe_equal(turned.incidents, one.incidents)


def test_a_status_change_leaves_the_later_state_across_files(tmp_path):
    first = plain(tmp_path / "1.csv", {"status": "open", "closed": ""}, {"lat": "42.36"})
    second = plain(tmp_path / "2.csv", {}, {"lat": "42.36"}, {"lat": "x"})
    for order in ([first, second], [second, first]):
        whole = concat(order)
        assert balanced(whole)
        assert whole.incidents.loc["a", "status"] == "closed"
        assert whole.rejected == {"id stands twice": 2, "no coordinates": 1}
    assert concat([first, second]).quarantine["line"].tolist()[-1] == 5
    assert concat([first]) is first
    assert concat([first, concat([first, second])]).incidents.index.tolist() == ["a", "b"]


def test_one_id_of_two_sources_is_two_reports(tmp_path):
    path = write(tmp_path / "x.csv", [ROW])
    readings = [read_file("plain", path, AREA, mapping=MAPPING | {"source": source}) for source in ("x", "y")]
    assert concat(readings).incidents.index.tolist() == ["x:a", "y:a"]


def test_what_cannot_be_put_together(tmp_path):
    one = plain(tmp_path / "1.csv", {}, {})
    with pytest.raises(SourceError, match="at least one"):
        concat([])
    with pytest.raises(SettingsError, match="merge_repeats"):
        concat([one, merge_repeats(one)])
    path = write(tmp_path / "1.csv", [ROW])
    elsewhere = Area(AREA.name, box(0, 4_000_000, 1_000_000, 5_000_000), "EPSG:32618", TZ)
    with pytest.raises(CrsError, match="EPSG:32618"):
        concat([one, read_file("plain", path, elsewhere, mapping=MAPPING)])
    other_clock = Area(AREA.name, AREA.boundary, AREA.crs, "America/Chicago")
    with pytest.raises(CrsError, match="America/Chicago"):
        concat([one, read_file("plain", path, other_clock, mapping=MAPPING)])
    near = read_file("plain", path, tz=TZ, mapping=MAPPING)
    assert concat([one, near]).area.boundary.contains(near.area.boundary)


def at(lon: list[float], lat: list[float], names: list[str] | None = None) -> np.ndarray:
    texts = [pd.Series([repr(v) for v in values], dtype="str") for values in (lon, lat)]
    named = None if names is None else pd.Series(names, dtype="str")
    return shared_points(locate(*texts, Path("x.csv")), named)


def scattered(n: int) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(3)
    return (-71.06 + rng.normal(0, 0.01, n)).tolist(), (42.35 + rng.normal(0, 0.01, n)).tolist()


def test_a_default_point_is_told_from_a_hot_spot():
    lon, lat = scattered(1_000)
    streets = [f"{k} {'ABCDEFGHIJ'[k % 10]}{'ABCDEFGHIJ'[k // 10 % 10]} St" for k in range(1_000)]
    hot = ["862 Massachusetts Ave"] * 150 + ["860-864 Massachusetts Ave", "INTERSECTION Mass Ave & Albany St"] * 20
    place = [-71.0747385], [42.3343282]
    found = at(lon + place[0] * 190, lat + place[1] * 190, streets + hot)
    assert not found.any()
    found = at(lon + place[0] * 190, lat + place[1] * 190, streets + streets[:190])
    assert found.tolist() == [False] * 1_000 + [True] * 190


def test_a_coarse_or_lone_point_is_a_centroid():
    lon, lat = scattered(1_000)
    assert at([*lon] + [-71.06] * 12, [*lat] + [42.35] * 12).sum() == 12
    assert at([*lon] + [-71.06] * 9, [*lat] + [42.35] * 9).sum() == 0
    assert at([*lon] + [-71.0654321] * 200, [*lat] + [42.3456789] * 200).sum() == 200
    assert at([*lon] + [-71.0654321] * 90, [*lat] + [42.3456789] * 90).sum() == 0
    coarse = np.round(lon, 3).tolist(), np.round(lat, 3).tolist()
    assert at(*coarse).sum() == 0


@pytest.mark.shared
def test_real_hot_spots_bear_no_flag(shared):
    for feed, file in (
        ("boston311", "boston/311_needle_pickup_2015_may_sep.csv"),
        ("boston311-points", "boston/needle_points_2024_2025.csv.gz"),
        ("boston311-points", "boston/needle_pickups_daily_2025-10-25_2025-12-31.csv.gz"),
        ("cincinnati-ems", "cincinnati/ems_heroin_overdose_2015_2017.csv.gz"),
    ):
        assert read_file(feed, shared / "data" / file, tz=TZ).flagged == {}


@pytest.mark.shared
def test_the_citys_own_default_point_is_found_without_knowing_it(shared):
    frame = pd.read_csv(shared / "data/boston/311_needle_pickup_2015_may_sep.csv", dtype="str", keep_default_na=False)
    location = locate(frame["LONGITUDE"], frame["LATITUDE"], Path("x.csv"))
    found = shared_points(location, frame["LOCATION_STREET_NAME"])
    assert set(zip(frame["LATITUDE"][found], frame["LONGITUDE"][found], strict=True)) == {("42.3594", "-71.0587")}
    assert found.sum() == 21


@pytest.mark.shared
def test_repeats_in_boston(shared):
    file = shared / "data/boston/needle_pickups_daily_2025-10-25_2025-12-31.csv.gz"
    merged = merge_repeats(read_file("boston311-points", file, tz=TZ))
    assert (merged.rows_in, len(merged.incidents), merged.merged) == (1_364, 1_294, 70)
    assert balanced(merged)


def test_the_depot_is_flagged_not_dropped(tmp_path):
    reading = plain(tmp_path / "r.csv", {}, {"lat": "42.36"})
    depot = SITES.empty(AREA.crs)
    depot.loc["depot-1", ["name", "kind", "state", "geometry"]] = [
        "Yard",
        "depot",
        "",
        AREA.points([-71.06], [42.35])[0],
    ]
    flagged = flag_near(flag_near(reading, depot, "on the depot", within_m=25), depot, "on the depot", within_m=25)
    assert flagged.flagged == {"on the depot": 1}
    assert flagged.flags.to_dict("list") == {"incident_id": ["a"], "reason": ["on the depot"]}
    assert len(flagged.incidents) == 2
    with pytest.raises(CrsError):
        flag_near(reading, depot.to_crs("EPSG:4326"), "on the depot", within_m=25)


def test_flags_follow_what_is_kept(tmp_path):
    reading = plain(tmp_path / "r.csv", {}, {"time": "2024-05-01 11:00:00"})
    flagged = flag_near(reading, reading.incidents, "here", within_m=1)
    assert flagged.flagged == {"here": 2}
    assert merge_repeats(flagged).flagged == {"here": 1}
    assert balanced(concat([flagged, flagged]))
    assert concat([flagged, reading]).flagged == {"here": 2}


def test_zero_offsets_that_mean_local_time(tmp_path):
    rows = [
        {"time": "2024-07-01T10:00:00+00:00", "closed": "2024-07-01 11:00:00Z"},
        {"time": "2024-01-01 10:00:00+00", "closed": ""},
        {"time": "2024-01-01T10:00:00-05:00", "closed": ""},
        {"time": "2024-03-10T02:30:00.000+0000", "closed": ""},
    ]
    path = write(tmp_path / "z.csv", [{**ROW, "id": str(k)} | row for k, row in enumerate(rows)])
    utc = read_file("plain", path, AREA, mapping=MAPPING)
    assert utc.incidents["reported_at"].loc[["0", "1", "2", "3"]].dt.strftime("%m-%d %H:%M").tolist() == [
        "07-01 10:00",
        "01-01 10:00",
        "01-01 15:00",
        "03-10 02:30",
    ]
    local = read_file("plain", path, AREA, mapping=MAPPING | {"zero_offset": "local"})
    assert local.rejected == {"time does not exist on the clock": 1}
    assert local.incidents["reported_at"].loc[["0", "1", "2"]].dt.strftime("%m-%d %H:%M").tolist() == [
        "07-01 14:00",
        "01-01 15:00",
        "01-01 15:00",
    ]
    assert local.incidents.loc["0", "closed_at"] == pd.Timestamp("2024-07-01 15:00", tz="UTC")
    with pytest.raises(SettingsError, match="zero_offset = 'yes'"):
        read_file("plain", path, AREA, mapping=MAPPING | {"zero_offset": "yes"})
    with pytest.raises(ClockError, match="has no zone"):
        moments(pd.Series(["2024-07-01T10:00:00Z"], dtype="str"), (), None, label="time", zero_offset="local")


def test_months_start_and_end_on_the_citys_clock():
    text = pd.Series(["2024-03", "2024-11", "2024-12"], dtype="str")
    starts, ends = (moments(text, (), TZ, label="time", ends=ends) for ends in (False, True))
    assert starts.precision.tolist() == ["month"] * 3
    assert starts.utc.dt.strftime("%F %H").tolist() == ["2024-03-01 05", "2024-11-01 04", "2024-12-01 05"]
    assert ends.utc.dt.strftime("%F %H").tolist() == ["2024-04-01 04", "2024-12-01 05", "2025-01-01 05"]


def daily(path: Path, days: pd.DatetimeIndex, each: int) -> Reading:
    rows = [
        {**ROW, "id": f"{day:%F}-{k}", "time": f"{day:%F} 1{k}:00:00", "closed": "", "status": ""}
        for day in days
        for k in range(each)
    ]
    return read_file("plain", write(path, rows), AREA, mapping=MAPPING)


def test_gaps_are_days_chance_does_not_explain(tmp_path):
    days = pd.date_range("2024-01-01", "2024-04-30")
    holes = days[(days < "2024-02-10") | (days > "2024-02-13")]
    as_of = AREA.midnight("2024-05-01")
    often, seldom = daily(tmp_path / "o.csv", holes, 5), daily(tmp_path / "s.csv", holes[::3], 1)
    told = [(pd.Timestamp("2024-02-10"), pd.Timestamp("2024-02-13"))]
    assert gaps(often, as_of=as_of) == told
    assert gaps(seldom, as_of=as_of) == []
    late = (pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-09"))
    assert gaps(often, as_of=AREA.midnight("2024-05-10")) == [*told, late]


def test_quality_is_a_table_lines_and_json(tmp_path):
    reading = merge_repeats(plain(tmp_path / "q.csv", {}, {}, {"lat": "42.36"}, {"lat": "nowhere"}))
    as_of = AREA.moment("2024-05-03 10:00:00")
    nothing = plain(tmp_path / "n.csv", {"time": "never"})
    table = quality([reading, nothing], as_of=as_of, names=["q.csv", "n.csv"])
    assert (table["rows_in"] == table["kept"] + table["merged"] + table["rejected"]).all()
    first = json.loads(json.dumps(table.reset_index().to_dict("records")))[0]
    assert first == {
        "name": "q.csv",
        "feed": "plain",
        "rows_in": 4,
        "kept": 2,
        "merged": 1,
        "rejected": 1,
        "rejected_by_reason": {"no coordinates": 1},
        "flagged_by_reason": {},
        "first_reported_at": "2024-05-01T10:00:00-04:00",
        "last_reported_at": "2024-05-01T10:00:00-04:00",
        "days_since_last": 2.0,
        "share_located": 0.75,
        "reports_a_day": 2.0,
        "gaps": [],
    }
    lines = quality_lines(table)
    assert lines[0] == "q.csv (plain): 4 rows in = 2 kept + 1 merged + 1 rejected"
    assert "  reported from 2024-05-01 to 2024-05-01, the last 2.0 days ago" in lines
    assert lines[-1] == "  no report is kept"
    with pytest.raises(SettingsError, match="1 names for 2 readings"):
        quality([reading, nothing], as_of=as_of, names=["q.csv"])
    with pytest.raises(SettingsError, match="no zone"):
        quality([reading], as_of=pd.Timestamp("2024-05-03"))
