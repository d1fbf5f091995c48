"""Crews as settings write them, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from sweepplan.errors import ProblemError
from sweepplan.model import Crew

_KEYS = (
    "name",
    "shift",
    "mode",
    "break",
    "break_min",
    "capacity",
    "unload_min",
    "skills",
    "zones",
    "depot",
    "end_depot",
)


def crew_of(given: Mapping[str, Any]) -> Crew:
    """Make a crew of a ``[[crews]]`` table: only ``name`` and ``shift`` are needed.

    Raises
    ------
    ProblemError
        A key is unknown or missing, or a value is none that it takes.

    Examples
    --------
    >>> crew = crew_of({"name": "A", "shift": "07:00-15:00", "break": "11:00-13:00", "skills": ["two-person"]})
    >>> crew.break_until, crew_told(crew)["break_min"]
    (datetime.time(13, 0), 30)
    """
    for key in ("name", "shift"):
        if not isinstance(given.get(key), str):
            who = f"crew {given['name']!r}" if key == "shift" else "a crew"
            raise ProblemError(f'{who}: no {key}: give e.g. name = "A" and shift = "07:00-15:00"')
    name = str(given["name"])
    strange = sorted(set(given) - set(_KEYS))
    if strange:
        raise ProblemError(f"crew {name!r}: unknown {strange[0]!r}: one of {', '.join(_KEYS)}")
    shift = Crew.on_shift(name, str(given["shift"]))
    rest = _span(name, given["break"]) if "break" in given else (None, None)
    if "break_min" in given and "break" not in given:
        raise ProblemError(f'crew {name!r}: break_min without break: give when it may start, break = "11:00-13:00"')
    return Crew(
        name,
        shift.start,
        shift.end,
        mode=str(given.get("mode", "drive")),
        break_from=rest[0],
        break_until=rest[1],
        break_min=_whole(name, "break_min", given.get("break_min", Crew.break_min)),
        capacity=_whole(name, "capacity", given["capacity"]) if "capacity" in given else None,
        unload_min=_whole(name, "unload_min", given["unload_min"]) if "unload_min" in given else None,
        skills=_words(name, "skills", given.get("skills", [])),
        zones=_words(name, "zones", given.get("zones", [])),
        depot=_lat_lon(name, "depot", given["depot"]) if "depot" in given else None,
        end_depot=_lat_lon(name, "end_depot", given["end_depot"]) if "end_depot" in given else None,
    )


def crew_told(crew: Crew) -> dict[str, Any]:
    """Return a crew as :func:`crew_of` reads it, ready for JSON; what it has not is left out."""
    told: dict[str, Any] = {
        "name": crew.name,
        "shift": f"{crew.start:%H:%M}-{crew.end:%H:%M}",
        "mode": None if crew.mode == "drive" else crew.mode,
        "break": f"{crew.break_from:%H:%M}-{crew.break_until:%H:%M}" if crew.break_from and crew.break_until else None,
        "break_min": crew.break_min if crew.break_from else None,
        "capacity": crew.capacity,
        "unload_min": crew.unload_min,
        "skills": sorted(crew.skills) or None,
        "zones": sorted(crew.zones) or None,
        "depot": list(crew.depot) if crew.depot else None,
        "end_depot": list(crew.end_depot) if crew.end_depot else None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _span(name: str, given: Any) -> tuple[time, time]:
    try:
        first, last = (time.fromisoformat(part.strip()) for part in str(given).split("-"))
    except ValueError as error:
        raise ProblemError(
            f"crew {name!r}: break {given!r}: write its earliest and latest start as 11:00-13:00"
        ) from error
    return first, last


def _whole(name: str, key: str, given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise ProblemError(f"crew {name!r}: {key} {given!r}: give a whole number")
    return given


def _words(name: str, key: str, given: Any) -> frozenset[str]:
    if not isinstance(given, list | tuple) or not all(isinstance(word, str) and word.strip() for word in given):
        raise ProblemError(f'crew {name!r}: {key} {given!r}: give a list of words, e.g. {key} = ["two-person"]')
    return frozenset(given)


def _lat_lon(name: str, key: str, given: Any) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in given)
    except (TypeError, ValueError) as error:
        raise ProblemError(f"crew {name!r}: {key} {given!r}: write [latitude, longitude] in degrees") from error
    return lat, lon
