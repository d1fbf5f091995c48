"""Formats besides CSV, logs that hold no incidents, and mappings that are guessed."""

import tomllib
from datetime import datetime

import geopandas as gpd
import pandas as pd
import pytest

from sweepplan.errors import ClockError, SettingsError, SourceError
from sweepplan.geo import Area
from sweepplan.sources import LOGS, guess_mapping, load_mapping, read_file, read_log, read_places
from sweepplan.sources.rawtable import load
from sweepplan.tables import PICKUPS

NEW_YORK = "America/New_York"


def put(folder, text, name="f.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_workbook_gives_values_dates_and_a_sheet_by_name(tmp_path):
    path = tmp_path / "book.xlsx"
    rows = {"when": [datetime(2024, 5, 1, 7, 30), datetime(2024, 5, 2)], "n": [3, None], "share": [0.5, 2.0]}  # noqa: DTZ001
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"x": [1], "y": [2]}).to_excel(book, sheet_name="first", index=False)
        pd.DataFrame(rows).to_excel(book, sheet_name="second", index=False)
    assert load(path).names == ("x", "y")
    second = load(path, part="second").frame
    assert second.to_dict("list") == {
        "when": ["2024-05-01 07:30:00", "2024-05-02"],
        "n": ["3", ""],
        "share": ["0.5", "2"],
    }
    with pytest.raises(SourceError, match="no sheet 'third': it has 'first', 'second'"):
        load(path, part="third")


def test_a_cell_right_of_the_header_is_not_lost(tmp_path):
    path = tmp_path / "book.xlsx"
    pd.DataFrame([["lat", "lon", None], [1, 2, "three"]]).to_excel(path, header=False, index=False)
    assert load(path).frame.iloc[0].tolist() == ["1", "2", "three"]


def test_two_layers_ask_for_one(tmp_path):
    points = gpd.GeoDataFrame({"time": ["2024-05-01"]}, geometry=gpd.points_from_xy([-71.06], [42.35]), crs=4326)
    for layer in ("a", "b"):
        points.to_file(tmp_path / "v.gpkg", layer=layer, driver="GPKG")
    with pytest.raises(SourceError, match=r"it has 2 layers \('a', 'b'\): keep one"):
        load(tmp_path / "v.gpkg")
    assert len(load(tmp_path / "v.gpkg", part="b")) == 1


def test_odmap(tmp_path):
    path = put(
        tmp_path,
        "Incident Date,Incident Time,Latitude,Longitude,Suspected Fatal,Naloxone Given,Notes\n"
        "07/04/2025,11:30 PM,39.29,-76.61,No,2 doses,private\n"
        "07/05/2025,,39.30,-76.62,Yes,None,private\n"
        "07/05/2025,25:00,39.30,-76.62,No,Unknown,private\n",
    )
    reading = read_file("odmap", path, tz=NEW_YORK)
    assert list(reading.incidents["reported_at"].astype("str")) == [
        "2025-07-05 03:30:00+00:00",
        "2025-07-05 04:00:00+00:00",
    ]
    assert list(reading.incidents["time_precision"]) == ["second", "day"]
    assert set(reading.incidents["kind"]) == {"overdose"}
    assert reading.rejected == {"time cannot be read": 1}
    assert "private" not in reading.incidents.to_csv() + reading.quarantine.to_csv()


def test_odmap_without_a_place(tmp_path):
    with pytest.raises(SourceError, match="no column for the latitude of an overdose, only date, lon"):
        read_file("odmap", put(tmp_path, "date,lon\n2025-07-04,1\n"), tz=NEW_YORK)


LOG = "pickup_id,place_id,lat,lon,at,needles,minutes,outcome,stream\n"


def test_a_sweep_log_keeps_or_sets_aside_every_row(tmp_path):
    rows = [
        "a,park-1,42.350,-71.060,2024-05-01T07:30:00Z,3,10,found,sweep",
        "b,,42.351,-71.060,2024-05-01 08:00:00,0,,,",
        "c,,42.351,-71.060,2024-05-01T08:00:00Z,-1,,,",
        "d,,42.351,-71.060,2024-05-01T08:00:00Z,2,,clean,sweep",
        "e,,42.351,-71.060,2024-05-01T08:00:00Z,2,x,found,sweep",
        "f,,42.351,-71.060,2024-05-01T08:00:00Z,2,1,found,street",
        "g,,,,2024-05-01T08:00:00Z,2,1,found,sweep",
        "a,,42.351,-71.060,2024-05-01T08:00:00Z,2,1,found,sweep",
        "h,,42.351,-71.060,,2,1,found,sweep",
        "short",
    ]
    reading = read_log("sweep-log", put(tmp_path, LOG + "\n".join(rows)), tz=NEW_YORK)
    PICKUPS.check(reading.table)
    assert reading.table["needles"].to_dict() == {"a": 3, "b": 0}
    assert reading.table["outcome"].to_dict() == {"a": "found", "b": "clean"}
    assert reading.table["at"]["b"] == pd.Timestamp("2024-05-01T12:00Z")
    assert reading.lines.to_dict() == {"a": 1, "b": 2}
    assert (reading.rows_in, reading.kept, sum(reading.rejected.values())) == (10, 2, 8)
    assert set(reading.rejected) == {
        "needles is not a count",
        "needles found, but the outcome is 'clean'",
        "minutes is not a number >= 0",
        "stream is not one of exchange, kiosk, redemption, request, sweep",
        "no coordinates",
        "id stands twice",
        "no time",
        "wrong number of fields",
    }


def test_gpx_waypoints_are_pickups_where_they_say_how_many(tmp_path):
    told = ["<name>7 needles</name>", "<name>012</name>", "<desc>Syringes: 2</desc>", "<cmt>swept, clean</cmt>"]
    told.append("<name>5 sharps</name><extensions><needles>4</needles></extensions>")
    points = "".join(
        f'<wpt lat="42.35{k}" lon="-71.06"><time>2024-05-01T07:3{k}:00Z</time>{words}</wpt>'
        for k, words in enumerate(told)
    )
    track = '<trk><trkseg><trkpt lat="42.35" lon="-71.06"/></trkseg></trk>'
    text = f'<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1">{points}{track}</gpx>'
    reading = read_log("sweep-log", put(tmp_path, text, "f.gpx"), tz=NEW_YORK)
    assert reading.table["needles"].tolist() == [7, 2, 0, 4]
    assert reading.rejected == {"needles is not a count": 1}
    assert reading.rows_in == 5


def test_a_kiosk_ledger_of_changes(tmp_path):
    rows = (
        "site,State,date\nk1,Installed,2024-05-01\nk1,full,06/01/2024\nk2,lost,2024-05-01\n,full,2024-05-01\nk3,full,\n"
    )
    reading = read_log("kiosk-ledger", put(tmp_path, rows), tz=NEW_YORK)
    assert reading.table[["site_id", "state"]].to_numpy().tolist() == [["k1", "installed"], ["k1", "full"]]
    assert reading.table["at"].iloc[1] == pd.Timestamp("2024-06-01T04:00Z")
    assert (reading.rows_in, reading.kept, len(reading.quarantine)) == (5, 2, 3)


def test_a_kiosk_ledger_with_a_column_for_each_state(tmp_path):
    rows = "site_id,installed,removed\nk1,2024-05-01,2025-05-01\nk2,2024-05-02,\nk3,,\nk4,2024-05-01,soon\n"
    reading = read_log("kiosk-ledger", put(tmp_path, rows), tz=NEW_YORK)
    assert reading.table[["site_id", "state"]].to_numpy().tolist() == [
        ["k1", "installed"],
        ["k2", "installed"],
        ["k1", "removed"],
    ]
    assert (reading.rows_in, reading.kept, reading.rejected) == (4, 2, {"date cannot be read": 1, "no date": 1})


def test_logs_are_refused_with_a_mend(tmp_path):
    path = put(tmp_path, "a,b\n1,2\n")
    with pytest.raises(SettingsError, match="one of sweep-log, kiosk-ledger"):
        read_log("plain", path, tz=NEW_YORK)
    with pytest.raises(ClockError, match="give tz"):
        read_log("sweep-log", path)
    for feed in LOGS:
        with pytest.raises(SourceError, match="it has a, b"):
            read_log(feed, path, tz=NEW_YORK)


@pytest.mark.parametrize(
    ("times", "form", "certain"),
    [
        (["2024-05-01", "2024-05-13"], None, True),
        (["05/01/2024 7:30:00 AM", "05/13/2024 7:30:00 PM"], "%m/%d/%Y %I:%M:%S %p", True),
        (["01/05/2024", "13/05/2024"], "%d/%m/%Y", True),
        (["01/05/2024", "02/05/2024"], "%m/%d/%Y", False),
        (["01.05.2024 07:30", "13.05.2024 08:00"], "%d.%m.%Y %H:%M", True),
    ],
)
def test_a_guess_says_how_times_are_written_and_whether_that_is_certain(tmp_path, times, form, certain):
    rows = "".join(f"c{k},{time},42.35{k},-71.06,{k}\n" for k, time in enumerate(times))
    path = put(tmp_path, f"Case No,Reported,Lat,Lng,Needles\n{rows}")
    guess = guess_mapping(path)
    wanted = {"lat": "Lat", "lon": "Lng", "time": "Reported", "id": "Case No", "needles": "Needles"}
    assert guess.mapping == (wanted if form is None else {**wanted, "time_format": form})
    assert set(guess.reasons) == set(guess.mapping)
    assert any("not certain" in doubt for doubt in guess.doubts) is not certain
    assert any("clock" in doubt for doubt in guess.doubts)
    written = put(tmp_path, guess.toml(), "mapping.toml")
    tomllib.loads(guess.toml())
    reading = read_file("plain", path, tz=NEW_YORK, mapping=load_mapping(written))
    assert list(reading.incidents.index) == ["c0", "c1"]


def test_a_guess_quotes_what_a_file_calls_its_columns(tmp_path):
    guess = guess_mapping(put(tmp_path, 'lat,lon,"date ""x"" \\ \n[columns]"\n42.35,-71.06,2024-05-13\n'))
    assert tomllib.loads(guess.toml())["columns"]["time"] == 'date "x" \\ \n[columns]'


def test_nothing_to_guess(tmp_path):
    with pytest.raises(SourceError, match="no column looks like time"):
        guess_mapping(put(tmp_path, "a,b\n1,2\n"))


@pytest.mark.shared
def test_real_shapefiles(shared):
    places = load(shared / "data/cincinnati/neighborhoods_shp.zip")
    assert len(places) == 50
    assert places.shapes.total_bounds.round(1).tolist() == [-84.7, 39.1, -84.4, 39.2]
    area = Area.around([-84.7, -84.4], [39.0, 39.3], NEW_YORK, name="Cincinnati", margin_m=20_000)
    kept, aside = read_places(shared / "data/cincinnati/neighborhoods_shp.zip", area, kind="lot")
    assert (len(kept), len(aside)) == (50, 0)
    with pytest.raises(SourceError, match="no column 'time'"):
        read_file("plain", shared / "data/awkward/bus_stops_infinite_coords.zip", tz=NEW_YORK)
