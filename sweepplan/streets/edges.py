"""Graph → nodes and directed edges on the area's plane."""

from __future__ import annotations

import logging
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, Literal

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from sweepplan.errors import StreetsError
from sweepplan.geo import WGS84, Area, Floats
from sweepplan.streets.read import node_lonlat
from sweepplan.streets.tags import (
    CITY_FACTOR,
    UNNAMED,
    WALK_MS,
    classes,
    may_drive,
    may_walk,
    name_of,
    posted_kph,
    way_ids,
)

Mode = Literal["drive", "walk"]
Ints = NDArray[np.int64]

_LOG = logging.getLogger(__name__)
_MAY = {"drive": may_drive, "walk": may_walk}


def edge_table(
    graph: nx.MultiDiGraph[int], area: Area, mode: Mode, speed_ms: float | None, city_factor: float = CITY_FACTOR
) -> tuple[Ints, Floats, gpd.GeoDataFrame]:
    """Return node ids of the graph, their places on the plane, shape (n, 2), and the directed edges.

    Parameters
    ----------
    graph : checked, in degrees.
    speed_ms : one speed for all streets; None: by mode, street class and posted speed.
    city_factor : share of the posted speed that a van makes good.

    Returns
    -------
    The third: ``u, v`` (rows of the nodes), ``length_m``, ``travel_ms >= 1``, ``name``, ``highway``, ``reverse`` (the
    same street the other way, -1 = none), ``street`` (shared by both directions), ``ways`` (ids in OpenStreetMap),
    geometry from u to v.

    Raises
    ------
    StreetsError
        No street is left for this mode.
    """
    ids, raw = _allowed(graph, mode, city_factor)
    to_plane = Transformer.from_crs(WGS84, area.crs, always_xy=True)
    xy = np.column_stack(to_plane.transform(*node_lonlat(graph).T))
    edges = gpd.GeoDataFrame(raw, geometry=_lines(raw, xy, to_plane), crs=area.crs).drop(columns="line")
    used, rows = np.unique(edges[["u", "v"]].to_numpy(), return_inverse=True)
    edges[["u", "v"]] = rows.reshape(-1, 2)
    edges["length_m"] = edges["length_m"].fillna(edges.geometry.length)
    speed = edges.pop("speed_ms") if speed_ms is None else pd.Series(speed_ms, index=edges.index)
    edges = edges.drop(columns="speed_ms", errors="ignore")
    edges["travel_ms"] = np.maximum(1, np.rint(edges["length_m"] / speed * 1000)).astype(np.int64)
    edges = _with_streets(edges)
    if mode == "walk":
        edges = _both_ways(edges)
    return ids[used], xy[used], edges


def without(edges: gpd.GeoDataFrame, names: Collection[str]) -> gpd.GeoDataFrame:
    """Return the edges but for the streets of these names; the other direction of an edge is found anew.

    Raises
    ------
    StreetsError
        No street bears a name, or none is left.
    """
    known = {part.casefold(): part for name in edges["name"].unique() for part in str(name).split(" / ")}
    asked = {" ".join(name.split()).casefold(): name for name in names}
    for plain, name in asked.items():
        if plain not in known or known[plain] == UNNAMED:
            near = [known[each] for each in get_close_matches(plain, known, 3) if known[each] != UNNAMED]
            raise StreetsError(
                f"no street {name!r} on the network: " + (f"is it {' or '.join(near)}?" if near else "see its spelling")
            )
    shut = [any(part.casefold() in asked for part in str(name).split(" / ")) for name in edges["name"]]
    kept = np.flatnonzero(~np.array(shut))
    if not kept.size:
        raise StreetsError("every street is blocked: leave some open")
    row = np.full(len(edges) + 1, -1)
    row[kept] = np.arange(kept.size)
    left = edges.iloc[kept].reset_index(drop=True)
    return left.assign(reverse=row[left["reverse"].to_numpy()])


def _allowed(graph: nx.MultiDiGraph[int], mode: Mode, city_factor: float) -> tuple[Ints, pd.DataFrame]:
    ids = np.array(list(graph), dtype=np.int64)
    row_of = {node: row for row, node in enumerate(graph)}
    rows = [
        (
            row_of[u],
            row_of[v],
            float(tags.get("length", np.nan)),
            _speed_ms(tags, mode, city_factor),
            name_of(tags),
            tags,
        )
        for u, v, tags in graph.edges(data=True)
        if _MAY[mode](tags)
    ]
    if not rows:
        raise StreetsError(f"none of the {graph.number_of_edges()} edges is open to mode {mode!r}: give other streets")
    raw = pd.DataFrame(rows, columns=["u", "v", "length_m", "speed_ms", "name", "tags"])
    tags = raw.pop("tags")
    return ids, raw.assign(
        highway=[classes(t)[0] for t in tags],
        ways=pd.Series([way_ids(t) for t in tags], dtype=object),
        line=[t.get("geometry") for t in tags],
    )


def _speed_ms(tags: dict[str, Any], mode: Mode, city_factor: float) -> float:
    return WALK_MS if mode == "walk" else posted_kph(tags) / 3.6 * city_factor


def _lines(raw: pd.DataFrame, xy: Floats, to_plane: Transformer) -> NDArray[np.object_]:
    """Return each edge's line on the plane, from its u to its v, straight where the graph has none."""
    ends = xy[raw[["u", "v"]].to_numpy()]
    lines: NDArray[np.object_] = shapely.linestrings(ends)
    given = raw["line"].notna().to_numpy()
    shapes = shapely.force_2d(raw["line"].to_numpy(dtype=object)[given])
    shapes = shapely.transform(shapes, lambda lonlat: np.column_stack(to_plane.transform(*lonlat.T)))
    starts = shapely.get_coordinates(shapely.get_point(shapes, 0))
    u, v = ends[given, 0], ends[given, 1]
    turned = np.hypot(*(starts - v).T) < np.hypot(*(starts - u).T)
    lines[given] = np.where(turned, shapely.reverse(shapes), shapes)
    return lines


def _with_streets(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give the streets numbers and pair the two directions of each; of one edge listed twice keep the faster.

    Two edges are one street where they join the same nodes along the same line, to the centimetre.
    """
    rounded = shapely.transform(edges.geometry.to_numpy(), lambda xy: np.round(xy, 2) + 0.0)
    key = pd.DataFrame(
        {
            "low": edges[["u", "v"]].min(axis=1),
            "high": edges[["u", "v"]].max(axis=1),
            "line": shapely.to_wkb(shapely.normalize(rounded)),
        }
    )
    loop = (edges["u"] == edges["v"]).to_numpy()
    edges["ahead"] = np.where(loop, shapely.is_ccw(edges.geometry.to_numpy()), edges["u"] < edges["v"])
    edges["street"] = key.groupby(["low", "high", "line"], sort=False).ngroup()
    kept = edges.sort_values("travel_ms", kind="stable").drop_duplicates(["street", "ahead"]).sort_index()
    if len(kept) < len(edges):
        _LOG.info("%d edges listed twice: the faster is kept", len(edges) - len(kept))
    kept = kept.reset_index(drop=True)
    partner = kept.merge(kept.reset_index()[["street", "ahead", "index"]].assign(ahead=~kept["ahead"]), how="left")
    return kept.assign(reverse=partner["index"].fillna(-1).astype(np.int64)).drop(columns="ahead")


def _both_ways(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add the missing direction of every one-way: nobody on foot is bound by it."""
    lone = edges.index[edges["reverse"] < 0]
    added = edges.loc[lone].rename(columns={"u": "v", "v": "u"})
    added = added.assign(reverse=lone.to_numpy(), geometry=shapely.reverse(added.geometry.to_numpy()))
    edges.loc[lone, "reverse"] = len(edges) + np.arange(len(lone))
    return gpd.GeoDataFrame(pd.concat([edges, added], ignore_index=True), crs=edges.crs)
