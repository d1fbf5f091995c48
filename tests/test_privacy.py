"""The gate: what passes, what stays, and that there is no way round it."""

import copy
import csv
import dataclasses
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from sweepplan.errors import CrsError, GateError, SettingsError, SweepplanError, TableError
from sweepplan.geo import Area
from sweepplan.privacy import ROLES, Policy, Published, about, publish, roles_markdown, to_csv, to_xlsx
from sweepplan.tables import ALL, CELLS, HOTSPOTS, INCIDENTS, KIOSKS, PICKUPS, ROUTES, SITES, STOPS, STREETS

CRS, TZ = "EPSG:32619", "America/New_York"
TOWN = Area("Gridtown", shapely.box(0, 0, 2000, 2000), CRS, TZ, "made-up city")
WHEN = pd.Timestamp("2026-03-03 12:40:31", tz="UTC")
LATER = pd.Timestamp("2026-07-02 12:00", tz="UTC")
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
    shown = publish(reports(crowded + few), area=TOWN, as_of=LATER)
    cells = shown.table("cells")
    assert sorted(cells["n_incidents"]) == [0, 21]
    more = publish(reports([*crowded, *few, (850, 850)]), area=TOWN, as_of=LATER).table("cells")
    assert sorted(more["n_incidents"]) == [0, 11, 11]
    assert shapely.box(250, 250, 500, 500) in list(more.geometry)
    assert shown.withheld == {"overdose reports as points": 21, "days of overdose reports of a window not over": 1}
    assert shown.withheld_words()[0] == "1 day of overdose reports of a window not over"
    assert [name for name, _ in shown.tables()] == ["cells", "hotspots"]


def test_counts_are_of_the_last_calendar_window_that_is_over_and_say_reports_a_day():
    many = reports([(300, 300)] * 24)
    many["reported_at"] = [WHEN - pd.Timedelta(days=180 * (k % 2)) for k in range(24)]
    for as_of, months, n, start in (
        ("2026-06-30 23:59", 6, 12, "2025-07-01"),
        ("2026-07-01", 6, 12, "2026-01-01"),
        ("2026-07-01", 12, 12, "2025-01-01"),
        ("2027-01-01", 12, 12, "2026-01-01"),
    ):
        shown = publish(many, area=TOWN, policy=Policy(months=months), as_of=TOWN.moment(as_of))
        first, end = shown.windows["overdose"]
        assert TOWN.local(first) == pd.Timestamp(start, tz=TZ)
        held = shown.table("cells").query("n_incidents > 0")
        assert held["n_incidents"].tolist() == [n]
        assert held["rate"].item() == pytest.approx(n / ((end - first) / pd.Timedelta(days=1)))


def test_a_window_with_few_reports_stays_and_is_told_without_its_count():
    shown = publish(reports([(300, 300)] * 7), area=TOWN, as_of=LATER)
    assert shown.table("cells").empty
    assert shown.withheld["overdose windows with fewer than 11 reports"] == 1
    assert 7 not in shown.withheld.values()


def test_a_report_outside_the_area_is_refused():
    with pytest.raises(TableError, match="1 reports outside the area"):
        publish(reports([(-5000, 3)]), area=TOWN, as_of=LATER)


@pytest.mark.parametrize("as_points", [False, True])
def test_requests_pass_as_points_only_where_allowed_and_overdoses_never(as_points):
    mixed = reports([(300, 300)] * 4, kind=["needle", "overdose", "needle", "overdose"])
    shown = publish(mixed, area=TOWN, policy=Policy(min_count=2, show_requests=as_points), as_of=LATER)
    assert list(shown.table("incidents")["kind"]) == (["needle"] * 2 if as_points else [])
    assert sorted(set(shown.table("cells")["kind"])) == (["overdose"] if as_points else ["needle", "overdose"])


@pytest.mark.parametrize("role", ROLES)
def test_what_each_role_sees(role):
    mixed = reports([(300, 300)] * 40, kind=["needle", "overdose"] * 20)
    given_tables = [mixed, *(table_of(contract) for contract in (CELLS, HOTSPOTS, ROUTES, STOPS, KIOSKS, PICKUPS))]
    policy = Policy.for_role(role)
    as_of = TOWN.moment({6: "2026-07-01", 12: "2027-01-01"}[policy.months])
    shown = publish(*given_tables, area=TOWN, policy=policy, as_of=as_of)
    field, sees = role in ("lead", "crew"), {name for name, table in shown.tables() if len(table)}
    assert ("incidents" in sees) == ({"routes", "stops"} <= sees) == field
    assert not (set(shown.table("incidents")["kind"]) - {"needle"})
    assert ("overdose" in set(shown.table("cells")["kind"])) == (role != "crew")
    assert shown.table("kiosks")["covered"].isna().item() != (field or role == "planner")
    assert "pickups" not in sees
    assert shown.withheld_words()
    assert f"| {role} |" in roles_markdown()


def test_an_unknown_role_is_refused():
    with pytest.raises(SettingsError, match="role 'mayor': one of lead, crew"):
        Policy.for_role("mayor")


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
@pytest.mark.parametrize("secret", ["patient_name", "phone", "date_of_birth", "notes"])
def test_there_is_no_column_for_a_person(contract, secret):
    with pytest.raises(TableError, match=f"unknown column '{secret}'"):
        publish(table_of(contract).assign(**{secret: "x"}), area=TOWN)


@some
@given(
    cells=st.lists(
        st.one_of(st.text(max_size=6), st.sampled_from(["=1+1", "+1", "-1", "@x", "\tx", "\rx"])), max_size=8
    ),
    numbers=st.lists(st.integers(-9, 9), min_size=8, max_size=8),
)
def test_no_text_of_a_csv_is_a_formula_and_numbers_stay_numbers(cells, numbers):
    text = to_csv(pd.DataFrame({"=name": pd.Series(cells, dtype="str"), "n": numbers[: len(cells)]}))
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head == ["'=name", "n"]
    assert not [row for row in rows if row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))]
    assert [int(row[1]) for row in rows] == numbers[: len(cells)]


@some
@given(
    cells=st.lists(
        st.one_of(
            st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=6),
            st.sampled_from(["=1+1", "+1", "@x", "#REF!", "1", "TRUE"]),
        ),
        max_size=8,
    )
)
def test_no_text_of_a_workbook_is_a_formula_and_it_is_what_it_was(cells):
    table = pd.DataFrame({"=name": pd.Series(cells, dtype="str"), "n": np.arange(len(cells)) / 2})
    [sheet] = load_workbook(io.BytesIO(to_xlsx(table, withheld=["=w"], notes=["=n"]))).worksheets
    head, *rows, withheld, note = sheet.iter_rows()
    assert [cell.value for cell in head] == ["=name", "n"]
    assert [withheld[0].value, note[0].value] == ["Withheld: =w", "=n"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} <= {"s", "n"}
    assert all(row[0].data_type == "s" for row, text in zip(rows, cells, strict=True) if text)
    assert [row[1].value for row in rows] == table["n"].tolist()
    for text, row in zip(cells, rows, strict=True):
        assert (row[0].value or "") == re.sub("[\0-\x08\x0b-\x1f\ufffe\uffff]", "\ufffd", text)


@some
@given(
    spots=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(10, 90)), min_size=1, max_size=80),
    kinds=st.lists(st.sampled_from(["needle", "overdose"]), min_size=80, max_size=80),
    min_count=st.integers(1, 30),
    cell_m=st.sampled_from([250, 500, 2000]),
    show_requests=st.booleans(),
)
def test_every_report_is_counted_once_and_no_overdose_keeps_its_place(spots, kinds, min_count, cell_m, show_requests):
    xy = [(200 * i + off, 200 * j + 100 - off / 2) for i, j, off in spots]
    given_reports = reports(xy, kind=kinds[: len(xy)])
    policy = Policy(min_count=min_count, cell_m=cell_m, show_requests=show_requests)
    shown = publish(given_reports, area=TOWN, policy=policy, as_of=LATER)
    cells, points = shown.table("cells"), shown.table("incidents")
    assert ((cells["n_incidents"] >= min_count) | (cells["n_incidents"] == 0)).all()
    for kind in ("needle", "overdose"):
        mine = given_reports[given_reports["kind"] == kind]
        its_cells, its_points = cells[cells["kind"] == kind], points[points["kind"] == kind]
        counted = its_cells["n_incidents"].sum() + len(its_points)
        assert counted == (len(mine) if len(mine) >= min_count or len(its_points) else 0)
        if counted and len(its_cells):
            assert its_cells.area.sum() == pytest.approx(its_cells.union_all().area)
            held = its_cells.sjoin(mine.reset_index()[["geometry"]]).groupby(level=0).size()
            assert held.to_dict() == its_cells["n_incidents"][its_cells["n_incidents"] > 0].to_dict()

    overdoses = given_reports[given_reports["kind"] == "overdose"]
    seen = [xy for _, table in shown.tables() for xy in shapely.get_coordinates(table.geometry[_not_needles(table)])]
    if len(overdoses) and seen:
        assert not (np.array(seen) % 250).any()
    text = " ".join(table.to_csv() for _, table in shown.tables())
    assert not [incident for incident in overdoses.index if f"{incident}," in text]


def _not_needles(table: gpd.GeoDataFrame) -> pd.Series:
    return ~((table.geom_type == "Point") & (table["kind"] == "needle"))


def test_figures_made_of_single_reports_pass_for_needles_and_those_who_see_the_needles():
    cells = table_of(CELLS, 3, n_incidents=[1, 11, 0], kind=["needle", "needle", "overdose"])
    hotspots = table_of(HOTSPOTS, 2, kind=["needle", "overdose"], n_incidents=40)
    shown = publish(cells, hotspots, area=TOWN, policy=Policy.for_role("lead"))
    assert shown.table("cells")["n_incidents"].tolist() == [1, 11]
    assert shown.table("hotspots")["kind"].tolist() == ["needle"]
    shown = publish(cells, hotspots, area=TOWN, policy=Policy.for_role("analyst"))
    assert shown.table("cells").empty
    assert shown.table("hotspots").empty
    assert shown.withheld["needle cells made of single reports"] == 2


def test_hotspots_are_dated_by_day_on_the_citys_clock():
    shown = publish(table_of(HOTSPOTS, kind="needle"), area=TOWN, policy=Policy.for_role("lead")).table("hotspots")
    assert shown["last_reported_at"].item() == pd.Timestamp("2026-03-03 05:00", tz="UTC")
    assert HOTSPOTS.check(shown) is shown


def test_hotspots_of_what_is_counted_here_are_shown_cells_and_dated_by_the_window():
    shown = publish(reports([(300, 300)] * 30 + [(1600, 1600)] * 11), area=TOWN, as_of=LATER)
    cells, hotspots = shown.table("cells"), shown.table("hotspots")
    assert hotspots["n_incidents"].tolist() == [30, 11]
    assert set(hotspots.geometry.to_wkb()) <= set(cells.geometry.to_wkb())
    assert TOWN.local(hotspots["last_reported_at"].iloc[0]) == pd.Timestamp("2026-06-30", tz=TZ)
    assert hotspots["trend"].isna().all()


def test_kiosks_stand_but_small_counts_are_emptied():
    given_kiosks = table_of(
        KIOSKS,
        5,
        covered=[30.0, 9.0, 30.0, 30.0, 30.0],
        added=[30.0, 9.0, 4.0, 25.0, 0.0],
        state="proposed",
        demand_kind="needle",
    )
    shown = publish(given_kiosks, area=TOWN, policy=Policy.for_role("lead"))
    assert shown.table("kiosks")["added"].isna().tolist() == [False, True, True, True, False]
    assert shown.table("kiosks")["covered"].isna().tolist() == [False, True, True, True, False]
    assert shown.withheld_words() == ("3 kiosk counts that tell of fewer than 11 reports",)
    shown = publish(given_kiosks, area=TOWN, policy=Policy.for_role("analyst"))
    assert shown.table("kiosks")["covered"].isna().all()
    assert shown.withheld_words() == ("5 kiosk counts of reports",)
    coarse = publish(given_kiosks, area=TOWN, policy=Policy.for_role("planner")).table("kiosks")
    assert coarse["covered"].isna().tolist() == [False, True, True, True, False]
    assert (coarse[["covered", "added"]].fillna(0) % 20 == 0).all().all()


def test_no_kiosk_is_proposed_where_it_would_tell_of_few_overdoses():
    given_kiosks = table_of(KIOSKS, 3, covered=[30.0, 9.0, np.nan], state="proposed", demand_kind="overdose")
    shown = publish(given_kiosks, area=TOWN, policy=Policy.for_role("lead"))
    assert shown.table("kiosks")["covered"].isna().tolist() == [True]
    assert shown.withheld == {
        "naloxone box counts of overdoses": 1,
        "proposed naloxone boxes with few overdoses in reach": 2,
    }


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
    many = [(300, 300)] * 6
    first, second = reports(many), reports(many)
    second.index = pd.Index([f"b{k}" for k in range(6)], name="incident_id", dtype="str")
    shown = publish(first, second, table_of(SITES, ids=["s1"]), SITES.empty(CRS), area=TOWN, as_of=LATER)
    assert sorted(shown.table("cells")["n_incidents"]) == [0, 12]
    assert list(shown.table("sites").index) == ["s1"]


def test_one_id_twice_is_refused():
    with pytest.raises(TableError, match="'sites-0' stands more than once"):
        publish(table_of(SITES), table_of(SITES), area=TOWN)
    with pytest.raises(TableError, match="'incidents-0' stands more than once"):
        publish(reports([(1, 1)]), reports([(1, 1)]), area=TOWN)


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
    + [{"cell_m": value} for value in (0, -250, 100, 300, float("nan"), float("inf"))]
    + [{"months": 3}],
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


def test_the_readme_has_the_table_of_roles():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert readme.partition("<!-- roles -->\n")[2].partition("<!-- end -->")[0] == roles_markdown()


@some
@given(n=st.integers(0, 10**6), more=st.integers(0, 10), least=st.integers(2, 40))
def test_coarse_counts_of_two_days_leave_room_for_none_and_for_many(n, more, least):
    told = about(n, least), about(n + more, least)
    alike = [k for k in range(max(0, n - 3 * least), n + 3 * least) if about(k, least) == told[0]]
    assert len(alike) >= least - 1 or n == 0
    assert told[0] is None or told[0] == 0 or told[0] >= least
