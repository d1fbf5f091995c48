"""Feeds to incidents: what is kept, what is set aside and why."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import ClockError, SettingsError
from sweepplan.geo import Area
from sweepplan.sources import FEEDS, load_mapping, read, read_file
from sweepplan.tables import INCIDENTS, QUARANTINE

TZ = "America/New_York"
AREA = Area.around([-71.10, -71.00], [42.30, 42.40], TZ, name="test", margin_m=6_000)

CASE = {
    "case_enquiry_id": "1",
    "open_dt": "2024-01-01 07:25:38",
    "sla_target_dt": "2024-01-03 07:25:38",
    "closed_dt": "2024-01-01 08:00:00",
    "case_status": "Closed",
    "case_title": "Needle Pickup",
    "type": "Needle Pickup",
    "queue": "Q",
    "closure_reason": "Case Closed. Case Resolved area is clean",
    "latitude": "42.35",
    "longitude": "-71.06",
}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def cases(tmp_path: Path, *changes: dict[str, str]) -> Path:
    return write(
        tmp_path / "cases.csv", [CASE] + [{**CASE, "case_enquiry_id": f"x{k}"} | c for k, c in enumerate(changes)]
    )


def why(reading) -> dict[str, str]:
    return dict(zip(reading.quarantine["incident_id"], reading.quarantine["reason"], strict=True))


def balanced(reading) -> bool:
    assert tuple(reading.quarantine.columns) == QUARANTINE
    INCIDENTS.check(reading.incidents, plane=reading.area.crs)
    return (
        reading.rows_in
        == len(reading.incidents) + len(reading.quarantine)
        == sum(reading.rejected.values()) + len(reading.incidents)
    )


@pytest.mark.shared
@pytest.mark.parametrize(
    ("feed", "file", "rows_in", "kept", "rejected"),
    [
        ("boston311", "boston/311_needle_pickup_2015_may_sep.csv", 250, 224, {"not geocoded": 21, "test case": 5}),
        ("boston311-points", "boston/needle_points_2024_2025.csv.gz", 22_418, 22_418, {}),
        ("boston311-points", "boston/needle_pickups_daily_2025-10-25_2025-12-31.csv.gz", 1_364, 1_364, {}),
        (
            "cincinnati-ems",
            "cincinnati/ems_heroin_overdose_2015_2017.csv.gz",
            5_688,
            4_050,
            {
                "disposition does not count: disregarded": 831,
                "no coordinates": 314,
                "disposition does not count: false": 187,
                "disposition does not count: duplicate": 169,
                "disposition does not count: cancelled": 125,
                "closed before reported": 12,
            },
        ),
    ],
)
def test_real_files(shared, feed, file, rows_in, kept, rejected):
    reading = read_file(feed, shared / "data" / file, tz=TZ)
    assert (reading.rows_in, len(reading.incidents), reading.rejected) == (rows_in, kept, rejected)
    assert balanced(reading)
    assert set(reading.incidents["source"]) == {feed}


@pytest.mark.shared
def test_both_point_files_give_one_report_one_id(shared):
    everything = read_file("boston311-points", shared / "data/boston/needle_points_2024_2025.csv.gz", tz=TZ).incidents
    daily = read_file(
        "boston311-points", shared / "data/boston/needle_pickups_daily_2025-10-25_2025-12-31.csv.gz", tz=TZ
    ).incidents
    assert everything["time_precision"].value_counts().to_dict() == {"month": 21_054, "day": 1_364}
    assert set(daily.index) == set(everything.index[everything["time_precision"] == "day"])


@pytest.mark.shared
def test_overdoses_are_closed_and_summarised(shared):
    reading = read_file("cincinnati-ems", shared / "data/cincinnati/ems_heroin_overdose_2015_2017.csv.gz", tz=TZ)
    assert set(reading.incidents["kind"]) == {"overdose"}
    assert set(reading.incidents["status"]) == {"closed"}
    summary = json.loads(json.dumps(reading.summary()))
    assert summary["first_reported_at"] == "2015-07-23T15:18:17-04:00"
    assert summary["last_reported_at"] == "2017-12-31T16:27:15-05:00"
    assert summary["share_located"] == round(5_322 / 5_688, 4)


def test_a_case_becomes_an_incident(tmp_path):
    incident = read("boston311", cases(tmp_path), AREA).iloc[0]
    assert incident.name == "1"
    assert incident["reported_at"] == pd.Timestamp("2024-01-01 12:25:38", tz="UTC")
    assert incident["due_at"] == pd.Timestamp("2024-01-03 12:25:38", tz="UTC")
    assert incident["closed_at"] == pd.Timestamp("2024-01-01 13:00:00", tz="UTC")
    assert (incident["kind"], incident["status"], incident["time_precision"]) == ("needle", "closed", "second")
    assert AREA.points([-71.06], [42.35])[0].distance(incident["geometry"]) < 1e-6


def test_the_old_schema_reads_the_same(tmp_path):
    old = {name.upper(): value for name, value in CASE.items() if name != "sla_target_dt"}
    old |= {"OPEN_DT": "01/01/2024 07:25:38 AM", "CLOSED_DT": "01/01/2024 08:00:00 AM"}
    path = write(tmp_path / "old.csv", [{"": "17", **old, "TARGET_DT": "01/03/2024 07:25:38 AM"}])
    assert_geodataframe_equal(read("boston311", path, AREA), read("boston311", cases(tmp_path), AREA))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "Graffiti Removal"}, "not a needle request"),
        (
            {"closure_reason": "Case Closed. Closed date : 2015-05-15 14:59:56.75 Case Invalid Production TEST"},
            "test case",
        ),
        ({"closure_reason": "Case Closed. Case Invalid THIS IS A TEST"}, "test case"),
        ({"closure_reason": "Case Closed. Case Invalid test only"}, "test case"),
        ({"case_title": "Needle Pickup TEST"}, "test case"),
        ({"case_title": "TEST - please disregard"}, "test case"),
        ({"open_dt": ""}, "no time"),
        ({"open_dt": "yesterday"}, "time cannot be read"),
        ({"open_dt": "13/45/2024 10:00:00 AM"}, "time cannot be read"),
        ({"open_dt": "0024-01-01 00:00:00"}, "time cannot be read"),
        ({"open_dt": "2024-03-10 02:30:00"}, "time does not exist on the clock"),
        ({"closed_dt": "soon"}, "closing time cannot be read"),
        ({"closed_dt": "2023-12-31 08:00:00"}, "closed before reported"),
        ({"sla_target_dt": "2023-12-31 08:00:00"}, "due before reported"),
        ({"case_status": "Lost"}, "status is not open or closed"),
        ({"latitude": ""}, "no coordinates"),
        ({"latitude": "NA", "longitude": "NA"}, "no coordinates"),
        ({"latitude": "inf"}, "no coordinates"),
        ({"longitude": "-1.8e308"}, "no coordinates"),
        ({"latitude": "0", "longitude": "0.0"}, "coordinates 0, 0"),
        ({"latitude": "4690000", "longitude": "330000"}, "not degrees"),
        ({"latitude": "-71.06", "longitude": "42.35"}, "outside the area"),
        ({"latitude": "41.0"}, "outside the area"),
        ({"latitude": "42.3594", "longitude": "-71.0587"}, "not geocoded"),
        ({"case_enquiry_id": " "}, "no id"),
    ],
)
def test_why_a_row_is_set_aside(tmp_path, change, reason):
    reading = read_file("boston311", cases(tmp_path, change), AREA)
    assert reading.rejected == {reason: 1}
    assert reading.quarantine["line"].tolist() == [2]
    assert reading.incidents.index.tolist() == ["1"]
    assert balanced(reading)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "needle clean-up"},
        {"type": "Needle Cleanup"},
        {"closure_reason": "Case Resolved found a covid test"},
        {"closure_reason": "Case Noted recovered 3 syringes and a pregnancy test kit"},
        {"closure_reason": "Case Resolved the latest contest; nothing found"},
        {"case_title": "Needles by the testing site"},
        {"closed_dt": "", "case_status": "Open", "sla_target_dt": ""},
        {"latitude": "42.3595"},
    ],
)
def test_what_is_not_set_aside(tmp_path, change):
    assert len(read("boston311", cases(tmp_path, change), AREA)) == 2


def test_a_closing_in_the_hour_shown_twice_follows_its_report(tmp_path):
    change = {
        "open_dt": "2024-11-03 01:50:00",
        "closed_dt": "2024-11-03 01:10:00",
        "sla_target_dt": "2024-11-03 01:20:00",
    }
    incident = read("boston311", cases(tmp_path, change), AREA).loc["x0"]
    assert incident["reported_at"] == pd.Timestamp("2024-11-03 05:50", tz="UTC")
    assert incident["closed_at"] == pd.Timestamp("2024-11-03 06:10", tz="UTC")
    assert incident["due_at"] == pd.Timestamp("2024-11-03 06:20", tz="UTC")


def test_free_text_goes_no_further(tmp_path):
    private = "4 Privet Drive, ask for Harry"
    changes = [
        {"closure_reason": private},
        {"closure_reason": private, "latitude": ""},
        {"case_title": private, "type": "x"},
    ]
    reading = read_file("boston311", cases(tmp_path, *changes), AREA)
    assert "Privet" not in reading.incidents.to_csv() + reading.quarantine.to_csv()


def test_an_id_that_stands_twice_keeps_the_case_closed_last(tmp_path):
    rows = [
        CASE | {"closed_dt": "", "case_status": "Open"},
        CASE,
        CASE | {"closed_dt": "2024-01-02 08:00:00"},
    ]
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        reading = read_file("boston311", write(tmp_path / "twice.csv", [rows[k] for k in order]), AREA)
        assert reading.rejected == {"id stands twice": 2}
        assert reading.incidents["closed_at"].tolist() == [pd.Timestamp("2024-01-02 13:00", tz="UTC")]


def test_a_repeat_of_a_refused_row_is_kept(tmp_path):
    path = write(tmp_path / "twice.csv", [CASE | {"latitude": ""}, CASE])
    reading = read_file("boston311", path, AREA)
    assert reading.rejected == {"no coordinates": 1}
    assert len(reading.incidents) == 1


def test_only_quarantine_is_a_reading(tmp_path):
    reading = read_file("boston311", write(tmp_path / "none.csv", [CASE | {"type": "Rodents"}]), AREA)
    assert (len(reading.incidents), reading.rejected) == (0, {"not a needle request": 1})
    assert reading.summary()["first_reported_at"] is None
    assert balanced(reading)


def test_the_area_is_made_without_stray_rows(tmp_path):
    lost_sign = {"longitude": "71.06"}
    reading = read_file("boston311", cases(tmp_path, {"latitude": "42.36"}, {"latitude": "42.34"}, lost_sign), tz=TZ)
    assert reading.rejected == {"far from all other rows": 1}
    assert reading.area.crs == "EPSG:32619"
    assert reading.area.tz == TZ
    assert reading.area.size_m2 < 5e6


def test_points_are_dated_to_the_day_or_month(tmp_path):
    rows = [
        {"lat": "42.35", "lng": "-71.06", "year": "2024", "month": "7", "date": "", "zip": ""},
        {"lat": "42.35", "lng": "-71.06", "year": "2024", "month": "7", "date": "", "zip": "02118"},
        {"lat": "42.35", "lng": "-71.06", "year": "2025", "month": "12", "date": "2025-12-21", "zip": ""},
        {"lat": "42.35", "lng": "-71.06", "year": "2025", "month": "13", "date": "", "zip": ""},
    ]
    reading = read_file("boston311-points", write(tmp_path / "p.csv", rows), AREA)
    incidents = reading.incidents
    assert reading.rejected == {"time cannot be read": 1}
    assert incidents["time_precision"].tolist() == ["month", "month", "day"]
    assert incidents["reported_at"].dt.tz_convert(TZ).dt.strftime("%F %T").tolist() == [
        "2024-07-01 00:00:00",
        "2024-07-01 00:00:00",
        "2025-12-21 00:00:00",
    ]
    assert incidents["status"].isna().all()
    one, two = incidents.index[:2]
    assert one.removesuffix("-1") == two.removesuffix("-2")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("CN: CANCEL,MEDD: MT DISREGARDE", "disposition does not count: cancelled"),
        ("DUPLICATE INCIDENT", "disposition does not count: duplicate"),
        ("MEDIC TR RESPONDED FALSE", "disposition does not count: false"),
        ("medic disregard", "disposition does not count: disregarded"),
        ("NP: NO PATIENT FOUND", "disposition does not count: no patient"),
        ("MEDT: MEDIC TRANSPORT", None),
        ("GI: GOOD INTENT", None),
        ("", None),
    ],
)
def test_dispositions(tmp_path, said, reason):
    row = {
        "LATITUDE_X": "42.35",
        "LONGITUDE_X": "-71.06",
        "CREATE_TIME_INCIDENT": "10/26/2016 09:25:44 PM",
        "CLOSED_TIME_INCIDENT": "",
        "DISPOSITION_TEXT": said,
        "EVENT_NUMBER": "E1",
    }
    reading = read_file("cincinnati-ems", write(tmp_path / "e.csv", [row]), AREA)
    assert reading.rejected == ({reason: 1} if reason else {})


PLAIN = [
    {"wo_lat": "42.35", "wo_lon": "-71.06", "wann": "2024-05-01 10:00", "was": "Needle", "n": "3", "nr": "7"},
    {"wo_lat": "42.36", "wo_lon": "-71.07", "wann": "2024-05-01T10:00:00+02:00", "was": "overdose", "n": "", "nr": "8"},
    {"wo_lat": "42.36", "wo_lon": "-71.07", "wann": "2024-05-02", "was": "bicycle", "n": "", "nr": "9"},
    {"wo_lat": "42.36", "wo_lon": "-71.07", "wann": "2024-05", "was": "needle", "n": "-1", "nr": "10"},
    {"wo_lat": "42.36", "wo_lon": "-71.07", "wann": "2024-05", "was": "needle", "n": "0", "nr": "11"},
]
MAPPING = {"lat": "wo_lat", "lon": "WO_LON", "time": "wann", "kind": "was", "needles": "n", "id": "nr", "clock": TZ}


def test_plain_under_a_mapping(tmp_path):
    reading = read_file("plain", write(tmp_path / "p.csv", PLAIN), AREA, mapping=MAPPING)
    assert why(reading) == {"9": "kind is not needle or overdose", "10": "needles is not a count"}
    incidents = reading.incidents.loc[["7", "8", "11"]]
    assert incidents["kind"].tolist() == ["needle", "overdose", "needle"]
    assert incidents["reported_at"].dt.strftime("%F %H:%M").tolist() == [
        "2024-05-01 14:00",
        "2024-05-01 08:00",
        "2024-05-01 04:00",
    ]
    assert incidents["time_precision"].tolist() == ["second", "second", "month"]
    assert incidents["needles"].fillna(-9).tolist() == [3, -9, 0]


def test_plain_never_guesses_a_clock(tmp_path):
    path = write(tmp_path / "p.csv", PLAIN)
    no_clock = {key: value for key, value in MAPPING.items() if key != "clock"}
    with pytest.raises(ClockError, match=r"time '2024-05-01 10:00' has no zone"):
        read_file("plain", path, AREA, mapping=no_clock)
    assert len(read_file("plain", path, AREA, mapping=no_clock, tz="Europe/Berlin").incidents) == 3
    path = write(tmp_path / "zoned.csv", [PLAIN[1]])
    assert len(read_file("plain", path, AREA, mapping=no_clock).incidents) == 1


def test_clocks_are_asked_for(tmp_path):
    with pytest.raises(ClockError, match="no clock"):
        read_file(
            "plain", write(tmp_path / "z.csv", [PLAIN[1]]), mapping={k: MAPPING[k] for k in ("lat", "lon", "time")}
        )
    with pytest.raises(ClockError, match="has no zone"):
        read_file("boston311", cases(tmp_path))
    with pytest.raises(ClockError, match="unknown clock 'Boston'"):
        read_file("boston311", cases(tmp_path), tz="Boston")


def test_plain_geojson_needs_no_coordinate_columns(tmp_path):
    def feature(geometry, time):
        return {"type": "Feature", "geometry": geometry, "properties": {"time": time, "kind": "needle"}}

    features = [
        feature({"type": "Point", "coordinates": [-71.06, 42.35]}, "2024-05-01T10:00:00Z"),
        feature(None, "2024-05-01T10:00:00Z"),
        feature({"type": "LineString", "coordinates": [[-71.06, 42.35], [-71.06, 42.36]]}, "2024-05-01T10:00:00Z"),
        feature({"type": "Point", "coordinates": []}, None),
        17,
    ]
    path = tmp_path / "p.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    reading = read_file("plain", path, AREA)
    assert reading.rejected == {"no coordinates": 2, "no time": 2}
    assert reading.incidents.index.str.fullmatch("[0-9a-f]{16}-1").all()
    assert balanced(reading)


def test_mappings_from_toml(tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text('kind = "needle"\nclock = "Europe/Berlin"\n[columns]\nlat = "wo_lat"\n')
    assert load_mapping(path) == {"kind": "needle", "clock": "Europe/Berlin", "lat": "wo_lat"}
    for text, complaint in [
        ("[columns", "not TOML"),
        ("columns = 3", "write a table"),
        ('[columns]\nlatitude = "x"', "latitude"),
        ("[columns]\nlat = 3", "lat = 3"),
        ('colour = "x"', "colour"),
        ('kind = "needle"\n[columns]\nkind = "x"', "kind stands both"),
    ]:
        path.write_text(text)
        with pytest.raises(SettingsError, match=complaint):
            load_mapping(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")


def test_settings_that_do_not_fit(tmp_path):
    with pytest.raises(SettingsError, match="unknown feed 'boston'"):
        read_file("boston", cases(tmp_path), AREA)
    with pytest.raises(SettingsError, match="only with 'plain'"):
        read_file("boston311", cases(tmp_path), AREA, mapping={"lat": "y"})
    with pytest.raises(SettingsError, match="unknown key 'latitude'"):
        read_file("plain", cases(tmp_path), AREA, mapping={"latitude": "y"})


def test_every_feed_says_what_it_is():
    needles = ["boston311", "boston311-points", "boston-ckan", "open311", "seeclickfix"]
    assert list(FEEDS) == [*needles, "cincinnati-ems", "odmap", "plain"]
    assert all(feed.name == name and feed.description and feed.kind for name, feed in FEEDS.items())


CELL = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12),
    st.sampled_from(
        ["", "NA", "inf", "-1.8e308", "1e999", "0", "42.35", "-71.06", "91", "2024-11-03 01:30:00", "9999-12-31"]
    ),
    st.sampled_from(
        ["03/10/2024 02:30:00 AM", "1/1/1 1:1:1 AM", "2024-02-30", "2024-13", "Needle Pickup", "Open", "TEST", '"']
    ),
    st.floats().map(str),
    st.datetimes().map(str),
)
DIRTY = st.lists(
    st.fixed_dictionaries({name: st.one_of(st.just(value), CELL) for name, value in CASE.items()}), max_size=6
)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(dirty=DIRTY, order=st.randoms(use_true_random=False), made=st.booleans())
def test_no_cell_raises_and_no_order_matters(tmp_path_factory, dirty, order, made):
    folder = tmp_path_factory.mktemp("dirty")
    rows = [CASE, *dirty]
    shuffled = order.sample(rows, len(rows))
    area, tz = (None, TZ) if made else (AREA, None)
    one, two = (read_file("boston311", write(folder / "d.csv", given), area, tz=tz) for given in (rows, shuffled))
    assert balanced(one)
    assert one.rows_in == len(rows)
    assert_geodataframe_equal(one.incidents, two.incidents)
    assert one.rejected == two.rejected


PLAIN_CELLS = {
    "lat": "42.35",
    "lon": "-71.06",
    "time": "2024-05-01 10:00",
    "kind": "needle",
    "needles": "",
    "due": "",
    "closed": "",
}


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    dirty=st.lists(
        st.fixed_dictionaries({name: st.one_of(st.just(value), CELL) for name, value in PLAIN_CELLS.items()}),
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
)
def test_made_ids_do_not_depend_on_order(tmp_path_factory, dirty, order):
    folder = tmp_path_factory.mktemp("dirty")
    rows = [PLAIN_CELLS, *dirty]
    shuffled = order.sample(rows, len(rows))
    one, two = (read_file("plain", write(folder / "d.csv", given), AREA, tz=TZ) for given in (rows, shuffled))
    assert balanced(one)
    assert_geodataframe_equal(one.incidents, two.incidents)
