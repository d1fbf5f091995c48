"""Answers of portals and exports as they come: Open311, SeeClickFix, CKAN, Socrata, ArcGIS; odd encodings."""

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import SettingsError, SourceError
from sweepplan.sources import guess_mapping, read_file
from sweepplan.sources.words import names_needles

TZ = "America/New_York"


def put(folder, content, name="f.json"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def request(number, **changes):
    return {
        "service_request_id": str(number),
        "status": "open",
        "service_name": "Needle Clean-up",
        "service_code": "4f38920fe75084437f0001a0",
        "description": "by the swings, ask for Pat",
        "requested_datetime": "2024-03-09T07:00:00-05:00",
        "updated_datetime": "2024-03-10T07:00:00-04:00",
        "expected_datetime": None,
        "address": f"{number} Elm St",
        "lat": 42.35,
        "long": -71.06 + number / 1e4,
        **changes,
    }


def test_open311_json(tmp_path):
    rows = [
        request(1),
        request(2, status="closed"),
        request(3, service_name="Potholes", description="a hypodermic in the hole"),
        request(4, service_name="Pine needles on the path"),
        request(5, lat=None, long=None),
        request(2, status="closed", updated_datetime="2024-03-12T07:00:00-04:00"),
    ]
    path = put(tmp_path, json.dumps(rows))
    reading = read_file("open311", path, tz=TZ)
    kept = reading.incidents
    assert list(kept.index) == ["1", "2"]
    assert reading.rejected == {"not a needle request": 2, "id stands twice": 1, "no coordinates": 1}
    assert kept.loc["2", "closed_at"] == pd.Timestamp("2024-03-12T11:00Z")
    assert kept["closed_at"].isna().tolist() == [True, False]
    assert kept["reported_at"].eq(pd.Timestamp("2024-03-09T12:00Z")).all()
    assert not any("Pat" in str(value) for value in kept.to_numpy().ravel())
    texts = read_file("open311", path, tz=TZ, mapping={"free_text": "yes"})
    assert list(texts.incidents.index) == ["1", "2", "3"]
    chosen = read_file("open311", path, tz=TZ, mapping={"services": "potholes, 007"})
    assert list(chosen.incidents.index) == ["3"]
    with pytest.raises(SettingsError, match="free_text = 'maybe'"):
        read_file("open311", path, tz=TZ, mapping={"free_text": "maybe"})


def test_open311_xml_is_the_same(tmp_path):
    rows = [request(1), request(2, status="closed")]
    inner = "".join(
        "<request>" + "".join(f"<{k}>{'' if v is None else v}</{k}>" for k, v in row.items()) + "</request>"
        for row in rows
    )
    xml = put(tmp_path, f'<?xml version="1.0"?>\n<service_requests>{inner}</service_requests>', "f.xml")
    one, other = (read_file("open311", path, tz=TZ) for path in (xml, put(tmp_path, json.dumps(rows))))
    pd.testing.assert_frame_equal(one.incidents.drop(columns="geometry"), other.incidents.drop(columns="geometry"))


def test_seeclickfix_2(tmp_path):
    def issue(number, **changes):
        return {
            "id": number,
            "status": "Open",
            "summary": "Help",
            "description": "",
            "request_type": {"id": 9, "title": "Needles (Sharps)"},
            "lat": 42.36,
            "lng": -71.1,
            "address": "Cambridge",
            "created_at": "2025-07-01T08:00:00-04:00",
            "closed_at": None,
            "updated_at": "2025-07-02T08:00:00-04:00",
            "reporter": {"name": "A Person", "id": 7},
            **changes,
        }

    issues = [
        issue(1, status="Acknowledged"),
        issue(2, status="Archived"),
        issue(3, status="Closed", closed_at="2025-07-03T08:00:00-04:00"),
        issue(4, request_type={"title": "Graffiti"}),
    ]
    told = {"metadata": {"pagination": {"entries": 4, "page": 1}}, "issues": issues}
    reading = read_file("seeclickfix", put(tmp_path, json.dumps(told)), tz=TZ)
    assert reading.incidents["status"].to_dict() == {"1": "open", "2": "closed", "3": "closed"}
    assert reading.incidents["closed_at"].dt.day.tolist()[1:] == [2, 3]
    assert reading.rejected == {"not a needle request": 1}


@pytest.mark.shared
def test_the_answers_at_hand(shared):
    old = shared / "data/awkward/seeclickfix_issues_v1.json"
    reading = read_file("seeclickfix", old, tz="America/Los_Angeles", mapping={"services": "Damaged_tree"})
    assert (reading.rows_in, len(reading.incidents)) == (40, 3)
    assert reading.incidents["reported_at"].iloc[-1] == pd.Timestamp("2011-06-22T00:55Z")
    ckan = read_file("boston-ckan", shared / "data/awkward/ckan_needle_rows.json", tz=TZ)
    assert (ckan.rows_in, len(ckan.incidents), ckan.rejected) == (19, 15, {"id stands twice": 4})
    requests = shared / "data/awkward/open311_service_requests.xml"
    assert read_file("open311", requests, tz=TZ).rejected == {"not a needle request": 2}
    assert len(read_file("open311", requests, tz=TZ, mapping={"services": "006"}).incidents) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Needle", True),
        ("used syringe on the bench", True),
        ("Sharps", True),
        ("NEEDLES!", True),
        ("pine needles", False),
        ("Pine-needle litter", False),
        ("a pin", False),
        ("compass needle is off", False),
        ("Space Needle", False),
        ("sharp bend", False),
        ("needle exchange is closed", False),
        ("needless to say", False),
        ("pinecone and a needle", True),
    ],
)
def test_words(text, found):
    assert names_needles(pd.Series([text])).tolist() == [found]


POINTS = [("2024-05-01T07:30:00", 42.35, -71.06), ("2024-05-02T07:30:00", 42.36, -71.07)]
PLAIN = {"time": "when", "lat": "lat", "lon": "lon"}


def socrata(folder):
    columns = [{"fieldName": ":id"}, {"fieldName": "when"}]
    columns.append({"fieldName": "location", "subColumnTypes": ["human_address", "latitude", "longitude"]})
    cells = [["row-1", when, ["{}", str(lat), str(lon)]] for when, lat, lon in POINTS]
    told = {"meta": {"view": {"name": "x", "columns": columns}}, "data": cells}
    return put(folder, json.dumps(told), "rows.json"), {"lat": "location.latitude", "lon": "location.longitude"}


def arcgis(folder):
    degrees = gpd.points_from_xy([lon for _, _, lon in POINTS], [lat for _, lat, _ in POINTS], crs=4326)
    features = [
        {"attributes": {"when": int(pd.Timestamp(when, tz=TZ).timestamp() * 1000)}, "geometry": {"x": p.x, "y": p.y}}
        for (when, _, _), p in zip(POINTS, degrees.to_crs(3857), strict=True)
    ]
    told = {"spatialReference": {"wkid": 102100, "latestWkid": 3857}, "features": features}
    return put(folder, json.dumps(told)), {"lat": None, "lon": None}


def ckan_wrapped(folder):
    rows = [{"when": when, "lat": lat, "lon": lon} for when, lat, lon in POINTS]
    told = {"success": True, "result": {"records": rows, "fields": [{"id": "when", "type": "text"}], "total": 2}}
    return put(folder, json.dumps(told)), {}


def csv_of(encoding, delimiter, comma):
    def written(folder):
        def number(value):
            return str(value).replace(".", ",") if comma else str(value)

        rows = [["when", "lat", "lon"], *([when, number(lat), number(lon)] for when, lat, lon in POINTS)]
        text = "\r\n".join(delimiter.join(row) for row in rows)
        return put(folder, text.encode(encoding), "f.csv"), {}

    return written


def pairs(form):
    def written(folder):
        rows = [f'{when},"{form.format(lat=lat, lon=lon)}"' for when, lat, lon in POINTS]
        return put(folder, "\n".join(["when,at", *rows]), "f.csv"), {"lat": None, "lon": None, "point": "at"}

    return written


def geopackage_of_another_plane(folder):
    points = gpd.points_from_xy([lon for _, _, lon in POINTS], [lat for _, lat, _ in POINTS], crs=4326).to_crs(26986)
    table = gpd.GeoDataFrame({"when": [when for when, _, _ in POINTS]}, geometry=points)
    table.to_file(folder / "f.gpkg")
    return folder / "f.gpkg", {"lat": None, "lon": None}


def workbook_with_a_title(folder):
    table = pd.DataFrame(POINTS, columns=["when", "lat", "lon"])
    with pd.ExcelWriter(folder / "f.xlsx") as book:
        pd.DataFrame(["Needles, May"]).to_excel(book, index=False, header=False)
        table.to_excel(book, index=False, startrow=2)
    return folder / "f.xlsx", {}


def parquet_with_a_zone(folder):
    table = pd.DataFrame(POINTS, columns=["when", "lat", "lon"])
    table["when"] = pd.to_datetime(table["when"]).dt.tz_localize(TZ)
    table.to_parquet(folder / "f.parquet")
    return folder / "f.parquet", {}


WAYS = {
    "socrata": socrata,
    "arcgis": arcgis,
    "ckan": ckan_wrapped,
    "semicolons": csv_of("utf-8", ";", comma=True),
    "tabs": csv_of("utf-8-sig", "\t", comma=False),
    "bars": csv_of("latin-1", "|", comma=False),
    "utf-16": csv_of("utf-16", ",", comma=False),
    "pairs": pairs("({lat}, {lon})"),
    "pairs behind an address": pairs("1 Elm St\nBoston, MA\n({lat}, {lon})"),
    "wkt": pairs("POINT ({lon} {lat})"),
    "another plane": geopackage_of_another_plane,
    "workbook with a title": workbook_with_a_title,
    "parquet with a zone": parquet_with_a_zone,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_two_reports_however_they_are_written(tmp_path, way):
    path, changes = WAYS[way](tmp_path)
    mapping = {key: name for key, name in {**PLAIN, **changes}.items() if name is not None}
    reading = read_file("plain", path, tz=TZ, mapping=mapping)
    assert reading.rejected == {}
    kept = reading.incidents.to_crs(4326)
    assert kept["reported_at"].tolist() == [pd.Timestamp(when, tz=TZ).tz_convert("UTC") for when, _, _ in POINTS]
    expected = shapely.points([(lon, lat) for _, lat, lon in POINTS])
    assert shapely.distance(kept.geometry.to_numpy(), expected).max() < 1e-6


@pytest.mark.parametrize("way", ["semicolons", "pairs", "wkt", "workbook with a title", "arcgis"])
def test_a_guess_reads_them_too(tmp_path, way):
    path, _ = WAYS[way](tmp_path)
    assert len(read_file("plain", path, tz=TZ, mapping=guess_mapping(path).mapping).incidents) == 2


NAMES = st.sampled_from(
    ["features", "issues", "records", "result", "meta", "data", "geometry", "attributes", "id", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(told=JSON, feed=st.sampled_from(["open311", "seeclickfix", "boston-ckan", "plain"]))
def test_any_json_is_read_or_refused(tmp_path_factory, told, feed):
    path = put(tmp_path_factory.mktemp("any"), json.dumps(told))
    try:
        reading = read_file(feed, path, tz=TZ)
    except SourceError:
        return
    assert reading.rows_in == len(reading.incidents) + reading.merged + sum(reading.rejected.values())


FIELD = st.none() | st.text(max_size=9) | st.sampled_from(["open", "2024-03-10T02:30:00", "1710054000000", "42"])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.dictionaries(st.sampled_from(list(request(1))), FIELD, max_size=4), max_size=5))
def test_no_request_is_lost(tmp_path_factory, dirty):
    rows = [request(0), *({**request(k + 1), **changes} for k, changes in enumerate(dirty))]
    path = put(tmp_path_factory.mktemp("dirty"), json.dumps(rows))
    reading = read_file("open311", path, tz=TZ)
    assert reading.rows_in == len(rows) == len(reading.incidents) + sum(reading.rejected.values())
