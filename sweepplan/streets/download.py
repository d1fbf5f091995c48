"""Street network and features of a place, from OpenStreetMap through osmnx."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import networkx as nx
import osmnx as ox
import shapely
from osmnx._errors import InsufficientResponseError
from requests.exceptions import RequestException
from shapely.geometry.base import BaseGeometry

from sweepplan.errors import StreetsError
from sweepplan.geo import WGS84
from sweepplan.streets.edges import Mode
from sweepplan.streets.read import check_graph, node_lonlat
from sweepplan.streets.restrictions import keep, overpass_query, parse


def download_graph(
    place: str, mode: Mode = "drive", *, overpass_url: str | None = None, nominatim_url: str | None = None
) -> nx.MultiDiGraph[int]:
    """Download the streets within the boundary of ``place``, e.g. ``"South End, Boston, Massachusetts"``.

    Parameters
    ----------
    overpass_url, nominatim_url : servers to ask; None: those osmnx is set to. A server of one's own is asked without
        waiting for a free slot.

    Raises
    ------
    StreetsError
        The place is unknown or has no boundary, a server does not answer, or there are no streets.

    Notes
    -----
    osmnx keeps its settings in its module and pins the server's address in ``socket.getaddrinfo``: both are changed for
    the whole process while this runs and put back afterwards, so do not run two downloads at once in one process.
    Nothing is cached. Streets not joined to the largest part of the network are left out, as osmnx does by default.
    For a van the turn restrictions are asked for too, and kept with the graph.
    """
    with _asking(f"streets of {place!r}", overpass_url, nominatim_url):
        graph = ox.graph_from_place(place, network_type=mode)
        if mode == "drive":
            keep(graph, parse(_restrictions(graph)))
    return check_graph(graph, name=place)


def graphml(graph: nx.MultiDiGraph[int]) -> bytes:
    """Return a network, with its turn restrictions, as :func:`sweepplan.streets.read_graph` reads it from a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "streets.graphml"
        ox.save_graphml(graph, file)
        return file.read_bytes()


def download_streets(
    boundary: BaseGeometry, mode: Mode = "walk", *, name: str, overpass_url: str | None = None
) -> nx.MultiDiGraph[int]:
    """Download the streets within a boundary in WGS84 degrees, without turn restrictions; see :func:`download_graph`.

    Raises
    ------
    StreetsError
        The server does not answer, or there are no streets.
    """
    with _asking(f"streets of {name!r}", overpass_url):
        graph = ox.graph_from_polygon(_polygon(boundary), network_type=mode)
    return check_graph(graph, name=name)


def download_boundary(place: str, *, nominatim_url: str | None = None) -> BaseGeometry:
    """Return the boundary of ``place`` in WGS84 degrees.

    Raises
    ------
    StreetsError
        The place is unknown or has no boundary, or the server does not answer.
    """
    with _asking(f"the boundary of {place!r}", None, nominatim_url):
        return _polygon(ox.geocode_to_gdf(place).union_all())


def download_features(
    boundary: BaseGeometry,
    tags: Mapping[str, bool | str | list[str]],
    *,
    name: str,
    overpass_url: str | None = None,
) -> gpd.GeoDataFrame:
    """Download what lies within a boundary and bears one of ``tags``.

    Parameters
    ----------
    boundary : in WGS84 degrees.
    tags : values by key of OpenStreetMap; True takes any value.

    Returns
    -------
    Features in WGS84 degrees, index ``element`` (node, way, relation) and ``id``, a column for every key, ``name`` and
    ``access``; no row where nothing bears a tag.

    Raises
    ------
    StreetsError
        The server does not answer.
    """
    with _asking(f"places of {name!r}", overpass_url):
        try:
            found = ox.features_from_polygon(_polygon(boundary), {**tags})
        except InsufficientResponseError:
            found = gpd.GeoDataFrame(geometry=[], crs=WGS84)
    return found.reindex(columns=[*dict.fromkeys([*tags, "name", "access", "geometry"])])


def _polygon(boundary: BaseGeometry) -> shapely.Polygon | shapely.MultiPolygon:
    if not isinstance(boundary, shapely.Polygon | shapely.MultiPolygon):
        raise ValueError(f"its boundary is a {boundary.geom_type}, no polygon")
    return boundary


@contextmanager
def _asking(what: str, overpass_url: str | None, nominatim_url: str | None = None) -> Iterator[None]:
    """Set osmnx to its servers while this runs; what goes wrong becomes one line."""
    given: dict[str, Any] = {"use_cache": False}
    if overpass_url is not None:
        given |= {"overpass_url": overpass_url, "overpass_rate_limit": False}
    if nominatim_url is not None:
        given |= {"nominatim_url": nominatim_url}
    try:
        with _osmnx_set(given):
            yield
    except (RequestException, httpx.HTTPError, ValueError, TypeError, KeyError) as error:
        why = " ".join(str(error).split())[:160]
        raise StreetsError(f"{what} cannot be downloaded ({why}): check the place's name and the network") from error


def _restrictions(graph: nx.MultiDiGraph[int]) -> list[dict[str, Any]]:
    """Ask the server that osmnx is set to for the turn restrictions around the graph."""
    xy = node_lonlat(graph)
    query = overpass_query(*xy.min(axis=0), *xy.max(axis=0))
    url = f"{str(ox.settings.overpass_url).rstrip('/')}/interpreter"
    answer = httpx.post(
        url,
        data={"data": query},
        headers={"User-Agent": ox.settings.http_user_agent},
        timeout=ox.settings.requests_timeout,
    )
    elements: list[dict[str, Any]] = answer.raise_for_status().json()["elements"]
    return elements


@contextmanager
def _osmnx_set(given: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(ox.settings, name) for name in given}
    resolve = socket.getaddrinfo
    try:
        for name, value in given.items():
            setattr(ox.settings, name, value)
        yield
    finally:
        socket.getaddrinfo = resolve
        for name, value in before.items():
            setattr(ox.settings, name, value)
