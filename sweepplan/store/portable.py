"""A copy of everything in one zip of Parquet tables, which either database takes back."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Table, func, select, text

from sweepplan.errors import StoreError
from sweepplan.store.rows import CHUNK, add
from sweepplan.store.schema import METADATA, VERSION_TABLE

MANIFEST = "manifest.json"


def write(connection: Connection, path: Path) -> dict[str, int]:
    """Write all tables as one state of the database, and return their rows; a file there is replaced at the end."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    rows: dict[str, int] = {}
    hashes: dict[str, str] = {}
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as bundle:
            for table in METADATA.sorted_tables:
                data, rows[table.name] = _parquet(connection, table)
                hashes[table.name] = hashlib.sha256(data).hexdigest()
                bundle.writestr(f"{table.name}.parquet", data)
            version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()  # noqa: S608
            manifest = {"sweepplan": version, "rows": rows, "sha256": hashes}
            bundle.writestr(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
    return rows


def read(connection: Connection, path: Path) -> dict[str, int]:
    """Fill an empty database from a copy, and return its rows.

    Raises
    ------
    StoreError
        The database is not empty; the copy is damaged, of another version, or none.
    """
    for table in METADATA.sorted_tables:
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise StoreError(f"{path}: the database holds {table.name} already: restore into a new one")
    try:
        with zipfile.ZipFile(path) as bundle:
            manifest = json.loads(bundle.read(MANIFEST))
            version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one()  # noqa: S608
            if manifest["sweepplan"] != version:
                raise StoreError(f"{path}: a copy of version {manifest['sweepplan']}, this is {version}: use that one")
            for table in METADATA.sorted_tables:
                data = bundle.read(f"{table.name}.parquet")
                if hashlib.sha256(data).hexdigest() != manifest["sha256"][table.name]:
                    raise StoreError(f"{path}: {table.name} is damaged: use another copy")
                _fill(connection, table, data)
            return {str(name): int(n) for name, n in manifest["rows"].items()}
    except (
        OSError,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        NotImplementedError,
        EOFError,
        zlib.error,
        pa.ArrowException,
    ) as error:
        raise StoreError(f"{path}: not a copy made by sweepplan, or damaged: use another") from error


def _parquet(connection: Connection, table: Table) -> tuple[bytes, int]:
    kinds = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    schema = pa.schema([(column.name, kinds[column.type.python_type]) for column in table.columns])
    out, n = io.BytesIO(), 0
    ordered = select(table).order_by(*table.primary_key.columns)
    with pq.ParquetWriter(out, schema) as writer:
        result = connection.execute(ordered, execution_options={"yield_per": CHUNK})
        for rows in result.partitions():
            columns = [
                pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            n += len(rows)
    return out.getvalue(), n


def _fill(connection: Connection, table: Table, data: bytes) -> None:
    names = [column.name for column in table.columns]
    for batch in pq.ParquetFile(io.BytesIO(data)).iter_batches(CHUNK):
        values: list[list[Any]] = [batch.column(name).to_pylist() for name in names]
        add(connection, table, names, list(zip(*values, strict=True)))
    if connection.dialect.name == "postgresql" and "id" in names and table.name != "audit_head":
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        connection.execute(
            text(f"SELECT setval({sequence}, coalesce(max(id), 0) + 1, false) FROM {table.name}")  # noqa: S608
        )
