"""Cincinnati's EMS responses to heroin overdoses, ``cincinnati-ems``: dispatch records with a disposition.

Times are on the city's wall clock. Addresses are looked at to find points that stand for no place, and go no further.
Dispositions are free codes, cut off after 30 characters and sometimes joined by a comma ("CN: CANCEL,MEDD: MT
DISREGARDE"). A response does not count where any of them says that it was cancelled, a duplicate, a false alarm or
disregarded, or that there was no patient. Everything else counts, also "good intent", "advised", "investigation",
"reassigned" and an empty disposition: they don't say that nobody had overdosed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.reading import Draft, Feed
from sweepplan.sources.sieve import Fault

DOES_NOT_COUNT = {
    "cancelled": "CANCEL",
    "duplicate": "DUPLIC",
    "false": "FALSE",
    "disregarded": "DISREG",
    "no patient": r"NO PATIENT|NO PT\b",
}
"""Why a disposition does not count, and the letters that say so."""

_REQUIRED = (
    "latitude_x",
    "longitude_x",
    "create_time_incident",
    "closed_time_incident",
    "disposition_text",
    "event_number",
)


def parse(raw: RawTable, mapping: Mapping[str, str]) -> Draft:
    """Return the responses that count; all are closed.

    Parameters
    ----------
    mapping : ``does_not_count = "cancel, duplic"`` lists the letters that say so, in place of :data:`DOES_NOT_COUNT`.

    Raises
    ------
    SourceError
        A column is missing.
    """
    raw.require(*_REQUIRED)
    given = [part.strip() for part in mapping.get("does_not_count", "").split(",")]
    odd = {letters.casefold(): re.escape(letters) for letters in given if letters} or DOES_NOT_COUNT
    said = raw.text("disposition_text")
    empty = pd.Series("", index=said.index, dtype="str")
    return Draft(
        source="cincinnati-ems",
        kind=pd.Series("overdose", index=said.index, dtype="str"),
        reported=raw.text("create_time_incident"),
        lat=raw.text("latitude_x"),
        lon=raw.text("longitude_x"),
        due=empty,
        closed=raw.text("closed_time_incident"),
        status=pd.Series("closed", index=said.index, dtype="str"),
        needles=empty,
        ids=raw.text("event_number"),
        faults=[
            Fault(f"disposition does not count: {why}", said.str.contains(rf"(?i){letters}").to_numpy(dtype=bool), said)
            for why, letters in odd.items()
        ],
        named=raw.text("address_x"),
        formats=("%m/%d/%Y %I:%M:%S %p",),
    )


FEED = Feed(
    "cincinnati-ems",
    "City of Cincinnati EMS responses to heroin overdoses, CSV export",
    "overdose",
    parse,
    frozenset((*_REQUIRED, "address_x")),
    frozenset({"does_not_count"}),
)
