"""What pages ask for: the city as it was read, and what of it each page may show, kept until a file changes."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from sweepplan import bridge, maps, pipeline, sources
from sweepplan.app import handouts, kiosk_tables, shown
from sweepplan.app.access import EVERYONE
from sweepplan.app.documents import Document
from sweepplan.app.livemap import MapView
from sweepplan.app.options import Options, opened_store
from sweepplan.app.words import Waiting
from sweepplan.bridge import KioskRules, Price
from sweepplan.errors import SweepplanError
from sweepplan.geo import Area
from sweepplan.maps.words import moment_of
from sweepplan.model import Crew, KioskJudgement
from sweepplan.pipeline import (
    City,
    Effect,
    Health,
    Hotspots,
    Kiosks,
    Known,
    Settings,
    Spikes,
    Sweep,
    Watched,
    Work,
)
from sweepplan.privacy import Policy, Published, publish

Stamp = tuple[tuple[str, int, int], ...]
"""Path, moment of the last change and size of every file that was read."""

_JSON = "application/json"
_MOST_POINTS, _MOST_AREAS = 700, 8
CURVE_K = 30
"""The coverage curve is drawn for so many new kiosks."""


@dataclass(frozen=True, eq=False)
class Opened:
    """The city, and what is found in it as of the moment the settings name; ``version``: of settings and files."""

    version: str
    settings: Settings
    stamp: Stamp
    city: City
    as_of: pd.Timestamp
    hotspots: tuple[Hotspots, ...]


@dataclass(frozen=True, eq=False)
class View:
    """What a page shows: tables that passed the gate, and the map of them."""

    shown: Published
    map: MapView


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan of the day, what was asked for it, what of it is shown and handed out, and what was done last."""

    stamp: Stamp
    settings: Settings
    sweep: Sweep
    view: View
    papers: Mapping[str, Document]
    files: Mapping[str, Document]
    said: str

    @property
    def crews(self) -> tuple[Crew, ...]:
        """Who goes out, in the rest of a day who still does."""
        out = {shift.crew for shift in self.sweep.day.problem.shifts}
        return tuple(crew for crew in self.settings.crews if crew.name in out)

    @property
    def blocked(self) -> tuple[str, ...]:
        """Streets that nobody passes any more."""
        return () if self.sweep.begun is None else self.sweep.begun.news.blocked


@dataclass(frozen=True, eq=False)
class Sited:
    """A kiosk plan, what of it is shown, what 0, 1, 2, ... new kiosks are worth, and what each rule costs."""

    kiosks: Kiosks
    view: View
    curve: tuple[KioskJudgement, ...]
    facts: pd.DataFrame
    prices: tuple[Price, ...]
    papers: Mapping[str, Document]


def opened() -> Opened:
    """Return the city that the settings name; it is read again when one of its files changes."""
    path = Options.given().settings
    settings = Settings.load(path)
    stamp = _stamp(path, *settings.files().values()) + _taken(settings) + _counted(settings)
    return _opened(hashlib.sha256(repr((settings, stamp)).encode()).hexdigest()[:16], settings, stamp)


def _taken(settings: Settings) -> Stamp:
    """Return what stands for the files that the database has taken, where reports come from it."""
    if not settings.database:
        return ()
    imports = opened_store(settings.database).imports()
    return (("database", len(imports), int(imports["id"].max()) if len(imports) else 0),)


def _counted(settings: Settings) -> Stamp:
    """Return what stands for the counts of earlier shifts that crews handed in."""
    before = pd.Timestamp(settings.as_of, tz=settings.tz)
    return (("counts", *opened_store(Options.given().store).pickups_mark(before)),)


def _stamp(*files: Path) -> Stamp:
    found = [(str(file), file.stat()) for file in files if file.is_file()]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


@st.cache_resource(show_spinner="Reading streets and reports, finding hotspots", max_entries=2)
def _opened(version: str, _settings: Settings, _stamp: Stamp) -> Opened:
    """Read the city; its version alone is the key of the cache, as the rest takes long to be hashed."""
    city = pipeline.load_city(_settings)
    as_of = city.area.moment(_settings.as_of)
    city = pipeline.with_counts(city, opened_store(Options.given().store), until=as_of)
    hotspots = pipeline.find(city.readings, as_of=as_of, around=city.around, clusters=_settings.clusters)
    _no_garbage()
    return Opened(version, _settings, _stamp, city, as_of, hotspots)


def _no_garbage() -> None:
    """Take all that is kept by now for good: Streamlit looks through all else for garbage, after every run."""
    gc.collect()
    gc.freeze()


_BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {Opened: attrgetter("version")}


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def waiting(opened: Opened) -> Waiting:
    """Count the open requests."""
    now, city, yesterday = _open_requests(opened), opened.city, opened.as_of - pd.Timedelta(days=1)
    before = bridge.open_requests(city.reports, as_of=yesterday, unknown_open_d=opened.settings.rules.unknown_open_d)
    known = city.reports[city.reports["reported_at"] < opened.as_of].sort_values("reported_at")
    services = None
    if city.ledger is not None and city.kiosks is not None:
        services = len(bridge.due_services(city.ledger, city.kiosks, as_of=opened.as_of))
    return Waiting(
        len(now),
        len(before),
        int((now["due_at"] < opened.as_of).sum()),
        int((before["due_at"] < yesterday).sum()),
        services,
        0 if city.kiosks is None else len(city.kiosks),
        _last(city.area, known),
    )


def day_of(opened: Opened) -> str:
    """Return the day planned, as YYYY-MM-DD on the city's clock."""
    return f"{opened.city.area.local(opened.as_of):%Y-%m-%d}"


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def today(opened: Opened) -> View:
    """Return what a team lead sees before planning: open requests and where needles gather."""
    return view(opened, "lead", "today", _open_requests(opened), opened.hotspots[0].areas)


@st.cache_resource(show_spinner="Looking for spikes", max_entries=4, hash_funcs=_BY_KEY)
def spikes(opened: Opened, kind: str) -> Spikes:
    """Return what stands out of one kind of report, made of single reports: none of it is shown but past the gate."""
    return pipeline.spikes(opened.city.readings, _of_kind(opened.hotspots, kind), opened.city.area, as_of=opened.as_of)


def _of_kind(hotspots: Sequence[Hotspots], kind: str) -> Hotspots:
    return next(each for each in hotspots if each.kind == kind)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=_BY_KEY)
def told_spikes(opened: Opened, kind: str, role: str) -> Watched | None:
    """Return the alerts that a role may see; None where there can be none."""
    found, policy = spikes(opened, kind), Policy.for_role(role, min_count=opened.settings.min_count)
    if found.watch is None:
        return None
    return pipeline.tell_alerts(
        found.watch, opened.city.area, policy, opened.city.streets.streets(), as_of=opened.as_of
    )


@st.cache_resource(show_spinner="Counting reports", max_entries=8, hash_funcs=_BY_KEY)
def gathered(opened: Opened, kind: str, role: str, window: str = "4 weeks", back_d: int = 0) -> View:
    """Return what a role sees of one kind of report: areas and cells; a lead also the newest reports of the window.

    Parameters
    ----------
    back_d : so many days ago, as it was seen then.
    """
    as_of = opened.as_of - pd.Timedelta(days=back_d)
    tables = []
    if not Policy.for_role(role).sees(kind):
        tables.append(_reports(opened, kind))  # for the gate to count
    else:
        found = _earlier(opened, kind, back_d) if back_d else _of_kind(opened.hotspots, kind)
        tables += [found.cells, found.areas]
        if kind == opened.city.kind:
            tables.append(_newest(opened, as_of - pd.Timedelta(days=pipeline.WINDOWS[window]), as_of))
    if not back_d:
        spiked = spikes(opened, kind)
        tables += [spiked.changed.places, *([] if spiked.watch is None else [spiked.watch.alerts])]
    return view(opened, role, f"gathered {kind} {window} {back_d}", *tables, as_of=as_of)


def _newest(opened: Opened, start: pd.Timestamp, stop: pd.Timestamp) -> gpd.GeoDataFrame:
    reports = opened.city.reports
    of_window = reports[((reports["reported_at"] >= start) & (reports["reported_at"] < stop)).to_numpy()]
    return of_window.sort_values("reported_at").tail(_MOST_POINTS)


@st.cache_resource(show_spinner="Looking at reports as they were then", max_entries=8, hash_funcs=_BY_KEY)
def _earlier(opened: Opened, kind: str, back_d: int) -> Hotspots:
    """Return where reports of a kind gathered so many days ago, as it was seen then."""
    then = opened.as_of - pd.Timedelta(days=back_d)
    readings = tuple(each for each in opened.city.readings if len(each.of_kind(kind)))
    return _of_kind(pipeline.find(readings, as_of=then, clusters=opened.settings.clusters), kind)


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs=_BY_KEY)
def health(opened: Opened, kind: str, role: str, window: str, back_d: int) -> Health:
    """Return the figures of one kind of report that a role may see."""
    policy = Policy.for_role(role, min_count=opened.settings.min_count)
    table = gathered(opened, kind, role, window).shown.table("hotspots").head(_MOST_AREAS)
    names = bridge.hotspot_names(table, opened.city.streets.streets())
    hotspots = {f"{n}. {name}": shape for n, (name, shape) in enumerate(zip(names, table.geometry, strict=True), 1)}
    parts = opened.city.districts
    return pipeline.health(
        _reports(opened, kind),
        opened.city.area,
        policy,
        as_of=opened.as_of,
        days=pipeline.WINDOWS[window],
        back_d=back_d,
        places={
            pipeline.HOTSPOT: hotspots,
            "District": {} if parts is None else dict(zip(parts["name"], parts.geometry, strict=True)),
        },
        known=_course(opened, kind, role),
    )


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs=_BY_KEY)
def _reports(opened: Opened, kind: str) -> gpd.GeoDataFrame:
    reports = pd.concat([each.of_kind(kind) for each in opened.city.readings])
    return gpd.GeoDataFrame(reports, crs=opened.city.area.crs)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=_BY_KEY)
def _course(opened: Opened, kind: str, role: str) -> pipeline.Course:
    policy = Policy.for_role(role, min_count=opened.settings.min_count)
    return pipeline.course(_reports(opened, kind), opened.city.area, policy, as_of=opened.as_of)


def work(opened: Opened, health: Health, role: str) -> Work | None:
    """Return what crews logged in the window that a page shows."""
    policy = Policy.for_role(role, min_count=opened.settings.min_count)
    crews = opened.settings.crews
    return pipeline.work(opened.city.around.pickups, crews, policy, start=health.start, stop=health.stop)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def quality(opened: Opened) -> pd.DataFrame:
    """Return how good the data is, a row a file, in words."""
    files = [opened.settings.reports_name, *([opened.settings.overdoses.name] if opened.settings.overdoses else [])]
    table = sources.quality(opened.city.readings, as_of=opened.as_of, names=files[: len(opened.city.readings)])
    return shown.quality(table)


@st.cache_resource(show_spinner="Siting kiosks, with proof", max_entries=16, hash_funcs=_BY_KEY)
def sited(opened: Opened, rules: KioskRules) -> Sited:
    """Site new kiosks under the rules, and judge what fewer and more would be worth."""
    kiosks = _siting(opened, rules)
    around = opened.city.around.sites
    about = f"sited {rules!r}"
    seen = view(opened, "planner", about, kiosks.table)
    papers = handouts.of_kiosks(f"{opened.version} {about}", seen.shown, kiosks, opened.as_of)
    told = kiosks.study.kind == "needle"  # of overdoses no product tells a place's counts
    facts = bridge.site_facts(kiosks.study, kiosks.plan, others=around) if told else pd.DataFrame()
    curve = pipeline.kiosk_curve(kiosks, up_to=max(rules.k, CURVE_K))
    return Sited(kiosks, seen, curve, facts, bridge.prices(kiosks.study, kiosks.plan, rules), papers)


def sited_by(opened: Opened) -> str:
    """Return the kind of report that the boxes asked for answer to."""
    return "overdose" if opened.settings.boxes == "naloxone" else opened.city.kind


@st.cache_resource(show_spinner="Comparing before and after", max_entries=2, hash_funcs=_BY_KEY)
def effect(opened: Opened) -> Effect:
    """Return whether kiosks that came while reports were kept did anything."""
    return pipeline.kiosk_effect(opened.city, as_of=opened.as_of, seed=opened.settings.seed)


def _siting(opened: Opened, rules: KioskRules) -> Kiosks:
    settings = dataclasses.replace(opened.settings, k=rules.k, reach_m=rules.reach_m, kiosk_rules=rules)
    return pipeline.plan_kiosks(opened.city, settings, as_of=opened.as_of)


def kiosk_rules(opened: Opened, **asked: Any) -> KioskRules:
    """Return the rules of the settings, with what was asked for in place of theirs."""
    return dataclasses.replace(opened.settings.kiosk_rules, **asked)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def site_names(opened: Opened) -> dict[str, str]:
    """Return the ids of the candidates by their names; none where corners are offered."""
    candidates = opened.city.candidates
    return {} if candidates is None else {str(name): str(site) for site, name in candidates["name"].items()}


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def ledger(opened: Opened) -> pd.DataFrame | None:
    """Return the state of every installed kiosk, due ones first; None without a ledger."""
    city = opened.city
    if city.ledger is None or city.kiosks is None:
        return None
    return kiosk_tables.ledger(
        bridge.kiosk_states(city.ledger, city.kiosks, as_of=opened.as_of), city.kiosks, city.area
    )


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def places(opened: Opened) -> gpd.GeoDataFrame:
    """Return all that can be swept, with the needles that gather there."""
    return pipeline.sweep_places(opened.city, opened.hotspots[0], opened.settings, as_of=opened.as_of)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def known(opened: Opened) -> Known:
    """Return what a lead may know of any spot: reports, hotspots, places."""
    reports, lead = opened.city.reports, Policy.for_role("lead", min_count=opened.settings.min_count)
    tables = [opened.hotspots[0].areas, places(opened)]
    tables += [reports] if opened.city.kind == "needle" else []
    return Known.of(publish(*tables, area=opened.city.area, policy=lead, as_of=opened.as_of))


def warm() -> None:
    """Read the city and draw what is seen first, before anybody asks; what is wrong with it is said to who does."""
    with suppress(SweepplanError):
        first = opened()
        waiting(first)
        known(first)
        kind = first.hotspots[0].kind
        spikes(first, kind)
        _course(first, kind, "lead")
        for days in pipeline.WINDOWS.values():
            _earlier(first, kind, days)
        for made in (today(first).map.layers, *_streets(first)):
            made.packed  # noqa: B018  made now, kept
    _no_garbage()


def _last(area: Area, known: gpd.GeoDataFrame) -> str:
    """Return when the last report came in, as precisely as it says."""
    if known.empty:
        return "none yet"
    at, precision = area.local(known["reported_at"].iloc[-1]), known["time_precision"].iloc[-1]
    return {"second": moment_of(at), "day": f"{at:%a} {at.day} {at:%b}", "month": f"{at:%B %Y}"}[precision]


def _open_requests(opened: Opened) -> gpd.GeoDataFrame:
    return bridge.open_requests(
        opened.city.reports, as_of=opened.as_of, unknown_open_d=opened.settings.rules.unknown_open_d
    )


def view(opened: Opened, role: str, about: str, *tables: gpd.GeoDataFrame, as_of: pd.Timestamp | None = None) -> View:
    """Pass tables through the gate of ``role``, as of now or another moment; the map is for that role alone."""
    policy, now = Policy.for_role(role, min_count=opened.settings.min_count), as_of or opened.as_of
    shown = publish(opened.city.streets.streets(), *tables, area=opened.city.area, policy=policy, as_of=now)
    about = f"{opened.version} {role} {about}"
    layers = Document(about, lambda: maps.live(shown, as_of=now), _JSON, frozenset({role}))
    near, far = _streets(opened)
    settings = opened.settings
    return View(shown, MapView(layers, near, far, opened.city.area.name, settings.attribution, settings.map))


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def _streets(opened: Opened) -> tuple[Document, Document]:
    """Return the streets as every map has them under it, near and far."""

    def make(near: bool) -> Document:
        about = f"{opened.version} streets {near}"
        return Document(about, lambda: maps.basemap(_ground(opened), near=near), _JSON, EVERYONE)

    return make(True), make(False)


def _ground(opened: Opened) -> Published:
    city, lead = opened.city, Policy.for_role("lead")
    tables = [city.streets.streets()] + ([] if city.parks is None else [city.parks])
    return publish(*tables, area=city.area, policy=lead, as_of=opened.as_of)
