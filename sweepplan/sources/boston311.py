"""Boston's 311 export, ``boston311``: the full schema of 2011-2023 and the lower-case one of the yearly files.

Times are on the city's wall clock. Free text (``CLOSURE_REASON``, ``CASE_TITLE``) is looked at to find test cases and
goes no further.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.reading import Draft, Feed
from sweepplan.sources.sieve import Bools, Fault

NEEDLE_TYPES = frozenset({"needle pickup", "needle pick up", "needle cleanup", "needle clean up"})
"""Values of ``TYPE`` that are needle requests, in lower case, with a blank for any hyphen."""

FORMATS = ("%m/%d/%Y %I:%M:%S %p",)

FILLER = (42.3594, -71.0587)
"""What the export writes as latitude and longitude of a case that was not geocoded: a spot by City Hall."""

_TEST_NOTE = (
    r"(?is)^(?:.*\b(?:invalid|noted|resolved|duplicate|pick\W?up|clean\W?up)\b)?[\W_]*"
    r"(?:(?:this|it|is|was|a|an|just|only|production|prod|system|internal|app|please|ignore)\b[\W_]*)*"
    r"test(?:ing)?\b[\W_]*"
    r"(?:(?:case|only|ticket|request|record|entry|please|ignore|disregard|do|not|dispatch|this)\b[\W_]*)*$"
)

_REQUIRED = ("case_enquiry_id", "open_dt", "closed_dt", "case_status", "type", "latitude", "longitude")
_OPTIONAL = ("target_dt", "sla_target_dt", "case_title", "closure_reason", "geocoded_location")


def parse(raw: RawTable, _: Mapping[str, str]) -> Draft:
    """Return the needle requests of an export; other requests, test cases and cases without a geocode are refused.

    Raises
    ------
    SourceError
        A column is missing.
    """
    raw.require(*_REQUIRED)
    due = raw.text("target_dt")
    kind = raw.text("type")
    simple = kind.str.casefold().str.replace(r"[\W_]+", " ", regex=True)
    title, note = raw.text("case_title"), raw.text("closure_reason")
    lat, lon = raw.text("latitude"), raw.text("longitude")
    filler = _not_geocoded(raw.text("geocoded_location"), lat, lon)
    test = pd.Series("test", index=kind.index, dtype="str")
    return Draft(
        source="boston311",
        kind=pd.Series("needle", index=kind.index, dtype="str"),
        reported=raw.text("open_dt"),
        lat=lat.mask(filler, ""),
        lon=lon.mask(filler, ""),
        due=due.mask(due.eq(""), raw.text("sla_target_dt")),
        closed=raw.text("closed_dt"),
        status=raw.text("case_status"),
        needles=pd.Series("", index=kind.index, dtype="str"),
        ids=raw.text("case_enquiry_id"),
        faults=[
            Fault("not a needle request", (~simple.isin(NEEDLE_TYPES)).to_numpy(), kind),
            Fault("test case", is_test(title) | is_test(note), test),
            Fault("not geocoded", filler, lat.str.cat(lon, sep=", ")),
        ],
        formats=FORMATS,
    )


def is_test(text: pd.Series) -> Bools:
    """Return which texts say nothing but that the case is a test, alone or after the case's outcome.

    Examples
    --------
    >>> notes = ["Case Closed. Case Invalid Production TEST", "TEST", "Noted found a test strip", "the latest test"]
    >>> is_test(pd.Series(notes)).tolist()
    [True, True, False, False]
    """
    found = text.str.contains("test", case=False, regex=False).to_numpy(dtype=bool)
    tests: Bools = np.zeros(len(text), dtype=bool)
    tests[found] = text[found].str.contains(_TEST_NOTE, regex=True).to_numpy(dtype=bool)
    return tests


def _not_geocoded(geocode: pd.Series, lat: pd.Series, lon: pd.Series) -> Bools:
    zero = geocode.str.replace(r"[\s.()]", "", regex=True).isin(["0,0", "00,00"])
    filler = pd.to_numeric(lat, errors="coerce").eq(FILLER[0]) & pd.to_numeric(lon, errors="coerce").eq(FILLER[1])
    return (zero | filler).to_numpy(dtype=bool)


FEED = Feed(
    "boston311",
    "City of Boston 311 service requests, CSV export (full schema of 2011-2023, or the yearly lower-case files)",
    "needle",
    parse,
    frozenset(_REQUIRED + _OPTIONAL),
)
