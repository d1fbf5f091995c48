"""JSON: features, or records in any of the wrappings that portals put round them."""

from __future__ import annotations

import json
from typing import Any

from .bounds import RefusedError, bound, table_of, text_of
from .planes import in_degrees

MOST_DEPTH = 4
"""Of collections within collections of shapes, and of tables within a record."""

WRAPPINGS = ("records", "issues", "service_requests", "requests", "results", "rows", "items", "value", "data")
"""Names under which answers keep their records, the likeliest first."""

TOTALS = (("total",), ("count",), ("metadata", "pagination", "entries"))
"""Where an answer says how many records there are in all, on this page and on others."""

_WEB_MERCATOR = ("102100", "102113", "900913")
_Rows = list[dict[str, Any]]


def records(data: bytes, _: str = "") -> Any:
    """Return a JSON document as an Arrow table; nested tables become columns ``outer.inner``.

    Known wrappings: a list of records; GeoJSON; ArcGIS features; a Socrata table (``rows.json``); a record list under
    one name (``issues``, ``result.records``, ``service_requests``), its total in the schema as ``total``; a dump of a
    CKAN data store; a record a line.
    """
    try:
        given = _loaded(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"not JSON ({str(error)[:120]}): export it again") from error
    if isinstance(given, dict) and isinstance(given.get("error"), dict | str):
        raise RefusedError(f"an error in place of data ({json.dumps(given['error'])[:200]}): ask for it again")
    for read in (_features, _socrata, _dumped, _listed):
        found = read(given)
        if found is not None:
            return found
    raise RefusedError("JSON, but neither a list of records nor a GeoJSON FeatureCollection: export it again")


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        first = text.lstrip()[:1]
        if error.msg != "Extra data" or first != "{":
            raise
        return [json.loads(line) for line in text.split("\n") if line.strip()]


def _features(given: Any) -> Any:
    features = given.get("features") if isinstance(given, dict) else None
    if not isinstance(features, list):
        return None
    features = [feature if isinstance(feature, dict) else {} for feature in features]
    arcgis = any("attributes" in feature for feature in features)
    rows = [_dict(feature.get("attributes" if arcgis else "properties")) for feature in features]
    shapes = [_point_of(feature) if arcgis else feature.get("geometry") for feature in features]
    if arcgis:
        return _table(rows, shapes, _arcgis_plane(given))
    crs = given.get("crs")
    # GeoJSON of before 2016 may name another plane; since then it is WGS84 throughout.
    return _table(rows, shapes, crs.get("properties", {}).get("name") if isinstance(crs, dict) else None)


def _point_of(feature: dict[str, Any]) -> dict[str, Any] | None:
    at = _dict(feature.get("geometry"))
    x, y = at.get("x"), at.get("y")
    numbers = isinstance(x, int | float) and isinstance(y, int | float)
    return {"type": "Point", "coordinates": [x, y]} if numbers else None


def _arcgis_plane(given: dict[str, Any]) -> str | None:
    said = _dict(given.get("spatialReference"))
    code = str(said.get("latestWkid") or said.get("wkid") or said.get("wkt") or "")
    if code in _WEB_MERCATOR:
        return "EPSG:3857"
    return f"{'ESRI' if int(code) > 100_000 else 'EPSG'}:{code}" if code.isdigit() else code or None


def _socrata(given: Any) -> Any:
    view = _dict(_dict(given.get("meta")).get("view")) if isinstance(given, dict) else {}
    columns, cells = view.get("columns"), given.get("data") if isinstance(given, dict) else None
    if not isinstance(columns, list) or not isinstance(cells, list):
        return None
    named = [(k, str(_dict(column).get("fieldName", k))) for k, column in enumerate(columns)]
    rows = [{name: row[k] for k, name in named if k < len(row)} for row in cells if isinstance(row, list)]
    parts = {k: _dict(column).get("subColumnTypes") for k, column in enumerate(columns)}
    for k, name in named:
        inner = parts[k]
        if isinstance(inner, list):
            for row in rows:
                row[name] = dict(zip(map(str, inner), row[name], strict=False)) if isinstance(row[name], list) else None
    return _table(rows, None, None)


def _dumped(given: Any) -> Any:
    fields, cells = (given.get("fields"), given.get("records")) if isinstance(given, dict) else (None, None)
    if not isinstance(fields, list) or not isinstance(cells, list) or not all(isinstance(row, list) for row in cells):
        return None
    names = [str(_dict(field).get("id", k)) for k, field in enumerate(fields)]
    return _table([dict(zip(names, row, strict=False)) for row in cells], None, None)


def _listed(given: Any) -> Any:
    holder = given
    if isinstance(given, dict) and isinstance(given.get("result"), dict):
        holder = given["result"]
    if isinstance(holder, dict):
        lists = {name: value for name, value in holder.items() if isinstance(value, list) and _are_records(value)}
        name = next((name for name in WRAPPINGS if name in lists), next(iter(lists)) if len(lists) == 1 else None)
        return None if name is None else _table(_unwrapped(lists[name]), None, None, total=_total(holder))
    return _table(_unwrapped(holder), None, None) if isinstance(holder, list) and _are_records(holder) else None


def _are_records(rows: list[Any]) -> bool:
    return all(isinstance(row, dict) for row in rows)


def _unwrapped(rows: _Rows) -> _Rows:
    """Return records that each stand alone under one name (``{"request": {...}}``) without it."""
    inner = [next(iter(row.values())) for row in rows if len(row) == 1]
    return inner if rows and len(inner) == len(rows) and _are_records(inner) else rows


def _total(holder: dict[str, Any]) -> int | None:
    for path in TOTALS:
        value: Any = holder
        for name in path:
            value = _dict(value).get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _table(rows: _Rows, shapes: list[Any] | None, plane: Any, *, total: int | None = None) -> Any:
    import shapely

    bound(len(rows), len({name for row in rows for name in row}))
    flat = [dict(_flat(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    bound(len(flat), len(names))
    columns = [[row.get(name, "") for row in flat] for name in names]
    if shapes is None:
        return table_of(names, columns, None, total=total)
    texts = [json.dumps(shape) if isinstance(shape, dict) and shallow(shape) else None for shape in shapes]
    found = shapely.from_geojson(texts, on_invalid="ignore")
    return table_of(names, columns, shapely.to_wkb(in_degrees(found, plane)), total=total)


def _flat(row: dict[str, Any], before: str = "", depth: int = 0) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in row.items():
        if isinstance(value, dict) and depth < MOST_DEPTH:
            pairs += _flat(value, f"{before}{name}.", depth + 1)
        else:
            pairs.append((f"{before}{name}", _text(value)))
    return pairs


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else text_of(value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def shallow(geometry: Any, depth: int = 0) -> bool:
    """Return whether a geometry is a collection of collections at most :data:`MOST_DEPTH` deep."""
    parts = geometry.get("geometries") if isinstance(geometry, dict) else None
    if not isinstance(parts, list):
        return True
    return depth < MOST_DEPTH and all(shallow(part, depth + 1) for part in parts)
