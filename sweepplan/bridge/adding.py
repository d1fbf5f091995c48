"""A stop that comes in by telephone: put on the map, on the streets, and into the problem of the day."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.bridge.rules import SweepRules
from sweepplan.bridge.snapping import located
from sweepplan.bridge.sweeps import SweepDay, zone_of
from sweepplan.errors import ProblemError
from sweepplan.model import Mode, Stop, SweepProblem
from sweepplan.streets import Snaps, StreetNetwork

ADDED = "added-"
"""How the ids of added stops begin."""


def with_request(
    day: SweepDay, streets: StreetNetwork, spot: gpd.GeoSeries, rules: SweepRules, *, name: str | None = None
) -> SweepDay:
    """Return the day with one more request, due by the end of the day; every other stop keeps its number.

    Parameters
    ----------
    spot : one point on the plane.
    name : what crews read; None: the street it lies on.

    Raises
    ------
    ProblemError
        It lies outside the area, or no street leads there and back.
    """
    if not streets.area.boundary.covers(spot.iloc[0]):
        raise ProblemError(f"this spot lies outside {streets.area.name}: choose one inside")
    snap, named, walk_s = located(streets, spot, rules)
    if snap.edge[0] < 0:
        raise ProblemError("no street leads there and back: choose a spot nearer to a street")
    n = sum(place.startswith(ADDED) for place in day.stops["place_id"]) + 1
    problem, row = day.problem, len(day.snaps)
    travel_s = _grown(problem, streets, day.snaps, snap)
    horizon = max(shift.window_s[1] for shift in problem.shifts)
    needles = rules.needles_per_report
    stop = Stop(
        place=f"{ADDED}{n}",
        modes=(Mode(row, row, int(np.ceil(rules.request_s + walk_s))),),
        prize=needles,
        window_s=(0, horizon),
        required=True,
        load=round(needles),
        skills=rules.skills("request"),
        zone=zone_of(spot, day.zones)[0],
    )
    told = {"place_id": stop.place, "name": name or named, "kind": "request"}
    line = gpd.GeoDataFrame({key: [value] for key, value in told.items()}, geometry=spot.to_list(), crs=spot.crs)
    line["due_at"] = pd.Series([pd.NaT], dtype=day.stops["due_at"].dtype)
    return dataclasses.replace(
        day,
        problem=dataclasses.replace(problem, stops=(*problem.stops, stop), travel_s=travel_s),
        stops=gpd.GeoDataFrame(pd.concat([day.stops, line], ignore_index=True), crs=spot.crs),
        snaps=Snaps.join(day.snaps, snap),
    )


def _grown(problem: SweepProblem, streets: StreetNetwork, snaps: Snaps, snap: Snaps) -> np.ndarray:
    """Return travel times with one more row and column."""
    if problem.travel_s.ndim != 2:
        raise ProblemError("stops cannot be added where crews move by several networks: plan anew")
    n = len(snaps)
    grown = np.zeros((n + 1, n + 1))
    grown[:n, :n] = problem.travel_s
    grown[n, :n] = np.ceil(streets.travel_s(snap, snaps))[0]
    grown[:n, n] = np.ceil(streets.travel_s(snaps, snap))[:, 0]
    return grown
