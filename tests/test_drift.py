"""Where the map changed since last month: a place that rises slowly, a hotspot that falls, and what cannot be said."""

import tomllib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sweepplan import demo
from sweepplan.errors import ProblemError
from sweepplan.geo import Area
from sweepplan.hotspots import Alarm, drift, find_hotspots
from sweepplan.sources import read
from sweepplan.tables import ALERTS

CRS = "EPSG:32619"
TOWN = Area("Gridtown", shapely.box(330_000, 4_690_000, 333_000, 4_693_000), CRS, "America/New_York", "made-up city")
NOW = TOWN.midnight("2026-03-02")
FELL, ROSE = np.array([330_850.0, 4_690_950.0]), np.array([332_250.0, 4_692_150.0])


def reports() -> gpd.GeoDataFrame:
    """Four a day all over town; at one corner four in five days until 28 days ago; at another eight in two weeks."""
    rng = np.random.default_rng(5)
    xy = [np.array([330_000, 4_690_000]) + rng.uniform(200, 2_800, (600, 2))]
    ago = [rng.uniform(0, 150, 600)]
    for spot, days in ((FELL, np.arange(28.5, 150, 1.25)), (ROSE, np.linspace(0.5, 13.5, 8))):
        xy.append(spot + rng.uniform(-30, 30, (len(days), 2)))
        ago.append(days)
    at = np.vstack(xy)
    never = pd.Series(pd.NaT, index=range(len(at)), dtype="datetime64[us, UTC]")
    columns = {
        "kind": "needle",
        "reported_at": pd.Series(NOW - pd.to_timedelta(np.concatenate(ago), unit="D")).dt.as_unit("us"),
        "time_precision": "second",
        "source": "made up",
        "needles": np.nan,
        "status": pd.Series([None] * len(at), dtype="str"),
        "due_at": never,
        "closed_at": never,
    }
    table = gpd.GeoDataFrame(columns, geometry=shapely.points(at), crs=CRS)
    return table.set_axis(pd.Index([f"r{k}" for k in range(len(at))], name="incident_id", dtype="str"))


def test_what_rose_and_what_fell_is_named_first() -> None:
    table = reports()
    changed = drift(table, find_hotspots(table, as_of=NOW), TOWN, Alarm(), as_of=NOW)
    ALERTS.check(changed, plane=CRS)
    for method, spot in (("risen", ROSE), ("fallen", FELL)):
        mine = changed[changed["method"] == method]
        assert 1 <= len(mine) <= 5
        first = mine.iloc[0]
        assert first.geometry.intersects(shapely.Point(spot))
        assert (first["n_incidents"] > 3 * first["expected"]) == (method == "risen")
        assert (mine["n_incidents"] >= 3).all() or method == "fallen"
    assert changed.loc[changed["method"] == "fallen", "expected"].iloc[0] == pytest.approx(28 / 1.25, rel=0.25)


def test_what_comes_later_changes_nothing() -> None:
    table = reports()
    before = NOW - pd.Timedelta(days=20)
    known = table[table["reported_at"] < before]
    one, other = (
        drift(given, find_hotspots(given, as_of=before), TOWN, Alarm(), as_of=before) for given in (table, known)
    )
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
    )


def test_months_alone_say_nothing_of_last_month() -> None:
    table = reports().assign(time_precision="month")
    with pytest.raises(ProblemError, match="months alone"):
        drift(table, find_hotspots(table, as_of=NOW), TOWN, Alarm(), as_of=NOW)


def test_both_places_planted_in_the_made_up_city_are_named_within_two_weeks() -> None:
    folder = demo.folder()
    area = Area.load(folder / "area.toml")
    table = read("boston311", folder / "needle_requests.csv.gz", area)
    for change in tomllib.loads((folder / "truth" / "truth.toml").read_text())["changes"]:
        if change["kind"] == "appearing":
            as_of = area.midnight(pd.Timestamp(change["from"]) + pd.Timedelta(days=14))
            changed = drift(table, find_hotspots(table, as_of=as_of), area, Alarm(), as_of=as_of)
            risen = changed[changed["method"] == "risen"]
            at = area.points([change["lon"]], [change["lat"]]).iloc[0]
            assert risen.distance(at).min() <= 100, change["component"]
