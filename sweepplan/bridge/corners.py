"""Places in people's words: a street, or a corner of two."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from sweepplan.errors import StreetsError
from sweepplan.streets.tags import UNNAMED

_APART_M = 60.0
_MOST = 4


def corner(words: str, streets: gpd.GeoDataFrame) -> tuple[str, shapely.Point]:
    """Return the name and the point that ``High Street & Mill Lane``, or ``High Street``, means.

    Parameters
    ----------
    streets : tables.STREETS.

    Raises
    ------
    StreetsError
        No street, or more than one, is called so; or the two do not meet.
    """
    parts = [part.strip() for part in words.replace(" and ", "&").replace("@", "&").split("&")]
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise StreetsError(f"{words!r}: write a street, or a corner as High Street & Mill Lane")
    named = streets[~streets["name"].isin(["", UNNAMED])]
    names = [_name(part, named["name"]) for part in parts]
    lines = [shapely.union_all(list(named.geometry[named["name"] == name])) for name in names]
    if len(names) == 1:
        longest = max(shapely.get_parts(shapely.line_merge(lines[0])), key=lambda line: line.length)
        return names[0], shapely.line_interpolate_point(longest, 0.5, normalized=True)
    if lines[0].distance(lines[1]) > _APART_M:
        raise StreetsError(f"{names[0]} and {names[1]} do not meet: give a street that crosses")
    there, across = (shapely.Point(xy) for xy in shapely.get_coordinates(shapely.shortest_line(*lines)))
    return " & ".join(names), shapely.line_interpolate_point(shapely.LineString([there, across]), 0.5, normalized=True)


def _name(words: str, names: pd.Series) -> str:
    known = sorted(set(names))
    asked = words.casefold()
    exact = [name for name in known if name.casefold() == asked]
    found = exact or [name for name in known if asked in name.casefold()]
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise StreetsError(f"no street is called {words!r}: write it as the map does")
    more = ", ..." if len(found) > _MOST else ""
    raise StreetsError(f"{words!r} may be {', '.join(found[:_MOST])}{more}: write more of it")
