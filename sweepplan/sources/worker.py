"""The room within a room: parses hostile bytes in a process of its own, which can neither grow nor last.

Run by path (``python -I worker.py KIND SHEET``): bytes on stdin, an Arrow file on stdout, a refusal as one line on
stderr with exit code :data:`REFUSED`. It imports nothing of sweepplan: each parser is imported after the limits are
set, and only where it is needed. :func:`geojson` is also called directly, for small files.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

MOST_BYTES = 640 << 20
"""Address space of the process."""

MOST_SECONDS = 12
"""Processor seconds of the process."""

MOST_CELLS = 20_000_000
MOST_COLUMNS = 1_000
MOST_ROWS = 2_000_000
MOST_UNZIPPED = 256 << 20
MOST_RATIO = 100
MOST_ENTRIES = 1_000
MOST_DEPTH = 4
REFUSED = 3

WGS84 = "OGC:CRS84"
_CODE = re.compile(r"(?i)(?:urn:ogc:def:crs:)?(EPSG|ESRI|OGC):(?:[\w.]*:)?(\w+)")
_WKT = re.compile(r"(?i)\s*(?:GEOG|PROJ|COMPD_|COMPOUND|BOUND)\w*CRS\[|\s*(?:GEOGCS|PROJCS|COMPD_CS)\[")
_STANDARD_TRIGGER = re.compile(
    r"rtree_.+_(?:insert|update\d|delete)|trigger_(?:insert|delete)_feature_count_.+|gpkg_(?:tile_matrix|metadata).*"
)


class RefusedError(ValueError):
    """Why a file is not read, and what to do about it."""


def geojson(data: bytes, _: str = "") -> Any:
    """Return a FeatureCollection as an Arrow table."""
    import shapely

    try:
        given = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"not JSON ({str(error)[:120]}): export it again") from error
    features = given.get("features") if isinstance(given, dict) else None
    if not isinstance(features, list):
        raise RefusedError("JSON, but no GeoJSON FeatureCollection: export it as GeoJSON or CSV")
    features = [feature if isinstance(feature, dict) else {} for feature in features]
    rows = [row if isinstance(row := feature.get("properties"), dict) else {} for feature in features]
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    _bound(len(rows), len(names))
    texts = [json.dumps(g) if shallow(g) else None for g in (f.get("geometry") for f in features)]
    shapes = shapely.from_geojson(texts, on_invalid="ignore")
    crs = given.get("crs")
    # GeoJSON of before 2016 may name another plane; since then it is WGS84 throughout.
    plane = crs.get("properties", {}).get("name") if isinstance(crs, dict) else None
    columns = [[text_of(row.get(name)) for row in rows] for name in names]
    return _table(names, columns, shapely.to_wkb(_in_degrees(shapes, plane)))


def shallow(geometry: Any, depth: int = 0) -> bool:
    """Return whether a geometry is a collection of collections at most :data:`MOST_DEPTH` deep."""
    parts = geometry.get("geometries") if isinstance(geometry, dict) else None
    if not isinstance(parts, list):
        return True
    return depth < MOST_DEPTH and all(shallow(part, depth + 1) for part in parts)


def text_of(value: Any) -> str:
    """Return a value as text, empty where there is none; a date without a time as a bare date.

    Examples
    --------
    >>> from datetime import datetime
    >>> text_of(None), text_of(7.0), text_of(2.5), text_of(datetime(2024, 5, 1)), text_of(datetime(2024, 5, 1, 7, 30))
    ('', '7', '2.5', '2024-05-01', '2024-05-01 07:30:00')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bytes):
        return ""
    return str(value).removesuffix(" 00:00:00") if hasattr(value, "isoformat") else str(value)


def gpx(data: bytes, _: str = "") -> Any:
    """Return the waypoints of a GPX file as an Arrow table: what stands in each, under its own name."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    rows: list[dict[str, str]] = []
    try:
        for _event, element in iterparse(io.BytesIO(data), forbid_dtd=True):
            name = element.tag.rpartition("}")[2]
            if name == "wpt":
                inner = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element.iter()}
                rows.append({**inner, "lat": element.get("lat", ""), "lon": element.get("lon", "")})
            if name in ("wpt", "trkpt", "rtept"):
                element.clear()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise RefusedError(f"not GPX ({str(error)[:120]}): export it again") from error
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in ("wpt", "extensions")]
    _bound(len(rows), len(names))
    return _table(names, [[row.get(name, "") for row in rows] for name in names], None)


def xlsx(data: bytes, sheet: str = "") -> Any:
    """Return a sheet (the first, where none is named) as an Arrow table: values as last computed, no formulas."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    unzipped(data, {".xml", ".rels", ".vml", ".bin", ".png", ".jpeg", ".jpg", ".emf", ".gif", ""})
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        names = [page.title for page in book.worksheets]
        if sheet and sheet not in names:
            raise RefusedError(f"no sheet {sheet!r}: it has {', '.join(map(repr, names))[:300]}")
        if not names:
            raise RefusedError("a workbook without a sheet: export it again")
        page = book[sheet or names[0]]
        page.reset_dimensions()
        header, *rows = _sheet_rows(page.iter_rows(values_only=True)) or [[]]
    except (InvalidFileException, ParseError, DefusedXmlException, KeyError, AttributeError, TypeError) as error:
        raise RefusedError(f"not an Excel workbook ({str(error)[:120]}): save it as .xlsx or CSV") from error
    wide = len(header)
    _bound(len(rows), wide)
    return _table(header, [[row[k] if k < len(row) else "" for row in rows] for k in range(wide)], None)


def _sheet_rows(rows: Iterable[Sequence[Any]]) -> list[list[str]]:
    """Text of all rows from the first that is not blank, without blanks at their ends; a wider row loses nothing."""
    found: list[list[str]] = []
    cells = 0
    for row in islice(rows, MOST_ROWS + 1):
        texts = [text_of(value) for value in row[: MOST_COLUMNS + 1]]
        while texts and not texts[-1]:
            texts.pop()
        cells += len(texts)
        if texts or found:
            found.append(texts)
        if cells > MOST_CELLS or len(found) > MOST_ROWS:
            raise RefusedError(f"more than {MOST_ROWS:,} rows or {MOST_CELLS:,} cells: split it, or save it as CSV")
    while found and not found[-1]:
        found.pop()
    if found:
        widest = max(len(row) for row in found)
        found[0] += [""] * (widest - len(found[0]))
    return found


def parquet(data: bytes, _: str = "") -> Any:
    """Return a Parquet or GeoParquet file as an Arrow table; nested columns are refused by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _bound(file.metadata.num_rows, file.metadata.num_columns)
        geo = json.loads((file.schema_arrow.metadata or {}).get(b"geo", b"{}"))
        column, plane = _geoparquet(geo)
        table = file.read()
    except (pa.ArrowException, OSError, ValueError, AttributeError) as error:
        raise RefusedError(f"not a Parquet file that can be read ({str(error)[:120]}): export it again") from error
    names = [name for name in table.column_names if name != column and name != "bbox"]
    nested = [name for name in names if pa.types.is_nested(table.schema.field(name).type)]
    if nested:
        raise RefusedError(f"column {nested[0]!r} holds lists or tables: export it flat")
    columns = [[text_of(value) for value in table[name].to_pylist()] for name in names]
    shapes = table[column].to_pylist() if column in table.column_names else None
    return _table(names, columns, None if shapes is None else _wkb_in_degrees(shapes, plane))


def _geoparquet(geo: Any) -> tuple[str | None, Any]:
    if not isinstance(geo, dict) or "primary_column" not in geo:
        return None, None
    name = str(geo["primary_column"])
    about = geo.get("columns", {}).get(name, {})
    if about.get("encoding") != "WKB":
        raise RefusedError(f"geometry column {name!r} is {str(about.get('encoding'))[:40]!r}: write it as WKB")
    plane = about.get("crs", WGS84)
    return name, json.dumps(plane) if isinstance(plane, dict) else plane


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
    _bound(n, len(names))
    database.text_factory = lambda text: text.decode("utf-8", "replace")
    chosen = ", ".join(quoted(name) for name in names)
    rows = database.execute(f"SELECT {chosen} FROM {quoted(layer)}").fetchall()  # noqa: S608
    plain = [k for k, name in enumerate(names) if name != said.get(layer)]
    columns = [[text_of(row[k]) for row in rows] for k in plain]
    if layer not in said:
        return _table([names[k] for k in plain], columns, None)
    at = names.index(said[layer])
    plane = _plane_of(database, srs[layer])
    shapes = _wkb_in_degrees([_gpkg_wkb(row[at]) for row in rows], plane)
    return _table([names[k] for k in plain], columns, shapes)


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


def shapefile(data: bytes, layer: str = "") -> Any:
    """Return the shapefile within a zip as an Arrow table."""
    # Set before GDAL wakes up: what it shall not even try, and no outside file.
    os.environ.update(GDAL_SKIP="VRT OGR_VRT DERIVED GPKG SQLite", GDAL_DRIVER_PATH="disable", CPL_DEBUG="OFF")
    os.environ.update(SHAPE_RESTORE_SHX="NO", GDAL_NUM_THREADS="1", CPL_VSIL_CURL_ALLOWED_EXTENSIONS="none")
    parts = unzipped(data, None)
    stems = sorted(name[:-4] for name in parts if name.lower().endswith(".shp") and not name.startswith("__MACOSX/"))
    if layer:
        stems = [stem for stem in stems if stem.rpartition("/")[2] == layer]
    if len(stems) != 1:
        raise RefusedError(f"a zip with {len(stems)} shapefiles: zip one .shp with its .shx, .dbf and .prj")
    endings = (".shp", ".shx", ".dbf", ".prj", ".cpg")
    files = {
        ending: content
        for name, content in parts.items()
        for ending in endings
        if name[:-4] == stems[0] and name[-4:].lower() == ending
    }
    if {".shp", ".shx", ".dbf"} - files.keys():
        raise RefusedError(f"no {', '.join(sorted({'.shp', '.shx', '.dbf'} - files.keys()))} in it: zip them all")
    if any(files[ending][:4] != b"\x00\x00\x27\x0a" for ending in (".shp", ".shx")):
        raise RefusedError("its .shp or .shx is no shapefile: export it again")
    if not 3 <= files[".dbf"][0] & 7 <= 5 or len(files[".dbf"]) < 33:
        raise RefusedError("its .dbf is no dBase table: export it again")
    for ending, content in files.items():
        with open(f"layer{ending}", "wb") as file:  # in the folder made for this process
            file.write(content)
    return _with_gdal("layer.shp")


def _with_gdal(path: str) -> Any:
    import pyogrio
    import pyogrio.raw
    from pyogrio.errors import DataSourceError

    try:
        about = pyogrio.read_info(path, force_feature_count=True)
        if about["driver"] != "ESRI Shapefile":
            raise RefusedError(f"a {str(about['driver'])[:40]!r}, no shapefile: export it again")
        _bound(int(about["features"]), len(about["fields"]))
        _, _, shapes, values = pyogrio.raw.read(path, datetime_as_string=True)
    except (DataSourceError, ValueError, RuntimeError, UnicodeDecodeError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"not a shapefile that can be read ({str(error)[:120]}): export it again") from error
    names = [str(name) for name in about["fields"]]
    columns = [[text_of(None if value != value else value) for value in column.tolist()] for column in values]
    if shapes is None:
        return _table(names, columns, None)
    return _table(names, columns, _wkb_in_degrees(shapes.tolist(), about["crs"]))


def unzipped(data: bytes, allowed: set[str] | None) -> dict[str, bytes]:
    """Return the members of a zip by name, within bounds; with ``allowed`` endings the zip is only looked through.

    Sizes are counted while unpacking: a header may lie.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MOST_ENTRIES:
                raise RefusedError(f"a zip of {len(infos):,} files: zip only those needed, at most {MOST_ENTRIES:,}")
            return dict(_members(archive, infos, len(data), allowed))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"a damaged zip, or an encrypted one ({str(error)[:80]}): zip it again") from error


def _members(archive: Any, infos: list[Any], packed: int, allowed: set[str] | None) -> Iterator[tuple[str, bytes]]:
    import zlib

    left = min(MOST_UNZIPPED, max(32 << 20, MOST_RATIO * packed))
    for info in infos:
        name = info.filename.replace("\\", "/")
        ending = os.path.splitext(name)[1].lower()
        if name.startswith("/") or ".." in name.split("/") or ":" in name or "\0" in name:
            raise RefusedError(f"a file named {name[:60]!r} in the zip points outside it: zip it again")
        if ending in (".zip", ".gz", ".7z", ".rar", ".tar", ".tgz"):
            raise RefusedError(f"a packed file {name[:60]!r} within the zip: unpack it first")
        if allowed is not None and ending not in allowed:
            raise RefusedError(f"a file {name[:60]!r} in the workbook: save it as .xlsx or CSV")
        try:
            with archive.open(info) as file:
                content = file.read(left + 1)
        except zlib.error as error:
            raise RefusedError(f"a damaged zip ({str(error)[:80]}): zip it again") from error
        left -= len(content)
        if left < 0:
            raise RefusedError("a zip that unpacks to too much: unpack it, and zip only what is needed")
        if content.startswith((b"PK\x03\x04", b"\x1f\x8b")):
            raise RefusedError(f"a packed file {name[:60]!r} within the zip: unpack it first")
        if allowed is not None:
            if re.search(rb"<!\s*(?:DOCTYPE|ENTITY)", content, re.IGNORECASE):
                raise RefusedError(f"a declaration in {name[:60]!r}, which data needs none of: save it as CSV")
            content = b""
        yield name, content


def _wkb_in_degrees(shapes: Sequence[bytes | None], plane: str | None) -> Any:
    import shapely

    sound = [shape if isinstance(shape, bytes) else None for shape in shapes]
    return shapely.to_wkb(_in_degrees(shapely.from_wkb(sound, on_invalid="ignore"), plane))


def _in_degrees(shapes: Any, plane: Any) -> Any:
    """Return shapes in WGS84 degrees; ``plane`` None: they are taken for degrees, and looked at later."""
    import shapely

    shapes = shapely.force_2d(shapes)
    if plane is None or str(plane).upper() in ("EPSG:4326", WGS84):
        return shapes
    import numpy as np
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    text, code = str(plane), _CODE.fullmatch(str(plane))
    known = code or _WKT.match(text) or text.startswith('{"$schema"')
    # A plane's text may name files of this machine (grids): those are refused.
    if not known or len(text) > 20_000 or re.search(r"(?i)nadgrids|geoidgrids|EXTENSION\[|\+init|PARAMETERFILE", text):
        raise RefusedError(f"unknown plane {text[:60]!r}: export it in WGS84 degrees")
    try:
        given = CRS.from_user_input(f"{code[1]}:{code[2]}".upper() if code else text)
        change = Transformer.from_crs(given, WGS84, always_xy=True)
    except ProjError as error:
        raise RefusedError(f"unknown plane {text[:60]!r}: export it in WGS84 degrees") from error
    return shapely.transform(shapes, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1])))


def _bound(rows: int, columns: int) -> None:
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise RefusedError(
            f"{rows:,} rows of {columns:,} columns: at most {MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns and "
            f"{MOST_CELLS:,} cells: split it, or save it as CSV"
        )


def _table(names: Iterable[str], columns: Iterable[list[str]], shapes: Any) -> Any:
    import pyarrow as pa

    def sound(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    names = [sound(str(name)) for name in names]
    arrays = [pa.array([sound(value) for value in column], pa.large_string()) for column in columns]
    fields = [pa.field(f"c{k}", pa.large_string()) for k in range(len(arrays))]
    if shapes is not None:
        arrays.append(pa.array(list(shapes), pa.large_binary()))
        fields.append(pa.field("shape", pa.large_binary()))
    return pa.table(arrays, pa.schema(fields, {b"names": json.dumps(names).encode()}))


PARSERS: dict[str, Callable[[bytes, str], Any]] = {
    "geojson": geojson,
    "gpx": gpx,
    "gpkg": gpkg,
    "parquet": parquet,
    "shapefile": shapefile,
    "xlsx": xlsx,
}


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the time limit is the parent's
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_UNZIPPED, MOST_UNZIPPED))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(kind: str, part: str) -> int:
    """Parse stdin to stdout."""
    _limit()
    try:
        import pyarrow as pa

        table = PARSERS[kind](sys.stdin.buffer.read(), part)
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
            out.write_table(table)
        sys.stdout.buffer.flush()
    except RefusedError as error:
        sys.stderr.write(" ".join(str(error).split()))
        return REFUSED
    except (MemoryError, RecursionError):
        sys.stderr.write("needs too much memory to be read: split it, or save it as CSV")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
