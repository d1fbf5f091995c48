"""Published routes → GPX for a phone or a navigation device, CSV for a spreadsheet."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import gpxpy.gpx as gpx
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from sweepplan.geo import WGS84
from sweepplan.privacy import Published, only_xml, to_csv, to_xlsx


def routes_gpx(shown: Published) -> str:
    """Return GPX 1.1: a track per crew along the streets with times, and its stops as numbered waypoints."""
    document = gpx.GPX()
    document.creator = "sweepplan"
    document.name = shown.label
    document.description = "; ".join(f"Withheld: {words}" for words in shown.withheld_words()) or None
    stops, legs = _served(_degrees(shown.table("stops"))), shown.table("legs")
    for crew, route in shown.table("routes").iterrows():
        track = gpx.GPXTrack(name=f"Crew {crew}")
        mine = legs[legs["crew"] == crew].sort_values("seq")
        served = stops.loc[stops["crew"] == crew].sort_values("seq")
        arrives = [*served["arrives_at"], route["ends_at"]]
        works_s = [*(served["leaves_at"] - served["arrives_at"]).dt.total_seconds(), 0.0]
        crs, points = str(legs.crs), [] if len(mine) else _points_at(route.geometry, str(legs.crs), None)
        for way, travel_s, swept_m, at, work_s in zip(
            mine.geometry, mine["travel_s"], mine["swept_m"], arrives, works_s, strict=len(mine) > 0
        ):
            points += _points_at(way, crs, (travel_s, swept_m, at, work_s))
        track.segments.append(gpx.GPXTrackSegment(points))
        document.tracks.append(track)
    for _, stop in stops.iterrows():
        arrives_at = shown.local(stop["arrives_at"])
        document.waypoints.append(
            gpx.GPXWaypoint(
                latitude=round(stop.geometry.y, 6),
                longitude=round(stop.geometry.x, 6),
                time=stop["arrives_at"].to_pydatetime(),
                name=f"{stop['crew']}{stop['seq']} {stop['name']}",
                description=f"{stop['kind']}, {arrives_at:%H:%M}, {stop['slack_min']:.0f} min to spare",
            )
        )
    return only_xml(document.to_xml(version="1.1"))


def routes_geojson(shown: Published) -> str:
    """Return routes and served stops as GeoJSON (RFC 7946, degrees), times on the city's clock."""
    found: list[dict[str, Any]] = []
    for name in ("routes", "stops"):
        table = _degrees(shown.table(name))
        table = (_served(table) if name == "stops" else table).reset_index()
        for column in table.columns:
            if isinstance(table[column].dtype, pd.DatetimeTZDtype):
                table[column] = [None if pd.isna(at) else shown.local(at).isoformat() for at in table[column]]
        plain = table.drop(columns="geometry").astype(object)
        rows = plain.where(plain.notna(), None).to_dict("records")
        shapes = shapely.transform(table.geometry.to_numpy(), lambda xy: xy.round(6))
        found += [
            {"type": "Feature", "geometry": shapely.geometry.mapping(shape), "properties": {"what": name[:-1], **row}}
            for shape, row in zip(shapes, rows, strict=True)
        ]
    told = {"type": "FeatureCollection", "withheld": shown.withheld_words(), "features": found}
    return json.dumps(told, ensure_ascii=False, default=float)


def routes_csv(shown: Published) -> str:
    """Return one line a stop in order, then requests left out, then what was withheld; times on the city's clock."""
    return to_csv(_stops(shown), withheld=shown.withheld_words())


def routes_xlsx(shown: Published) -> bytes:
    """Return the same as a workbook."""
    return to_xlsx(_stops(shown), withheld=shown.withheld_words())


def _stops(shown: Published) -> pd.DataFrame:
    stops = _degrees(shown.table("stops"))
    return pd.DataFrame(
        {
            "crew": stops["crew"].fillna(""),
            "stop": stops["seq"],
            "kind": stops["kind"],
            "name": stops["name"],
            "arrives": _wall(stops["arrives_at"], shown),
            "leaves": _wall(stops["leaves_at"], shown),
            "slack_min": stops["slack_min"].astype("Int64"),
            "due": _wall(stops["due_at"], shown),
            "expected_needles": stops["expected_needles"].round(2),
            "lat": stops.geometry.y.round(6),
            "lon": stops.geometry.x.round(6),
            "left_out_because": stops["reason"].fillna(""),
        }
    )


def _points_at(
    way: BaseGeometry, crs: str, clock: tuple[float, float, pd.Timestamp, float] | None
) -> list[gpx.GPXTrackPoint]:
    """Return the points of a way; their times by the distance along it.

    Parameters
    ----------
    clock : seconds of travel, metres at the end that are swept, when the stop is come to, seconds of work there.
    """
    xy = shapely.get_coordinates(gpd.GeoSeries([way], crs=crs).to_crs(WGS84).to_numpy()).round(6)
    if clock is None:
        return [gpx.GPXTrackPoint(lat, lon) for lon, lat in xy]
    travel_s, swept_m, at, work_s = clock
    along = np.concatenate([[0.0], np.hypot(*np.diff(shapely.get_coordinates(way), axis=0).T).cumsum()])
    to_go = max(along[-1] - swept_m, 0.0) - along
    total = max(along[-1] - swept_m, 1e-9)
    after_s = np.where(to_go >= 0, -travel_s * to_go / total, -work_s * to_go / max(swept_m, 1e-9))
    times = [(at + pd.Timedelta(seconds=round(seconds))).to_pydatetime() for seconds in after_s]
    return [gpx.GPXTrackPoint(lat, lon, time=time) for (lon, lat), time in zip(xy, times, strict=True)]


def _served(stops: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return stops[stops["crew"].notna()]


def _degrees(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return table.to_crs(WGS84)


def _wall(moments: pd.Series, shown: Published) -> pd.Series:
    wall: pd.Series[str] = moments.dt.tz_convert(shown.tz).dt.strftime("%Y-%m-%d %H:%M").astype("str")
    return wall.fillna("")
