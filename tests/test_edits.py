"""Plans changed by hand: what the judge accepts, or an error; nothing promised is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan import bridge, pipeline
from sweepplan.errors import PlanError, ProblemError, StreetsError
from sweepplan.judging import judge_sweep
from sweepplan.model import Limit, Shift, Stop, SweepPlan, SweepProblem
from sweepplan.pipeline import editing
from sweepplan.routing import NOBODY, moved, promised, solve_sweep, without


@st.composite
def days(draw: st.DrawFn) -> SweepProblem:
    n = draw(st.integers(1, 6))
    xy = np.array(draw(st.lists(st.tuples(*[st.integers(0, 9)] * 2), min_size=n + 1, max_size=n + 1)))
    travel_s = np.abs(xy[:, None] - xy).sum(axis=2) * 60.0
    closes = [draw(st.sampled_from([1200, 3000, 9000])) for _ in range(n)]
    stops = [
        Stop.point(f"s{k}", k + 1, float(draw(st.integers(0, 9))), 300, (0, closes[k]), draw(st.booleans()))
        for k in range(n)
    ]
    ends = draw(st.lists(st.sampled_from([1500, 2400, 4800]), min_size=1, max_size=2))
    return SweepProblem(tuple(stops), tuple(Shift("AB"[k], (0, end)) for k, end in enumerate(ends)), travel_s)


@settings(derandomize=True, deadline=None)
@given(days(), st.data())
def test_whatever_is_moved_the_judge_accepts_it_and_only_places_without_a_request_make_room(
    problem: SweepProblem, data: st.DataObject
) -> None:
    plan = SweepPlan(((),) * len(problem.shifts), "by hand", 0)
    kept: set[int] = set()
    for _ in range(data.draw(st.integers(1, 8))):
        stop = data.draw(st.integers(0, len(problem.stops) - 1))
        shift = data.draw(st.integers(0, len(problem.shifts) - 1))
        at = data.draw(st.one_of(st.none(), st.integers(0, 6)))
        try:
            edit = moved(problem, plan, stop, shift, at=at, keep=kept)
        except PlanError:
            stays = [k for k in without(plan, stop).routes[shift] if problem.stops[k].required or k in kept]
            gaps = range(len(stays) + 1) if at is None else []
            assert not any(holds(problem, shift, (*stays[:g], stop, *stays[g:])) for g in gaps)
            continue
        judge_sweep(problem, edit.plan)
        assert stop in edit.plan.routes[shift]
        assert not any(problem.stops[k].required or k in kept for k in edit.dropped)
        before, after = (sorted(k for route in p.routes for k in route) for p in (plan, edit.plan))
        assert set(before) - set(after) == set(edit.dropped) - {stop}
        others = [k for k in plan.routes[shift] if k in edit.plan.routes[shift] and k != stop]
        assert [k for k in edit.plan.routes[shift] if k != stop] == others  # the rest keeps its order
        plan = edit.plan
        kept.add(stop)


def holds(problem: SweepProblem, shift: int, route: tuple[int, ...]) -> bool:
    routes = tuple(route if k == shift else () for k in range(len(problem.shifts)))
    try:
        judge_sweep(problem, SweepPlan(routes, "by hand", 0))
    except PlanError:
        return False
    return True


def line(n: int, shift_s: int) -> SweepProblem:
    """Places every 10 minutes along a street, 5 minutes of work at each; two crews from its start."""
    travel_s = 600.0 * np.abs(np.subtract.outer(np.arange(n + 1), np.arange(n + 1)))
    stops = tuple(Stop.point(f"p{k}", k, float(k), 300, (0, 10 * shift_s)) for k in range(1, n + 1))
    return SweepProblem(stops, (Shift("A", (0, shift_s)), Shift("B", (0, shift_s))), travel_s)


def test_a_stop_goes_where_it_costs_least_or_to_the_number_asked() -> None:
    problem = line(3, 7200)
    plan = SweepPlan(((0, 2), ()), "by hand", 0)
    assert moved(problem, plan, 1, 0).plan.routes == ((0, 1, 2), ())
    assert moved(problem, plan, 1, 0, at=0).plan.routes == ((1, 0, 2), ())
    assert moved(problem, plan, 2, 1).plan.routes == ((0,), (2,))


def test_the_fewest_needles_for_their_time_make_room() -> None:
    """To p3 and back takes 60 min, work there 5; each stop on the way 5: three stops are 75 min."""
    edit = moved(line(3, 70 * 60), SweepPlan(((0, 1), ()), "by hand", 0), 2, 0)
    assert set(edit.plan.routes[0]) == {1, 2}
    assert edit.dropped == (0,)
    with pytest.raises(PlanError, match="no room for 'p3', whatever else"):
        moved(line(3, 60 * 60), SweepPlan(((0, 1), ()), "by hand", 0), 2, 0)


def test_a_solver_keeps_to_what_was_promised_and_kept_back() -> None:
    problem = promised(promised(line(3, 7200), 0, "B", required=False), 2, NOBODY, required=False)
    for solver in ("ruin", "pyvrp"):
        plan = solve_sweep(problem, limit=Limit(iterations=30), seed=1, solver=solver, needle_s=36e3)
        assert 0 in plan.routes[1]
        assert all(2 not in route for route in plan.routes)
    assert (2, "kept back today") in judge_sweep(problem, plan).unserved
    with pytest.raises(PlanError, match="crew 'A' may not serve 'p1'"):
        moved(problem, SweepPlan(((), ()), "by hand", 0), 0, 0)


@pytest.fixture(scope="module")
def planned(write_city: Callable[..., Path]) -> tuple[pipeline.City, pipeline.Settings, pipeline.Sweep]:
    settings = pipeline.Settings.load(write_city())
    city = pipeline.load_city(settings)
    as_of = city.area.moment(settings.as_of)
    found = pipeline.find(city.readings, as_of=as_of)
    return city, settings, pipeline.plan_sweep(city, found[0], settings, as_of=as_of)


Planned = tuple[pipeline.City, pipeline.Settings, pipeline.Sweep]


def test_locks_moves_and_what_is_kept_back_stand_through_the_next_search(planned: Planned) -> None:
    city, settings, sweep = planned
    first, second, *_ = (stop.place for stop in sweep.day.problem.stops if stop.required)
    other = next(crew for crew in "AB" if crew != editing.crew_of(sweep, first))
    made = editing.move(sweep, city, first, other)
    assert f"is with crew {other}, which keeps it" in made.said
    made = editing.not_today(made.sweep, city, second)
    assert editing.holder(made.sweep, second) == ""
    stops = made.sweep.stops.set_index("place_id")
    assert stops.loc[second, "reason"] == "kept back today"
    again = editing.improve(made.sweep, city, settings).sweep
    assert editing.crew_of(again, first) == other
    assert editing.crew_of(again, second) is None
    free = editing.unlock(again, city, second).sweep
    assert editing.crew_of(editing.improve(free, city, settings).sweep, second) is not None
    assert editing.crew_of(sweep, second) is not None  # the plan before is as it was


def test_a_place_that_is_locked_must_be_served_until_it_is_free_again(planned: Planned) -> None:
    city, _, sweep = planned
    place = next(stop.place for stop in sweep.day.problem.stops if not stop.required)
    crew = editing.crew_of(sweep, place)
    assert crew is not None
    made = editing.lock(sweep, city, place)
    assert made.sweep.day.problem.stops[-1].required == sweep.day.problem.stops[-1].required
    assert next(stop for stop in made.sweep.day.problem.stops if stop.place == place).required
    assert editing.figures(made.sweep) == editing.figures(sweep)
    free = editing.unlock(made.sweep, city, place).sweep
    assert free.day.problem.stops == sweep.day.problem.stops


def test_a_stop_takes_the_number_asked(planned: Planned) -> None:
    city, _, sweep = planned
    crew, stops = next(iter(sweep.stops.groupby("crew")))
    place = stops.sort_values("seq")["place_id"].iloc[-1]
    made = editing.move(sweep, city, place, crew, number=1)
    assert made.sweep.stops.set_index("place_id").loc[place, "seq"] == 1


def test_a_request_by_telephone_is_served_and_outlives_the_next_search(planned: Planned) -> None:
    city, settings, sweep = planned
    name, spot = bridge.corner("c street & avenue 6", city.streets.streets())
    made = editing.add(sweep, city, settings, spot, name=name)
    assert "Added: C Street & Avenue 6, for crew" in made.said
    both = editing.add(made.sweep, city, settings, shapely.Point(spot.x - 50, spot.y), crew="B")
    places = [stop.place for stop in both.sweep.day.problem.stops[-2:]]
    assert len(set(places)) == 2
    assert {place[: len("added-20260302-")] for place in places} == {"added-20260302-"}
    # Another plan of the day that begins with the second gives it the same id, so that counts stay with the place.
    alone = editing.add(sweep, city, settings, shapely.Point(spot.x - 50, spot.y)).sweep
    assert alone.day.problem.stops[-1].place == places[1]
    twice = editing.add(alone, city, settings, shapely.Point(spot.x - 50, spot.y)).sweep
    assert twice.day.problem.stops[-1].place == f"{places[1]}-2"
    assert both.sweep.judged.n_required_served == sweep.judged.n_required_served + 2
    again = editing.improve(both.sweep, city, settings).sweep
    assert editing.crew_of(again, places[1]) == "B"
    body = editing.plan_body(again, settings)
    assert body["added"][0]["name"] == "C Street & Avenue 6"
    assert body["promised"] == {places[1]: "B"}
    far = gpd.GeoSeries([spot], crs=city.area.crs).translate(99_000).iloc[0]
    with pytest.raises(ProblemError, match="outside Gridtown"):
        editing.add(sweep, city, settings, far)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Elm", "no street is called 'Elm'"),
        ("Avenue", "may be Avenue 1, Avenue 2"),
        ("A Street & B Street", "do not meet"),
        ("a & b & c", "write a street, or a corner"),
    ],
)
def test_a_corner_that_is_none_is_one_line(planned: Planned, words: str, said: str) -> None:
    with pytest.raises(StreetsError, match=said):
        bridge.corner(words, planned[0].streets.streets())


def test_travel_of_an_added_stop_is_that_of_a_day_that_always_had_it(planned: Planned) -> None:
    city, settings, sweep = planned
    known = sweep.day.stops.geometry.iloc[0]
    day = bridge.with_request(sweep.day, gpd.GeoSeries([known], crs=city.area.crs), settings.rules)
    t = day.problem.travel_s
    assert np.array_equal(t[-1, :-1], t[1, :-1])
    assert np.array_equal(t[:-1, -1], t[:-1, 1])
    assert replace(day.problem.stops[-1], place="x").modes[0].service_s == day.problem.stops[0].modes[0].service_s
