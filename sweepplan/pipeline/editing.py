"""A plan in the lead's hands: every change is a new plan that the judge accepts, said in words; or an error."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

from sweepplan import bridge
from sweepplan.errors import PlanError
from sweepplan.geo import WGS84
from sweepplan.judging import plan_worth
from sweepplan.model import UNLOAD, SweepPlan
from sweepplan.pipeline.city import City
from sweepplan.pipeline.crews import crew_told
from sweepplan.pipeline.progress import Progress, quiet
from sweepplan.pipeline.settings import Settings
from sweepplan.pipeline.shifts import told_stops
from sweepplan.pipeline.walk import Sweep, Watch, searched, worked_out
from sweepplan.routing import NOBODY, moved, promised, without


@dataclass(frozen=True, eq=False)
class Edited:
    """A plan after a change, and what was changed, in words."""

    sweep: Sweep
    said: str


@dataclass(frozen=True)
class SoFar:
    """What a plan is worth while a better one is searched: ``stops`` by crew."""

    served: int
    requests: int
    needles: float
    stops: Mapping[str, int]


def worth_so_far(day: bridge.SweepDay, plan: SweepPlan) -> SoFar:
    """Return what a plan is worth, in short."""
    stops, routes = day.problem.stops, [[k for k in route if k != UNLOAD] for route in plan.routes]
    served = [stops[k] for route in routes for k in route]
    return SoFar(
        sum(stop.required for stop in served),
        sum(stop.required for stop in stops),
        sum(stop.prize for stop in served),
        {shift.crew: len(route) for shift, route in zip(day.problem.shifts, routes, strict=True)},
    )


def holder(sweep: Sweep, place: str) -> str | None:
    """Return which crew a stop is promised to; empty: kept back today; None: whoever passes."""
    return sweep.day.problem.stops[_stop(sweep, place)].crew


def is_known(sweep: Sweep, place: str) -> bool:
    """Return whether a place is a stop that the plan decides on; what is done is not any more."""
    return any(stop.place == place for stop in sweep.day.problem.stops)


def crew_of(sweep: Sweep, place: str) -> str | None:
    """Return which crew goes to a stop; None: no crew."""
    shift = _shift(sweep, _stop(sweep, place))
    return None if shift is None else sweep.day.problem.shifts[shift].crew


def lock(sweep: Sweep, city: City, place: str) -> Edited:
    """Promise a stop to the crew it is planned for."""
    crew = crew_of(sweep, place)
    if crew is None:
        raise PlanError(f"{_name(sweep, place)} is on no route: give it to a crew first")
    return _held(sweep, city, place, crew, f"{_name(sweep, place)} stays with crew {crew}")


def unlock(sweep: Sweep, city: City, place: str) -> Edited:
    """Let any crew serve a stop again."""
    return _held(sweep, city, place, None, f"{_name(sweep, place)} is free for any crew")


def not_today(sweep: Sweep, city: City, place: str) -> Edited:
    """Take a stop off its route and keep it back from every crew."""
    stop = _stop(sweep, place)
    day = _promised(sweep.day, stop, NOBODY)
    return Edited(_again(sweep, city, day, without(sweep.plan, stop)), f"{_name(sweep, place)}: not today")


def move(sweep: Sweep, city: City, place: str, crew: str, *, number: int | None = None) -> Edited:
    """Give a stop to a crew for good: at least detour, or as stop ``number`` of its route, from 1.

    Raises
    ------
    PlanError
        The crew has no room for it, even where it leaves out places without a request.
    """
    stop, problem = _stop(sweep, place), sweep.day.problem
    names = [shift.crew for shift in problem.shifts]
    if crew not in names:
        raise PlanError(f"no crew {crew!r}: one of {', '.join(names)}")
    day = _promised(sweep.day, stop, crew)
    problem = day.problem
    kept = [k for k, each in enumerate(problem.stops) if each.crew]
    shift = names.index(crew)
    at = None if number is None else _position(without(sweep.plan, stop).routes[shift], number)
    edit = moved(problem, sweep.plan, stop, shift, at=at, keep=kept)
    made = _again(sweep, city, day, edit.plan)
    said = f"{_name(sweep, place)} is with crew {crew}, which keeps it"
    if edit.dropped:
        n = len(edit.dropped)
        said += f"; {n} {'place makes' if n == 1 else 'places make'} room"
    return Edited(made, said)


def add(
    sweep: Sweep,
    city: City,
    settings: Settings,
    spot: BaseGeometry,
    *,
    crew: str | None = None,
    name: str | None = None,
) -> Edited:
    """Add a request at a point of the plane; it goes to ``crew``, or where it costs least.

    Raises
    ------
    ProblemError
        It lies outside the area, or no street leads there.
    PlanError
        No crew has room for it.
    """
    points = gpd.GeoSeries([spot], crs=city.area.crs)
    day = bridge.with_request(sweep.day, points, settings.rules, name=name)
    stop, dropping = len(day.problem.stops) - 1, dataclasses.replace(sweep, day=day)
    place = day.problem.stops[stop].place
    if crew is not None:
        made = move(dropping, city, place, crew)
        return Edited(made.sweep, f"Added: {made.said}")
    kept = [k for k, each in enumerate(day.problem.stops) if each.crew]
    edits = []
    for shift in range(len(day.problem.shifts)):
        try:
            edits.append(moved(day.problem, sweep.plan, stop, shift, keep=kept))
        except PlanError as error:
            refused = error
    if not edits:
        raise refused
    best = max(edits, key=lambda edit: plan_worth(day.problem, edit.plan, settings.rules.needle_s))
    made_sweep = _again(sweep, city, day, best.plan)
    said = f"Added: {_name(made_sweep, place)}, for crew {crew_of(made_sweep, place)}"
    return Edited(made_sweep, said + (f"; {len(best.dropped)} places make room" if best.dropped else ""))


def improve(
    sweep: Sweep, city: City, settings: Settings, *, progress: Progress = quiet, watch: Watch | None = None
) -> Edited:
    """Search on from a plan; what is promised, kept back or added stays so."""
    plan = searched(sweep.day, settings, start=sweep.plan, progress=progress, watch=watch)
    return Edited(_again(sweep, city, sweep.day, plan), "Planned on, with all that was fixed by hand")


def figures(sweep: Sweep) -> dict[str, float]:
    """Return what a plan is worth, to be set beside another."""
    judged, stops = sweep.judged, sweep.stops
    return {
        "requests": int((stops["crew"].notna() & (stops["kind"] == "request")).sum()),
        "needles": judged.needles,
        "stops": sum(stop != UNLOAD for route in sweep.plan.routes for stop in route),
        "hours of travel": judged.travel_s / 3600,
    }


def plan_body(sweep: Sweep, settings: Settings) -> Mapping[str, Any]:
    """Return a plan as JSON, for the store: who goes out, the stops of each in order, what was fixed by hand.

    The rest of a day holds what happened, and the plan it goes on from.
    """
    problem, stops = sweep.day.problem, sweep.day.stops.to_crs(WGS84)
    kinds = stops["kind"].isin(("request", "kiosk"))
    added = stops[stops["place_id"].str.startswith(bridge.ADDED)]
    return {
        **_begun(sweep, settings),
        "as_of": settings.as_of,
        "crews": [crew_told(crew) for crew in settings.crews],
        "stops": told_stops(sweep.stops),
        "promised": {stop.place: stop.crew for stop in problem.stops if stop.crew is not None},
        "must": [stop.place for stop, asked in zip(problem.stops, kinds, strict=True) if stop.required and not asked],
        "added": [
            {"place": place, "name": name, "lat": round(lat, 9), "lon": round(lon, 9)}
            for place, name, lat, lon in zip(
                added["place_id"], added["name"], added.geometry.y, added.geometry.x, strict=True
            )
        ],
        "solver": sweep.plan.solver,
        "seed": sweep.plan.seed,
        "worth": {name: round(value, 3) for name, value in figures(sweep).items()},
    }


def _begun(sweep: Sweep, settings: Settings) -> Mapping[str, Any]:
    if sweep.begun is None:
        return {}
    news = dataclasses.asdict(sweep.begun.news)
    return {
        "news": news | {"done": sorted(sweep.begun.news.done or ())},
        "earlier": plan_body(sweep.begun.earlier, settings),
        "done": told_stops(sweep.begun.done),
    }


def _held(sweep: Sweep, city: City, place: str, crew: str | None, said: str) -> Edited:
    return Edited(_again(sweep, city, _promised(sweep.day, _stop(sweep, place), crew), sweep.plan), said)


def _promised(day: bridge.SweepDay, stop: int, crew: str | None) -> bridge.SweepDay:
    """Promise a stop, or keep it back; a place without a request must be served while a crew has its promise."""
    required = bool(crew) or str(day.stops["kind"].iloc[stop]) in ("request", "kiosk")
    return dataclasses.replace(day, problem=promised(day.problem, stop, crew, required=required))


def _again(sweep: Sweep, city: City, day: bridge.SweepDay, plan: SweepPlan) -> Sweep:
    made = worked_out(day, plan, sweep.looked)
    return dataclasses.replace(made, since=sweep.since, begun=sweep.begun)


def _stop(sweep: Sweep, place: str) -> int:
    for k, stop in enumerate(sweep.day.problem.stops):
        if stop.place == place:
            return k
    raise PlanError(f"no stop {place!r} in this plan")


def _shift(sweep: Sweep, stop: int) -> int | None:
    for k, route in enumerate(sweep.plan.routes):
        if stop in route:
            return k
    return None


def _position(route: tuple[int, ...], number: int) -> int:
    """Return where in a route its stop ``number`` goes."""
    return number - 1 if 1 <= number <= len(route) else len(route)


def _name(sweep: Sweep, place: str) -> str:
    return str(sweep.day.stops["name"].iloc[_stop(sweep, place)])
