"""A plan → routes and stops on the map and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString

from sweepplan.bridge.sweeps import SweepDay
from sweepplan.judging import judge_sweep, slack_s
from sweepplan.model import UNLOAD, SweepJudgement, SweepPlan
from sweepplan.streets import StreetNetwork
from sweepplan.tables import ROUTES, STOPS


def route_table(day: SweepDay, plan: SweepPlan, streets: StreetNetwork) -> gpd.GeoDataFrame:
    """Return tables.ROUTES: per crew that goes out, its way along the streets and its figures from the judge."""
    judged = judge_sweep(day.problem, plan)
    rows = []
    for shift, route, worked, ways in zip(
        day.problem.shifts, plan.routes, judged.days, day.problem.ways(plan), strict=True
    ):
        if worked is None:
            continue
        legs = [day.leg(streets, a, b) for a, b in ways]
        rows.append(
            {
                "crew": shift.crew,
                "n_stops": sum(stop != UNLOAD for stop in route),
                "crew_s": float(worked.back_s - worked.leaves_s),
                "drive_m": float(sum(leg.length_m for leg in legs)),
                "expected_needles": worked.needles,
                "starts_at": day.clock(worked.leaves_s),
                "ends_at": day.clock(worked.back_s),
                "geometry": _joined([leg.geometry for leg in legs]),
            }
        )
    if not rows:
        return ROUTES.empty(streets.area.crs)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=streets.area.crs).set_index("crew")
    return ROUTES.check(_utc(table, "starts_at", "ends_at"))


def stop_table(day: SweepDay, plan: SweepPlan) -> gpd.GeoDataFrame:
    """Return tables.STOPS: every stop on a route by crew and order, then every request left out with its reason."""
    judged, spare_s = judge_sweep(day.problem, plan), slack_s(day.problem, plan)
    rows: list[tuple[Any, ...]] = []
    for shift, route, worked, modes, slack in zip(
        day.problem.shifts, plan.routes, judged.days, day.problem.visits(plan), spare_s, strict=True
    ):
        if worked is None:
            continue
        visits = [visit for visit in zip(route, worked.starts_s, modes, slack, strict=True) if visit[0] != UNLOAD]
        for k, (stop, starts, mode, spare) in enumerate(visits):
            times = day.clock(starts), day.clock(starts + mode.service_s), spare // 60
            rows.append((stop, shift.crew, k + 1, *times, None))
    left = [(stop, why) for stop, why in judged.unserved if day.problem.stops[stop].required]
    rows += [(stop, None, 0, pd.NaT, pd.NaT, np.nan, why) for stop, why in left]
    if not rows:
        return STOPS.empty(str(day.stops.crs))
    index, crew_of, seq, arrives, leaves_at, spare_min, reason = zip(*rows, strict=True)
    table = day.stops.iloc[list(index)].assign(
        crew=pd.array(crew_of, dtype="str"),
        seq=np.array(seq, dtype=np.int64),
        arrives_at=pd.to_datetime(list(arrives), utc=True),
        leaves_at=pd.to_datetime(list(leaves_at), utc=True),
        slack_min=np.array(spare_min, dtype=float),
        expected_needles=[float(day.problem.stops[stop].prize) for stop in index],
        reason=pd.array(reason, dtype="str"),
    )
    table.index = pd.Index([f"stop-{k:03d}" for k in range(1, len(table) + 1)], name="stop_id", dtype="str")
    return STOPS.check(_utc(table, "arrives_at", "leaves_at", "due_at"))


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
