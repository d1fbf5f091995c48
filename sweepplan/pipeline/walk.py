"""The walk: hotspots, sweeps, kiosks, and what of them may be seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import geopandas as gpd
import pandas as pd

from sweepplan import bridge
from sweepplan.bridge import KioskStudy, Surroundings, SweepDay
from sweepplan.errors import SettingsError
from sweepplan.hotspots import Blend, Clusters, find_hotspots, forecast, looked, yields
from sweepplan.judging import bound_sweep, judge_kiosks, judge_sweep
from sweepplan.model import KioskJudgement, KioskPlan, SweepJudgement, SweepPlan
from sweepplan.pipeline.city import City, load_city
from sweepplan.pipeline.news import News
from sweepplan.pipeline.progress import Progress, part, quiet
from sweepplan.pipeline.settings import Settings
from sweepplan.pipeline.shifts import with_left
from sweepplan.privacy import Policy, Published, publish
from sweepplan.routing import Change, solve_sweep
from sweepplan.siting import solve_kiosks
from sweepplan.sources import Reading

FORECAST = {"needle": Blend(), "overdose": Blend(cell_m=200)}
"""How each kind is forecast: overdoses are sparse, and their coordinates are blurred."""


CLUSTERS = {"needle": Clusters(), "overdose": Clusters(eps_m=150, half_life_d=365, pre_cell_m=25)}
"""How each kind is gathered into outlined areas."""


@dataclass(frozen=True, eq=False)
class Hotspots:
    """Where incidents gather: outlined areas and rates by cell, of one kind."""

    kind: str
    areas: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame


@dataclass(frozen=True, eq=False)
class Sweep:
    """The day planned: problem, plan, what the plan is worth, its tables, and where crews looked before (or None).

    Of the rest of a day: ``since`` when, what changed for whom, and what it goes on from.
    """

    day: SweepDay
    plan: SweepPlan
    judged: SweepJudgement
    routes: gpd.GeoDataFrame
    stops: gpd.GeoDataFrame
    legs: gpd.GeoDataFrame
    looked: pd.DataFrame | None
    since: pd.Timestamp | None = None
    changes: tuple[Change, ...] = ()
    begun: Begun | None = None


@dataclass(frozen=True, eq=False)
class Begun:
    """What the rest of a day goes on from: the plan before, what happened, all stops that are done (tables.STOPS)."""

    earlier: Sweep
    news: News
    done: gpd.GeoDataFrame

    @classmethod
    def after(cls, earlier: Sweep, news: News) -> Begun:
        """Return what goes on from the plan ``earlier``; ``news`` say what of it is done."""
        stops = earlier.stops
        done = stops[stops["place_id"].isin(news.done or ()) & stops["crew"].notna()]
        if earlier.begun is not None:
            done = pd.concat([earlier.begun.done, done])
        return cls(earlier, news, gpd.GeoDataFrame(done, crs=stops.crs))


@dataclass(frozen=True, eq=False)
class Watch:
    """Who looks on while a plan is searched: told of better ones; once ``ended`` is set, the best so far is taken."""

    better: Callable[[SweepDay, SweepPlan], None]
    ended: Event = field(default_factory=Event)


@dataclass(frozen=True, eq=False)
class Kiosks:
    """Where kiosks should stand: problem, plan, proof, and the table.

    ``judged`` is in the demand of the problem, where reports near children may count more; ``counted`` in reports.
    """

    study: KioskStudy
    plan: KioskPlan
    judged: KioskJudgement
    counted: KioskJudgement
    table: gpd.GeoDataFrame


@dataclass(frozen=True, eq=False)
class Stage:
    """A plan (tables.STOPS) and what happened to it, so that the rest of the day was planned anew."""

    stops: gpd.GeoDataFrame
    news: News


@dataclass(frozen=True, eq=False)
class Run:
    """The whole walk: what was read, found, planned, and what of it may be seen.

    Of the rest of a day: the plans it came from, the whole day's first.
    """

    settings: Settings
    city: City
    as_of: pd.Timestamp
    hotspots: tuple[Hotspots, ...]
    sweep: Sweep | None
    kiosks: Kiosks | None
    shown: Published
    before: tuple[Stage, ...] = ()


def run(settings: Settings, progress: Progress = quiet, *, sweep: bool = True, kiosks: bool = True) -> Run:
    """Walk the way from files to what may be seen; ``sweep`` and ``kiosks`` say which plans to make."""
    city = load_city(settings, part(progress, 0.0, 0.3))
    as_of = city.area.moment(settings.as_of)
    progress("finding hotspots", 0.3)
    hotspots = find(city.readings, as_of=as_of, around=city.around, clusters=settings.clusters)
    swept, sited = None, None
    if sweep:
        swept = plan_sweep(city, hotspots[0], settings, as_of=as_of, progress=part(progress, 0.4, 0.8))
    if kiosks:
        progress("siting kiosks", 0.8)
        sited = plan_kiosks(city, settings, as_of=as_of)
    progress("publishing", 0.95)
    shown = show(city, hotspots, swept, sited, settings)
    progress("done", 1.0)
    return Run(settings, city, as_of, hotspots, swept, sited, shown)


def find(
    readings: tuple[Reading, ...], *, as_of: pd.Timestamp, around: Surroundings | None = None, clusters: str = "dbscan"
) -> tuple[Hotspots, ...]:
    """Find hotspots and rates of each reading that has rows, the main one first; ``around`` explains the hotspots."""
    found = []
    for reading in readings:
        for kind in sorted(reading.incidents["kind"].unique()):
            incidents = reading.of_kind(kind)
            areas = find_hotspots(incidents, dataclasses.replace(CLUSTERS[kind], method=clusters), as_of=as_of)
            areas = bridge.explained(areas, around or Surroundings(), reading.area, as_of=as_of)
            cells = forecast(incidents, reading.area, as_of=as_of, method=FORECAST[kind]).cells
            found.append(
                Hotspots(kind, areas.rename(index=f"{kind}-{{}}".format), cells.rename(index=f"{kind}-{{}}".format))
            )
    return tuple(found)


def plan_sweep(
    city: City,
    hotspots: Hotspots,
    settings: Settings,
    *,
    as_of: pd.Timestamp,
    places: gpd.GeoDataFrame | None = None,
    left: gpd.GeoDataFrame | None = None,
    progress: Progress = quiet,
    watch: Watch | None = None,
) -> Sweep:
    """Plan the sweeps of the day ``as_of`` falls on; ``watch`` sees better plans on the way, and may end the search.

    ``places`` are those of :func:`sweep_places`, if they are known already; ``left`` is what the last shift left.

    Raises
    ------
    SettingsError
        No depot.
    """
    day, places = sweep_day(city, hotspots, settings, as_of=as_of, places=places)
    if left is not None:
        day = with_left(day, left, city, settings)
    plan = searched(day, settings, progress=progress, watch=watch)
    where, pickups = None, city.around.pickups
    if pickups is not None:
        where = looked(yields(pickups, places, places["reports_a_day"], as_of=as_of), places)
    return worked_out(day, plan, where)


def sweep_day(
    city: City,
    hotspots: Hotspots,
    settings: Settings,
    *,
    as_of: pd.Timestamp,
    places: gpd.GeoDataFrame | None = None,
) -> tuple[SweepDay, gpd.GeoDataFrame]:
    """Return the problem of the day ``as_of`` falls on, and all places that could be swept.

    Raises
    ------
    SettingsError
        No depot, or a zone that is no district.
    """
    lat, lon = _depot(settings)
    _check_zones(city, settings)
    places = sweep_places(city, hotspots, settings, as_of=as_of) if places is None else places
    services = None
    if city.ledger is not None and city.kiosks is not None:
        services = bridge.due_services(city.ledger, city.kiosks, as_of=as_of)
    day = bridge.sweep_day(
        city.reports,
        city.streets,
        settings.crews,
        as_of=as_of,
        depot=city.area.points([lon], [lat]),
        places=places,
        walk=city.walk,
        services=services,
        zones=city.districts,
        rules=settings.rules,
    )
    return day, places


def _depot(settings: Settings) -> tuple[float, float]:
    """Return where crews start and end that have no depot of their own."""
    depot = settings.depot or settings.crews[0].depot
    lost = [crew.name for crew in settings.crews if crew.depot is None]
    if depot is None or (settings.depot is None and lost):
        raise SettingsError("no depot: give where crews start and end as LAT,LON")
    return depot


def _check_zones(city: City, settings: Settings) -> None:
    known = set() if city.districts is None else set(city.districts["name"])
    for crew in settings.crews:
        strange = sorted(crew.zones - known)
        if strange:
            raise SettingsError(f"crew {crew.name!r}: no zone {strange[0]!r}: one of {', '.join(sorted(known))}")


def sweep_places(city: City, hotspots: Hotspots, settings: Settings, *, as_of: pd.Timestamp) -> gpd.GeoDataFrame:
    """Return all that can be swept, with the needles that gather there."""
    return bridge.places_to_sweep(
        city.reports,
        city.streets,
        as_of=as_of,
        cells=hotspots.cells,
        parks=city.parks,
        pickups=city.around.pickups,
        rules=settings.rules,
    )


def searched(
    day: SweepDay,
    settings: Settings,
    *,
    start: SweepPlan | None = None,
    progress: Progress = quiet,
    watch: Watch | None = None,
) -> SweepPlan:
    """Search a plan of the day, on from ``start`` if there is one."""

    def told(share: float) -> bool:
        progress("planning sweeps", share)
        return watch is not None and watch.ended.is_set()

    return solve_sweep(
        day.problem,
        limit=settings.limit,
        seed=settings.seed,
        needle_s=settings.rules.needle_s,
        start=start,
        progress=told,
        live=None if watch is None else lambda plan: watch.better(day, plan),
    )


def worked_out(day: SweepDay, plan: SweepPlan, where: pd.DataFrame | None = None) -> Sweep:
    """Return a plan with what it is worth, beside what no plan is above, and its tables."""
    judged = judge_sweep(day.problem, plan)
    bound = bound_sweep(day.problem, n_required_served=judged.n_required_served)
    judged = dataclasses.replace(judged, bound=bound)
    routes, stops = bridge.route_table(day, plan), bridge.stop_table(day, plan)
    return Sweep(day, plan, judged, routes, stops, bridge.leg_table(day, plan), where)


def plan_kiosks(city: City, settings: Settings, *, as_of: pd.Timestamp) -> Kiosks:
    """Site ``settings.k`` new kiosks, or naloxone boxes, beside the installed ones that serve.

    Raises
    ------
    SettingsError
        Naloxone boxes are asked for and no overdose is read.
    """
    reports, kiosks, sites = city.reports, city.kiosks, city.around.sites
    if settings.boxes == "naloxone":
        reports, kiosks = city.overdoses, None if sites is None else sites[sites["kind"] == "naloxone"]
        if reports.empty:
            raise SettingsError("naloxone boxes answer to overdoses and none is read: give overdoses and their feed")
    elif city.ledger is not None and kiosks is not None:
        kiosks = bridge.working(city.ledger, kiosks, as_of=as_of)
    study = bridge.kiosk_study(
        reports,
        city.walk,
        candidates=city.candidates,
        kiosks=kiosks,
        as_of=as_of,
        places=None if sites is None else sites[sites["kind"].isin(["school", "playground"])],
        districts=city.districts,
        rules=dataclasses.replace(settings.kiosk_rules, k=settings.k, reach_m=settings.reach_m),
    )
    plan = solve_kiosks(study.problem)
    judged, counted = judge_kiosks(study.problem, plan), bridge.counted_kiosks(study, plan)
    return Kiosks(study, plan, judged, counted, bridge.kiosk_table(study, plan))


def kiosk_curve(kiosks: Kiosks, *, up_to: int) -> tuple[KioskJudgement, ...]:
    """Return what the best 0, 1, 2, ... up to ``up_to`` new kiosks reach, in reports; fewer where sites are fewer."""
    problem = kiosks.study.problem
    most = problem.n_sites - len({*problem.fixed, *problem.forbidden})
    asked = [dataclasses.replace(problem, k=k) for k in range(min(up_to, most) + 1)]
    return tuple(
        bridge.counted_kiosks(dataclasses.replace(kiosks.study, problem=each), solve_kiosks(each)) for each in asked
    )


def show(
    city: City, hotspots: tuple[Hotspots, ...], sweep: Sweep | None, kiosks: Kiosks | None, settings: Settings
) -> Published:
    """Pass what a team lead may see through the gate, but for the requests themselves."""
    lead = Policy.for_role("lead", min_count=settings.min_count)
    tables = [city.streets.streets(), *gathered(city.readings, hotspots)]
    tables += [] if city.parks is None else [city.parks]
    tables += [] if kiosks is None else [kiosks.table]
    tables += [] if sweep is None else [sweep.routes, sweep.stops, sweep.legs]
    return publish(*tables, area=city.area, policy=lead, as_of=city.area.moment(settings.as_of))


def gathered(readings: tuple[Reading, ...], hotspots: tuple[Hotspots, ...]) -> list[gpd.GeoDataFrame]:
    """Return what goes to the gate: where needles gather as found, and all overdoses, for the gate to count."""
    tables = [table for found in hotspots if found.kind != "overdose" for table in (found.cells, found.areas)]
    kinds = {found.kind for found in hotspots}
    reports = [reading.of_kind("overdose") for reading in readings]
    return tables + ([pd.concat(reports)] if "overdose" in kinds else [])
