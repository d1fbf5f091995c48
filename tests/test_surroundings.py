"""Hotspots say where they are, when they were swept last, and which school is near; in Gridtown, with a pencil."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sweepplan.bridge import Surroundings, explained, facts
from sweepplan.hotspots import find_hotspots
from sweepplan.streets import StreetNetwork
from sweepplan.tables import PICKUPS, PLACES, SITES

NOW = pd.Timestamp("2026-03-02 11:00", tz="UTC")


@pytest.fixture(scope="module")
def hotspots(gridtown_at) -> gpd.GeoDataFrame:
    """One hotspot, around the corner of C Street and Avenue 4."""
    spots = gridtown_at(*[(300, 200)] * 12)
    n = len(spots)
    columns = {
        "kind": "needle",
        "reported_at": pd.Series(NOW - pd.to_timedelta(range(1, n + 1), unit="D")).dt.as_unit("us"),
        "time_precision": "second",
        "source": "made up",
        "needles": np.nan,
        "status": "open",
        "due_at": pd.Series(pd.NaT, index=range(n), dtype="datetime64[us, UTC]"),
        "closed_at": pd.Series(pd.NaT, index=range(n), dtype="datetime64[us, UTC]"),
    }
    table = gpd.GeoDataFrame(columns, geometry=spots.to_numpy(), crs=spots.crs)
    return find_hotspots(table.set_axis(pd.Index([f"r{k}" for k in range(n)], name="incident_id")), as_of=NOW)


def _pickups(at: gpd.GeoSeries, days_ago: list[float], stream: list[str]) -> gpd.GeoDataFrame:
    columns = {
        "place_id": pd.Series([None] * len(at), dtype="str"),
        "at": pd.Series(NOW - pd.to_timedelta(days_ago, unit="D")).dt.as_unit("us"),
        "needles": 0.0,
        "minutes": np.nan,
        "outcome": "clean",
        "stream": stream,
    }
    index = pd.Index([f"p{k}" for k in range(len(at))], name="pickup_id", dtype="str")
    return PICKUPS.check(gpd.GeoDataFrame(columns, geometry=at.to_numpy(), crs=at.crs).set_axis(index))


def _sites(at: gpd.GeoSeries, **columns: list[str]) -> gpd.GeoDataFrame:
    index = pd.Index([f"s{k}" for k in range(len(at))], name="site_id", dtype="str")
    return SITES.check(gpd.GeoDataFrame({**columns, "state": "open"}, geometry=at.to_numpy(), crs=at.crs, index=index))


def test_what_lies_around_is_said(hotspots: gpd.GeoDataFrame, gridtown: StreetNetwork, gridtown_at) -> None:
    # Swept 9 days ago; later a kiosk was emptied there, a sweep went elsewhere, and one is still to come.
    at = gridtown_at((310, 205), (300, 200), (600, 600), (300, 200))
    pickups = _pickups(at, [9.5, 2, 1, -1], ["sweep", "kiosk", "sweep", "sweep"])
    reach = shapely.bounds(hotspots.geometry.iloc[0])[2] - gridtown_at((300, 200)).x.iloc[0]
    sites = _sites(
        gridtown_at((300 + reach + 120, 200), (300, 200), (300, 450)),
        name=["Elm School", "Library", "Green"],
        kind=["school", "library", "playground"],
    )
    told = explained(hotspots, Surroundings(gridtown.streets(), sites, None, pickups), gridtown.area, as_of=NOW)
    only = next(told.itertuples())
    assert set(only.name.split(" & ")) == {"C Street", "Avenue 4"}
    assert only.swept_d == pytest.approx(9.5)
    assert only.near == "Elm School, 120 m away"
    assert facts(only)[-2:] == ["last swept 9 days ago", "nearest school or playground: Elm School, 120 m away"]


def test_a_yard_without_a_name_may_be_the_nearest(hotspots, gridtown, gridtown_at) -> None:
    yard = shapely.box(*gridtown_at((250, 150), (350, 250)).total_bounds)
    columns = {"kind": "schoolyard", "name": "", "length_m": 400.0, "sweep_s": 100.0}
    index = pd.Index(["yard"], name="place_id", dtype="str")
    places = PLACES.check(gpd.GeoDataFrame(columns, geometry=[yard], crs=hotspots.crs, index=index))
    told = explained(hotspots, Surroundings(places=places), gridtown.area, as_of=NOW)
    assert told["near"].tolist() == ["a schoolyard, within it"]


def test_nothing_is_said_of_what_is_not_known(hotspots, gridtown, gridtown_at) -> None:
    far = _pickups(gridtown_at((600, 600)), [1], ["sweep"])
    for around in (Surroundings(), Surroundings(pickups=far)):
        told = explained(hotspots, around, gridtown.area, as_of=NOW)
        assert (told["name"].tolist(), told["near"].isna().all(), told["swept_d"].isna().all()) == ([""], True, True)
        assert not [fact for fact in facts(next(told.itertuples())) if "swept" in fact or "school" in fact]


def test_off_the_named_streets_the_nearest_names_it(hotspots, gridtown) -> None:
    aside = hotspots.set_geometry(hotspots.geometry.translate(xoff=200, yoff=-20))
    streets = gridtown.streets()
    streets = streets[streets["name"] == "Avenue 4"]
    names = [
        explained(table, Surroundings(streets), gridtown.area, as_of=NOW)["name"].tolist()
        for table in (aside, hotspots.set_geometry(hotspots.geometry.translate(xoff=600)))
    ]
    assert names == [["Avenue 4"], [""]]
