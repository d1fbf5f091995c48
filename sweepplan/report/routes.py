"""Published routes → GPX for a phone or a navigation device, CSV for a spreadsheet."""

from __future__ import annotations

import csv

import geopandas as gpd
import gpxpy.gpx as gpx
import pandas as pd
import shapely

from sweepplan.geo import WGS84
from sweepplan.privacy import Published

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def routes_gpx(shown: Published) -> str:
    """Return GPX 1.1: a track per crew along the streets, and its stops as numbered waypoints."""
    document = gpx.GPX()
    document.creator = "sweepplan"
    document.name = shown.label
    for crew, route in _degrees(shown.table("routes")).iterrows():
        track = gpx.GPXTrack(name=f"Crew {crew}")
        lon_lat = shapely.get_coordinates(route.geometry).round(6)
        track.segments.append(gpx.GPXTrackSegment([gpx.GPXTrackPoint(lat, lon) for lon, lat in lon_lat]))
        document.tracks.append(track)
    for _, stop in _served(_degrees(shown.table("stops"))).iterrows():
        arrives = shown.local(stop["arrives_at"])
        document.waypoints.append(
            gpx.GPXWaypoint(
                latitude=round(stop.geometry.y, 6),
                longitude=round(stop.geometry.x, 6),
                name=f"{stop['crew']}{stop['seq']} {stop['name']}",
                description=f"{stop['kind']}, {arrives:%H:%M}",
            )
        )
    return str(document.to_xml(version="1.1"))


def routes_csv(shown: Published) -> str:
    """Return one line a stop, by crew and order, then the requests left out; times on the city's clock.

    Text that a spreadsheet would take for a formula gets a leading apostrophe; numbers stay numbers.
    """
    stops = _degrees(shown.table("stops"))
    table = pd.DataFrame(
        {
            "crew": stops["crew"].fillna(""),
            "stop": stops["seq"],
            "kind": stops["kind"],
            "name": stops["name"],
            "arrives": _wall(stops["arrives_at"], shown),
            "leaves": _wall(stops["leaves_at"], shown),
            "due": _wall(stops["due_at"], shown),
            "expected_needles": stops["expected_needles"].round(2),
            "lat": stops.geometry.y.round(6),
            "lon": stops.geometry.x.round(6),
            "left_out_because": stops["reason"].fillna(""),
        }
    )
    for name in ("crew", "kind", "name", "left_out_because"):
        table[name] = table[name].map(lambda text: f"'{text}" if text.startswith(_FORMULA) else text)
    return table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)


def _served(stops: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return stops[stops["crew"].notna()]


def _degrees(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return table.to_crs(WGS84)


def _wall(moments: pd.Series, shown: Published) -> pd.Series:
    wall: pd.Series[str] = moments.dt.tz_convert(shown.tz).dt.strftime("%Y-%m-%d %H:%M").astype("str")
    return wall.fillna("")
