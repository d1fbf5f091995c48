"""What OpenStreetMap knows of a place: its streets, and where a kiosk may stand, at public places and along streets."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import shapely

from sweepplan import bridge
from sweepplan.geo import WGS84, Area
from sweepplan.pipeline.progress import Progress, quiet
from sweepplan.streets import (
    StreetNetwork,
    download_boundary,
    download_features,
    download_graph,
    download_streets,
    graphml,
)

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Servers:
    """Whom to ask; None: the public servers of OpenStreetMap that osmnx is set to."""

    overpass: str | None = None
    nominatim: str | None = None


def streets_of_place(place: str, mode: Literal["drive", "walk"] = "drive", servers: Servers | None = None) -> bytes:
    """Download the streets of ``place`` as GraphML; one place at a time, whoever asks.

    Raises
    ------
    StreetsError
        The place is unknown or has no boundary, a server does not answer, or there are no streets.
    """
    asked = servers or Servers()
    with _ONE_AT_A_TIME:
        graph = download_graph(place, mode, overpass_url=asked.overpass, nominatim_url=asked.nominatim)
    return graphml(graph)


def area_of_place(place: str, servers: Servers | None = None) -> Area:
    """Return the area within the boundary of ``place``, on UTC as its clock.

    Raises
    ------
    StreetsError
        The place is unknown or has no boundary, or the server does not answer.
    """
    boundary = download_boundary(place, nominatim_url=(servers or Servers()).nominatim)
    lon, lat = shapely.get_coordinates(boundary).T
    around = Area.around(lon, lat, "UTC", name=place)
    return Area(place, gpd.GeoSeries([boundary], crs=WGS84).to_crs(around.crs).iloc[0], around.crs, "UTC")


def download_candidates(
    area: Area, servers: Servers | None = None, *, every_m: float = 50.0, progress: Progress = quiet
) -> gpd.GeoDataFrame:
    """Download candidate sites of an area: :data:`sweepplan.bridge.PUBLIC_PLACES`, and points along walkable streets.

    Parameters
    ----------
    every_m : so far apart are the points along streets, about where light poles stand; 5 or more.

    Returns
    -------
    tables.SITES in ``state`` candidate, of ``kind`` park, library, ..., or street. Of sites within 10 m of each other
    the public place stays.

    Raises
    ------
    StreetsError
        The server does not answer, or there are no streets.
    ProblemError
        ``every_m`` is too small.
    """
    servers = servers or Servers()
    degrees = gpd.GeoSeries([area.boundary], crs=area.crs).to_crs(WGS84).iloc[0]
    tags: dict[str, bool | str | list[str]] = {
        key: [value for each, value in bridge.PUBLIC_PLACES if each == key] for key, _ in bridge.PUBLIC_PLACES
    }
    progress("asking for public places", 0.1)
    features = download_features(degrees, tags, name=area.name, overpass_url=servers.overpass)
    progress("asking for streets", 0.4)
    graph = download_streets(degrees, "walk", name=area.name, overpass_url=servers.overpass)
    progress("laying out sites", 0.8)
    along = bridge.street_sites(StreetNetwork.from_graph(graph, area, "walk"), every_m=every_m).assign(kind="street")
    inside = along[along.intersects(area.boundary)].astype({"kind": "str"})
    return bridge.joined_sites(bridge.tagged_sites(features, area), inside)
