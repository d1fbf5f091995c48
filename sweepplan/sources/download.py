"""Feeds over HTTP: asked page by page, again where the network fails, on from where the last download ended.

What is kept is a CSV that :func:`sweepplan.sources.read_file` takes: only the columns that the feed's reader looks at,
and free text only where it was asked for. Beside it stands what the next download must know (``FILE.state.json``) and,
while one is under way, the pages that have come so far (``FILE.part``): one that was broken off goes on from there.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pandas as pd

from sweepplan.errors import SettingsError, SourceError
from sweepplan.sources import open311, seeclickfix
from sweepplan.sources.asking import Sleep, get
from sweepplan.sources.feeds import FEEDS
from sweepplan.sources.paging import REMOTES, Page, Query
from sweepplan.sources.rawtable import table_from

LOOK_BACK = pd.Timedelta(days=90)
"""A later download asks for so much again: what was open then may be closed now."""

FRESH = pd.Timedelta(days=1)
"""A download broken off longer ago than this starts anew."""

_FREE_TEXT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"open311": open311.FREE_TEXT, "seeclickfix": seeclickfix.FREE_TEXT}
)
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Fetched:
    """What a download brought: rows in the file now, how many are new, how many came again and differ."""

    path: Path
    rows: int
    new: int
    changed: int
    n_pages: int
    since: pd.Timestamp | None
    until: pd.Timestamp

    def summary(self) -> dict[str, Any]:
        """Return it for JSON; times in UTC."""
        since = None if self.since is None else self.since.isoformat()
        counts = {"rows": self.rows, "new": self.new, "changed": self.changed, "pages": self.n_pages}
        return {"file": str(self.path), **counts, "since": since, "until": self.until.isoformat()}


def fetch(
    feed: str,
    url: str,
    out: str | Path,
    query: Query,
    *,
    free_text: bool = False,
    client: httpx.Client | None = None,
    sleep: Sleep = time.sleep,
    progress: Progress = lambda step, share: None,
) -> Fetched:
    """Download a feed into a CSV, or bring one up to date.

    Parameters
    ----------
    feed : a name of :data:`sweepplan.sources.paging.REMOTES`.
    url : where its requests are asked for, with what the server needs in its query (``resource_id``, ``place_url``).
    query : ``until`` is the moment it is. The first download starts at ``since``; a later one goes on from the last by
        itself, :data:`LOOK_BACK` before what was newest.
    free_text : also keep what people wrote, so that the reader's ``free_text = "yes"`` has something to look at.
    sleep : waits between tries.

    Raises
    ------
    SettingsError
        A feed that cannot be downloaded, an address that is not http(s) or asks for what must not be asked for.
    SourceError
        The server gives up, or answers with less than it says it has.
    """
    if feed not in REMOTES:
        raise SettingsError(f"feed {feed!r} cannot be downloaded: one of {', '.join(REMOTES)}")
    _check(url)
    path, remote = Path(out), REMOTES[feed]
    about = {"feed": feed, "url": url, "services": list(query.services), "free_text": free_text}
    kept, newest = _kept(path, about)
    start = query.since if newest is None else newest - LOOK_BACK
    journal = _Journal.open(path, about, since=start, until=query.until)
    wanted = (FEEDS[feed].columns or frozenset()) - (frozenset() if free_text else {*_FREE_TEXT.get(feed, ())})
    with client or httpx.Client(timeout=30.0, follow_redirects=True, headers={"User-Agent": "sweepplan"}) as opened:

        def ask(params: Mapping[str, str]) -> Page:
            return journal.page(params, lambda: get(opened, url, params, sleep=sleep), wanted)

        asked = Query(journal.since, journal.until, query.services)
        pages = list(_told(remote.pages(ask, asked), asked, progress))
    came = pd.concat([pd.DataFrame(), *(page.rows for page in pages)], ignore_index=True).fillna("").astype("str")
    key = next((name for name in remote.ids if name in came), None)
    if key is not None:
        came = came[came[key].ne("")].drop_duplicates(key, keep="first")
    table, new, changed = _joined(kept, came, key)
    _write(path, table.to_csv(index=False))
    last = _newest(table, remote.moments, journal.until)
    _write(_beside(path, ".state.json"), json.dumps({**about, "newest": last}, indent=1) + "\n")
    journal.close()
    return Fetched(path, len(table), new, changed, len(pages), journal.since, journal.until)


def _newest(table: pd.DataFrame, columns: tuple[str, ...], until: pd.Timestamp) -> str | None:
    named = [name for name in columns if name in table]
    moments = pd.to_datetime(table[named[0]], errors="coerce", utc=True, format="mixed") if named else pd.Series()
    return None if moments.isna().all() else min(moments.max(), until).isoformat()


def _check(url: str) -> None:
    try:
        given = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise SettingsError(f"address {url!r}: {error}: give e.g. https://city.example/v2/requests.json") from error
    if given.scheme not in ("http", "https") or not given.host:
        raise SettingsError(f"address {url!r}: give one that starts with https:// or http://")
    if given.params.get("extensions", "").casefold() == "true":
        raise SettingsError(f"address {url!r}: extensions=true asks for people's names and addresses: leave it out")


def _told(pages: Iterator[Page], query: Query, progress: Progress) -> Iterator[Page]:
    rows = 0
    for page in pages:
        rows += len(page.rows)
        progress(f"{rows:,} rows", page.share(query, rows))
        yield page


def _joined(kept: pd.DataFrame, came: pd.DataFrame, by: str | None) -> tuple[pd.DataFrame, int, int]:
    """Return what was kept and what came as one table, the newer row of an id; and how many are new, and differ."""
    if kept.empty or by is None:
        table = came if kept.empty else kept
        return table, len(came) if kept.empty else 0, 0
    columns = list(dict.fromkeys([*kept.columns, *came.columns]))
    kept, came = (each.reindex(columns=columns).fillna("") for each in (kept, came))
    both = kept.merge(came, on=columns, how="inner")
    known = came[by].isin(kept[by])
    table = pd.concat([kept, came], ignore_index=True).drop_duplicates(by, keep="last", ignore_index=True)
    return table, int((~known).sum()), int(known.sum()) - len(both)


def _kept(path: Path, about: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.Timestamp | None]:
    """Return the rows of the last download and its newest moment; nothing where there was none.

    Raises
    ------
    SettingsError
        A file is there that is no download, or one of another feed or address.
    """
    state = _beside(path, ".state.json")
    if not path.exists():
        return pd.DataFrame(), None
    try:
        said = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {}
    if {name: said.get(name) for name in about} != dict(about):
        raise SettingsError(f"{path}: there already, and not of this feed and address: give another --out")
    newest = None if said["newest"] is None else pd.Timestamp(said["newest"])
    return table_from(path, path.read_bytes()).frame.reset_index(drop=True), newest


@dataclass(eq=False)
class _Journal:
    """The pages that have come so far, by what was asked."""

    path: Path
    since: pd.Timestamp | None
    until: pd.Timestamp
    pages: dict[str, Page] = field(default_factory=dict)

    @classmethod
    def open(cls, out: Path, about: Mapping[str, Any], *, since: pd.Timestamp | None, until: pd.Timestamp) -> _Journal:
        """Go on with a download of the same that was broken off lately, or begin one."""
        path = _beside(out, ".part")
        first = {"about": about, "since": None if since is None else since.isoformat()}
        head, *lines = _lines(path) or [{}]
        begun = pd.Timestamp(head.pop("until")) if "until" in head else None
        if begun is not None and head == first and pd.Timedelta(0) <= until - begun <= FRESH:
            return cls(path, since, begun, {line["asked"]: _page(line) for line in lines})
        _write(path, json.dumps({**first, "until": until.isoformat()}) + "\n")
        return cls(path, since, until)

    def page(
        self, params: Mapping[str, str], fetched: Callable[[], tuple[Path, bytes]], wanted: frozenset[str]
    ) -> Page:
        """Return the answer to ``params``: as it came before the break, or asked for now."""
        asked = json.dumps(dict(params), sort_keys=True)
        if asked not in self.pages:
            raw = table_from(*fetched(), wanted)
            line = {"asked": asked, "names": list(raw.frame), "rows": raw.frame.to_numpy().tolist(), "total": raw.total}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.pages[asked] = _page(line)
        return self.pages[asked]

    def close(self) -> None:
        """Let go of the pages: they are in the file."""
        self.path.unlink(missing_ok=True)


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a journal; the last may have been torn."""
    found: list[dict[str, Any]] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            found.append(json.loads(line))
    return found


def _page(line: Mapping[str, Any]) -> Page:
    return Page(pd.DataFrame(line["rows"], columns=line["names"], dtype="str"), line["total"])


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = _beside(path, ".new")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be written ({error.strerror or error}): give another --out") from error
