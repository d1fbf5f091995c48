"""A plan → the way between its stops, street by street."""

from __future__ import annotations

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
    for shift, ways in zip(day.problem.shifts, day.problem.ways(plan), strict=True):
        for seq, (a, b) in enumerate(ways, 1):
            leg = day.leg(streets, a, b)
            said = [step.text(streets.area.unit) for step in leg.steps]
            said += [f"on the {leg.side}"] if leg.side else []
            rows.append(
                {
                    "leg_id": f"{shift.crew}-{seq:03d}",
                    "crew": shift.crew,
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
