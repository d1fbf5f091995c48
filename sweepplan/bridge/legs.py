"""A plan → the way between its stops, street by street."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd

from sweepplan.bridge.grounds import AHEAD, BACK, PARK, PARK_FAR, Ground
from sweepplan.bridge.sweeps import SweepDay
from sweepplan.model import SweepPlan
from sweepplan.streets import joined
from sweepplan.tables import LEGS


def leg_table(day: SweepDay, plan: SweepPlan) -> gpd.GeoDataFrame:
    """Return tables.LEGS: per crew the way from the depot to its first stop, from stop to stop, and back.

    Where the stop is a street, its line as it is swept follows. Directions are in words, one street a line, distances
    in the area's unit.
    """
    rows = []
    names = dict(zip(day.stops["place_id"], day.stops["name"], strict=True))
    for k, ways in enumerate(day.problem.ways(plan)):
        shift = day.problem.shifts[k]
        ground = day.grounds[shift.network]
        for seq, (a, b) in enumerate(ways, 1):
            leg, swept = day.leg(k, a, b), day.layout.swept(b)
            said = [step.text(ground.streets.area.unit) for step in leg.steps]
            said += [f"on the {leg.side}"] if leg.side else []
            said += [] if swept is None else [_sweep_words(day, ground, b, names)]
            rows.append(
                {
                    "leg_id": f"{shift.crew}-{seq:03d}",
                    "crew": shift.crew,
                    "seq": seq,
                    "length_m": leg.length_m,
                    "travel_s": leg.travel_s,
                    "swept_m": 0.0 if swept is None else float(swept.length),
                    "directions": "\n".join(said) or "where you are",
                    "geometry": leg.geometry if swept is None else joined([leg.geometry, swept]),
                }
            )
    crs = str(day.stops.crs)
    if not rows:
        return LEGS.empty(crs)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs).set_index("leg_id")
    table.index = table.index.astype("str")
    return LEGS.check(table)


def _sweep_words(day: SweepDay, ground: Ground, row: int, names: Mapping[str, str]) -> str:
    """Say how a street is swept; ``names`` by place."""
    stop = int(day.layout.stop[row])
    way, line, name = int(day.layout.way[row]), day.layout.line[stop], names[day.layout.place[stop]]
    length = ground.streets.area.distance(line.length)
    if way in (AHEAD, BACK):
        return f"sweep {name} to its end, {length}"
    parked = way in (PARK, PARK_FAR) and ground.mode != "walk"
    return f"{'park and ' if parked else ''}sweep {name} there and back, {length} each way"
