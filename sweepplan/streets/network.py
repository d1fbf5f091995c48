"""The street network of an area, for one mode: snap, travel times, distances, ways along the streets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from shapely import STRtree
from shapely.geometry import LineString
from shapely.ops import substring

from sweepplan.errors import StreetsError
from sweepplan.geo import WGS84, Area, Floats, require_same_plane
from sweepplan.streets.download import download_graph
from sweepplan.streets.edges import Ints, Mode, edge_table
from sweepplan.streets.read import check_graph, node_lonlat, read_graph
from sweepplan.streets.tags import NOT_SWEPT
from sweepplan.streets.ways import Piece, Spots, Ways
from sweepplan.tables import PLACES, STREETS

END_M = 0.01
"""A point that falls on a street so near to its end, in metres, stands at the corner."""

MILLI = 1000

AREA_MARGIN_M = 150.0
"""What lies so near to a street, in metres, belongs to its network's area."""


@dataclass(frozen=True, eq=False)
class Snaps:
    """Where points lie on the edges of one :class:`StreetNetwork`.

    Attributes
    ----------
    edge : shape (n,), row of ``StreetNetwork.edges``; -1 = no street within the limit.
    offset_m : shape (n,), metres along the edge from its u, ``0 <= offset_m <= length_m``.
    distance_m : shape (n,), metres from point to edge; ``inf`` where there is none.
    """

    edge: Ints
    offset_m: Floats
    distance_m: Floats

    def __len__(self) -> int:
        return int(self.edge.size)

    def __getitem__(self, rows: ArrayLike | slice) -> Snaps:
        """Return the snaps of ``rows`` (indices, mask or slice); one index gives snaps of length 1."""
        at = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        return Snaps(self.edge[at], self.offset_m[at], self.distance_m[at])


@dataclass(frozen=True, eq=False)
class Leg:
    """The way from one point to another.

    Attributes
    ----------
    geometry : along the streets, on the plane; two equal points where nothing has to be travelled.
    travel_s, length_m : as ``StreetNetwork.travel_s`` says to the millisecond; metres along the streets.
    steps : (street name, metres) in order, neighbours of one name merged.
    """

    geometry: LineString
    travel_s: float
    length_m: float
    steps: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class StreetNetwork:
    """Streets of an area for one mode.

    Attributes
    ----------
    node_id : shape (nodes,), the node's id in the graph it came from.
    node_xy : shape (nodes, 2), on the plane.
    edges : one row per direction of a street: ``u, v`` (rows of the nodes), ``length_m``, ``travel_ms`` (whole, >= 1),
        ``name``, ``highway``, ``reverse`` (row of the other direction, -1 = one-way), ``street`` (shared by both
        directions), geometry from u to v on the plane.
    """

    area: Area
    mode: Mode
    node_id: Ints
    node_xy: Floats
    edges: gpd.GeoDataFrame
    _time: Ways = field(repr=False)
    _length: Ways = field(repr=False)
    _tree: STRtree = field(repr=False)
    _edge_of_tree: Ints = field(repr=False)

    @classmethod
    def load(
        cls, path: str | Path, area: Area, mode: Mode = "drive", *, speed_ms: float | None = None
    ) -> StreetNetwork:
        """Read GraphML, see :func:`read_graph`, and make the network of it, see :meth:`from_graph`."""
        return cls.from_graph(read_graph(path), area, mode, speed_ms=speed_ms)

    @classmethod
    def from_graph(
        cls, graph: nx.MultiDiGraph[int], area: Area, mode: Mode = "drive", *, speed_ms: float | None = None
    ) -> StreetNetwork:
        """Make the network of a graph as osmnx makes it.

        Parameters
        ----------
        graph : nodes with ``x``, ``y`` in degrees (or the graph's ``crs``), edges with ``length``, ``highway``,
            ``maxspeed``, ``name``, ``geometry`` where known.
        mode : "drive" obeys one-ways and leaves out footways; "walk" goes both ways everywhere and leaves out
            motorways, their ramps, and what is closed to people on foot.
        speed_ms : one speed for all streets, e.g. of a cargo bike; None: 1.3 on foot, the posted speed times
            ``CITY_FACTOR`` in a van.

        Raises
        ------
        StreetsError
            The graph cannot be used, no street is open to the mode, or none is near the area.
        """
        if mode not in ("drive", "walk"):
            raise StreetsError(f"mode {mode!r}: give 'drive' or 'walk'")
        if speed_ms is not None and not 0 < speed_ms < np.inf:
            raise StreetsError(f"speed_ms {speed_ms}: give metres a second > 0")
        graph = check_graph(graph, name="the street network")
        node_id, node_xy, edges = edge_table(graph, area, mode, speed_ms)
        _require_overlap(node_xy, area.boundary.bounds, f"the area {area.name!r}", area.crs)
        u, v, reverse = (edges[name].to_numpy(np.int64) for name in ("u", "v", "reverse"))
        length_mm = np.maximum(1, np.rint(edges["length_m"] * MILLI)).to_numpy(np.int64)
        time = Ways.of(u, v, edges["travel_ms"].to_numpy(np.int64), reverse, n_nodes=len(node_id))
        length = Ways.of(u, v, length_mm, reverse, n_nodes=len(node_id))
        once = edges.drop_duplicates("street").index.to_numpy()
        tree = STRtree(edges.geometry.to_numpy()[once])
        return cls(area, mode, node_id, node_xy, edges, time, length, tree, once)

    @classmethod
    def download(
        cls,
        place: str,
        *,
        tz: str,
        mode: Mode = "drive",
        overpass_url: str | None = None,
        nominatim_url: str | None = None,
    ) -> StreetNetwork:
        """Download the streets of ``place``, see :func:`download_graph`, on an area made around them."""
        graph = download_graph(place, mode, overpass_url=overpass_url, nominatim_url=nominatim_url)
        return cls.from_graph(graph, area_of(graph, tz=tz, name=place), mode)

    @property
    def csr(self) -> csr_matrix:
        """Travel time from node to node along one edge, whole milliseconds >= 1, the least over parallel edges."""
        return self._time.csr

    @property
    def components(self) -> Ints:
        """Strongly connected component of every node: within one, everybody can get everywhere and back."""
        return np.asarray(connected_components(self.csr, connection="strong")[1], dtype=np.int64)

    @property
    def largest_share(self) -> float:
        """Share of the nodes in the largest strongly connected component, 0 to 1."""
        return float(np.bincount(self.components).max() / len(self.node_id))

    def snap(self, points: gpd.GeoSeries | gpd.GeoDataFrame, *, limit_m: float = 100.0, joined: bool = False) -> Snaps:
        """Return where each point lies on the nearest street, at most ``limit_m`` away.

        An empty point, or one without finite coordinates, lies nowhere (edge -1).

        Parameters
        ----------
        joined : only streets of the largest strongly connected component: a depot nobody can come back to is none.

        Raises
        ------
        CrsError
            The points lie on another plane than the network.
        StreetsError
            ``limit_m`` is no distance, a shape is no point, or the points lie clear of the whole network.
        """
        if not 0 < limit_m < np.inf:
            raise StreetsError(f"limit_m {limit_m}: give metres > 0")
        require_same_plane(self.area.crs, points=points)
        shapes = points.geometry.to_numpy()
        if not np.isin(shapely.get_type_id(shapes), (-1, 0)).all():
            raise StreetsError("only points can be snapped to streets: give e.g. table.representative_point()")
        xy = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
        there = np.flatnonzero(np.isfinite(xy).all(axis=1))
        if there.size:
            _require_overlap(self.node_xy, _around(xy[there], limit_m), "the points", self.area.crs)
        tree, edge_of_tree = self._joined_tree() if joined else (self._tree, self._edge_of_tree)
        (row, near), distance = tree.query_nearest(
            shapes[there], max_distance=limit_m, all_matches=False, return_distance=True
        )
        edge, offset, away = np.full(len(xy), -1), np.zeros(len(xy)), np.full(len(xy), np.inf)
        at = there[row]
        edge[at], away[at] = edge_of_tree[near], distance
        offset[at] = self._offset(edge[at], shapes[at])
        return Snaps(edge.astype(np.int64), offset, away)

    def travel_s(self, origins: Snaps, destinations: Snaps | None = None) -> Floats:
        """Return travel times in seconds, exact to the millisecond, shape (n, m), row from, column to.

        ``inf`` where there is no way, or a point lies on no street. Without ``destinations``: between all origins.
        """
        a = self._spots(self._time, origins)
        b = a if destinations is None else self._spots(self._time, destinations)
        return self._time.matrix(a, b) / MILLI

    def within(self, origins: Snaps, destinations: Snaps, limit_m: float) -> tuple[Ints, Ints, Floats]:
        """Return every pair whose distance along the network is ``<= limit_m``: origin, destination, metres.

        Ordered by origin, then destination; exact to the millimetre.

        Raises
        ------
        StreetsError
            ``limit_m`` is no distance.
        """
        if not 0 < limit_m < np.inf:
            raise StreetsError(f"limit_m {limit_m}: give metres > 0")
        a, b = (self._spots(self._length, snaps) for snaps in (origins, destinations))
        i, j, length_mm = self._length.pairs(a, b, np.rint(limit_m * MILLI))
        return i, j, length_mm / MILLI

    def leg(self, a: Snaps, b: Snaps) -> Leg:
        """Return the fastest way from the point ``a`` to the point ``b`` (snaps of length 1), one-ways obeyed.

        Raises
        ------
        StreetsError
            Not one point each, a point on no street, or no way.
        """
        if not len(a) == len(b) == 1:
            raise StreetsError(f"a leg joins one point to one point, not {len(a)} to {len(b)}: give snaps[[i]]")
        if min(a.edge[0], b.edge[0]) < 0:
            raise StreetsError("a leg from or to a point on no street: move the point, or raise the limit of snap")
        least_ms, pieces = self._time.path(self._spots(self._time, a), self._spots(self._time, b))
        if not np.isfinite(least_ms):
            raise StreetsError(
                f"no way from {self._name(a)} to {self._name(b)}: they lie in parts of the network that are not joined"
            )
        return self._leg(a, least_ms, [piece for piece in pieces if piece.stop > piece.start])

    def places(self, *, sweep_speed_ms: float = 0.6) -> gpd.GeoDataFrame:
        """Return every street segment once, as tables.PLACES; motorways and ramps are left out.

        Parameters
        ----------
        sweep_speed_ms : metres of street swept in a second, both sides together.
        """
        if not 0 < sweep_speed_ms < np.inf:
            raise StreetsError(f"sweep_speed_ms {sweep_speed_ms}: give metres a second > 0")
        once = self._once("place_id")
        once = once[~once.pop("highway").isin(NOT_SWEPT)]
        return PLACES.check(once.assign(kind="street", sweep_s=once["length_m"] / sweep_speed_ms))

    def streets(self) -> gpd.GeoDataFrame:
        """Return every street segment once, as tables.STREETS."""
        return STREETS.check(self._once("street_id"))

    def _once(self, index: str) -> gpd.GeoDataFrame:
        """Return the segments, named by the ids of the nodes they join: a later extract gives the same names."""
        once = self.edges.drop_duplicates("street")
        ends = np.sort(self.node_id[once[["u", "v"]].to_numpy()], axis=1)
        names = pd.Series([f"street-{low}-{high}" for low, high in ends], index=once.index)
        order = once["length_m"].sort_values(kind="stable").index
        nth = names.loc[order].groupby(names.loc[order]).cumcount().reindex(once.index)
        names = names.where(nth == 0, names + "-" + (nth + 1).astype(str))
        table = once[["name", "highway", "length_m", "geometry"]].copy()
        table.index = pd.Index(names, name=index, dtype="str")
        return table

    def _joined_tree(self) -> tuple[STRtree, Ints]:
        parts = self.components
        in_largest = parts == np.bincount(parts).argmax()
        ends = self.edges[["u", "v"]].to_numpy()[self._edge_of_tree]
        kept = self._edge_of_tree[in_largest[ends].all(axis=1)]
        return STRtree(self.edges.geometry.to_numpy()[kept]), kept

    def _offset(self, edge: Ints, points: NDArray[np.object_]) -> Floats:
        """Return metres along the edge, on the scale of its ``length_m``, moved to the end where within END_M of it."""
        share = shapely.line_locate_point(self.edges.geometry.to_numpy()[edge], points, normalized=True)
        length = self.edges["length_m"].to_numpy()[edge]
        offset = np.nan_to_num(share) * length
        return np.where(offset <= END_M, 0.0, np.where(offset >= length - END_M, length, offset))

    def _spots(self, ways: Ways, snaps: Snaps) -> Spots:
        length = self.edges["length_m"].to_numpy()[snaps.edge]
        share = np.divide(snaps.offset_m, length, out=np.zeros(len(snaps)), where=length > 0)
        return ways.spots(snaps.edge, np.clip(share, 0, 1))

    def _name(self, snaps: Snaps) -> str:
        return f"{self.edges['name'].iloc[snaps.edge[0]]!r}"

    def _leg(self, a: Snaps, least_ms: float, pieces: list[Piece]) -> Leg:
        shapes, lengths, names = (self.edges[name].to_numpy() for name in ("geometry", "length_m", "name"))
        steps: list[tuple[str, float]] = []
        for piece in pieces:
            name, metres = str(names[piece.edge]), float((piece.stop - piece.start) * lengths[piece.edge])
            if steps and steps[-1][0] == name:
                metres += steps.pop()[1]
            steps.append((name, metres))
        parts = [
            shapes[p.edge]
            if (p.start, p.stop) == (0, 1)
            else substring(shapes[p.edge], p.start, p.stop, normalized=True)
            for p in pieces
        ]
        return Leg(self._line(a, parts), least_ms / MILLI, float(sum(metres for _, metres in steps)), tuple(steps))

    def _line(self, a: Snaps, parts: list[shapely.Geometry]) -> LineString:
        if not parts:
            length = float(self.edges["length_m"].iloc[a.edge[0]])
            spot = self.edges.geometry.iloc[a.edge[0]].interpolate(
                a.offset_m[0] / length if length else 0, normalized=True
            )
            parts = [spot, spot]
        xy = shapely.get_coordinates(parts)
        kept = np.concatenate([[True], np.any(xy[1:] != xy[:-1], axis=1)])
        return LineString(xy[kept] if kept.sum() > 1 else xy[[0, 0]])


def area_of(graph: nx.MultiDiGraph[int], *, tz: str, name: str) -> Area:
    """Return the area a street network covers: all within ``AREA_MARGIN_M`` of a street, or enclosed by it."""
    graph = check_graph(graph, name=name)
    lonlat = node_lonlat(graph)
    around = Area.around(lonlat[:, 0], lonlat[:, 1], tz, name=name)
    at = dict(zip(graph, lonlat, strict=True))
    lines = [data.get("geometry") or LineString([at[u], at[v]]) for u, v, data in graph.edges(data=True)]
    streets = gpd.GeoSeries(lines, crs=WGS84).to_crs(around.crs).simplify(20)
    covered = streets.buffer(AREA_MARGIN_M, quad_segs=2).union_all()
    filled = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(covered)])
    return Area(name, filled, around.crs, tz)


def _around(xy: Floats, margin_m: float) -> tuple[float, float, float, float]:
    (west, south), (east, north) = xy.min(axis=0) - margin_m, xy.max(axis=0) + margin_m
    return west, south, east, north


def _require_overlap(node_xy: Floats, bounds: tuple[float, float, float, float], what: str, crs: str) -> None:
    """Refuse a network whose box has nothing in common with ``bounds``."""
    west, south, east, north = bounds
    (left, low), (right, high) = node_xy.min(axis=0), node_xy.max(axis=0)
    if not (left <= east and west <= right and low <= north and south <= high):
        raise StreetsError(
            f"the streets (x {left:.0f} to {right:.0f}, y {low:.0f} to {high:.0f} on {crs}) do not overlap {what} "
            f"(x {west:.0f} to {east:.0f}, y {south:.0f} to {north:.0f}): give the streets of the same city"
        )
