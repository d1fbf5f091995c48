"""How each server is asked for all its pages: the part of downloading that differs from feed to feed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from sweepplan.errors import SettingsError, SourceError

SPAN = pd.Timedelta(days=90)
"""The longest window that a GeoReport server must answer for."""

LEAST_SPAN = pd.Timedelta(minutes=15)
"""A window is halved down to this where it holds more than one answer does."""

ROUND = 10
"""Servers cut answers at multiples of this: such an answer may hold less than there is."""

MOST_PAGES = 10_000
CKAN_ROWS = 1_000
SCF_ROWS = 100


@dataclass(frozen=True)
class Query:
    """What is asked for: reports of ``since <= t < until`` (UTC; None: all before), of these services."""

    since: pd.Timestamp | None
    until: pd.Timestamp
    services: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Page:
    """One answer: its rows as text, and how many there are in all, where it says so; ``until`` of its window."""

    rows: pd.DataFrame
    total: int | None = None
    until: pd.Timestamp | None = None

    def share(self, query: Query, rows: int) -> float:
        """Return the share of the download that is done with this page, ``rows`` rows so far."""
        if self.total:
            return min(1.0, rows / self.total)
        if self.until is not None and query.since is not None and query.until > query.since:
            return float((self.until - query.since) / (query.until - query.since))
        return 0.0


Ask = Callable[[Mapping[str, str]], Page]


@dataclass(frozen=True)
class Remote:
    """A feed that can be asked for: columns that may be its id and tell its newest moment, and its pages."""

    ids: tuple[str, ...]
    moments: tuple[str, ...]
    pages: Callable[[Ask, Query], Iterator[Page]]


def georeport(ask: Ask, query: Query) -> Iterator[Page]:
    """Yield the answers of an Open311 server, window by window of :data:`SPAN`.

    A server may page (``page=2`` gives other requests) or cut its answer off: then the window is halved.

    Raises
    ------
    SettingsError
        No start: a server answers for the last 90 days where none is given.
    SourceError
        A window of :data:`LEAST_SPAN` is still cut off.
    """
    if query.since is None:
        raise SettingsError("an Open311 server is asked window by window: say from when on, e.g. --since 2024-01-01")
    start = query.since
    while start < query.until:
        end = min(start + SPAN, query.until)
        yield from _window(ask, query, start, end)
        start = end


def _window(ask: Ask, query: Query, start: pd.Timestamp, end: pd.Timestamp) -> Iterator[Page]:
    params = {"start_date": _zulu(start), "end_date": _zulu(end)}
    if query.services:
        params["service_code"] = ",".join(query.services)
    first = ask(params)
    pages, seen = [first], _ids(first, "service_request_id")
    for number in range(2, MOST_PAGES if len(first.rows) else 2):
        page = ask({**params, "page": str(number)})
        ids = _ids(page, "service_request_id")
        if ids <= seen:
            break
        pages.append(page)
        seen |= ids
    if len(pages) == 1 and len(first.rows) and len(first.rows) % ROUND == 0:  # perhaps cut off, and no other page
        if end - start > LEAST_SPAN:
            middle = (start + (end - start) / 2).floor("s")
            yield from _window(ask, query, start, middle)
            yield from _window(ask, query, middle, end)
            return
        if len(first.rows) >= 1_000:
            raise SourceError(
                f"{len(first.rows):,} requests between {start} and {end}, as many as the server gives: choose services"
            )
    for page in pages:
        yield Page(page.rows, until=end)


def ckan(ask: Ask, query: Query) -> Iterator[Page]:
    """Yield the rows of a CKAN data store that name needles, newest first, back to ``query.since``.

    Raises
    ------
    SourceError
        It gives fewer rows than it says it has, or the same page twice.
    """
    columns = ask({"limit": "1", "offset": "0"}).rows.columns
    new = "open_date" in columns
    opened, kind, key = ("open_date", "service_name", "case_id") if new else ("open_dt", "type", "case_enquiry_id")
    words = query.services or ("needle",)
    for word in words:
        chosen = {"q": json.dumps({kind: word}), "sort": f"{opened} desc", "limit": str(CKAN_ROWS)}
        seen: set[str] = set()
        for number in range(MOST_PAGES):
            page = ask({**chosen, "offset": str(number * CKAN_ROWS)})
            yield page
            seen |= _more(_ids(page, key), seen, page, number)
            if len(page.rows) == 0 or _reached(page, opened, query.since):
                break
        if query.since is None and page.total is not None and len(seen) < page.total:
            raise SourceError(f"the server says {page.total:,} rows and gave {len(seen):,}: try again later")


def seeclickfix(ask: Ask, query: Query) -> Iterator[Page]:
    """Yield issues by their last change, newest first, back to ``query.since``: so changes of old ones are seen.

    Raises
    ------
    SourceError
        The same page comes twice.
    """
    status = "open,acknowledged,closed,archived"
    params = {"status": status, "sort": "updated_at", "sort_direction": "DESC", "per_page": str(SCF_ROWS)}
    if query.services:
        params["request_types"] = ",".join(query.services)
    seen: set[str] = set()
    for number in range(1, MOST_PAGES):
        page = ask({**params, "page": str(number)})
        yield page
        seen |= _more(_ids(page, "id"), seen, page, number)
        done = page.total is not None and len(seen) >= page.total
        if len(page.rows) == 0 or done or _reached(page, "updated_at", query.since):
            return


def _more(ids: set[str], seen: set[str], page: Page, number: int) -> set[str]:
    if len(page.rows) and ids <= seen:
        raise SourceError(f"page {number} holds nothing that the pages before did not: the server does not page")
    return ids


def _ids(page: Page, key: str) -> set[str]:
    return set(page.rows[key]) if key in page.rows.columns else set()


def _reached(page: Page, column: str, since: pd.Timestamp | None) -> bool:
    if since is None or column not in page.rows.columns:
        return False
    # A wall clock is at most 14 hours off UTC: a day more is asked for.
    times = pd.to_datetime(page.rows[column], errors="coerce", utc=True, format="mixed")
    return bool((times < since - pd.Timedelta(days=1)).any())


def _zulu(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


REMOTES: Mapping[str, Remote] = MappingProxyType(
    {
        "boston-ckan": Remote(("case_enquiry_id", "case_id"), ("open_dt", "open_date"), ckan),
        "open311": Remote(("service_request_id",), ("requested_datetime",), georeport),
        "seeclickfix": Remote(("id",), ("updated_at",), seeclickfix),
    }
)
"""Every feed that can be downloaded, by name."""
