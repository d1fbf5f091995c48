"""A stop that comes in by telephone: put on the map, on the streets, and into the problem of the day."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from itertools import count

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.bridge.rules import SweepRules
from sweepplan.bridge.snapping import FOOT_MS, located
from sweepplan.bridge.sweeps import SweepDay, zone_of
from sweepplan.errors import ProblemError
from sweepplan.geo import WGS84
from sweepplan.model import Mode, Stop
from sweepplan.streets import Snaps

ADDED = "added-"
"""How the ids of added stops begin."""


def spot_ids(prefix: str, day: SweepDay, spots: gpd.GeoSeries) -> list[str]:
    """Return an id for each of the spots that no other spot and no other day has, whatever was added before it.

    What is counted there is kept under the id, so a number that begins anew would give one place's count to another.
    """
    taken, ids = {str(place) for place in day.layout.place}, list[str]()
    date = f"{day.grounds[0].streets.area.local(day.zero):%Y%m%d}"
    placed = spots.to_crs(WGS84)
    for lat, lon in zip(placed.y, placed.x, strict=True):
        where = hashlib.sha256(f"{lat:.6f} {lon:.6f}".encode()).hexdigest()[:10]
        first = f"{prefix}{date}-{where}"
        free = first if first not in taken else next(f"{first}-{n}" for n in count(2) if f"{first}-{n}" not in taken)
        taken.add(free)
        ids.append(free)
    return ids


def with_request(
    day: SweepDay, spot: gpd.GeoSeries, rules: SweepRules, *, name: str | None = None, place: str | None = None
) -> SweepDay:
    """Return the day with one more request, due by the end of the day; every other stop keeps its number.

    Parameters
    ----------
    spot : one point on the plane.
    name : what crews read; None: the street it lies on.
    place : its id, where it has one; None: one of its own, by day and spot.

    Raises
    ------
    ProblemError
        It lies outside the area, or no street leads there and back.
    """
    if not day.grounds[0].streets.area.boundary.covers(spot.iloc[0]):
        raise ProblemError(f"this spot lies outside {day.grounds[0].streets.area.name}: choose one inside")
    found = [located(ground.streets, spot, rules) for ground in day.grounds]
    if any(snap.edge[0] < 0 for snap, _, _ in found):
        raise ProblemError("no street leads there and back: choose a spot nearer to a street")
    named, walk_m = found[0][1], max(walk_m for _, _, walk_m in found)
    problem, row = day.problem, len(day.layout)
    layout = day.layout.with_points(spot, [place] if place else spot_ids(ADDED, day, spot)).walked(np.array([walk_m]))
    travel_s = _grown(day, [snap for snap, _, _ in found])
    horizon = max(shift.window_s[1] for shift in problem.shifts)
    needles = rules.needles_per_report
    stop = Stop(
        place=str(layout.place[-1]),
        modes=(Mode(row, row, int(np.ceil(rules.request_s + 2 * walk_m / FOOT_MS))),),
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
        layout=layout,
        grounds=tuple(
            ground.with_point(snap, far_m) for ground, (snap, _, far_m) in zip(day.grounds, found, strict=True)
        ),
    )


def _grown(day: SweepDay, snaps: Sequence[Snaps]) -> np.ndarray:
    """Return travel times with one more row and column."""
    nets = day.problem.networks
    n = nets.shape[1]
    grown = np.zeros((len(nets), n + 1, n + 1))
    grown[:, :n, :n] = nets
    for net, ground, snap in zip(grown, day.grounds, snaps, strict=True):
        net[n, :n] = np.ceil(ground.streets.travel_s(snap, ground.comes))[0]
        net[:n, n] = np.ceil(ground.streets.travel_s(ground.leaves, snap))[:, 0]
    return grown if day.problem.travel_s.ndim == 3 else grown[0]
