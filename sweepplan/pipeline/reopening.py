"""A plan from the database, laid on the desk again: what was fixed by hand is still fixed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from sweepplan import bridge
from sweepplan.bridge import SweepDay
from sweepplan.errors import PlanError
from sweepplan.model import SweepPlan
from sweepplan.pipeline.city import City
from sweepplan.pipeline.crews import crew_of
from sweepplan.pipeline.news import News
from sweepplan.pipeline.replan import left_of
from sweepplan.pipeline.settings import Settings
from sweepplan.pipeline.walk import Begun, Hotspots, Sweep, sweep_day, worked_out
from sweepplan.routing import changes, promised


def reopened(
    body: Mapping[str, Any], city: City, hotspots: Hotspots, settings: Settings, places: gpd.GeoDataFrame
) -> tuple[Settings, Sweep]:
    """Return a plan as it was published (:func:`sweepplan.pipeline.plan_body`), and the settings it was asked with.

    Parameters
    ----------
    settings : those of today; crews are the plan's own.
    places : what can be swept, see :func:`sweepplan.pipeline.sweep_places`.

    Raises
    ------
    PlanError
        It was made for another moment, or the city's files have changed so that it is no plan of them any more.
    """
    if body.get("as_of") != settings.as_of:
        raise PlanError(f"this plan was made as of {body.get('as_of')}: with as_of = {settings.as_of!r} plan anew")
    crews = tuple(crew_of(each) for each in body["crews"])
    settings = dataclasses.replace(settings, crews=crews)
    return settings, _sweep(body, city, hotspots, settings, places)


def _sweep(
    body: Mapping[str, Any], city: City, hotspots: Hotspots, settings: Settings, places: gpd.GeoDataFrame
) -> Sweep:
    as_of = city.area.moment(settings.as_of)
    if "earlier" not in body:
        day, _ = sweep_day(city, hotspots, settings, as_of=as_of, places=places)
        day = _fixed(day, body, city, settings)
        return worked_out(day, _plan(day, body))
    earlier = _sweep(body["earlier"], city, hotspots, settings, places)
    given = body["news"]
    news = News(
        given["at"],
        frozenset(given["done"]),
        tuple(given["home"]),
        tuple((lat, lon) for lat, lon in given["requests"]),
        tuple(given["blocked"]),
    )
    rest, later = left_of(earlier.day, earlier.plan, city, settings, news)
    day = _fixed(later, body, city, settings)
    plan = _plan(day, body)
    made = worked_out(day, plan)
    at = city.area.moment(f"{city.area.local(day.zero):%Y-%m-%d} {news.at}")
    told = changes(rest, plan) if len(day.problem.stops) == len(rest.stops) else ()
    return dataclasses.replace(made, since=at, changes=told, begun=Begun.after(earlier, news))


def _fixed(day: SweepDay, body: Mapping[str, Any], city: City, settings: Settings) -> SweepDay:
    """Return the day with the stops that were added, and what was promised or kept back."""
    for stop in body["added"]:
        if stop["place"] in set(day.stops["place_id"]):
            continue
        spot = city.area.points([stop["lon"]], [stop["lat"]])
        day = bridge.with_request(day, spot, settings.rules, name=stop["name"], place=stop["place"])
    number = {place: k for k, place in enumerate(day.stops["place_id"])}
    must = {*body.get("must", ()), *(place for place, crew in body["promised"].items() if crew)}
    for place in {*body["promised"], *must} & number.keys():
        stop = number[place]
        crew = body["promised"].get(place)
        required = place in must or day.problem.stops[stop].required
        day = dataclasses.replace(day, problem=promised(day.problem, stop, crew, required=required))
    return day


def _plan(day: SweepDay, body: Mapping[str, Any]) -> SweepPlan:
    stops = pd.DataFrame(body["stops"])
    return bridge.known_plan(day, stops, solver=body["solver"], seed=body["seed"])
