"""Exports like ODMAP's, ``odmap``: suspected overdoses with the four fields that every agency enters.

Date and time, place, whether the overdose is suspected fatal, and whether naloxone was given (Washington/Baltimore
HIDTA, odmap.org). Agencies' exports spell them in many ways; what is known is listed in :data:`SPELLINGS`. Fatality
and naloxone are no columns of an incident and go no further, and neither does anything else that stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from sweepplan.errors import SourceError
from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.reading import Draft, Feed

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "moment": (
        *("datetime", "dateandtime", "incidentdatetime", "overdosedatetime", "dateofoverdose", "odmapdatetime"),
        *("oddateandtime", "oddatetime", "incidentdateandtime", "overdosedateandtime", "dateandtimeofoverdose"),
        *("incidentdate", "overdosedate", "oddate", "date"),
    ),
    "clock time": ("incidenttime", "overdosetime", "odtime", "time"),
    "latitude": ("latitude", "lat", "y", "incidentlatitude", "overdoselatitude"),
    "longitude": ("longitude", "lon", "lng", "long", "x", "incidentlongitude", "overdoselongitude"),
    "id": ("id", "incidentid", "caseid", "overdoseid", "casenumber", "incidentnumber", "agencycaseid", "objectid"),
}
"""How columns are spelled, in small letters and digits alone, the likeliest first."""

FORMATS = (
    *("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y"),
    *("%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p"),
)


def parse(raw: RawTable, _: Mapping[str, str]) -> Draft:
    """Return the overdoses; a date and a time in two columns are joined.

    Raises
    ------
    SourceError
        There is no column for the time, the latitude or the longitude.
    """
    found = {word: _spelled(raw, names) for word, names in SPELLINGS.items()}
    missing = [word for word in ("moment", "latitude", "longitude") if not found[word]]
    if missing:
        raise SourceError(
            f"{raw.path}: no column for the {missing[0]} of an overdose, only "
            f"{' '.join(', '.join(raw.names).split())[:200]}"
            f"; name it e.g. {SPELLINGS[missing[0]][0]!r}"
        )
    day, clock = raw.text(found["moment"]), raw.text(found["clock time"])
    clock = clock.mask(clock.str.fullmatch(r"\d{3,4}"), clock.str.zfill(4).str.replace(r"(..)$", r":\1", regex=True))
    bare = ~day.str.contains(":", regex=False) & clock.ne("")
    moment = day.mask(bare, day.str.cat(clock, sep=" "))
    empty = pd.Series("", index=day.index, dtype="str")
    return Draft(
        source="odmap",
        kind=pd.Series("overdose", index=day.index, dtype="str"),
        reported=moment,
        lat=raw.text(found["latitude"]),
        lon=raw.text(found["longitude"]),
        due=empty,
        closed=empty,
        status=empty,
        needles=empty,
        ids=raw.text(found["id"]) if found["id"] else None,
        formats=FORMATS,
    )


def _spelled(raw: RawTable, names: tuple[str, ...]) -> str:
    bare = {re.sub(r"[^a-z0-9]", "", name): name for name in raw.frame.columns}
    return next((bare[name] for name in names if name in bare), "")


FEED = Feed("odmap", "suspected overdoses as ODMAP asks for them: time, place, fatal, naloxone", "overdose", parse)
