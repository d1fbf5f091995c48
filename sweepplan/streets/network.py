"""The street network of an area, for one mode: snap, travel times, distances, ways along the streets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from shapely import STRtree
from shapely.geometry import LineString

from sweepplan.errors import StreetsError
from sweepplan.geo import WGS84, Area, Floats, require_same_plane
from sweepplan.streets.download import download_graph
from sweepplan.streets.edges import Ints, Mode, edge_table, without
from sweepplan.streets.legs import Leg, cut, joined, steps_of
from sweepplan.streets.read import check_graph, node_lonlat, read_graph
from sweepplan.streets.restrictions import restrictions_of
from sweepplan.streets.snaps import Bools, Snaps, nearest
from sweepplan.streets.tags import CITY_FACTOR, NOT_SWEPT, UNNAMED
from sweepplan.streets.turns import FREE, TurnCosts, bearings, forbidden_turns, turns_of
from sweepplan.streets.ways import Piece, Spots, Ways
from sweepplan.tables import PLACES, STREETS

MILLI = 1000

AREA_MARGIN_M = 150.0
"""What lies so near to a street, in metres, belongs to its network's area."""


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
        cls,
        path: str | Path,
        area: Area,
        mode: Mode = "drive",
        *,
        speed_ms: float | None = None,
        city_factor: float = CITY_FACTOR,
        turns: TurnCosts | None = None,
    ) -> StreetNetwork:
        """Read GraphML, see :func:`read_graph`, and make the network of it, see :meth:`from_graph`."""
        graph = read_graph(path)
        return cls.from_graph(graph, area, mode, speed_ms=speed_ms, city_factor=city_factor, turns=turns)

    @classmethod
    def from_graph(
        cls,
        graph: nx.MultiDiGraph[int],
        area: Area,
        mode: Mode = "drive",
        *,
        speed_ms: float | None = None,
        city_factor: float = CITY_FACTOR,
        turns: TurnCosts | None = None,
        blocked: Collection[str] = (),
    ) -> StreetNetwork:
        """Make the network of a graph as osmnx makes it.

        Parameters
        ----------
        graph : nodes with ``x``, ``y`` in degrees (or the graph's ``crs``), edges with ``length``, ``highway``,
            ``maxspeed``, ``name``, ``geometry`` where known, and the turn restrictions that :func:`download_graph`
            puts there.
        mode : "drive" obeys one-ways and turn restrictions and leaves out footways; "walk" goes both ways everywhere
            and leaves out motorways, their ramps, and what is closed to people on foot.
        speed_ms : one speed for all streets, e.g. of a cargo bike; None: 1.3 on foot, in a van the posted speed times
            ``city_factor``.
        turns : what turning costs; None: :class:`TurnCosts` in a van that drives at posted speeds, nothing on foot
            or where one speed is given.
        blocked : names of streets that nobody may pass, in capitals or not.

        Raises
        ------
        StreetsError
            The graph cannot be used, no street is open to the mode, none is near the area, or none bears a name.
        """
        if mode not in ("drive", "walk"):
            raise StreetsError(f"mode {mode!r}: give 'drive' or 'walk'")
        if speed_ms is not None and not 0 < speed_ms < np.inf:
            raise StreetsError(f"speed_ms {speed_ms}: give metres a second > 0")
        if not 0 < city_factor < np.inf:
            raise StreetsError(f"city_factor {city_factor}: give the share of the posted speed that is made good, > 0")
        graph = check_graph(graph, name="the street network")
        restrictions = restrictions_of(graph) if mode == "drive" else ()
        node_id, node_xy, edges = edge_table(graph, area, mode, speed_ms, city_factor)
        _require_overlap(node_xy, area.boundary.bounds, f"the area {area.name!r}", area.crs)
        edges = without(edges, blocked) if blocked else edges
        u, v, reverse = (edges[name].to_numpy(np.int64) for name in ("u", "v", "reverse"))
        n, lines, ways = len(node_id), edges.geometry.to_numpy(), edges.pop("ways").to_numpy()
        forbidden = forbidden_turns(restrictions, u, v, node_id, ways)
        if turns is None:
            turns = TurnCosts() if mode == "drive" and speed_ms is None else FREE
        costed = turns_of(u, v, reverse, n_nodes=n, costs=turns, lines=lines, forbidden=forbidden)
        time = Ways.of(u, v, edges["travel_ms"].to_numpy(np.int64), reverse, costed, n_nodes=n)
        length_mm = np.maximum(1, np.rint(edges["length_m"] * MILLI)).to_numpy(np.int64)
        length = Ways.of(u, v, length_mm, reverse, turns_of(u, v, reverse, n_nodes=n), n_nodes=n)
        once = edges.drop_duplicates("street").index.to_numpy()
        return cls(area, mode, node_id, node_xy, edges, time, length, STRtree(lines[once]), once)

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

    @cached_property
    def csr(self) -> csr_matrix:
        """Travel time from node to node along one edge, whole milliseconds >= 1, the least over parallel edges.

        Without turn costs; a loop is no way to anywhere and left out.
        """
        least = self.edges.groupby(["u", "v"])["travel_ms"].min().reset_index()
        least = least[least["u"] != least["v"]]
        n = len(self.node_id)
        return csr_matrix((least["travel_ms"], (least["u"], least["v"])), shape=(n, n), dtype=np.int64)

    @cached_property
    def components(self) -> Ints:
        """Strongly connected component of every node: within one, everybody can get everywhere and back."""
        return np.asarray(connected_components(self.csr, connection="strong")[1], dtype=np.int64)

    @property
    def largest_share(self) -> float:
        """Share of the nodes in the largest strongly connected component, 0 to 1."""
        return float(np.bincount(self.components).max() / len(self.node_id))

    @cached_property
    def joined_ends(self) -> Bools:
        """Shape (edges, 2): whether each edge begins, and ends, in the largest strongly connected component."""
        parts = self.components
        joined: Bools = (parts == np.bincount(parts).argmax())[self.edges[["u", "v"]].to_numpy()]
        return joined

    def parts(self) -> pd.DataFrame:
        """Return the parts from which nobody gets to the rest and back, the longest first; the first is the network.

        Returns
        -------
        Per strongly connected component that holds a street: ``name`` (its two longest streets by name), ``n_streets``,
        ``length_m``.
        """
        once = self.edges.drop_duplicates("street")
        ends = self.components[once[["u", "v"]].to_numpy()]
        inside = once[ends[:, 0] == ends[:, 1]].assign(part=ends[ends[:, 0] == ends[:, 1], 0])
        by_name = inside.groupby(["part", "name"])["length_m"].sum().reset_index()
        by_name = by_name.assign(plain=by_name["name"] == UNNAMED)
        longest = by_name.sort_values(["plain", "length_m"], ascending=[True, False], kind="stable")
        names = longest.groupby("part").head(2).groupby("part")["name"].agg(" & ".join)
        sums = inside.groupby("part").agg(n_streets=("street", "size"), length_m=("length_m", "sum"))
        table = sums.assign(name=names)[["name", "n_streets", "length_m"]]
        ordered: pd.DataFrame = table.sort_values("length_m", ascending=False, kind="stable").reset_index(drop=True)
        return ordered

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
        sound = shapes[np.isfinite(shapely.get_x(shapes)) & np.isfinite(shapely.get_y(shapes))]
        if sound.size:
            around = _around(shapely.get_coordinates(sound), limit_m)
            _require_overlap(self.node_xy, around, "the points", self.area.crs)
        tree, edge_of_tree = self._joined_tree if joined else (self._tree, self._edge_of_tree)
        lines, length = self.edges.geometry.to_numpy(), self.edges["length_m"].to_numpy()
        return nearest(shapes, lines, length, tree, edge_of_tree, limit_m=limit_m)

    def ends(self, edges: Ints) -> tuple[Snaps, Snaps]:
        """Return where one who sweeps each of ``edges`` from u to v begins and is done: he comes and goes along it."""
        length, zero = self.edges["length_m"].to_numpy()[edges], np.zeros(len(edges))
        along = np.ones(len(edges), dtype=bool)
        return Snaps(edges, zero, zero, along=along), Snaps(edges, length, zero, along=along)

    def travel_s(self, origins: Snaps, destinations: Snaps | None = None) -> Floats:
        """Return travel times in seconds, exact to the millisecond, shape (n, m), row from, column to.

        ``inf`` where there is no way, or a point lies on no street. Without ``destinations``: between all origins.
        Turns at junctions cost what the network was made with; turning round where one stops, midway along a street,
        costs nothing.
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
        i, j, length_mm = self._length.pairs(a, b, round(limit_m * MILLI))
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
        return self._leg(a, b, least_ms, [piece for piece in pieces if piece.stop > piece.start])

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

    def street_edges(self, place_ids: Iterable[str]) -> Ints:
        """Return a row of ``edges`` for each id of :meth:`places`; -1 where the network has no such segment."""
        return np.array([self._edge_of.get(place, -1) for place in place_ids], dtype=np.int64)

    def streets(self) -> gpd.GeoDataFrame:
        """Return every street segment once, as tables.STREETS."""
        return STREETS.check(self._once("street_id"))

    @cached_property
    def _edge_of(self) -> dict[str, int]:
        first = self.edges.drop_duplicates("street").index
        return dict(zip(self._once("place_id").index, first.tolist(), strict=True))

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

    @cached_property
    def _joined_tree(self) -> tuple[STRtree, Ints]:
        kept = self._edge_of_tree[self.joined_ends[self._edge_of_tree].all(axis=1)]
        return STRtree(self.edges.geometry.to_numpy()[kept]), kept

    @cached_property
    def _columns(self) -> tuple[Any, Floats, Any]:
        """Return geometry, length and name of every edge: taken out of the table once, not once a leg."""
        shapes, lengths, names = (self.edges[name].to_numpy() for name in ("geometry", "length_m", "name"))
        return shapes, lengths, names

    def _spots(self, ways: Ways, snaps: Snaps) -> Spots:
        length = self._columns[1][snaps.edge]
        share = np.divide(snaps.offset_m, length, out=np.zeros(len(snaps)), where=length > 0)
        return ways.spots(snaps.edge, np.clip(share, 0, 1), snaps.along)

    def _name(self, snaps: Snaps) -> str:
        return f"{self.edges['name'].iloc[snaps.edge[0]]!r}"

    def _leg(self, a: Snaps, b: Snaps, least_ms: float, pieces: list[Piece]) -> Leg:
        shapes, lengths, names = self._columns
        edges = tuple(piece.edge for piece in pieces)
        lines = np.array([cut(shapes[piece.edge], piece) for piece in pieces], dtype=object)
        metres = [float((piece.stop - piece.start) * lengths[piece.edge]) for piece in pieces]
        steps = steps_of(lines, [str(names[edge]) for edge in edges], metres, heading=self._heading(a))
        line = joined(lines) if len(lines) else self._standing(a)
        return Leg(line, least_ms / MILLI, float(sum(metres)), steps, edges, self._side(b, edges))

    def _heading(self, snap: Snaps) -> float | None:
        """Return the bearing in which one stands there; None where that may be either way."""
        if not snap.along[0]:
            return None
        begins, ends = bearings(self.edges.geometry.to_numpy()[snap.edge])
        return float(begins[0] if snap.offset_m[0] == 0 else ends[0])

    def _side(self, snap: Snaps, edges: tuple[int, ...]) -> str:
        if not edges or not snap.side[0] or edges[-1] not in (snap.edge[0], self.edges["reverse"].iloc[snap.edge[0]]):
            return ""
        ahead = 1 if edges[-1] == snap.edge[0] else -1
        return "left" if snap.side[0] == ahead else "right"

    def _standing(self, snap: Snaps) -> LineString:
        """Return two equal points where ``snap`` lies."""
        length = float(self.edges["length_m"].iloc[snap.edge[0]])
        share = snap.offset_m[0] / length if length else 0
        spot = self.edges.geometry.iloc[snap.edge[0]].interpolate(share, normalized=True)
        return joined([spot, spot])


def area_of(graph: nx.MultiDiGraph[int], *, tz: str, name: str, unit: str = "m") -> Area:
    """Return the area a street network covers: all within ``AREA_MARGIN_M`` of a street, or enclosed by it."""
    graph = check_graph(graph, name=name)
    lonlat = node_lonlat(graph)
    around = Area.around(lonlat[:, 0], lonlat[:, 1], tz, name=name)
    at = dict(zip(graph, lonlat, strict=True))
    lines = [data.get("geometry") or LineString([at[u], at[v]]) for u, v, data in graph.edges(data=True)]
    streets = gpd.GeoSeries(lines, crs=WGS84).to_crs(around.crs).simplify(20)
    covered = streets.buffer(AREA_MARGIN_M, quad_segs=2).union_all()
    filled = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(covered)])
    return Area(name, filled, around.crs, tz, unit=unit)


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
