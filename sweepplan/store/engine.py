"""The way to the database: connections, transactions, migration, and errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from sweepplan.errors import StoreError
from sweepplan.store.schema import VERSION_TABLE

BUSY_MS = 30_000
"""How long a writer waits for others: SQLite hands the lock to whoever asks at the right moment, not to the next."""

PATIENT_MS = 600_000
"""How long one who brings or replaces whole files waits: another may be bringing a large one."""

_MIGRATION_LOCK = 7_365_733
_PLAIN = {
    "database is locked": "another program holds it: try again",
    "readonly database": "it or its folder is read-only: give a path that can be written",
    "unable to open database file": "its folder is missing or read-only: give a path that can be written",
    "file is not a database": "not a sweepplan database: give another path",
    "no such table": "not a sweepplan database: give another path",
    "malformed": "the file is damaged: restore a backup",
    "append-only": "the audit is append-only: rows are neither changed nor removed",
    "disk is full": "the disk is full",
}


def usual() -> str:
    """Return the path of the database where none is named: in the user's own folder."""
    return str(Path(click.get_app_dir("sweepplan")) / "sweepplan.sqlite")


@contextmanager
def one_line(where: str) -> Iterator[None]:
    """Turn what the database complains of into a StoreError of one line."""
    try:
        yield
    except SQLAlchemyError as error:
        said = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
        mend = next((mend for words, mend in _PLAIN.items() if words in said), said)
        raise StoreError(f"{where}: {mend}") from error


def connect(url: str | Path) -> Engine:
    """Return an engine for a path (SQLite), a ``sqlite:///`` or a ``postgresql://`` URL.

    Raises
    ------
    StoreError
        Neither of them, or PostgreSQL's driver is not installed.
    """
    target = _target(url)
    try:
        if target.get_backend_name() == "postgresql":
            return create_engine(target, connect_args={"connect_timeout": 10}, pool_pre_ping=True)
        engine = create_engine(target)
    except ModuleNotFoundError as error:
        raise StoreError(f"{target}: no driver for PostgreSQL: pip install 'sweepplan[postgres]'") from error
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _target(url: str | Path) -> URL:
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        target = make_url(url)
        if target.get_backend_name() == "postgresql":
            return target.set(drivername="postgresql+psycopg")
        if target.drivername == "sqlite":
            return target
    except (ArgumentError, NoSuchModuleError, ValueError):
        target = None
    shown = target.render_as_string(hide_password=True) if target is not None else url.split("@")[-1]
    raise StoreError(f"database {shown!r}: give a path, sqlite:///PATH or postgresql://HOST/NAME")


def _prepare_sqlite(raw: Any, _: Any) -> None:
    raw.isolation_level = None  # the driver opens no transaction of its own: _begin_sqlite does
    for pragma in (f"busy_timeout = {BUSY_MS}", "journal_mode = WAL", "foreign_keys = ON", "recursive_triggers = ON"):
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer cannot wait for another writer, so who will write says so first.
    waits_ms = connection.get_execution_options().get("waits_ms")
    if waits_ms is None:
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {waits_ms}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine, *, waits_ms: int | None = None) -> Iterator[Connection]:
    """Open a transaction that writes, kept whole or not at all; it waits ``waits_ms`` for another (SQLite)."""
    waits_ms = BUSY_MS if waits_ms is None else waits_ms
    with one_line(str(engine.url)), engine.execution_options(waits_ms=waits_ms).begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database throughout."""
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with one_line(str(engine.url)), engine.execution_options(**options).begin() as connection:
        yield connection


def migrate(engine: Engine, *, new: bool = True) -> None:
    """Bring the database to this version's shape; an empty one is made where it may be ``new``.

    Raises
    ------
    StoreError
        Not our database, none yet though it may not be new, or one of a newer version.
    """
    where = str(engine.url)
    script = ScriptDirectory.from_config(_alembic())
    with reading(engine) as connection:
        version = _version(connection, where)
        if version == script.get_current_head():
            return
        if version is None and not new:
            raise StoreError(f"{where}: nothing in it yet: import into it first")
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        version = _version(connection, where)
        if version is not None and version not in {step.revision for step in script.walk_revisions()}:
            raise StoreError(f"{where}: made by a newer sweepplan (version {version}): update sweepplan")
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Take the steps that are missing, in the transaction of ``connection``."""
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def clear(connection: Connection) -> None:
    """Take everything of ours out of the database, in the transaction of ``connection``."""
    known = MetaData()
    known.reflect(connection)
    known.drop_all(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS refuse_audit_change()")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config


def _version(connection: Connection, where: str) -> str | None:
    names = inspect(connection).get_table_names()
    if VERSION_TABLE in names:
        return str(connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar_one())  # noqa: S608
    if names:
        raise StoreError(f"{where}: not a sweepplan database (it holds {names[0]!r}): give another")
    return None
