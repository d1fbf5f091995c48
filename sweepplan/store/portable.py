"""A copy of everything in one zip of JSON lines, which either database takes back; it streams through, both ways."""

from __future__ import annotations

import hashlib
import json
import math
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Connection, Table, func, select, text

from sweepplan.errors import StoreError
from sweepplan.intake import FREE_BYTES
from sweepplan.store.rows import CHUNK, add
from sweepplan.store.schema import METADATA, VERSION_TABLE

MANIFEST = "manifest.json"
MOST_RATIO = 50
"""A copy that unpacks to more than this many times its size, beyond ``FREE_BYTES``, is refused: ours grow 3 to 15."""

_BLOCK = 1 << 20
_MOST_LINE = 8 << 20
_MOST_MANIFEST = 64 << 10
_DAMAGED = (
    *(OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, NotImplementedError, EOFError),
    *(zlib.error, RuntimeError),
)
_REFUSED = "not a copy made by sweepplan, or damaged: use another"


def write(connection: Connection, path: Path) -> dict[str, int]:
    """Write all tables as one state of the database, and return their rows; a file there is replaced at the end."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    rows: dict[str, int] = {}
    hashes: dict[str, str] = {}
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
            for table in METADATA.sorted_tables:
                rows[table.name], hashes[table.name] = _write_table(connection, table, bundle)
            manifest = {"sweepplan": _version(connection), "rows": rows, "sha256": hashes}
            bundle.writestr(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        part.chmod(0o600)
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
    return rows


def look(path: Path) -> dict[str, int]:
    """Return the rows by table that a copy says it holds.

    Raises
    ------
    StoreError
        No such file, or not a copy.
    """
    with _opened(path) as bundle:
        try:
            return _rows(_manifest(bundle))
        except _DAMAGED as error:
            raise StoreError(f"{path}: {_REFUSED}") from error


def empty(connection: Connection) -> Table | None:
    """Return the first table that holds a row, or None."""
    for table in METADATA.sorted_tables:
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            return table
    return None


def read(connection: Connection, path: Path) -> dict[str, int]:
    """Fill an empty database from a copy, and return its rows.

    Raises
    ------
    StoreError
        The database is not empty; the copy is damaged, of another version, grows too much, or none.
    """
    held = empty(connection)
    if held is not None:
        raise StoreError(f"{path}: the database holds {held.name} already: restore into a new one, or --replace it")
    with _opened(path) as bundle:
        try:
            manifest = _manifest(bundle)
            version = _version(connection)
            if manifest["sweepplan"] != version:
                raise StoreError(f"{path}: a copy of version {manifest['sweepplan']}, this is {version}: use that one")
            left = max(FREE_BYTES, MOST_RATIO * path.stat().st_size)
            for table in METADATA.sorted_tables:
                left -= _fill(connection, table, bundle, manifest, left=left)
            return _rows(manifest)
        except StoreError:
            raise
        except _DAMAGED as error:
            raise StoreError(f"{path}: {_REFUSED}") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    if not path.is_file():
        raise StoreError(f"{path}: no such file: give a copy that sweepplan backup wrote")
    try:
        bundle = zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise StoreError(f"{path}: {_REFUSED}") from error
    with bundle:
        yield bundle


def _version(connection: Connection) -> str:
    return str(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608


def _rows(manifest: dict[str, Any]) -> dict[str, int]:
    return {table.name: int(manifest["rows"][table.name]) for table in METADATA.sorted_tables}


def _manifest(bundle: zipfile.ZipFile) -> dict[str, Any]:
    data = b"".join(_blocks(bundle, MANIFEST, _MOST_MANIFEST))
    manifest = json.loads(data)
    if not isinstance(manifest, dict):
        raise ValueError(MANIFEST)
    return manifest


def _write_table(connection: Connection, table: Table, bundle: zipfile.ZipFile) -> tuple[int, str]:
    """Write a table, and return its rows and the hash of its lines."""
    ordered = select(table).order_by(*table.primary_key.columns)
    digest, n = hashlib.sha256(), 0
    encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
    with bundle.open(f"{table.name}.jsonl", "w", force_zip64=True) as out:
        result = connection.execute(ordered, execution_options={"yield_per": CHUNK // 10})
        for rows in result.partitions():
            data = "".join([f"{encode(list(row))}\n" for row in rows]).encode()
            digest.update(data)
            out.write(data)
            n += len(rows)
    return n, digest.hexdigest()


def _fill(connection: Connection, table: Table, bundle: zipfile.ZipFile, manifest: dict[str, Any], *, left: int) -> int:
    """Fill a table from a copy, and return how many bytes its lines are, at most ``left``."""
    digest, n, size = hashlib.sha256(), 0, 0
    names = [column.name for column in table.columns]
    for lines in _lines(bundle, f"{table.name}.jsonl", left):
        digest.update(lines)
        size += len(lines)
        rows = [json.loads(line, parse_constant=_no_number) for line in lines.splitlines()]
        _check(table, rows)
        n += len(rows)
        add(connection, table, names, map(tuple, rows))
    if digest.hexdigest() != manifest["sha256"][table.name] or n != manifest["rows"][table.name]:
        raise StoreError(f"{bundle.filename}: {table.name} is damaged: use another copy")
    if connection.dialect.name == "postgresql" and "id" in names and table.name != "audit_head":
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        connection.execute(
            text(f"SELECT setval({sequence}, coalesce(max(id), 0) + 1, false) FROM {table.name}")  # noqa: S608
        )
    return size


def _check(table: Table, rows: list[Any]) -> None:
    """Refuse values that a column of this table cannot have come by."""
    if any(type(row) is not list or len(row) != len(table.columns) for row in rows):
        raise ValueError(table.name)
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=False):
        kind = column.type.python_type
        if not set(map(type, values)) <= {kind, type(None)}:
            raise ValueError(column.name)
        if kind is int and any(value is not None and not -(2**63) <= value < 2**63 for value in values):
            raise ValueError(column.name)
        if kind is float and not all(value is None or math.isfinite(value) for value in values):
            raise ValueError(column.name)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _lines(bundle: zipfile.ZipFile, name: str, most: int) -> Iterator[bytes]:
    """Yield whole lines, about a block at a time."""
    rest = b""
    for block in _blocks(bundle, name, most):
        whole, end, rest = (rest + block).rpartition(b"\n")
        if end:
            yield whole + end
        if len(rest) > _MOST_LINE:
            raise ValueError(name)
    if rest:
        raise ValueError(name)


def _blocks(bundle: zipfile.ZipFile, name: str, most: int) -> Iterator[bytes]:
    """Yield what a member unpacks to, at most ``most`` bytes; sizes are counted, for a header may lie."""
    info = bundle.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without bound
        raise ValueError(name)
    with bundle.open(info) as file:
        while block := file.read(_BLOCK):
            most -= len(block)
            if most < 0:
                raise StoreError(f"{bundle.filename}: unpacks to far more than a copy does: use another")
            yield block
