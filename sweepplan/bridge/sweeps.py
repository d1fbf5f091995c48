"""Reports and streets → the sweep problem of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from sweepplan.bridge.grounds import Ground, Layout, grounds_of, layout_of, travel_of
from sweepplan.bridge.lixels import street_rates
from sweepplan.bridge.rules import SweepRules
from sweepplan.bridge.shifts import depots_of, shifts_of
from sweepplan.bridge.snapping import FOOT_MS, names_at
from sweepplan.errors import ProblemError
from sweepplan.geo import Area
from sweepplan.hotspots import place_rates, yields
from sweepplan.model import Crew, Mode, Shift, Stop, SweepProblem
from sweepplan.streets import Leg, StreetNetwork
from sweepplan.tables import CELLS, INCIDENTS, PLACES

SATURDAY = 5


@dataclass(frozen=True, eq=False)
class SweepDay:
    """A sweep problem with its place on the map and on the clock.

    Attributes
    ----------
    problem : numbers only; its zero is ``zero``.
    zero : midnight of the day planned on the city's clock, in UTC.
    stops : one row per stop of the problem, same order: ``place_id, name, kind, due_at``, point on the plane.
    layout : depots and stops on the map and what the rows of ``travel_s`` are; in the rest of a day, of the whole day.
    grounds : where they lie on the streets, one a network of the problem.
    zones : polygons with ``name``, where crews may not work everywhere.
    known : legs worked out so far, by network and the rows they join; they stay true where stops are added.
    """

    problem: SweepProblem
    zero: pd.Timestamp
    stops: gpd.GeoDataFrame
    layout: Layout
    grounds: tuple[Ground, ...]
    zones: gpd.GeoDataFrame | None = None
    known: dict[tuple[int, int, int], Leg] = field(default_factory=dict, repr=False)

    def leg(self, shift: int, a: int, b: int) -> Leg:
        """Return the way of a crew from where row ``a`` is left to where row ``b`` is come to."""
        network = self.problem.shifts[shift].network
        if (network, a, b) not in self.known:
            ground = self.grounds[network]
            self.known[network, a, b] = ground.streets.leg(ground.leaves[[a]], ground.comes[[b]])
        return self.known[network, a, b]

    def clock(self, seconds: float) -> pd.Timestamp:
        """Return the moment ``seconds`` after the problem's zero, in UTC."""
        return self.zero + pd.Timedelta(seconds=float(seconds))


def open_requests(
    incidents: gpd.GeoDataFrame, *, as_of: pd.Timestamp, unknown_open_d: float = SweepRules.unknown_open_d
) -> gpd.GeoDataFrame:
    """Return needle requests that wait at ``as_of``: reported before it, and not closed before it.

    A request closed later counts as open. Where the feed knows no status, a request dated to the day or second counts
    as open for ``unknown_open_d`` days.
    """
    table = INCIDENTS.check(incidents)
    known = table["reported_at"] < as_of
    closed_before = (table["status"] == "closed") & (table["closed_at"].isna() | (table["closed_at"] < as_of))
    fresh = (table["reported_at"] >= as_of - pd.Timedelta(days=unknown_open_d)) & (table["time_precision"] != "month")
    waits = np.where(table["status"].isna(), fresh, ~closed_before)
    return table[(table["kind"] == "needle") & known & waits.astype(bool)]


def sweep_day(  # noqa: PLR0913 - one a thing that makes the day
    incidents: gpd.GeoDataFrame,
    streets: StreetNetwork,
    crews: Sequence[Crew],
    *,
    as_of: pd.Timestamp,
    depot: gpd.GeoSeries,
    places: gpd.GeoDataFrame,
    walk: StreetNetwork | None = None,
    services: gpd.GeoDataFrame | None = None,
    zones: gpd.GeoDataFrame | None = None,
    rules: SweepRules | None = None,
) -> SweepDay:
    """Make the sweep problem of the day ``as_of`` falls on.

    Parameters
    ----------
    incidents : tables.INCIDENTS; open requests become required stops.
    depot : one point on the plane, start and end of every crew that has none of its own.
    places : tables.PLACES with ``needles_a_day`` and ``swept_d``, see :func:`places_to_sweep`; the best become stops
        with a prize.
    walk : streets of people on foot, for crews that walk.
    services : kiosks to service, see :func:`due_services`; required stops without needles: what lies in a kiosk is
        another stream than what lies on the ground.
    zones : polygons with ``name``, for crews that may not work everywhere.

    Raises
    ------
    ProblemError
        No crew, a shift that is over at ``as_of``, or nothing to visit.
    StreetsError
        The depot lies off the network.
    """
    if not crews:
        raise ProblemError("no crew: give at least one")
    rules = rules or SweepRules()
    required = _required_stops(open_requests(incidents, as_of=as_of, unknown_open_d=rules.unknown_open_d))
    if services is not None and len(services):
        required = pd.concat([required, _services(services, rules)], ignore_index=True)
    zero = streets.area.midnight(as_of)
    depots, ends = depots_of(crews, depot, streets.area)
    modes = list(dict.fromkeys(crew.mode for crew in crews))
    shifts = shifts_of(crews, ends, streets.area, zero=zero, as_of=as_of, modes=modes, rules=rules)
    n_places = round(rules.places_per_crew_h * sum(end - start for start, end in (s.window_s for s in shifts)) / 3600)
    optional = _optional_stops(PLACES.check(places, plane=streets.area.crs), rules, n_places)
    stops = pd.concat([required, optional], ignore_index=True)
    stops = gpd.GeoDataFrame(stops, geometry="geometry", crs=streets.area.crs)
    layout = layout_of(depots, stops, modes, streets, rules)
    grounds = grounds_of(layout, modes, streets, walk, rules)
    walk_m = np.max([ground.walk_m for ground in grounds], axis=0)
    at_stops = grounds[0].comes[[layout.rows(k)[0] for k in range(len(stops))]]
    stops["name"] = stops["name"].fillna(names_at(grounds[0].streets, at_stops, walk_m))
    stops["sweep_s"] = stops["sweep_s"].fillna(rules.request_s) + 2 * walk_m / FOOT_MS
    stops["zone"] = pd.Series(zone_of(stops.geometry, zones), dtype=object)
    stops["closes_s"] = _closes_s(stops, zero, streets.area, rules)
    travel_s = travel_of(grounds)
    problem = SweepProblem(_stops(stops, shifts, travel_s, layout, rules), shifts, travel_s)
    told = stops.drop(columns=["prize", "sweep_s", "required", "zone", "closes_s", "line"])
    return SweepDay(problem, zero, told, layout.walked(walk_m), grounds, zones)


def places_to_sweep(
    incidents: gpd.GeoDataFrame,
    streets: StreetNetwork,
    *,
    as_of: pd.Timestamp,
    cells: gpd.GeoDataFrame,
    parks: gpd.GeoDataFrame | None = None,
    pickups: gpd.GeoDataFrame | None = None,
    rules: SweepRules | None = None,
) -> gpd.GeoDataFrame:
    """Return the street segments of the network and, if given, parks, with the needles that gather there a day.

    Reports expected on streets come from kernels along them, elsewhere from ``cells``; needles for each report from
    what sweeps found, else from the rules.

    Parameters
    ----------
    incidents : tables.INCIDENTS of one kind.
    cells : tables.CELLS, with the rates of parks, and of all places where the reports are no needles.
    parks : tables.PLACES: parks, schoolyards and lots.
    pickups : tables.PICKUPS, what earlier sweeps found.

    Returns
    -------
    GeoDataFrame
        tables.PLACES with ``reports_a_day``, ``needles_a_day`` and ``swept_d``.
    """
    rules = rules or SweepRules()
    segments = streets.places()
    if parks is None:
        places = segments
    else:
        parks = PLACES.check(parks, plane=streets.area.crs)
        places = gpd.GeoDataFrame(pd.concat([segments, parks]), crs=streets.area.crs)
    rates = place_rates(CELLS.check(cells, plane=streets.area.crs), places)["rate"]
    along = street_rates(incidents, streets, as_of=as_of) if (incidents["kind"] == "needle").any() else None
    if along is not None:
        rates = along["rate"].reindex(rates.index).fillna(rates)
    places = places.assign(reports_a_day=rates, needles_a_day=rates * rules.needles_per_report, swept_d=np.nan)
    if pickups is not None:
        found = yields(pickups, places, rates, as_of=as_of).places
        swept_d = (as_of - found["last_at"]).dt.total_seconds() / 86_400
        places = places.assign(needles_a_day=rates * found["factor"], swept_d=swept_d)
    return PLACES.check(places)


def _required_stops(waiting: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "place_id": waiting.index.astype("str"),
            "name": pd.array([None] * len(waiting), dtype="str"),
            "kind": "request",
            "due_at": waiting["due_at"].array,
            "prize": waiting["needles"].to_numpy(dtype=float),
            "sweep_s": np.nan,
            "required": True,
            "line": None,
            "geometry": waiting.geometry.array,
        }
    )


def _services(services: gpd.GeoDataFrame, rules: SweepRules) -> pd.DataFrame:
    """Return kiosks to service as stops of the day; that one is over due already makes no window."""
    return pd.DataFrame(
        {
            "place_id": services.index.astype("str"),
            "name": (services["name"] + ": " + services["why"]).array,
            "kind": "kiosk",
            "due_at": pd.Series(pd.NaT, index=range(len(services)), dtype="datetime64[us, UTC]"),
            "prize": 0.0,
            "sweep_s": float(rules.kiosk_s),
            "required": True,
            "line": None,
            "geometry": services.geometry.array,
        }
    )


def _optional_stops(places: gpd.GeoDataFrame, rules: SweepRules, n_places: int) -> pd.DataFrame:
    """Return the places that give most needles a minute; what gathered there ended with the last sweep."""
    gathered_d = places["swept_d"].fillna(np.inf).clip(upper=rules.days_between_sweeps)
    needles = places["needles_a_day"] * gathered_d
    worth = needles / (places["sweep_s"] + 60.0)
    best = worth[worth > 0].sort_values(ascending=False, kind="stable").index[:n_places]
    chosen = places.loc[best]
    return pd.DataFrame(
        {
            "place_id": chosen.index.astype("str"),
            "name": chosen["name"].to_numpy(),
            "kind": chosen["kind"].to_numpy(),
            "due_at": pd.Series(pd.NaT, index=range(len(chosen)), dtype="datetime64[us, UTC]"),
            "prize": needles.loc[best].to_numpy(),
            "sweep_s": chosen["sweep_s"].to_numpy(),
            "required": False,
            "line": [shape if isinstance(shape, LineString) else None for shape in chosen.geometry],
            "geometry": [_middle(shape) for shape in chosen.geometry],
        }
    )


def _middle(shape: BaseGeometry) -> shapely.Point:
    return shape.interpolate(0.5, normalized=True) if isinstance(shape, LineString) else shape.representative_point()


def zone_of(points: gpd.GeoSeries, zones: gpd.GeoDataFrame | None) -> list[str | None]:
    """Return the name of the first zone that each point lies in; None where it lies in none."""
    found: list[str | None] = [None] * len(points)
    if zones is not None:
        at, zone = zones.sindex.query(points.geometry, predicate="intersects")
        for k, z in sorted(zip(at, zone, strict=True), reverse=True):
            found[int(k)] = str(zones["name"].iloc[int(z)])
    return found


def _closes_s(table: gpd.GeoDataFrame, zero: pd.Timestamp, area: Area, rules: SweepRules) -> pd.Series:
    """Return by when work at each stop must begin, seconds after zero, by its due time or its kind; NaN: any time."""
    due_s = (pd.to_datetime(table["due_at"], utc=True) - zero).dt.total_seconds()
    day = area.local(zero)
    if day.day_of_week < SATURDAY:
        for kind, text in rules.done_before:
            wall = pd.Timestamp.combine(day.date(), time.fromisoformat(text)).tz_localize(
                area.tz, nonexistent="shift_forward", ambiguous=True
            )
            latest = (wall - zero).total_seconds() - np.ceil(table["sweep_s"])
            due_s = due_s.where((table["kind"] != kind) | table["required"], latest)
    return due_s


def _stops(
    table: gpd.GeoDataFrame, shifts: Sequence[Shift], travel_s: np.ndarray, layout: Layout, rules: SweepRules
) -> tuple[Stop, ...]:
    """Return the problem's stops, a mode a row of the layout.

    A due time of a request that no crew can meet any more is no window: late is better than never.
    """
    horizon = max(shift.window_s[1] for shift in shifts)
    nets = travel_s.reshape(-1, *travel_s.shape[-2:])
    there = np.min([shift.window_s[0] + nets[shift.network, shift.start] for shift in shifts], axis=0)
    rows = [layout.rows(k) for k in range(len(table))]
    soonest = np.array([there[each].min() for each in rows])
    closes_s, required = table["closes_s"].to_numpy(), table["required"].to_numpy(dtype=bool)
    late = np.isnan(closes_s) | (required & (closes_s < soonest))
    closes = np.where(late, horizon, np.clip(closes_s, 0, horizon))
    service = table["sweep_s"].to_numpy()
    prize = table["prize"].fillna(rules.needles_per_report).to_numpy()
    return tuple(
        Stop(
            place=str(place),
            modes=tuple(Mode(int(row), int(row), int(np.ceil(service[k]))) for row in rows[k]),
            prize=float(prize[k]),
            window_s=(0, int(closes[k])),
            required=bool(required[k]),
            load=round(float(prize[k])),
            skills=rules.skills(table["kind"].iloc[k]),
            zone=table["zone"].iloc[k],
        )
        for k, place in enumerate(table["place_id"])
    )
