"""Kiosks on the map: rules in metres and names, facts of each site, the ledger, and Boston's next year."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sweepplan import read_file, read_sites
from sweepplan.bridge import (
    KioskRules,
    StraightLines,
    counted_kiosks,
    coverage_curve,
    due_services,
    hindsight,
    joined_sites,
    kiosk_states,
    kiosk_study,
    kiosk_table,
    loss_if_gone,
    order_table,
    place_sites,
    prices,
    site_facts,
    stability,
    street_sites,
    working,
)
from sweepplan.errors import ProblemError
from sweepplan.judging import judge_kiosks
from sweepplan.model import KioskPlan
from sweepplan.siting import solve_kiosks
from sweepplan.siting.core import core_of
from sweepplan.siting.local import greedy
from sweepplan.siting.side import side_of
from sweepplan.tables import SITES

AS_OF = pd.Timestamp("2026-03-02 06:00", tz="UTC")


@pytest.fixture
def sites_at(gridtown_at):
    def make(*spots, kind="candidate", state="candidate"):
        table = gpd.GeoDataFrame(
            {"name": [f"{kind} {i}" for i in range(len(spots))], "kind": kind, "state": state},
            index=pd.Index([f"{kind}-{i}" for i in range(len(spots))], name="site_id", dtype="str"),
            geometry=gridtown_at(*spots).array,
            crs=gridtown_at(*spots).crs,
        )
        return SITES.check(table)

    return make


@pytest.fixture
def reports_at(gridtown_at):
    def make(*spots):
        """A report at (east, north), one a week back from the moment planned for."""
        weeks = pd.to_timedelta(np.arange(len(spots)) * 7 + 1, unit="D")
        never = pd.Series(pd.NaT, index=range(len(spots)), dtype="datetime64[us, UTC]")
        table = gpd.GeoDataFrame(
            {"kind": "needle", "reported_at": AS_OF - weeks, "time_precision": "second", "source": "made up"},
            geometry=gridtown_at(*spots).array,
            crs=gridtown_at(*spots).crs,
        )
        table = table.assign(needles=np.nan, status="open", due_at=never, closed_at=never)
        table = table.astype({"reported_at": "datetime64[us, UTC]"})
        return table.set_index(pd.Index([f"r{i}" for i in range(len(spots))], name="incident_id", dtype="str"))

    return make


# Four reports at the origin, two at 400 m east, one at 400 m north; a candidate at each, a kiosk in the south-west.
SPOTS = [(0, 0)] * 4 + [(400, 0)] * 2 + [(0, 400)]


@pytest.fixture
def study_of(gridtown_area, reports_at, sites_at):
    def make(rules, *, kiosks=None, **more):
        return kiosk_study(
            reports_at(*SPOTS),
            StraightLines(gridtown_area),
            candidates=sites_at((0, 0), (400, 0), (0, 400), (50, 0)),
            kiosks=kiosks,
            as_of=AS_OF,
            rules=rules,
            **more,
        )

    return make


def names(study, plan):
    return sorted(study.sites.index[list(plan.sites)])


def test_rules_in_metres_and_names_by_pencil(study_of, sites_at):
    near = study_of(KioskRules(k=2, spacing_m=60.0, required=("candidate-3",)))
    assert near.problem.rules.apart == ((0, 3),)
    assert names(near, solve_kiosks(near.problem)) == ["candidate-1", "candidate-3"]
    assert near.walks == "straight line x 1.25"
    school = sites_at((10, 0), kind="school")
    away = study_of(KioskRules(k=1, keep_away_m=30.0), places=school)
    assert names(away, solve_kiosks(away.problem)) == ["candidate-3"]
    dear = study_of(KioskRules(k=2, budget=3, cost=(("candidate", 1), ("candidate-0", 3))))
    assert names(dear, solve_kiosks(dear.problem)) == ["candidate-1", "candidate-3"]
    moved = study_of(KioskRules(k=0, may_move=1), kiosks=sites_at((0, 400), kind="kiosk", state="installed"))
    assert names(moved, solve_kiosks(moved.problem)) == ["candidate-0"]
    three = sites_at((0, 0), (400, 0), (0, 400), kind="kiosk", state="installed")
    fewer = study_of(KioskRules(k=0, may_close=1), kiosks=three)
    assert names(fewer, solve_kiosks(fewer.problem)) == ["kiosk-0", "kiosk-1"]
    assert loss_if_gone(fewer).to_dict() == {"kiosk-0": 4, "kiosk-1": 2, "kiosk-2": 1}
    heavy = study_of(KioskRules(k=1, children_weight=9.0), places=sites_at((0, 400), kind="school"))
    plan = solve_kiosks(heavy.problem)
    assert names(heavy, plan) == ["candidate-2"]
    assert heavy.reports.sum() == 7
    # The one report near the school counts ten times when sites are chosen, and once in what is told.
    counted = counted_kiosks(heavy, plan)
    assert (counted.covered, counted.total, counted.gap, counted.proof) == (1, 7, 0, "multipliers")
    assert kiosk_table(heavy, plan)["covered"].tolist() == [1]


def test_no_new_kiosk_stands_in_an_area_drawn_and_that_has_a_price(study_of, gridtown_at):
    corners = gridtown_at((-20, -20), (80, -20), (80, 20), (-20, 20)).to_crs("EPSG:4326")
    ring = tuple((point.y, point.x) for point in corners)
    rules = KioskRules(k=1, forbidden_areas=(ring,), forbidden=("candidate-1",))
    study = study_of(rules)
    plan = solve_kiosks(study.problem)
    assert names(study, plan) == ["candidate-2"]
    assert {price.rule: price.cost for price in prices(study, plan, rules)} == {
        "the areas ruled out": 3,
        "the sites ruled out": 1,
    }
    with pytest.raises(ProblemError, match="2 corners: give three or more"):
        study_of(KioskRules(k=1, forbidden_areas=(ring[:2],)))
    standing = study_of(rules, kiosks=study.sites.iloc[[0]].assign(kind="kiosk", state="installed"))
    assert standing.problem.fixed == (0,)


def test_one_in_each_district_and_what_it_costs(study_of, gridtown_area):
    x, y = gridtown_area.boundary.bounds[:2]
    halves = [shapely.box(x, y, x + 900, y + 300), shapely.box(x, y + 300, x + 900, y + 900)]
    districts = gpd.GeoDataFrame({"name": ["South", "North"]}, geometry=halves, crs=gridtown_area.crs)
    rules = KioskRules(k=2, per_district=1)
    study = study_of(rules, districts=districts)
    plan = solve_kiosks(study.problem)
    assert names(study, plan) == ["candidate-0", "candidate-2"]
    (price,) = prices(study, plan, rules)
    assert (price.rule, price.cost) == ("at least 1 in each district", 1)
    with pytest.raises(ProblemError, match="2 asked in each district and North has fewer candidates"):
        study_of(KioskRules(k=4, per_district=2), districts=districts)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (KioskRules(k=5), "k = 5: only 4 sites may be chosen"),
        (KioskRules(required=("x",)), "no site 'x' among the candidates"),
        (
            KioskRules(k=1, required=("candidate-0",), keep_away_m=30.0),
            "'candidate-0' is required and barred by 30 m from schools",
        ),
        (KioskRules(k=3, keep_away_m=50.0), "k = 3, and 50 m from schools and playgrounds leave 2 candidates"),
        (KioskRules(per_district=1), "per_district asks for districts"),
        (KioskRules(may_close=1), "1 may close and 0 stand: give 0 to 0"),
        (KioskRules(decay=True, reach_m=300.0), "decay ends at 200 m, reach_m is 300"),
    ],
)
def test_rules_that_contradict_are_refused_by_name(study_of, sites_at, rules, said):
    with pytest.raises(ProblemError, match=said):
        study_of(rules, places=sites_at((10, 0), kind="school"))


def test_no_candidate_in_reach_says_so(gridtown_area, reports_at, sites_at):
    with pytest.raises(ProblemError, match="none of 1 sites is within 200 m of any report"):
        kiosk_study(
            reports_at((0, 0)), StraightLines(gridtown_area), candidates=sites_at((600, 600)), kiosks=None, as_of=AS_OF
        )


def test_the_facts_of_each_site_by_pencil(study_of, sites_at):
    study = study_of(KioskRules(k=2), kiosks=sites_at((0, 390), kind="kiosk", state="installed"))
    plan = solve_kiosks(study.problem)
    facts = site_facts(study, plan, others=sites_at((0, 100), kind="school"))
    best = facts.loc["candidate-0"]
    assert (best["within_25"], best["within_200"], best["uncovered"], best["loss"]) == (4, 4, 4, 4)
    assert (best["next_best"], best["next_best_loss"]) == ("candidate 3", 0)
    assert (best["nearest_school_m"], best["nearest_kiosk_m"]) == (100, 390)
    curve = coverage_curve(study, up_to=3)
    assert [(point.k, point.covered, point.bound) for point in curve] == [(0, 1, 1), (1, 5, 5), (2, 7, 7), (3, 7, 7)]
    assert order_table(study, plan, curve)["covered"].tolist() == [5, 7]
    table = kiosk_table(study, plan)
    assert table["state"].tolist() == ["installed", "proposed", "proposed"]
    assert stability(study, times=10, seed=1)["candidate-1"] > 0


def test_a_short_window_mixes_what_was_with_what_is_near(study_of):
    study = study_of(KioskRules(k=1, window_d=100))
    assert study.reports.sum() == pytest.approx(7)
    assert len(study.reports) > 100


def test_candidates_along_streets_and_places(gridtown, gridtown_at):
    along = street_sites(gridtown, every_m=50)
    # 7 streets and 7 avenues of 6 blocks, two points a block.
    assert len(along) == 2 * 84
    park = gpd.GeoDataFrame(
        {"name": ["Park"]}, index=pd.Index(["p"]), geometry=[shapely.box(0, 0, 100, 100)], crs=gridtown.area.crs
    )
    edge = place_sites(park)
    assert edge.index.tolist() == ["p-1", "p-2", "p-3", "p-4"]
    assert len(joined_sites(along, street_sites(gridtown, every_m=50))) == len(along)
    assert len(joined_sites(edge, apart_m=500)) == 1
    with pytest.raises(ProblemError, match="give 5 metres or more"):
        street_sites(gridtown, every_m=0)


def test_the_ledger_by_pencil(sites_at):
    kiosks = sites_at((0, 0), (100, 0), (200, 0), (300, 0), kind="kiosk", state="installed")
    days = [("0", "installed", 0), ("0", "full", 20), ("0", "emptied", 21), ("0", "full", 41), ("0", "emptied", 42)]
    days += [("1", "installed", 0), ("1", "broken", 50), ("2", "installed", 0), ("2", "removed", 5), ("1", "full", 99)]
    states = pd.DataFrame(
        {
            "site_id": [f"kiosk-{site}" for site, _, _ in days],
            "state": [state for _, state, _ in days],
            "at": AS_OF + pd.to_timedelta([day - 62 for _, _, day in days], unit="D"),
            "time_precision": "day",
        }
    ).astype({"at": "datetime64[us, UTC]"})
    known = kiosk_states(states, kiosks, as_of=AS_OF)
    assert known["state"].tolist() == ["emptied", "broken", "removed", "installed"]
    assert known["fill_d"].iloc[0] == 20
    # Emptied 20 days ago and full after 20: due now; the broken one since 12 days; the removed one never.
    due = due_services(states, kiosks, as_of=AS_OF)
    assert due["why"].to_dict() == {"kiosk-1": "broken", "kiosk-0": "expected to be full"}
    assert working(states, kiosks, as_of=AS_OF).index.tolist() == ["kiosk-0", "kiosk-3"]
    assert due_services(states[states["state"] == "installed"], kiosks, as_of=AS_OF).empty


@pytest.mark.shared
def test_boston_sited_on_one_year_loses_little_to_hindsight_on_the_next_and_less_than_greedy(shared):
    folder = shared / "data/boston"
    reading = read_file("boston311-points", folder / "needle_points_2024_2025.csv.gz", None, tz="America/New_York")
    area = reading.area
    stops, _ = read_sites(folder / "mbta_stops_2016.txt.gz", area, kind="candidate", state="candidate")
    parks = gpd.read_file(f"/vsigzip/{folder / 'open_space.geojson.gz'}").to_crs(area.crs)
    parks = parks.assign(name=parks["SITE_NAME"].fillna("").astype(str)).set_index("park-" + parks.index.astype(str))
    candidates = joined_sites(stops, place_sites(parks, every_m=1e9), apart_m=1)
    then, now = (
        kiosk_study(
            reading.incidents,
            StraightLines(area),
            candidates=candidates,
            kiosks=None,
            as_of=area.midnight(f"{year}-01-01"),
            rules=KioskRules(k=11, bin_m=90.0),
        )
        for year in (2025, 2026)
    )
    plan = solve_kiosks(then.problem)
    judged = judge_kiosks(then.problem, plan)
    assert (judged.gap, judged.proof) == (0, "multipliers")
    covered, best = hindsight(then, plan, now)
    core = core_of(then.problem)
    greedily = core.sites[greedy(core, side_of(then.problem, core))]
    by_greedy, _ = hindsight(then, KioskPlan(tuple(sorted(greedily.tolist())), np.inf, "greedy"), now)
    assert 1 - covered / best <= 0.06
    assert covered > by_greedy
    spaced = dataclasses.replace(then.problem, k=25)
    assert judge_kiosks(spaced, solve_kiosks(spaced)).gap == 0
