"""Parquet and GeoParquet."""

from __future__ import annotations

import json
from typing import Any

from .bounds import RefusedError, bound, table_of, text_of
from .planes import WGS84, wkb_in_degrees


def parquet(data: bytes, _: str = "") -> Any:
    """Return a Parquet or GeoParquet file as an Arrow table; nested columns are refused by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        bound(file.metadata.num_rows, file.metadata.num_columns)
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
    return table_of(names, columns, None if shapes is None else wkb_in_degrees(shapes, plane))


def _geoparquet(geo: Any) -> tuple[str | None, Any]:
    if not isinstance(geo, dict) or "primary_column" not in geo:
        return None, None
    name = str(geo["primary_column"])
    about = geo.get("columns", {}).get(name, {})
    if about.get("encoding") != "WKB":
        raise RefusedError(f"geometry column {name!r} is {str(about.get('encoding'))[:40]!r}: write it as WKB")
    plane = about.get("crs", WGS84)
    return name, json.dumps(plane) if isinstance(plane, dict) else plane
