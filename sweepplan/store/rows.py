"""Tables to rows of the database and back: moments as microseconds, places as degrees, empty as NULL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, text

from sweepplan.errors import StoreError
from sweepplan.geo import WGS84
from sweepplan.tables import Contract

CHUNK = 50_000
"""Rows sent at a time."""

DIGITS = 12
"""Digits of a degree that are kept (a tenth of a micrometre): a plane's rounding is not taken for a change."""


def micros(moment: pd.Timestamp) -> int:
    """Return whole microseconds since 1970 in UTC.

    Examples
    --------
    >>> micros(pd.Timestamp("1970-01-01T00:00:01Z"))
    1000000
    """
    return int(moment.tz_convert("UTC").as_unit("us").to_numpy().astype("int64"))


def moments(values: Sequence[Any] | pd.Series) -> pd.Series:
    """Return microseconds as moments in UTC; None is an empty one."""
    whole = pd.Series(values, dtype="Int64")
    stamps = whole.fillna(0).to_numpy(dtype="int64").astype("datetime64[us]")
    return pd.Series(stamps, index=whole.index).dt.tz_localize("UTC").mask(whole.isna().to_numpy())


def tuples(
    table: gpd.GeoDataFrame,
    contract: Contract,
    names: Sequence[str],
    *more: Any,
    progress: Callable[[float], None] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table, the columns in the order of ``names``; ``lon`` and ``lat`` are its points.

    Parameters
    ----------
    more : what stands behind each row.
    progress : told the share that is gone, 0 to 1.
    """
    for start in range(0, len(table), CHUNK):
        part = table.iloc[start : start + CHUNK]
        columns = _columns(part, contract, names)
        yield from zip(*columns, *([value] * len(part) for value in more), strict=True)
        if progress is not None:
            progress((start + len(part)) / len(table))


def _columns(table: gpd.GeoDataFrame, contract: Contract, names: Sequence[str]) -> list[list[Any]]:
    degrees = table.geometry.to_crs(WGS84)
    given: dict[str, list[Any]] = {contract.index: table.index.tolist()}
    if "lon" in names:
        given["lon"] = degrees.x.round(DIGITS).tolist()
        given["lat"] = degrees.y.round(DIGITS).tolist()
    else:
        given["wkt"] = degrees.to_wkt(rounding_precision=DIGITS).tolist()
    for name, column in contract.columns.items():
        if name in names:
            given[name] = _values(table[name], column.kind)
    return [given[name] for name in names]


def _values(column: pd.Series, kind: str) -> list[Any]:
    none = column.isna().to_numpy()
    if kind == "time":
        plain: Any = column.dt.as_unit("us").dt.tz_localize(None).to_numpy().astype("int64")
    else:
        plain = column.astype("float64").to_numpy() if kind == "float" else column.to_numpy(dtype=object)
    values: list[Any] = plain.tolist()
    if none.any():
        for k in np.flatnonzero(none):
            values[k] = None
    return values


def table_of(
    rows: Sequence[Sequence[Any]], names: Sequence[str], contract: Contract, crs: str, *, wkt: bool = False
) -> gpd.GeoDataFrame:
    """Return rows of the database as a table under its contract, on the plane ``crs``."""
    if not rows:
        return contract.empty(crs)
    given = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns: dict[str, Any] = {}
    for name, column in contract.columns.items():
        if name not in given and column.optional:
            continue
        if column.kind == "time":
            columns[name] = moments(given[name])
        else:
            columns[name] = pd.Series(given[name], dtype="float64" if column.kind == "float" else "str")
    shapes = (
        gpd.GeoSeries.from_wkt(given["wkt"], crs=WGS84)
        if wkt
        else gpd.GeoSeries(gpd.points_from_xy(given["lon"], given["lat"]), crs=WGS84)
    ).to_crs(crs)
    index = pd.Index(given[contract.index], dtype="str", name=contract.index)
    return contract.check(gpd.GeoDataFrame(columns, geometry=shapes).set_index(index), plane=crs)


def add(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Add rows, fast: COPY on PostgreSQL, one statement many times on SQLite."""
    if connection.dialect.name == "postgresql":
        _copy(connection, table.name, names, rows)
        return
    _many(connection, f"{_into(table, names)} VALUES ({', '.join('?' * len(names))})", rows)


def merge(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]], *, update: bool = True
) -> tuple[int, int]:
    """Add rows whose key is new, update those whose values differ (``update``); return how many are new, and changed.

    ``import_id`` of a row alone is no difference.
    """
    keys = [column.name for column in table.primary_key.columns]
    others = [name for name in names if name not in keys]
    compared = [name for name in others if name != "import_id"]
    count = text(f"SELECT count(*) FROM {table.name}")  # noqa: S608 (a name of the schema)
    postgresql = connection.dialect.name == "postgresql"
    if postgresql:  # what others add meanwhile must not be counted
        connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")
    before = int(connection.execute(count).scalar_one())
    on = f"ON CONFLICT ({', '.join(keys)}) DO NOTHING"
    if update:
        differs = "IS DISTINCT FROM" if postgresql else "IS NOT"
        sets = ", ".join(f"{name} = excluded.{name}" for name in others)
        mine, theirs = (", ".join(f"{of}.{name}" for name in compared) for of in (table.name, "excluded"))
        on = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sets} WHERE ({mine}) {differs} ({theirs})"
    into = _into(table, names)
    if postgresql:
        connection.exec_driver_sql(f"CREATE TEMP TABLE arriving (LIKE {table.name}) ON COMMIT DROP")
        _copy(connection, "arriving", names, rows)
        touched = connection.exec_driver_sql(f"{into} SELECT {', '.join(names)} FROM arriving {on}").rowcount  # noqa: S608
        connection.exec_driver_sql("DROP TABLE arriving")
    else:
        touched = _many(connection, f"{into} VALUES ({', '.join('?' * len(names))}) {on}", rows)
    new = int(connection.execute(count).scalar_one()) - before
    return new, touched - new


def _into(table: Table, names: Sequence[str]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(_quoted(names))})"


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _many(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
    """Run a statement for every row, and return how many rows of the table it touched."""
    rows, touched = iter(rows), 0
    while part := list(islice(rows, CHUNK)):
        touched += connection.exec_driver_sql(statement, part).rowcount
    return touched


def _copy(connection: Connection, name: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    complaint: type[Exception] = connection.dialect.loaded_dbapi.Error
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(f'COPY "{name}" ({", ".join(_quoted(names))}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
    except complaint as error:
        raise StoreError(f"{name}: {' '.join(str(error).split())}") from error
    finally:
        cursor.close()
