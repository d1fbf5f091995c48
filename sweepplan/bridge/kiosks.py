"""Reports, streets and sites → the kiosk problem; a plan → the table of kiosks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from sweepplan.bridge.candidates import corner_sites
from sweepplan.bridge.walking import StraightLines
from sweepplan.errors import ProblemError
from sweepplan.geo import WGS84
from sweepplan.judging import judge_kiosks
from sweepplan.model import MONTREAL, Floats, KioskJudgement, KioskPlan, KioskProblem, SiteRules
from sweepplan.streets import StreetNetwork
from sweepplan.tables import INCIDENTS, KIOSKS, SITES

NALOXONE_M = 240.0
"""A walk of three minutes: how far a naloxone box helps (Vancouver, 2025)."""
_NAMED = "the sites ruled out"
_HALF_YEAR_D, _KERNEL_M, _CELL_M, _REACH_CELLS = 183, 100.0, 50.0, 5


Ring = tuple[tuple[float, float], ...]
"""Corners of an area, each latitude, longitude in degrees, in order round it; the last need not be the first."""


@dataclass(frozen=True)
class KioskRules:
    """What makes a kiosk problem of reports, and what a choice of sites must keep.

    Attributes
    ----------
    k : kiosks to add.
    reach_m : walking distance on the network within which demand is covered, bound included.
    window_d : reports of so many days before the moment planned for make the demand.
    snap_limit_m : a report or site farther than this from any street is reached by nobody.
    aim : ``cover`` the most demand, or the least walk (``median``).
    decay : count demand by the steps of :data:`sweepplan.model.MONTREAL` (their reach is 200 m).
    bin_m : side of the squares in which reports are counted; 0: by the spot, to the metre.
    spacing_m : kiosks stand at least so far apart, straight line.
    may_move : of the installed kiosks up to so many may go elsewhere; None: all stay.
    may_close : so many installed kiosks close for good, those that cost the least coverage.
    required, forbidden : ids of sites.
    forbidden_areas : no new kiosk within one of these.
    keep_away_m : no new kiosk so near one of the places to keep away from (schools, playgrounds), straight line.
    per_district : so many kiosks at least in each district that has a candidate.
    budget, cost : most that the new kiosks may cost, and each site's cost by id or by kind, whole numbers.
    children_weight : reports within 200 m of a place to keep away from count so much more; shown apart.
    """

    k: int = 5
    reach_m: float = 200.0
    window_d: int = 365
    snap_limit_m: float = 100.0
    aim: Literal["cover", "median"] = "cover"
    decay: bool = False
    bin_m: float = 0.0
    spacing_m: float = 0.0
    may_move: int | None = None
    may_close: int = 0
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    forbidden_areas: tuple[Ring, ...] = ()
    keep_away_m: float = 0.0
    per_district: int = 0
    budget: int | None = None
    cost: tuple[tuple[str, int], ...] = ()
    children_weight: float = 0.0


@dataclass(frozen=True, eq=False)
class KioskStudy:
    """A kiosk problem with its place on the map.

    Attributes
    ----------
    problem : numbers only.
    sites : tables.SITES, one row per site of the problem, same order; installed kiosks first.
    kind : of the incidents that make the demand.
    points : of the demand, same order.
    reports : shape (n,), reports a year at each point, without weights.
    weeks : shape (n, weeks), reports by week of the window.
    walks : how walks are measured, in words.
    districts : name of the district of each site; empty where none.
    barred : rows of the candidates that may not be taken, by the rule that says so, in words.
    """

    problem: KioskProblem
    sites: gpd.GeoDataFrame
    kind: str
    points: gpd.GeoSeries
    reports: Floats
    weeks: sparse.csr_array[np.float64]
    walks: str
    districts: pd.Series
    barred: Mapping[str, frozenset[int]] = field(default_factory=dict)


def kiosk_study(
    incidents: gpd.GeoDataFrame,
    walk: StreetNetwork | StraightLines,
    *,
    candidates: gpd.GeoDataFrame | None,
    kiosks: gpd.GeoDataFrame | None,
    as_of: pd.Timestamp,
    rules: KioskRules | None = None,
    places: gpd.GeoDataFrame | None = None,
    districts: gpd.GeoDataFrame | None = None,
) -> KioskStudy:
    """Make the kiosk problem: the reports of the window before ``as_of`` as demand, sites within a walk of it.

    Raw counts of a year or more tell next year best; below half a year a 100 m kernel is mixed in.

    Parameters
    ----------
    incidents : tables.INCIDENTS of one kind.
    candidates : tables.SITES; None takes the street corners of the walking network near the demand.
    kiosks : tables.SITES of the installed kiosks, which stay unless ``may_move``.
    places : tables.SITES of schools and playgrounds, for ``keep_away_m`` and ``children_weight``.
    districts : polygons with ``name``.

    Raises
    ------
    ProblemError
        No report in the window, reports of several kinds, fewer candidates than ``k``, no candidate in reach of any
        report, or rules that contradict each other; names the sites.
    """
    rules = rules or KioskRules()
    recent, kind = _recent(incidents, walk, as_of, rules)
    points, reports, weeks = _demand(recent, rules, as_of)
    sites, n_installed = _sites(walk, kiosks, candidates, near=points, reach_m=rules.reach_m)
    origins, ends = (walk.snap(each, limit_m=rules.snap_limit_m) for each in (points, sites.geometry))
    pair_demand, pair_site, walk_m = walk.within(origins, ends, rules.reach_m)  # type: ignore[arg-type]
    if not pair_site.size:
        raise ProblemError(
            f"kiosks: none of {len(sites)} sites is within {rules.reach_m:g} m of any report: give other candidates or "
            "a longer reach"
        )
    where = _districts(sites, districts)
    barred = _barred(sites, n_installed, places, rules)
    problem = KioskProblem(
        demand=reports * _weights(points, places, rules),
        n_sites=len(sites),
        pair_demand=pair_demand.astype(np.int64),
        pair_site=pair_site.astype(np.int64),
        walk_m=walk_m,
        reach_m=rules.reach_m,
        aim=rules.aim,
        steps=_steps(rules),
        **_choices(sites, n_installed, where, barred, rules),
    )
    label = walk.label if isinstance(walk, StraightLines) else "along the streets"
    return KioskStudy(problem, sites, kind, points, reports, weeks, label, where, barred)


def counted_kiosks(study: KioskStudy, plan: KioskPlan) -> KioskJudgement:
    """Return what a plan reaches in reports, whatever some of them count more; gap and proof are those of the plan."""
    judged = judge_kiosks(study.problem, plan)
    if np.array_equal(study.problem.demand, study.reports):
        return judged
    every = KioskPlan(plan.sites, float(study.reports.sum()), plan.solver)
    plain = judge_kiosks(dataclasses.replace(study.problem, demand=study.reports, aim="cover"), every)
    return dataclasses.replace(plain, gap=judged.gap, proof=judged.proof, root_bound=None)


def kiosk_table(study: KioskStudy, plan: KioskPlan) -> gpd.GeoDataFrame:
    """Return tables.KIOSKS: kiosks that stand and stay (rank 0), then the sites proposed, most added demand first."""
    judged = counted_kiosks(study, plan)
    standing = (study.sites["state"] == "installed").to_numpy()
    old = [*study.problem.fixed, *(site for site in plan.sites if standing[site])]
    new = [j for j, site in enumerate(plan.sites) if not standing[site]]
    reached = np.bincount(
        study.problem.pair_site,
        weights=study.reports[study.problem.pair_demand] * (study.problem.walk_m <= study.problem.reach_m),
        minlength=study.problem.n_sites,
    )
    order = sorted(new, key=lambda j: (-judged.site_added[j], plan.sites[j]))
    chosen = [plan.sites[j] for j in order]
    table = gpd.GeoDataFrame(
        {
            "name": study.sites["name"].iloc[old + chosen].to_numpy(),
            "demand_kind": study.kind,
            "state": ["installed"] * len(old) + ["proposed"] * len(chosen),
            "rank": np.array([0] * len(old) + list(range(1, len(chosen) + 1)), dtype=np.int64),
            "covered": [*reached[old].astype(float), *(judged.site_covered[j] for j in order)],
            "added": [*np.zeros(len(old)), *(judged.site_added[j] for j in order)],
        },
        index=pd.Index(study.sites.index[old + chosen], name="kiosk_id", dtype="str"),
        geometry=study.sites.geometry.iloc[old + chosen].array,
        crs=study.sites.crs,
    )
    return KIOSKS.check(table)


def _recent(
    incidents: gpd.GeoDataFrame, walk: StreetNetwork | StraightLines, as_of: pd.Timestamp, rules: KioskRules
) -> tuple[gpd.GeoDataFrame, str]:
    """Return the reports of the window, all of one kind."""
    table = INCIDENTS.check(incidents, plane=walk.area.crs)
    since = as_of - pd.Timedelta(days=rules.window_d)
    recent = table[(table["reported_at"] < as_of) & (table["reported_at"] >= since)]
    kinds = sorted(recent["kind"].unique())
    if not kinds:
        raise ProblemError(
            f"kiosks: no report in the {rules.window_d} days before {as_of:%Y-%m-%d}: choose a later moment"
        )
    if len(kinds) > 1:
        raise ProblemError(f"kiosks: reports of kinds {' and '.join(kinds)}: give reports of one kind")
    return recent, kinds[0]


def _demand(
    recent: gpd.GeoDataFrame, rules: KioskRules, as_of: pd.Timestamp
) -> tuple[gpd.GeoSeries, Floats, sparse.csr_array[np.float64]]:
    """Return the spots, the reports at each, and those by week of the window."""
    side = rules.bin_m or (1.0 if rules.window_d >= _HALF_YEAR_D else _CELL_M)
    cells = np.floor(np.column_stack([recent.geometry.x, recent.geometry.y]) / side + (0.5 if side == 1.0 else 0.0))
    spots, spot = np.unique(cells.astype(np.int64), axis=0, return_inverse=True)
    week = ((as_of - recent["reported_at"]).dt.days // 7).to_numpy()
    n_weeks = max(int(np.ceil(rules.window_d / 7)), 1)
    shape = (len(spots), n_weeks)
    weeks = sparse.csr_array((np.ones(len(recent)), (spot.ravel(), np.minimum(week, n_weeks - 1))), shape=shape)
    reports = np.asarray(weeks.sum(axis=1), dtype=np.float64).ravel()
    if rules.window_d < _HALF_YEAR_D:
        spots, weeks = _spread(spots, weeks, side)
        reports = np.asarray(weeks.sum(axis=1), dtype=np.float64).ravel()
    xy = spots * side + (0.0 if side == 1.0 else side / 2)
    return gpd.GeoSeries(shapely.points(xy.astype(float)), crs=recent.crs), reports, weeks


def _spread(
    spots: np.ndarray, weeks: sparse.csr_array[np.float64], side: float
) -> tuple[np.ndarray, sparse.csr_array[np.float64]]:
    """Mix counts half and half with what a Gaussian kernel of 100 m makes of them."""
    reach = max(round(_REACH_CELLS * _CELL_M / side), 1)
    steps = np.arange(-reach, reach + 1)
    shifts = np.array([(i, j) for i in steps for j in steps])
    kernel = np.exp(-((shifts * side) ** 2).sum(axis=1) / (2 * _KERNEL_M**2))
    kernel = 0.5 * kernel / kernel.sum() + 0.5 * (shifts == 0).all(axis=1)
    moved = (spots[:, None] + shifts).reshape(-1, 2)
    cells, cell = np.unique(moved, axis=0, return_inverse=True)
    origin = np.repeat(np.arange(len(spots)), len(shifts))
    onto = sparse.csr_array((np.tile(kernel, len(spots)), (cell.ravel(), origin)), shape=(len(cells), len(spots)))
    return cells, sparse.csr_array(onto @ weeks)


def _weights(points: gpd.GeoSeries, places: gpd.GeoDataFrame | None, rules: KioskRules) -> Floats:
    """Return what a report at each point counts: more where children are near."""
    weight = np.ones(len(points))
    if rules.children_weight:
        if places is None:
            raise ProblemError("kiosks: children_weight asks for places: give schools and playgrounds")
        near, _ = places.sindex.query(points.geometry, predicate="dwithin", distance=200.0)
        weight[np.unique(near)] += rules.children_weight
    return weight


def _steps(rules: KioskRules) -> tuple[tuple[float, int], ...]:
    if not rules.decay:
        return ()
    if rules.reach_m != MONTREAL[-1][0]:
        raise ProblemError(f"kiosks: decay ends at {MONTREAL[-1][0]:g} m, reach_m is {rules.reach_m:g}: give the same")
    return MONTREAL


def _choices(
    sites: gpd.GeoDataFrame,
    n_installed: int,
    where: pd.Series,
    barred_by: Mapping[str, frozenset[int]],
    rules: KioskRules,
) -> dict[str, Any]:
    """Return k, fixed, forbidden, required and the rules of a problem, in its sites' order."""
    row = {site: i for i, site in enumerate(sites.index)}
    missing = [site for site in (*rules.required, *rules.forbidden) if site not in row]
    if missing:
        raise ProblemError(f"kiosks: no site {missing[0]!r} among the candidates: one of {', '.join([*row][:5])}, ...")
    installed = tuple(range(n_installed))
    if not 0 <= rules.may_close <= n_installed:
        raise ProblemError(f"kiosks: {rules.may_close} may close and {n_installed} stand: give 0 to {n_installed}")
    moving = rules.may_move is not None or rules.may_close > 0
    barred = frozenset().union(*barred_by.values())
    for words, found in barred_by.items():
        clash = sorted({*rules.required} & {sites.index[i] for i in found}) if words != _NAMED else []
        if clash:
            raise ProblemError(
                f"kiosks: {clash[0]!r} is required and barred by {words}: loosen that or do not require it"
            )
    left = len(sites) - n_installed - len(barred)
    if barred.difference(barred_by.get(_NAMED, frozenset())) and left < rules.k:
        raise ProblemError(
            f"kiosks: k = {rules.k}, and {' and '.join(barred_by)} leave {left} candidates that may stand: "
            f"give k = {left}, loosen a rule, or give more candidates"
        )
    stay = max(n_installed - rules.may_close - (rules.may_move or 0), 0)
    groups = [(installed, stay)] if moving and n_installed else []
    if rules.per_district and not (where != "").any():
        raise ProblemError("kiosks: per_district asks for districts in which the candidates lie: give their polygons")
    if rules.per_district:
        groups += _of_districts(where, barred, rules.per_district)
    return {
        "k": rules.k + (n_installed - rules.may_close if moving else 0),
        "fixed": () if moving else installed,
        "forbidden": tuple(sorted(barred)),
        "required": tuple(sorted(row[site] for site in rules.required)),
        "rules": SiteRules(
            apart=_apart(sites, n_installed, rules.spacing_m),
            at_least=tuple(groups),
            cost=() if rules.budget is None else _costs(sites, n_installed, dict(rules.cost)),
            budget=rules.budget,
        ),
    }


def _barred(
    sites: gpd.GeoDataFrame, n_installed: int, places: gpd.GeoDataFrame | None, rules: KioskRules
) -> Mapping[str, frozenset[int]]:
    """Return the rows of candidates that may not be taken, by the rule that says so; none of a rule not given."""
    found: dict[str, frozenset[int]] = {}
    if rules.keep_away_m:
        if places is None:
            raise ProblemError("kiosks: keep_away_m asks for places: give schools and playgrounds")
        near, _ = places.sindex.query(sites.geometry, predicate="dwithin", distance=rules.keep_away_m)
        words = f"{rules.keep_away_m:g} m from schools and playgrounds"
        found[words] = frozenset(int(site) for site in np.unique(near) if site >= n_installed)
    if rules.forbidden_areas:
        shapes = gpd.GeoSeries([_ring(ring) for ring in rules.forbidden_areas], crs=WGS84).to_crs(sites.crs)  # type: ignore[arg-type]
        inside = sites.intersects(shapely.union_all(shapes.to_numpy())).to_numpy()
        found["the areas ruled out"] = frozenset(int(site) for site in np.flatnonzero(inside) if site >= n_installed)
    if rules.forbidden:
        found[_NAMED] = frozenset(int(site) for site in np.flatnonzero(sites.index.isin(rules.forbidden)))
    return found


def _ring(ring: Ring) -> shapely.Geometry:
    """Return the area of its corners, which may cross themselves; longitude before latitude, as maps want it.

    Raises
    ------
    ProblemError
        No area.
    """
    corners = [(lon, lat) for lat, lon in ring]
    shape = shapely.make_valid(shapely.Polygon(corners)) if len({*corners}) > 2 else shapely.Polygon()
    if not shape.area > 0:
        raise ProblemError(f"kiosks: a forbidden area of {len(ring)} corners: give three or more that are not in line")
    return shape


def _apart(sites: gpd.GeoDataFrame, n_installed: int, spacing_m: float) -> tuple[tuple[int, int], ...]:
    """Return the pairs nearer than the spacing; two installed kiosks are no such pair."""
    if not spacing_m:
        return ()
    a, b = sites.sindex.query(sites.geometry, predicate="dwithin", distance=np.nextafter(spacing_m, 0))
    return tuple((int(i), int(j)) for i, j in zip(a, b, strict=True) if i < j and j >= n_installed)


def _of_districts(where: pd.Series, barred: frozenset[int], n: int) -> list[tuple[tuple[int, ...], int]]:
    """Return a group of sites per district, each with how many must stand.

    Raises
    ------
    ProblemError
        Names the districts without enough candidates.
    """
    of = {name: tuple(np.flatnonzero(where == name).tolist()) for name in sorted(set(where)) if name}
    short = [name for name, sites in of.items() if len({*sites} - barred) < n]
    if short:
        raise ProblemError(
            f"kiosks: {n} asked in each district and {', '.join(short[:5])} ha{'s' if len(short) == 1 else 've'} fewer "
            "candidates that may stand: give more candidates there, or ask for less"
        )
    return [(sites, n) for sites in of.values()]


def _costs(sites: gpd.GeoDataFrame, n_installed: int, cost: Mapping[str, int]) -> tuple[int, ...]:
    """Return each site's cost, by its id, else its kind; kiosks that stand already cost nothing."""
    by_site = [cost.get(str(site), cost.get(kind, 1)) for site, kind in zip(sites.index, sites["kind"], strict=True)]
    return tuple([0] * n_installed + by_site[n_installed:])


def _districts(sites: gpd.GeoDataFrame, districts: gpd.GeoDataFrame | None) -> pd.Series:
    """Return the name of each site's district, of several the first; empty in none."""
    names = pd.Series("", index=sites.index, dtype="str")
    if districts is not None:
        site, area = districts.sindex.query(sites.geometry, predicate="intersects")
        first = pd.Series(area, index=site).groupby(level=0).first()
        names.iloc[first.index.to_numpy()] = districts["name"].to_numpy()[first.to_numpy()]
    return names


def _sites(
    walk: StreetNetwork | StraightLines,
    kiosks: gpd.GeoDataFrame | None,
    candidates: gpd.GeoDataFrame | None,
    *,
    near: gpd.GeoSeries,
    reach_m: float,
) -> tuple[gpd.GeoDataFrame, int]:
    """Return installed kiosks, then candidates, and how many are installed."""
    plane = walk.area.crs
    installed = SITES.empty(plane) if kiosks is None else SITES.check(kiosks, plane=plane).assign(state="installed")
    if candidates is not None:
        offered = SITES.check(candidates, plane=plane)
    elif isinstance(walk, StraightLines):
        raise ProblemError("kiosks: no candidates and no walking network to take corners from: give candidates")
    else:
        offered = corner_sites(walk, near, reach_m)
    new = offered[~offered.index.isin(installed.index)]
    return gpd.GeoDataFrame(pd.concat([installed, new]), crs=plane), len(installed)
