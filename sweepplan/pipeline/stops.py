"""One stop in figures: what it is, since when, until when, and why a crew goes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely.geometry.base import BaseGeometry

from sweepplan.privacy import Published

NEAR_M = 60.0
"""Reports so near to a stop count as its own."""


@dataclass(frozen=True, eq=False)
class Known:
    """What a lead may know of any spot: ``reports`` as points, hotspots, places with ``swept_d``."""

    reports: gpd.GeoDataFrame
    hotspots: gpd.GeoDataFrame
    places: gpd.GeoDataFrame

    @classmethod
    def of(cls, shown: Published) -> Known:
        """Return what passed the gate, with the reports sorted by where they are."""
        known = cls(shown.table("incidents"), shown.table("hotspots"), shown.table("places"))
        known.reports.sindex  # noqa: B018  made now, kept
        return known

    def reported_near(self, at: BaseGeometry) -> pd.Series:
        """Return when each report within ``NEAR_M`` came in."""
        rows = self.reports.sindex.query(at, predicate="dwithin", distance=NEAR_M)
        return self.reports["reported_at"].iloc[rows]


@dataclass(frozen=True)
class StopFacts:
    """What a team lead may know of one stop or open request.

    Attributes
    ----------
    mark : crew and number, e.g. ``A7``; empty where no crew goes.
    n_month, n_year : needle reports within ``NEAR_M`` in the 28 and 365 days before.
    hotspot : rank and name of the hotspot it lies in, if any.
    swept_d : days since a crew last swept it; None where that is not known.
    left_out : why no crew goes there, if so.
    """

    place: str
    name: str
    kind: str
    mark: str
    crew: str | None
    number: int
    arrives_at: pd.Timestamp | None
    leaves_at: pd.Timestamp | None
    reported_at: pd.Timestamp | None
    due_at: pd.Timestamp | None
    expected: float | None
    n_month: int
    n_year: int
    hotspot: str | None
    swept_d: float | None
    left_out: str | None


def stop_facts(place: str, known: Known, plan: Published | None, *, as_of: pd.Timestamp) -> StopFacts | None:
    """Return what is known of a stop; None where nobody knows it.

    Parameters
    ----------
    place : ``place_id`` of the stop, for a request the id of its report.
    plan : stops and routes, if there is a plan.
    """
    reports, places = known.reports, known.places
    mine = _stops_at(plan, place)
    at: BaseGeometry
    if mine is not None:
        at, row = mine.geometry.iloc[0], mine.iloc[0].to_dict()
    elif place in reports.index:
        at, row = reports.geometry[place], {"kind": "request", "due_at": reports["due_at"][place]}
    elif place in places.index:
        row = {"kind": places["kind"][place], "name": places["name"][place], "reason": "not planned today"}
        at = places.geometry[place]
    else:
        return None
    near = known.reported_near(at)
    near = near[near < as_of]
    crew = _given(row.get("crew"))
    return StopFacts(
        place=place,
        name=str(row.get("name") or "Open request"),
        kind=str(row["kind"]),
        mark="" if crew is None else f"{crew}{row['seq']}",
        crew=crew,
        number=int(row.get("seq", 0)),
        arrives_at=_given(row.get("arrives_at")),
        leaves_at=_given(row.get("leaves_at")),
        reported_at=_given(reports["reported_at"].get(place)),
        due_at=_given(row.get("due_at")),
        expected=_given(row.get("expected_needles")),
        n_month=int((near >= as_of - pd.Timedelta(days=28)).sum()),
        n_year=int((near >= as_of - pd.Timedelta(days=365)).sum()),
        hotspot=_hotspot(known.hotspots, at),
        swept_d=_swept(places, place),
        left_out=_given(row.get("reason")),
    )


def place_of(plan: Published, stop_id: str) -> str:
    """Return the place of a stop's id; any other id stands for itself."""
    stops = plan.table("stops")
    return str(stops["place_id"][stop_id]) if stop_id in stops.index else stop_id


def stop_of(plan: Published, place: str) -> str:
    """Return the id of the stop at a place, the place itself where there is none."""
    stops = plan.table("stops")
    found = stops.index[stops["place_id"] == place]
    return str(found[0]) if len(found) else place


def _stops_at(plan: Published | None, place: str) -> gpd.GeoDataFrame | None:
    if plan is None:
        return None
    stops = plan.table("stops")
    mine = stops[stops["place_id"] == place]
    return mine if len(mine) else None


def _hotspot(table: gpd.GeoDataFrame, at: BaseGeometry) -> str | None:
    inside = table.geometry.covers(at).to_numpy().nonzero()[0]
    if not len(inside):
        return None
    return f"{inside[0] + 1} of {len(table)}"


def _swept(places: gpd.GeoDataFrame, place: str) -> float | None:
    return float(places["swept_d"][place]) if place in places.index and pd.notna(places["swept_d"][place]) else None


def _given(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value
