"""A plan → routes and stops on the map and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString

from sweepplan.bridge.rest import UNLOADING
from sweepplan.bridge.sweeps import SweepDay
from sweepplan.judging import judge_sweep, slack_s
from sweepplan.model import UNLOAD, SweepJudgement, SweepPlan
from sweepplan.tables import ROUTES, STOPS


def route_table(day: SweepDay, plan: SweepPlan) -> gpd.GeoDataFrame:
    """Return tables.ROUTES: per crew that goes out, its way along the streets and its figures from the judge."""
    judged = judge_sweep(day.problem, plan)
    rows = []
    for k, (shift, worked, ways) in enumerate(
        zip(day.problem.shifts, judged.days, day.problem.ways(plan), strict=True)
    ):
        if worked is None:
            continue
        legs = [day.leg(k, a, b) for a, b in ways]
        swept = [day.layout.swept(b) for _, b in ways]
        lines = [line for leg, s in zip(legs, swept, strict=True) for line in (leg.geometry, s) if line is not None]
        rows.append(
            {
                "crew": shift.crew,
                "n_stops": sum(stop != UNLOAD for stop in plan.routes[k]),
                "crew_s": float(worked.back_s - worked.leaves_s),
                "drive_m": float(sum(leg.length_m for leg in legs)),
                "expected_needles": worked.needles,
                "starts_at": day.clock(worked.leaves_s),
                "ends_at": day.clock(worked.back_s),
                "geometry": _joined(lines),
            }
        )
    if not rows:
        return ROUTES.empty(str(day.stops.crs))
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=day.stops.crs).set_index("crew")
    return ROUTES.check(_utc(table, "starts_at", "ends_at"))


def stop_table(day: SweepDay, plan: SweepPlan) -> gpd.GeoDataFrame:
    """Return tables.STOPS: every stop on a route by crew and order, then every request left out with its reason."""
    judged, spare_s = judge_sweep(day.problem, plan), slack_s(day.problem, plan)
    rows: list[dict[str, Any]] = []
    for k, (shift, worked, visits) in enumerate(
        zip(day.problem.shifts, judged.days, day.problem.visits(plan), strict=True)
    ):
        for n, stop in enumerate(plan.routes[k] if worked is not None else ()):
            starts_s = worked.starts_s[n] if worked is not None else 0
            rows.append(
                {
                    **(_unloading(day, k, n) if stop == UNLOAD else _told(day, stop)),
                    "crew": shift.crew,
                    "seq": n + 1,
                    "arrives_at": day.clock(starts_s),
                    "leaves_at": day.clock(starts_s + visits[n].service_s),
                    "slack_min": float(spare_s[k][n] // 60),
                    "mode": plan.modes[k][n] if plan.modes else 0,
                }
            )
    for stop, why in judged.unserved:
        if day.problem.stops[stop].required:
            rows.append({**_told(day, stop), "reason": why})
    if not rows:
        return STOPS.empty(str(day.stops.crs))
    empty = {"crew": None, "seq": 0, "arrives_at": pd.NaT, "leaves_at": pd.NaT, "slack_min": np.nan, "mode": 0}
    table = gpd.GeoDataFrame([{**empty, "reason": None, **row} for row in rows], crs=day.stops.crs)
    for name in ("crew", "reason", "place_id", "name", "kind"):
        table[name] = table[name].astype("str")
    table.index = pd.Index([f"stop-{k:03d}" for k in range(1, len(table) + 1)], name="stop_id", dtype="str")
    return STOPS.check(_utc(table, "arrives_at", "leaves_at", "due_at"))


def _told(day: SweepDay, stop: int) -> dict[str, Any]:
    """Return what is known of a stop of the day."""
    known = {str(name): value for name, value in day.stops.iloc[stop].items()}
    return {**known, "expected_needles": float(day.problem.stops[stop].prize)}


def _unloading(day: SweepDay, shift: int, n: int) -> dict[str, Any]:
    """Return the stop at which a crew empties its container, as visit ``n``."""
    row = day.problem.shifts[shift].unload or 0
    return {
        "place_id": f"{UNLOADING}{day.problem.shifts[shift].crew}-{n + 1}",
        "name": "Depot: empty the containers",
        "kind": "unload",
        "due_at": pd.NaT,
        "expected_needles": 0.0,
        "geometry": day.layout.depots.iloc[row],
    }


def share_words(judged: SweepJudgement) -> str:
    """Return how near to the best possible a plan is at least, rounded down; nothing where that is not known.

    Examples
    --------
    >>> share_words(SweepJudgement((), 0, 0, 87.9, 0, (), bound=100.0))
    ', at least 87 % of the best possible'
    """
    best = judged.share_of_best
    return "" if best is None else f", at least {int(100 * best)} % of the best possible"


def _joined(lines: Sequence[LineString]) -> LineString:
    xy = np.concatenate([shapely.get_coordinates(line) for line in lines])
    kept = np.concatenate([[True], np.any(xy[1:] != xy[:-1], axis=1)])
    xy = xy[kept]
    return LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0))


def _utc(table: gpd.GeoDataFrame, *columns: str) -> gpd.GeoDataFrame:
    return table.assign(
        **{name: pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]") for name in columns}
    )
