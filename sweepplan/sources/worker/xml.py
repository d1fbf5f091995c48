"""XML: waypoints of GPX, and requests of Open311 GeoReport v2."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from .bounds import RefusedError, bound, table_of

_Row = dict[str, str]


def gpx(data: bytes, _: str = "") -> Any:
    """Return the waypoints of a GPX file as an Arrow table: what stands in each, under its own name."""

    def waypoint(element: Any) -> _Row:
        inner = {_name(child): (child.text or "").strip() for child in element.iter()}
        return {**inner, "lat": element.get("lat", ""), "lon": element.get("lon", "")}

    return _table(data, "GPX", {"wpt": waypoint, "trkpt": None, "rtept": None}, ("wpt", "extensions"))


def georeport(data: bytes, _: str = "") -> Any:
    """Return the requests of a GeoReport answer as an Arrow table: what stands in each, under its own name."""

    def request(element: Any) -> _Row:
        return {_name(child): (child.text or "").strip() for child in element}

    return _table(data, "a GeoReport answer", {"request": request, "service_request": request}, ())


def _table(data: bytes, called: str, wanted: dict[str, Callable[[Any], _Row] | None], hidden: tuple[str, ...]) -> Any:
    rows = list(_rows(data, called, wanted))
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in hidden]
    bound(len(rows), len(names))
    return table_of(names, [[row.get(name, "") for row in rows] for name in names], None)


def _rows(data: bytes, called: str, wanted: dict[str, Callable[[Any], _Row] | None]) -> Iterator[_Row]:
    """Yield a row for each element that ``wanted`` reads; one with None is let go unread."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    try:
        for _event, element in iterparse(io.BytesIO(data), forbid_dtd=True):
            if _name(element) in wanted:
                read = wanted[_name(element)]
                if read is not None:
                    yield read(element)
                element.clear()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise RefusedError(f"not {called} ({str(error)[:120]}): export it again") from error


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
