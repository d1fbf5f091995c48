"""Requests of any Open311 server, ``open311``: GeoReport v2 answers to ``requests``, in XML or JSON.

What a request is about stands in ``service_code`` and ``service_name``; each city names its own services. Free text
(``description``, ``status_notes``) is looked at only where asked for, and goes no further; the address is looked at to
find points that stand for no place. GeoReport has no closing time: a closed request was last changed when it was
closed or, seldom, later (wiki.open311.org/GeoReport_v2).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sweepplan.errors import SettingsError
from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.reading import Draft, Feed
from sweepplan.sources.sieve import Bools, Fault
from sweepplan.sources.words import names_needles

_REQUIRED = ("service_request_id", "status", "requested_datetime", "lat", "long")
_OTHER = ("service_code", "service_name", "updated_datetime", "expected_datetime", "closed_datetime", "address")
FREE_TEXT = ("description", "status_notes")


def parse(raw: RawTable, mapping: Mapping[str, str]) -> Draft:
    """Return the needle requests: those whose service names needles.

    Parameters
    ----------
    mapping : ``services = "006, needle pickup"`` takes those codes or names in place of what sounds like needles;
        ``free_text = "yes"`` also takes requests whose description names needles.

    Raises
    ------
    SourceError
        A column is missing.
    SettingsError
        ``free_text`` is neither ``yes`` nor ``no``.
    """
    raw.require(*_REQUIRED)
    status, changed = raw.text("status"), raw.text("updated_datetime")
    closed = raw.text("closed_datetime")
    closed = closed.mask(closed.eq("") & status.str.casefold().eq("closed"), changed)
    service = raw.text("service_name")
    wanted = chosen(mapping, (raw.text("service_code"), service), tuple(map(raw.text, FREE_TEXT)))
    empty = pd.Series("", index=status.index, dtype="str")
    return Draft(
        source="open311",
        kind=empty + "needle",
        reported=raw.text("requested_datetime"),
        lat=raw.text("lat"),
        lon=raw.text("long"),
        due=raw.text("expected_datetime"),
        closed=closed,
        status=status,
        needles=empty,
        ids=raw.text("service_request_id"),
        faults=[Fault("not a needle request", ~wanted, service)],
        named=raw.text("address"),
    )


def chosen(mapping: Mapping[str, str], titles: tuple[pd.Series, ...], texts: tuple[pd.Series, ...]) -> Bools:
    """Return which requests are about needles, shape (n,).

    Parameters
    ----------
    mapping : ``services``, a list parted by commas that a title must be in; else a title must name needles.
        ``free_text``: whether a text that names needles is enough.
    titles : what the city calls the request.
    texts : what somebody wrote about it.
    """
    asked = mapping.get("free_text", "no")
    if asked not in ("yes", "no"):
        raise SettingsError(f"free_text = {asked!r}: give 'yes' or 'no'")
    services = {name.strip().casefold() for name in mapping.get("services", "").split(",")} - {""}
    wanted = [
        title.str.casefold().isin(services).to_numpy(dtype=bool) if services else names_needles(title)
        for title in titles
    ]
    wanted += [names_needles(text) for text in texts if asked == "yes"]
    found: Bools = pd.DataFrame(wanted).any().to_numpy(dtype=bool)
    return found


FEED = Feed(
    "open311",
    "requests of an Open311 server (GeoReport v2), XML or JSON",
    "needle",
    parse,
    frozenset((*_REQUIRED, *_OTHER, *FREE_TEXT)),
    frozenset({"services", "free_text"}),
)
