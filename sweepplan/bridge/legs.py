"""A plan → the way between its stops, street by street."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd

from sweepplan.bridge.sweeps import SweepDay
from sweepplan.model import SweepPlan
from sweepplan.streets import StreetNetwork
from sweepplan.tables import LEGS


def leg_table(day: SweepDay, plan: SweepPlan, streets: StreetNetwork) -> gpd.GeoDataFrame:
    """Return tables.LEGS: per crew the way from the depot to its first stop, from stop to stop, and back.

    Directions are in words, one street a line, distances in the area's unit.
    """
    rows = []
    for crew, route in zip(day.problem.crews, plan.routes, strict=True):
        at = [0, *(day.problem.stops[stop].at for stop in route), 0] if route else []
        for seq, (a, b) in enumerate(pairwise(at), 1):
            leg = streets.leg(day.snaps[[a]], day.snaps[[b]])
            said = [step.text(streets.area.unit) for step in leg.steps]
            said += [f"on the {leg.side}"] if leg.side else []
            rows.append(
                {
                    "leg_id": f"{crew.name}-{seq:03d}",
                    "crew": crew.name,
                    "seq": seq,
                    "length_m": leg.length_m,
                    "travel_s": leg.travel_s,
                    "directions": "\n".join(said) or "where you are",
                    "geometry": leg.geometry,
                }
            )
    if not rows:
        return LEGS.empty(streets.area.crs)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=streets.area.crs).set_index("leg_id")
    table.index = table.index.astype("str")
    return LEGS.check(table)
