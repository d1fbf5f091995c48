"""Files as they come: encodings, line ends, and those that are refused with one line."""

import gzip
import json

import numpy as np
import pytest

from sweepplan.errors import SourceError
from sweepplan.sources import read_file, read_sites
from sweepplan.sources.rawtable import load

HEADER = "lat,lng,dt\n"
ROW = "42.35,-71.06,2024-05-01\n"


def put(tmp_path, data, name="f.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def refused(path, feed="boston311-points", **how):
    with pytest.raises(SourceError) as caught:
        read_file(feed, path, tz="America/New_York", **how)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (HEADER, "no row below the header"),
        (HEADER.strip(), "no row below the header"),
        (HEADER + "\n\n", "no row below the header"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:5a\nsize 1\n", "Git LFS pointer"),
        ("\n<!DOCTYPE html>\n<html></html>", "web page"),
        (b"PK\x03\x04\x14\x00\x00\x00", "not text but a damaged zip"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not text"),
        ("lat,lng,dt\n".encode("utf-16"), "no row below the header"),
        (b"\xff\xfel\x00a", "goes not on"),
        (gzip.compress((HEADER + ROW * 1000).encode())[:-12], "cut off or damaged gzip"),
        (b"\x1f\x8b\x08\x00 nonsense that is no gzip at all", "cut off or damaged gzip"),
        ("lat,dt\n42.35,2024-05-01\n", "no column 'lng': it has lat, dt"),
        ("a;b\n1;2\n", "no column 'lat': it has a, b"),
        (HEADER + "4690000,330000,2024-05-01\n" * 2, "'4690000, 330000' are not degrees"),
        (HEADER + "inf,-inf,2024-05-01\nNaN,NaN,2024-05-01\n-1.8e308,-1.8e308,2024\n", "no row has finite coordinates"),
        (HEADER + "0,0,2024-05-01\n", "no row has finite coordinates"),
        (HEADER + "89.9,10,2024-05-01\n", "swapped"),
        ('{"lat": 1', "not JSON"),
        ("[" * 200_000, "not JSON"),
        (HEADER + "-71.06,42.35,2024-05-01\n", "swapped"),
        ('{"type": "Feature"}', "neither a list of records nor"),
        ("[1, 2]", "neither a list of records nor"),
        ('{"error": {"code": 400, "message": "Invalid URL"}}', "an error in place of data"),
        ("<graphml/>", "a street network"),
        ("<services><service/></services>", "a list of services, not of requests"),
        ('{"type": "FeatureCollection", "features": []}', "no row"),
        ('{"features": [{}], "crs": {"properties": {"name": "nowhere"}}}', "unknown plane 'nowhere'"),
    ],
)
def test_refused_with_one_line(tmp_path, data, complaint):
    assert complaint in refused(put(tmp_path, data))


def test_a_missing_file_and_a_folder(tmp_path):
    assert "No such file" in refused(tmp_path / "none.csv")
    assert "directory" in refused(tmp_path)


def test_too_large_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("sweepplan.sources.rawtable.MOST_BYTES", 1 << 20)
    bomb = put(tmp_path, gzip.compress(b"0" * (2 << 20)))
    assert "unpacks to more than" in refused(bomb)


def test_geojson_in_metres_without_a_plane(tmp_path):
    feature = {"properties": {"time": "2024-05-01"}, "geometry": {"type": "Point", "coordinates": [330000, 4690000]}}
    path = put(tmp_path, json.dumps({"features": [feature]}))
    assert "are not degrees" in refused(path, "plain")


def test_geojson_that_names_its_plane_is_projected(tmp_path):
    feature = {"properties": {"time": "2024-05-01"}, "geometry": {"type": "Point", "coordinates": [330000, 4690000]}}
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32619"}}
    reading = read_file("plain", put(tmp_path, json.dumps({"features": [feature], "crs": crs})), tz="UTC")
    point = reading.incidents.to_crs("EPSG:32619").geometry.iloc[0]
    assert np.allclose([point.x, point.y], [330000, 4690000], atol=0.01)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_line_ends(tmp_path, end, encoding, packed):
    text = f'Name,Straße{end}"Café, old",1{end}{end}Nº 2,2'
    data = text.encode(encoding)
    raw = load(put(tmp_path, gzip.compress(data) if packed else data))
    assert raw.names == ("Name", "Straße")
    assert raw.text("name").tolist() == ["Café, old", "Nº 2"]
    assert raw.frame.index.tolist() == [1, 2]


def test_everything_is_text(tmp_path):
    raw = load(put(tmp_path, "zip,empty,na,ZIP\n02118,,NA,1e5\n"))
    assert raw.frame.iloc[0].to_dict() == {"zip": "02118", "empty": "", "na": "NA", "zip (2)": "1e5"}


def test_ragged_rows_are_set_aside(tmp_path):
    path = put(tmp_path, f'{HEADER}{ROW}42.35,-71.06\n{ROW}1,2,3,4\n"42.35","-71.06","2024-05-\n01"\n{ROW}')
    reading = read_file("boston311-points", path, tz="America/New_York")
    assert reading.quarantine[["line", "reason", "value"]].to_numpy().tolist() == [
        [2, "wrong number of fields", "2 fields, not 3"],
        [4, "wrong number of fields", "4 fields, not 3"],
        [5, "time cannot be read", "2024-05-\n01"],
    ]
    assert reading.rows_in == 6


def test_a_quote_that_never_closes_loses_nothing_in_silence(tmp_path):
    reading = read_file("boston311-points", put(tmp_path, f'{HEADER}{ROW}42.35,"-71.06,x\n{ROW}'), tz="UTC")
    assert reading.rejected == {"wrong number of fields": 1}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("boston_311_2024_LFS_POINTER.csv", "Git LFS pointer"),
        ("bus_stops_infinite_coords.zip", "no column 'case_enquiry_id'"),
        ("manhattan_no_coords.graphml.gz", "XML"),
        ("open311_service_requests.xml", "no column 'case_enquiry_id'"),
        ("open311_services.xml", "a list of services"),
    ],
)
def test_awkward_files(shared, name, complaint):
    assert complaint in refused(shared / "data/awkward" / name, "boston311")


@pytest.mark.shared
def test_cr_alone_in_the_wild(shared):
    raw = load(shared / "data/cincinnati/fire_stations.csv")
    assert (raw.names, len(raw)) == (("Name", "Address", "Latitude", "Longitude"), 26)


def test_sites_are_refused_likewise(tmp_path):
    with pytest.raises(SourceError, match="no column 'latitude': it has name"):
        read_sites(put(tmp_path, "name\nx\n"), None, kind="candidate")
