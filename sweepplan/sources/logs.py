"""Files that hold no incidents: what crews found, and the states of kiosks. No row of them is lost either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from sweepplan.errors import ClockError, SettingsError
from sweepplan.geo import Area, zone
from sweepplan.sources import kiosk_ledger, rawtable, sweep_log
from sweepplan.sources.rawtable import RawTable

Parser = Callable[[RawTable, Area | None, str | None], tuple[pd.DataFrame, pd.Series, pd.DataFrame]]


@dataclass(frozen=True, eq=False)
class LogReading:
    """What was read from a log: every row of it is either in the table or in the quarantine, with the reason.

    Attributes
    ----------
    feed : which reader read it.
    table : ``PICKUPS`` of a sweep log, ``KIOSK_STATES`` of a kiosk ledger.
    lines : source line of each row of the table; a line that tells several states stands there several times.
    quarantine : columns ``tables.QUARANTINE``, by line.
    rows_in : rows of the file; always ``kept + len(quarantine)``.
    """

    feed: str
    table: pd.DataFrame
    lines: pd.Series
    quarantine: pd.DataFrame
    rows_in: int

    @property
    def kept(self) -> int:
        """Rows of the file that are in the table."""
        return int(self.lines.nunique())

    @property
    def rejected(self) -> dict[str, int]:
        """Rows set aside, by reason, most first."""
        counts = self.quarantine["reason"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        return {str(reason): int(n) for reason, n in counts.items()}

    def summary(self) -> dict[str, Any]:
        """Return the counts of this reading for JSON; times in UTC."""
        at = self.table["at"]
        first, last = (at.min().isoformat(), at.max().isoformat()) if len(at) else (None, None)
        return {
            "feed": self.feed,
            "rows_in": self.rows_in,
            "kept": self.kept,
            "merged": 0,
            "rejected": self.rejected,
            "flagged": {},
            "first_at": first,
            "last_at": last,
        }


LOGS: Mapping[str, str] = MappingProxyType(
    {
        "sweep-log": "what crews found: CSV with pickup_id, lat, lon, at, needles, ..., or GPX waypoints with counts",
        "kiosk-ledger": "states of kiosks: site_id, state, date; or site_id and a column of dates for each state",
    }
)
"""Every log that can be read, by name."""

_PARSERS: Mapping[str, Parser] = {"sweep-log": sweep_log.parse, "kiosk-ledger": kiosk_ledger.parse}


def read_log(feed: str, path: str | Path, area: Area | None = None, *, tz: str | None = None) -> LogReading:
    """Read a log.

    Parameters
    ----------
    feed : a name of :data:`LOGS`.
    area : pickups outside it are set aside; None: one is made around them, and ``tz`` is needed.
    tz : the clock of times without an offset; None: the area's.

    Raises
    ------
    SourceError
        The file is not what it claims to be.
    ClockError
        No clock, or an unknown one.
    SettingsError
        An unknown log.
    """
    if feed not in LOGS:
        raise SettingsError(f"unknown log {feed!r}: one of {', '.join(LOGS)}")
    clock = tz or (area.tz if area else None)
    if clock is None:
        raise ClockError("no clock: give tz, e.g. 'America/New_York', or an area, which has one")
    zone(clock)
    raw = rawtable.load(path)
    table, lines, aside = _PARSERS[feed](raw, area, clock)
    return LogReading(feed, table, lines, aside, len(raw))
