"""Times as feeds write them: on a wall clock, with an offset, or only the day or month. All become UTC here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sweepplan.errors import ClockError
from sweepplan.geo import zone
from sweepplan.sources.sieve import Fault

_OFFSET = r":\d{2}(?:\.\d+)?\s*(?:Z|z|UTC|[+-]\d{2}(?::?\d{2})?)$"
_ZERO = r"(?P<time>:\d{2}(?:\.\d+)?)\s*(?:Z|z|UTC|[+-]00(?::?00)?)$"
EPOCH = r"\d{10}(?:\.\d+)?|\d{12,13}(?:\.0+)?"
EXCEL = "excel"
"""Format of days since 1899-12-30, as a spreadsheet keeps times: 45413.5 is noon of 1 May 2024."""
_ISO = r"\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)?"
_YEARS = (1970, 2199)
_EXCEL_DAYS = (25_569.0, 80_000.0)


@dataclass(frozen=True, eq=False)
class Moments:
    """A column of times.

    Attributes
    ----------
    utc : the moment; NaT where there is none or it cannot be read. Of a wall-clock time shown twice, the first.
    later : the same, but the second of the two.
    precision : ``second``, ``day`` or ``month``.
    faults : what cannot be read, in the order it is to be told.
    """

    utc: pd.Series
    later: pd.Series
    precision: pd.Series
    faults: list[Fault]


def moments(
    text: pd.Series,
    formats: tuple[str, ...],
    clock: str | None,
    *,
    label: str,
    ends: bool = False,
    zero_offset: str = "utc",
) -> Moments:
    """Read a column of times.

    Seconds (10 digits) or milliseconds (12 or 13) since 1970 are UTC. ISO 8601 (``2024-01-31``, ``2024-01``,
    ``2024-01-31 07:25:38``, ``2024-01-31T07:25:38-05:00``) is always understood. An offset in the text is obeyed; a
    time without one is read on ``clock``. When a clock is set back it shows an hour twice: such a time is taken as the
    first (daylight) one. When it is set forward it skips an hour: a time within it is a fault, but a *day* that starts
    within it starts when the clock resumes.

    Parameters
    ----------
    text : str; empty where there is no time.
    formats : further ``strptime`` formats of the feed.
    clock : IANA time zone of the wall clock; None where the feed has none.
    label : what the column is called in a fault's reason.
    ends : read a bare day or month as its end (a due or closing day), not its start.
    zero_offset : what ``Z``, ``UTC`` and ``+00:00`` mean: ``utc``; or ``local`` where the feed puts them behind times
        of its wall clock, which are then read on ``clock``. Other offsets are always obeyed.

    Raises
    ------
    ClockError
        ``clock`` is unknown, or None though a time has no offset.
    """
    text = _from_epoch(text)
    if zero_offset == "local":
        text = text.str.replace(_ZERO, r"\g<time>", regex=True)
    has_offset = text.str.contains(_OFFSET, regex=True)
    bare = text.mask(has_offset, "")
    wall, precision = _wall_times(bare, formats)
    if clock is None and wall.notna().any():
        naive = text[wall.notna()].iloc[0]
        raise ClockError(f"time {naive!r} has no zone: give the clock it was written on, e.g. tz='America/New_York'")
    if ends:
        wall = wall.mask(precision == "day", wall + pd.Timedelta(days=1))
        wall = wall.mask(precision == "month", wall + pd.offsets.MonthBegin(1))
    stated = pd.to_datetime(text.where(has_offset), format="ISO8601", utc=True, errors="coerce").astype(_UTC)
    stated = stated.where(stated.dt.year.between(*_YEARS))
    first, later = (_on_clock(wall, precision, clock, daylight=daylight) for daylight in (True, False))
    skipped = (wall.notna() & first.isna()).to_numpy()
    unread = (text.ne("") & wall.isna() & stated.isna()).to_numpy()
    faults = [
        Fault(f"{label} cannot be read", unread, text),
        Fault(f"{label} does not exist on the clock", skipped, text),
    ]
    return Moments(stated.fillna(first), stated.fillna(later), precision, faults)


_UTC = pd.DatetimeTZDtype("us", "UTC")


def _from_epoch(text: pd.Series) -> pd.Series:
    count = text.str.fullmatch(EPOCH)
    if not count.any():
        return text
    number = pd.to_numeric(text[count])
    seconds = number.where(text[count].str.partition(".")[0].str.len() == 10, number / 1000)
    written = pd.to_datetime(seconds, unit="s", utc=True).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text.mask(count, written.reindex(text.index))


def _wall_times(text: pd.Series, formats: tuple[str, ...]) -> tuple[pd.Series, pd.Series]:
    iso = text.where(text.str.fullmatch(_ISO))
    wall = pd.to_datetime(iso, format="ISO8601", errors="coerce").astype("datetime64[us]")
    size = iso.str.len()
    precision = pd.Series(np.select([size == 7, size == 10], ["month", "day"], "second"), index=text.index, dtype="str")
    for form in formats:
        rest = wall.isna() & text.ne("")
        if rest.any():
            read = _excel(text[rest]) if form == EXCEL else pd.to_datetime(text[rest], format=form, errors="coerce")
            wall = wall.fillna(read.astype("datetime64[us]"))
            whole = form == EXCEL and bool((wall[rest].dropna().dt.normalize() == wall[rest].dropna()).all())
            precision = precision.mask(wall.notna() & rest, "day" if whole else precision_of(form))
    return wall.where(wall.dt.year.between(*_YEARS)), precision


def _excel(text: pd.Series) -> pd.Series:
    days = pd.to_numeric(text, errors="coerce")
    days = days.where(days.between(*_EXCEL_DAYS))
    return pd.to_datetime(days, unit="D", origin="1899-12-30").dt.round("s")


def precision_of(form: str) -> str:
    """Return how fine a ``strptime`` format is.

    Examples
    --------
    >>> precision_of("%m/%d/%Y %I:%M %p"), precision_of("%d.%m.%Y"), precision_of("%B %Y")
    ('second', 'day', 'month')
    """
    if form == EXCEL or any(code in form for code in ("%H", "%I", "%c", "%X", "%s")):
        return "second"
    return "day" if any(code in form for code in ("%d", "%j", "%x")) else "month"


def _on_clock(wall: pd.Series, precision: pd.Series, clock: str | None, *, daylight: bool) -> pd.Series:
    if clock is None:
        return pd.Series(pd.NaT, index=wall.index, dtype=_UTC)
    tz = zone(clock)
    first = np.full(len(wall), daylight)
    exact = wall.dt.tz_localize(tz, ambiguous=first, nonexistent="NaT").dt.tz_convert("UTC")
    resumed = wall.dt.tz_localize(tz, ambiguous=first, nonexistent="shift_forward").dt.tz_convert("UTC")
    moment: pd.Series = exact.where(precision == "second", resumed)
    return moment
