"""What lies around a hotspot: the streets that name it, the nearest school, the last sweep; and all of it in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.bridge.names import area_names
from sweepplan.geo import Area
from sweepplan.streets.tags import UNNAMED
from sweepplan.tables import HOTSPOTS

SWEPT_WITHIN_M = 25.0
"""A sweep this near a hotspot's outline was one of the hotspot: crews note where they stand."""

_NAMED_WITHIN_M = 300.0
_CHILDREN = {"sites": ("school", "playground"), "places": ("schoolyard", "playground")}
_PATTERNS = {
    "new": "new: never stood out before",
    "consecutive": "has stood out for some weeks now",
    "intensifying": "stands out most of the time, ever more",
    "persistent": "stands out most of the time",
    "diminishing": "stands out most of the time, ever less",
    "sporadic": "stands out now and then",
    "oscillating": "stands out now, was quieter than elsewhere before",
    "historical": "stood out most of the time, not now",
}
_LEAST_P = 0.001


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What is known of a city besides its reports; each table on the area's plane, or None.

    Attributes
    ----------
    streets : STREETS.
    sites : SITES, of which schools and playgrounds are looked at.
    places : PLACES, of which schoolyards are looked at.
    pickups : PICKUPS, of which sweeps are looked at.
    """

    streets: gpd.GeoDataFrame | None = None
    sites: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    pickups: gpd.GeoDataFrame | None = None


def explained(hotspots: gpd.GeoDataFrame, around: Surroundings, area: Area, *, as_of: pd.Timestamp) -> gpd.GeoDataFrame:
    """Return HOTSPOTS with ``name``, ``swept_d`` and ``near`` filled as far as the surroundings tell.

    ``swept_d`` is the time since a crew last swept within 25 m of the outline, in days; empty where no sweep before
    ``as_of`` is known. ``near`` is the nearest school or playground and how far the outline is from it.
    """
    if hotspots.empty:
        return hotspots
    told = hotspots.assign(
        name=street_names(hotspots, around.streets),
        swept_d=_swept_d(hotspots, around.pickups, as_of),
        near=_near(hotspots, around, area),
    )
    return HOTSPOTS.check(told)


def street_names(areas: gpd.GeoDataFrame, streets: gpd.GeoDataFrame | None) -> pd.Series:
    """Return a name for each area: its two longest streets, else the nearest within 300 m; empty where there is none.

    Parameters
    ----------
    areas : polygons.
    streets : STREETS on the same plane; None: no area has a name.
    """
    if streets is None or areas.empty:
        return pd.Series("", index=areas.index, dtype="str")
    names = area_names(areas, streets).astype("str")
    named, without = streets[streets["name"] != UNNAMED], np.flatnonzero(names == "")
    if len(named) and without.size:
        shapes = areas.geometry.to_numpy()[without]
        area, street = named.sindex.nearest(shapes, return_all=False, max_distance=_NAMED_WITHIN_M)
        nearest = pd.Series(named["name"].to_numpy()[street], index=areas.index[without[area]])
        names = names.mask(names == "", nearest.reindex(names.index).fillna(""))
    return names


def hotspot_names(hotspots: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> pd.Series:
    """Return what hotspots are called: by their own names, those without one by the streets that may be seen."""
    without = hotspots["name"] == ""
    return hotspots["name"].mask(without, street_names(hotspots, streets)) if without.any() else hotspots["name"]


def _swept_d(hotspots: gpd.GeoDataFrame, pickups: gpd.GeoDataFrame | None, as_of: pd.Timestamp) -> pd.Series:
    if pickups is None:
        return pd.Series(np.nan, index=hotspots.index)
    swept = pickups[(pickups["stream"] == "sweep") & (pickups["at"] < as_of)]
    hotspot, sweep = swept.sindex.query(hotspots.geometry, predicate="dwithin", distance=SWEPT_WITHIN_M)
    last = swept["at"].iloc[sweep].groupby(hotspot).max()
    return pd.Series(
        ((as_of - last).dt.total_seconds() / 86_400).reindex(range(len(hotspots))).to_numpy(), index=hotspots.index
    )


def _near(hotspots: gpd.GeoDataFrame, around: Surroundings, area: Area) -> pd.Series:
    given = [(getattr(around, name), kinds) for name, kinds in _CHILDREN.items()]
    wanted = [
        table.loc[table["kind"].isin(kinds), ["name", "kind", "geometry"]]
        for table, kinds in given
        if table is not None
    ]
    children = pd.concat(wanted, ignore_index=True) if wanted else pd.DataFrame()
    if children.empty:
        return pd.Series(None, index=hotspots.index, dtype="str")
    shapes = children.geometry.to_numpy()
    _, which = shapely.STRtree(shapes).query_nearest(hotspots.geometry.to_numpy(), all_matches=False)
    apart = shapely.distance(hotspots.geometry.to_numpy(), shapes[which])
    called = children["name"].where(children["name"] != "", "a " + children["kind"]).to_numpy()[which]
    words = [
        f"{name}, {area.distance(metres)} away" if metres else f"{name}, within it"
        for name, metres in zip(called, apart, strict=True)
    ]
    return pd.Series(words, index=hotspots.index, dtype="str")


def facts(hotspot: Any) -> list[str]:
    """Return what is known of a hotspot, a phrase a fact; what is not known is left out.

    Parameters
    ----------
    hotspot : a row of HOTSPOTS.
    """
    return [
        words
        for words in (
            now_and_before(hotspot.n_last, hotspot.n_before),
            pattern_words(hotspot.pattern),
            chance_words(hotspot.p_value),
            swept_words(hotspot.swept_d),
            "" if pd.isna(hotspot.near) else f"nearest school or playground: {hotspot.near}",
        )
        if words
    ]


def now_and_before(n_last: int, n_before: float) -> str:
    """Return the reports of the last 28 days beside those of the 28 before; empty where months hide some.

    Examples
    --------
    >>> now_and_before(14, 10.0), now_and_before(3, 0.0), now_and_before(3, float("nan"))
    ('last 4 weeks: 14, the 4 before: 10 (+40%)', 'last 4 weeks: 3, the 4 before: 0', '')
    """
    if np.isnan(n_before):
        return ""
    change = f" ({n_last / n_before - 1:+.0%})" if n_before else ""
    return f"last 4 weeks: {n_last:,.0f}, the 4 before: {n_before:,.0f}{change}"


def pattern_words(pattern: str | float | None) -> str:
    """Return how a hotspot came about, in words."""
    return _PATTERNS[pattern] if isinstance(pattern, str) else ""


def chance_words(p_value: float) -> str:
    """Return how likely so many reports are by chance.

    Examples
    --------
    >>> chance_words(0.0004), chance_words(0.0312), chance_words(0.4), chance_words(float("nan"))
    ('by chance: p < 0.001', 'by chance: p = 0.031', 'may be chance: p = 0.40', '')
    """
    if np.isnan(p_value):
        return ""
    if p_value < _LEAST_P:
        return f"by chance: p < {_LEAST_P:g}"
    return f"by chance: p = {p_value:.3f}" if p_value <= 0.05 else f"may be chance: p = {p_value:.2f}"


def swept_words(swept_d: float) -> str:
    """Return when a crew was last there.

    Examples
    --------
    >>> swept_words(0.4), swept_words(1.2), swept_words(9.9), swept_words(float("nan"))
    ('swept within a day', 'last swept 1 day ago', 'last swept 9 days ago', '')
    """
    if np.isnan(swept_d):
        return ""
    days = int(swept_d)
    return f"last swept {days} day{'' if days == 1 else 's'} ago" if days else "swept within a day"
