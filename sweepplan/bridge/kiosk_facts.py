"""What is to be said of each site of a kiosk plan, how sure it is, and what the rules cost."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.bridge.kiosks import KioskRules, KioskStudy
from sweepplan.judging import judge_kiosks
from sweepplan.model import Floats, Ints, KioskPlan, KioskProblem, Limit, SiteRules
from sweepplan.siting import build_order, solve_kiosks

BANDS_M = (25.0, 50.0, 100.0, 200.0)


@dataclass(frozen=True)
class CurvePoint:
    """What the best ``k`` new kiosks cover, and that no choice covers more than ``bound``.

    ``proof`` : ``multipliers`` or ``solver``.
    """

    k: int
    covered: float
    bound: float
    proof: str


@dataclass(frozen=True)
class Price:
    """What one rule costs: coverage with it and without, in demand a year."""

    rule: str
    covered: float
    without: float

    @property
    def cost(self) -> float:
        """Demand a year given up for the rule."""
        return max(self.without - self.covered, 0.0)


def site_facts(
    study: KioskStudy,
    plan: KioskPlan,
    *,
    others: gpd.GeoDataFrame | None = None,
    chosen_share: pd.Series | None = None,
) -> pd.DataFrame:
    """Return what each proposed site does, a row each in the plan's order, index ``site_id``.

    Columns: ``name``; ``within_25`` ... ``within_200``, reports a year within so many metres (to ``reach_m``);
    ``uncovered``, of those in reach that no kiosk reaches today; ``loss``, reports uncovered if it is taken out of the
    plan; ``next_best`` and ``next_best_loss``, the best site in its place and what that loses; ``nearest_<kind>_m``,
    straight line to the nearest other place of each kind; ``chosen_share``, of resamples (empty without).

    Parameters
    ----------
    others : tables.SITES of schools, services, and the like.
    chosen_share : of :func:`stability`.
    """
    problem = dataclasses.replace(study.problem, demand=study.reports)
    new = [site for site in plan.sites if study.sites["state"].iloc[site] != "installed"]
    standing = [*problem.fixed, *plan.sites]
    today = [*problem.fixed, *np.flatnonzero(study.sites["state"] == "installed").tolist()]
    losses = problem.losses()
    all_of_it, now = _least(problem, losses, standing), _least(problem, losses, today)
    rows = []
    for site in new:
        near = _least(problem, losses, [site])
        without = _least(problem, losses, [other for other in standing if other != site])
        swap, swap_loss = _next_best(problem, losses, without, site, {*standing})
        rows.append(
            {
                "name": study.sites["name"].iloc[site],
                **{f"within_{band:g}": _within(problem, site, band) for band in BANDS_M if band <= problem.reach_m},
                "uncovered": _worth(problem, np.minimum(near, now)) - _worth(problem, now),
                "loss": _worth(problem, all_of_it) - _worth(problem, without),
                "next_best": "" if swap is None else study.sites["name"].iloc[swap],
                "next_best_loss": _worth(problem, all_of_it) - swap_loss,
            }
        )
    table = pd.DataFrame(rows, index=pd.Index(study.sites.index[new], name="site_id", dtype="str"))
    shapes = study.sites.geometry.iloc[new]
    for kind, places in _by_kind(study, others):
        spots = places[~places.index.isin(table.index)].geometry
        table[f"nearest_{kind}_m"] = [float(spots.distance(shape).min()) if len(spots) else np.nan for shape in shapes]
    table["chosen_share"] = np.nan if chosen_share is None else chosen_share.reindex(table.index).to_numpy()
    return table


def loss_if_gone(study: KioskStudy) -> pd.Series:
    """Return, per installed kiosk, the reports a year that nobody covers any more once it is gone, by ``site_id``."""
    problem = dataclasses.replace(study.problem, demand=study.reports)
    losses = problem.losses()
    standing = np.flatnonzero(study.sites["state"] == "installed").tolist()
    now = _worth(problem, _least(problem, losses, standing))
    without = [_least(problem, losses, [other for other in standing if other != site]) for site in standing]
    lost = [now - _worth(problem, least) for least in without]
    index = pd.Index(study.sites.index[standing], name="site_id", dtype="str")
    return pd.Series(lost, index=index, name="loss", dtype=np.float64)


def coverage_curve(study: KioskStudy, *, up_to: int = 30, limit: Limit | None = None) -> tuple[CurvePoint, ...]:
    """Return what the best 0, 1, 2, ... ``up_to`` new kiosks cover, with bounds; fewer where there are fewer sites."""
    problem = study.problem
    most = problem.n_sites - len({*problem.fixed, *problem.forbidden})
    stay = problem.k - _new(study)
    points = []
    for k in range(max(stay, len(problem.required)), min(up_to + stay, most) + 1):
        asked = dataclasses.replace(problem, k=k)
        judged = judge_kiosks(asked, solve_kiosks(asked, limit=limit))
        points.append(CurvePoint(k - stay, judged.covered, judged.bound, judged.proof))
    return tuple(points)


def order_table(study: KioskStudy, plan: KioskPlan, curve: tuple[CurvePoint, ...]) -> pd.DataFrame:
    """Return the order to build in: ``site_id``, ``name``, ``covered``, ``loss`` against the best of as many."""
    best = {point.k: point.covered for point in curve}
    steps = build_order(study.problem, plan, tuple(best.get(i + 1, 0.0) for i in range(len(plan.sites))))
    sites = study.sites.iloc[[step.site for step in steps]]
    return pd.DataFrame(
        {
            "site_id": sites.index,
            "name": sites["name"].to_numpy(),
            "covered": [step.covered for step in steps],
            "loss": [step.loss for step in steps],
        }
    )


def stability(study: KioskStudy, *, times: int = 100, seed: int, limit: Limit | None = None) -> pd.Series:
    """Return how often each site is chosen when the weeks of the window are drawn anew; index ``site_id``.

    A site in few resamples is one of several that would do: the plan's worth is surer than its sites.
    """
    rng = np.random.default_rng(seed)
    n_weeks = study.weeks.shape[1]
    weight = np.divide(study.problem.demand, study.reports, out=np.ones_like(study.reports), where=study.reports > 0)
    chosen = np.zeros(study.problem.n_sites)
    for _ in range(times):
        drawn = np.bincount(rng.integers(0, n_weeks, n_weeks), minlength=n_weeks).astype(np.float64)
        demand = np.asarray(study.weeks @ drawn) * weight
        chosen[list(solve_kiosks(dataclasses.replace(study.problem, demand=demand), limit=limit).sites)] += 1
    return pd.Series(chosen / max(times, 1), index=study.sites.index, name="chosen_share")


def hindsight(study: KioskStudy, plan: KioskPlan, later: KioskStudy) -> tuple[float, float]:
    """Return what the plan covers of a later study's demand, and the most that any plan could have covered.

    Raises
    ------
    ValueError
        The two studies have other sites.
    """
    if list(study.sites.index) != list(later.sites.index):
        raise ValueError("hindsight: the two studies offer other sites: make both of the same candidates")
    then = _worth(later.problem, _least(later.problem, later.problem.losses(), [*later.problem.fixed, *plan.sites]))
    best = judge_kiosks(later.problem, solve_kiosks(later.problem)).covered
    return then, best


def prices(study: KioskStudy, plan: KioskPlan, rules: KioskRules, *, limit: Limit | None = None) -> tuple[Price, ...]:
    """Return what each rule costs: spacing, a minimum in each district, the budget, sites required, sites barred."""
    problem, own = study.problem, study.problem.rules
    covered = judge_kiosks(problem, plan).covered
    waived: list[tuple[str, KioskProblem]] = []
    if own.apart:
        waived.append((f"{rules.spacing_m:g} m apart", _with_rules(problem, dataclasses.replace(own, apart=()))))
    if rules.per_district:
        kept = own.at_least[: int(rules.may_move is not None and bool(own.at_least))]
        words = f"at least {rules.per_district} in each district"
        waived.append((words, _with_rules(problem, dataclasses.replace(own, at_least=kept))))
    if own.budget is not None:
        waived.append(("the budget", _with_rules(problem, dataclasses.replace(own, budget=None, cost=()))))
    if problem.required:
        waived.append(("the sites required", dataclasses.replace(problem, required=())))
    for words, barred in study.barred.items():
        others = frozenset[int]().union(*(rows for name, rows in study.barred.items() if name != words))
        if barred - others:
            waived.append((words, dataclasses.replace(problem, forbidden=tuple(sorted(others)))))
    return tuple(
        Price(words, covered, judge_kiosks(each, solve_kiosks(each, limit=limit)).covered) for words, each in waived
    )


def _with_rules(problem: KioskProblem, rules: SiteRules) -> KioskProblem:
    return dataclasses.replace(problem, rules=rules)


def _new(study: KioskStudy) -> int:
    """Return how many of the problem's k are new, where installed kiosks may move and are chosen with the rest."""
    installed = int((study.sites["state"] == "installed").sum())
    return study.problem.k - (installed - len(study.problem.fixed))


def _least(problem: KioskProblem, losses: tuple[Ints, Ints, Ints], chosen: list[int]) -> Ints:
    point, site, loss = losses
    least = np.full(problem.demand.size, problem.most, dtype=np.int64)
    mine = np.isin(site, chosen)
    np.minimum.at(least, point[mine], loss[mine])
    return least


def _worth(problem: KioskProblem, least: Ints) -> float:
    return float(problem.demand @ (problem.most - least)) / problem.most


def _within(problem: KioskProblem, site: int, band_m: float) -> float:
    mine = (problem.pair_site == site) & (problem.walk_m <= band_m)
    return float(problem.demand[np.unique(problem.pair_demand[mine])].sum())


def _next_best(
    problem: KioskProblem, losses: tuple[Ints, Ints, Ints], without: Ints, out: int, standing: set[int]
) -> tuple[int | None, float]:
    """Return the site that covers most in the place of ``out``, and what is covered then."""
    point, site, loss = losses
    gain: Floats = np.bincount(
        site, problem.demand[point] * np.maximum(without[point] - loss, 0), problem.n_sites
    ).astype(np.float64)
    near = {s for pair in problem.rules.apart if {*pair} & (standing - {out}) for s in pair}
    gain[list({*standing, *problem.forbidden} | near)] = -1
    best = int(gain.argmax())
    covered = _worth(problem, without)
    return (None, covered) if gain[best] <= 0 else (best, covered + float(gain[best]) / problem.most)


def _by_kind(study: KioskStudy, others: gpd.GeoDataFrame | None) -> list[tuple[str, gpd.GeoDataFrame]]:
    installed = study.sites[study.sites["state"] == "installed"]
    kinds = [("kiosk", installed)] if len(installed) else []
    if others is not None:
        kinds += [(str(kind), others[others["kind"] == kind]) for kind in sorted(others["kind"].unique())]
    return kinds
