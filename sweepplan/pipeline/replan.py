"""The rest of a day planned anew: what is done stands, crews keep what they know unless a change pays."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from sweepplan import bridge
from sweepplan.errors import ProblemError
from sweepplan.pipeline.city import City, load_city, streets_without
from sweepplan.pipeline.progress import Progress, part, quiet
from sweepplan.pipeline.settings import Settings
from sweepplan.pipeline.walk import Run, find, searched, show, sweep_day, worked_out
from sweepplan.routing import changes


@dataclass(frozen=True)
class News:
    """What happened since the plan was made.

    Attributes
    ----------
    at : now, ``HH:MM`` on the city's clock, on the day planned.
    done : ids of the places that are done; None: as the plan says for this moment.
    home : crews that go home now.
    requests : latitude, longitude of new requests.
    blocked : names of streets that nobody may pass.
    """

    at: str
    done: frozenset[str] | None = None
    home: tuple[str, ...] = ()
    requests: tuple[tuple[float, float], ...] = ()
    blocked: tuple[str, ...] = ()


def replan(settings: Settings, stops: pd.DataFrame, news: News, progress: Progress = quiet) -> Run:
    """Plan the rest of a day anew.

    Parameters
    ----------
    settings : those the day was planned with.
    stops : the day's plan, as its run's tables.STOPS holds it.

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
    at = city.area.moment(f"{city.area.local(as_of):%Y-%m-%d} {news.at}")
    streets = streets_without(settings, city, news.blocked)
    requests = _points(city, news)
    progress("finding hotspots", 0.3)
    hotspots = find(city.readings, as_of=as_of, around=city.around)
    day, _ = sweep_day(city, hotspots[0], settings, as_of=as_of)
    rest, later = bridge.rest_day(
        day,
        bridge.known_plan(day, stops, solver="the earlier plan", seed=settings.seed),
        streets,
        at=at,
        done=news.done,
        home=news.home,
        requests=requests,
        rules=settings.rules,
    )
    plan = searched(later, settings, start=rest.start, progress=part(progress, 0.4, 0.9))
    swept = worked_out(later, plan, dataclasses.replace(city, streets=streets))
    swept = dataclasses.replace(swept, since=at, changes=changes(rest, plan))
    progress("publishing", 0.95)
    shown = show(city, hotspots, swept, None, settings)
    progress("done", 1.0)
    return Run(settings, city, as_of, hotspots, swept, None, shown)


def _points(city: City, news: News) -> gpd.GeoSeries:
    """Return the new requests on the plane."""
    lat, lon = [lat for lat, _ in news.requests], [lon for _, lon in news.requests]
    points = city.area.points(lon, lat)
    for k, far_m in enumerate(points.distance(city.area.boundary)):
        if far_m > 0:
            raise ProblemError(f"new request {lat[k]:g},{lon[k]:g} lies outside {city.area.name}: give LAT,LON")
    return points
