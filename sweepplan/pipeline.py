"""The whole walk, once, for command line, app and notebook: read, find, sweep, site, publish."""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from sweepplan import bridge
from sweepplan.bridge import KioskRules, KioskStudy, SweepDay, SweepRules
from sweepplan.errors import SettingsError, SourceError, StreetsError
from sweepplan.geo import Area
from sweepplan.hotspots import Clusters, Recency, find_hotspots, rate_surface
from sweepplan.judging import judge_kiosks, judge_sweep
from sweepplan.model import Crew, KioskJudgement, KioskPlan, Limit, SweepJudgement, SweepPlan
from sweepplan.privacy import Policy, Published, publish
from sweepplan.routing import solve_sweep
from sweepplan.siting import solve_kiosks
from sweepplan.sources import Reading, load_mapping, read_file, read_places, read_sites
from sweepplan.streets import StreetNetwork, area_of, read_graph

Progress = Callable[[str, float], None]
"""Called with what is being done, and the share of all work done, 0 to 1."""

RANKING = {"needle": Recency(), "overdose": Recency(half_life_d=365, sigma_m=200, cell_m=200)}
"""How each kind is smoothed: overdoses are sparse, and their coordinates are blurred (see README, "Settings")."""

CLUSTERS = {"needle": Clusters(), "overdose": Clusters(eps_m=150, half_life_d=365, pre_cell_m=25)}
"""How each kind is gathered into outlined areas."""

_PATHS = ("area", "incidents", "overdoses", "streets", "walk_streets", "candidates", "kiosks", "places")


@dataclass(frozen=True)
class Settings:
    """All that a run depends on.

    Attributes
    ----------
    incidents, feed : reports and the name of their feed (``sweepplan read --list``).
    streets, walk_streets : GraphML; without the second, kiosks walk on the first.
    tz : the city's clock, e.g. ``America/New_York``.
    as_of : a moment on that clock; nothing reported from it on is used.
    depot : latitude, longitude in degrees.
    k, reach_m : new kiosks, and how far one may walk to them, metres.
    limit : of the sweep solver.
    min_count : smallest count that is shown.
    attribution : whose streets they are, as every map says.
    """

    incidents: Path
    feed: str
    tz: str
    as_of: str
    streets: Path | None = None
    depot: tuple[float, float] | None = None
    crews: tuple[Crew, ...] = tuple(Crew(name) for name in "ABCD")
    area: Path | None = None
    name: str = ""
    overdoses: Path | None = None
    overdose_feed: str = "cincinnati-ems"
    walk_streets: Path | None = None
    candidates: Path | None = None
    kiosks: Path | None = None
    places: Path | None = None
    mapping: Path | None = None
    k: int = 5
    reach_m: float = 200.0
    seed: int = 7
    limit: Limit = field(default_factory=lambda: Limit(seconds=10))
    min_count: int = 11
    attribution: str = "Streets © OpenStreetMap contributors"
    rules: SweepRules = field(default_factory=SweepRules)

    def __post_init__(self) -> None:
        lat, lon = self.depot or (0.0, 0.0)
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            raise SettingsError(f"depot {lat:g}, {lon:g}: give latitude, longitude in degrees, e.g. 42.3420,-71.0760")
        if not 0 < self.reach_m < float("inf"):
            raise SettingsError(f"reach_m {self.reach_m:g}: give metres, more than 0")
        if self.k < 0:
            raise SettingsError(f"k = {self.k}: give 0 or more kiosks")
        if not 1 <= len(self.crews) <= 10:
            raise SettingsError(f"{len(self.crews)} crews: give 1 to 10")

    @classmethod
    def load(cls, path: str | Path, **changes: Any) -> Settings:
        """Read ``settings.toml``; files are looked for beside it. ``changes`` win over what the file says.

        Raises
        ------
        SettingsError
            The file cannot be read, misses a setting, or names an unknown one.
        """
        path = Path(path)
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not TOML: {error}") from error
        for name in (*_PATHS, "mapping"):
            if name in given:
                given[name] = path.parent / given[name]
        return cls.of({**given, **changes}, where=str(path))

    @classmethod
    def of(cls, given: Mapping[str, Any], *, where: str = "settings") -> Settings:
        """Make settings from plain values, as TOML or a command line holds them."""
        values = dict(given)
        known = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SettingsError(f"{where}: unknown setting {unknown[0]!r}: one of {', '.join(sorted(known))}")
        needed = [n for n, f in known.items() if f.default is f.default_factory is dataclasses.MISSING]
        missing = [name for name in needed if values.get(name) is None]
        if missing:
            raise SettingsError(f"{where}: no {', '.join(missing)}: each is needed")
        for name in (*_PATHS, "mapping"):
            if values.get(name) is not None:
                values[name] = Path(values[name])
        try:
            return cls(**_typed(values))
        except (TypeError, ValueError, KeyError) as error:
            raise error if isinstance(error, SettingsError) else SettingsError(f"{where}: {error}") from error

    def files(self) -> dict[str, Path]:
        """Return every input file by the setting that names it."""
        named = {name: getattr(self, name) for name in (*_PATHS, "mapping")}
        return {name: path for name, path in named.items() if path is not None}


@dataclass(frozen=True, eq=False)
class City:
    """All that was read: tables on one plane, streets, and what was rejected."""

    area: Area
    readings: tuple[Reading, ...]
    streets: StreetNetwork
    walk: StreetNetwork
    candidates: gpd.GeoDataFrame | None
    kiosks: gpd.GeoDataFrame | None
    parks: gpd.GeoDataFrame | None
    rejected_sites: pd.DataFrame

    @property
    def kind(self) -> str:
        """The kind of the reports that routes and kiosks answer to."""
        return str(self.readings[0].incidents["kind"].min())

    @property
    def reports(self) -> gpd.GeoDataFrame:
        """The reports that routes and kiosks answer to: of the main feed, of one kind."""
        incidents = self.readings[0].incidents
        return incidents[incidents["kind"] == self.kind]


@dataclass(frozen=True, eq=False)
class Hotspots:
    """Where incidents gather: outlined areas and rates by cell, of one kind."""

    kind: str
    areas: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame


@dataclass(frozen=True, eq=False)
class Sweep:
    """The day planned: problem, plan, what the plan is worth, and its tables."""

    day: SweepDay
    plan: SweepPlan
    judged: SweepJudgement
    routes: gpd.GeoDataFrame
    stops: gpd.GeoDataFrame


@dataclass(frozen=True, eq=False)
class Kiosks:
    """Where kiosks should stand: problem, plan, proof, and the table."""

    study: KioskStudy
    plan: KioskPlan
    judged: KioskJudgement
    table: gpd.GeoDataFrame


@dataclass(frozen=True, eq=False)
class Run:
    """The whole walk: what was read, found, planned, and what of it may be seen."""

    settings: Settings
    city: City
    as_of: pd.Timestamp
    hotspots: tuple[Hotspots, ...]
    sweep: Sweep | None
    kiosks: Kiosks | None
    shown: Published


def quiet(step: str, share: float) -> None:
    """Report no progress."""


def load_city(settings: Settings, progress: Progress = quiet) -> City:
    """Read every file the settings name; each lies on the area's plane afterwards.

    Raises
    ------
    SourceError
        A file is not what it claims to be, or none of its rows is usable in this area.
    StreetsError
        The streets cannot be loaded, or do not reach the depot.
    """
    progress("loading streets", 0.0)
    if settings.streets is None:
        raise SettingsError("no streets: give a GraphML file of the drive network")
    graph = read_graph(settings.streets)
    area = Area.load(settings.area) if settings.area else area_of(graph, tz=settings.tz, name=_name(settings))
    streets = StreetNetwork.from_graph(graph, area, "drive")
    walk_graph = read_graph(settings.walk_streets) if settings.walk_streets else graph
    walk = StreetNetwork.from_graph(walk_graph, area, "walk")
    progress("reading reports", 0.3)
    readings = read_reports(settings, area)
    progress("reading sites", 0.9)
    candidates, no_candidates = _sites(settings.candidates, area, kind="candidate", state="candidate")
    kiosks, no_kiosks = _sites(settings.kiosks, area, kind="kiosk", state="installed")
    parks, no_parks = read_places(settings.places, area) if settings.places else (None, pd.DataFrame())
    return City(
        area=area,
        readings=readings,
        streets=streets,
        walk=walk,
        candidates=candidates,
        kiosks=kiosks,
        parks=parks,
        rejected_sites=pd.concat([no_candidates, no_kiosks, no_parks], ignore_index=True),
    )


def find(readings: tuple[Reading, ...], *, as_of: pd.Timestamp) -> tuple[Hotspots, ...]:
    """Find hotspots and rates of each reading that has rows, the main one first."""
    found = []
    for reading in readings:
        for kind in sorted(reading.incidents["kind"].unique()):
            incidents = reading.incidents[reading.incidents["kind"] == kind]
            areas = find_hotspots(incidents, CLUSTERS[kind], as_of=as_of)
            cells = rate_surface(incidents, reading.area, RANKING[kind], as_of=as_of)
            found.append(
                Hotspots(kind, areas.rename(index=f"{kind}-{{}}".format), cells.rename(index=f"{kind}-{{}}".format))
            )
    return tuple(found)


def plan_sweep(
    city: City, hotspots: Hotspots, settings: Settings, *, as_of: pd.Timestamp, progress: Progress = quiet
) -> Sweep:
    """Plan the sweeps of the day ``as_of`` falls on.

    Raises
    ------
    SettingsError
        No depot.
    """
    if settings.depot is None:
        raise SettingsError("no depot: give where crews start and end as LAT,LON")
    lat, lon = settings.depot
    day = bridge.sweep_day(
        city.reports,
        city.streets,
        settings.crews,
        as_of=as_of,
        cells=hotspots.cells,
        depot=city.area.points([lon], [lat]),
        parks=city.parks,
        rules=settings.rules,
    )
    plan = solve_sweep(
        day.problem,
        limit=settings.limit,
        seed=settings.seed,
        needle_s=settings.rules.needle_s,
        progress=lambda share: progress("planning sweeps", share),
    )
    routes, stops = bridge.route_table(day, plan, city.streets), bridge.stop_table(day, plan)
    return Sweep(day, plan, judge_sweep(day.problem, plan), routes, stops)


def plan_kiosks(city: City, settings: Settings, *, as_of: pd.Timestamp) -> Kiosks:
    """Site ``settings.k`` new kiosks beside the installed ones."""
    study = bridge.kiosk_study(
        city.reports,
        city.walk,
        candidates=city.candidates,
        kiosks=city.kiosks,
        as_of=as_of,
        rules=KioskRules(k=settings.k, reach_m=settings.reach_m),
    )
    plan = solve_kiosks(study.problem)
    return Kiosks(study, plan, judge_kiosks(study.problem, plan), bridge.kiosk_table(study, plan))


def kiosk_curve(kiosks: Kiosks, *, up_to: int) -> tuple[KioskJudgement, ...]:
    """Return what the best 0, 1, 2, ... up to ``up_to`` new kiosks are worth, fewer where there are fewer sites."""
    problem = kiosks.study.problem
    most = problem.n_sites - len({*problem.fixed, *problem.forbidden})
    asked = [dataclasses.replace(problem, k=k) for k in range(min(up_to, most) + 1)]
    return tuple(judge_kiosks(each, solve_kiosks(each)) for each in asked)


def run(settings: Settings, progress: Progress = quiet, *, sweep: bool = True, kiosks: bool = True) -> Run:
    """Walk the way from files to what may be seen; ``sweep`` and ``kiosks`` say which plans to make."""
    city = load_city(settings, _part(progress, 0.0, 0.3))
    as_of = city.area.moment(settings.as_of)
    progress("finding hotspots", 0.3)
    hotspots = find(city.readings, as_of=as_of)
    swept, sited = None, None
    if sweep:
        swept = plan_sweep(city, hotspots[0], settings, as_of=as_of, progress=_part(progress, 0.4, 0.8))
    if kiosks:
        progress("siting kiosks", 0.8)
        sited = plan_kiosks(city, settings, as_of=as_of)
    progress("publishing", 0.95)
    shown = show(city, hotspots, swept, sited, settings)
    progress("done", 1.0)
    return Run(settings, city, as_of, hotspots, swept, sited, shown)


def show(
    city: City, hotspots: tuple[Hotspots, ...], sweep: Sweep | None, kiosks: Kiosks | None, settings: Settings
) -> Published:
    """Pass what a team lead may see through the gate, but for the requests themselves."""
    lead = Policy.for_role("lead", min_count=settings.min_count)
    tables = [city.streets.streets(), *gathered(city.readings, hotspots)]
    tables += [] if city.parks is None else [city.parks]
    tables += [] if kiosks is None else [kiosks.table]
    tables += [] if sweep is None else [sweep.routes, sweep.stops]
    return publish(*tables, area=city.area, policy=lead, as_of=city.area.moment(settings.as_of))


def hotspots_only(settings: Settings) -> tuple[Area, tuple[Hotspots, ...], Published]:
    """Find hotspots from the reports alone, without streets; return the area, what was found, and what may be seen."""
    readings = read_reports(settings, Area.load(settings.area) if settings.area else None)
    area = readings[0].area
    as_of = area.moment(settings.as_of)
    hotspots = find(readings, as_of=as_of)
    lead = Policy.for_role("lead", min_count=settings.min_count)
    return area, hotspots, publish(*gathered(readings, hotspots), area=area, policy=lead, as_of=as_of)


def gathered(readings: tuple[Reading, ...], hotspots: tuple[Hotspots, ...]) -> list[gpd.GeoDataFrame]:
    """Return what goes to the gate: where needles gather as found, and all overdoses, for the gate to count."""
    tables = [table for found in hotspots if found.kind != "overdose" for table in (found.cells, found.areas)]
    kinds = {found.kind for found in hotspots}
    reports = [reading.incidents[reading.incidents["kind"] == "overdose"] for reading in readings]
    return tables + ([pd.concat(reports)] if "overdose" in kinds else [])


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(settings: Settings) -> str:
    return settings.name or (settings.streets or settings.incidents).name.split(".")[0].replace("_", " ")


def read_reports(settings: Settings, area: Area | None = None) -> tuple[Reading, ...]:
    """Read the reports; without an ``area`` it is made around the first feed's own points.

    Raises
    ------
    SourceError, StreetsError
        No row of the main feed can be used.
    """
    given = [(settings.feed, settings.incidents)]
    given += [(settings.overdose_feed, settings.overdoses)] if settings.overdoses else []
    readings: list[Reading] = []
    mapping = load_mapping(settings.mapping) if settings.mapping else None
    for feed, path in given:
        columns = mapping if feed == "plain" else None
        readings.append(read_file(feed, path, area, tz=settings.tz, mapping=columns))
        area = readings[0].area
    main = readings[0]
    if main.incidents.empty:
        why = ", ".join(f"{reason}: {n}" for reason, n in main.rejected.items())
        outside = set(main.rejected) == {"outside the area"}
        raise (StreetsError if outside else SourceError)(
            f"{settings.incidents.name}: none of {main.rows_in} rows can be used in {main.area.name} ({why}): "
            + ("give the streets of the same city" if outside else "see the file, feed and area")
        )
    return tuple(readings)


def _sites(path: Path | None, area: Area, *, kind: str, state: str) -> tuple[gpd.GeoDataFrame | None, pd.DataFrame]:
    return (None, pd.DataFrame()) if path is None else read_sites(path, area, kind=kind, state=state)


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda step, share: progress(step, start + (end - start) * share)


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    if isinstance(values.get("limit"), str):
        values["limit"] = Limit.parse(values["limit"])
    if values.get("depot") is not None:
        lat, lon = values["depot"]
        values["depot"] = (float(lat), float(lon))
    if "crews" in values:
        values["crews"] = tuple(
            crew if isinstance(crew, Crew) else Crew.on_shift(crew["name"], crew["shift"]) for crew in values["crews"]
        )
    if isinstance(values.get("rules"), Mapping):
        values["rules"] = SweepRules(**values["rules"])
    return values
