"""OpenStreetMap tags → name, class and speed of a street."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

UNNAMED = "unnamed road"

WALK_MS = 1.3
"""Walking speed, metres a second."""

CITY_FACTOR = 0.6
"""Share of the posted speed that a van makes good over a whole trip in town, lights, junctions and parked cars
included. An assumption, not a measurement: replace it by giving ``speed_ms``, or by travel times of one's own."""

MOTORWAYS = frozenset({"motorway", "motorway_link"})
"""Nobody may walk here."""

NOT_SWEPT = MOTORWAYS | {"trunk_link"}
"""Motorways and ramps: no crew sweeps here on foot."""

FOOT_ONLY = frozenset(
    {"footway", "path", "steps", "pedestrian", "cycleway", "corridor", "bridleway", "elevator", "platform"}
)
"""No van may drive here."""

KPH: Mapping[str, float] = {
    "motorway": 90,
    "motorway_link": 50,
    "trunk": 65,
    "trunk_link": 45,
    "primary": 50,
    "secondary": 45,
    "service": 15,
    "living_street": 15,
    "track": 15,
}
"""Posted speed by class where the street has no readable ``maxspeed``, kilometres an hour."""

OTHER_KPH = 40.0
"""Posted speed of every class not in :data:`KPH` (25 mph)."""

_MPH = 1.609344
_WALK_KPH = 7.0
_FASTEST_KPH = 150.0
_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(mph|km/?h|kph)?", re.IGNORECASE)


def values(tag: object) -> list[str]:
    """Return the values of a tag that may be missing, one, a list, or several with ``;`` or ``|`` between.

    Examples
    --------
    >>> values(["25 mph", "35 mph"]), values("40;50"), values(None)
    (['25 mph', '35 mph'], ['40', '50'], [])
    """
    listed = tag if isinstance(tag, list | tuple | set) else [tag]
    texts = [str(part) for part in listed if part is not None and part == part]
    return [" ".join(text.split()) for part in texts for text in re.split(r"[;|]", part) if text.strip()]


def name_of(tags: Mapping[str, Any]) -> str:
    """Return the street's name; several are joined, none is ``unnamed road``.

    Examples
    --------
    >>> name_of({"name": ["Fenway", "The Fenway"]}), name_of({})
    ('Fenway / The Fenway', 'unnamed road')
    """
    return " / ".join(dict.fromkeys(values(tags.get("name")))) or UNNAMED


def way_ids(tags: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the ids of the ways the street is made of, none where it has none.

    Examples
    --------
    >>> way_ids({"osmid": [12, 13]}), way_ids({"osmid": 0}), way_ids({})
    ((12, 13), (0,), ())
    """
    osmid = tags.get("osmid")
    listed = osmid if isinstance(osmid, list | tuple | set) else [osmid]
    return tuple(int(each) for each in listed if isinstance(each, int | np.integer))


def classes(tags: Mapping[str, Any]) -> list[str]:
    """Return the street's classes (``highway``), ``road`` where it has none."""
    return values(tags.get("highway")) or ["road"]


def may_drive(tags: Mapping[str, Any]) -> bool:
    """Say whether a van may drive along the whole street."""
    return FOOT_ONLY.isdisjoint(classes(tags))


def may_walk(tags: Mapping[str, Any]) -> bool:
    """Say whether one may walk along the whole street: no motorway, nothing closed to people on foot."""
    closed = "no" in values(tags.get("foot")) or "yes" in values(tags.get("motorroad"))
    return MOTORWAYS.isdisjoint(classes(tags)) and not closed


def posted_kph(tags: Mapping[str, Any]) -> float:
    """Return the speed allowed, kilometres an hour; of several the lowest; by class where none can be read.

    Examples
    --------
    >>> posted_kph({"maxspeed": "25 mph"}), posted_kph({"maxspeed": ["40", "walk"]})
    (40.2336, 7.0)
    >>> posted_kph({"maxspeed": "none", "highway": ["motorway_link", "primary"]})
    50
    """
    read = [kph for kph in map(_read_kph, values(tags.get("maxspeed"))) if kph is not None]
    return min(read) if read else min(KPH.get(name, OTHER_KPH) for name in classes(tags))


def _read_kph(text: str) -> float | None:
    if text.lower().split(":")[-1] == "walk":
        return _WALK_KPH
    found = _SPEED.fullmatch(text)
    if not found:
        return None
    number, unit = found.groups()
    kph = float(number) * (_MPH if (unit or "").lower() == "mph" else 1.0)
    return kph if 0 < kph <= _FASTEST_KPH else None
