"""The forecast: a blend of maps, the city's level, and the backtest that judges both."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots import Blend, Cube, Grid, Level, Plane, Shares, Trial, backtest, expect, forecast
from sweepplan.hotspots.blend import mixture, windows
from sweepplan.hotspots.covariates import Nearby
from sweepplan.hotspots.level import counts_interval, probability
from sweepplan.judging.forecast import Caught, blocks, chance, difference
from sweepplan.judging.hotspots import caught, hit_rate
from sweepplan.report import backtest_lines
from sweepplan.tables import CELLS, INCIDENTS

TZ, CRS = "America/New_York", "EPSG:32619"
TOWN = Area("Gridtown", shapely.box(0, 0, 3000, 2000), CRS, TZ)
FIRST = int(np.datetime64("2024-01-01", "D").astype(int))
some = settings(derandomize=True, deadline=None, max_examples=40)
few = settings(derandomize=True, deadline=None, max_examples=6)


def reports(xy: np.ndarray, day: np.ndarray, precision: str = "day") -> gpd.GeoDataFrame:
    """INCIDENTS at metres ``xy`` on days counted from 2024-01-01."""
    n = len(xy)
    wall = pd.Series(np.datetime64("2024-01-01") + np.asarray(day).astype("timedelta64[D]"))
    empty = pd.Series(pd.NaT, range(n), dtype="datetime64[us, UTC]")
    table = gpd.GeoDataFrame(
        {
            "kind": "needle",
            "reported_at": wall.dt.tz_localize(TZ).dt.tz_convert("UTC").astype("datetime64[us, UTC]"),
            "time_precision": precision,
            "source": "made up",
            "needles": np.nan,
            "status": pd.Series([None] * n, dtype="str"),
            "due_at": empty,
            "closed_at": empty,
        },
        geometry=shapely.points(np.asarray(xy, dtype=float).reshape(-1, 2)),
        crs=CRS,
    )
    return INCIDENTS.check(table.set_index(pd.Index([f"i{k}" for k in range(n)], dtype="str", name="incident_id")))


def town(seed: int, n_days: int = 240, a_day: float = 12) -> gpd.GeoDataFrame:
    """Made-up reports: steady spots of unlike weight, and a tenth anywhere."""
    rng = np.random.default_rng(seed)
    weight, spot = rng.lognormal(0, 1, 60), rng.uniform((200, 200), (2800, 1800), (60, 2))
    n = rng.poisson(a_day * n_days)
    xy = spot[rng.choice(60, n, p=weight / weight.sum())] + rng.normal(0, 20, (n, 2))
    alone = rng.random(n) < 0.1
    xy[alone] = rng.uniform((50, 50), (2950, 1950), (int(alone.sum()), 2))
    return reports(xy, np.sort(rng.integers(0, n_days, n)))


def together(*tables: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    joined = pd.concat(tables)
    return joined.set_index(pd.Index([f"i{k}" for k in range(len(joined))], dtype="str", name="incident_id"))


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


# Shares


def shares_of(incidents: gpd.GeoDataFrame, cell_m: float = 100, horizon_d: int = 7) -> Shares:
    plane = Plane(Grid.over(TOWN, cell_m))
    return Shares(Cube.build(incidents, plane.fine, TZ), plane, Blend(cell_m=cell_m), horizon_d)


@pytest.mark.parametrize("sigma_m", [0.0, 50.0, 200.0])
def test_the_kernel_is_a_gaussian_over_cells(sigma_m: float) -> None:
    plane = Plane(Grid(0, 0, 100, 21, 15))
    weight = np.zeros(plane.fine.size)
    at = int(plane.fine.cell_of(1030, 770)[()])  # middle of its fine cell: 1025, 775
    weight[at] = 2
    spread = plane.spread(weight[None], sigma_m)[0]
    drawn = np.random.default_rng(1).normal((1025, 775), sigma_m or 1e-9, (200_000, 2))
    cell = plane.cells.cell_of(*drawn.T)
    np.testing.assert_allclose(spread, 2 * np.bincount(cell[cell >= 0], minlength=plane.cells.size) / 2e5, atol=0.01)


@few
@given(st.integers(0, 1000))
def test_shares_sum_to_1_and_what_comes_later_changes_nothing_bit_for_bit(seed: int) -> None:
    history = town(seed, 120)
    later = reports(np.random.default_rng(seed).uniform(0, 1999, (400, 2)), np.arange(400) // 10 + 100)
    known = history["reported_at"] < TOWN.midnight("2024-04-10")
    at = FIRST + 100
    alone, with_later = shares_of(history[known]), shares_of(together(history[known], later))
    assert alone.at(at).sum() == pytest.approx(1)
    assert (alone.at(at) >= 0).all()
    assert alone.at(at).tobytes() == with_later.at(at).tobytes()
    one, other = (expect(each.cube, at, 7) for each in (alone, with_later))
    assert one.mean.tobytes() == other.mean.tobytes()
    assert (one.spread, one.low.tolist(), one.total_high) == (other.spread, other.low.tolist(), other.total_high)


def test_a_mixture_is_the_likeliest() -> None:
    rng = np.random.default_rng(4)
    maps = rng.dirichlet(np.ones(200), 3).T
    truth = np.array([0.6, 0.1, 0.3])
    came = rng.multinomial(200_000, maps @ truth)
    found = mixture(maps, came.astype(float))
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found, truth, atol=0.02)


def test_old_spots_that_fell_silent_lose_their_share() -> None:
    rng = np.random.default_rng(2)
    old = reports(rng.normal((500, 500), 20, (600, 2)), rng.integers(0, 150, 600))
    new = reports(rng.normal((2500, 1500), 20, (600, 2)), rng.integers(150, 300, 600))
    shares = shares_of(together(old, new))
    found = shares.at(FIRST + 300)
    cells = shares.ground.cells
    near = lambda x, y: found[np.hypot(*(cells.centres - (x, y)).T) < 200].sum()  # noqa: E731
    assert near(2500, 1500) > 0.8
    assert near(500, 500) < 0.1


def test_learning_takes_whole_months_where_days_are_not_known() -> None:
    monthly = Cube.of(np.zeros(3, int), np.array([0, 31, 60]), np.array([31, 29, 31]), Grid(0, 0, 100, 1, 1))
    assert windows(monthly, 95, 7, 365) == [(60, 91), (31, 60)]
    not_over = windows(monthly, 90, 7, 365)
    assert [each for each in not_over if monthly.before(90).counts(*each).sum()] == [(31, 60)]
    assert windows(monthly, 10, 7, 365) == []


# Level


@some
@given(st.floats(0.01, 300), st.floats(0, 0.5), st.floats(0.3, 0.95))
def test_an_interval_holds_about_what_it_says(mean: float, spread: float, cover: float) -> None:
    (low,), (high,) = counts_interval(np.array([mean]), spread, cover)
    count = np.arange(20_000)
    mass = probability(count, mean, spread)
    inside = mass[low : high + 1].sum()
    assert mass.sum() == pytest.approx(1, abs=1e-6)
    assert mass @ count == pytest.approx(mean, rel=1e-3)
    assert abs(inside - cover) <= mass.max() / 2 + 1e-9 or low == high
    outside = np.delete(mass, np.arange(low, high + 1))
    assert outside.max() <= mass[low : high + 1].min() + 1e-12  # the likeliest counts are in


def _days(n_days: int, mean, seed: int, spread: float = 0.0) -> Cube:
    rng = np.random.default_rng(seed)
    of_day = np.broadcast_to(mean, n_days)
    count = rng.poisson(of_day * (rng.gamma(1 / spread, spread, n_days) if spread else 1))
    first = np.repeat(np.arange(FIRST, FIRST + n_days), count)
    return Cube.of(np.zeros(len(first), int), first, np.ones(len(first), int), Grid(0, 0, 100, 1, 1))


def test_the_level_follows_weekdays() -> None:
    weekend = (np.arange(400) + FIRST) % 7 >= 5  # any two days of the week
    cube = _days(400, np.where(weekend, 40.0, 20.0), 1)
    found = expect(cube, FIRST + 400, 7)
    ahead = (np.arange(400, 407) + FIRST) % 7 >= 5
    np.testing.assert_allclose(found.mean, np.where(ahead, 40, 20), rtol=0.12)
    assert found.total == pytest.approx(found.mean.sum())


@pytest.mark.parametrize(("mean", "spread"), [(3.0, 0.0), (25.0, 0.08), (120.0, 0.03)])
def test_the_intervals_cover_new_days(mean: float, spread: float) -> None:
    cube = _days(420, mean, 5, spread)
    held = []
    for at in range(FIRST + 200, FIRST + 413, 7):
        found, came = expect(cube, at, 7), cube.per_day(at, at + 7)
        held += ((found.low <= came) & (came <= found.high)).tolist()
    assert 0.74 <= np.mean(held) <= 0.88


def test_days_that_nobody_knows_yet_are_not_days_without_reports() -> None:
    n = 31 * 40
    month = Cube.of(np.zeros(n, int), np.full(n, FIRST), np.full(n, 31), Grid(0, 0, 100, 1, 1))
    few_days = Cube.of(np.zeros(80, int), FIRST + 55 + np.arange(80) // 40, np.ones(80, int), month.grid)
    found = expect(month.plus(few_days), FIRST + 57, 7)
    assert found.mean.mean() == pytest.approx(40, rel=0.05)


def test_an_empty_city_expects_nothing() -> None:
    found = expect(_days(30, 0.0, 1), FIRST + 30, 7)
    assert found.total == 0
    assert found.high.tolist() == [0] * 7
    with pytest.raises(SettingsError, match="horizon 0"):
        expect(_days(30, 1.0, 1), FIRST + 30, 0)
    with pytest.raises(SettingsError, match="cover 2"):
        Level(cover=2)


# Forecast


def test_rates_are_share_times_level_with_an_interval_that_tells_how_much_backs_them() -> None:
    table, at = town(8, 200), TOWN.midnight("2024-07-19")
    later = reports(np.full((90, 2), 777.0), np.full(90, 200))
    found = forecast(table, TOWN, as_of=at)
    cells = CELLS.check(found.cells)
    assert cells["rate"].sum() == pytest.approx(found.days.total / 7)
    assert cells["rate"].is_monotonic_decreasing
    assert (cells["rate_low"] <= cells["rate"]).all()
    assert (cells["rate"] <= cells["rate_high"]).all()
    width = (cells["rate_high"] - cells["rate_low"]) / cells["rate"]
    assert width.iloc[0] < 1 < width.iloc[-1]
    assert cells.to_wkb().equals(forecast(together(table, later), TOWN, as_of=at).cells.to_wkb())


def test_a_future_moment_and_no_report_are_not_made_up() -> None:
    empty = forecast(INCIDENTS.empty(CRS), TOWN, as_of=TOWN.midnight("2024-07-19"))
    assert (len(empty.cells), empty.days) == (0, None)
    one = forecast(reports(np.array([[500.0, 500.0]]), np.array([3])), TOWN, as_of=TOWN.midnight("2024-01-05"))
    assert one.cells["rate"].sum() == pytest.approx(one.days.total / 7)
    assert one.days.total_high > one.days.total_low


# Judging


def test_streets_are_searched_by_length() -> None:
    # 100 m of 400 m: the first street, half of the second
    score, counts, size = [3, 2, 1, 0], [4, 6, 0, 10], [50, 100, 150, 100]
    assert hit_rate(score, counts, 0.25, size=size) == pytest.approx((4 + 3) / 20)
    found, best = caught(score, counts, [0.25], size=size)
    assert (found[0], best[0]) == (7, 10)  # the last street, 100 m, holds most a metre
    with pytest.raises(ProblemError, match="size"):
        hit_rate(score, counts, 0.25, size=[1, 1, 1, 0])


def test_hit_rates_are_pooled_and_pairs_stay_paired() -> None:
    reports_ = np.array([10.0, 90.0] * 10)
    one = Caught(np.tile([[10.0], [45.0]], (10, 1)), np.tile([[10.0], [90.0]], (10, 1)), reports_)
    other = replace(one, hits=one.hits - 1)
    assert one.hit_rate == pytest.approx(0.55)
    assert one.pei == pytest.approx(0.55)
    low, high = one.interval(block=2, seed=1)
    assert low <= 0.55 <= high
    found = difference(one, other, block=2, seed=1)
    assert found.mean == pytest.approx(20 / 1000)
    assert found.low > 0  # one more in every forecast, whatever the forecast
    with pytest.raises(ProblemError, match="unlike reports"):
        difference(one, replace(other, reports=reports_ + 1), block=2, seed=1)


def test_blocks_are_runs() -> None:
    drawn = blocks(52, 4, 3)
    assert drawn.shape[1] == 52
    assert (np.diff(drawn.reshape(len(drawn), 13, 4), axis=2) == 1).all()
    assert drawn.min() == 0
    assert drawn.max() == 51


def test_a_relabelled_map_knows_nothing() -> None:
    counts = np.random.default_rng(1).poisson(0.05, 4000).astype(float)
    assert chance(counts, 0.025, draws=400, seed=2) / counts.sum() / 0.025 == pytest.approx(1, abs=0.1)


# Backtest


def test_a_backtest_of_a_steady_town() -> None:
    table = town(3)
    trial = Trial(day("2024-05-06"), day("2024-08-19"), cell_m=100, shifts=1)
    found = backtest(table, TOWN, trial)
    ours, ceiling = found.maps["forecast"], found.maps["ceiling"]
    assert len(found.windows) == 16
    assert (
        ours.reports.sum()
        == Cube.build(table, Grid.over(TOWN, 100), TZ).counts(found.windows[0][0], found.windows[-1][1]).sum()
    )
    assert (ours.hit_rate >= 0.95 * ceiling.hit_rate).all()
    assert (ours.hit_rate[1:] > found.maps["heat map"].hit_rate[1:]).all()
    assert found.came.sum() == pytest.approx(ours.reports.sum())
    assert found.expected.sum() == pytest.approx(sum(days.total for days in found.level))
    assert 0.85 <= found.came[:3].sum() / found.expected[:3].sum() <= 1.15
    assert 0.7 <= found.relabelled_pai <= 1.3


def test_a_backtest_does_not_look_ahead() -> None:
    table = town(4, 200)
    trial = Trial(day("2024-06-03"), day("2024-06-10"), shifts=1)
    longer = together(table, reports(np.full((500, 2), 900.0), np.full(500, 199)))
    one, other = (backtest(each, TOWN, trial) for each in (table, longer))
    for name in ("forecast", "plain", "last 28 days", "long run", "heat map"):
        assert one.maps[name].hits.tobytes() == other.maps[name].hits.tobytes()
    assert other.maps["ceiling"].hits.tobytes() != one.maps["ceiling"].hits.tobytes()


@pytest.mark.parametrize("share", [0.04, 0.3])
def test_few_reports_still_make_a_forecast_no_worse_than_the_long_run(share: float) -> None:
    table = town(5, 400)
    thin = table[np.random.default_rng(1).random(len(table)) < share]
    found = backtest(thin, TOWN, Trial(day("2024-09-02"), day("2025-01-20"), shifts=1))
    assert found.maps["forecast"].hit_rate[2] >= found.maps["long run"].hit_rate[2] - 0.02


def test_months_are_forecast_where_only_months_are_known() -> None:
    rng = np.random.default_rng(6)
    spot = rng.uniform((200, 200), (2800, 1800), (30, 2))
    first = np.array([0, 31, 60, 91, 121, 152, 182, 213])  # firsts of the months of 2024
    table = reports(
        spot[rng.integers(0, 30, 2400)] + rng.normal(0, 10, (2400, 2)), first[rng.integers(0, 8, 2400)], "month"
    )
    with pytest.raises(ProblemError, match=r"0 are dated to the day .* --horizon month"):
        backtest(table, TOWN, Trial(day("2024-05-06"), day("2024-07-01")))
    found = backtest(table, TOWN, Trial(day("2024-05-01"), day("2024-08-01"), horizon_d=None, shifts=1))
    assert len(found.windows) == 4
    assert found.counted is None
    assert found.maps["forecast"].hit_rate[2] > 0.5


def test_bad_input_is_one_clear_line() -> None:
    table = town(7, 100)
    weeks = Trial(day("2024-03-04"), day("2024-03-25"), shifts=1)
    for wrong, given_trial, message in [
        (table[:0], weeks, "no report to forecast from"),
        (
            table[table["reported_at"] >= TOWN.midnight("2024-03-04")],
            weeks,
            "too few reports before 2024-03-04: n = 0",
        ),
        (table, Trial(day("2030-01-01"), day("2030-02-01")), "reports end 2024-04-09"),
        (table, replace(weeks, cell_m=2000), r"cells of 2000 m: only \d+ lie near"),
        (reports(np.full((60, 2), 500.0), np.r_[np.zeros(59, int), 99]), weeks, "n = 0"),
    ]:
        with pytest.raises((ProblemError, SettingsError), match=message):
            backtest(wrong, TOWN, given_trial)
    with pytest.raises(SettingsError, match="earlier day first"):
        Trial(day("2024-02-01"), day("2024-01-01"))
    with pytest.raises(SettingsError, match="square number"):
        Trial(day("2024-02-01"), day("2024-03-01"), shifts=3)
    one_spot = backtest(reports(np.full((200, 2), 500.0), np.arange(200) // 2), TOWN, weeks)
    assert one_spot.maps["forecast"].hit_rate[2] == 1


# Sites near by


def test_sites_are_tried_as_a_map_of_their_own_and_what_comes_later_changes_nothing() -> None:
    table = town(11)
    shares = shares_of(table)
    sites = {"shelter": np.array([[400.0, 400.0], [2500.0, 1500.0]]), "clinic": np.array([[1500.0, 1000.0]])}
    nearby = Nearby.of(shares, shares.ground, sites)
    assert nearby.away_m.shape == (shares.ground.cells.size, 2)
    assert nearby.away_m.max() <= 2000
    day = FIRST + 200
    share = nearby.at(day, learnt=day)
    assert share.sum() == pytest.approx(1)
    known = shares_of(table[table["reported_at"] < TOWN.midnight("2024-07-19")])
    assert np.array_equal(Nearby.of(known, known.ground, sites).at(day, learnt=day), share)
    with pytest.raises(SettingsError, match="no site"):
        Nearby.of(shares, shares.ground, {"shelter": np.empty((0, 2))})


def test_the_backtest_says_whether_sites_help() -> None:
    trial = Trial(day("2024-07-15"), day("2024-08-05"), shifts=1)
    found = backtest(town(12), TOWN, trial, sites={"shelter": np.array([[10.0, 10.0]])})
    assert found.maps["with sites"].hits.shape == found.maps["forecast"].hits.shape
    assert "sites near by: " in "\n".join(backtest_lines(found, seed=7))
