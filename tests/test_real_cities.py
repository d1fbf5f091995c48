"""The whole walk on the real streets and reports of two cities; figures are asked of the judge, not of the solver."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from sweepplan import pipeline
from sweepplan.judging import judge_kiosks, judge_sweep
from sweepplan.pipeline import Run, Settings

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module", params=["boston", "cincinnati"])
def done(request: pytest.FixtureRequest, shared: Path) -> Run:
    boston, cincinnati = shared / "data/boston", shared / "data/cincinnati"
    given = {
        "boston": {
            "incidents": boston / "needle_points_2024_2025.csv.gz",
            "feed": "boston311-points",
            "streets": boston / "streets_drive_2022.graphml.gz",
            "walk_streets": boston / "streets_walk_2022.graphml.gz",
            "as_of": "2025-12-20 06:00",
            "depot": (42.3390, -71.0720),
        },
        "cincinnati": {
            "incidents": cincinnati / "ems_heroin_overdose_2015_2017.csv.gz",
            "feed": "cincinnati-ems",
            "streets": cincinnati / "streets_tiger2014.graphml.gz",
            "candidates": cincinnati / "pharmacies_hospitals.csv",
            "as_of": "2017-07-01 06:00",
            "depot": (39.105, -84.515),
        },
    }
    everywhere = {"tz": "America/New_York", "limit": "20it"}
    return pipeline.run(Settings.of({**everywhere, **given[request.param]}))


def test_every_route_keeps_to_the_streets(done: Run) -> None:
    assert done.sweep is not None
    assert len(done.sweep.routes) == 4
    streets = shapely.union_all(done.city.streets.edges.geometry.to_numpy())
    near = shapely.buffer(streets, 0.5) if len(done.city.streets.edges) < 5000 else None
    for route in done.sweep.routes.geometry:
        if near is not None:
            assert route.within(near)
        corners = shapely.points(shapely.get_coordinates(route))
        tree = shapely.STRtree(done.city.streets.edges.geometry.to_numpy())
        assert len(tree.query(corners, predicate="dwithin", distance=0.5)[0]) >= len(corners)


def test_every_request_is_served_in_time_or_named_with_a_reason(done: Run) -> None:
    assert done.sweep is not None
    judged = judge_sweep(done.sweep.day.problem, done.sweep.plan)
    left = done.sweep.stops[done.sweep.stops["crew"].isna()]
    assert judged.n_required_served + len(left) == judged.n_required
    assert left["reason"].notna().all()
    assert judged.needles > 0


def test_the_kiosks_are_proved_optimal(done: Run) -> None:
    assert done.kiosks is not None
    judged = judge_kiosks(done.kiosks.study.problem, done.kiosks.plan)
    assert len(done.kiosks.plan.sites) == 5
    assert judged.gap == 0
    assert 0 < judged.covered <= judged.total


def test_no_overdose_leaves_as_a_point_or_a_small_count(done: Run) -> None:
    shown = dict(done.shown.tables())
    assert "incidents" not in shown
    for name in ("cells", "hotspots"):
        overdoses = shown[name][shown[name]["kind"] == "overdose"]
        assert ((overdoses["n_incidents"] >= 11) | (overdoses["n_incidents"] == 0)).all()
    counts = shown["kiosks"].query("demand_kind == 'overdose'")[["covered", "added"]].stack().dropna()
    assert ((counts >= 11) | (counts == 0)).all()


def test_hotspots_hold_what_was_read(done: Run) -> None:
    areas = done.hotspots[0].areas
    inside = gpd.sjoin(done.city.reports, areas[["geometry"]], predicate="intersects")
    assert len(areas) >= 10
    assert len(inside) / len(done.city.reports) > 0.25
