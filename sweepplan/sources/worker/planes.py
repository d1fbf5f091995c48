"""Shapes in WGS84 degrees, whatever plane a file says it is on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .bounds import RefusedError

WGS84 = "OGC:CRS84"


_CODE = re.compile(r"(?i)(?:urn:ogc:def:crs:)?(EPSG|ESRI|OGC):(?:[\w.]*:)?(\w+)")


_WKT = re.compile(r"(?i)\s*(?:GEOG|PROJ|COMPD_|COMPOUND|BOUND)\w*CRS\[|\s*(?:GEOGCS|PROJCS|COMPD_CS)\[")


def wkb_in_degrees(shapes: Sequence[bytes | None], plane: str | None) -> Any:
    """Return WKB in WGS84 degrees."""
    import shapely

    sound = [shape if isinstance(shape, bytes) else None for shape in shapes]
    return shapely.to_wkb(in_degrees(shapely.from_wkb(sound, on_invalid="ignore"), plane))


def in_degrees(shapes: Any, plane: Any) -> Any:
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
