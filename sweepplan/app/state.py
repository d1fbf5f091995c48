"""What pages ask for: the city as it was read, and what of it each page may show, kept until a file changes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import streamlit as st

from sweepplan import bridge, demo, maps, pipeline
from sweepplan.geo import Area
from sweepplan.maps.words import moment_of
from sweepplan.model import Crew, KioskJudgement, Limit
from sweepplan.pipeline import City, Hotspots, Kiosks, Progress, Settings, Sweep
from sweepplan.privacy import Policy, Published, publish

Stamp = tuple[tuple[str, int, int], ...]
"""Path, moment of the last change and size of every file that was read."""

CURVE_K = 10
"""The coverage curve is drawn for so many new kiosks."""


@dataclass(frozen=True, eq=False)
class Opened:
    """The city, and what is found in it as of the moment the settings name."""

    settings: Settings
    stamp: Stamp
    city: City
    as_of: pd.Timestamp
    hotspots: tuple[Hotspots, ...]


@dataclass(frozen=True, eq=False)
class View:
    """What a page shows: tables that passed the gate, and the map of them as one offline page."""

    shown: Published
    map_html: str


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan of the day, what was asked for it, and what of it is shown."""

    stamp: Stamp
    crews: tuple[Crew, ...]
    sweep: Sweep
    view: View


@dataclass(frozen=True, eq=False)
class Sited:
    """A kiosk plan, what of it is shown, and what 0, 1, 2, ... new kiosks are worth."""

    kiosks: Kiosks
    view: View
    curve: tuple[KioskJudgement, ...]


@dataclass(frozen=True)
class Waiting:
    """Open requests, in numbers; ``n_before`` a day earlier; ``last_report`` is the newest report known, in words."""

    n_open: int
    n_before: int
    n_over_due: int
    last_report: str


def opened() -> Opened:
    """Return the city that the settings name; it is read again when one of its files changes."""
    path = Path(os.environ.get("SWEEPPLAN_SETTINGS") or demo.folder() / "settings.toml")
    settings = Settings.load(path)
    return _opened(settings, _stamp(path, *settings.files().values()))


def _stamp(*files: Path) -> Stamp:
    found = [(str(file), file.stat()) for file in files if file.is_file()]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


@st.cache_resource(show_spinner="Reading streets and reports, finding hotspots", max_entries=2)
def _opened(settings: Settings, stamp: Stamp) -> Opened:
    city = pipeline.load_city(settings)
    as_of = city.area.moment(settings.as_of)
    return Opened(settings, stamp, city, as_of, pipeline.find(city.readings, as_of=as_of))


def _key(opened: Opened) -> tuple[Settings, Stamp]:
    return opened.settings, opened.stamp


_BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {Opened: _key}


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def waiting(opened: Opened) -> Waiting:
    """Count the open requests."""
    now, reports = _open_requests(opened), opened.city.reports
    before = bridge.open_requests(
        reports,
        as_of=opened.as_of - pd.Timedelta(days=1),
        unknown_open_d=opened.settings.rules.unknown_open_d,
    )
    known = reports[reports["reported_at"] < opened.as_of].sort_values("reported_at")
    return Waiting(len(now), len(before), int((now["due_at"] < opened.as_of).sum()), _last(opened.city.area, known))


@st.cache_resource(show_spinner="Drawing the map", max_entries=2, hash_funcs=_BY_KEY)
def today(opened: Opened) -> View:
    """Return what a team lead sees before planning: open requests and where needles gather."""
    return _view(opened, _open_requests(opened), opened.hotspots[0].areas)


@st.cache_resource(show_spinner="Drawing the map", max_entries=4, hash_funcs=_BY_KEY)
def gathered(opened: Opened, kind: str) -> View:
    """Return what public health sees of one kind of report: areas and cells, never points."""
    found = tuple(each for each in opened.hotspots if each.kind == kind)
    return _view(opened, *pipeline.gathered(opened.city.readings, found))


@st.cache_resource(show_spinner="Siting kiosks, with proof", max_entries=16, hash_funcs=_BY_KEY)
def sited(opened: Opened, k: int, reach_m: float) -> Sited:
    """Site ``k`` new kiosks, and judge what fewer and more would be worth."""
    settings = dataclasses.replace(opened.settings, k=k, reach_m=reach_m)
    kiosks = pipeline.plan_kiosks(opened.city, settings, as_of=opened.as_of)
    curve = pipeline.kiosk_curve(kiosks, up_to=max(k, CURVE_K))
    return Sited(kiosks, _view(opened, kiosks.table), curve)


def plan(opened: Opened, crews: tuple[Crew, ...], limit: Limit, progress: Progress) -> Planned:
    """Plan the day for ``crews``."""
    settings = dataclasses.replace(opened.settings, crews=crews, limit=limit)
    sweep = pipeline.plan_sweep(opened.city, opened.hotspots[0], settings, as_of=opened.as_of, progress=progress)
    view = _view(opened, opened.hotspots[0].areas, sweep.routes, sweep.stops)
    return Planned(opened.stamp, crews, sweep, view)


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


def _view(opened: Opened, *tables: gpd.GeoDataFrame) -> View:
    lead = Policy.for_role("lead", min_count=opened.settings.min_count)
    shown = publish(opened.city.streets.streets(), *tables, area=opened.city.area, policy=lead, as_of=opened.as_of)
    drawn = maps.draw(shown, attribution=opened.settings.attribution, as_of=opened.as_of)
    return View(shown, drawn.get_root().render())
