"""Map ⇄ maths: tables and streets become problems, plans become tables. All id ⇄ index work is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from sweepplan.errors import ProblemError, StreetsError
from sweepplan.geo import Area
from sweepplan.hotspots import place_rates
from sweepplan.judging import judge_kiosks, judge_sweep
from sweepplan.model import Crew, KioskPlan, KioskProblem, Stop, SweepPlan, SweepProblem
from sweepplan.streets import Snaps, StreetNetwork
from sweepplan.streets.tags import UNNAMED
from sweepplan.tables import CELLS, INCIDENTS, KIOSKS, PLACES, ROUTES, SITES, STOPS


@dataclass(frozen=True)
class SweepRules:
    """What turns reports into stops; every figure that weighs on a sweep plan has its name here.

    Attributes
    ----------
    request_s : seconds of work at an open request.
    needles_per_report : needles on the ground for one report, where the feed does not count them.
    days_between_sweeps : reports expected over so many days lie on a place when a crew comes.
    places_per_crew_h : so many places an hour on shift, best needles per minute first, are offered to the solver.
    snap_limit_m, depot_limit_m : a stop, or the depot, farther than this from any street cannot be reached.
    unknown_open_d : a report without status counts as open for so many days after it came in.
    needle_s : seconds of travel that one expected needle is worth. A crew on shift is paid anyway, so by default all
        travel that a shift allows.
    """

    request_s: int = 600
    needles_per_report: float = 1.0
    days_between_sweeps: float = 7.0
    places_per_crew_h: float = 18.0
    snap_limit_m: float = 100.0
    depot_limit_m: float = 1000.0
    unknown_open_d: float = 1.0
    needle_s: float = 36_000.0


@dataclass(frozen=True, eq=False)
class SweepDay:
    """A sweep problem with its place on the map and on the clock.

    Attributes
    ----------
    problem : numbers only; its zero is ``zero``.
    zero : midnight of the day planned on the city's clock, in UTC.
    stops : one row per stop of the problem, same order: ``place_id, name, kind, due_at``, point on the plane.
    snaps : where depot (first) and stops (same order) lie on the streets.
    """

    problem: SweepProblem
    zero: pd.Timestamp
    stops: gpd.GeoDataFrame
    snaps: Snaps

    def clock(self, seconds: float) -> pd.Timestamp:
        """Return the moment ``seconds`` after the problem's zero, in UTC."""
        return self.zero + pd.Timedelta(seconds=float(seconds))


@dataclass(frozen=True)
class KioskRules:
    """What makes a kiosk problem of reports.

    Attributes
    ----------
    k : kiosks to add.
    reach_m : walking distance on the network within which demand is covered, bound included.
    window_d : reports of so many days before the moment planned for make the demand.
    snap_limit_m : a report or site farther than this from any street is reached by nobody.
    """

    k: int = 5
    reach_m: float = 200.0
    window_d: int = 365
    snap_limit_m: float = 100.0


@dataclass(frozen=True, eq=False)
class KioskStudy:
    """A kiosk problem with its place on the map.

    Attributes
    ----------
    problem : numbers only.
    sites : tables.SITES, one row per site of the problem, same order; installed kiosks first.
    kind : of the incidents that make the demand.
    """

    problem: KioskProblem
    sites: gpd.GeoDataFrame
    kind: str


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


def sweep_day(
    incidents: gpd.GeoDataFrame,
    streets: StreetNetwork,
    crews: Sequence[Crew],
    *,
    as_of: pd.Timestamp,
    cells: gpd.GeoDataFrame,
    depot: gpd.GeoSeries,
    parks: gpd.GeoDataFrame | None = None,
    rules: SweepRules | None = None,
) -> SweepDay:
    """Make the sweep problem of the day ``as_of`` falls on.

    Parameters
    ----------
    incidents : tables.INCIDENTS; open requests become required stops.
    cells : tables.CELLS, the rates that give every place its prize.
    depot : one point on the plane, start and end of every crew.
    parks : tables.PLACES of areas to sweep beside the streets, if any.

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
    zero = streets.area.midnight(as_of)
    shifts_s = _shifts(crews, streets.area, zero, as_of)
    n_places = round(rules.places_per_crew_h * sum(end - start for start, end in shifts_s) / 3600)
    optional = _optional_stops(
        places_to_sweep(streets, parks), CELLS.check(cells, plane=streets.area.crs), rules, n_places
    )
    stops = pd.concat([required, optional], ignore_index=True)
    stops = gpd.GeoDataFrame(stops, geometry="geometry", crs=streets.area.crs)
    snaps = _snapped(streets, depot, stops.geometry, rules)
    stops["name"] = stops["name"].fillna(_street_names(streets, snaps[1:]))
    travel_s = np.ceil(streets.travel_s(snaps))
    problem = SweepProblem(
        stops=_stops(stops, zero, shifts_s, travel_s[0, 1:], rules),
        crews=tuple(crews),
        shifts_s=shifts_s,
        depots=(0,) * len(crews),
        travel_s=travel_s,
    )
    return SweepDay(problem, zero, stops.drop(columns=["prize", "sweep_s", "required"]), snaps)


def places_to_sweep(streets: StreetNetwork, parks: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Return the street segments of the network and, if given, parks, schoolyards and lots as one tables.PLACES."""
    segments = streets.places()
    if parks is None:
        return segments
    return gpd.GeoDataFrame(pd.concat([segments, PLACES.check(parks, plane=streets.area.crs)]), crs=streets.area.crs)


def route_table(day: SweepDay, plan: SweepPlan, streets: StreetNetwork) -> gpd.GeoDataFrame:
    """Return tables.ROUTES: per crew that goes out, its way along the streets and its figures from the judge."""
    judged = judge_sweep(day.problem, plan)
    rows = []
    for crew, route, worked in zip(day.problem.crews, plan.routes, judged.days, strict=True):
        if worked is None:
            continue
        at = [0, *(day.problem.stops[stop].at for stop in route), 0]
        legs = [streets.leg(day.snaps[[a]], day.snaps[[b]]) for a, b in pairwise(at)]
        rows.append(
            {
                "crew": crew.name,
                "n_stops": len(route),
                "crew_s": float(worked.back_s - worked.leaves_s),
                "drive_m": float(sum(leg.length_m for leg in legs)),
                "expected_needles": worked.needles,
                "starts_at": day.clock(worked.leaves_s),
                "ends_at": day.clock(worked.back_s),
                "geometry": _joined([leg.geometry for leg in legs]),
            }
        )
    if not rows:
        return ROUTES.empty(streets.area.crs)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=streets.area.crs).set_index("crew")
    return ROUTES.check(_utc(table, "starts_at", "ends_at"))


def stop_table(day: SweepDay, plan: SweepPlan) -> gpd.GeoDataFrame:
    """Return tables.STOPS: every stop on a route by crew and order, then every request left out with its reason."""
    judged = judge_sweep(day.problem, plan)
    rows: list[tuple[Any, ...]] = []
    for crew, route, worked in zip(day.problem.crews, plan.routes, judged.days, strict=True):
        for k, stop in enumerate(route):
            assert worked is not None  # a crew with stops goes out  # noqa: S101
            starts = worked.starts_s[k]
            leaves = starts + day.problem.stops[stop].service_s
            rows.append((stop, crew.name, k + 1, day.clock(starts), day.clock(leaves), None))
    rows += [(stop, None, 0, pd.NaT, pd.NaT, why) for stop, why in judged.unserved if day.problem.stops[stop].required]
    if not rows:
        return STOPS.empty(str(day.stops.crs))
    index, crew_of, seq, arrives, leaves_at, reason = zip(*rows, strict=True)
    table = day.stops.iloc[list(index)].assign(
        crew=pd.array(crew_of, dtype="str"),
        seq=np.array(seq, dtype=np.int64),
        arrives_at=pd.to_datetime(list(arrives), utc=True),
        leaves_at=pd.to_datetime(list(leaves_at), utc=True),
        expected_needles=[float(day.problem.stops[stop].prize) for stop in index],
        reason=pd.array(reason, dtype="str"),
    )
    table.index = pd.Index([f"stop-{k:03d}" for k in range(1, len(table) + 1)], name="stop_id", dtype="str")
    return STOPS.check(_utc(table, "arrives_at", "leaves_at", "due_at"))


def kiosk_study(
    incidents: gpd.GeoDataFrame,
    walk: StreetNetwork,
    *,
    candidates: gpd.GeoDataFrame | None,
    kiosks: gpd.GeoDataFrame | None,
    as_of: pd.Timestamp,
    rules: KioskRules | None = None,
) -> KioskStudy:
    """Make the kiosk problem: the reports of the window before ``as_of`` as demand, sites within a walk of it.

    Parameters
    ----------
    incidents : tables.INCIDENTS of one kind.
    candidates : tables.SITES; None takes the street corners of the walking network near the demand.
    kiosks : tables.SITES of the installed kiosks, which stay.

    Raises
    ------
    ProblemError
        No report in the window, reports of several kinds, or fewer candidates than ``k``.
    """
    rules = rules or KioskRules()
    table = INCIDENTS.check(incidents, plane=walk.area.crs)
    since = as_of - pd.Timedelta(days=rules.window_d)
    recent = table[(table["reported_at"] < as_of) & (table["reported_at"] >= since)]
    kinds = sorted(recent["kind"].unique())
    if len(kinds) != 1:
        what = "no report" if not kinds else f"reports of kinds {' and '.join(kinds)}"
        raise ProblemError(
            f"kiosks: {what} in the {rules.window_d} days before {as_of:%Y-%m-%d}: give reports of one kind"
        )
    weight, points = _demand_points(recent)
    installed = SITES.empty(walk.area.crs) if kiosks is None else SITES.check(kiosks, plane=walk.area.crs)
    offered = (
        corner_sites(walk, points, rules.reach_m)
        if candidates is None
        else SITES.check(candidates, plane=walk.area.crs)
    )
    sites = gpd.GeoDataFrame(pd.concat([installed, offered[~offered.index.isin(installed.index)]]), crs=walk.area.crs)
    site_snaps = walk.snap(sites.geometry, limit_m=rules.snap_limit_m)
    demand_snaps = walk.snap(points, limit_m=rules.snap_limit_m)
    pair_demand, pair_site, walk_m = walk.within(demand_snaps, site_snaps, rules.reach_m)
    problem = KioskProblem(
        demand=weight,
        n_sites=len(sites),
        pair_demand=pair_demand.astype(np.int64),
        pair_site=pair_site.astype(np.int64),
        walk_m=walk_m,
        reach_m=rules.reach_m,
        k=rules.k,
        fixed=tuple(range(len(installed))),
    )
    return KioskStudy(problem, sites, kinds[0])


def corner_sites(walk: StreetNetwork, points: gpd.GeoSeries, reach_m: float) -> gpd.GeoDataFrame:
    """Return the street corners within ``reach_m`` (straight line) of any of ``points`` as candidate sites.

    A corner is a node where three or more street segments of at least two names meet; it is named by them.
    """
    ends = walk.edges[["u", "v", "name", "street"]].melt(["name", "street"], value_name="node")
    ends = ends.drop_duplicates(["node", "street"])
    named = ends[ends["name"] != UNNAMED].groupby("node")["name"].unique()
    corners = named[(named.str.len() >= 2) & (ends["node"].value_counts().reindex(named.index) >= 3)]
    spots = gpd.GeoSeries(
        shapely.points(walk.node_xy[corners.index.to_numpy()]), index=corners.index, crs=walk.area.crs
    )
    _, near = spots.sindex.query(points.geometry, predicate="dwithin", distance=reach_m)
    kept = corners.iloc[np.unique(near)]
    table = gpd.GeoDataFrame(
        {"name": [" & ".join(sorted(names)[:2]) for names in kept], "kind": "candidate", "state": "candidate"},
        index=pd.Index([f"corner-{node}" for node in kept.index], name="site_id", dtype="str"),
        geometry=spots.loc[kept.index].array,
        crs=walk.area.crs,
    )
    return SITES.check(table)


def kiosk_table(study: KioskStudy, plan: KioskPlan) -> gpd.GeoDataFrame:
    """Return tables.KIOSKS: installed kiosks (rank 0), then the sites proposed, most added demand first."""
    judged = judge_kiosks(study.problem, plan)
    fixed = list(study.problem.fixed)
    reached = np.bincount(
        study.problem.pair_site,
        weights=study.problem.demand[study.problem.pair_demand] * (study.problem.walk_m <= study.problem.reach_m),
        minlength=study.problem.n_sites,
    )
    order = sorted(range(len(plan.sites)), key=lambda j: (-judged.site_added[j], plan.sites[j]))
    chosen = [plan.sites[j] for j in order]
    table = gpd.GeoDataFrame(
        {
            "name": study.sites["name"].iloc[fixed + chosen].to_numpy(),
            "demand_kind": study.kind,
            "state": ["installed"] * len(fixed) + ["proposed"] * len(chosen),
            "rank": np.array([0] * len(fixed) + list(range(1, len(chosen) + 1)), dtype=np.int64),
            "covered": [*reached[fixed].astype(float), *(judged.site_covered[j] for j in order)],
            "added": [*np.zeros(len(fixed)), *(judged.site_added[j] for j in order)],
        },
        index=pd.Index(study.sites.index[fixed + chosen], name="kiosk_id", dtype="str"),
        geometry=study.sites.geometry.iloc[fixed + chosen].array,
        crs=study.sites.crs,
    )
    return KIOSKS.check(table)


def area_names(areas: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> pd.Series:
    """Return a name for each area: the two streets with the most length in it; empty where there is none with a name.

    Parameters
    ----------
    areas : polygons, e.g. tables.HOTSPOTS.
    streets : tables.STREETS on the same plane.
    """
    named = streets[streets["name"] != UNNAMED]
    area, street = named.sindex.query(areas.geometry, predicate="intersects")
    inside = shapely.intersection(areas.geometry.to_numpy()[area], named.geometry.to_numpy()[street])
    pieces = pd.DataFrame({"area": area, "name": named["name"].to_numpy()[street], "length_m": shapely.length(inside)})
    lengths = pieces.groupby(["area", "name"])["length_m"].sum().reset_index()
    longest = lengths.sort_values(["length_m", "name"], ascending=[False, True]).groupby("area").head(2)
    joined = longest.groupby("area")["name"].agg(" & ".join)
    return pd.Series(joined.reindex(range(len(areas)), fill_value="").to_numpy(), index=areas.index, name="name")


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
            "geometry": waiting.geometry.array,
        }
    )


def _optional_stops(
    places: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, rules: SweepRules, n_places: int
) -> pd.DataFrame:
    rates = place_rates(cells, places)
    worth = rates / (places["sweep_s"] + 60.0)
    best = worth[worth > 0].sort_values(ascending=False, kind="stable").index[:n_places]
    chosen = places.loc[best]
    return pd.DataFrame(
        {
            "place_id": chosen.index.astype("str"),
            "name": chosen["name"].to_numpy(),
            "kind": chosen["kind"].to_numpy(),
            "due_at": pd.Series(pd.NaT, index=range(len(chosen)), dtype="datetime64[us, UTC]"),
            "prize": rates.loc[best].to_numpy() * rules.days_between_sweeps * rules.needles_per_report,
            "sweep_s": chosen["sweep_s"].to_numpy(),
            "required": False,
            "geometry": [_middle(shape) for shape in chosen.geometry],
        }
    )


def _middle(shape: BaseGeometry) -> shapely.Point:
    return shape.interpolate(0.5, normalized=True) if isinstance(shape, LineString) else shape.representative_point()


def _stops(
    table: gpd.GeoDataFrame,
    zero: pd.Timestamp,
    shifts_s: Sequence[tuple[int, int]],
    from_depot_s: np.ndarray,
    rules: SweepRules,
) -> tuple[Stop, ...]:
    """Return the problem's stops; a due time that no crew can meet any more is no window: late is better than never."""
    horizon = max(end for _, end in shifts_s)
    first = min(start for start, _ in shifts_s)
    due_s = (pd.to_datetime(table["due_at"], utc=True) - zero).dt.total_seconds().to_numpy()
    closes = np.where(np.nan_to_num(due_s, nan=-1.0) >= first + from_depot_s, np.minimum(due_s, horizon), horizon)
    service = table["sweep_s"].fillna(rules.request_s).to_numpy()
    prize = table["prize"].fillna(rules.needles_per_report).to_numpy()
    return tuple(
        Stop(
            place=str(place),
            at=k + 1,
            prize=float(prize[k]),
            service_s=int(np.ceil(service[k])),
            window_s=(0, int(closes[k])),
            required=bool(table["required"].iloc[k]),
        )
        for k, place in enumerate(table["place_id"])
    )


def _shifts(crews: Sequence[Crew], area: Area, zero: pd.Timestamp, as_of: pd.Timestamp) -> tuple[tuple[int, int], ...]:
    day = area.local(zero).date()

    def seconds(wall: time) -> int:
        moment = pd.Timestamp.combine(day, wall).tz_localize(area.tz, nonexistent="shift_forward", ambiguous=True)
        return round((moment - zero).total_seconds())

    now_s = int(np.ceil((as_of - zero).total_seconds()))
    shifts = [(max(seconds(crew.start), now_s), seconds(crew.end)) for crew in crews]
    over = [crew.name for crew, (start, end) in zip(crews, shifts, strict=True) if start >= end]
    if over:
        raise ProblemError(
            f"the shift of crew {over[0]!r} is over at {area.local(as_of):%Y-%m-%d %H:%M}: "
            "plan an earlier moment or a later shift"
        )
    return tuple(shifts)


def _demand_points(recent: gpd.GeoDataFrame) -> tuple[np.ndarray, gpd.GeoSeries]:
    """Return reports counted by spot, to the nearest metre, and the spots."""
    spots = pd.DataFrame({"x": recent.geometry.x.round(), "y": recent.geometry.y.round()})
    counted = spots.value_counts(sort=False).sort_index()
    xy = np.array(counted.index.to_list(), dtype=float)
    return counted.to_numpy(dtype=float), gpd.GeoSeries(shapely.points(xy), crs=recent.crs)


def _snapped(streets: StreetNetwork, depot: gpd.GeoSeries, stops: gpd.GeoSeries, rules: SweepRules) -> Snaps:
    far = StreetsError(
        f"the depot lies more than {rules.depot_limit_m:g} m from any street of the network: "
        "move it, or load more streets"
    )
    if streets.area.boundary.distance(depot.iloc[0]) > rules.depot_limit_m:
        raise far
    home = streets.snap(depot, limit_m=rules.depot_limit_m, joined=True)
    if home.edge[0] < 0:
        raise far
    others = _reachable(streets, stops, rules.snap_limit_m)
    columns = (
        np.concatenate([getattr(home, name), getattr(others, name)]) for name in ("edge", "offset_m", "distance_m")
    )
    return Snaps(*columns)


def _street_names(streets: StreetNetwork, snaps: Snaps) -> pd.Series:
    names = streets.edges["name"].iloc[snaps.edge].reset_index(drop=True)
    return names.mask(snaps.edge < 0, "off the streets")


def _reachable(streets: StreetNetwork, stops: gpd.GeoSeries, limit_m: float) -> Snaps:
    """Snap to the nearest street that can be reached and left again; only where there is none, to any street."""
    joined, any_street = (streets.snap(stops, limit_m=limit_m, joined=joined) for joined in (True, False))
    near = joined.edge >= 0
    return Snaps(
        np.where(near, joined.edge, any_street.edge),
        np.where(near, joined.offset_m, any_street.offset_m),
        np.where(near, joined.distance_m, any_street.distance_m),
    )


def _joined(lines: Sequence[LineString]) -> LineString:
    xy = np.concatenate([shapely.get_coordinates(line) for line in lines])
    kept = np.concatenate([[True], np.any(xy[1:] != xy[:-1], axis=1)])
    xy = xy[kept]
    return LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0))


def _utc(table: gpd.GeoDataFrame, *columns: str) -> gpd.GeoDataFrame:
    return table.assign(
        **{name: pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]") for name in columns}
    )
