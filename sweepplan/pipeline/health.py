"""Figures of public health: how many reports, how fast they were answered, how they go on; small ones are hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from sweepplan.geo import Area
from sweepplan.hotspots import Cube, Grid, expect
from sweepplan.hotspots.cube import days_of
from sweepplan.hotspots.level import counts_interval
from sweepplan.model import Ints
from sweepplan.privacy import Policy, about, share

WINDOWS: Mapping[str, int] = MappingProxyType({"4 weeks": 28, "13 weeks": 91, "year": 364})
"""Days of the windows that may be asked for: whole weeks."""

_WEEKS_BACK, _WEEKS_AHEAD, _COVER = 52, 4, 0.8
_MONTHS_BACK = 24
_PARTS = ((0, 6, "night, 0-6"), (6, 12, "morning, 6-12"), (12, 18, "afternoon, 12-18"), (18, 24, "evening, 18-24"))


@dataclass(frozen=True)
class Answered:
    """How fast requests were closed; hours. ``n`` is about how many, None where they are too few to be told."""

    n: int | None
    median_h: float
    p90_h: float
    within_24_h: float
    within_48_h: float


@dataclass(frozen=True, eq=False)
class Health:
    """What a page for public health shows of one kind of report.

    Attributes
    ----------
    start, stop, before : the window ``start <= t < stop``, and the start of the one as long that it is compared with.
    n, n_before : reports in them; None where too few to be told.
    exact : whether they are counts; else they are rounded so that no few reports can be worked out.
    answered, answered_before : None where none was closed, or too few.
    by_time : requests closed by part of the day they came in: ``part``, ``median_h``, ``p90_h``, ``within_24_h``; too
        few are left out, and counted in ``hidden``.
    trend : ``start``, ``n`` of whole weeks (months, where not exact) before ``stop``; ``n`` is empty where hidden.
    ahead : ``start``, ``mean``, ``low``, ``high`` of the weeks to come, 80 %; empty where not exact.
    by_area : the same by hotspot, where exact.
    hidden : how many figures are not told, as they are of fewer than the least count.
    """

    start: pd.Timestamp
    stop: pd.Timestamp
    before: pd.Timestamp
    n: int | None
    n_before: int | None
    exact: bool
    answered: Answered | None
    answered_before: Answered | None
    by_time: pd.DataFrame
    trend: pd.DataFrame
    ahead: pd.DataFrame
    by_area: pd.DataFrame
    hidden: int


def health(
    reports: gpd.GeoDataFrame,
    area: Area,
    policy: Policy,
    *,
    as_of: pd.Timestamp,
    days: int,
    back_d: int,
    areas: Mapping[str, BaseGeometry] | None = None,
) -> Health:
    """Return the figures of the ``days`` before the midnight of ``as_of``, beside those ``back_d`` days earlier.

    Parameters
    ----------
    reports : INCIDENTS of one kind, all that are known.
    areas : outlines by name, whose answers are told apart for who may see the reports.
    """
    kind = str(reports["kind"].iloc[0])
    exact = policy.show_requests and kind == "needle"
    stop = area.midnight(as_of)
    start, before = (_earlier(area, stop, n) for n in (days, back_d + days))
    before_stop = _earlier(area, stop, back_d)
    least = policy.min_count
    known = reports[reports["reported_at"] < stop]
    now, then = _between(known, start, stop), _between(known, before, before_stop)
    n, n_before = (len(each) if exact else about(len(each), least) for each in (now, then))
    by_time, hidden = _by_time(now, area, stop, least)
    by_area, small = _by_area(now, stop, areas or {}, least) if exact else (_parts([], "area"), 0)
    hidden += small
    trend = _weeks(known, area, stop) if exact else _months(known, area, stop, least)
    hidden += int(trend["n"].isna().sum()) + (n is None) + (n_before is None)
    return Health(
        start=start,
        stop=stop,
        before=before,
        n=n,
        n_before=n_before,
        exact=exact,
        answered=_answered(now, stop, least, exact=exact),
        answered_before=_answered(then, before_stop, least, exact=exact),
        by_time=by_time,
        trend=trend,
        ahead=_ahead(known, area, stop) if exact else pd.DataFrame(columns=["start", "mean", "low", "high"]),
        by_area=by_area,
        hidden=hidden,
    )


def _earlier(area: Area, stop: pd.Timestamp, days: int) -> pd.Timestamp:
    return area.midnight(area.local(stop).tz_localize(None) - pd.Timedelta(days=days))


def _between(reports: gpd.GeoDataFrame, start: pd.Timestamp, stop: pd.Timestamp) -> gpd.GeoDataFrame:
    return reports[(reports["reported_at"] >= start) & (reports["reported_at"] < stop)]


def _hours(reports: gpd.GeoDataFrame, stop: pd.Timestamp) -> pd.Series:
    """Return the hours that each request closed before ``stop`` had waited, of those dated to the second."""
    closed = reports[(reports["closed_at"] < stop) & (reports["time_precision"] == "second")]
    return (closed["closed_at"] - closed["reported_at"]).dt.total_seconds() / 3600


def _answered(reports: gpd.GeoDataFrame, stop: pd.Timestamp, least: int, *, exact: bool) -> Answered | None:
    hours = _hours(reports, stop)
    if len(hours) < least:
        return None
    median, p90 = hours.quantile([0.5, 0.9])
    within = [int((hours <= limit).sum()) for limit in (24, 48)]
    shares = [n / len(hours) if exact else share(n, len(hours), least) / 100 for n in within]
    return Answered(about(len(hours), least), float(median), float(p90), *shares)


def _by_time(reports: gpd.GeoDataFrame, area: Area, stop: pd.Timestamp, least: int) -> tuple[pd.DataFrame, int]:
    hours = _hours(reports, stop)
    came = reports.loc[hours.index, "reported_at"].dt.tz_convert(area.tz).dt.hour
    parts = {name: hours[(came >= begin) & (came < end)] for begin, end, name in _PARTS}
    return _apart(parts, least, "part")


def _by_area(
    reports: gpd.GeoDataFrame, stop: pd.Timestamp, areas: Mapping[str, BaseGeometry], least: int
) -> tuple[pd.DataFrame, int]:
    hours = _hours(reports, stop)
    at = reports.geometry.loc[hours.index]
    inside = {name: pd.Series(shapely.intersects(list(at), shape), hours.index) for name, shape in areas.items()}
    return _apart({name: hours[there] for name, there in inside.items()}, least, "area")


def _apart(parts: Mapping[str, pd.Series], least: int, by: str) -> tuple[pd.DataFrame, int]:
    told = [(name, *_told(hours)) for name, hours in parts.items() if len(hours) >= least]
    return _parts(told, by), sum(0 < len(hours) < least for hours in parts.values())


def _parts(rows: Sequence[tuple[object, ...]], by: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[by, "median_h", "p90_h", "within_24_h"])


def _told(hours: pd.Series) -> tuple[float, float, float]:
    median, p90 = hours.quantile([0.5, 0.9])
    return float(median), float(p90), float((hours <= 24).mean())


def _weeks(reports: gpd.GeoDataFrame, area: Area, stop: pd.Timestamp) -> pd.DataFrame:
    edges = [_earlier(area, stop, 7 * k) for k in range(_WEEKS_BACK, -1, -1)]
    dated = reports[reports["time_precision"] != "month"]
    n = np.histogram(_seconds(dated["reported_at"]), _seconds(pd.Series(edges)))[0]
    since = dated["reported_at"].min() if len(dated) else stop
    whole = [edge >= since for edge in edges[:-1]]
    return pd.DataFrame({"start": edges[:-1], "n": n.astype(float)})[whole]


def _months(reports: gpd.GeoDataFrame, area: Area, stop: pd.Timestamp, least: int) -> pd.DataFrame:
    first = area.local(stop).tz_localize(None).to_period("M")
    months = [first - k for k in range(_MONTHS_BACK, 0, -1)]
    edges = [area.midnight(month.start_time) for month in [*months, first]]
    n = np.histogram(_seconds(reports["reported_at"]), _seconds(pd.Series(edges)))[0]
    told = [about(int(each), least) for each in n]
    return pd.DataFrame({"start": edges[:-1], "n": pd.Series(told, dtype="float64")})


def _seconds(moments: pd.Series) -> Ints:
    seconds: Ints = moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[s]").astype(np.int64)
    return seconds


def _ahead(reports: gpd.GeoDataFrame, area: Area, stop: pd.Timestamp) -> pd.DataFrame:
    """Return what is expected of the weeks from ``stop`` on, each with its interval."""
    edge = max(np.ptp(area.boundary.bounds[::2]), np.ptp(area.boundary.bounds[1::2])) + 1.0
    cube = Cube.build(reports, Grid.over(area, float(edge)), area.tz)
    day = int(days_of(pd.Series([area.local(stop).tz_localize(None)]))[0])
    ahead, single = expect(cube, day, 7 * _WEEKS_AHEAD), expect(cube, day, 7)
    mean = ahead.mean.reshape(_WEEKS_AHEAD, 7).sum(axis=1)
    low, high = counts_interval(mean, max(ahead.total_spread, single.total_spread), _COVER)
    starts = [_earlier(area, stop, -7 * week) for week in range(_WEEKS_AHEAD)]
    return pd.DataFrame({"start": starts, "mean": mean, "low": low, "high": high})
