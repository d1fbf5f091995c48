"""From centre lines to a street network: where lines meet there is a node, and every edge knows what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely.geometry import LineString

from sweepplan.demo.lines import Way
from sweepplan.demo.plan import TownPlan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Edge = dict[Any, Any]

_MERGE_M = 21.0
_STUB_M = 32.0
_DROPPED = {"organic": 0.02, "dense": 0.03, "grid": 0.07, "loop": 0.2, "shore": 0.0}
_ANCHORED = ("arterial", "ramp", "pier", "island", "shore")


@dataclass(frozen=True, eq=False)
class Network:
    """Streets of the town.

    Attributes
    ----------
    xy : shape (n, 2), nodes on the plane.
    edges : one row an edge: ``u``, ``v`` (rows of ``xy``), ``geometry`` (LineString from u to v), ``name``,
        ``highway``, ``oneway`` (0 both ways, 1 from u to v), ``district`` (-1 = none), ``style``.
    """

    xy: Floats
    edges: pd.DataFrame


def noded(ways: list[Way]) -> Network:
    """Cut all lines where they meet; near nodes become one, at an arterial where one passes."""
    union = shapely.union_all([way.line for way in ways], grid_size=0.1)
    pieces = np.array([p for p in shapely.get_parts(union) if p.length > 0.5])
    pieces = pieces[np.lexsort(np.round(shapely.bounds(pieces), 1).T)]
    owner = _owners(pieces, ways)
    ends = np.round(np.vstack([shapely.get_coordinates(shapely.get_point(pieces, k)) for k in (0, -1)]), 1)
    xy, rows = np.unique(ends, axis=0, return_inverse=True)
    rows = rows.ravel()
    edges = pd.DataFrame({"u": rows[: len(pieces)], "v": rows[len(pieces) :], "geometry": pieces})
    for column in ("name", "highway", "oneway", "district", "style"):
        edges[column] = [getattr(ways[k], column) for k in owner]
    edges["oneway"] *= [_same_way(p, ways[k].line) for p, k in zip(pieces, owner, strict=True)]
    return merged(Network(np.asarray(xy, dtype=np.float64), _forward(edges)))


def merged(network: Network) -> Network:
    """Make one node of nodes that lie within some 20 m; anchored ones keep their place."""
    edges, n = network.edges, len(network.xy)
    firm = np.zeros(n, dtype=bool)
    firm[edges.loc[edges["style"].isin(_ANCHORED), ["u", "v"]].to_numpy().ravel()] = True
    frozen = np.zeros(n, dtype=bool)
    frozen[edges.loc[edges["style"] == "ramp", ["u", "v"]].to_numpy().ravel()] = True
    pairs = cKDTree(network.xy).query_pairs(_MERGE_M, output_type="ndarray")
    pairs = pairs[~frozen[pairs].all(axis=1)]
    label = _labels(n, pairs[:, 0], pairs[:, 1])
    weight = np.where(frozen, 1e6, np.where(firm, 1e3, 1.0))
    total = np.bincount(label, weight)
    sums = [np.bincount(label, weight * network.xy[:, k]) for k in (0, 1)]
    xy = np.asarray(np.column_stack(sums) / total[:, None], dtype=np.float64)
    out = edges.assign(u=label[edges["u"]], v=label[edges["v"]])
    length = shapely.length(out["geometry"].to_numpy())
    out = out[(out["u"] != out["v"]) | (length > 120)]
    return Network(xy, _without_twins(_moved(out, xy)))


def thinned(network: Network, plan: TownPlan, seed: int) -> Network:
    """Take away what a real town lacks: streets through parks, beside arterials, stubs, and some at random."""
    edges = network.edges
    shapes = edges["geometry"].to_numpy()
    middle = shapely.line_interpolate_point(shapes, 0.5, normalized=True)
    length = shapely.length(shapes)
    local = ~edges["style"].isin(_ANCHORED)
    parks = shapely.union_all(list(plan.parks.values())).buffer(-6)
    big = shapely.union_all([a.line for a in plan.arterials])
    ends = [shapely.distance(shapely.get_point(shapes, k), big) for k in (0, -1)]
    beside = local & (shapely.distance(middle, big) < 30) & (np.abs(ends[0] - ends[1]) < 0.4 * length)
    through = (local | (edges["style"] == "shore")) & (
        shapely.length(shapely.intersection(shapes, parks)) > 0.35 * length
    )
    kept = edges[~(beside | through)]
    rng = np.random.default_rng([seed, 4])
    drop = rng.random(len(kept)) < kept["style"].map(_DROPPED).fillna(0.0).to_numpy()
    kept = kept[~(drop & (kept["highway"] != "tertiary").to_numpy())]
    return straightened(largest(unstubbed(Network(network.xy, kept))))


def unstubbed(network: Network) -> Network:
    """Take away dead ends that are too short to be streets, until there are none."""
    edges = network.edges
    while True:
        degree = np.bincount(edges[["u", "v"]].to_numpy().ravel(), minlength=len(network.xy))
        length = shapely.length(edges["geometry"].to_numpy())
        dead = (degree[edges["u"]] == 1) | (degree[edges["v"]] == 1)
        stub = dead & (length < _STUB_M) & edges["style"].ne("ramp").to_numpy()
        if not stub.any():
            return Network(network.xy, edges)
        edges = edges[~stub]


def largest(network: Network) -> Network:
    """Keep the largest connected part and the island."""
    edges = network.edges
    label = _labels(len(network.xy), edges["u"].to_numpy(), edges["v"].to_numpy())
    main = np.bincount(label[edges["u"]]).argmax()
    return compact(Network(network.xy, edges[(label[edges["u"]] == main) | (edges["style"] == "island")]))


def compact(network: Network) -> Network:
    """Drop nodes no edge uses."""
    used, rows = np.unique(network.edges[["u", "v"]].to_numpy().T.ravel(), return_inverse=True)
    n = len(network.edges)
    edges = network.edges.assign(u=rows[:n], v=rows[n:]).reset_index(drop=True)
    return Network(network.xy[used], edges)


def straightened(network: Network) -> Network:
    """Dissolve nodes where one street just goes on: two edges of one name, class and direction."""
    edges: dict[int, Edge] = dict(enumerate(network.edges.to_dict("records")))
    at: dict[int, set[int]] = {}
    for k, e in edges.items():
        at.setdefault(e["u"], set()).add(k)
        at.setdefault(e["v"], set()).add(k)
    for node in sorted(at):
        if len(at[node]) != 2:
            continue
        a, b = sorted(at[node])
        joined = _joined(edges[a], edges[b], node)
        if joined is None:
            continue
        edges[a] = joined
        del edges[b]
        other = joined["v"]
        at[other].discard(b)
        at[other].add(a)
        at[joined["u"]].discard(b)
        at[joined["u"]].add(a)
        at[node] = set()
    return compact(Network(network.xy, pd.DataFrame.from_dict(edges, orient="index")))


def jittered(network: Network, seed: int) -> Network:
    """Shake the nodes of local streets by a few metres."""
    edges = network.edges
    firm = np.zeros(len(network.xy), dtype=bool)
    firm[edges.loc[edges["style"].isin(_ANCHORED), ["u", "v"]].to_numpy().ravel()] = True
    shake = np.random.default_rng([seed, 5]).normal(0, 2.5, network.xy.shape)
    xy = network.xy + np.where(firm[:, None], 0.0, shake)
    return Network(xy, _moved(edges, xy))


def _joined(a: Edge, b: Edge, node: int) -> Edge | None:
    same = all(a[key] == b[key] for key in ("name", "highway", "oneway", "style"))
    if not same or a["u"] == a["v"] or b["u"] == b["v"]:
        return None
    first, second = (a, b) if a["v"] == node else (b, a)
    ends = (first["u"] if first["v"] == node else first["v"], second["v"] if second["u"] == node else second["u"])
    if a["oneway"] and not (first["v"] == node and second["u"] == node):
        return None
    if ends[0] == ends[1]:
        return None
    head = _oriented(first, node, last=True)
    tail = _oriented(second, node, last=False)
    line = LineString(np.vstack([head, tail[1:]]))
    return {**a, "u": ends[0], "v": ends[1], "geometry": line.simplify(1.5)}


def _oriented(edge: Edge, node: int, *, last: bool) -> Floats:
    coords: Floats = shapely.get_coordinates(edge["geometry"])
    ends_here = edge["v"] == node
    return coords if ends_here == last else coords[::-1]


def _labels(n: int, u: Ints, v: Ints) -> Ints:
    label = connected_components(coo_array((np.ones(len(u)), (u, v)), shape=(n, n)), directed=False)[1]
    return np.asarray(label, dtype=np.int64)


def _owners(pieces: NDArray[np.object_], ways: list[Way]) -> Ints:
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    lines = np.array([way.line for way in ways])
    major = np.array([k for k, way in enumerate(ways) if way.style in ("arterial", "ramp", "pier", "island")])
    first = major[shapely.STRtree(lines[major]).nearest(middle)]
    any_ = shapely.STRtree(lines).nearest(middle)
    return np.where(shapely.distance(middle, lines[first]) < 0.6, first, any_).astype(np.int64)


def _same_way(piece: LineString, line: LineString) -> int:
    a, b = (line.project(shapely.get_point(piece, k)) for k in (0, -1))
    return 1 if a <= b else -1


def _forward(edges: pd.DataFrame) -> pd.DataFrame:
    """Turn edges against which one may drive, so that ``oneway`` is 0 or 1."""
    back = edges["oneway"].to_numpy() < 0
    shapes = edges["geometry"].to_numpy().copy()
    shapes[back] = shapely.reverse(shapes[back])
    u, v = edges["u"].to_numpy(), edges["v"].to_numpy()
    return edges.assign(u=np.where(back, v, u), v=np.where(back, u, v), geometry=shapes, oneway=edges["oneway"].abs())


def _moved(edges: pd.DataFrame, xy: Floats) -> pd.DataFrame:
    shapes: list[Any] = []
    for u, v, shape in zip(edges["u"], edges["v"], edges["geometry"], strict=True):
        coords = shapely.get_coordinates(shape).copy()
        coords[0], coords[-1] = xy[u], xy[v]
        shapes.append(LineString(coords).simplify(1.5))
    return edges.assign(geometry=shapes)


def _without_twins(edges: pd.DataFrame) -> pd.DataFrame:
    """Of edges between the same two nodes keep the more important one; where one is a detour keep both."""
    low, high = edges[["u", "v"]].min(axis=1), edges[["u", "v"]].max(axis=1)
    size = (shapely.length(edges["geometry"].to_numpy()) / 60).astype(int)
    order = edges["style"].isin(_ANCHORED).rsub(1)
    keyed = edges.assign(low=low, high=high, size=size, order=order).sort_values("order", kind="stable")
    return keyed.drop_duplicates(["low", "high", "size"]).sort_index().drop(columns=["low", "high", "size", "order"])
