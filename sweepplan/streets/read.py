"""GraphML file → graph in degrees that is fit to use, or one line that says why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import networkx as nx
import numpy as np
import osmnx as ox
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError

from sweepplan.errors import SourceError, StreetsError
from sweepplan.geo import WGS84, Floats
from sweepplan.intake import refuse_declarations, unpacked

MAX_BYTES = 200_000_000
"""A GraphML that unpacks to more is refused: reading takes about 17 bytes of memory for each. Cincinnati's 48,804 edges
are 21 MB."""

MAX_TAGS = 20_000_000
"""A GraphML with more is refused: a city of a million edges has about that many."""

FREE_MEMORY = 650_000_000
MAX_SWELLING = 300
"""A GraphML that would need more bytes of memory than the first, and than this many times its size, is refused."""

_MEND = "give a GraphML written by osmnx.save_graphml"


def read_graph(path: str | Path) -> nx.MultiDiGraph[int]:
    """Read a street network from GraphML, plain or gzipped.

    Returns
    -------
    Graph in WGS84 degrees, node ids whole numbers; an undirected file has every street both ways, a projected one is
    brought back to degrees.

    Raises
    ------
    SourceError
        The file cannot be read, is empty, cut off, too large, a Git LFS pointer, or not GraphML.
    StreetsError
        It has no edges, or a coordinate or length that cannot be used.
    """
    path = Path(path)
    head, node, tail = _text(path).partition("<node")
    if node and not re.search(r"""attr\.name=["']x["']""", head):
        raise StreetsError(f"{path}: nodes without coordinates x, y: {_MEND}")
    # osmnx reads only what it wrote itself, where every number is a string
    head = re.sub(r"""(attr\.type=["'])(?:int|long|float|double)\b""", r"\1string", head)
    try:
        graph = ox.load_graphml(graphml_str=head + node + tail)
    except (ParseError, nx.NetworkXException, ShapelyError, ValueError, TypeError, KeyError, AttributeError) as error:
        why = " ".join(str(error).split())[:120]
        raise SourceError(f"{path}: not a street network in GraphML ({why}): {_MEND}") from error
    if not graph.is_directed():
        graph = graph.to_directed()
    return check_graph(graph, name=str(path))


def check_graph(graph: nx.MultiDiGraph[int], *, name: str) -> nx.MultiDiGraph[int]:
    """Return ``graph`` in WGS84 degrees, where every coordinate and length can be used.

    Parameters
    ----------
    graph : as osmnx makes it: nodes with ``x`` and ``y``, edges with ``length`` (metres) and ``geometry``, if any;
        without ``crs`` it counts as degrees.
    name : what errors call it.

    Raises
    ------
    StreetsError
        No edge; a node without finite coordinates, or outside the degrees; an edge whose length is not a finite
        number ``>= 0``, or whose geometry is not finite.
    """
    if not graph.number_of_edges():
        raise StreetsError(f"{name}: no edges among {len(graph)} nodes: give a network with at least one street")
    xy = node_lonlat(graph)
    odd = ~np.isfinite(xy).all(axis=1)
    if odd.any():
        raise StreetsError(
            f"{name}: {int(odd.sum())} of {len(graph)} nodes without finite coordinates x, y, "
            f"first node {list(graph)[int(odd.argmax())]}: {_MEND}"
        )
    for fault in _edge_faults(graph):
        raise StreetsError(f"{name}: {fault}")
    graph = _in_degrees(graph, name)
    xy = node_lonlat(graph)
    outside = (np.abs(xy) > (180, 90)).any(axis=1)
    if outside.any():
        first = int(outside.argmax())
        raise StreetsError(
            f"{name}: node {list(graph)[first]} lies at x {xy[first, 0]:g}, y {xy[first, 1]:g}, which are not degrees: "
            "give longitude and latitude, or the graph's crs"
        )
    return graph


def node_lonlat(graph: nx.MultiDiGraph[int]) -> Floats:
    """Return x and y of every node, shape (n, 2), NaN where there is none."""
    missing = float("nan")
    pairs = [(data.get("x", missing), data.get("y", missing)) for _, data in graph.nodes(data=True)]
    return np.array(pairs, dtype=float).reshape(-1, 2)


def _text(path: Path) -> str:
    data = unpacked(path, most=MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not text in UTF-8 (byte {error.start}): {_MEND}") from error
    if "<graphml" not in text:
        raise SourceError(f"{path}: not a street network in GraphML: {_MEND}")
    refuse_declarations(path, data)
    _refuse_swelling(path, data)
    return text


def _refuse_swelling(path: Path, data: bytes) -> None:
    things = data.count(b"<node") + data.count(b"<edge")
    tags = data.count(b"<")
    memory = 1000 * things + 350 * tags  # measured: bare nodes 850 a node, a city of 48,804 edges 400 a tag
    if tags > MAX_TAGS or memory > max(FREE_MEMORY, MAX_SWELLING * path.stat().st_size):
        raise SourceError(
            f"{path}: {things:,} nodes and edges, about {memory / 1e6:,.0f} MB to read, too much for its size: "
            "cut the network to the area first, and save it unpacked"
        )


def _edge_faults(graph: nx.MultiDiGraph[int]) -> Iterator[str]:
    for u, v, length in graph.edges(data="length", default=0.0):
        if not isinstance(length, int | float) or not 0 <= length < np.inf:
            yield f"edge {u}-{v} has length {length}: give metres >= 0, or none to have it measured"
    edges: Any = graph.edges(data="geometry")
    lines = [(u, v, line) for u, v, line in edges if line is not None]
    shapes = np.array([line for _, _, line in lines], dtype=object)
    sound = shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING
    xy, at = shapely.get_coordinates(shapes, return_index=True)
    sound[at[~np.isfinite(xy).all(axis=1)]] = False
    sound &= ~shapely.is_empty(shapes)
    for row in np.flatnonzero(~sound):
        u, v, _ = lines[row]
        yield f"edge {u}-{v} has a geometry that is not a line of finite points: mend or remove it"


def _in_degrees(graph: nx.MultiDiGraph[int], name: str) -> nx.MultiDiGraph[int]:
    crs = graph.graph.get("crs", WGS84)
    try:
        if CRS.from_user_input(crs).equals(CRS.from_user_input(WGS84), ignore_axis_order=True):
            return graph
        return ox.project_graph(graph, to_crs=WGS84)
    except CRSError as error:
        raise StreetsError(f"{name}: unknown crs {crs!r}: give an EPSG code such as 'EPSG:4326'") from error
