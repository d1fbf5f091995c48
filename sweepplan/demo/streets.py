"""The town's streets: from the plan to networks one can drive and walk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely.geometry import LineString, Point

from sweepplan.demo import lines, network
from sweepplan.demo.names import Names
from sweepplan.demo.network import Network
from sweepplan.demo.plan import TownPlan

Ints = NDArray[np.int64]

NO_WALK = ("motorway", "motorway_link")
_MAX_BEND_DEG = 38.0


def town_streets(plan: TownPlan, seed: int) -> Network:
    """Return all streets and paths of the town, drivable ones strongly connected but for the island."""
    names = Names(seed)
    ramps = lines.ramp_ways(plan)
    ways = [
        *lines.arterial_ways(plan), *lines.shore_ways(plan), *lines.district_ways(plan, names, seed), *ramps,
    ]  # fmt: skip
    town = network.thinned(network.noded(ways), plan, seed)
    town = _with(town, lines.carriageways(plan, ramps))
    town = network.jittered(_named(town, names), seed)
    return _passable(_with_bridges(_with_paths(town, plan), plan))


def drivable(town: Network) -> Network:
    """Return the streets cars may use."""
    return network.compact(Network(town.xy, town.edges[town.edges["highway"] != "footway"]))


def walkable(town: Network) -> Network:
    """Return the streets and paths on which one may walk, in both directions."""
    edges = town.edges[~town.edges["highway"].isin(NO_WALK)]
    return network.compact(Network(town.xy, edges.assign(oneway=0)))


def _with(town: Network, ways: list[lines.Way]) -> Network:
    """Add ways whose ends are nodes already, or become nodes where there is none within 8 m."""
    xy = [tuple(at) for at in town.xy]
    rows = []
    for way in ways:
        ends = []
        for at in (way.line.coords[0], way.line.coords[-1]):
            near = np.hypot(*(np.array(xy) - at).T)
            if near.min() > 8.0:
                xy.append((float(at[0]), float(at[1])))
                near = np.r_[near, 0.0]
            ends.append(int(near.argmin()))
        line = LineString([xy[ends[0]], *way.line.coords[1:-1], xy[ends[1]]])
        rows.append((ends[0], ends[1], line, way.name, way.highway, way.oneway, way.district, way.style))
    more = pd.DataFrame(rows, columns=["u", "v", "geometry", "name", "highway", "oneway", "district", "style"])
    return Network(np.array(xy), pd.concat([town.edges[more.columns], more], ignore_index=True))


def _with_paths(town: Network, plan: TownPlan) -> Network:
    """Lay footpaths from the streets around each large park to its middle, and the footbridges."""
    walk = town.edges[~town.edges["highway"].isin(NO_WALK)]
    nodes = np.unique(walk[["u", "v"]].to_numpy())
    tree = cKDTree(town.xy[nodes])
    ways = []
    for name, park in plan.parks.items():
        middle = park.centroid
        ring = park.buffer(4).exterior
        gates = {
            int(nodes[tree.query(ring.interpolate(f, normalized=True).coords[0])[1]]) for f in np.arange(0, 1, 1 / 6)
        }
        for gate in sorted(gates):
            if park.distance(Point(town.xy[gate])) < 90:
                bow = _bowed(Point(town.xy[gate]), middle)
                ways.append(lines.Way(bow, f"{name} Path", "footway", style="foot"))
    for bridge in lines.path_ways(plan):
        a, b = (town.xy[nodes[tree.query(end)[1]]] for end in (bridge.line.coords[0], bridge.line.coords[-1]))
        ways.append(lines.Way(LineString([a, b]), bridge.name, "footway", style="foot"))
    return _with(town, ways)


def _bowed(a: Point, b: Point) -> LineString:
    dx, dy = b.x - a.x, b.y - a.y
    return LineString([(a.x, a.y), ((a.x + b.x) / 2 - 0.08 * dy, (a.y + b.y) / 2 + 0.08 * dx), (b.x, b.y)])


def _named(town: Network, names: Names) -> Network:
    """Name streets that have no name yet: edges that go on without a bend are one street."""
    edges = town.edges
    bare = edges.index[(edges["name"] == "") & edges["highway"].ne("motorway_link")].to_numpy()
    pairs = [pair for bearings in _bearings(town, bare).values() for pair in _straight_pairs(bearings)]
    row = {k: i for i, k in enumerate(bare)}
    u, v = (np.array([row[pair[side]] for pair in pairs], dtype=np.int64) for side in (0, 1))
    label = connected_components(coo_array((np.ones(len(u)), (u, v)), shape=(len(bare),) * 2), directed=False)[1]
    given = [names.take("organic") for _ in range(int(label.max(initial=-1)) + 1)]
    out = edges.copy()
    out.loc[bare, "name"] = [given[k] for k in label]
    return Network(town.xy, out)


def _bearings(town: Network, rows: Ints) -> dict[int, dict[int, float]]:
    """Return for each node the edges among ``rows`` that meet there, and their direction from it, degrees."""
    ends = town.edges.loc[rows, ["u", "v"]].to_numpy()
    at: dict[int, dict[int, float]] = {}
    for k, (u, v) in zip(rows, ends, strict=True):
        for here, far in ((u, v), (v, u)):
            dx, dy = town.xy[far] - town.xy[here]
            at.setdefault(int(here), {})[int(k)] = float(np.degrees(np.arctan2(dy, dx)))
    return at


def _straight_pairs(bearings: dict[int, float]) -> list[tuple[int, int]]:
    """Return the pairs of edges at one node that continue each other, straightest first, each edge once.

    Examples
    --------
    >>> _straight_pairs({1: 0.0, 2: 90.0, 3: 175.0})
    [(1, 3)]
    """
    bends = sorted(
        (abs(180 - abs((bearings[a] - bearings[b] + 180) % 360 - 180)), a, b)
        for a in bearings
        for b in bearings
        if a < b
    )
    pairs: list[tuple[int, int]] = []
    for bend, a, b in bends:
        if bend < _MAX_BEND_DEG and not any({a, b} & set(pair) for pair in pairs):
            pairs.append((a, b))
    return pairs


def _passable(town: Network) -> Network:
    """Open one-way streets for both directions until every street but the island's can be reached and left."""
    edges = town.edges.copy()
    cars = edges["highway"].ne("footway") & edges["style"].ne("island")
    for _ in range(30):
        some = edges[cars]
        u = np.r_[some["u"], some["v"][some["oneway"] == 0]]
        v = np.r_[some["v"], some["u"][some["oneway"] == 0]]
        n = len(town.xy)
        label = connected_components(coo_array((np.ones(len(u)), (u, v)), shape=(n, n)), connection="strong")[1]
        used = np.unique(some[["u", "v"]].to_numpy())
        main = np.bincount(label[used]).argmax()
        odd = cars & ((label[edges["u"]] != main) | (label[edges["v"]] != main)) & ~edges["highway"].isin(NO_WALK)
        if not odd.any():
            break
        edges.loc[odd, "oneway"] = 0
    return Network(town.xy, edges)


def _with_bridges(town: Network, plan: TownPlan) -> Network:
    """Say of each edge whether it is a bridge: it crosses water."""
    dry = shapely.buffer(plan.land, 1.0)
    wet = ~shapely.covered_by(town.edges["geometry"].to_numpy(), dry)
    return Network(town.xy, town.edges.assign(bridge=wet))
