"""Writing files so that the same city is the same bytes: fixed order, rounded numbers, no time stamps."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from sweepplan.demo.network import Network
from sweepplan.demo.plan import CRS
from sweepplan.geo import WGS84

Floats = NDArray[np.float64]

_DIGITS = 6
_FIRST_NODE = 1_000_001
_FIRST_WAY = 9_000_001
_MAXSPEED = {"motorway": "55 mph", "motorway_link": "35 mph", "primary": "30 mph", "secondary": "25 mph"}


def degrees(xy: Floats, digits: int = _DIGITS) -> Floats:
    """Return plane coordinates, shape (n, 2), as longitude and latitude, rounded."""
    lon, lat = Transformer.from_crs(CRS, WGS84, always_xy=True).transform(xy[:, 0], xy[:, 1])
    return np.round(np.column_stack([lon, lat]), digits) + 0.0


def in_degrees(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape of the plane in rounded degrees."""
    return shapely.transform(shape, degrees)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with plain line ends; a name that ends in ``.gz`` is compressed, without a time stamp."""
    data = text.encode("utf-8")
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=9, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index; empty values stay empty."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_geojson(path: Path, table: gpd.GeoDataFrame) -> None:
    """Write a table of the plane as GeoJSON in degrees, one feature a line; the index is the first property."""
    rows = table.reset_index() if table.index.name else table
    names = [name for name in rows.columns if name != rows.geometry.name]
    features = [
        {
            "type": "Feature",
            "properties": {name: _plain(row[name]) for name in names},
            "geometry": shapely.geometry.mapping(in_degrees(row[rows.geometry.name])),
        }
        for row in rows.to_dict("records")
    ]
    lines = ",\n".join(json.dumps(feature) for feature in features)
    write_text(path, f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n')


def write_toml(path: Path, values: Mapping[str, Any], tables: Iterable[tuple[str, Mapping[str, Any]]] = ()) -> None:
    """Write plain values, and tables given as (name, values), as TOML; a list of numbers stays on one line."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    for name, table in tables:
        lines += ["", f"[[{name}]]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    write_text(path, "\n".join(lines) + "\n")


def write_graphml(path: Path, streets: Network, *, node_ids: NDArray[np.int64]) -> None:
    """Write streets as a GraphML file of OSMnx 2 (directed multigraph, EPSG:4326, lengths in metres).

    Parameters
    ----------
    node_ids : shape (n,), the name of each node.
    """
    graph: Any = nx.MultiDiGraph(crs="epsg:4326", simplified="True", created_with="sweepplan demo: made-up city")
    lonlat = degrees(streets.xy)
    for node, (lon, lat) in zip(node_ids, lonlat, strict=True):
        graph.add_node(int(node), y=str(lat), x=str(lon))
    for k, edge in enumerate(streets.edges.to_dict("records")):
        for tail, head, line, back in _directions(edge):
            data = _edge_data(edge, line, back, _FIRST_WAY + k)
            graph.add_edge(int(node_ids[tail]), int(node_ids[head]), **data)
    write_text(path, "\n".join(nx.generate_graphml(graph)) + "\n")


def node_ids(xy: Floats, town: Network) -> NDArray[np.int64]:
    """Return the names of nodes: a node bears one name in all networks of a town."""
    row = {tuple(at): k for k, at in enumerate(town.xy)}
    return np.array([_FIRST_NODE + row[tuple(at)] for at in xy], dtype=np.int64)


def _directions(edge: Mapping[Any, Any]) -> list[tuple[int, int, BaseGeometry, bool]]:
    ahead = (edge["u"], edge["v"], edge["geometry"], False)
    back = (edge["v"], edge["u"], shapely.reverse(edge["geometry"]), True)
    return [ahead] if edge["oneway"] else [ahead, back]


def _edge_data(edge: Mapping[Any, Any], line: BaseGeometry, back: bool, osmid: int) -> dict[str, str]:
    data = {
        "osmid": str(osmid),
        "highway": edge["highway"],
        "name": edge["name"],
        "oneway": str(bool(edge["oneway"])),
        "reversed": str(back),
        "length": f"{line.length:.1f}",
        "maxspeed": _MAXSPEED.get(edge["highway"], ""),
        "bridge": "yes" if edge["bridge"] else "",
        "geometry": in_degrees(line).wkt if len(line.coords) > 2 else "",
    }
    return {key: value for key, value in data.items() if value}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
