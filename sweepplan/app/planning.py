"""The plan of the day between page and pipeline: searched, changed, shown, published."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from uuid import uuid4

import pandas as pd

from sweepplan import bridge, pipeline
from sweepplan.app import handouts, shown, state
from sweepplan.app.state import Opened, Planned
from sweepplan.model import Crew, Limit
from sweepplan.pipeline import Edited, News, Progress, Settings, Shift, StopFacts, Watch, editing
from sweepplan.privacy import Policy, Published, publish
from sweepplan.store import PlanVersion, Store

Work = Callable[[Progress, Watch], Edited]


def facts(opened: Opened, planned: Planned | None, place: str | None) -> StopFacts | None:
    """Return what is known of a stop or an open request."""
    if place is None:
        return None
    plan = None if planned is None else planned.view.shown
    return pipeline.stop_facts(place, state.known(opened), plan, as_of=opened.as_of)


def search(
    opened: Opened, crews: tuple[Crew, ...], limit: Limit, *, after: Shift | None = None
) -> tuple[Settings, Work]:
    """Return what a plan of the day for ``crews`` is asked with, and the work of searching it.

    What the shift ``after`` which it comes left is put first.
    """
    settings = dataclasses.replace(opened.settings, crews=crews, limit=limit)
    all_places, left = state.places(opened), None if after is None else after.left

    def work(progress: Progress, watch: Watch) -> Edited:
        hotspots, as_of = opened.hotspots[0], opened.as_of
        sweep = pipeline.plan_sweep(
            opened.city, hotspots, settings, as_of=as_of, places=all_places, left=left, progress=progress, watch=watch
        )
        return Edited(sweep, "Planned anew")

    return settings, work


def search_on(opened: Opened, planned: Planned, limit: Limit) -> tuple[Settings, Work]:
    """Return the same for a plan searched on, with all that was fixed by hand."""
    settings = dataclasses.replace(planned.settings, limit=limit)

    def work(progress: Progress, watch: Watch) -> Edited:
        return editing.improve(planned.sweep, opened.city, settings, progress=progress, watch=watch)

    return settings, work


def rest(opened: Opened, planned: Planned, news: News, limit: Limit) -> tuple[Settings, Work]:
    """Return the same for the rest of the day, after the news."""
    settings = dataclasses.replace(planned.settings, limit=limit)

    def work(progress: Progress, watch: Watch) -> Edited:
        sweep = pipeline.go_on(planned.sweep, opened.city, settings, news, progress=progress, watch=watch)
        return Edited(sweep, f"Planned anew from {news.at} on")

    return settings, work


def reopened(opened: Opened, kept: PlanVersion) -> Planned:
    """Return a published plan as it was."""
    settings, sweep = pipeline.reopened(
        kept.body, opened.city, opened.hotspots[0], opened.settings, state.places(opened)
    )
    return take(opened, settings, Edited(sweep, f"Version {kept.version}, as it was published"))


def news_of(planned: Planned) -> list[str]:
    """Return what a plan of the rest of the day changed for whom, a line a crew; nothing of any other."""
    told = planned.sweep.day.stops
    names = dict(zip(told["place_id"], told["name"], strict=True))
    return [shown.change_line(change, names) for change in planned.sweep.changes]


def take(opened: Opened, settings: Settings, edited: Edited) -> Planned:
    """Return a plan with what of it is shown and handed out."""
    sweep, about = edited.sweep, f"plan {uuid4()}"
    view = state.view(opened, "lead", about, opened.hotspots[0].areas, sweep.routes, sweep.stops)
    policy = Policy.for_role("lead", min_count=opened.settings.min_count)
    tables = (opened.city.streets.streets(), sweep.routes, sweep.stops, sweep.legs)

    def handed() -> Published:
        return publish(*tables, area=opened.city.area, policy=policy, as_of=opened.as_of)

    papers, files = handouts.of_plan(about, view.shown, handed)
    return Planned(opened.stamp, settings, sweep, view, papers, files, edited.said)


def added(opened: Opened, planned: Planned, words: str, spot: tuple[float, float] | None, crew: str | None) -> Planned:
    """Return the plan with one more request, at a spot (latitude, longitude), else where ``words`` say."""
    city = opened.city
    if spot is not None:
        name, point = words or None, city.area.points([spot[1]], [spot[0]]).iloc[0]
    else:
        name, point = bridge.corner(words, city.streets.streets())
    edited = editing.add(planned.sweep, city, planned.settings, point, crew=crew, name=name)
    return take(opened, planned.settings, edited)


def place_of(planned: Planned | None, mark: str) -> str:
    """Return the place of a mark on the map."""
    return mark if planned is None else pipeline.place_of(planned.view.shown, mark)


def stop_of(planned: Planned | None, place: str) -> str:
    """Return the mark of a place on the map."""
    return place if planned is None else pipeline.stop_of(planned.view.shown, place)


def publish_plan(opened: Opened, planned: Planned, store: Store, *, by: str, at: pd.Timestamp) -> int:
    """Keep a plan as the newest published version of its day, note it, and return the version."""
    day = state.day_of(opened)
    version = store.save_plan(day, pipeline.plan_body(planned.sweep, planned.settings), by=by, at=at)
    store.publish_plan(day, version)
    store.note(by, f"published plan {day}, version {version}", at=at, policy="lead", rows=len(planned.sweep.stops))
    return version
