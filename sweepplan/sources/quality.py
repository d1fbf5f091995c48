"""How good the data is: one row a reading, as a table, as lines of text, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sweepplan.errors import SettingsError
from sweepplan.sources.reading import Reading

GAP_CHANCE = 0.01
"""A run of days without a report is told where chance alone would leave one in at most this share of such readings."""


def quality(readings: Sequence[Reading], *, as_of: pd.Timestamp, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the quality of each reading, one row each, in the order given.

    Parameters
    ----------
    as_of : freshness is counted back from it, and days up to it may be gaps. With a zone.
    names : what to call each reading, such as its file's name; None: its feed.

    Returns
    -------
    table : index ``name``; columns ``feed``, ``rows_in``, ``kept``, ``merged``, ``rejected`` (rows),
        ``rejected_by_reason``, ``flagged_by_reason`` (dicts of counts), ``first_reported_at``, ``last_reported_at``
        (text, on the city's clock), ``days_since_last``, ``share_located``, ``reports_a_day`` (without those dated to a
        month), ``gaps`` (list of ``first/last`` day without a report, see :func:`gaps`). ``rows_in == kept + merged +
        rejected``. Every cell is a plain Python value: ``quality(...).reset_index().to_dict("records")`` is JSON-able.

    Raises
    ------
    SettingsError
        ``names`` are not one a reading, or ``as_of`` has no zone.
    """
    names = [reading.feed for reading in readings] if names is None else list(names)
    if len(names) != len(readings):
        raise SettingsError(f"{len(names)} names for {len(readings)} readings: give one each")
    if as_of.tzinfo is None:
        raise SettingsError(f"as_of {as_of} has no zone: localise it first")
    rows = [_row(reading, as_of) for reading in readings]
    return pd.DataFrame(rows, index=pd.Index(names, dtype="str", name="name"), columns=_COLUMNS, dtype=object)


_COLUMNS = [
    *("feed", "rows_in", "kept", "merged", "rejected", "rejected_by_reason", "flagged_by_reason"),
    *("first_reported_at", "last_reported_at", "days_since_last", "share_located", "reports_a_day", "gaps"),
]


def _row(reading: Reading, as_of: pd.Timestamp) -> dict[str, object]:
    summary = reading.summary(as_of=as_of)
    by_reason: Mapping[str, int] = summary["rejected"]
    per_day = _per_day(reading, as_of)
    return {
        **summary,
        "rejected": sum(by_reason.values()),
        "rejected_by_reason": by_reason,
        "flagged_by_reason": summary["flagged"],
        "reports_a_day": round(float(per_day[: per_day[per_day > 0].index.max()].mean()), 2) if len(per_day) else None,
        "gaps": [f"{first:%Y-%m-%d}/{last:%Y-%m-%d}" for first, last in gaps(reading, as_of=as_of)],
    }


def _per_day(reading: Reading, as_of: pd.Timestamp) -> pd.Series:
    """Count reports of each whole day from the first to the last before ``as_of``; without those dated to a month."""
    times = reading.incidents.loc[reading.incidents["time_precision"] != "month", "reported_at"]
    days = times[times < as_of].dt.tz_convert(reading.area.tz).dt.tz_localize(None).dt.normalize()
    if days.empty:
        return pd.Series(dtype="int64")
    end = reading.area.local(as_of).tz_localize(None).normalize() - pd.Timedelta(days=1)
    through = pd.date_range(days.min(), max(end, days.max()), freq="D")
    counts: pd.Series = days.value_counts().reindex(through, fill_value=0)
    return counts


def gaps(reading: Reading, *, as_of: pd.Timestamp) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the runs of days (first, last) without a report that chance does not explain.

    Of ``n`` days with ``m`` reports a day on average, a run of ``d`` days is told where ``n * exp(-m * d)`` is at most
    :data:`GAP_CHANCE` (Poisson); ``m`` is the mean of the days around it, 28 before and 28 after, which do not belong
    to it, so that a quiet season is none. Days from the last report to ``as_of`` count.
    """
    per_day = _per_day(reading, as_of)
    quiet = per_day.eq(0).to_numpy()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype("int8"), [0]])))
    found = []
    for start, stop in edges.reshape(-1, 2):
        around = np.concatenate([per_day.to_numpy()[max(0, start - 28) : start], per_day.to_numpy()[stop : stop + 28]])
        if len(per_day) * np.exp(-around.mean() * (stop - start)) <= GAP_CHANCE:
            found.append((per_day.index[start], per_day.index[stop - 1]))
    return found


def quality_lines(table: pd.DataFrame) -> list[str]:
    """Return the table of :func:`quality` as lines of text."""
    return [line for name, row in table.iterrows() for line in _lines(str(name), row)]


def _lines(name: str, row: pd.Series) -> list[str]:
    lines = [
        f"{name} ({row['feed']}): {row['rows_in']} rows in = {row['kept']} kept + {row['merged']} merged"
        f" + {row['rejected']} rejected"
    ]
    lines += [f"  {n:6d} rejected: {reason}" for reason, n in row["rejected_by_reason"].items()]
    lines += [f"  {n:6d} flagged: {reason}" for reason, n in row["flagged_by_reason"].items()]
    lines.append(f"  {row['share_located']:.1%} of rows with usable coordinates")
    if row["last_reported_at"] is None:
        return [*lines, "  no report is kept"]
    lines.append(
        f"  reported from {row['first_reported_at'][:10]} to {row['last_reported_at'][:10]},"
        f" the last {row['days_since_last']:.1f} days ago"
    )
    if row["reports_a_day"] is not None:
        lines.append(f"  {row['reports_a_day']:.1f} reports a day where dated")
    lines += [f"  no report from {gap.replace('/', ' to ')}, where some were to be expected" for gap in row["gaps"]]
    return lines
