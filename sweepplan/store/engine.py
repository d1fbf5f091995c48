"""The way to the database: connections, transactions, migration, and errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from sweepplan.errors import StoreError
from sweepplan.store.schema import VERSION_TABLE

BUSY_MS = 10_000
"""How long a writer waits for another."""

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
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes, kept whole or not at all."""
    with one_line(str(engine.url)), engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database throughout."""
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with one_line(str(engine.url)), engine.execution_options(**options).begin() as connection:
        yield connection


def migrate(engine: Engine) -> None:
    """Bring the database to this version's shape; an empty one is made.

    Raises
    ------
    StoreError
        Not our database, or one of a newer version.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with reading(engine) as connection:
        if _version(connection, str(engine.url)) == script.get_current_head():
            return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        version = _version(connection, str(engine.url))
        if version is not None and version not in {step.revision for step in script.walk_revisions()}:
            raise StoreError(f"{engine.url}: made by a newer sweepplan (version {version}): update sweepplan")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: Connection, where: str) -> str | None:
    names = inspect(connection).get_table_names()
    if VERSION_TABLE in names:
        return str(connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar_one())  # noqa: S608
    if names:
        raise StoreError(f"{where}: not a sweepplan database (it holds {names[0]!r}): give another")
    return None
