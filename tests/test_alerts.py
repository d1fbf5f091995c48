"""Alerts: episodes, the budget, what cannot be watched, and what of it passes the gate."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots.alerts import METHODS, Alarm, Watch, episodes, threshold, watch
from sweepplan.hotspots.scan import Found
from sweepplan.privacy import Policy, publish

CRS = "EPSG:32619"
TOWN = Area("Gridtown", shapely.box(330_000, 4_690_000, 333_000, 4_693_000), CRS, "America/New_York", "made-up city")
NOW = TOWN.midnight("2026-03-02")
SPOT = np.array([331_250.0, 4_691_250.0])
Make = Callable[..., gpd.GeoDataFrame]


def reports(*, days: int = 90, a_day: int = 4, extra: int = 0, kind: str = "needle", seed: int = 5) -> gpd.GeoDataFrame:
    """Reports all over town, the last yesterday, and so many more at one corner over the last three days."""
    rng = np.random.default_rng(seed)
    n = days * a_day
    xy = np.array([330_000, 4_690_000]) + rng.uniform(200, 2_800, (n, 2))
    ago = np.repeat(np.arange(days), a_day) + rng.uniform(0.05, 0.95, n)
    xy = np.vstack([xy, SPOT + rng.uniform(-60, 60, (extra, 2))])
    ago = np.r_[ago, rng.uniform(0.05, 2.9, extra)]
    columns = {
        "kind": kind,
        "reported_at": pd.Series(NOW - pd.to_timedelta(ago, unit="D")).dt.as_unit("us"),
        "time_precision": "second",
        "source": "made up",
        "needles": np.nan,
        "status": pd.Series([None] * len(xy), dtype="str"),
        "due_at": pd.Series(pd.NaT, index=range(len(xy)), dtype="datetime64[us, UTC]"),
        "closed_at": pd.Series(pd.NaT, index=range(len(xy)), dtype="datetime64[us, UTC]"),
    }
    table = gpd.GeoDataFrame(columns, geometry=shapely.points(xy), crs=CRS)
    return table.set_axis(pd.Index([f"r{k}" for k in range(len(xy))], name="incident_id", dtype="str"))


@pytest.fixture(scope="module")
def spike() -> Watch:
    return watch(reports(extra=9), TOWN, as_of=NOW)


def test_a_spike_is_an_alert_of_an_area_with_counts(spike: Watch) -> None:
    only = next(spike.alerts.itertuples())
    assert len(spike.alerts) == 1
    assert only.n_incidents >= 9 > 3 * only.expected
    assert only.geometry.covers(shapely.Point(SPOT))
    assert only.Index.startswith("needle-scan-2026")
    bounds = np.array(only.geometry.bounds)
    assert (bounds % 100 == 0).all()
    assert spike.days_before == 56
    assert spike.per_month <= 1.1


def test_quiet_days_are_quiet_and_what_comes_later_changes_nothing() -> None:
    quiet = watch(reports(), TOWN, as_of=NOW)
    assert quiet.alerts.empty
    later = reports(extra=9)
    later["reported_at"] = later["reported_at"].where(np.arange(len(later)) < 360, NOW + pd.Timedelta(hours=1))
    again = watch(later, TOWN, as_of=NOW)
    assert (again.threshold, again.alerts.empty) == (quiet.threshold, True)


@pytest.mark.parametrize("method", METHODS[1:])
def test_the_usual_rules_stand_beside_the_scan(method: str) -> None:
    found = watch(reports(extra=40), TOWN, Alarm(method), as_of=NOW)
    assert found.threshold is None
    if method not in ("ears-c1", "ears-c3"):  # they know the spike since two days, or look at the days before
        squares = found.alerts[found.alerts.covers(shapely.Point(SPOT))]
        assert squares["n_incidents"].iloc[0] > 5 * squares["expected"].iloc[0] or method == "county"
    assert 0 <= found.per_month < 30 * 9


def test_a_budget_is_kept_on_days_of_the_same_kind() -> None:
    rng = np.random.default_rng(0)

    def days(n: int) -> list[Found]:
        drawn = [
            (day, x, s) for day in range(n) for x, s in zip(rng.uniform(0, 1e6, 3), rng.exponential(2, 3), strict=True)
        ]
        return [Found(day, float(x), 0, 200, 3, 5, 1.0, float(s)) for day, x, s in drawn]

    limits = [threshold(days(56), 56, budget, apart_m=600) for budget in (0.5, 1, 3)]
    assert limits == sorted(limits, reverse=True)
    passed = [len(episodes([each for each in days(3_000) if each.score > limit], apart_m=600)) for limit in limits]
    per_month = np.array(passed) / 100
    assert (per_month < [1.5, 2.5, 6]).all()
    assert (per_month > [0.1, 0.3, 1]).all()
    assert threshold([], 30, 1.0, apart_m=600) == 0.0
    with pytest.raises(ProblemError, match="n = 5"):
        threshold(days(5), 5, 1.0, apart_m=600)


def test_what_cannot_be_watched_is_said_in_one_line() -> None:
    one = reports(days=1, a_day=1)
    months = reports().assign(time_precision="month")
    cases = [
        (one, NOW, "too few days for alerts: n = 1 dated days, 1 reports; scan needs 49"),
        (reports(days=20), NOW, "n = 20 dated days"),
        (months, NOW, "months alone: alerts need reports dated to the day"),
        (
            reports(),
            TOWN.midnight("2027-01-01"),
            "no report in the 7 days before 2027-01-01: the last is of 2026-03-01",
        ),
        (reports(), TOWN.midnight("2020-01-01"), "no report before 2020-01-01"),
    ]
    for table, as_of, words in cases:
        with pytest.raises(ProblemError, match=words):
            watch(table, TOWN, as_of=as_of)
    with pytest.raises(SettingsError, match="method 'satscan': one of scan"):
        Alarm("satscan")
    with pytest.raises(SettingsError, match="budget 40"):
        Alarm(budget=40)


def test_all_at_one_spot_is_no_alert() -> None:
    table = reports()
    table = table.set_geometry(gpd.GeoSeries([shapely.Point(SPOT)] * len(table), index=table.index, crs=CRS))
    assert watch(table, TOWN, as_of=NOW).alerts.empty
    young = reports(days=55)
    young = young.set_geometry(gpd.GeoSeries([shapely.Point(SPOT)] * len(young), index=young.index, crs=CRS))
    assert watch(young, TOWN, as_of=NOW).days_before == 26


def test_needle_alerts_pass_for_those_who_see_requests_alone(spike: Watch) -> None:
    for role, n in (("lead", 1), ("crew", 1), ("analyst", 0), ("public", 0)):
        shown = publish(spike.alerts, area=TOWN, policy=Policy.for_role(role))
        assert len(shown.table("alerts")) == n
        assert shown.withheld == ({} if n else {"needle alerts": 1})


def test_overdose_alerts_are_coarse_and_without_counts() -> None:
    found = watch(reports(extra=12, kind="overdose"), TOWN, as_of=NOW)
    assert found.alerts["n_incidents"].iloc[0] >= 11
    shown = publish(found.alerts, area=TOWN, policy=Policy.for_role("lead"))
    only = shown.table("alerts").iloc[0]
    assert pd.isna(only["n_incidents"])
    assert pd.isna(only["expected"])
    assert (np.array(only.geometry.bounds) % 1000 == 0).all()
    assert only.geometry.covers(found.alerts.geometry.iloc[0])
    assert shown.withheld == {"counts of overdose alerts": 1}
    assert publish(found.alerts, area=TOWN, policy=Policy.for_role("crew")).table("alerts").empty


def test_the_county_rule_shows_its_count_from_min_count_on() -> None:
    for extra, told in ((40, True), (0, False)):
        table = reports(extra=extra, kind="overdose", a_day=1)
        if not extra:
            table = pd.concat([table, reports(days=1, a_day=5, kind="overdose", seed=8).rename(index="s{}".format)])
        found = watch(table, TOWN, Alarm("county"), as_of=NOW)
        assert len(found.alerts) == 1
        shown = publish(found.alerts, area=TOWN, policy=Policy.for_role("lead")).table("alerts")
        assert shown["n_incidents"].notna().tolist() == [told]
