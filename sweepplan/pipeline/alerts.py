"""The walk from reports to alerts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from sweepplan.errors import SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots import Alarm, Blend, Scan, Watch, watch
from sweepplan.pipeline.city import read_reports, read_surroundings
from sweepplan.pipeline.progress import Progress, quiet
from sweepplan.pipeline.settings import Settings
from sweepplan.privacy import Policy, Published, publish

ALARMS = {"needle": Alarm(), "overdose": Alarm(scan=Scan(radii_m=(400, 700, 1000)), blend=Blend(cell_m=200))}
"""How each kind is watched: overdoses are sparse, and their coordinates are blurred."""


@dataclass(frozen=True, eq=False)
class Watched:
    """What stands out as of a moment, and what of it may be seen; ``over``: the episodes before that are over."""

    area: Area
    as_of: pd.Timestamp
    watch: Watch
    shown: Published
    over: Published


def alerts_only(
    settings: Settings,
    *,
    kind: str | None = None,
    method: str = "scan",
    budget: float = 1.0,
    role: str = "lead",
    progress: Progress = quiet,
) -> Watched:
    """Watch the reports of one kind; streets, where given, name the places.

    Parameters
    ----------
    kind : needle or overdose; None: what the main feed holds.
    method, budget : see :class:`sweepplan.hotspots.Alarm`.
    role : who is told.

    Raises
    ------
    SettingsError
        No report is of that kind, or method or budget cannot be.
    ProblemError
        Too few reports, or none that is dated.
    """
    progress("reading reports", 0.0)
    readings = read_reports(settings, Area.load(settings.area) if settings.area else None)
    area = readings[0].area
    area = area if settings.area else dataclasses.replace(area, name=settings.name or area.name)
    as_of = area.moment(settings.as_of)
    kind = kind or str(readings[0].incidents["kind"].min())
    reports = [reading.of_kind(kind) for reading in readings]
    reports = [each for each in reports if len(each)]
    if not reports:
        raise SettingsError(f"no {kind} report in {settings.reports_name}: give --kind, or a file of {kind} reports")
    progress("reading streets", 0.2)
    around, _ = read_surroundings(dataclasses.replace(settings, sites=None, places=None, sweep_log=None), area)
    progress("looking back", 0.4)
    alarm = dataclasses.replace(ALARMS[kind], method=method, budget=budget)
    found = watch(pd.concat(reports), area, alarm, as_of=as_of)
    told = tell_alerts(found, area, Policy.for_role(role, min_count=settings.min_count), around.streets, as_of=as_of)
    progress("done", 1.0)
    return told


def tell_alerts(
    found: Watch, area: Area, policy: Policy, streets: gpd.GeoDataFrame | None, *, as_of: pd.Timestamp
) -> Watched:
    """Return what of a watch may be seen; streets, where given, name the places."""
    named = [] if streets is None else [streets]
    shown, over = (
        publish(*named, table, area=area, policy=policy, as_of=as_of) for table in (found.alerts, found.earlier)
    )
    return Watched(area, as_of, found, shown, over)
