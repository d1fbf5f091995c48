"""How long walking distances take, 50,000 points to 2,000 sites, beside scipy's Dijkstra on a graph of them all.

By hand, in CPU seconds:
``pytest tests/benchmarks/test_walks_speed.py -o addopts="" --benchmark-enable --benchmark-timer=time.process_time``
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from sweepplan.streets import StreetNetwork, area_of, read_graph

pytestmark = [pytest.mark.shared, pytest.mark.benchmark(group="walks")]
BOUND_S = 2.0
"""CPU seconds within which a city's walks are to be known."""


@pytest.fixture(scope="module")
def city(shared):
    """Cincinnati's streets on foot, and made-up points and sites along them."""
    graph = read_graph(shared / "data/cincinnati/streets_tiger2014.graphml.gz")
    area = area_of(graph, tz="America/New_York", name="Cincinnati")
    walk = StreetNetwork.from_graph(graph, area, "walk")
    dice = np.random.default_rng(7)
    snaps = []
    for n in (50_000, 2_000):
        lines = walk.edges.geometry.to_numpy()[dice.integers(0, len(walk.edges), n)]
        spots = shapely.line_interpolate_point(lines, dice.random(n), normalized=True)
        snaps.append(walk.snap(gpd.GeoSeries(spots, crs=area.crs), limit_m=100))
    return walk, *snaps


@pytest.mark.parametrize("reach_m", [200.0, 400.0])
def test_sweepplan(benchmark, city, reach_m):
    walk, points, sites = city
    pairs, _, _ = benchmark.pedantic(walk.within, (points, sites, reach_m), rounds=3)
    benchmark.extra_info["pairs"] = len(pairs)
    if benchmark.stats is not None:
        assert benchmark.stats["min"] < BOUND_S


def with_spots(walk, *snaps):
    """Return the streets as a graph of lengths in which every spot is a node: corners first, then the spots."""
    edge = np.concatenate([each.edge for each in snaps])
    offset = np.concatenate([each.offset_m for each in snaps])
    n, ends = len(walk.node_id), walk.edges[["u", "v"]].to_numpy()
    length, street = walk.edges["length_m"].to_numpy(), walk.edges["street"].to_numpy()
    once = np.unique(street, return_index=True)[1]
    first = once[np.searchsorted(street[once], street[edge])]
    along = np.where(first == edge, offset, length[edge] - offset)
    row = np.concatenate([once, first, once])
    at = np.concatenate([np.zeros(once.size), along, length[once]])
    node = np.concatenate([ends[once, 0], n + np.arange(edge.size), ends[once, 1]])
    order = np.lexsort((np.arange(row.size), at, row))
    row, at, node = row[order], at[order], node[order]
    joined = row[1:] == row[:-1]
    step = np.maximum(np.diff(at)[joined], 1e-9)
    size = n + edge.size
    links = pd.DataFrame({"a": node[:-1][joined], "b": node[1:][joined], "m": step}).groupby(["a", "b"])["m"].min()
    a, b = (links.index.get_level_values(name).to_numpy() for name in ("a", "b"))
    return csr_array((links.to_numpy(), (a, b)), shape=(size, size))


@pytest.mark.parametrize("reach_m", [200.0, 400.0])
def test_scipy(benchmark, city, reach_m):
    walk, points, sites = city
    n = len(walk.node_id)

    def pairs():
        graph, found = with_spots(walk, points, sites), 0
        for some in np.array_split(n + len(points) + np.arange(len(sites)), 20):
            walks_m = dijkstra(graph, directed=False, indices=some, limit=reach_m + 1e-4)
            found += int(np.isfinite(walks_m[:, n : n + len(points)]).sum())
        return found

    found = benchmark.pedantic(pairs, rounds=1)
    assert found == pytest.approx(len(walk.within(points, sites, reach_m)[0]), rel=1e-3)
