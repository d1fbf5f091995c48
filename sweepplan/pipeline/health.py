"""Figures of public health: how many reports, how fast they were answered, how they go on; small ones are hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from sweepplan.geo import Area
from sweepplan.hotspots import Cube, Grid, expect
from sweepplan.hotspots.cube import days_of
from sweepplan.hotspots.level import counts_interval
from sweepplan.model import Floats, Ints
from sweepplan.privacy import Policy, about, pooled, quantile, share

WINDOWS: Mapping[str, int] = MappingProxyType({"4 weeks": 28, "13 weeks": 91, "year": 364})
"""Days of the windows that may be asked for: whole weeks."""

_WEEKS_BACK, _WEEKS_AHEAD, _COVER = 52, 4, 0.8
_MONTHS_BACK = 24
_MONTHS = {28: 1, 91: 3, 364: 12}
"""Calendar months that stand for the days of a window, where figures are not exact."""
_ELSEWHERE = "elsewhere"
_PARTS = ("night, 0-6", "morning, 6-12", "afternoon, 12-18", "evening, 18-24")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOUR = "Hour"
_READ = ("kind", "reported_at", "closed_at", "time_precision")
_HOURS = tuple(f"{hour:02d}:00" for hour in range(24))
HOTSPOT = "Hotspot"
_TOLD = ("n", "median_h", "p90_h", "within_24_h", "within_48_h")
Window = tuple[pd.Timestamp, pd.Timestamp]
Parts = Mapping[str, NDArray[np.bool_]]
"""Which requests are of each part, by its name."""


@dataclass(frozen=True)
class Answered:
    """How fast requests were closed, hours, NaN where of too few; ``n`` is how many, None where that is not told."""

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
    start, stop, before : the window ``start <= t < stop``, and the start of the one that it is compared with.
    n, n_before : reports in them; None where too few to be told.
    exact : whether they are counts; else they are rounded, and of whole calendar months, so that the figures of one day
        cannot be subtracted from those of the next.
    answered, answered_before : None where none was closed, or too few.
    by : requests closed, by what they are told apart (``Part of the day`` and so on), a row a part: index its name,
        columns as of :class:`Answered`; too few are left out, or told together, and counted in ``hidden``.
    compared : reports now and then by place, columns ``now``, ``then``, by kind of place; empty where not exact.
    trend : ``start``, ``n`` of whole weeks (months, where not exact) before ``stop``; ``n`` is empty where hidden.
    ahead : ``start``, ``mean``, ``low``, ``high`` of the weeks to come, 80 %; empty where not exact.
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
    by: Mapping[str, pd.DataFrame]
    compared: Mapping[str, pd.DataFrame]
    trend: pd.DataFrame
    ahead: pd.DataFrame
    hidden: int


@dataclass(frozen=True, eq=False)
class Course:
    """How reports went and are expected to go on, whatever window is looked at: ``trend``, ``ahead`` of Health."""

    trend: pd.DataFrame
    ahead: pd.DataFrame


def course(reports: gpd.GeoDataFrame, area: Area, policy: Policy, *, as_of: pd.Timestamp) -> Course:
    """Return the weeks (months, where not exact) before the midnight of ``as_of``, and the weeks to come."""
    stop = area.midnight(as_of)
    known = reports[reports["reported_at"] < stop]
    if policy.sees(_kind(reports)):
        return Course(_weeks(known, area, stop), _ahead(known, area, stop))
    months = _months(known, area, stop, policy.min_count)
    return Course(months, pd.DataFrame(columns=["start", "mean", "low", "high"]))


def _kind(reports: gpd.GeoDataFrame) -> str:
    return str(reports["kind"].iloc[0])


def health(
    reports: gpd.GeoDataFrame,
    area: Area,
    policy: Policy,
    *,
    as_of: pd.Timestamp,
    days: int,
    back_d: int,
    places: Mapping[str, Mapping[str, BaseGeometry]] = MappingProxyType({}),
    known: Course | None = None,
) -> Health:
    """Return the figures of the ``days`` before the midnight of ``as_of``, beside those ``back_d`` days earlier.

    Who may not see single reports gets whole calendar months that are over instead: one for four weeks, three for
    thirteen, twelve for a year, beside as many before them or, from a ``back_d`` of 364 on, those of a year earlier.

    Parameters
    ----------
    reports : INCIDENTS of one kind, all that are known.
    places : outlines by name by kind, whose answers are told apart; those of ``HOTSPOT`` for who may see the reports
        alone: others stay where they are, whatever is reported.
    known : the :func:`course` of the same reports, where it is known already.
    """
    exact, least = policy.sees(_kind(reports)), policy.min_count
    (start, stop), (before, before_stop) = _windows(area, as_of, days, back_d, exact=exact)
    known = known or course(reports, area, policy, as_of=as_of)
    reports = reports[[*_READ, reports.geometry.name]]
    now, then = _between(reports, start, stop), _between(reports, before, before_stop)
    n, n_before = (len(each) if exact else about(len(each), least) for each in (now, then))
    places = {kind: shapes for kind, shapes in places.items() if exact or kind != HOTSPOT}
    here, there = _inside(now, places), _inside(then, places)
    by, hidden = (_by if exact else _by_pooled)(_hours(now, stop), _apart(now, area, stop, here), least)
    hidden += int(known.trend["n"].isna().sum()) + (n is None) + (n_before is None)
    told = _told if exact else _told_coarsely
    return Health(
        start=start,
        stop=stop,
        before=before,
        n=n,
        n_before=n_before,
        exact=exact,
        answered=told(_hours(now, stop), least),
        answered_before=told(_hours(then, before_stop), least),
        by=by,
        compared=_compared(here, there) if exact else {},
        trend=known.trend,
        ahead=known.ahead,
        hidden=hidden,
    )


def _windows(area: Area, as_of: pd.Timestamp, days: int, back_d: int, *, exact: bool) -> tuple[Window, Window]:
    if not exact:
        months = _MONTHS[days]
        return _months_over(area, as_of, months), _months_over(
            area, as_of, months, 12 if back_d >= max(_MONTHS) else months
        )
    stop = area.midnight(as_of)
    start, before, before_stop = (_earlier(area, stop, n) for n in (days, back_d + days, back_d))
    return (start, stop), (before, before_stop)


def _months_over(area: Area, as_of: pd.Timestamp, months: int, back: int = 0) -> Window:
    """Return so many calendar months that are over, the last ended ``back`` months ago."""
    stop = area.local(as_of).tz_localize(None).to_period("M") - back
    return area.midnight((stop - months).start_time), area.midnight(stop.start_time)


def _earlier(area: Area, stop: pd.Timestamp, days: int) -> pd.Timestamp:
    return area.midnight(area.local(stop).tz_localize(None) - pd.Timedelta(days=days))


def _between(reports: gpd.GeoDataFrame, start: pd.Timestamp, stop: pd.Timestamp) -> gpd.GeoDataFrame:
    came = reports["reported_at"]
    return reports[((came >= start) & (came < stop)).to_numpy()]


def _closed(reports: gpd.GeoDataFrame, stop: pd.Timestamp) -> NDArray[np.bool_]:
    """Return which requests were closed before ``stop``, of those dated to the second."""
    closed = (reports["closed_at"] < stop) & (reports["time_precision"] == "second")
    return closed.to_numpy(dtype=bool)


def _hours(reports: gpd.GeoDataFrame, stop: pd.Timestamp) -> pd.Series:
    """Return the hours that each request closed before ``stop`` had waited, of those dated to the second."""
    closed = reports[["reported_at", "closed_at"]][_closed(reports, stop)]
    return (closed["closed_at"] - closed["reported_at"]).dt.total_seconds() / 3600


def _told(hours: pd.Series, least: int) -> Answered | None:
    if len(hours) < least:
        return None
    median, p90 = hours.quantile([0.5, 0.9])
    return Answered(len(hours), float(median), float(p90), *(float((hours <= limit).mean()) for limit in (24, 48)))


def _told_coarsely(hours: pd.Series, least: int) -> Answered | None:
    """Return how fast, each figure so that ``least`` answers at least lie on either side of it, or none is told."""
    if len(hours) < 2 * least:
        return None
    within = [share(int((hours <= limit).sum()), len(hours), 2 * least) / 100 for limit in (24, 48)]
    return Answered(None, quantile(hours, 0.5, least), quantile(hours, 0.9, least), *within)


def _apart(
    reports: gpd.GeoDataFrame, area: Area, stop: pd.Timestamp, inside: Mapping[str, Parts]
) -> Mapping[str, Parts]:
    """Return the requests closed by when they came in and where."""
    closed = _closed(reports, stop)
    came = reports["reported_at"][closed].dt.tz_convert(area.tz).dt
    hour, weekday = came.hour.to_numpy(), came.day_of_week.to_numpy()
    return {
        "Part of the day": {name: hour // 6 == k for k, name in enumerate(_PARTS)},
        "Weekday": {name: weekday == k for k, name in enumerate(_DAYS)},
        _HOUR: {name: hour == k for k, name in enumerate(_HOURS)},
        **{kind: {name: there[closed] for name, there in parts.items()} for kind, parts in inside.items()},
    }


def _by(hours: pd.Series, apart: Mapping[str, Parts], least: int) -> tuple[Mapping[str, pd.DataFrame], int]:
    """Return how fast requests were closed by part, and how many parts are too small to tell."""
    found = {
        kind: _rows({name: hours[there] for name, there in parts.items()}, _told, least)
        for kind, parts in apart.items()
    }
    hidden = sum(0 < there.sum() < least for parts in apart.values() for there in parts.values())
    return {kind: table for kind, table in found.items() if len(table)}, int(hidden)


def _by_pooled(hours: pd.Series, apart: Mapping[str, Parts], least: int) -> tuple[Mapping[str, pd.DataFrame], int]:
    """Return the same, each request in one part of a kind, small parts together; no single hours beside their parts."""
    found, hidden = {}, 0
    for kind, parts in apart.items():
        if kind == _HOUR or not parts:
            continue
        names = np.array([*parts, _ELSEWHERE])
        of = np.argmax([*parts.values(), np.ones(len(hours), dtype=bool)], axis=0)
        sizes = {str(name): int((of == k).sum()) for k, name in enumerate(names)}
        groups = pooled(sizes, 2 * least)
        hidden += len(sizes) - sum(len(group) == 1 for group in groups.values()) - (sizes[_ELSEWHERE] == 0)
        table = _rows({name: hours[np.isin(names[of], group)] for name, group in groups.items()}, _told_coarsely, least)
        if len(table):
            found[kind] = table
    return found, hidden


def _rows(
    parts: Mapping[str, pd.Series], told: Callable[[pd.Series, int], Answered | None], least: int
) -> pd.DataFrame:
    figures = {name: told(part, least) for name, part in parts.items()}
    rows = {name: [getattr(each, column) for column in _TOLD] for name, each in figures.items() if each is not None}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_TOLD))


def _compared(now: Mapping[str, Parts], then: Mapping[str, Parts]) -> Mapping[str, pd.DataFrame]:
    """Return reports now and then in each place."""
    found = {}
    for kind, parts in now.items():
        pairs = {name: [int(here.sum()), int(then[kind][name].sum())] for name, here in parts.items()}
        if pairs:
            table = pd.DataFrame.from_dict(pairs, orient="index", columns=["now", "then"])
            found[kind] = table.sort_values("now", ascending=False, kind="stable")
    return found


def _inside(reports: gpd.GeoDataFrame, places: Mapping[str, Mapping[str, BaseGeometry]]) -> Mapping[str, Parts]:
    """Return which reports lie in each place."""
    if not places:
        return {}
    x, y = shapely.get_coordinates(np.asarray(reports.geometry)).T
    return {kind: {name: _in_shape(x, y, shape) for name, shape in shapes.items()} for kind, shapes in places.items()}


def _in_shape(x: Floats, y: Floats, shape: BaseGeometry) -> NDArray[np.bool_]:
    """Return which spots lie in a shape, its edge included; asked only of those within its bounds."""
    west, south, east, north = shape.bounds
    there = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    near = np.flatnonzero(there)
    there[near] = shapely.intersects_xy(shape, x[near], y[near])
    return there


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
