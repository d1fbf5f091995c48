"""Street network of a place, from OpenStreetMap through osmnx."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import networkx as nx
import osmnx as ox
from requests.exceptions import RequestException

from sweepplan.errors import StreetsError
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
    given: dict[str, Any] = {"use_cache": False}
    if overpass_url is not None:
        given |= {"overpass_url": overpass_url, "overpass_rate_limit": False}
    if nominatim_url is not None:
        given |= {"nominatim_url": nominatim_url}
    try:
        with _osmnx_set(given):
            graph = ox.graph_from_place(place, network_type=mode)
            if mode == "drive":
                keep(graph, parse(_restrictions(graph)))
    except (RequestException, httpx.HTTPError, ValueError, TypeError, KeyError) as error:
        why = " ".join(str(error).split())[:160]
        raise StreetsError(
            f"streets of {place!r} cannot be downloaded ({why}): check the place's name and the network"
        ) from error
    return check_graph(graph, name=place)


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
