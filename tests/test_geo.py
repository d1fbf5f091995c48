"""One plane in metres, one clock with a zone."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from sweepplan.errors import ClockError, CrsError, SettingsError
from sweepplan.geo import Area, require_same_plane, utm_of

PLANE = "EPSG:32619"


def area(**changes: str) -> Area:
    values = {"name": "Gridtown", "boundary": box(0, 0, 1000, 1000), "crs": PLANE, "tz": "America/New_York"}
    return Area(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"crs": "EPSG:4326"}, CrsError, "in degrees"),
        ({"crs": "EPSG:2249"}, CrsError, "in US survey foot"),
        ({"crs": "EPSG:1"}, CrsError, "unknown plane 'EPSG:1'"),
        ({"tz": "Boston"}, ClockError, "unknown clock 'Boston'"),
        ({"tz": ""}, ClockError, "unknown clock ''"),
        ({"boundary": Polygon()}, CrsError, "boundary of 'Gridtown' is empty"),
    ],
)
def test_an_area_is_refused_with_the_value_and_the_mend(changes: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        area(**changes)


def test_tables_on_another_plane_are_named_together() -> None:
    good = gpd.GeoSeries([Point(1, 1)], crs=PLANE)
    degrees = gpd.GeoSeries([Point(1, 1)], crs="EPSG:4326")
    nowhere = gpd.GeoSeries([Point(1, 1)])
    require_same_plane(PLANE, good=good)
    with pytest.raises(CrsError, match="requests lies on EPSG:4326; kiosks lies on no plane"):
        require_same_plane(PLANE, good=good, requests=degrees, kiosks=nowhere)


def test_a_table_without_a_plane_cannot_be_projected() -> None:
    with pytest.raises(CrsError, match="without a CRS"):
        area().project(gpd.GeoDataFrame(geometry=[Point(1, 1)]))


@pytest.mark.parametrize(
    ("day", "utc"),
    [("2026-03-08", "2026-03-08 05:00"), ("2026-03-09", "2026-03-09 04:00"), ("2026-11-02", "2026-11-02 05:00")],
)
def test_midnight_follows_the_citys_clock_through_both_changes(day: str, utc: str) -> None:
    assert area().midnight(day) == pd.Timestamp(utc, tz="UTC")


def test_a_moment_the_clock_skips_or_shows_twice_is_refused() -> None:
    for text in ("2026-03-08 02:30", "2026-11-01 01:30", "soon", ""):
        with pytest.raises(ClockError, match="is not a moment on the clock America/New_York"):
            area().moment(text)
    assert area().moment("2026-11-01 01:30-04:00") == pd.Timestamp("2026-11-01 05:30", tz="UTC")


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.datetimes(min_value=pd.Timestamp("2015-01-01"), max_value=pd.Timestamp("2035-01-01")))
def test_midnight_of_a_moment_is_on_its_own_day(moment: pd.Timestamp) -> None:
    stamp = pd.Timestamp(moment, tz="UTC")
    start = area().midnight(stamp)
    assert area().local(start).date() == area().local(stamp).date()
    assert start <= stamp < start + pd.Timedelta(hours=25)


def test_an_area_around_points_holds_them_and_lies_on_their_zone() -> None:
    made = Area.around([-71.06, -71.05, float("nan")], [42.36, 42.35, 42.0], "America/New_York", name="x")
    assert made.crs == PLANE
    assert made.points([-71.06, -71.05], [42.36, 42.35]).within(made.boundary).all()
    with pytest.raises(CrsError, match="no point with finite coordinates"):
        Area.around([float("inf")], [42.0], "America/New_York", name="x")
    with pytest.raises(CrsError, match="not a place in degrees"):
        utm_of(330_000, 4_690_000)


def test_an_area_file_that_misses_something_says_what(tmp_path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Area.load(tmp_path / "area.toml")
    (tmp_path / "area.toml").write_text('name = "x"\n')
    with pytest.raises(SettingsError, match="no 'boundary'"):
        Area.load(tmp_path / "area.toml")
