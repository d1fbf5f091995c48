"""The made-up city: it is rebuilt to the byte, it behaves like a city, and its reports gather as Boston's do."""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from sweepplan import demo
from sweepplan.demo import building
from sweepplan.errors import SettingsError
from sweepplan.geo import Area
from sweepplan.tables import PICKUPS, PLACES, SITES

CLOCK = "%m/%d/%Y %I:%M:%S %p"
AS_OF = pd.Timestamp("2026-03-02 06:00")
CELL_M = 100
DATA = demo.folder()


@pytest.fixture(scope="module")
def area() -> Area:
    return Area.load(DATA / "area.toml")


@pytest.fixture(scope="module")
def drive() -> nx.MultiDiGraph:
    return ox.load_graphml(DATA / "streets_drive.graphml.gz")


@pytest.fixture(scope="module")
def walk() -> nx.MultiDiGraph:
    return ox.load_graphml(DATA / "streets_walk.graphml.gz")


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return pd.read_csv(DATA / "needle_requests.csv.gz", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def requests(raw: pd.DataFrame) -> pd.DataFrame:
    """Requests without the planted faults: ``opened``, ``closed``, ``x``, ``y``, ``day``, ``cell``, ``spot``."""
    fine = raw[~raw["CLOSURE_REASON"].str.contains("TEST") & ~raw["Geocoded_Location"].isin(["", "(0, 0)"])]
    fine = fine.drop_duplicates("CASE_ENQUIRY_ID")
    opened = pd.to_datetime(fine["OPEN_DT"], format=CLOCK, errors="coerce")
    fine, opened = fine[opened.notna()], opened[opened.notna()]
    x, y = plane(fine["LONGITUDE"].astype(float), fine["LATITUDE"].astype(float))
    spot = fine["LATITUDE"] + " " + fine["LONGITUDE"]
    table = pd.DataFrame({"opened": opened, "x": x, "y": y, "spot": spot, "status": fine["CASE_STATUS"]})
    table["closed"] = pd.to_datetime(fine["CLOSED_DT"], format=CLOCK)
    table["target"] = pd.to_datetime(fine["TARGET_DT"], format=CLOCK)
    table["day"] = (table["opened"].dt.normalize() - pd.Timestamp("2023-12-01")).dt.days
    table["cell"] = np.floor(x / CELL_M).astype(int) * 1_000_000 + np.floor(y / CELL_M).astype(int)
    return table.sort_values("opened", ignore_index=True)


@pytest.fixture(scope="module")
def changes() -> dict[str, dict[str, object]]:
    given = tomllib.loads((DATA / "truth" / "truth.toml").read_text())
    return {change["component"]: change for change in given["changes"]}


def plane(lon: pd.Series, lat: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32619", always_xy=True).transform(lon.to_numpy(), lat.to_numpy())
    return np.asarray(x), np.asarray(y)


def content(path: Path) -> bytes:
    """What a file says: compressed bytes depend on the zlib at hand, Parquet's on pyarrow's version."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv(index=False).encode()
    return path.read_bytes()


def near(requests: pd.DataFrame, change: dict[str, object], within_m: float) -> pd.DataFrame:
    x, y = plane(pd.Series([change["lon"]]), pd.Series([change["lat"]]))
    return requests[np.hypot(requests["x"] - x[0], requests["y"] - y[0]) < within_m]


# --- files ---------------------------------------------------------------------------------------------------------


def test_the_same_seed_writes_the_city_that_is_shipped(tmp_path: Path) -> None:
    steps: list[str] = []
    demo.build(tmp_path, progress=steps.append)
    built = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    shipped = sorted(p.relative_to(DATA) for p in DATA.rglob("*") if p.is_file())
    assert built == shipped
    assert [str(p) for p in built if content(tmp_path / p) != content(DATA / p)] == []
    assert steps[0] == "planning the town"


def test_compressed_files_bear_no_time_stamp() -> None:
    assert all(path.read_bytes()[4:8] == b"\0\0\0\0" for path in DATA.rglob("*.gz"))


def test_all_files_together_are_small_enough_for_git() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 4_000_000


def test_settings_name_files_that_are_there_and_never_the_truth() -> None:
    given = tomllib.loads((DATA / "settings.toml").read_text())
    files = [v for v in given.values() if isinstance(v, str) and v.split(".")[-1] in ("gz", "toml", "geojson")]
    assert len(files) == 11
    assert all((DATA / name).is_file() for name in files)
    assert "truth" not in (DATA / "settings.toml").read_text()
    assert set(given) == {
        "area", "incidents", "feed", "overdoses", "overdose_feed", "streets", "walk_streets", "candidates", "kiosks",
        "kiosk_ledger", "districts", "places", "sites", "sweep_log", "tz", "as_of", "depot", "k", "reach_m", "seed",
        "limit", "attribution", "crews", "programme",
    }  # fmt: skip


def test_a_missing_city_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(building, "__file__", str(tmp_path / "sweepplan" / "demo" / "building.py"))
    with pytest.raises(SettingsError, match="sweepplan demo build"):
        demo.folder()


# --- the town ------------------------------------------------------------------------------------------------------


def test_the_city_says_that_it_is_made_up_and_lies_in_the_ocean(area: Area) -> None:
    assert area.label == "Port Ellery (made-up city)"
    assert 22e6 < area.size_m2 < 28e6
    middle = gpd.GeoSeries([area.boundary.centroid], crs=area.crs).to_crs("EPSG:4326").iloc[0]
    assert middle.distance(shapely.Point(-68.5, 41.0)) < 0.05


def test_streets_are_of_a_citys_size_and_all_have_names(drive: nx.MultiDiGraph) -> None:
    assert 2_000 <= len(drive) <= 4_000
    edges = ox.graph_to_gdfs(drive, nodes=False)
    assert {"motorway", "motorway_link", "primary", "secondary", "tertiary", "residential", "service"} == set(
        edges["highway"]
    )
    assert edges.loc[edges["highway"] != "motorway_link", "name"].notna().all()
    assert edges["name"].nunique() > 400
    assert edges["maxspeed"].notna().mean() > 0.05
    assert 0.1 < edges["oneway"].mean() < 0.3
    degree = pd.Series(dict(drive.to_undirected().degree()))
    assert (degree == 1).sum() > 60


def test_only_the_islet_cannot_be_driven_to(drive: nx.MultiDiGraph) -> None:
    parts = sorted(nx.strongly_connected_components(drive), key=len)
    assert len(parts) == 2
    names = {data.get("name") for _, _, data in drive.subgraph(parts[0]).edges(data=True)}
    assert names == {"Islet Circle", "Islet Lane"}


def test_one_may_walk_everywhere_both_ways_but_not_on_the_motorway(walk: nx.MultiDiGraph) -> None:
    assert nx.is_strongly_connected(walk)
    assert not {"motorway", "motorway_link"} & {data["highway"] for _, _, data in walk.edges(data=True)}
    assert all(walk.has_edge(v, u) for u, v in walk.edges())
    assert sum(data["highway"] == "footway" for _, _, data in walk.edges(data=True)) > 40


def test_the_motorway_cuts_the_walk_network_but_at_underpasses(drive: nx.MultiDiGraph, walk: nx.MultiDiGraph) -> None:
    streets = ox.graph_to_gdfs(drive, nodes=False)
    axis = streets[streets["highway"] == "motorway"].union_all()
    foot = ox.graph_to_gdfs(walk, nodes=False)
    under = foot[foot.intersects(axis)]
    assert 4 <= under["name"].nunique() <= 10
    assert under["highway"].isin(["primary", "secondary", "tertiary"]).all()


def test_few_bridges_cross_the_river(walk: nx.MultiDiGraph, area: Area) -> None:
    banks = sorted(shapely.get_parts(area.boundary), key=lambda part: part.area)[-2:]
    north, south = sorted(banks, key=lambda part: -part.centroid.y)
    edges = ox.graph_to_gdfs(walk, nodes=False).to_crs(area.crs)
    across = edges[edges.intersects(north) & edges.intersects(south)]
    assert 3 <= across.loc[across["highway"] != "footway", "name"].nunique() <= 5
    assert (across["highway"] == "footway").any()


def test_lengths_are_the_geometrys(drive: nx.MultiDiGraph, area: Area) -> None:
    edges = ox.graph_to_gdfs(drive, nodes=False).to_crs(area.crs)
    assert np.abs(edges.geometry.length - edges["length"]).max() < 1.0
    assert edges["length"].min() > 5
    assert (edges.geometry.count_coordinates() > 2).mean() > 0.1


def test_places_and_sites_keep_their_contracts(area: Area) -> None:
    places = gpd.read_file(DATA / "places.geojson").set_index("place_id").to_crs(area.crs)
    PLACES.check(places)
    assert set(places["kind"]) == {"park", "schoolyard", "lot"}
    assert np.abs(places.geometry.length - places["length_m"]).max() < 2
    counts = {}
    for name in ("sites", "kiosks", "candidates"):
        table = gpd.read_file(DATA / f"{name}.geojson").set_index("site_id").to_crs(area.crs)
        SITES.check(table)
        assert table.within(area.boundary.buffer(5)).all()
        counts[name] = table["kind"].value_counts().to_dict()
    assert counts["kiosks"] == {"kiosk": 11}
    assert counts["candidates"] == {"candidate": 300}
    kinds = {
        "school",
        "playground",
        "library",
        "pharmacy",
        "fire_station",
        "shelter",
        "clinic",
        "transit_stop",
        "depot",
    }
    assert set(counts["sites"]) == kinds
    kiosks = gpd.read_file(DATA / "kiosks.geojson").to_crs(area.crs).geometry
    assert min(a.distance(b) for k, a in enumerate(kiosks) for b in kiosks.iloc[:k]) > 250
    ledger = pd.read_csv(DATA / "kiosk_ledger.csv")
    assert set(ledger["state"]) == {"installed", "full", "emptied", "broken", "repaired"}
    assert ledger.loc[ledger["state"] == "installed", "date"].max() == "2025-03-17"
    assert ledger["date"].is_monotonic_increasing
    # No kiosk is emptied that was not full.
    own = ledger[ledger["state"].isin(["full", "emptied"])].groupby("site_id")["state"].agg(list)
    assert all(states[::2] == ["full"] * len(states[::2]) for states in own)


def test_neighbourhoods_cover_the_land_once(area: Area) -> None:
    quarters = gpd.read_file(DATA / "neighborhoods.geojson").to_crs(area.crs)
    assert quarters["name"].is_unique
    assert quarters.area.sum() == pytest.approx(area.size_m2, rel=0.01)


# --- needle requests -----------------------------------------------------------------------------------------------


def test_half_of_a_weeks_reports_lie_in_the_hottest_hundredth_of_the_area(requests: pd.DataFrame, area: Area) -> None:
    hottest = round(0.01 * area.size_m2 / CELL_M**2)
    weeks = [week["cell"].value_counts() for _, week in requests.groupby(requests["day"] // 7)]
    assert 0.45 < np.mean([week.nlargest(hottest).sum() / week.sum() for week in weeks]) < 0.65
    ever = requests["cell"].value_counts()
    assert 0.38 < ever.nlargest(hottest).sum() / len(requests) < 0.55


def test_the_past_says_where_next_weeks_reports_are_about_as_well_as_in_boston(
    requests: pd.DataFrame, area: Area
) -> None:
    cells = area.size_m2 / CELL_M**2
    found = []
    for origin in range(400, 815, 14):
        past = requests[requests["day"] < origin]
        rate = pd.Series(0.5 ** ((origin - past["day"]) / 91.0)).groupby(past["cell"]).sum()
        later = requests.loc[requests["day"].between(origin, origin + 6), "cell"]
        found.append([later.isin(rate.nlargest(round(share * cells)).index).mean() for share in (0.01, 0.025)])
    hits = np.mean(found, axis=0)
    assert 0.42 < hits[0] < 0.56
    assert 0.60 < hits[1] < 0.72


def test_reports_repeat_at_addresses_as_bostons_do(requests: pd.DataFrame) -> None:
    shared = requests["spot"].duplicated(keep=False).mean()
    assert 0.65 < shared < 0.88
    assert 0.05 <= requests.duplicated(["spot", "day"]).mean() <= 0.06


def test_near_repeats_die_away_in_days(requests: pd.DataFrame) -> None:
    """Pairs at one spot, against the same spots with shuffled days: 5 x the same day and 2 x the next in Boston."""
    spots = requests["spot"].to_numpy()
    days = requests["day"].to_numpy()
    season = days // 28
    observed = np.array([_pairs(spots, days, lag) for lag in (0, 1, 4)])
    rng = np.random.default_rng(1)
    expected = np.zeros(3)
    for _ in range(5):
        shuffled = days.copy()
        for block in np.unique(season):
            rows = np.flatnonzero(season == block)
            shuffled[rows] = rng.permutation(days[rows])
        expected += [_pairs(spots, shuffled, lag) / 5 for lag in (0, 1, 4)]
    same, following, later = observed / expected
    assert same > 2.0
    assert same > following > 1.1
    assert 0.85 < later < 1.25


def _pairs(spots: NDArray[np.object_], days: NDArray[np.int64], lag: int) -> int:
    counts = pd.Series(1, index=pd.MultiIndex.from_arrays([spots, days])).groupby(level=[0, 1]).sum()
    if lag == 0:
        return int((counts * (counts - 1) // 2).sum())
    moved = counts.copy()
    moved.index = pd.MultiIndex.from_arrays([counts.index.get_level_values(0), counts.index.get_level_values(1) + lag])
    return int((counts * moved).dropna().sum())


def test_reports_lie_beside_streets_or_in_parks(requests: pd.DataFrame, walk: nx.MultiDiGraph, area: Area) -> None:
    edges = ox.graph_to_gdfs(walk, nodes=False).to_crs(area.crs)
    points = shapely.points(requests["x"], requests["y"])
    near_street = shapely.STRtree(edges.geometry.to_numpy()).query(points, "dwithin", 15.0)[0]
    assert len(np.unique(near_street)) / len(points) > 0.97
    assert shapely.covered_by(points, area.boundary.buffer(5)).all()


def test_there_are_about_thirty_requests_a_day_most_in_late_summer(requests: pd.DataFrame) -> None:
    assert requests["opened"].min() < pd.Timestamp("2023-12-02")
    assert requests["opened"].max() < AS_OF
    assert 27 < len(requests) / 822 < 32
    by_month = requests.groupby(requests["opened"].dt.strftime("%Y-%m")).size()
    assert by_month["2024-08"] > 2 * by_month["2024-02"]
    weekday = requests["opened"].dt.day_name().value_counts()
    assert weekday.idxmax() == "Monday"
    assert requests["opened"].dt.hour.between(7, 18).mean() > 0.7
    daily = requests.groupby("day").size().reindex(range(822), fill_value=0)
    window = daily.groupby(daily.index // 28)
    assert (window.var() / window.mean()).median() > 1.3


def test_the_city_answers_in_working_hours(requests: pd.DataFrame) -> None:
    fine = requests[requests["closed"] > requests["opened"]]
    hours = (fine["closed"] - fine["opened"]).dt.total_seconds() / 3600
    assert 2.5 < hours.median() < 3.8
    assert 16 < hours.quantile(0.9) < 21
    assert fine["closed"].dt.hour.between(6, 19).mean() > 0.99


def test_some_thirty_requests_are_open_and_a_few_are_over_due(requests: pd.DataFrame) -> None:
    still = requests[requests["status"] == "Open"]
    assert 30 <= len(still) <= 40
    assert still["closed"].isna().all()
    assert still["target"].notna().all()
    assert 2 <= (still["target"] < AS_OF).sum() <= 10


def test_the_export_has_bostons_columns_and_its_faults(raw: pd.DataFrame) -> None:
    assert len(raw.columns) == 33
    assert list(raw.columns[:4]) == ["CASE_ENQUIRY_ID", "OPEN_DT", "TARGET_DT", "CLOSED_DT"]
    assert raw["CASE_ENQUIRY_ID"].duplicated().sum() == 3
    assert (raw["LATITUDE"] == "").sum() == 12
    assert (raw["LATITUDE"] == "0.0").sum() == 6
    tests = raw[raw["CLOSURE_REASON"].str.contains("Production TEST")]
    assert len(tests) == 14
    assert set(tests["Location"]) == {"1 City Hall Plz  Port Ellery  XX  00101"}
    assert {"03/10/2024 02:17:00 AM", "02/30/2025 10:05:00 AM"} <= set(raw["OPEN_DT"])


@pytest.mark.shared
def test_the_export_has_the_columns_of_the_real_one(raw: pd.DataFrame, shared: Path) -> None:
    real = pd.read_csv(shared / "data" / "boston" / "311_needle_pickup_2015_may_sep.csv", index_col=0, nrows=5)
    assert list(raw.columns) == list(real.columns)


# --- the truth -----------------------------------------------------------------------------------------------------


def test_two_hotspots_appear_when_the_truth_says(requests: pd.DataFrame, changes: dict[str, dict[str, object]]) -> None:
    appearing = [change for change in changes.values() if change["kind"] == "appearing"]
    assert len(appearing) == 2
    for change in appearing:
        start = (pd.Timestamp(str(change["from"])) - pd.Timestamp("2023-12-01")).days
        here = near(requests, change, 120)["day"]
        before, after = (here < start).sum() / start, (here >= start + 21).sum() / (822 - start - 21)
        assert before < 0.1
        assert after > 0.4


def test_one_hotspot_fades_after_its_kiosk(requests: pd.DataFrame, changes: dict[str, dict[str, object]]) -> None:
    (change,) = [change for change in changes.values() if change["kind"] == "fading"]
    kiosks = gpd.read_file(DATA / "kiosks.geojson").set_index("site_id")
    kiosk = kiosks.geometry.loc[str(change["kiosk"])]
    assert kiosk.distance(shapely.Point(float(str(change["lon"])), float(str(change["lat"])))) < 0.001
    start = (pd.Timestamp(str(change["from"])) - pd.Timestamp("2023-12-01")).days
    here = near(requests, change, 100)["day"]
    year = here.between(start - 365, start - 1).sum(), here.between(start, start + 364).sum()
    assert year[1] < 0.55 * year[0]


def test_some_hotspots_drift(requests: pd.DataFrame, changes: dict[str, dict[str, object]]) -> None:
    drifting = [change for change in changes.values() if change["kind"] == "drifting"]
    assert len(drifting) == 5
    moved = []
    for change in drifting:
        way = np.array([change["drift_east_m"], change["drift_north_m"]], dtype=float)
        here = near(requests, change, 300)
        first, last = (
            here.loc[rows, ["x", "y"]].median().to_numpy() for rows in (here["day"] < 150, here["day"] > 670)
        )
        moved.append(float((last - first) @ way / np.hypot(*way)))
    assert np.median(moved) > 60


def test_the_truth_expects_what_was_reported(requests: pd.DataFrame) -> None:
    truth = pd.read_parquet(DATA / "truth" / "intensity.parquet")
    needles = truth[(truth["kind"] == "needle") & (truth["quarter"] == "2025Q3")]
    corner = needles[["x_m", "y_m"]].astype("int64") // CELL_M
    cell = corner["x_m"] * 1_000_000 + corner["y_m"]
    expected = needles.groupby(cell)["rate"].sum() * 92
    seen = requests[requests["opened"].between("2025-07-01", "2025-10-01")]["cell"].value_counts()
    both = pd.concat([expected.rename("expected"), seen.rename("seen")], axis=1).fillna(0.0)
    assert both["expected"].sum() == pytest.approx(both["seen"].sum(), rel=0.1)
    assert both.corr().iloc[0, 1] > 0.9


# --- overdoses and sweeps ------------------------------------------------------------------------------------------


def test_overdoses_are_related_to_needles_but_not_the_same(requests: pd.DataFrame) -> None:
    calls = pd.read_csv(DATA / "overdose_calls.csv.gz", dtype=str, keep_default_na=False)
    assert 3.3 < len(calls) / 822 < 4.7
    lost = calls["LATITUDE_X"] == "NA"
    assert 0.04 < lost.mean() < 0.09
    assert calls["DISPOSITION_TEXT"].str.contains("CANCEL|DUPLICATE|FALSE").mean() > 0.03
    placed = calls[~lost]
    x, y = plane(placed["LONGITUDE_X"].astype(float), placed["LATITUDE_X"].astype(float))
    overdoses = pd.Series(np.floor(x / 400) * 1e6 + np.floor(y / 400)).value_counts()
    needles = pd.Series(np.floor(requests["x"] / 400) * 1e6 + np.floor(requests["y"] / 400)).value_counts()
    both = pd.concat([overdoses, needles], axis=1).fillna(0.0)
    assert 0.25 < both.corr("spearman").iloc[0, 1] < 0.9
    assert both.corr().iloc[0, 1] < 0.8


@pytest.mark.shared
def test_overdose_calls_have_the_columns_of_the_real_ones(shared: Path) -> None:
    real = pd.read_csv(shared / "data" / "cincinnati" / "ems_heroin_overdose_2015_2017.csv.gz", nrows=5)
    made = pd.read_csv(DATA / "overdose_calls.csv.gz", nrows=5)
    assert list(made.columns) == list(real.columns)


def test_the_sweep_log_keeps_its_contract_and_counts_zeros(requests: pd.DataFrame) -> None:
    log = pd.read_csv(DATA / "sweep_log.csv.gz").set_index("pickup_id")
    points = gpd.GeoDataFrame(log.drop(columns=["lat", "lon"]), geometry=gpd.points_from_xy(log["lon"], log["lat"]))
    points = points.set_crs("EPSG:4326").assign(at=pd.to_datetime(log["at"], utc=True).dt.as_unit("us"))
    PICKUPS.check(points)
    sweeps = log[log["stream"] == "sweep"]
    assert len(sweeps) > 4_000
    assert 0.3 < (sweeps["needles"] == 0).mean() < 0.75
    assert ((log["needles"] > 0) == (log["outcome"] == "found")).all()
    places = set(gpd.read_file(DATA / "places.geojson")["place_id"])
    assert set(log["place_id"].dropna()) <= places


def test_sweeps_find_more_where_more_is_reported(requests: pd.DataFrame) -> None:
    log = pd.read_csv(DATA / "sweep_log.csv.gz").query("stream == 'sweep'")
    x, y = plane(log["lon"], log["lat"])
    around = cKDTree(requests[["x", "y"]].to_numpy()).query_ball_point(np.column_stack([x, y]), 60, return_length=True)
    assert pd.Series(around).corr(log["needles"].reset_index(drop=True), method="spearman") > 0.3
