"""Boston's 311 export, ``boston311``, of all years and both of the city's systems.

Three schemas: upper case with ``TARGET_DT`` (2011-2023), lower case with ``target_dt`` or ``sla_target_dt`` (the yearly
files), and that of the system that replaces the old since 2025 (``case_id, open_date, service_name, ...``). Times are
on the city's wall clock; the new system's bear an offset. Free text (``CLOSURE_REASON``, ``CASE_TITLE``) and streets
are looked at to find test cases, misrouted needles and points that stand for no place, and go no further.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sweepplan.errors import SettingsError
from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.reading import Draft, Feed
from sweepplan.sources.sieve import Bools, Fault
from sweepplan.sources.words import names_needles

NEEDLE_TYPES = frozenset({"needle pickup", "needle pick up", "needle cleanup", "needle clean up"})
"""Values of ``TYPE`` that are needle requests, in lower case, with a blank for any hyphen."""

NEEDLE_QUEUE = "needle pickup"
"""What the needle team's queue (``GEN_Needle_Pickup``) contains, written as a type."""

FORMATS = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M")
"""Of the upper-case files, and of files that a spreadsheet wrote again."""

FILLER = (42.3594, -71.0587)
"""What the export writes as latitude and longitude of a case that was not geocoded: a spot by City Hall."""

_TEST_NOTE = (
    r"(?is)^(?:.*\b(?:invalid|noted|resolved|duplicate|pick\W?up|clean\W?up)\b)?[\W_]*"
    r"(?:(?:this|it|is|was|a|an|just|only|production|prod|system|internal|app|please|ignore)\b[\W_]*)*"
    r"test(?:ing)?\b[\W_]*"
    r"(?:(?:case|only|ticket|request|record|entry|please|ignore|disregard|do|not|dispatch|this)\b[\W_]*)*$"
)

_OPEN = ("in progress", "apply", "create", "submit", "needs reallocation", "error")
"""Values of the new system's ``case_status`` besides Closed: steps of a case that is open."""

_LEGACY = {
    "id": "case_enquiry_id",
    "opened": "open_dt",
    "closed": "closed_dt",
    "type": "type",
    "title": "case_title",
    "note": "closure_reason",
    "queue": "queue",
    "due": "target_dt",
    "street": "location_street_name",
}
_NEW = {
    "id": "case_id",
    "opened": "open_date",
    "closed": "close_date",
    "type": "service_name",
    "title": "case_topic",
    "note": "closure_comments",
    "queue": "assigned_team",
    "due": "target_close_date",
    "street": "street_name",
}
_REQUIRED = ("id", "opened", "closed", "type")
_EITHER = ("case_status", "latitude", "longitude")
_OTHER = ("sla_target_dt", "geocoded_location")


def parse(raw: RawTable, mapping: Mapping[str, str]) -> Draft:
    """Return the needle requests of an export; other requests, test cases and cases without a geocode are refused.

    Cases at City Hall's own address, where staff try the system out, are flagged.

    Parameters
    ----------
    mapping : ``misrouted = "yes"`` also takes cases of other types whose title names needles
        (:func:`.words.names_needles`) or that lie in the needle team's queue.

    Raises
    ------
    SourceError
        A column is missing.
    SettingsError
        ``misrouted`` is neither ``yes`` nor ``no``.
    """
    names = _NEW if "case_id" in raw.frame.columns else _LEGACY
    raw.require(*(names[key] for key in _REQUIRED), *_EITHER)
    kind = raw.text(names["type"])
    needle = _needles(raw, names, kind, mapping.get("misrouted", "no"))
    due = raw.text(names["due"])
    lat, lon = raw.text("latitude"), raw.text("longitude")
    filler = _not_geocoded(raw.text("geocoded_location"), lat, lon)
    status = raw.text("case_status")
    street = raw.text(names["street"])
    test = is_test(raw.text(names["title"])) | is_test(raw.text(names["note"]))
    empty = pd.Series("", index=kind.index, dtype="str")
    return Draft(
        source="boston311",
        kind=empty + "needle",
        reported=raw.text(names["opened"]),
        lat=lat.mask(filler, ""),
        lon=lon.mask(filler, ""),
        due=due.mask(due.eq(""), raw.text("sla_target_dt")),
        closed=raw.text(names["closed"]),
        status=status.mask(status.str.casefold().isin(_OPEN), "open"),
        needles=empty,
        ids=raw.text(names["id"]),
        faults=[
            Fault("not a needle request", ~needle, kind),
            Fault("test case", test, empty + "test"),
            Fault("not geocoded", filler, lat.str.cat(lon, sep=", ")),
        ],
        formats=FORMATS,
        flags=[Fault("at City Hall's own address", _at_city_hall(street), street)],
        named=street,
    )


def _needles(raw: RawTable, names: Mapping[str, str], kind: pd.Series, misrouted: str) -> Bools:
    if misrouted not in ("yes", "no"):
        raise SettingsError(f"misrouted = {misrouted!r}: give 'yes' or 'no'")
    needle: Bools = _simple(kind).isin(NEEDLE_TYPES).to_numpy(dtype=bool)
    if misrouted == "no":
        return needle
    for text in (kind, raw.text(names["title"])):
        needle = needle | names_needles(text)
    return needle | _simple(raw.text(names["queue"])).str.contains(NEEDLE_QUEUE, regex=False).to_numpy(dtype=bool)


def _simple(text: pd.Series) -> pd.Series:
    return text.str.casefold().str.replace(r"[\W_]+", " ", regex=True)


def _at_city_hall(street: pd.Series) -> Bools:
    return street.str.contains(r"(?i)^1 (?:city hall (?:plz|plaza|sq|square))\b", regex=True).to_numpy(dtype=bool)


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
    "City of Boston 311 service requests, CSV export of any year (old and new system)",
    "needle",
    parse,
    frozenset((*_LEGACY.values(), *_NEW.values(), *_EITHER, *_OTHER)),
    frozenset({"misrouted"}),
)
