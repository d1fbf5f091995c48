"""What crews found sets right what reports let expect."""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import CrsError
from sweepplan.hotspots import looked, place_rates, yields
from sweepplan.tables import CELLS, PICKUPS, PLACES

CRS = "EPSG:32619"
AS_OF = pd.Timestamp("2026-03-02 11:00", tz="UTC")


def streets(n: int) -> gpd.GeoDataFrame:
    """A street of 100 m every 200 m, one north of the other."""
    lines = [shapely.LineString([(0, 200 * k), (100, 200 * k)]) for k in range(n)]
    index = pd.Index([f"s{k}" for k in range(n)], name="place_id", dtype="str")
    table = gpd.GeoDataFrame(
        {"kind": "street", "name": "A Street", "length_m": 100.0, "sweep_s": 60.0}, geometry=lines, index=index, crs=CRS
    )
    return PLACES.check(table)


def log(rows: list[tuple[int, float, float]], **changes) -> gpd.GeoDataFrame:
    """PICKUPS of sweeps: street, days before the day planned, needles."""
    table = gpd.GeoDataFrame(
        {
            "place_id": pd.array([None] * len(rows), dtype="str"),
            "at": pd.to_datetime([AS_OF - pd.Timedelta(days=ago) for _, ago, _ in rows], utc=True).as_unit("us"),
            "needles": [float(n) for _, _, n in rows],
            "minutes": 5.0,
            "outcome": ["found" if n else "clean" for _, _, n in rows],
            "stream": "sweep",
        },
        geometry=[shapely.Point(50, 200 * k + 20) for k, _, _ in rows],
        crs=CRS,
    )
    table.index = pd.Index([f"p{k}" for k in range(len(rows))], name="pickup_id", dtype="str")
    return PICKUPS.check(table.assign(**changes))


def found(rows: list[tuple[int, float, float]], n: int = 4, rate: float = 0.2, **changes):
    places = streets(n)
    return yields(log(rows, **changes), places, pd.Series(rate, index=places.index), as_of=AS_OF)


EVEN = [(k, ago, 6) for k in (1, 2) for ago in (10, 20, 30, 40)]


def test_a_place_swept_clean_falls_and_falls_further_each_time():
    factors = [found([*EVEN, *((0, 10 * k, 0) for k in range(1, times + 1))]).factor for times in range(5)]
    ratios = [each["s0"] / each["s1"] for each in factors]
    assert all(later < earlier for earlier, later in pairwise(ratios))
    assert ratios[-1] < 0.4


def test_where_nobody_looked_the_citys_factor_stands_and_its_interval_is_wide():
    rich, poor = [(0, 10 * k, 12) for k in range(1, 5)], [(1, 10 * k, 1) for k in range(1, 5)]
    result = found([*rich, *poor])
    table = result.places
    assert table.loc["s3", "visits"] == 0
    assert table.loc["s3", "factor"] == pytest.approx(result.needles_per_report)
    wide = table["factor_high"] / table["factor_low"]
    assert wide["s3"] > 2 * wide["s0"]
    assert table.loc["s0", "factor"] > result.needles_per_report > table.loc["s1", "factor"]
    assert (table["factor_low"] <= table["factor"]).all()
    assert (table["factor"] <= table["factor_high"]).all()


def test_the_ratio_is_needles_over_reports_since_the_last_sweep():
    """Two sweeps 10 days apart, the first after 14: 24 days at .2 a day are 4.8 reports; 24 needles are 5 each."""
    swept = [(0, 10, 14), (0, 1e-6, 10)]
    weighed = found(swept)
    old = 2 ** (-10 / 182)
    assert weighed.needles_per_report == pytest.approx((14 * old + 10) / (2.8 * old + 2.0), rel=1e-3)
    assert weighed.places.loc["s0", "swept_km"] == pytest.approx(0.2)
    assert weighed.places["needles"].tolist() == [24, 0, 0, 0]


def test_other_streams_other_outcomes_and_the_future_change_nothing():
    nothing = found([]).places
    pd.testing.assert_frame_equal(found(EVEN, stream="kiosk").places, nothing)
    pd.testing.assert_frame_equal(found(EVEN, outcome="not_found").places, nothing)
    pd.testing.assert_frame_equal(found([(k, -ago, n) for k, ago, n in EVEN]).places, nothing)
    assert nothing["factor"].tolist() == [1.0] * 4
    assert nothing["last_at"].isna().all()


def test_a_sweep_near_no_place_is_counted_apart_and_a_named_place_wins():
    places = streets(2)
    far = log([(1, 5, 3)]).set_geometry([shapely.Point(5000, 5000)], crs=CRS)
    rates = pd.Series(0.2, index=places.index)
    assert yields(far, places, rates, as_of=AS_OF).unmatched == 1
    named = yields(far.assign(place_id="s0"), places, rates, as_of=AS_OF)
    assert (named.unmatched, named.places.loc["s0", "visits"]) == (0, 1)


def test_two_planes_are_refused():
    places = streets(1)
    with pytest.raises(CrsError):
        yields(
            log([(0, 5, 3)]).set_crs("EPSG:32618", allow_override=True),
            places,
            pd.Series(0.1, index=places.index),
            as_of=AS_OF,
        )


@settings(derandomize=True, deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.floats(0.5, 400), st.integers(0, 60)), max_size=25))
def test_factors_are_finite_and_order_does_not_matter(rows):
    table = found(rows).places
    assert np.isfinite(table[["factor", "factor_low", "factor_high"]]).all().all()
    assert table["visits"].sum() == len(rows)
    assert table["needles"].sum() == sum(n for _, _, n in rows)
    again = found(sorted(rows, reverse=True)).places if len({ago for _, ago, _ in rows}) == len(rows) else table
    np.testing.assert_allclose(again["factor"], table["factor"])


def test_it_learns_the_places_own_factors():
    """Simulated: factors gamma(2, 1/2), 12 sweeps each; the estimate beats the city's factor by far."""
    rng = np.random.default_rng(5)
    n, visits = 60, 12
    true = rng.gamma(2, 0.5, n)
    rows = [(k, 14.0 * v, rng.poisson(2.4 * true[k] * 0.2 * 14)) for k in range(n) for v in range(1, visits + 1)]
    result = found(rows, n=n)
    miss = np.abs(result.factor.to_numpy() - 2.4 * true).mean()
    assert miss < 0.35 * np.abs(result.needles_per_report - 2.4 * true).mean()
    inside = (result.places["factor_low"] <= 2.4 * true) & (2.4 * true <= result.places["factor_high"])
    assert 0.65 <= inside.mean() <= 0.95


def test_rates_of_places_carry_their_cells_intervals():
    cells = gpd.GeoDataFrame(
        {"kind": "needle", "n_incidents": [3], "rate": [1.0], "rate_low": [0.5], "rate_high": [2.0]},
        geometry=[shapely.box(-50, -50, 150, 250)],
        crs=CRS,
        index=pd.Index(["c"], name="cell_id", dtype="str"),
    )
    rates = place_rates(CELLS.check(cells), streets(3))
    assert rates.loc["s0"].tolist() == [0.5, 0.25, 1.0]
    assert rates.loc["s2"].tolist() == [0, 0, 0]
    without = place_rates(CELLS.check(cells.drop(columns=["rate_low", "rate_high"])), streets(2))
    assert without["rate"].tolist() == [0.5, 0.5]
    assert without[["rate_low", "rate_high"]].isna().all().all()


def test_where_crews_looked_stands_beside_where_reports_come_from():
    """Of 40 streets the busiest two are within 5 %; one of those was swept twice: 9 needles on .2 km."""
    places = streets(40).assign(reports_a_day=np.r_[1.0, 0.5, np.full(38, 0.01)])
    result = yields(log([(1, 3, 4), (1, 9, 5), (39, 2, 0)]), places, places["reports_a_day"], as_of=AS_OF)
    table = looked(result, places)
    assert table.loc["1 to 5 %", ["places", "never", "visits", "needles"]].tolist() == [2, 1, 2, 9]
    assert table.loc["1 to 5 %", "needles_per_km"] == pytest.approx(45)
    assert table.loc["rest", "needles_per_km"] == 0
    assert np.isnan(table.loc["5 to 25 %", "needles_per_km"])
    assert table["places"].sum() == 40
    assert table["reports_a_day"].sum() == pytest.approx(1.88)
