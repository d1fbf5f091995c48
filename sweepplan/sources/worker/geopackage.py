"""GeoPackages, read with plain SQL."""

from __future__ import annotations

import re
from typing import Any

from .bounds import RefusedError, bound, table_of, text_of
from .planes import wkb_in_degrees

_STANDARD_TRIGGER = re.compile(
    r"rtree_.+_(?:insert|update\d|delete)|trigger_(?:insert|delete)_feature_count_.+|gpkg_(?:tile_matrix|metadata).*"
)


def gpkg(data: bytes, layer: str = "") -> Any:
    """Return a layer (the only one, where none is named) of a GeoPackage, read from memory with plain SQL."""
    import sqlite3

    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(data)
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        database.execute("PRAGMA query_only = ON")
        _only_tables(database)
        layers = _layers(database)
        if layer and layer not in layers:
            raise RefusedError(f"no layer {layer!r}: it has {', '.join(map(repr, layers))[:300]}")
        if len(layers) != 1 and not layer:
            raise RefusedError(f"it has {len(layers)} layers ({', '.join(map(repr, layers))[:300]}): keep one")
        return _layer(database, layer or next(iter(layers)))
    except (sqlite3.Error, OverflowError) as error:
        raise RefusedError(f"not a GeoPackage that can be read ({str(error)[:120]}): export it again") from error


def _only_tables(database: Any) -> None:
    for kind, name, sql in database.execute("SELECT type, name, sql FROM sqlite_master"):
        text = " ".join(str(sql or "").upper().split())
        if kind == "view" or (kind == "trigger" and not _STANDARD_TRIGGER.fullmatch(str(name))):
            raise RefusedError(f"it holds a {kind}, {str(name)[:60]!r}: export its tables alone to a new GeoPackage")
        virtual = kind == "table" and text.startswith("CREATE VIRTUAL")
        if kind not in ("table", "index", "trigger", "view") or (virtual and not str(name).startswith("rtree_")):
            raise RefusedError(f"it holds {str(name)[:60]!r}, which is no plain table: export it to a new GeoPackage")
        if "GENERATED ALWAYS" in text and kind == "table":
            raise RefusedError(f"table {str(name)[:60]!r} computes a column: export its values to a new GeoPackage")


def _layers(database: Any) -> dict[str, None]:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "gpkg_contents" not in tables:
        raise RefusedError("an SQLite database, but no GeoPackage (no table gpkg_contents): export it as .gpkg")
    rows = database.execute("SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes')")
    layers = {str(name): None for (name,) in rows}
    odd = [name for name in layers if name not in tables or name.startswith(("sqlite_", "rtree_", "gpkg_"))]
    if odd:
        raise RefusedError(f"layer {odd[0][:60]!r} is no table of its own: export it to a new GeoPackage")
    return layers


def _layer(database: Any, layer: str) -> Any:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    said = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
    srs = dict(database.execute("SELECT table_name, srs_id FROM gpkg_geometry_columns"))
    names = [row[1] for row in database.execute(f"PRAGMA table_info({quoted(layer)})")]
    (n,) = database.execute(f"SELECT count(*) FROM {quoted(layer)}").fetchone()  # noqa: S608
    bound(n, len(names))
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    chosen = ", ".join(quoted(name) for name in names)
    rows = database.execute(f"SELECT {chosen} FROM {quoted(layer)}").fetchall()  # noqa: S608
    plain = [k for k, name in enumerate(names) if name != said.get(layer)]
    columns = [[text_of(row[k]) for row in rows] for k in plain]
    if layer not in said:
        return table_of([names[k] for k in plain], columns, None)
    at = names.index(said[layer])
    plane = _plane_of(database, srs[layer])
    shapes = wkb_in_degrees([_gpkg_wkb(row[at]) for row in rows], plane)
    return table_of([names[k] for k in plain], columns, shapes)


def _plane_of(database: Any, srs: Any) -> str | None:
    row = database.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?", (srs,)
    ).fetchone()
    if row is None or srs in (-1, 0):
        return None
    organization, code, definition = (str(value) for value in row)
    return f"{organization}:{code}" if organization.upper() in ("EPSG", "ESRI") else definition


def _gpkg_wkb(blob: Any) -> bytes | None:
    """Return the WKB within a GeoPackage geometry: ``GP``, version, flags, srs_id, envelope, WKB."""
    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < 8:
        return None
    size = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}.get(blob[3] >> 1 & 7)
    return None if size is None or blob[3] >> 5 & 1 else blob[8 + size :]
