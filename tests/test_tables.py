"""A table's contract lists every fault at once."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point

from sweepplan.errors import CrsError, TableError
from sweepplan.tables import ALL, INCIDENTS, SITES, contract_of

PLANE = "EPSG:32619"


def incidents(**changes: object) -> gpd.GeoDataFrame:
    moments = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    columns = {
        "kind": ["needle", "overdose"],
        "reported_at": moments,
        "time_precision": "second",
        "source": "made up",
        "needles": [2.0, np.nan],
        "status": pd.array(["open", None], dtype="str"),
        "due_at": moments,
        "closed_at": pd.to_datetime([None, None], utc=True),
    }
    index = pd.Index(["a", "b"], name="incident_id", dtype="str")
    return gpd.GeoDataFrame({**columns, **changes}, geometry=[Point(0, 0), Point(1, 1)], crs=PLANE, index=index)


def test_a_table_that_keeps_its_contract_comes_back_as_it_is() -> None:
    table = incidents()
    assert INCIDENTS.check(table, plane=PLANE) is table
    assert contract_of(table) is INCIDENTS


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_an_empty_table_keeps_its_contract(contract) -> None:
    assert contract_of(contract.empty(PLANE)) is contract


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("kind", ["needle", "syringe"], "holds 'syringe': one of needle, overdose"),
        ("kind", pd.array(["needle", None], dtype="str"), "column 'kind' is empty in 1 rows"),
        ("reported_at", pd.to_datetime(["2026-01-01", "2026-01-02"]), "not a time in UTC"),
        ("reported_at", pd.to_datetime(["2026-01-01", "2026-01-02"]).tz_localize("America/New_York"), "a time in UTC"),
        ("needles", [-1.0, 2.0], "holds -1.0: at least 0"),
        ("needles", [np.inf, 2.0], "infinite"),
        ("needles", ["1", "2"], "not float"),
        ("source", [1, 2], "not str"),
    ],
)
def test_a_faulty_column_is_named_with_the_value(column: str, values: object, words: str) -> None:
    with pytest.raises(TableError, match=words):
        INCIDENTS.check(incidents(**{column: values}))


def test_all_faults_stand_in_one_message() -> None:
    table = incidents(name=["x", "y"]).drop(columns="kind")
    table.index = pd.Index(["a", "a"], name="incident_id", dtype="str")
    with pytest.raises(TableError, match=r"'a' stands more than once; no column 'kind'; unknown column 'name'"):
        INCIDENTS.check(table)


def test_geometry_and_plane_are_checked() -> None:
    with pytest.raises(CrsError, match="incidents lies on EPSG:32619; the area's plane is EPSG:32618"):
        INCIDENTS.check(incidents(), plane="EPSG:32618")
    for shape, words in ((LineString([(0, 0), (1, 1)]), "is LineString, not Point"), (Point(), "without a geometry")):
        table = incidents()
        table.loc["a", "geometry"] = shape
        with pytest.raises(TableError, match=words):
            INCIDENTS.check(table)
    with pytest.raises(TableError, match="not finite"):
        INCIDENTS.check(incidents().set_geometry([Point(np.inf, 0), Point(0, 0)], crs=PLANE))
    with pytest.raises(TableError, match="not a GeoDataFrame"):
        INCIDENTS.check(pd.DataFrame())


def test_an_unknown_index_is_no_table() -> None:
    with pytest.raises(TableError, match="no table has an index named 'thing_id'"):
        contract_of(SITES.empty(PLANE).rename_axis("thing_id"))
