"""From a feed's rows, still text, to incidents: the part that is the same for every feed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.errors import ClockError, SourceError
from sweepplan.geo import Area
from sweepplan.sources.location import Location, area_around, far_off, inside, locate, shared_points
from sweepplan.sources.moments import Moments
from sweepplan.sources.moments import moments as read_moments
from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.sieve import Bools, Fault, faulty, repeats
from sweepplan.tables import INCIDENTS

_EMPTY = ("", "na", "n/a", "nan", "null", "none", "nat", "-", "--")


SHARED = "at a point that stands for no place"
"""Flag of an incident at a town's centroid or another default coordinate."""

MERGED = "same spot and day as"
"""Reason in the quarantine of a report merged into another, whose id is the ``value``."""

FLAGS = ("incident_id", "reason")
"""Columns of the table of flags: incidents that are kept but deserve a look; one may bear several."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read from a file: every row of it is either an incident or in the quarantine, with the reason.

    The quarantine and the flags are as sensitive as the incidents: they hold coordinates and ids.

    Attributes
    ----------
    feed : which reader read it.
    incidents : table ``INCIDENTS`` on the area's plane, by time, then id.
    quarantine : columns ``tables.QUARANTINE``, by line: rows rejected, and rows merged (reason :data:`MERGED`).
    rows_in : rows of the file; always ``len(incidents) + merged + sum(rejected.values())``.
    area : given, or made around the rows.
    located : rows of the file with usable coordinates, kept or not.
    lines : source line of each incident, by ``incident_id``.
    flags : columns :data:`FLAGS`, of kept incidents only, by reason, then id.
    """

    feed: str
    incidents: gpd.GeoDataFrame
    quarantine: pd.DataFrame
    rows_in: int
    area: Area
    located: int
    lines: pd.Series
    flags: pd.DataFrame

    def of_kind(self, kind: str) -> gpd.GeoDataFrame:
        """Return the incidents of one kind, the table itself where all are."""
        mine = (self.incidents["kind"] == kind).to_numpy()
        return self.incidents if mine.all() else self.incidents[mine]

    @property
    def rejected(self) -> dict[str, int]:
        """Rows refused, by reason, most first; merged rows are not among them."""
        return _counts(self.quarantine["reason"][self.quarantine["reason"] != MERGED])

    @property
    def merged(self) -> int:
        """Rows merged into another report of the same spot and day."""
        return int((self.quarantine["reason"] == MERGED).sum())

    @property
    def flagged(self) -> dict[str, int]:
        """Incidents that bear a flag, by reason, most first; each is kept."""
        return _counts(self.flags["reason"])

    @property
    def n_reports(self) -> pd.Series:
        """How many reports each incident stands for, by ``incident_id``: 1, and 1 for each row merged into it."""
        into = self.quarantine["value"][self.quarantine["reason"] == MERGED].value_counts()
        return into.reindex(self.incidents.index, fill_value=0).add(1).astype("int64").rename("n_reports")

    def summary(self, *, as_of: pd.Timestamp | None = None) -> dict[str, Any]:
        """Return the counts of this reading for JSON; times on the city's clock.

        Parameters
        ----------
        as_of : ``days_since_last`` is counted back from this moment; None: it stays None.
        """
        times = self.incidents["reported_at"]
        first, last = (times.min(), times.max()) if len(times) else (None, None)
        return {
            "feed": self.feed,
            "rows_in": self.rows_in,
            "kept": len(self.incidents),
            "merged": self.merged,
            "rejected": self.rejected,
            "flagged": self.flagged,
            "first_reported_at": None if first is None else self.area.local(first).isoformat(),
            "last_reported_at": None if last is None else self.area.local(last).isoformat(),
            "days_since_last": None if last is None or as_of is None else round((as_of - last) / _DAY, 2),
            "share_located": round(self.located / self.rows_in, 4),
        }


_DAY = pd.Timedelta(days=1)


def _counts(reasons: pd.Series) -> dict[str, int]:
    counts = reasons.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return {str(reason): int(n) for reason, n in counts.items()}


def flags_of(faults: Iterable[Fault], ids: pd.Series, kept: Bools) -> pd.DataFrame:
    """Return the flags of the rows ``kept``, shape (n,); ``faults`` say which rows bear which reason."""
    parts = [pd.DataFrame({"incident_id": ids[fault.rows & kept], "reason": fault.reason}) for fault in faults]
    flags = pd.concat([pd.DataFrame(columns=list(FLAGS)), *parts], ignore_index=True).astype("str")
    return flags.sort_values(["reason", "incident_id"], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Draft:
    """A feed's rows in our words, still text ("" where empty), all with the same index of lines.

    Attributes
    ----------
    source : what column ``source`` shall say.
    kind, reported, lat, lon, due, closed, status, needles : as in ``INCIDENTS``.
    ids : None where the feed has none: then they are made from place and time.
    faults : rows this feed refuses, in the order the reasons are to be told.
    formats : ``strptime`` formats of the times, besides ISO 8601.
    flags : rows that are kept, but bear a flag.
    named : what each row calls its place (a street); None where the feed says nothing. It goes no further than
        finding points that stand for no place (:func:`sweepplan.sources.location.shared_points`).
    """

    source: str
    kind: pd.Series
    reported: pd.Series
    lat: pd.Series
    lon: pd.Series
    due: pd.Series
    closed: pd.Series
    status: pd.Series
    needles: pd.Series
    ids: pd.Series | None = None
    faults: list[Fault] = field(default_factory=list)
    formats: tuple[str, ...] = ()
    flags: list[Fault] = field(default_factory=list)
    named: pd.Series | None = None


@dataclass(frozen=True)
class Feed:
    """A format that can be read.

    Attributes
    ----------
    name, description : as ``sweepplan read --list`` shows them.
    kind : ``needle`` or ``overdose``; ``any`` where the mapping says it.
    parse : file as text, mapping -> draft.
    columns : folded names of the columns it looks at; None = all.
    options : keys of a mapping it understands; None = it checks the mapping itself.
    """

    name: str
    description: str
    kind: str
    parse: Callable[[RawTable, Mapping[str, str]], Draft]
    columns: frozenset[str] | None = None
    options: frozenset[str] | None = frozenset()


def finish(
    feed: str, raw: RawTable, draft: Draft, area: Area | None, clock: str | None, *, zero_offset: str = "utc"
) -> Reading:
    """Return the reading of a draft: times to UTC, points on the plane, ids made or checked, faulty rows set aside.

    Parameters
    ----------
    area : what lies outside is set aside; None: made around the rows, on ``clock``.
    clock : the wall clock of times without an offset.
    zero_offset : ``local`` where the feed writes +00 behind times of its wall clock, ``utc`` where it means it.

    Raises
    ------
    SourceError
        No row has usable coordinates.
    ClockError
        A time has no offset and there is no clock, or there is neither area nor clock.
    """
    draft = _clean(draft)
    times = _times(draft, clock, zero_offset)
    location = locate(draft.lon, draft.lat, raw.path)
    shared = Fault(SHARED, shared_points(location, draft.named), location.text)
    faults = [*draft.faults, *times.faults, *location.faults, *_value_faults(draft)]
    area, points, off = _place(raw.path, location, ~faulty(faults, len(draft.kind)), area, clock)
    faults.append(off)
    ids = _made_ids(draft, location) if draft.ids is None else draft.ids
    faults.append(Fault("no id", ids.eq("").to_numpy(), ids))
    table = _table(draft, times, ids, points)
    faults.append(repeats(ids, faults, rank(table)))
    good = ~faulty(faults, len(table))
    known = ids if draft.ids is not None else pd.Series("", index=ids.index, dtype="str")
    aside, flags = raw.set_aside(faults, known), flags_of([*draft.flags, shared], ids, good)
    located = int(location.located.sum())
    del draft, times, location, points, faults, shared  # of a large file half of all memory
    table = table[good].sort_values(["reported_at", "incident_id"])
    lines = table.index
    table = table.set_index("incident_id")
    return Reading(
        feed,
        INCIDENTS.check(table, plane=area.crs),
        aside,
        len(raw),
        area,
        located,
        pd.Series(lines, index=table.index, dtype="int64", name="line"),
        flags,
    )


def _clean(draft: Draft) -> Draft:
    def emptied(column: pd.Series) -> pd.Series:
        column = column.str.strip()
        return column.mask(column.str.casefold().isin(_EMPTY), "")

    names = ("kind", "reported", "lat", "lon", "due", "closed", "status", "needles")
    cleaned: dict[str, Any] = {name: emptied(getattr(draft, name)) for name in names}
    cleaned |= {name: cleaned[name].str.casefold() for name in ("kind", "status")}
    return Draft(**{**vars(draft), **cleaned, "ids": None if draft.ids is None else emptied(draft.ids)})


@dataclass(frozen=True, eq=False)
class _Times:
    reported: Moments
    due: pd.Series
    closed: pd.Series
    faults: list[Fault]


def _times(draft: Draft, clock: str | None, zero_offset: str) -> _Times:
    moments = partial(read_moments, formats=draft.formats, clock=clock, zero_offset=zero_offset)
    reported = moments(draft.reported, label="time")
    due = moments(draft.due, label="due time", ends=True)
    closed = moments(draft.closed, label="closing time", ends=True)
    # In the hour that an autumn clock shows twice, a report may be of the first and its closing of the second.
    due_at = due.utc.where(~(due.utc < reported.utc), due.later)
    closed_at = closed.utc.where(~(closed.utc < reported.utc), closed.later)
    faults = [
        Fault("no time", draft.reported.eq("").to_numpy(), draft.reported),
        *reported.faults,
        *due.faults,
        *closed.faults,
        Fault("due before reported", (due_at < reported.utc).to_numpy(), draft.due),
        Fault("closed before reported", (closed_at < reported.utc).to_numpy(), draft.closed),
    ]
    return _Times(reported, due_at, closed_at, faults)


def _value_faults(draft: Draft) -> list[Fault]:
    count = pd.to_numeric(draft.needles, errors="coerce")
    uncounted = draft.needles.ne("") & ~(count.ge(0) & np.isfinite(count))
    return [
        Fault("kind is not needle or overdose", (~draft.kind.isin(["needle", "overdose"])).to_numpy(), draft.kind),
        Fault("status is not open or closed", (~draft.status.isin(["", "open", "closed"])).to_numpy(), draft.status),
        Fault("needles is not a count", uncounted.to_numpy(), draft.needles),
    ]


def _place(
    path: Path, location: Location, good: Bools, area: Area | None, clock: str | None
) -> tuple[Area, gpd.GeoSeries, Fault]:
    if area is not None:
        points = area.points(location.lon, location.lat)
        outside = location.located & ~inside(area, points)
        if outside.sum() == location.located.sum() and inside(area, area.points(location.lat, location.lon)).any():
            raise SourceError(f"{path}: no row lies in {area.name}, but would with latitude and longitude swapped")
        return area, points, Fault("outside the area", outside, location.text)
    if clock is None:
        raise ClockError("no clock: give tz, e.g. 'America/New_York', or an area, which has one")
    use = good if good.any() else location.located
    if not use.any():
        raise SourceError(f"{path}: no row has coordinates to make an area around: give an area")
    far = far_off(location, use)
    near = use & ~far
    area = area_around(location, near if near.any() else use, clock, path)
    return area, area.points(location.lon, location.lat), Fault("far from all other rows", far, location.text)


def _made_ids(draft: Draft, location: Location) -> pd.Series:
    """Ids of what has none: a digest of kind, place (to 1e-7 degrees) and time as written, and the number among equals.

    Thus an id does not depend on other rows, their order, or the columns that a newer export adds.
    """
    parts = zip(draft.kind, draft.reported, location.lat.tolist(), location.lon.tolist(), strict=True)
    texts = (f"{kind}|{time}|{lat:.7f}|{lon:.7f}" for kind, time, lat, lon in parts)
    digests = [hashlib.blake2b(text.encode(), digest_size=8).hexdigest() for text in texts]
    made = pd.Series(digests, index=draft.kind.index, dtype="str")
    others = pd.DataFrame({name: getattr(draft, name) for name in ("due", "closed", "status", "needles")}).assign(
        id=made
    )
    equal = others[made.duplicated(keep=False)].sort_values([*others.columns])
    number = equal.groupby("id").cumcount().reindex(made.index, fill_value=0) + 1
    return made + "-" + number.astype("str")


def _table(draft: Draft, times: _Times, ids: pd.Series, points: gpd.GeoSeries) -> gpd.GeoDataFrame:
    columns = {
        "incident_id": ids,
        "kind": draft.kind,
        "reported_at": times.reported.utc,
        "time_precision": times.reported.precision,
        "source": pd.Series(draft.source, index=ids.index, dtype="str"),
        "needles": pd.to_numeric(draft.needles, errors="coerce").astype("float64"),
        "status": draft.status.mask(draft.status.eq("")),
        "due_at": times.due,
        "closed_at": times.closed,
    }
    return gpd.GeoDataFrame(columns, geometry=points.set_axis(ids.index))


def rank(table: gpd.GeoDataFrame) -> pd.Series:
    """Return which row of a repeated id is kept (the least): closed last, else by its values; never by its line."""
    twice = table[table["incident_id"].duplicated(keep=False).to_numpy()]
    values = pd.DataFrame(twice.drop(columns="geometry")).assign(x=twice.geometry.x, y=twice.geometry.y)
    by = ["closed_at", "status", "due_at", "reported_at", "time_precision", "needles", "kind", "x", "y"]
    ranked = values.sort_values(by, ascending=[False, *[True] * 8], na_position="last").index
    return pd.Series(np.arange(len(ranked)), index=ranked).reindex(table.index, fill_value=0)
