"""Counts by cell and day, the ranking of cells and places, and hotspots as outlined areas."""

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from sweepplan.errors import ClockError, CrsError, ProblemError, SettingsError, TableError
from sweepplan.geo import Area
from sweepplan.hotspots import Clusters, Cube, Grid, Recency, find_hotspots, place_rates, rate_surface
from sweepplan.hotspots.clusters import _labels, _near_dense
from sweepplan.tables import CELLS, HOTSPOTS, INCIDENTS, PLACES

CRS, TZ = "EPSG:32619", "America/New_York"
GRIDTOWN = Area("Gridtown", shapely.box(0, 0, 1000, 800), CRS, TZ)
AS_OF = GRIDTOWN.midnight("2025-07-01")
some = settings(derandomize=True, deadline=None, max_examples=60)
few = settings(derandomize=True, deadline=None, max_examples=12)


def incidents(xy: Sequence[tuple[float, float]], at: Sequence[str], precision: str = "second") -> gpd.GeoDataFrame:
    """INCIDENTS of needles at metres ``xy`` and wall-clock times ``at``."""
    n = len(xy)
    empty = pd.Series(pd.NaT, range(n), dtype="datetime64[us, UTC]")
    when = pd.to_datetime(pd.Series(list(at), dtype="str"), format="ISO8601")
    table = gpd.GeoDataFrame(
        {
            "kind": "needle",
            "reported_at": when.dt.tz_localize(TZ).dt.tz_convert("UTC").astype("datetime64[us, UTC]"),
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


def both(*tables: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Several tables of incidents as one, ids made unique."""
    joined = pd.concat(tables)
    return joined.set_index(pd.Index([f"i{k}" for k in range(len(joined))], dtype="str", name="incident_id"))


def clump(x: float, y: float, n: int, seed: int, spread_m: float = 15) -> list[tuple[float, float]]:
    return [tuple(p) for p in np.random.default_rng(seed).normal((x, y), spread_m, (n, 2))]


# Grid


@some
@given(
    st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)),
    st.sampled_from([10.0, 100.0, 250.0]),
    st.tuples(st.floats(0, 99), st.floats(0, 99)),
)
def test_the_grid_covers_its_bounds_and_a_cell_holds_its_points(corner, cell_m, shift_m) -> None:
    x, y = np.random.default_rng(1).uniform(0, 900, (2, 50)) + np.array(corner)[:, None]
    grid = Grid.over((x.min(), y.min(), x.max(), y.max()), cell_m, shift_m=shift_m)
    cell = grid.cell_of(x, y)
    assert (cell >= 0).all()
    assert (cell < grid.size).all()
    assert shapely.intersects(shapely.buffer(grid.polygons(cell), 1e-6), shapely.points(x, y)).all()
    assert (np.abs(grid.centres[cell] - np.column_stack([x, y])) <= cell_m / 2 + 1e-6).all()
    assert ((grid.x0 - shift_m[0]) / cell_m) == pytest.approx(round((grid.x0 - shift_m[0]) / cell_m), abs=1e-6)


def test_a_cell_keeps_its_name_on_another_grid() -> None:
    small, large = Grid.over((310, 210, 390, 290), 100), Grid.over((-950, -950, 950, 950), 100)
    at = (np.array([350.0]), np.array([250.0]))
    assert small.names(small.cell_of(*at)) == large.names(large.cell_of(*at)) == ["100mE3N2"]
    assert large.names(large.cell_of(np.array([-1.0]), np.array([-1.0]))) == ["100mE-1N-1"]


def test_bad_bounds_are_refused() -> None:
    with pytest.raises(CrsError, match="west <= east"):
        Grid.over((5, 0, 1, 1), 100)
    with pytest.raises(SettingsError, match="cell_m 0"):
        Grid.over((0, 0, 1, 1), 0)


# Cube

spans = st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 120), st.sampled_from([1, 1, 28, 30, 31])), max_size=40)


def _cube(reports: list[tuple[int, int, int]]) -> Cube:
    cell, first, length = np.array(reports, dtype=np.int64).reshape(-1, 3).T
    return Cube.of(cell, first, length, Grid(0, 0, 100, 3, 2))


@some
@given(spans, st.integers(-5, 150), st.integers(0, 100))
def test_counts_are_those_of_a_loop(reports, to_day, length) -> None:
    wanted = np.zeros(6)
    for cell, first, n in reports:
        if cell >= 0 and first + n <= to_day:
            wanted[cell] += sum(to_day - length <= day for day in range(first, first + n)) / n
    cube = _cube(reports)
    np.testing.assert_allclose(cube.counts(to_day - length, to_day), wanted, atol=1e-6)
    assert cube.n_outside == sum(cell < 0 for cell, _, _ in reports)


@some
@given(spans, st.integers(-5, 150), st.sampled_from([1.0, 7.0, 91.0, np.inf]))
def test_decayed_counts_are_those_of_a_loop(reports, as_of_day, half_life_d) -> None:
    wanted = np.zeros(6)
    for cell, first, n in reports:
        if cell >= 0 and first + n <= as_of_day:
            ages = as_of_day - 1 - np.arange(first, first + n)
            wanted[cell] += np.mean(2.0 ** (-ages / half_life_d))
    np.testing.assert_allclose(_cube(reports).decayed(as_of_day, half_life_d), wanted, rtol=1e-6, atol=1e-9)


def _same(one: Cube, other: Cube) -> bool:
    names = ("first_day", "n_days", "starts", "cell", "count")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@some
@given(spans, st.integers(-5, 150), st.integers(1, 9), st.integers(0, 6))
def test_windows_are_those_of_a_loop_and_sum_to_their_union(reports, last, days, n) -> None:
    cube, edges = _cube(reports), last - days * np.arange(n, -1, -1)
    wanted = np.zeros((n, 6))
    for cell, first, length in reports:
        for day in range(first, first + length) if cell >= 0 and first + length <= last else ():
            if edges[0] <= day < last:
                wanted[(day - edges[0]) // days, cell] += 1 / length
    np.testing.assert_allclose(cube.windows(edges), wanted, atol=1e-5)
    np.testing.assert_allclose(cube.per_day(last - n * days, last).sum(), wanted.sum(), atol=1e-4)
    np.testing.assert_allclose(cube.windows(edges).sum(axis=0), cube.counts(edges[0], last), atol=1e-5)


@some
@given(spans, spans, st.integers(-5, 150))
def test_a_cube_grows_by_days_and_is_cut_by_days(reports, later, day) -> None:
    whole = _cube(reports + later)
    assert _same(_cube(reports).plus(_cube(later)), whole)
    assert _same(whole.before(day), _cube([r for r in reports + later if r[1] + r[2] <= day]))
    assert _same(whole.dated(), _cube([r for r in reports + later if r[2] == 1]))


def test_cubes_on_two_grids_are_not_added() -> None:
    with pytest.raises(ProblemError, match="two grids"):
        _cube([]).plus(Cube.of(*np.zeros((3, 0), dtype=np.int64), Grid(0, 0, 50, 3, 2)))


def test_a_day_is_a_day_of_the_citys_clock_on_both_clock_changes() -> None:
    at = ["2025-03-09 00:30", "2025-03-09 23:30", "2025-11-02 00:30", "2025-11-02 23:30", "2025-11-03 00:00"]
    cube = Cube.build(incidents([(50, 50)] * 5, at), Grid.over(GRIDTOWN, 100), TZ)
    days = np.array(["2025-03-09", "2025-11-02", "2025-11-03"], dtype="datetime64[D]").astype(int)
    assert cube.first_day.tolist() == days.tolist()
    assert cube.count.tolist() == [2, 2, 1]


def test_a_month_precise_report_has_no_day_and_waits_for_its_month() -> None:
    cube = Cube.build(incidents([(50, 50)], ["2025-04-01"], "month"), Grid.over(GRIDTOWN, 100), TZ)
    first = int(np.datetime64("2025-04-01", "D").astype(int))
    assert (cube.first_day.tolist(), cube.n_days.tolist()) == ([first], [30])
    assert cube.counts(first, first + 29).sum() == 0
    assert cube.counts(first + 20, first + 30).sum() == pytest.approx(1 / 3)
    assert cube.decayed(first + 29, np.inf).sum() == 0
    assert cube.decayed(first + 30, np.inf).sum() == 1


def test_no_report_no_cube() -> None:
    cube = Cube.build(INCIDENTS.empty(CRS), Grid.over(GRIDTOWN, 100), TZ)
    assert cube.counts(0, 99999).sum() == cube.decayed(99999, 91).sum() == 0


# The ranking


def test_rates_are_reports_a_day() -> None:
    reports = incidents([(50, 50), (50, 60), (550, 250)], ["2025-06-21 12:00", "2025-06-25 08:00", "2025-06-30 23:59"])
    cells = rate_surface(reports, GRIDTOWN, Recency(half_life_d=np.inf, sigma_m=0), as_of=AS_OF)
    assert CELLS.check(cells).loc[["100mE0N0", "100mE5N2"], "rate"].tolist() == pytest.approx([0.2, 0.1])  # in 10 days
    assert cells["n_incidents"].tolist() == [2, 1]


def test_the_rates_sum_to_the_recency_weighted_reports_a_day() -> None:
    reports = incidents([(0, 0), (999, 799), (500, 400)], ["2025-06-28", "2025-06-29", "2025-06-30"])
    cells = rate_surface(reports, GRIDTOWN, Recency(half_life_d=1, sigma_m=80), as_of=AS_OF)
    assert cells["rate"].sum() == pytest.approx((0.25 + 0.5 + 1) / (0.25 + 0.5 + 1))
    assert cells["rate"].is_monotonic_decreasing


def test_recent_reports_weigh_more() -> None:
    reports = incidents([(50, 50), (550, 250)], ["2025-03-31", "2025-06-30"])
    rate = rate_surface(reports, GRIDTOWN, Recency(91, sigma_m=0), as_of=AS_OF)["rate"]
    assert rate["100mE5N2"] == pytest.approx(2 * rate["100mE0N0"])


def _month_of_reports() -> gpd.GeoDataFrame:
    rng = np.random.default_rng(3)
    xy = [*clump(300, 300, 60, 1), *clump(700, 500, 40, 2), *rng.uniform(0, 790, (40, 2))]
    minutes = pd.to_timedelta(rng.integers(0, 90 * 1440, len(xy)), unit="min")
    stamps = pd.Timestamp("2025-04-20") + minutes
    return both(
        incidents(xy, [f"{at:%Y-%m-%d %H:%M}" for at in stamps]),
        incidents(clump(500, 200, 30, 4), ["2025-05-01"] * 30, "month"),
        incidents(clump(500, 600, 30, 5), ["2025-06-01"] * 30, "month"),
    )


def _moved(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return table.set_geometry(table.geometry.translate(-37, 11).to_numpy())


@few
@given(st.sampled_from(pd.date_range("2025-05-01", "2025-07-20", freq="33h").tolist()), st.booleans())
def test_what_is_reported_later_changes_nothing_bit_for_bit(wall: pd.Timestamp, gone: bool) -> None:
    reports, as_of = _month_of_reports(), GRIDTOWN.moment(str(wall))
    later = reports["reported_at"] >= as_of
    month_end = reports["reported_at"].dt.tz_convert(TZ) + pd.offsets.MonthEnd(1) + pd.Timedelta(days=1)
    later |= (reports["time_precision"] == "month") & (month_end > as_of)
    other = reports[~later] if gone else both(reports[~later], _moved(reports[later]))
    method = Clusters(min_weight=5)
    for found in (
        lambda table: rate_surface(table, GRIDTOWN, as_of=as_of),
        lambda table: find_hotspots(table, method, as_of=as_of),
    ):
        assert_geodataframe_equal(found(reports), found(other), check_less_precise=False)
        assert found(reports).to_wkb().equals(found(other).to_wkb())


def test_before_the_first_report_nothing_is_known() -> None:
    reports = _month_of_reports()
    early = GRIDTOWN.midnight("2020-01-01")
    assert len(CELLS.check(rate_surface(reports, GRIDTOWN, as_of=early))) == 0
    assert len(HOTSPOTS.check(find_hotspots(reports, as_of=early))) == 0
    assert len(find_hotspots(INCIDENTS.empty(CRS), as_of=early)) == 0


@pytest.mark.parametrize("month", ["2025-03", "2025-06", "2025-11"])
def test_a_month_counts_from_the_midnight_that_ends_it(month: str) -> None:
    reports = incidents(clump(500, 400, 30, 1), [f"{month}-01"] * 30, "month")
    end = GRIDTOWN.midnight(str(pd.Timestamp(f"{month}-01") + pd.offsets.MonthBegin(1)))
    assert len(find_hotspots(reports, as_of=end)) == 1
    assert len(find_hotspots(reports, as_of=end - pd.Timedelta(hours=3))) == 0
    assert rate_surface(reports, GRIDTOWN, as_of=end)["n_incidents"].sum() == 30
    assert len(rate_surface(reports, GRIDTOWN, as_of=end - pd.Timedelta(hours=3))) == 0


def test_bad_input_is_one_clear_line() -> None:
    reports = incidents([(50, 50), (60, 60)], ["2025-06-01"] * 2)
    mixed = reports.assign(kind=["needle", "overdose"])
    for found in (
        lambda table, at: rate_surface(table, GRIDTOWN, as_of=at),
        lambda table, at: find_hotspots(table, as_of=at),
    ):
        with pytest.raises(TableError, match="needle and overdose: give one"):
            found(mixed, AS_OF)
        with pytest.raises(ClockError, match="no zone"):
            found(reports, AS_OF.tz_localize(None))
        with pytest.raises(CrsError, match="project"):
            found(reports.set_crs("EPSG:4326", allow_override=True), AS_OF)
        with pytest.raises(TableError, match="no column 'kind'"):
            found(reports.drop(columns="kind"), AS_OF)
    with pytest.raises(CrsError, match="EPSG:32618"):
        rate_surface(reports.set_crs("EPSG:32618", allow_override=True), GRIDTOWN, as_of=AS_OF)
    for make in (lambda: Recency(half_life_d=0), lambda: Recency(sigma_m=-1), lambda: Clusters(eps_m=0)):
        with pytest.raises(SettingsError, match="give more than 0"):
            make()
    with pytest.raises(SettingsError, match="min_share 2"):
        Clusters(min_share=2)


# Places


def _cells(rates: dict[tuple[int, int], float]) -> gpd.GeoDataFrame:
    boxes = [shapely.box(100 * a, 100 * b, 100 * a + 100, 100 * b + 100) for a, b in rates]
    index = pd.Index([f"100mE{a}N{b}" for a, b in rates], dtype="str", name="cell_id")
    return CELLS.check(
        gpd.GeoDataFrame(
            {"kind": "needle", "n_incidents": 1, "rate": list(rates.values())}, index, geometry=boxes, crs=CRS
        )
    )


def _places(shapes: dict[str, shapely.Geometry]) -> gpd.GeoDataFrame:
    index = pd.Index(list(shapes), dtype="str", name="place_id")
    geometry = list(shapes.values())
    columns = {"kind": "street", "name": "made up", "length_m": shapely.length(geometry), "sweep_s": 60.0}
    return PLACES.check(gpd.GeoDataFrame(columns, index=index, geometry=geometry, crs=CRS))


def test_a_cell_shares_its_rate_by_length_inside() -> None:
    cells = _cells({(0, 0): 3.0, (1, 0): 1.0, (5, 5): 8.0})
    places = _places(
        {
            "main": shapely.LineString([(0, 50), (200, 50)]),  # 100 m in each of two cells
            "side": shapely.LineString([(50, 0), (50, 50)]),  # 50 m
            "park": shapely.box(0, 60, 20, 110),  # 20 x 40 m of the first cell: as 40 m of street, 20 m wide
            "far": shapely.LineString([(0, 900), (200, 900)]),
        }
    )
    rates = place_rates(cells, places)["rate"]
    total = 100 + 50 + 40
    assert rates.to_dict() == pytest.approx(
        {"main": 3 * 100 / total + 1, "side": 3 * 50 / total, "park": 3 * 40 / total, "far": 0}
    )
    assert rates.index.name == "place_id"


@some
@given(st.integers(0, 10_000))
def test_the_rate_of_every_cell_that_a_place_crosses_is_kept(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = _cells({(a, b): float(rng.random()) for a in range(4) for b in range(4)})
    lines = {f"s{k}": shapely.LineString(rng.uniform(0, 400, (3, 2))) for k in range(5)}
    parks = {f"p{k}": shapely.box(*corner, *(corner + 60)) for k, corner in enumerate(rng.uniform(0, 400, (2, 2)))}
    places = _places(lines | parks)
    crossed = [cell.intersects(places.union_all()) for cell in cells.geometry]
    rates = place_rates(cells, places)["rate"]
    assert (rates >= 0).all()
    assert rates.sum() == pytest.approx(cells["rate"][crossed].sum())


def test_no_cell_no_rate_and_another_plane_is_refused() -> None:
    places = _places({"main": shapely.LineString([(0, 50), (200, 50)])})
    assert place_rates(CELLS.empty(CRS), places)["rate"].tolist() == [0]
    with pytest.raises(CrsError, match="places lies on EPSG:32618"):
        place_rates(_cells({(0, 0): 1.0}), places.set_crs("EPSG:32618", allow_override=True))


# Hotspots as areas


def test_two_clumps_are_two_hotspots_heaviest_first() -> None:
    old = [f"2025-05-{day:02d} 12:00" for day in range(8, 28)]  # in the 28 days before the last 28, both ends in
    new = [f"2025-06-{day:02d} 12:00" for day in range(5, 30)]
    reports = both(
        incidents(clump(300, 300, 20, 1), old), incidents(clump(700, 500, 25, 2), new), incidents([(50, 750)], new[:1])
    )
    found = HOTSPOTS.check(find_hotspots(reports, as_of=AS_OF))
    assert found.index.tolist() == ["hotspot-01", "hotspot-02"]
    assert found["n_incidents"].tolist() == [25, 20]
    ages = (AS_OF - reports["reported_at"][20:45]).dt.total_seconds() / 86_400 - 1
    assert found["weight"].iloc[0] == pytest.approx((2 ** (-ages / 91)).sum())
    assert np.isnan(found["trend"].iloc[0])  # none before
    assert found["trend"].iloc[1] == 0
    assert found["n_last"].tolist() == [25, 0]
    assert found["n_before"].tolist() == [0, 20]
    assert found["p_value"].between(0, 1).all()
    assert found["first_reported_at"].iloc[0] == GRIDTOWN.moment("2025-06-05 12:00")
    assert found.geometry.iloc[0].contains(shapely.Point(700, 500))
    assert found.geometry.iloc[1].contains(shapely.Point(300, 300))


def test_the_trend_is_empty_where_a_month_may_hide_it() -> None:
    dated = incidents(clump(300, 300, 20, 1), ["2025-05-20"] * 10 + ["2025-06-20"] * 10)
    assert find_hotspots(dated, as_of=AS_OF)["trend"].tolist() == [1]
    month = incidents([(300, 300)], ["2025-05-01"], "month")
    assert find_hotspots(both(dated, month), as_of=AS_OF)["trend"].isna().all()
    long_ago = incidents([(300, 300)], ["2025-02-01"], "month")
    assert find_hotspots(both(dated, long_ago), as_of=AS_OF)["trend"].tolist() == [1]


def test_too_few_reports_are_no_hotspot() -> None:
    assert len(find_hotspots(incidents([(5, 5), (6, 6)], ["2025-06-30"] * 2), as_of=AS_OF)) == 0


@some
@given(st.integers(0, 10_000), st.sampled_from([2.0, 7.0, 11.0]))
def test_dense_cells_cluster_as_scikit_learn_says_and_the_rest_of_the_city_is_spared(seed: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    centres = np.unique(rng.integers(0, 60, (150, 2)), axis=0) * 10.0 + 5
    weight = rng.integers(1, 4, len(centres)).astype(float)
    oracle = DBSCAN(eps=60, min_samples=int(least)).fit(centres, sample_weight=weight)
    near = _near_dense(centres, weight, least, 60)
    if not near.any():
        return
    label = _labels(centres[near], weight[near] / least, 60)
    assert (oracle.labels_[~near] == -1).all()
    assert ((label >= 0) == (oracle.labels_[near] >= 0)).all()
    dense = np.flatnonzero(np.isin(np.flatnonzero(near), oracle.core_sample_indices_))
    assert dense.size == oracle.core_sample_indices_.size
    pairs = set(zip(label[dense].tolist(), oracle.labels_[near][dense].tolist(), strict=True))
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})


@few
@given(st.integers(0, 10_000), st.sampled_from([1.0, 3.0, 20.0]))
def test_hotspots_never_overlap_and_count_what_they_hold(seed: int, largest_ha: float) -> None:
    rng = np.random.default_rng(seed)
    xy = np.vstack([rng.normal(rng.uniform(200, 800, 2), rng.uniform(10, 60), (60, 2)) for _ in range(6)])
    found = find_hotspots(incidents(xy, ["2025-06-20"] * len(xy)), Clusters(largest_ha=largest_ha), as_of=AS_OF)
    assert found.area.sum() == pytest.approx(found.union_all().area)
    assert found["weight"].is_monotonic_decreasing
    assert found["n_incidents"].sum() <= len(xy)
    near = [int(shapely.intersects(area.buffer(8), shapely.points(xy)).sum()) for area in found.geometry]
    assert (found["n_incidents"] <= near).all()


def test_hdbscan_finds_clumps_of_two_densities_where_asked() -> None:
    rng = np.random.default_rng(3)
    dense, thin = rng.normal((500, 500), 12, (80, 2)), rng.normal((1500, 900), 45, (80, 2))
    xy = np.vstack([dense, thin, rng.uniform((0, 0), (3000, 3000), (40, 2))])
    table = incidents([tuple(at) for at in xy], ["2025-06-20"] * len(xy))
    found = find_hotspots(table, Clusters(method="hdbscan", min_weight=10), as_of=AS_OF)
    assert 2 <= len(found) <= 4
    for spot in ((500, 500), (1500, 900)):
        assert found.distance(shapely.Point(spot)).min() < 30
    held = found.sjoin(table, predicate="contains")
    assert held.index.value_counts().to_dict() == found["n_incidents"].to_dict()
    with pytest.raises(SettingsError, match="clusters by 'optics': one of dbscan, hdbscan"):
        Clusters(method="optics")


def test_a_chain_of_clumps_falls_apart_at_its_thin_spots() -> None:
    clumps = [p for k, x in enumerate((200, 500, 800)) for p in clump(x, 400, 150, k, 30)]
    bridge = [(float(x), 400.0) for x in range(200, 800, 20)] * 2
    reports = incidents(clumps + bridge, ["2025-06-20"] * (len(clumps) + len(bridge)))
    method = Clusters(min_share=0)
    assert len(find_hotspots(reports, replace(method, largest_ha=100), as_of=AS_OF)) == 1
    apart = find_hotspots(reports, replace(method, largest_ha=5), as_of=AS_OF)
    assert len(apart) == 3
    assert (apart.area <= 5e4).all()
    assert apart["n_incidents"].sum() > 400


def test_an_evenly_dense_quarter_stays_whole_and_is_not_lost() -> None:
    xy = [(x + 5.0, y + 5.0) for x in range(300, 700, 10) for y in range(300, 700, 10)]
    found = find_hotspots(incidents(xy, ["2025-06-20"] * len(xy)), Clusters(largest_ha=2), as_of=AS_OF)
    assert found["n_incidents"].sum() >= 0.5 * len(xy)
