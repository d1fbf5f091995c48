"""Layers of sites and places: found by common spellings, measured where the file does not say, or set aside."""

import json

import numpy as np
import pytest
from shapely.geometry import box, mapping

from sweepplan.errors import SettingsError, SourceError
from sweepplan.geo import Area
from sweepplan.sources import read_places, read_sites
from sweepplan.tables import PLACES, QUARANTINE, SITES

AREA = Area.around([-71.10, -71.00], [42.30, 42.40], "America/New_York", name="test", margin_m=6_000)


def put(tmp_path, text, name="layer.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def layer(tmp_path, *features):
    rows = [{"type": "Feature", "geometry": shape, "properties": properties} for shape, properties in features]
    return put(tmp_path, json.dumps({"type": "FeatureCollection", "features": rows}), "layer.geojson")


def square(metres, **corner):
    """A square on the area's plane, in degrees, by its middle."""
    middle = AREA.points([corner.get("lon", -71.05)], [corner.get("lat", 42.35)])
    return mapping(middle.buffer(metres / 2, cap_style="square").to_crs("EPSG:4326").iloc[0])


@pytest.mark.parametrize(
    "header", ["Name,Latitude,Longitude", "SITE_NAME,lat,lng", "address,Y,X", "name,LAT,long", " name ,lat,lon"]
)
def test_sites_by_any_spelling(tmp_path, header):
    rows = ["A,42.35,-71.05", "B,,", "C,0,0", "D,42.0,-71.05", "E,42.36,-71.05", "F,1"]
    sites, quarantine = read_sites(put(tmp_path, "\n".join([header, *rows])), AREA, kind="library")
    assert sites.index.tolist() == ["library-0001", "library-0005"]
    assert sites["name"].tolist() == ["A", "E"]
    assert quarantine[["line", "reason"]].to_numpy().tolist() == [
        [2, "no coordinates"],
        [3, "coordinates 0, 0"],
        [4, "outside the area"],
        [6, "wrong number of fields"],
    ]
    assert tuple(quarantine.columns) == QUARANTINE
    assert len(SITES.check(sites, plane=AREA.crs)) == 2


def test_sites_of_our_own_layout(tmp_path):
    rows = ["k1,A,kiosk,installed,42.35,-71.05", "k1,B,kiosk,broken,42.35,-71.05", ",C,,x,42.35,-71.05"]
    text = "\n".join(["site_id,name,kind,state,lat,lon", *rows])
    sites, quarantine = read_sites(put(tmp_path, text), AREA)
    assert sites.loc["k1", ["name", "kind", "state"]].tolist() == ["A", "kiosk", "installed"]
    assert quarantine["reason"].tolist() == ["id stands twice", "no kind"]
    sites, _ = read_sites(put(tmp_path, text), AREA, kind="candidate", state="free")
    assert sites.index.tolist() == ["k1", "candidate-0003"]
    assert set(sites["kind"]) == {"candidate"}
    assert set(sites["state"]) == {"free"}


def test_a_postal_state_is_no_state(tmp_path):
    sites, _ = read_sites(put(tmp_path, "name,state,lat,lon\nA,OH,42.35,-71.05\n"), AREA, kind="clinic")
    assert sites["state"].tolist() == [""]


def test_an_outline_stands_for_a_point_within(tmp_path):
    path = layer(tmp_path, (square(10), {"name": "shelter"}), (None, {"name": "nowhere"}))
    sites, quarantine = read_sites(path, AREA, kind="candidate")
    assert sites.geometry.iloc[0].distance(AREA.points([-71.05], [42.35])[0]) < 10
    assert quarantine["reason"].tolist() == ["no coordinates"]


def test_sites_without_a_kind(tmp_path):
    with pytest.raises(SettingsError, match="no column 'kind': say what its rows are"):
        read_sites(put(tmp_path, "name,lat,lon\nA,42.35,-71.05\n"), AREA)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "n", "first"),
    [
        ("cambridge/landmark_publiclibraries.geojson.gz", 7, "Boudreau Branch Library"),
        ("cambridge/trans_busshelters.geojson.gz", 68, ""),
        ("cambridge/recreation_playgrounds.geojson.gz", 67, "Sennott Park"),
        ("cincinnati/fire_stations.csv", 26, None),
        ("cincinnati/naloxone_distribution_sites.csv", 143, "Crossroad Health Center Harrison"),
        ("cincinnati/pharmacies_hospitals.csv", 131, "Community Mental Health Center"),
        ("cincinnati/opioid_treatment_programs.csv", 48, None),
    ],
)
def test_real_layers(shared, file, n, first):
    lon, lat = ([-71.16, -71.06], [42.35, 42.41]) if file.startswith("cambridge") else ([-89, -80], [37, 44])
    area = Area.around(lon, lat, "America/New_York", name="wide", margin_m=400_000 if lon[0] < -80 else 4_000)
    sites, quarantine = read_sites(shared / "data" / file, area, kind="candidate")
    assert len(sites) == n
    assert set(quarantine["reason"]) <= {"coordinates 0, 0"}
    assert first is None or sites["name"].iloc[0] == first


def test_places_are_measured_where_the_file_does_not_say(tmp_path):
    path = layer(
        tmp_path,
        (square(120), {"kind": "park", "name": "Square"}),
        (square(120), {"kind": "lot", "place_id": "lot-x", "length_m": 77, "sweep_s": "88.5"}),
        ({"type": "LineString", "coordinates": [[-71.05, 42.35], [-71.05, 42.36]]}, {"kind": "street"}),
    )
    places, quarantine = read_places(path, AREA)
    assert quarantine.empty
    assert places.index.tolist() == ["park-0001", "lot-x", "street-0003"]
    assert places.loc["park-0001", "length_m"] == pytest.approx(480, rel=1e-3)
    assert places.loc["park-0001", "sweep_s"] == pytest.approx(120 * 120 / (0.6 * 4), rel=1e-3)
    assert places.loc["lot-x", ["length_m", "sweep_s"]].tolist() == [77, 88.5]
    assert places.loc["street-0003", "sweep_s"] == pytest.approx(places.loc["street-0003", "length_m"] / 0.6)
    assert np.isclose(places.loc["street-0003", "length_m"], 1111, atol=2)


def test_places_set_aside(tmp_path):
    bow = {
        "type": "Polygon",
        "coordinates": [[[-71.05, 42.35], [-71.04, 42.36], [-71.04, 42.35], [-71.05, 42.36], [-71.05, 42.35]]],
    }
    flat = {"type": "Polygon", "coordinates": [[[-71.05, 42.35], [-71.04, 42.35], [-71.05, 42.35], [-71.05, 42.35]]]}
    path = layer(
        tmp_path,
        (bow, {"kind": "park"}),
        (flat, {"kind": "park"}),
        ({"type": "Point", "coordinates": [-71.05, 42.35]}, {"kind": "park"}),
        (mapping(box(330_000, 4_690_000, 330_100, 4_690_100)), {"kind": "park"}),
        (square(50, lat=41.0), {"kind": "park"}),
        (square(50), {"kind": "beach"}),
        (square(50), {"kind": "park", "length_m": -1}),
        (square(50), {"kind": "park", "sweep_s": "inf"}),
        (square(50), {"kind": "park", "place_id": "park-0001"}),
        (None, {}),
    )
    places, quarantine = read_places(path, AREA)
    assert places.index.tolist() == ["park-0001"]
    assert len(PLACES.check(places, plane=AREA.crs)) == 1
    assert quarantine["reason"].tolist() == [
        "outline without extent",
        "no outline",
        "not degrees",
        "outside the area",
        "kind is not one of lot, park, schoolyard, street",
        "length_m is not a number >= 0",
        "sweep_s is not a number >= 0",
        "id stands twice",
        "no outline",
    ]


def test_places_refused(tmp_path):
    metres = mapping(box(330_000, 4_690_000, 330_100, 4_690_100))
    with pytest.raises(SourceError, match="no outline is in degrees"):
        read_places(layer(tmp_path, (metres, {"kind": "park"})), AREA)
    with pytest.raises(SourceError, match="no row has an outline"):
        read_places(layer(tmp_path, (None, {"kind": "park"})), AREA)
    with pytest.raises(SourceError, match="a CSV has no outlines"):
        read_places(put(tmp_path, "place_id,kind\n1,park\n"), AREA)
    with pytest.raises(SettingsError, match="no column 'kind'"):
        read_places(layer(tmp_path, (square(50), {"name": "x"})), AREA)


@pytest.mark.shared
def test_real_parks(shared):
    area = Area.around([-71.19, -70.97], [42.23, 42.40], "America/New_York", name="Boston", margin_m=7_000)
    places, quarantine = read_places(shared / "data/boston/open_space.geojson.gz", area, kind="park")
    assert (len(places), quarantine["reason"].value_counts().to_dict()) == (975, {"outside the area": 27})
