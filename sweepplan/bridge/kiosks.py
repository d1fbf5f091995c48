"""Reports, streets and sites → the kiosk problem; a plan → the table of kiosks."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.errors import ProblemError
from sweepplan.judging import judge_kiosks
from sweepplan.model import KioskPlan, KioskProblem
from sweepplan.streets import StreetNetwork
from sweepplan.streets.tags import UNNAMED
from sweepplan.tables import INCIDENTS, KIOSKS, SITES


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
    if not kinds:
        raise ProblemError(
            f"kiosks: no report in the {rules.window_d} days before {as_of:%Y-%m-%d}: choose a later moment"
        )
    if len(kinds) > 1:
        raise ProblemError(f"kiosks: reports of kinds {' and '.join(kinds)}: give reports of one kind")
    weight, points = _demand_points(recent)
    sites, n_installed = _sites(walk, kiosks, candidates, near=points, reach_m=rules.reach_m)
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
        fixed=tuple(range(n_installed)),
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


def _sites(
    walk: StreetNetwork,
    kiosks: gpd.GeoDataFrame | None,
    candidates: gpd.GeoDataFrame | None,
    *,
    near: gpd.GeoSeries,
    reach_m: float,
) -> tuple[gpd.GeoDataFrame, int]:
    """Return installed kiosks, then candidates, and how many are installed."""
    plane = walk.area.crs
    installed = SITES.empty(plane) if kiosks is None else SITES.check(kiosks, plane=plane)
    offered = corner_sites(walk, near, reach_m) if candidates is None else SITES.check(candidates, plane=plane)
    new = offered[~offered.index.isin(installed.index)]
    return gpd.GeoDataFrame(pd.concat([installed, new]), crs=plane), len(installed)


def _demand_points(recent: gpd.GeoDataFrame) -> tuple[np.ndarray, gpd.GeoSeries]:
    """Return reports counted by spot, to the nearest metre, and the spots."""
    spots = pd.DataFrame({"x": recent.geometry.x.round(), "y": recent.geometry.y.round()})
    counted = spots.value_counts(sort=False).sort_index()
    xy = np.array(counted.index.to_list(), dtype=float)
    return counted.to_numpy(dtype=float), gpd.GeoSeries(shapely.points(xy), crs=recent.crs)
