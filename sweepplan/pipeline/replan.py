"""The rest of a day planned anew: what is done stands, crews keep what they know unless a change pays."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import pandas as pd

from sweepplan import bridge
from sweepplan.bridge import SweepDay
from sweepplan.errors import ProblemError
from sweepplan.model import SweepPlan
from sweepplan.pipeline.city import City, load_city, streets_without
from sweepplan.pipeline.news import News
from sweepplan.pipeline.progress import Progress, part, quiet
from sweepplan.pipeline.settings import Settings
from sweepplan.pipeline.walk import Begun, Run, Stage, Sweep, Watch, find, searched, show, sweep_day, worked_out
from sweepplan.routing import Rest, changes


def replan(
    settings: Settings,
    stops: gpd.GeoDataFrame,
    news: News,
    progress: Progress = quiet,
    *,
    before: tuple[Stage, ...] = (),
) -> Run:
    """Plan the rest of a day anew.

    Parameters
    ----------
    settings : those the day was planned with.
    stops : the plan that crews have in hand, as its run's tables.STOPS holds it.
    before : how that plan came about from the whole day's, where the day was planned anew before; what was blocked
        then stays so.

    Raises
    ------
    ProblemError
        Nobody is out at that time, no such crew, or a place done that is none of the day.
    StreetsError
        No street bears a blocked name, or a new request lies off the streets.
    PlanError
        The plan is not one of this day.
    """
    city = load_city(settings, part(progress, 0.0, 0.3))
    as_of = city.area.moment(settings.as_of)
    progress("finding hotspots", 0.3)
    hotspots = find(city.readings, as_of=as_of, around=city.around)
    day, _ = sweep_day(city, hotspots[0], settings, as_of=as_of)
    for stage in before:
        _, day = left_of(day, _known(day, stage.stops, settings), city, settings, stage.news)
    plan = _known(day, stops, settings)
    shut = dict.fromkeys(name for each in (*(stage.news for stage in before), news) for name in each.blocked)
    news = dataclasses.replace(news, blocked=tuple(shut))
    swept = rest_of(day, plan, city, settings, news, progress=part(progress, 0.4, 0.9))
    progress("publishing", 0.95)
    shown = show(city, hotspots, swept, None, settings)
    progress("done", 1.0)
    return Run(settings, city, as_of, hotspots, swept, None, shown, (*before, Stage(stops, news)))


def _known(day: SweepDay, stops: pd.DataFrame, settings: Settings) -> SweepPlan:
    return bridge.known_plan(day, stops, solver="the earlier plan", seed=settings.seed)


def rest_of(
    day: SweepDay,
    plan: SweepPlan,
    city: City,
    settings: Settings,
    news: News,
    *,
    progress: Progress = quiet,
    watch: Watch | None = None,
) -> Sweep:
    """Plan the rest of a day anew, beside the plan that crews have in hand.

    Raises
    ------
    ProblemError, StreetsError
        As :func:`replan`.
    """
    rest, later = left_of(day, plan, city, settings, news)
    found = searched(later, settings, start=rest.start, progress=progress, watch=watch)
    swept = worked_out(later, found)
    return dataclasses.replace(swept, since=_moment(city, day, news), changes=changes(rest, found))


def go_on(
    sweep: Sweep, city: City, settings: Settings, news: News, *, progress: Progress = quiet, watch: Watch | None = None
) -> Sweep:
    """Plan the rest of a day anew from a plan in hand, and keep that with what is done.

    Raises
    ------
    ProblemError, StreetsError
        As :func:`replan`.
    """
    made = rest_of(sweep.day, sweep.plan, city, settings, news, progress=progress, watch=watch)
    return dataclasses.replace(made, looked=sweep.looked, begun=Begun.after(sweep, news))


def left_of(day: SweepDay, plan: SweepPlan, city: City, settings: Settings, news: News) -> tuple[Rest, SweepDay]:
    """Return what is left of a day after the news, as numbers and on the map."""
    streets, walk = streets_without(settings, city, news.blocked)
    return bridge.rest_day(
        day,
        plan,
        streets,
        at=_moment(city, day, news),
        done=news.done,
        home=news.home,
        requests=_points(city, news),
        walk=walk,
        rules=settings.rules,
    )


def _moment(city: City, day: SweepDay, news: News) -> pd.Timestamp:
    return city.area.moment(f"{city.area.local(day.zero):%Y-%m-%d} {news.at}")


def _points(city: City, news: News) -> gpd.GeoSeries:
    """Return the new requests on the plane."""
    lat, lon = [lat for lat, _ in news.requests], [lon for _, lon in news.requests]
    points = city.area.points(lon, lat)
    for k, far_m in enumerate(points.distance(city.area.boundary)):
        if far_m > 0:
            raise ProblemError(f"new request {lat[k]:g},{lon[k]:g} lies outside {city.area.name}: give LAT,LON")
    return points
