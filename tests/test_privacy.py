"""The gate: what passes, what stays, and that there is no way round it."""

import copy
import dataclasses
from collections.abc import Callable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import CrsError, GateError, SettingsError, SweepplanError, TableError
from sweepplan.geo import Area
from sweepplan.privacy import Policy, Published, publish
from sweepplan.tables import ALL, CELLS, HOTSPOTS, INCIDENTS, KIOSKS, PICKUPS, ROUTES, SITES, STOPS, STREETS

CRS, TZ = "EPSG:32619", "America/New_York"
TOWN = Area("Gridtown", shapely.box(0, 0, 2000, 2000), CRS, TZ, "made-up city")
WHEN = pd.Timestamp("2026-03-03 12:40:31", tz="UTC")
some = settings(derandomize=True, deadline=None, max_examples=60)

FILLER = {"str": "x", "float": 20.0, "int": 20, "time": WHEN}
SHAPES = {"Point": shapely.Point(5, 5), "LineString": shapely.LineString([(0, 0), (9, 0)]), "Polygon": TOWN.boundary}


def table_of(contract, n=1, **columns) -> gpd.GeoDataFrame:
    """A table of ``contract`` with ``n`` rows, filled in where ``columns`` say nothing."""
    shape = next(SHAPES[kind] for kind in ("Point", "LineString", "Polygon") if kind in contract.geometry)
    geometry = columns.pop("geometry", [shape] * n)
    ids = columns.pop("ids", [f"{contract.name}-{k}" for k in range(n)])
    values = {
        name: pd.Series(
            columns.get(name, min(column.choices) if column.choices else FILLER[column.kind]),
            index=range(len(ids)),
            dtype="datetime64[us, UTC]" if column.kind == "time" else None,
        )
        for name, column in contract.columns.items()
    }
    table = gpd.GeoDataFrame(values, geometry=list(geometry), crs=CRS)
    return contract.check(table.set_axis(pd.Index(ids, name=contract.index, dtype="str")))


def reports(xy: Sequence[tuple[float, float]], kind: str | list[str] = "overdose") -> gpd.GeoDataFrame:
    points = [shapely.Point(*spot) for spot in xy]
    return table_of(INCIDENTS, len(xy), kind=kind, time_precision="second", geometry=points)


def test_overdoses_leave_as_counts_of_min_count_or_more():
    crowded, few = [(300 + k, 300) for k in range(11)], [(800, 800 + k) for k in range(10)]
    shown = publish(reports(crowded + few), area=TOWN)
    cells = shown.table("cells")
    assert cells["n_incidents"].tolist() == [11]
    assert cells.geometry.iloc[0].bounds == (250, 250, 500, 500)
    assert shown.withheld == {
        "overdose cells with fewer than 11 reports": 1,
        "overdose reports as points": 21,
    }
    assert shown.withheld_words()[0] == "1 overdose cell with fewer than 11 reports"
    assert [name for name, _ in shown.tables()] == ["cells"]


def test_counted_cells_say_reports_a_day():
    many = reports([(300, 300)] * 12)
    many["reported_at"] = WHEN + pd.to_timedelta(range(12), "D")
    assert publish(many, area=TOWN).table("cells")["rate"].item() == pytest.approx(12 / 11)


@pytest.mark.parametrize("as_points", [False, True])
def test_requests_pass_as_points_only_where_allowed_and_overdoses_never(as_points):
    mixed = reports([(300, 300)] * 4, kind=["needle", "overdose", "needle", "overdose"])
    shown = publish(mixed, area=TOWN, policy=Policy(min_count=2, show_requests=as_points))
    assert list(shown.table("incidents")["kind"]) == (["needle"] * 2 if as_points else [])
    assert sorted(shown.table("cells")["kind"]) == (["overdose"] if as_points else ["needle", "overdose"])


@some
@given(
    spots=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(10, 90)), min_size=1, max_size=80),
    kinds=st.lists(st.sampled_from(["needle", "overdose"]), min_size=80, max_size=80),
    min_count=st.integers(1, 30),
    show_requests=st.booleans(),
)
def test_every_report_is_counted_once_and_no_overdose_keeps_its_place(spots, kinds, min_count, show_requests):
    xy = [(200 * i + off, 200 * j + 100 - off / 2) for i, j, off in spots]
    given_reports = reports(xy, kind=kinds[: len(xy)])
    policy = Policy(min_count=min_count, cell_m=100, show_requests=show_requests)
    shown = publish(given_reports, area=TOWN, policy=policy)
    cells, points = shown.table("cells"), shown.table("incidents")
    assert (cells["n_incidents"] >= min_count).all()
    everything = publish(given_reports, area=TOWN, policy=dataclasses.replace(policy, min_count=1))
    assert everything.table("cells")["n_incidents"].sum() + len(points) == len(given_reports)
    small = (everything.table("cells")["n_incidents"] < min_count).sum()
    assert sum(n for what, n in shown.withheld.items() if "cells" in what) == small

    overdoses = given_reports[given_reports["kind"] == "overdose"]
    seen = [xy for _, table in shown.tables() for xy in shapely.get_coordinates(table.geometry[_not_needles(table)])]
    if len(overdoses) and seen:
        at = shapely.get_coordinates(overdoses.geometry)
        assert np.hypot(*(np.array(seen)[:, None] - at[None]).transpose(2, 0, 1)).min() > 1
    text = " ".join(table.to_csv() for _, table in shown.tables())
    assert not [incident for incident in overdoses.index if f"{incident}," in text]


def _not_needles(table: gpd.GeoDataFrame) -> pd.Series:
    return ~((table.geom_type == "Point") & (table["kind"] == "needle"))


def test_cells_and_hotspots_of_few_reports_stay_with_their_rates():
    cells = table_of(CELLS, 4, n_incidents=[10, 11, 0, 0], rate=[0.1, 0.2, 0.3, 0.0])
    hotspots = table_of(HOTSPOTS, 3, kind="overdose", n_incidents=[40, 10, 0])
    shown = publish(cells, hotspots, area=TOWN)
    assert shown.table("cells")["rate"].tolist() == [0.2, 0.0]
    assert shown.table("hotspots")["n_incidents"].tolist() == [40]
    assert shown.withheld == {
        "needle cells with fewer than 11 reports": 2,
        "overdose hotspots with fewer than 11 reports": 2,
    }


def test_hotspots_are_dated_by_day_on_the_citys_clock():
    shown = publish(table_of(HOTSPOTS), area=TOWN).table("hotspots")
    assert shown["last_reported_at"].item() == pd.Timestamp("2026-03-03 05:00", tz="UTC")
    assert HOTSPOTS.check(shown) is shown


def test_kiosks_stand_but_small_counts_are_emptied():
    given_kiosks = table_of(
        KIOSKS, 5, covered=[30.0, 9.0, 30.0, 30.0, 30.0], added=[30.0, 9.0, 4.0, 25.0, 0.0], state="proposed"
    )
    shown = publish(given_kiosks, area=TOWN)
    assert shown.table("kiosks")["added"].isna().tolist() == [False, True, True, True, False]
    assert shown.table("kiosks")["covered"].isna().tolist() == [False, True, True, True, False]
    assert shown.withheld_words() == ("3 kiosk counts that tell of fewer than 11 reports",)


def test_routes_and_stops_pass_by_policy_and_pickups_never():
    given_tables = [table_of(contract) for contract in (ROUTES, STOPS, PICKUPS, STREETS, SITES)]
    assert [name for name, _ in publish(*given_tables, area=TOWN).tables()] == ["routes", "stops", "streets", "sites"]
    shown = publish(*given_tables, area=TOWN, policy=Policy(show_routes=False))
    assert [name for name, _ in shown.tables()] == ["streets", "sites"]
    assert shown.withheld == {"routes": 1, "stops": 1, "pickups": 1}
    assert shown.table("routes").empty
    assert ROUTES.check(shown.table("routes"), plane=CRS) is not None


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_an_empty_table_passes_as_an_empty_table(contract):
    shown = publish(contract.empty(CRS), area=TOWN)
    assert not shown.withheld
    assert all(table.empty for _, table in shown.tables())


def test_tables_of_one_contract_become_one():
    shown = publish(
        table_of(CELLS, ids=["0-0"]),
        table_of(CELLS, ids=["0-0"], kind="overdose"),
        table_of(HOTSPOTS, ids=["n1"]),
        HOTSPOTS.empty(CRS),
        area=TOWN,
    )
    assert list(shown.table("cells").index) == ["needle-0-0", "overdose-0-0"]
    assert list(shown.table("hotspots").index) == ["n1"]


def test_two_grids_of_one_kind_are_refused():
    with pytest.raises(TableError, match="two grids of overdose reports"):
        publish(reports([(1, 1)]), table_of(CELLS, kind="overdose"), area=TOWN)


def test_one_id_twice_is_refused():
    with pytest.raises(TableError, match="'hotspots-0' stands more than once"):
        publish(table_of(HOTSPOTS), table_of(HOTSPOTS, kind="overdose"), area=TOWN)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32618", None])
def test_another_plane_is_refused(crs):
    with pytest.raises(CrsError, match="cells lies on"):
        publish(table_of(CELLS).set_crs(crs, allow_override=True), area=TOWN)


def test_an_unknown_table_is_refused():
    with pytest.raises(TableError, match="no table has an index named 'surprise'"):
        publish(table_of(CELLS).rename_axis("surprise"), area=TOWN)


@pytest.mark.parametrize(
    "settings_given",
    [{"min_count": 0}, {"min_count": -3}, {"min_count": 2.5}, {"min_count": True}]
    + [{"cell_m": value} for value in (0, -250, float("nan"), float("inf"))],
)
def test_a_policy_out_of_bounds_is_refused(settings_given):
    with pytest.raises(SettingsError, match=next(iter(settings_given))):
        Policy(**settings_given)


ROUND_THE_GATE: dict[str, Callable[[Published], object]] = {
    "constructor": lambda shown: Published(shown.area, shown.policy, {}, {"incidents": reports([(1, 1)])}),
    "forged gate": lambda shown: Published(shown.area, shown.policy, {}, {}, gate=object()),
    "replace": lambda shown: dataclasses.replace(shown, policy=Policy(min_count=1)),
    "replace tables": lambda shown: dataclasses.replace(shown, _tables={"incidents": reports([(1, 1)])}, gate=None),
    "subclass": lambda shown: type("Mine", (Published,), {}),
    "set attribute": lambda shown: setattr(shown, "_tables", {}),
    "new attribute": lambda shown: setattr(shown, "incidents", 1),
    "tables mapping": lambda shown: shown._tables.update(incidents=reports([(1, 1)])),
    "withheld mapping": lambda shown: shown.withheld.clear(),
}


@pytest.mark.parametrize("way", ROUND_THE_GATE.values(), ids=ROUND_THE_GATE)
def test_there_is_no_way_round_the_gate(way):
    shown = publish(reports([(1, 1)]), area=TOWN)
    with pytest.raises((SweepplanError, AttributeError, TypeError)):
        way(shown)


def test_the_constructor_says_what_to_do():
    with pytest.raises(GateError, match=r"publish\(\.\.\.\)"):
        Published(TOWN, Policy(), {}, {})


def test_what_is_handed_out_or_was_handed_in_changes_nothing():
    mine = table_of(SITES, name="before")
    shown = publish(mine, area=TOWN)
    mine.loc[:, "name"] = "after"
    handed = shown.table("sites")
    handed.loc[:, "name"] = "after"
    handed.geometry.array[0] = shapely.Point(0, 0)
    for _, table in shown.tables():
        table.loc[:, "name"] = "after"
    again = shown.table("sites")
    assert again["name"].item() == "before"
    assert again.geometry.iloc[0] == SHAPES["Point"]
    assert copy.copy(shown).table("sites")["name"].item() == "before"


def test_it_says_area_and_clock_and_refuses_unknown_names():
    shown = publish(area=TOWN)
    assert (shown.label, shown.tz) == ("Gridtown (made-up city)", TZ)
    assert shown.local(WHEN).hour == 7
    with pytest.raises(TableError, match="no table is named 'secrets'"):
        shown.table("secrets")
