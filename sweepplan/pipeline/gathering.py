"""The walk from reports to hotspots, and where the map changed since last month."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from sweepplan.errors import ProblemError
from sweepplan.geo import Area
from sweepplan.hotspots import Watch, drift, watch
from sweepplan.pipeline.alerts import ALARMS
from sweepplan.pipeline.city import read_reports, read_surroundings
from sweepplan.pipeline.settings import Settings
from sweepplan.pipeline.walk import Hotspots, find, gathered
from sweepplan.privacy import Policy, Published, publish
from sweepplan.sources import Reading
from sweepplan.tables import ALERTS


@dataclass(frozen=True, eq=False)
class Changed:
    """Where the map of one kind changed since last month: ALERTS, or in words why that cannot be said."""

    kind: str
    places: gpd.GeoDataFrame
    unknown: str = ""


@dataclass(frozen=True, eq=False)
class Spikes:
    """What stands out now of one kind, and where its map changed; no ``watch`` where ``unknown`` says why not."""

    watch: Watch | None
    changed: Changed
    unknown: str = ""


@dataclass(frozen=True, eq=False)
class HotspotRun:
    """Where reports gather, where that changed, and what of it may be seen."""

    area: Area
    hotspots: tuple[Hotspots, ...]
    changed: tuple[Changed, ...]
    shown: Published


def hotspots_only(settings: Settings) -> HotspotRun:
    """Find hotspots from the reports alone; streets, sites and a sweep log, where given, explain them."""
    readings = read_reports(settings, Area.load(settings.area) if settings.area else None)
    area = readings[0].area
    area = area if settings.area else dataclasses.replace(area, name=settings.name or area.name)
    as_of = area.moment(settings.as_of)
    around, _ = read_surroundings(settings, area)
    hotspots = find(readings, as_of=as_of, around=around, clusters=settings.clusters)
    changed = changes(readings, hotspots, area, as_of=as_of)
    lead = Policy.for_role("lead", min_count=settings.min_count)
    tables = [*([] if around.streets is None else [around.streets]), *gathered(readings, hotspots)]
    tables += [each.places for each in changed]
    return HotspotRun(area, hotspots, changed, publish(*tables, area=area, policy=lead, as_of=as_of))


def spikes(readings: tuple[Reading, ...], hotspots: Hotspots, area: Area, *, as_of: pd.Timestamp) -> Spikes:
    """Return what stands out now of the kind of ``hotspots``, and where its map changed since last month."""
    [changed] = changes(readings, (hotspots,), area, as_of=as_of)
    reports = pd.concat([each.of_kind(hotspots.kind) for each in readings])
    try:
        return Spikes(watch(reports, area, ALARMS[hotspots.kind], as_of=as_of), changed)
    except ProblemError as error:
        return Spikes(None, changed, str(error))


def changes(
    readings: tuple[Reading, ...], hotspots: tuple[Hotspots, ...], area: Area, *, as_of: pd.Timestamp
) -> tuple[Changed, ...]:
    """Return where the map of each kind changed since last month."""
    found = []
    for each in hotspots:
        reports = pd.concat([reading.of_kind(each.kind) for reading in readings])
        try:
            places = drift(reports, each.areas, area, ALARMS[each.kind], as_of=as_of)
            found.append(Changed(each.kind, places))
        except ProblemError as error:
            found.append(Changed(each.kind, ALERTS.empty(area.crs), str(error)))
    return tuple(found)
