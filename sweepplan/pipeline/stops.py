"""One stop in figures: what it is, since when, until when, and why a crew goes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from shapely.geometry.base import BaseGeometry

from sweepplan.privacy import Published

NEAR_M = 60.0
"""Reports so near to a stop count as its own."""


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


def stop_facts(place: str, known: Published, plan: Published | None, *, as_of: pd.Timestamp) -> StopFacts | None:
    """Return what is known of a stop; None where nobody knows it.

    Parameters
    ----------
    place : ``place_id`` of the stop, for a request the id of its report.
    known : reports as points, hotspots and places with ``swept_d``, for a lead.
    plan : stops and routes, if there is a plan.
    """
    reports = known.table("incidents")
    stops = known.table("stops") if plan is None else plan.table("stops")
    mine = stops[stops["place_id"] == place]
    at: BaseGeometry
    if len(mine):
        at, row = mine.geometry.iloc[0], mine.iloc[0].to_dict()
    elif place in reports.index:
        at, row = reports.geometry[place], {"kind": "request", "due_at": reports["due_at"][place]}
    elif place in known.table("places").index:
        places = known.table("places")
        row = {"kind": places["kind"][place], "name": places["name"][place], "reason": "not planned today"}
        at = places.geometry[place]
    else:
        return None
    before = reports[reports["reported_at"] < as_of]
    near = before["reported_at"][before.geometry.distance(at) <= NEAR_M]
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
        hotspot=_hotspot(known, at),
        swept_d=_swept(known, place),
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


def _hotspot(known: Published, at: BaseGeometry) -> str | None:
    table = known.table("hotspots")
    inside = table.geometry.covers(at).to_numpy().nonzero()[0]
    if not len(inside):
        return None
    return f"{inside[0] + 1} of {len(table)}"


def _swept(known: Published, place: str) -> float | None:
    places = known.table("places")
    return float(places["swept_d"][place]) if place in places.index and pd.notna(places["swept_d"][place]) else None


def _given(value: Any) -> Any:
    return None if value is None or pd.isna(value) else value
