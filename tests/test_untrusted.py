"""Hostile files: refused with one line, in bounded memory and time, and no other file is ever read."""

import json
import os
import sqlite3
import subprocess
import sys
import zipfile

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweepplan.errors import SourceError, SweepplanError
from sweepplan.geo import Area
from sweepplan.sources import read_file, worker
from sweepplan.sources.rawtable import load
from sweepplan.streets import read_graph

CANARY = "canary-7f3a9"
SUFFIXES = ("geojson", "csv", "gpkg", "zip", "shp", "xlsx", "parquet", "gpx", "xml", "json")
BOX_XML = b'<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1">'


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    """One file of each format with the same three rows, the shapes in metres where the format can say so."""
    folder = tmp_path_factory.mktemp("valid")
    plain = pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "time": ["2024-05-01 07:30:00", "2024-05-02", "2024-05-03T10:00:00-04:00"],
            "lat": [42.35, 42.351, 42.352],
            "lon": [-71.06, -71.061, -71.062],
        }
    )
    points = gpd.points_from_xy(plain["lon"], plain["lat"])
    metres = gpd.GeoDataFrame(plain.drop(columns=["lat", "lon"]), geometry=points, crs=4326).to_crs(26986)
    plain.to_csv(folder / "v.csv", index=False)
    plain.to_excel(folder / "v.xlsx", index=False)
    plain.to_parquet(folder / "plain.parquet")
    metres.to_parquet(folder / "v.parquet")
    metres.to_file(folder / "v.gpkg", driver="GPKG")
    metres.to_crs(4326).to_file(folder / "v.geojson", driver="GeoJSON")
    parts = folder / "parts"
    parts.mkdir()
    metres.to_file(parts / "v.shp")
    with zipfile.ZipFile(folder / "v.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts.iterdir():
            archive.write(part, part.name)
    waypoints = "".join(
        f'<wpt lat="{lat}" lon="{lon}"><time>{time}</time><id>{name}</id></wpt>'
        for name, time, lat, lon in plain.itertuples(index=False)
    )
    (folder / "v.gpx").write_bytes(BOX_XML + waypoints.encode() + b"</gpx>")
    return folder


FORMATS = ("v.csv", "v.xlsx", "plain.parquet", "v.parquet", "v.gpkg", "v.geojson", "v.zip", "v.gpx")


@pytest.mark.parametrize("name", FORMATS)
def test_a_valid_file_of_each_format_loads(valid, name):
    reading = read_file("plain", valid / name, tz="America/New_York")
    degrees = reading.incidents.to_crs(4326).geometry
    assert (reading.rows_in, list(reading.incidents.index)) == (3, ["a", "b", "c"])
    assert list(degrees.x.round(6)) == [-71.06, -71.061, -71.062]
    assert list(degrees.y.round(6)) == [42.35, 42.351, 42.352]
    assert list(reading.incidents["time_precision"]) == ["second", "day", "second"]


def refused(path, words, read=load):
    with pytest.raises(SourceError) as caught:
        read(path)
    message = str(caught.value)
    assert words in message
    assert message.startswith(str(path))
    assert "\n" not in message
    assert CANARY not in message


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_vrt_reads_no_other_file(tmp_path, suffix):
    secret = tmp_path / "secret.csv"
    secret.write_text(f"time,lat,lon,note\n2024-05-01,42.35,-71.06,{CANARY}\n")
    path = tmp_path / f"v.{suffix}"
    path.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource>'
        '<GeometryField encoding="PointFromColumns" x="lon" y="lat"/></OGRVRTLayer></OGRVRTDataSource>'
    )
    refused(path, "XML")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for ending in ("shp", "shx", "dbf"):
            archive.writestr(f"v.{ending}", path.read_bytes())
    refused(tmp_path / "packed.zip", "no shapefile")


def test_a_vrt_for_a_boundary_reads_no_other_file(tmp_path):
    (tmp_path / "b.geojson").write_text(f"<OGRVRTDataSource><SrcDataSource>{CANARY}</SrcDataSource></OGRVRTDataSource>")
    (tmp_path / "area.toml").write_text('name="x"\ncrs="EPSG:32619"\ntz="UTC"\nboundary="b.geojson"')
    with pytest.raises(SourceError, match=r"b\.geojson: no boundary in GeoJSON") as caught:
        Area.load(tmp_path / "area.toml")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "CREATE VIEW w AS WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r) SELECT i FROM r",
            "a view, 'w'",
        ),
        ("CREATE TRIGGER t AFTER INSERT ON v BEGIN DELETE FROM v; END", "a trigger, 't'"),
        ("CREATE VIRTUAL TABLE f USING fts5(x)", "no plain table"),
        ("CREATE TABLE g(a, b GENERATED ALWAYS AS (hex(zeroblob(900000000))) VIRTUAL)", "computes a column"),
        ("UPDATE gpkg_contents SET table_name = 'none'", "no table of its own"),
        ("UPDATE gpkg_contents SET table_name = 'sqlite_master'", "no table of its own"),
        ("DROP TABLE gpkg_contents", "no GeoPackage"),
        (
            "UPDATE gpkg_spatial_ref_sys SET organization='x', definition='+proj=merc +nadgrids=/etc/passwd'",
            "unknown plane",
        ),
    ],
)
def test_a_geopackage_that_is_more_than_tables(valid, tmp_path, statement, words):
    path = tmp_path / "v.gpkg"
    path.write_bytes((valid / "v.gpkg").read_bytes())
    with sqlite3.connect(path) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        if statement.startswith(("UPDATE", "DROP")):
            for (name,) in triggers:
                database.execute(f'DROP TRIGGER "{name}"')
        database.execute(statement)
    database.close()
    refused(path, words)


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("../evil.shp", b"x", "points outside"),
        ("/etc/evil.shp", b"x", "points outside"),
        ("C:\\evil.shp", b"x", "points outside"),
        ("inner.zip", b"x", "packed file"),
        ("inner.shp", b"PK\x03\x04", "packed file"),
        ("a.csv", b"x" * 100, "a zip of 'a.csv'"),
        ("a.shp", b"x" * 100, "no .dbf, .shx"),
        ("a.shp", bytes(300 << 20), "unpacks to too much"),
    ],
)
def test_a_zip_that_is_more_than_a_shapefile(tmp_path, name, data, words):
    with zipfile.ZipFile(tmp_path / "v.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    refused(tmp_path / "v.zip", words)


def test_a_zip_of_very_many_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        for k in range(1001):
            archive.writestr(str(k), b"")
    refused(tmp_path / "v.zip", "a zip of 1,001 files")


def test_a_workbook_with_entities(valid, tmp_path):
    path = tmp_path / "v.xlsx"
    with zipfile.ZipFile(valid / "v.xlsx") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data = f'<!DOCTYPE x [<!ENTITY c "{CANARY}">]>'.encode() + data
            new.writestr(name, data)
    refused(path, "a declaration")


@pytest.mark.parametrize("form", ["gpx", "graphml"])
@pytest.mark.parametrize("entity", ['SYSTEM "file://{secret}"', '"lol"'])
def test_xml_with_entities(tmp_path, form, entity):
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    path = tmp_path / f"v.{form}"
    declared = entity.format(secret=secret)
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE g [<!ENTITY c {declared}>]><{form}><wpt><name>&c;</name></wpt></{form}>'
    )
    refused(path, "a declaration", load if form == "gpx" else read_graph)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("v.csv", b"SQLite format 3\0" + bytes(100), "an SQLite database, which its name does not say"),
        ("v.xlsx", b"lat,lon\n1,2\n", "text, which its name does not say"),
        ("v.gpkg", b'{"features": []}', "JSON, which its name does not say"),
        ("v.geojson", b"PAR1" + bytes(20), "a Parquet file, which its name does not say"),
        ("v.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx"),
        ("v.gpkg", b"SQLite format 3\0" + bytes(2000), "not a GeoPackage"),
        ("v.parquet", b"PAR1" + bytes(200) + b"PAR1", "not a Parquet file"),
        ("v.zip", b"PK\x03\x04" + bytes(200), "damaged zip"),
    ],
)
def test_the_name_and_the_content_must_agree(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    refused(tmp_path / name, words)


def test_a_pipe_and_a_device_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", "/dev/zero"):
        with pytest.raises(SourceError, match="not a regular file"):
            load(path)


ONE_READ = """
import json, os, re, sys
from sweepplan.errors import SweepplanError
from sweepplan.sources.rawtable import load
from sweepplan.streets import read_graph
path, before = sys.argv[1], sum(os.times()[:4])
try:
    table = (read_graph if "graphml" in path else load)(path)
    said = f"read {len(table)}"
except SweepplanError as error:
    said = str(error)
peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"said": said, "mb": peak, "s": sum(os.times()[:4]) - before}))
"""


def geojson_of_many_columns(path):
    features = ",".join(f'{{"properties":{{"c{k}":1}}}}' for k in range(100_000))
    path.write_text('{"features":[' + features + "]}")


def geojson_of_many_lists(path):
    path.write_bytes(b'{"features":[' + b"[]," * 15_000_000 + b"0]}")


def parquet_that_swells(path):
    column = pa.array([CANARY * 100]).take(pa.array([0]).take(pa.array([0] * 900_000)))
    pq.write_table(pa.table({"a": column, "b": column, "c": column}), path, compression="zstd")


def workbook_that_swells(path):
    row = b"<row>" + b"<c><v>1</v></c>" * 100 + b"</row>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"<worksheet><sheetData>" + row * 200_000)


def zip_that_swells(path):
    zipped(path, a_dot_shp=b"\0\0\x27\x0a" + bytes(1 << 20), a_dot_dbf=bytes(1 << 30))


def graphml_of_bare_nodes(path):
    nodes = "".join(f'<node id="{k}"/>' for k in range(2_000_000))
    path.write_text('<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph>' + nodes + "</graph></graphml>")


BOMBS = {
    "columns.geojson": geojson_of_many_columns,
    "lists.geojson": geojson_of_many_lists,
    "swells.parquet": parquet_that_swells,
    "swells.xlsx": workbook_that_swells,
    "swells.zip": zip_that_swells,
    "nodes.graphml": graphml_of_bare_nodes,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_stays_small_and_short(tmp_path, name):
    path = tmp_path / name
    BOMBS[name](path)
    done = subprocess.run([sys.executable, "-c", ONE_READ, str(path)], capture_output=True, text=True, check=True)
    got = json.loads(done.stdout)
    assert got["said"].startswith(f"{path}: ")
    assert CANARY not in got["said"]
    # The parser's own process cannot grow beyond its limit; ours holds the file and a hundred MB of libraries.
    assert got["mb"] + (worker.MOST_BYTES >> 20 if "graphml" not in name else 0) < 1024
    assert got["s"] < 15  # of the processor, its parser's too: what a machine with nothing else to do takes


def outcome(path):
    """Check that the file is refused with one line, or all its rows are accounted for."""
    try:
        reading = read_file("plain", path, tz="UTC")
    except SweepplanError as refusal:
        lines = str(refusal).splitlines()
        assert len(lines) == 1
        return
    told = reading.summary()
    assert told["rows_in"] == told["kept"] + told["merged"] + sum(told["rejected"].values())


def fuzz(max_examples):
    calm = [HealthCheck.function_scoped_fixture]
    return settings(
        max_examples=max_examples, derandomize=True, deadline=None, database=None, suppress_health_check=calm
    )


@fuzz(60)
@given(data=st.binary(max_size=400), head=st.sampled_from([b"", b"{", b"lat,lon,time\n", b"\x1f\x8b", b"<gpx>"]))
def test_any_bytes_are_read_or_refused(tmp_path, data, head):
    path = tmp_path / "f.csv"
    path.write_bytes(head + data)
    outcome(path)


@pytest.mark.parametrize(
    ("name", "examples"),
    [("v.csv", 40), ("v.geojson", 40), ("v.xlsx", 4), ("v.gpkg", 4), ("v.parquet", 4), ("v.zip", 4)],
)
def test_a_mutated_file_is_read_or_refused(valid, tmp_path, name, examples):
    whole = (valid / name).read_bytes()

    @fuzz(examples)
    @given(at=st.integers(0, len(whole) - 1), new=st.binary(min_size=1, max_size=8), cut=st.integers(0, 3))
    def mutated(at, new, cut):
        path = tmp_path / name
        path.write_bytes(whole[:at] if cut == 3 else whole[:at] + new + whole[at + len(new) * (cut > 0) :])
        outcome(path)

    mutated()
