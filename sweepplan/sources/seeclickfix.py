"""Issues of SeeClickFix, ``seeclickfix``: JSON of its API, version 2, and of version 1 of 2011.

What an issue is about stands in ``request_type.title`` (version 2) and in ``summary``, which is the type's name or what
somebody wrote in its place. The description is looked at only where asked for, and reporters not at all. Version 1
gives times without a zone, of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sweepplan.sources.open311 import chosen
from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.reading import Draft, Feed
from sweepplan.sources.sieve import Fault

_REQUIRED = ("id", "status", "created_at", "lat", "lng")
_OTHER = ("request_type.title", "summary", "closed_at", "updated_at", "updated_at_raw", "address")
FREE_TEXT = ("description",)
_STATUS = {"acknowledged": "open", "reopened": "open", "archived": "closed"}
_OF_2011 = r"(?i)^(\d{2})/(\d{2})/(\d{4}) at (\d{2}:\d{2}) ?([ap]m)$"


def parse(raw: RawTable, mapping: Mapping[str, str]) -> Draft:
    """Return the issues about needles; ``mapping`` as :func:`sweepplan.sources.open311.parse` takes it.

    Raises
    ------
    SourceError
        A column is missing.
    SettingsError
        ``free_text`` is neither ``yes`` nor ``no``.
    """
    raw.require(*_REQUIRED)
    status = raw.text("status").str.casefold().replace(_STATUS)
    title, summary = raw.text("request_type.title"), raw.text("summary")
    wanted = chosen(mapping, (title, summary), tuple(map(raw.text, FREE_TEXT)))
    closed = raw.text("closed_at")
    closed = closed.mask(closed.eq("") & status.eq("closed"), raw.text("updated_at"))
    empty = pd.Series("", index=status.index, dtype="str")
    return Draft(
        source="seeclickfix",
        kind=empty + "needle",
        reported=_with_zone(raw.text("created_at")),
        lat=raw.text("lat"),
        lon=raw.text("lng"),
        due=empty,
        closed=_with_zone(closed),
        status=status,
        needles=empty,
        ids=raw.text("id"),
        faults=[Fault("not a needle request", ~wanted, title.mask(title.eq(""), summary))],
        named=raw.text("address"),
    )


def _with_zone(text: pd.Series) -> pd.Series:
    old = text.str.match(_OF_2011)
    if not old.any():
        return text
    wall = pd.to_datetime(text[old].str.upper(), format="%m/%d/%Y AT %I:%M%p", errors="coerce")
    return text.mask(old & wall.reindex(text.index).notna(), wall.dt.strftime("%Y-%m-%dT%H:%M:00Z").reindex(text.index))


FEED = Feed(
    "seeclickfix",
    "issues of SeeClickFix, JSON of its API (version 2, or 1)",
    "needle",
    parse,
    frozenset((*_REQUIRED, *_OTHER, *FREE_TEXT)),
    frozenset({"services", "free_text"}),
)
