"""Alerts: where more was reported in the last days than expected, at most so many episodes a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots.blend import Blend, Plane, Shares
from sweepplan.hotspots.cube import Cube, Grid, days_of
from sweepplan.hotspots.ears import ears, threshold_rule
from sweepplan.hotspots.history import history
from sweepplan.hotspots.scan import Baseline, Found, Scan, Scanner
from sweepplan.tables import ALERTS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

METHODS = ("scan", "ears-c1", "ears-c2", "ears-c3", "threshold", "county")
"""``scan``: the space-time scan, held to a budget. The others alarm by their own rule, of each square kilometre
(``ears-c1`` to ``-c3``, ``threshold``), or of the whole area and 24 hours (``county``)."""

MONTH_D = 30
TILE_M = 1_000.0

_GAP_D = 3
_LEAST_D = 21
_MOST_D = 56
_BASE_D = 28
_TAIL = 12
_LOW = 0.3
_SILENT_D = 7
_WEEK_D = 7
_SHOWN_CELL_M = 100.0


@dataclass(frozen=True)
class Alarm:
    """How to watch.

    Attributes
    ----------
    method : one of :data:`METHODS`.
    budget : false alarms that are borne, episodes in 30 days; of the scan alone.
    scan, blend : how it looks, and what it expects.
    """

    method: str = "scan"
    budget: float = 1.0
    scan: Scan = field(default_factory=Scan)
    blend: Blend = field(default_factory=Blend)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise SettingsError(f"method {self.method!r}: one of {', '.join(METHODS)}")
        if not 0 < self.budget < MONTH_D:
            raise SettingsError(f"budget {self.budget:g}: give more than 0, less than {MONTH_D} episodes in 30 days")


@dataclass(frozen=True)
class Episode:
    """Alarms that follow each other in one place, each within three days of one before."""

    found: tuple[Found, ...]

    @property
    def first_day(self) -> int:
        """The day of its first alarm."""
        return self.found[0].day

    @property
    def strongest(self) -> Found:
        """The alarm with the highest score."""
        return max(self.found, key=lambda each: each.score)

    @property
    def peak(self) -> float:
        """The highest score."""
        return self.strongest.score


@dataclass(frozen=True, eq=False)
class Watch:
    """What stands out, and how often that happens by this rule.

    Attributes
    ----------
    alerts : ALERTS of the day, the strongest first.
    earlier : ALERTS of the episodes before that are over, each as it was at its strongest, the newest first.
    day : the last day looked at, since 1970.
    threshold : score from which the scan alarms; None of other methods.
    days_before : days that were looked at in the same way before, up to a week before ``day``.
    episodes_before : episodes in them: what the rule would have said.
    """

    alerts: gpd.GeoDataFrame
    earlier: gpd.GeoDataFrame
    kind: str
    method: Alarm
    day: int
    threshold: float | None
    days_before: int
    episodes_before: int

    @property
    def per_month(self) -> float:
        """Episodes in 30 days, in the days before."""
        return MONTH_D * self.episodes_before / self.days_before


def watch(incidents: gpd.GeoDataFrame, area: Area, alarm: Alarm | None = None, *, as_of: pd.Timestamp) -> Watch:
    """Return what stands out in the last days before ``as_of``, beside the days before.

    Parameters
    ----------
    incidents : INCIDENTS of one kind on the area's plane; those not known at ``as_of`` change nothing. Reports dated to
        a month are history only.

    Raises
    ------
    ProblemError
        Too few days are dated, or none of late.
    TableError, CrsError, ClockError
        See :func:`sweepplan.hotspots.history.history`.
    """
    alarm = alarm or Alarm()
    known = history(incidents, as_of, plane=area.crs)
    local = known["reported_at"].dt.tz_convert(area.tz).dt.tz_localize(None)
    dated = (known["time_precision"] != "month").to_numpy()
    today = int(days_of(pd.Series([area.local(as_of - pd.Timedelta(1, "us")).tz_localize(None)]))[0])
    day = days_of(local)[dated]
    _require_days(day, len(known), today, area, as_of)
    xy = shapely.get_coordinates(known.geometry.to_numpy())[dated]
    found: list[Found] = []
    limit = None
    before = _days_before(day, int(days_of(local).min()), today, alarm)
    if alarm.method == "scan":
        scanner = scanner_of(known, area, alarm, learnt=before.start - alarm.scan.lag_d)
        scanned = [scanner.best(each) for each in range(before.start, today + 1)]
        found = [each for some in scanned for each in some]
        earlier = [each for each in found if each.day < before.stop]
        limit = threshold(earlier, len(before), alarm.budget, apart_m=alarm.scan.apart_m)
        found = [each for each in found if each.score > limit]
    else:
        found = _by_rule(xy, day, range(before.start, today + 1), area, alarm.method)
    told = episodes(found, apart_m=alarm.scan.apart_m if limit is not None else TILE_M / 2)
    n_before = sum(episode.first_day < before.stop for episode in told)
    kind = str(known["kind"].iloc[0])
    now = [(episode, each) for episode in told for each in episode.found if each.day == today]
    now.sort(key=lambda pair: -pair[1].score)
    over = [(episode, episode.strongest) for episode in told if episode.found[-1].day < today]
    over.sort(key=lambda pair: -pair[1].day)
    alerts, past = (_table(pairs, kind, area, alarm.method) for pairs in (now, over))
    return Watch(alerts, past, kind, alarm, today, limit, len(before), n_before)


def scanner_of(known: gpd.GeoDataFrame, area: Area, alarm: Alarm, *, learnt: int) -> Scanner:
    """Return the scanner of what is known, the weights of its baseline learnt from what was at the day ``learnt``."""
    plane = Plane(Grid.over(area, alarm.blend.cell_m))
    shares = Shares(Cube.build(known, plane.fine, area.tz), plane, alarm.blend, _SILENT_D)
    dated = known[known["time_precision"] != "month"]
    day = days_of(dated["reported_at"].dt.tz_convert(area.tz).dt.tz_localize(None))
    baseline = Baseline(shares, plane, alarm.scan, learnt)
    return Scanner(baseline, shapely.get_coordinates(dated.geometry.to_numpy()), day)


def threshold(found: Sequence[Found], n_days: int, budget: float, *, apart_m: float) -> float:
    """Return the score that ``budget`` episodes in 30 days pass, by what earlier days found.

    The highest of the peaks of episodes fall off as an exponential does; so few days hold that many episodes that the
    law is needed to read the score between and beyond them.

    Parameters
    ----------
    found : the best discs of each of ``n_days`` earlier days, whatever their score.

    Raises
    ------
    ProblemError
        Fewer than 21 days.
    """
    if n_days < _LEAST_D:
        raise ProblemError(f"too few days to calibrate: n = {n_days}; give {_LEAST_D} dated days or more")
    if not found:
        return 0.0
    low = float(np.quantile([each.score for each in found], _LOW))
    told = episodes([each for each in found if each.score > low], apart_m=apart_m)
    peaks = np.sort([episode.peak for episode in told])[::-1]
    if not len(peaks):
        return low
    m = min(_TAIL, len(peaks) - 1)
    if m == 0:
        return float(peaks[0])
    mean_excess = float(peaks[:m].mean() - peaks[m])
    return float(peaks[m] + mean_excess * np.log(m * MONTH_D / (budget * n_days)))


def episodes(found: Sequence[Found], *, apart_m: float) -> list[Episode]:
    """Return alarms as episodes, oldest first: each joins one that alarmed nearer than ``apart_m`` within 3 days.

    Examples
    --------
    >>> a, b, c = (Found(day, x, 0.0, 200, 3, 9, 2.1, 8.0) for day, x in ((1, 0), (4, 500), (9, 500)))
    >>> [len(episode.found) for episode in episodes([a, b, c], apart_m=600)]
    [2, 1]
    """
    held: list[list[Found]] = []
    for each in sorted(found, key=lambda one: (one.day, -one.score)):
        for members in held:
            if any(each.day - one.day <= _GAP_D and each.apart_m(one) < apart_m for one in members[::-1]):
                members.append(each)
                break
        else:
            held.append([each])
    return [Episode(tuple(members)) for members in held]


def _require_days(day: NDArray[np.int64], n_known: int, today: int, area: Area, as_of: pd.Timestamp) -> None:
    """Refuse what cannot be watched: nothing, months alone, too short a past, silence."""
    if not n_known:
        raise ProblemError(f"no report before {area.local(as_of):%Y-%m-%d}: give a later as_of, or another file")
    if not len(day):
        raise ProblemError(f"none of {n_known:,} reports has a day, months alone: alerts need reports dated to the day")
    last = pd.Timestamp(int(day.max()), unit="D")
    if today - day.max() > _SILENT_D:
        raise ProblemError(
            f"no report in the {_SILENT_D} days before {area.local(as_of):%Y-%m-%d}: the last is of {last:%Y-%m-%d}; "
            f"give an earlier as_of, or newer reports"
        )


def _days_before(day: NDArray[np.int64], oldest: int, today: int, alarm: Alarm) -> range:
    """Return the days to learn from: the 56 up to a week before today, fewer where fewer are dated.

    A scan's windows must be dated, and its baseline have a report, from ``oldest`` on, to be made of.
    """
    warm = alarm.scan.most_d if alarm.method == "scan" else _BASE_D
    first = max(int(day.min()) + warm, today - _SILENT_D - _MOST_D)
    if alarm.method == "scan":
        first = max(first, oldest + 2 * alarm.scan.lag_d + _WEEK_D)
    before = range(first, max(today - _SILENT_D, first))
    if len(before) < _LEAST_D:
        need = _LEAST_D + max(warm, 2 * alarm.scan.lag_d + _WEEK_D) + _SILENT_D
        raise ProblemError(
            f"too few days for alerts: n = {today - int(day.min()) + 1} dated days, {len(day):,} reports; "
            f"{alarm.method} needs {need}"
        )
    return before


def _by_rule(xy: Floats, day: NDArray[np.int64], days: range, area: Area, method: str) -> list[Found]:
    """Return the alarms of the usual rules, each square kilometre (or the whole area) a place of its own."""
    grid = Grid.over(area, TILE_M)
    tile = grid.cell_of(*xy.T)
    if method == "county":
        tile, n_tiles = np.zeros(len(day), dtype=np.int64), 1
    else:
        n_tiles = grid.size
    start = days.start - _BASE_D
    within = (day >= start) & (day < days.stop) & (tile >= 0)
    counts = np.zeros((days.stop - start, n_tiles))
    np.add.at(counts, (day[within] - start, tile[within]), 1)
    bound, alarm = ears(counts, method[-2:].upper()) if method.startswith("ears") else threshold_rule(counts)
    at = grid.centres if n_tiles > 1 else np.array([area.boundary.centroid.coords[0]])
    radius = TILE_M / 2 if n_tiles > 1 else np.inf
    n_days = _GAP_D if method == "ears-c3" else 1
    summed = sum(np.vstack([np.zeros((k, n_tiles)), counts[: len(counts) - k]]) for k in range(n_days))
    usual = np.vstack([counts[max(0, k - _BASE_D) : k].mean(axis=0) if k else counts[0] for k in range(len(counts))])
    over = np.nan_to_num(counts - bound)
    rows, columns = np.nonzero(alarm[_BASE_D:])
    return [
        Found(
            day=start + _BASE_D + row,
            x=float(at[k, 0]),
            y=float(at[k, 1]),
            radius_m=radius,
            days=n_days,
            count=int(np.asarray(summed)[_BASE_D + row, k]),
            expected=float(n_days * usual[_BASE_D + row, k]),
            score=float(over[_BASE_D + row, k]),
        )
        for row, k in zip(rows.tolist(), columns.tolist(), strict=True)
    ]


def _table(now: Sequence[tuple[Episode, Found]], kind: str, area: Area, method: str) -> gpd.GeoDataFrame:
    """Return alarms of episodes as ALERTS: cells of 100 m that the disc touches, so that none is a point."""
    if not now:
        return ALERTS.empty(area.crs)
    found = [each for _, each in now]
    tile = Grid.over(area, TILE_M)
    places = [episode.found[0] for episode, _ in now]
    names = tile.names(tile.cell_of([one.x for one in places], [one.y for one in places]))
    first = [pd.Timestamp(episode.first_day, unit="D") for episode, _ in now]
    ids = [f"{kind}-{method}-{day:%Y%m%d}-{name}" for day, name in zip(first, names, strict=True)]
    table = gpd.GeoDataFrame(
        {
            "kind": kind,
            "method": method,
            "name": "",
            "since": pd.Series([area.midnight(day) for day in first], dtype="datetime64[us, UTC]"),
            "days": [each.days for each in found],
            "n_incidents": [float(each.count) for each in found],
            "expected": [each.expected for each in found],
        },
        geometry=[_cells(each, area) for each in found],
        crs=area.crs,
    ).set_axis(pd.Index(ids, dtype="str", name=ALERTS.index))
    return ALERTS.check(table[~table.index.duplicated()])


def _cells(found: Found, area: Area) -> shapely.Geometry:
    if not np.isfinite(found.radius_m):
        return area.boundary
    square = found.radius_m == TILE_M / 2
    disc = shapely.Point(found.x, found.y).buffer(found.radius_m, cap_style="square" if square else "round")
    grid = Grid.over(disc.bounds, _SHOWN_CELL_M)
    cells = grid.polygons(np.arange(grid.size))
    return shapely.union_all(cells[shapely.relate_pattern(cells, disc, "T********")])
