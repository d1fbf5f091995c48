"""What comes in from a file: all of it or nothing, and once, however often and by however many it is brought."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Connection, Row, delete, insert, select, update

from sweepplan.errors import StoreError
from sweepplan.store import audit as chain
from sweepplan.store import schema
from sweepplan.store.rows import CHUNK, add, merge, micros, tuples
from sweepplan.tables import INCIDENTS, KIOSK_STATES, PICKUPS, QUARANTINE, SITES, check_columns

Done = tuple[int, int, int]
"""Rows new, changed, unchanged."""

Told = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


@dataclass(frozen=True)
class FileRead:
    """A file that was read.

    Attributes
    ----------
    settings : how it was read, in any words; the same file under others is imported anew, in place of before.
    merged : rows of the quarantine that were merged into a kept one.
    summary : what reading it said, for JSON; kept as it is.
    """

    feed: str
    file_name: str
    sha256: str
    rows_in: int
    kept: int
    merged: int = 0
    settings: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportResult:
    """What an import did to the table; ``repeated``: this very file was imported before, and nothing was done."""

    import_id: int
    new: int
    changed: int
    unchanged: int
    repeated: bool = False


def known(connection: Connection, feed: str, sha256: str) -> Row[Any] | None:
    """Return the import of this file, or None."""
    c = schema.imports.c
    return connection.execute(select(schema.imports).where(c.feed == feed, c.sha256 == sha256)).first()


def repeated(connection: Connection, feed: str, sha256: str, settings: str) -> ImportResult | None:
    """Return what importing this file again would do (nothing), or None where it is new or was read otherwise."""
    row = known(connection, feed, sha256)
    return ImportResult(row.id, 0, 0, row.kept, repeated=True) if row and row.settings == settings else None


def take(
    connection: Connection,
    table: pd.DataFrame,
    quarantine: pd.DataFrame,
    read: FileRead,
    *,
    at: int,
    by: str,
    told: Told,
) -> ImportResult:
    """Keep a table and the rows set aside, and note it in the audit; others who import wait."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE imports IN SHARE ROW EXCLUSIVE MODE")
    again = repeated(connection, read.feed, read.sha256, read.settings)
    if again is not None:  # another brought it while this one was read
        return again
    number = _noted(connection, read, len(quarantine), at)
    new, changed, unchanged = _FILL[str(table.index.name)](connection, table, number, told)
    _set_aside(connection, quarantine, number)
    what = f"import {read.feed} {read.file_name} sha256 {read.sha256[:16]}"
    chain.append(connection, at=at, who=by, what=what, policy="", rows=new + changed)
    return ImportResult(number, new, changed, unchanged)


def _noted(connection: Connection, read: FileRead, aside: int, at: int) -> int:
    """Return the number of the import; where the file was read otherwise before, its quarantine makes way."""
    facts = {
        "feed": read.feed,
        "file_name": read.file_name,
        "sha256": read.sha256,
        "rows_in": read.rows_in,
        "kept": read.kept,
        "merged": read.merged,
        "rejected": aside - read.merged,
        "at": at,
        "settings": read.settings,
        "summary": json.dumps(read.summary, sort_keys=True, allow_nan=False),
    }
    before = known(connection, read.feed, read.sha256)
    if before is None:
        added = connection.execute(insert(schema.imports).values(**facts))
        return int(added.inserted_primary_key[0])  # type: ignore[index]
    connection.execute(delete(schema.quarantine).where(schema.quarantine.c.import_id == before.id))
    connection.execute(update(schema.imports).where(schema.imports.c.id == before.id).values(**facts))
    return int(before.id)


def _set_aside(connection: Connection, quarantine: pd.DataFrame, number: int) -> None:
    names = ("import_id", *QUARANTINE, "state")
    for start in range(0, len(quarantine), CHUNK):
        part = quarantine[list(QUARANTINE)].iloc[start : start + CHUNK].astype(object)
        rows = part.where(part.notna(), None).itertuples(index=False, name=None)
        add(connection, schema.quarantine, names, [(number, int(line), *rest, "open") for line, *rest in rows])


def _incidents(connection: Connection, table: gpd.GeoDataFrame, number: int, told: Told) -> Done:
    names = ("source", "incident_id", *(n for n in INCIDENTS.columns if n != "source"), "lon", "lat")
    rows = tuples(INCIDENTS.check(table), INCIDENTS, names, number, progress=told)
    new, changed = merge(connection, schema.incidents, (*names, "import_id"), rows)
    return new, changed, len(table) - new - changed


def add_pickups(connection: Connection, table: gpd.GeoDataFrame, _: int = 0, told: Told | None = None) -> Done:
    """Keep PICKUPS; an id that is known counts once, however often it is sent."""
    names = (PICKUPS.index, *PICKUPS.columns, "lon", "lat")
    rows = tuples(PICKUPS.check(table), PICKUPS, names, progress=told)
    new, _changed = merge(connection, schema.pickups, names, rows, update=False)
    return new, 0, len(table) - new


def put_sites(connection: Connection, table: gpd.GeoDataFrame, at: int) -> Done:
    """Keep SITES, and their state as of ``at`` where it is another than before."""
    names = ("site_id", "name", "kind", "lon", "lat")
    new, changed = merge(connection, schema.sites, names, tuples(SITES.check(table), SITES, names))
    latest = connection.execute(select(schema.site_states).order_by(schema.site_states.c.at)).mappings()
    states = {row["site_id"]: row["state"] for row in latest if row["at"] <= at}
    others = [(s, state, at) for s, state in table["state"].items() if states.get(str(s)) != state]
    add(connection, schema.site_states, ("site_id", "state", "at"), others)
    return new, changed, len(table) - new - changed


def _sites(connection: Connection, table: gpd.GeoDataFrame, _: int, __: Told) -> Done:
    """Keep a layer of sites: undated, so they stand since always; a ledger tells what came of them."""
    return put_sites(connection, table, 0)


def _states(connection: Connection, table: pd.DataFrame, _: int, __: Told) -> Done:
    """Keep the states of a kiosk ledger that are not known yet."""
    check_columns("kiosk states", KIOSK_STATES, table)
    states = schema.site_states.c
    standing = set(connection.execute(select(schema.sites.c.site_id)).scalars())
    lost = sorted(set(table["site_id"]) - standing)
    if lost:
        raise StoreError(f"no site {lost[0]!r}: import the kiosks before their ledger")
    known_rows = {tuple(row) for row in connection.execute(select(states.site_id, states.state, states.at))}
    given = dict.fromkeys(zip(table["site_id"], table["state"], map(micros, table["at"]), strict=True))
    new = [row for row in given if row not in known_rows]
    add(connection, schema.site_states, ("site_id", "state", "at"), new)
    return len(new), 0, len(table) - len(new)


_FILL: Mapping[str, Callable[[Connection, Any, int, Told], Done]] = {
    INCIDENTS.index: _incidents,
    PICKUPS.index: add_pickups,
    SITES.index: _sites,
    "None": _states,
}
