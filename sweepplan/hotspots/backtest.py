"""The forecast tried on the past: from each of many days the next reports, against rivals and what could be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise, product

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots.blend import NEAR_M, Blend, Plane, Shares
from sweepplan.hotspots.covariates import Nearby
from sweepplan.hotspots.cube import Cube, Grid
from sweepplan.hotspots.history import require_positive
from sweepplan.hotspots.level import Days, Level, expect
from sweepplan.hotspots.lixels import STREETS, Lixels
from sweepplan.judging.forecast import Caught, bands, chance
from sweepplan.judging.hotspots import caught
from sweepplan.tables import INCIDENTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Map = Callable[[int], Floats]

SHARES = (0.01, 0.025, 0.05)
BANDS = (0.01, 0.025, 0.05, 0.1, 0.25)
PLAIN = tuple(product((28.0, 91.0, 182.0, 365.0), (0.0, 25.0, 50.0, 100.0, 200.0)))
"""Half-lives and kernels that the plain map and the hindsight one are chosen from."""

_LEAST_HISTORY = 20
_LEAST_CELLS = 40
_DRAWS = 40


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes
    ----------
    start, end : first and last day from which a forecast is made, on the city's clock.
    horizon_d : days that each is for, and from one to the next; None = the calendar month, from each first of a month.
    cell_m : side of a cell, metres.
    shifts : grids, moved against each other by an even part of a cell: 1, 4, 9, ...; results are means over all.
    level : how the city's level is followed.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    horizon_d: int | None = 7
    cell_m: float = 100
    shifts: int = 4
    level: Level = field(default_factory=Level)

    def __post_init__(self) -> None:
        require_positive("cell_m", self.cell_m)
        if self.horizon_d is not None:
            require_positive("horizon_d", self.horizon_d)
        if self.start > self.end:
            raise SettingsError(f"from {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}: give the earlier day first")
        if self.shifts < 1 or round(self.shifts**0.5) ** 2 != self.shifts:
            raise SettingsError(f"shifts {self.shifts}: give a square number of grids, 1, 4 or 9")

    def windows(self, last: int) -> list[tuple[int, int]]:
        """Return the days from which, and to which, is forecast; none ends after ``last``."""
        start, end = (int(np.datetime64(day.date(), "D").astype(int)) for day in (self.start, self.end))
        if self.horizon_d is not None:
            found = [(day, day + self.horizon_d) for day in range(start, end + 1, self.horizon_d)]
        else:
            months = np.arange(self.start.to_datetime64().astype("datetime64[M]"), np.datetime64(self.end, "M") + 2)
            edges = months.astype("datetime64[D]").astype(np.int64).tolist()
            found = [pair for pair in pairwise(edges) if start <= pair[0] <= end]
        return [(a, b) for a, b in found if b <= last]

    def offsets(self) -> list[tuple[float, float]]:
        """Return how far each grid is moved, metres."""
        n = round(self.shifts**0.5)
        steps = [k * self.cell_m / n for k in range(n)]
        return [(x, y) for y in steps for x in steps]


@dataclass(frozen=True, eq=False)
class Backtest:
    """What came of a trial.

    Attributes
    ----------
    windows : days, from 1970-01-01, from which and to which each forecast is.
    maps : what each way to draw the map caught, in the shares of the region of :data:`SHARES`; ``ceiling`` has seen the
        future, the window itself left out, and was chosen from :data:`PLAIN` afterwards.
    plain : half-life in days and kernel in metres of the plain map, chosen before the first origin.
    relabelled_pai : PAI at 2.5 % of the forecast with cells relabelled at random: about 1, or the judge is wrong.
    expected, came : reports by band of rank (:data:`BANDS`, the rest, outside the region).
    level : of each origin; ``counted`` : shape (o, h), what came; None where only months are known.
    region_km2, outside : size of the region; later reports outside it; means of the grids.
    street_km : the region's streets, where streets were searched and not cells.
    """

    trial: Trial
    windows: tuple[tuple[int, int], ...]
    maps: Mapping[str, Caught]
    plain: tuple[float, float]
    ceiling: tuple[float, float]
    relabelled_pai: float
    expected: Floats
    came: Floats
    level: tuple[Days, ...]
    counted: tuple[Floats, ...] | None
    history: int
    region_km2: float
    outside: float
    street_km: float | None = None


def backtest(
    incidents: gpd.GeoDataFrame,
    area: Area,
    trial: Trial,
    *,
    method: Blend | None = None,
    sites: Mapping[str, Floats] | None = None,
    progress: Callable[[str, float], None] = lambda step, share: None,
) -> Backtest:
    """Forecast from each day of the trial with what was known then, and see what came.

    Scored as crime forecasts are (Chainey et al. 2008): the region is all cells whose middle lies within 400 m of a
    report before the first origin; a later report outside it is a miss; cells of equal score at the cut count in
    expectation. A month-dated report is spread over its month, and is history only, but where months are forecast.

    Parameters
    ----------
    sites : by kind, shape (m, 2), metres: ``with sites`` is the forecast that also sees how far each is.

    Raises
    ------
    ProblemError
        Too few reports before or after the first origin, or only months known where days are asked for.
    SettingsError
        Cells so large that the region has too few.
    """
    base = Cube.build(incidents, Plane(Grid.over(area, trial.cell_m)).fine, area.tz)
    windows = _windows(base, trial)
    points = _known(incidents, area, windows[0][0])
    levels = tuple(expect(base, a, b - a, trial.level) for a, b in windows)
    grids = []
    for k, offset in enumerate(trial.offsets()):
        progress(f"grid {k + 1} of {trial.shifts}", 0.05 + 0.95 * k / trial.shifts)
        plane = Plane(Grid.over(area, trial.cell_m, shift_m=offset))
        away = np.asarray(points.query(plane.cells.centres, distance_upper_bound=NEAR_M)[0])
        region = np.asarray(away <= NEAR_M)
        if region.sum() < _LEAST_CELLS:
            raise SettingsError(
                f"cells of {trial.cell_m:g} m: only {int(region.sum())} lie near the reports of "
                f"{area.name}: give smaller cells"
            )
        cube = base if k == 0 else Cube.build(incidents, plane.fine, area.tz)
        shares = Shares(cube, plane, method or Blend(cell_m=trial.cell_m), trial.horizon_d or 30)
        beside = {} if sites is None else {"with sites": _with_sites(Nearby.of(shares, plane, sites), windows)}
        grids.append(_Judged.of(shares, region, windows, levels, dated=trial.horizon_d is not None, beside=beside))
    return _gathered(trial, windows, levels, grids, base, points.n)


def backtest_streets(
    incidents: gpd.GeoDataFrame,
    area: Area,
    trial: Trial,
    ground: Lixels,
    piece: Ints,
    *,
    method: Blend | None = None,
    progress: Callable[[str, float], None] = lambda step, share: None,
) -> Backtest:
    """Do the same along streets: the best 1 % is of their length, and kernels run along them.

    ``forecast by cells`` is what :func:`backtest` forecasts, each cell's share laid evenly on the streets in it.

    Parameters
    ----------
    piece : shape (n,), the piece of ``ground`` that each incident lies on; those on none (-1) play no part.

    Raises
    ------
    ProblemError, SettingsError
        See :func:`backtest`.
    """
    INCIDENTS.check(incidents, plane=area.crs)
    reports = incidents[piece >= 0]
    base = Cube.build(reports, ground.fine, area.tz, cell=piece[piece >= 0])
    windows = _windows(base, trial)
    points = _known(reports, area, windows[0][0])
    region = np.asarray(points.query(ground.xy, distance_upper_bound=NEAR_M)[0] <= NEAR_M)
    levels = tuple(expect(base, a, b - a, trial.level) for a, b in windows)
    blend = Blend(cell_m=trial.cell_m)
    shares = Shares(base, ground, method or STREETS, trial.horizon_d or 30)
    grids = []
    for k, offset in enumerate(trial.offsets()):
        progress(f"grid {k + 1} of {trial.shifts}", 0.05 + 0.95 * k / trial.shifts)
        plane = Plane(Grid.over(area, trial.cell_m, shift_m=offset))
        by_cells = Shares(Cube.build(reports, plane.fine, area.tz), plane, blend, shares.horizon_d)
        cell = plane.cells.cell_of(*ground.xy.T)
        part = ground.length_m / np.bincount(cell, ground.length_m, plane.cells.size)[cell]
        laid = [each[cell] * part for each in _forecasts(by_cells, windows)]
        beside = {"forecast by cells": laid}
        dated = trial.horizon_d is not None
        grids.append(_Judged.of(shares, region, windows, levels, dated=dated, size=ground.length_m, beside=beside))
    found = _gathered(trial, windows, levels, grids, base, points.n)
    return replace(found, street_km=float(ground.length_m[region].sum()) / 1000)


def _known(incidents: gpd.GeoDataFrame, area: Area, first: int) -> cKDTree:
    """Return where the reports before the first origin lie."""
    INCIDENTS.check(incidents, plane=area.crs)
    known = incidents[incidents["reported_at"] < area.midnight(_date(first))]
    if len(known) < _LEAST_HISTORY:
        raise ProblemError(
            f"too few reports before {_date(first)}: n = {len(known)}, and a forecast learns from "
            f"{_LEAST_HISTORY} or more: give a later --from"
        )
    return cKDTree(shapely.get_coordinates(known.geometry.to_numpy()))


def _forecasts(shares: Shares, windows: list[tuple[int, int]]) -> list[Floats]:
    """Return the forecast from each day, its weights learnt as often as the method says."""
    first, refit = windows[0][0], shares.method.refit_d
    return [shares.at(a, learnt=first + (a - first) // refit * refit) for a, _ in windows]


def _with_sites(nearby: Nearby, windows: list[tuple[int, int]]) -> list[Floats]:
    first, refit = windows[0][0], nearby.shares.method.refit_d
    return [nearby.at(a, learnt=first + (a - first) // refit * refit) for a, _ in windows]


def _windows(cube: Cube, trial: Trial) -> list[tuple[int, int]]:
    if not cube.cell.size:
        raise ProblemError("no report to forecast from: see what was rejected with `sweepplan read`")
    last = int((cube.first_day + cube.n_days).max())
    windows = trial.windows(last)
    if not windows:
        raise ProblemError(
            f"no whole horizon between {trial.start:%Y-%m-%d} and {trial.end:%Y-%m-%d}: reports end {_date(last - 1)}"
        )
    start, end = windows[0][0], windows[-1][1]
    every = float(cube.windows([start, end]).sum())
    if trial.horizon_d is None:
        if not every:
            raise ProblemError(f"too few reports from {_date(start)} to {_date(end - 1)}: n = 0")
        return windows
    dated = float(cube.dated().windows([start, end]).sum())
    if every - dated > dated:
        raise ProblemError(
            f"of the reports from {_date(start)} to {_date(end - 1)} only {dated:.0f} are dated to the day and about "
            f"{every - dated:.0f} to the month: ask for --horizon month"
        )
    if not dated:
        raise ProblemError(f"too few reports from {_date(start)} to {_date(end - 1)}: n = 0")
    return windows


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))


@dataclass(frozen=True, eq=False)
class _Judged:
    """One grid: what each map caught."""

    hits: dict[str, Floats]
    best: Floats
    reports: Floats
    expected: Floats
    came: Floats
    by_chance: float
    plain: tuple[float, float]
    n_cells: int

    @classmethod
    def of(
        cls,
        shares: Shares,
        region: NDArray[np.bool_],
        windows: list[tuple[int, int]],
        levels: tuple[Days, ...],
        *,
        dated: bool,
        size: Floats | None = None,
        beside: Mapping[str, list[Floats]] | None = None,
    ) -> _Judged:
        """Judge every map; ``size`` of the scored cells, where they are not alike; ``beside`` : further maps."""
        cube, ground = shares.cube, shares.ground
        later = cube.dated() if dated else cube
        counts = [ground.spread(later.counts(a, b)[None], 0)[0] for a, b in windows]
        first = windows[0][0]
        plain = _best_plain(shares, first)
        forecast = _forecasts(shares, windows)
        maps: dict[str, list[Floats]] = {
            "forecast": forecast,
            **(beside or {}),
            "plain": [_decayed(shares, a, *plain) for a, _ in windows],
            "last 28 days": [ground.spread(cube.counts(a - 28, a)[None], 0)[0] for a, _ in windows],
            "long run": [_decayed(shares, a, np.inf, 0) for a, _ in windows],
            "heat map": [_decayed(shares, a, np.inf, 200) for a, _ in windows],
        }
        for half_life, sigma in PLAIN:
            maps[_hindsight(half_life, sigma)] = [_both_sides(shares, *w, half_life, sigma) for w in windows]
        of = np.ones(len(region)) if size is None else size

        def judged(one: Floats, count: Floats) -> tuple[Floats, Floats]:
            return caught((one / of)[region], count[region], SHARES, size=of[region])

        found = {
            name: np.array([judged(m, c)[0] for m, c in zip(each, counts, strict=True)]) for name, each in maps.items()
        }
        best = np.array([judged(c, c)[1] for c in counts])
        expected, came = _bands(forecast, counts, region, [days.total for days in levels])
        by_chance = sum(chance(c[region], SHARES[1], draws=_DRAWS, seed=k) for k, c in enumerate(counts))
        reports = np.array([c.sum() for c in counts])
        return cls(found, best, reports, expected, came, by_chance, plain, int(region.sum()))


def _decayed(shares: Shares, day: int, half_life_d: float, sigma_m: float) -> Floats:
    return np.asarray(shares.ground.spread(shares.cube.decayed(day, half_life_d)[None], sigma_m)[0])


def _both_sides(shares: Shares, start: int, end: int, half_life_d: float, sigma_m: float) -> Floats:
    cube = shares.cube
    weight = cube.decayed(start, half_life_d) + cube.decayed_after(end, half_life_d)
    return np.asarray(shares.ground.spread(weight[None], sigma_m)[0])


def _hindsight(half_life_d: float, sigma_m: float) -> str:
    return f"hindsight {half_life_d:g} d {sigma_m:g} m"


def _best_plain(shares: Shares, day: int) -> tuple[float, float]:
    """Return the half-life and kernel that caught most at 2.5 % of the cells in the windows before ``day``."""
    lessons = shares.lessons(day)
    if not lessons:
        return (91.0, 50.0)
    hits = np.zeros(len(PLAIN))
    for start, end in lessons:
        came = shares.ground.spread(shares.cube.counts(start, end)[None], 0)[0]
        near = shares.ground.near(shares.cube.decayed(start, np.inf)) > 0
        for k, (half_life, sigma) in enumerate(PLAIN):
            hits[k] += caught(_decayed(shares, start, half_life, sigma)[near], came[near], SHARES[1:2])[0][0]
    return PLAIN[int(hits.argmax())]


def _bands(
    forecast: list[Floats], counts: list[Floats], region: NDArray[np.bool_], totals: list[float]
) -> tuple[Floats, Floats]:
    expected, came = np.zeros((2, len(BANDS) + 2))
    for share, count, total in zip(forecast, counts, totals, strict=True):
        inside = bands(share[region], total * share[region], count[region], BANDS)
        expected += np.append(inside[0], total * share[~region].sum())
        came += np.append(inside[1], count[~region].sum())
    return expected, came


def _gathered(
    trial: Trial,
    windows: list[tuple[int, int]],
    levels: tuple[Days, ...],
    grids: list[_Judged],
    cube: Cube,
    n_known: int,
) -> Backtest:
    best, reports = _mean(g.best for g in grids), _mean(g.reports for g in grids)
    maps = {name: Caught(_mean(g.hits[name] for g in grids), best, reports) for name in grids[0].hits}
    ceiling = max(PLAIN, key=lambda pair: float(maps[_hindsight(*pair)].hits[:, 1].sum()))
    named = {name: each for name, each in maps.items() if not name.startswith("hindsight")}
    later = cube.dated()
    return Backtest(
        trial=trial,
        windows=tuple(windows),
        maps={**named, "ceiling": maps[_hindsight(*ceiling)]},
        plain=grids[0].plain,
        ceiling=ceiling,
        relabelled_pai=sum(g.by_chance for g in grids) / sum(g.reports.sum() for g in grids) / SHARES[1],
        expected=_mean(g.expected for g in grids),
        came=_mean(g.came for g in grids),
        level=levels,
        counted=None if trial.horizon_d is None else tuple(later.per_day(a, b) for a, b in windows),
        history=n_known,
        region_km2=float(np.mean([g.n_cells for g in grids])) * trial.cell_m**2 / 1e6,
        outside=float(np.mean([g.came[-1] for g in grids])),
    )


def _mean(grids: Iterable[Floats]) -> Floats:
    return np.asarray(np.mean(list(grids), axis=0))
