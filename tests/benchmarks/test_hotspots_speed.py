"""How long hotspots take on many reports, in seconds of the processor, by hand:

python -m pytest tests/benchmarks/test_hotspots_speed.py --benchmark-enable -o addopts=""
"""

import time

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from sweepplan.hotspots import Clusters, Cube, Grid
from sweepplan.hotspots.clusters import _labels, _near_dense, _outlines
from sweepplan.hotspots.emerging import hot_and_cold, patterns
from sweepplan.hotspots.significance import gi_star

pytestmark = pytest.mark.benchmark(timer=time.process_time)

SIDE_M, N_DAYS, FIRST_DAY = 15_000, 800, 19_000
AS_OF_DAY = FIRST_DAY + N_DAYS


def city(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points in metres, shape (n, 2), three in five of them around 400 centres of unlike weight; and their days."""
    rng = np.random.default_rng(0)
    weight = rng.lognormal(0, 1.2, 400)
    centre = rng.uniform(0, SIDE_M, (400, 2))[rng.choice(400, n, p=weight / weight.sum())]
    points = centre + rng.normal(0, 60, (n, 2))
    alone = rng.random(n) < 0.4
    points[alone] = rng.uniform(0, SIDE_M, (int(alone.sum()), 2))
    return np.clip(points, 0, SIDE_M - 1), rng.integers(FIRST_DAY, AS_OF_DAY, n)


def cube(points: np.ndarray, day: np.ndarray) -> Cube:
    grid = Grid.over((0, 0, SIDE_M - 1, SIDE_M - 1), 100)
    return Cube.of(grid.cell_of(*points.T), day, np.ones(len(day), dtype=np.int64), grid)


def gathered(points: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and weights of 10 m cells."""
    grid = Grid.over((0, 0, SIDE_M - 1, SIDE_M - 1), 10)
    cell, of_point = np.unique(grid.cell_of(*points.T), return_inverse=True)
    return grid.centres_of(cell), np.bincount(of_point, weight)


@pytest.mark.parametrize("n", [10**6, 10**7])
def test_build(benchmark, n: int) -> None:
    points, day = city(n)
    built = benchmark.pedantic(cube, (points, day), rounds=2)
    assert built.count.sum() == n


@pytest.mark.parametrize("n", [10**6, 10**7])
@pytest.mark.parametrize("days", [7, 28, 365])
def test_window(benchmark, n: int, days: int) -> None:
    built = cube(*city(n))
    assert benchmark(built.counts, AS_OF_DAY - days, AS_OF_DAY).sum() == pytest.approx(n * days / N_DAYS, rel=0.02)


@pytest.mark.parametrize("n", [10**6, 10**7])
def test_decayed(benchmark, n: int) -> None:
    built = cube(*city(n))
    assert benchmark(built.decayed, AS_OF_DAY, 91).sum() > 0


@pytest.mark.parametrize("n", [10**5, 10**6, 10**7])
def test_clusters(benchmark, n: int) -> None:
    points, day = city(n)
    weight = np.exp2(-(AS_OF_DAY - day) / 91)
    found = benchmark.pedantic(lambda: _outlines(*gathered(points, weight), Clusters()), rounds=1)
    assert len(found) > 5


@pytest.mark.parametrize("n", [10**4, 3 * 10**4, 10**5])
@pytest.mark.parametrize("how", ["10 m cells", "raw points"])
def test_cells_against_raw_points(benchmark, n: int, how: str) -> None:
    points, _ = city(n)
    least = 0.003 * n

    def raw() -> np.ndarray:
        return DBSCAN(eps=60, min_samples=round(least)).fit(points).labels_

    def cells() -> np.ndarray:
        centres, weight = gathered(points, np.ones(n))
        near = _near_dense(centres, weight, least, 60)
        return _labels(centres[near], weight[near] / least, 60)

    assert benchmark.pedantic(raw if how == "raw points" else cells, rounds=2).max() >= 0


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6, 10**7])
def test_emerging(benchmark, n: int) -> None:
    built = cube(*city(n))
    weeks = built.windows(range(AS_OF_DAY - 52 * 7, AS_OF_DAY + 1, 7)).reshape(52, built.grid.n_y, built.grid.n_x)
    found = benchmark.pedantic(lambda: patterns(*hot_and_cold(weeks)), rounds=2)
    assert (found != "").any()


@pytest.mark.parametrize("how", ["convolution", "esda"])
def test_gi_star(benchmark, how: str) -> None:
    """One window of a year: z-scores through running sums, and through a matrix of weights."""
    built = cube(*city(10**6))
    counts = built.counts(AS_OF_DAY - 365, AS_OF_DAY).reshape(built.grid.n_y, built.grid.n_x)
    if how == "convolution":
        benchmark(gi_star, counts)
        return
    esda, weights = pytest.importorskip("esda"), pytest.importorskip("libpysal").weights
    star = weights.fill_diagonal(weights.lat2W(*counts.shape, rook=False), 1)
    benchmark.pedantic(lambda: esda.G_Local(counts.ravel(), star, transform="B", star=True, permutations=0), rounds=1)


@pytest.mark.parametrize("how", ["grid", "h3 loop"])
def test_cells_of_points(benchmark, how: str) -> None:
    points, _ = city(10**5)
    lat, lon = 42.3 + points[:, 1] / 111_000, -71.1 + points[:, 0] / 82_000
    if how == "grid":
        benchmark(Grid.over((0, 0, SIDE_M - 1, SIDE_M - 1), 100).cell_of, *points.T)
        return
    h3 = pytest.importorskip("h3")
    benchmark.pedantic(lambda: [h3.latlng_to_cell(a, b, 10) for a, b in zip(lat, lon, strict=True)], rounds=1)
