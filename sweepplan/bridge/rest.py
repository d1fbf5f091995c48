"""A day under way → the problem of its rest, on the streets as they are now; what changed, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.bridge.adding import spot_ids
from sweepplan.bridge.grounds import Ground, Layout, grounds_of
from sweepplan.bridge.rules import SweepRules
from sweepplan.bridge.snapping import FOOT_MS, names_at
from sweepplan.bridge.sweeps import SweepDay, zone_of
from sweepplan.errors import PlanError, ProblemError, StreetsError
from sweepplan.geo import Floats
from sweepplan.model import UNLOAD, Habit, Mode, Stop, SweepPlan
from sweepplan.routing import Change, Rest, rest_of_day
from sweepplan.streets import StreetNetwork

UNLOADING = "unload-"
"""How the ids begin of the stops at which a crew empties its container."""


def known_plan(day: SweepDay, stops: pd.DataFrame, *, solver: str, seed: int) -> SweepPlan:
    """Return the plan that a table of stops (``crew, seq, place_id, kind, mode``) holds for the day.

    Raises
    ------
    PlanError
        A crew or place that the day does not know.
    """
    number = {place: k for k, place in enumerate(day.stops["place_id"])}
    served = stops[stops["crew"].notna()].sort_values("seq")
    crews = [shift.crew for shift in day.problem.shifts]
    visited = served[served["kind"] != "unload"]
    for what, found, known in (("crew", served["crew"], crews), ("place", visited["place_id"], number)):
        strange = sorted(set(found) - set(known))
        if strange:
            raise PlanError(f"{what} {strange[0]!r} of the earlier plan is none of the day: was it planned elsewhere?")
    mine = [served[served["crew"] == crew] for crew in crews]
    routes = tuple(tuple(number.get(place, UNLOAD) for place in each["place_id"]) for each in mine)
    return SweepPlan(routes, solver, seed, tuple(tuple(map(int, each["mode"])) for each in mine))


def rest_day(  # noqa: PLR0913 - one a thing that happened
    day: SweepDay,
    plan: SweepPlan,
    streets: StreetNetwork,
    *,
    at: pd.Timestamp,
    done: Collection[str] | None = None,
    home: Collection[str] = (),
    requests: gpd.GeoSeries | None = None,
    walk: StreetNetwork | None = None,
    rules: SweepRules,
) -> tuple[Rest, SweepDay]:
    """Return what is left of the day at ``at``, as numbers and on the map.

    A stop whose street is blocked is reached on foot from the nearest open one; the walk counts as travel. A street
    segment that is blocked itself is not swept.

    Parameters
    ----------
    streets, walk : as they are from now on, for vans and for people on foot.
    done : ids of the places that are done; None: as the plan says for this moment.
    home : crews that go home.
    requests : points of new requests, on the plane.

    Raises
    ------
    ProblemError
        Nobody is out yet or any more, no such crew, or a place done that is none of the day.
    StreetsError
        A new request lies off the streets.
    """
    at_s = int(np.ceil((at - day.zero).total_seconds()))
    begins = min(shift.window_s[0] for shift in day.problem.shifts)
    clock = streets.area.local
    if at_s < begins:
        first = f"the first shift begins at {clock(day.clock(begins)):%H:%M}"
        raise ProblemError(f"nobody is out yet at {clock(at):%H:%M}: {first}, so plan the day anew")
    new = gpd.GeoSeries([], crs=streets.area.crs) if requests is None else requests
    layout = day.layout.with_points(new, spot_ids("new-", day, new))
    grounds = grounds_of(layout, [ground.mode for ground in day.grounds], streets, walk, rules)
    layout, later = _new_stops(new, layout, grounds, rules)
    rest = rest_of_day(
        day.problem,
        plan,
        at_s=at_s,
        done=None if done is None else _numbers(day, done),
        home=home,
        added=_as_stops(later, day, at_s, rules),
        travel_s=_travel_now(day, layout, grounds),
        habit=_habit(day, plan, rules),
    )
    stops = pd.concat([day.stops, later.drop(columns="service_s")], ignore_index=True).iloc[list(rest.stops)]
    stops = gpd.GeoDataFrame(stops.reset_index(drop=True), geometry="geometry", crs=streets.area.crs)
    return rest, SweepDay(rest.problem, day.zero, stops, layout, grounds, day.zones)


def change_words(change: Change, names: dict[str, str]) -> str:
    """Return in one line what changed for a crew; ``names`` by place.

    Examples
    --------
    >>> change = Change("B", (("p1", "A"), ("p2", "A")), (("p3", "left out"),), 31, 33)
    >>> change_words(change, {"p1": "Albany St", "p2": "Albany St", "p3": "Peters Park"})
    'B: + 2 x Albany St (from A), - Peters Park (left out); 31 of 33 legs as before'
    """
    gained = ((names[place], was if was in ("new", "not planned") else f"from {was}") for place, was in change.gained)
    lost = ((names[place], to if to == "left out" else f"to {to}") for place, to in change.lost)
    said = [*_counted("+", gained), *_counted("-", lost)]
    kept = f"{change.kept_legs} of {change.legs} legs as before" if change.legs else "no stop left to go to"
    return f"{change.crew}: {', '.join(said) or 'as before'}; {kept}"


def _counted(sign: str, moves: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{sign} {f'{n} x ' if n > 1 else ''}{name} ({where})" for (name, where), n in Counter(moves).items()]


def _numbers(day: SweepDay, done: Collection[str]) -> tuple[int, ...]:
    number = {place: k for k, place in enumerate(day.stops["place_id"])}
    done = [place for place in done if not place.startswith(UNLOADING)]
    strange = sorted(set(done) - set(number))
    if strange:
        raise ProblemError(f"place {strange[0]!r} is said to be done, but is no stop of the day: see its id")
    return tuple(number[place] for place in done)


def _new_stops(
    points: gpd.GeoSeries, layout: Layout, grounds: Sequence[Ground], rules: SweepRules
) -> tuple[Layout, gpd.GeoDataFrame]:
    """Return the layout with the walks to the new requests, its last stops, and those."""
    n = len(points)
    rows = np.arange(len(layout) - n, len(layout))
    for k, row in enumerate(rows):
        if min(ground.comes.edge[row] for ground in grounds) < 0:
            limit = f"more than {max(rules.snap_limit_m, rules.foot_limit_m):g} m from any street that is open"
            raise StreetsError(f"new request {k + 1} lies {limit}: see its LAT,LON")
    walk_m = np.max([ground.walk_m[len(ground.walk_m) - n :] for ground in grounds], axis=0)
    first = grounds[0]
    told = gpd.GeoDataFrame(
        {
            "place_id": pd.array(layout.place[len(layout.place) - n :], dtype="str"),
            "name": names_at(first.streets, first.comes[rows], walk_m).to_numpy(),
            "kind": "request",
            "due_at": pd.Series(pd.NaT, index=range(n), dtype="datetime64[us, UTC]"),
            "service_s": rules.request_s + 2 * walk_m / FOOT_MS,
        },
        geometry=points.to_numpy(),
        crs=points.crs,
    )
    return layout.walked(walk_m), told


def _as_stops(later: gpd.GeoDataFrame, day: SweepDay, at_s: int, rules: SweepRules) -> tuple[Stop, ...]:
    """Return the new requests as must-visits of the problem, due when the last shift ends."""
    first, ends = len(day.layout), max(shift.window_s[1] for shift in day.problem.shifts)
    zones, needles = zone_of(later.geometry, day.zones), rules.needles_per_report
    return tuple(
        Stop(
            place=str(place),
            modes=(Mode(first + k, first + k, int(np.ceil(later["service_s"].iloc[k]))),),
            prize=needles,
            window_s=(min(at_s, ends), ends),
            required=True,
            load=round(needles),
            skills=rules.skills("request"),
            zone=zones[k],
        )
        for k, place in enumerate(later["place_id"])
    )


def _travel_now(day: SweepDay, layout: Layout, grounds: Sequence[Ground]) -> Floats:
    """Return the travel times from now on: blocked segments are not come to, blocked stops are walked to."""
    nets = []
    for ground in grounds:
        farther_m = np.append(np.maximum(ground.walk_m - layout.walk_m, 0), 0)  # a depot, stop -1, finds the last
        walk_s = np.ceil(farther_m / FOOT_MS)[layout.stop]
        travel_s = ground.travel_s() + walk_s + walk_s[:, None]
        np.fill_diagonal(travel_s, 0)
        nets.append(travel_s)
    return nets[0] if day.problem.travel_s.ndim == 2 else np.stack(nets)


def _habit(day: SweepDay, plan: SweepPlan, rules: SweepRules) -> Habit:
    """Return what a change costs, beside the needles of an average stop of the plan."""
    prizes: Sequence[float] = [day.problem.stops[stop].prize for route in plan.routes for stop in route if stop >= 0]
    leg_s = rules.keep_share * rules.needle_s * float(np.mean(prizes)) if prizes else 0.0
    least = Habit(())
    return Habit((), max(least.crew_s, round(2 * leg_s)), max(least.leg_s, round(leg_s)))
