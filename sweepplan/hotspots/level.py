"""How many reports the whole city gets a day: a recency-weighted mean, weekdays, season, and how far days stray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

from sweepplan.errors import SettingsError
from sweepplan.hotspots.cube import Cube
from sweepplan.hotspots.history import require_positive

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WEEK_D = 7
_YEAR_D = 364  # whole weeks, so that weekdays stay weekdays
_SEASON_D = 14
_WEEKDAY_D = 364
_WEEKDAY_PRIOR = 50.0
_SEASON_PRIOR = 50.0
_TRIED_D = 182
_LEAST_TRIED_D = 28
_TRIED_STEP_D = 2
_PRIOR_D = 28
_PRIOR_SPREAD = 0.1


@dataclass(frozen=True)
class Level:
    """How the city's level is followed.

    Attributes
    ----------
    half_lives_d : half-lives of the weighted mean, days. The one that did best on the last half year is taken, with the
        season or without it; the first, with it, where there is less than four weeks to tell.
    cover : of an interval, 0 to 1.
    """

    half_lives_d: tuple[float, ...] = (7, 3.5, 5, 14, 28, 91)
    cover: float = 0.8

    def __post_init__(self) -> None:
        for value in self.half_lives_d:
            require_positive("half_lives_d", value)
        if not 0 < self.cover < 1:
            raise SettingsError(f"cover {self.cover:g}: give the share of days that an interval should cover, e.g. 0.8")


@dataclass(frozen=True, eq=False)
class Days:
    """The reports expected on the days after ``day``.

    Attributes
    ----------
    day : the first day, counted from 1970-01-01.
    mean, low, high : shape (h,), reports a day; ``low <= count <= high`` on about ``cover`` of days, as near as whole
        numbers come.
    total, total_low, total_high : the same of all h days together.
    spread, total_spread : dispersion a of the negative binomial, variance = mean + a mean², of a day and of the total.
    half_life_d, seasonal : of the weighted mean, and whether last year's season moves it.
    """

    day: int
    mean: Floats
    low: Ints
    high: Ints
    total: float
    total_low: int
    total_high: int
    spread: float
    total_spread: float
    half_life_d: float
    seasonal: bool


def expect(cube: Cube, day: int, horizon_d: int, method: Level = Level()) -> Days:
    """Return the reports of the whole grid expected on ``day`` and after it, from what is known by then.

    A weighted mean of days (EWMA), times the weekday's ratio, times the ratio of the days ahead to the days just gone a
    year before; both ratios are pulled towards 1 where few reports back them. How far days stray from the forecast is
    measured on the same forecasts of the last half year, and pulled towards a usual city's where that is short.

    Raises
    ------
    SettingsError
        No day ahead.
    """
    if horizon_d < 1:
        raise SettingsError(f"horizon {horizon_d} d: give at least one day")
    history = _History.of(cube, day)
    tried = history.known_at(history.starts(horizon_d), horizon_d)
    half_life, seasonal = _best(tried, method)
    mean = history.known_at([len(history.count)], horizon_d).ahead(half_life, seasonal=seasonal)[0]
    spread, total_spread = _spreads(tried, half_life, seasonal=seasonal)
    low, high = counts_interval(mean, spread, method.cover)
    total_low, total_high = counts_interval(mean.sum()[None], total_spread, method.cover)
    return Days(
        day=day,
        mean=mean,
        low=low,
        high=high,
        total=float(mean.sum()),
        total_low=int(total_low[0]),
        total_high=int(total_high[0]),
        spread=spread,
        total_spread=total_spread,
        half_life_d=half_life,
        seasonal=seasonal,
    )


def counts_interval(mean: Floats, spread: float, cover: float) -> tuple[Ints, Ints]:
    """Return the ends, both within, of the likeliest counts that hold nearest to ``cover`` of a negative binomial.

    Counts are added from the likeliest on; of the last two sets, with less and with more than ``cover``, the nearer one
    is taken: of whole numbers no set may hold just ``cover``.

    Examples
    --------
    >>> [end.tolist() for end in counts_interval(np.array([0.05, 3.7, 100.0]), 0.0, 0.8)]
    [[0, 1, 87], [0, 5, 112]]
    """
    low, high = np.zeros((2, len(mean)), dtype=np.int64)
    for k, mu in enumerate(mean):
        top = int(mu + 12 * np.sqrt(mu + spread * mu**2)) + 12
        mass = probability(np.arange(top), float(mu), spread)
        order = np.argsort(-mass, kind="stable")
        held = np.cumsum(mass[order])
        n = int(np.searchsorted(held, cover))
        n = min(n, top - 1)
        if n and cover - held[n - 1] < held[n] - cover:
            n -= 1
        low[k], high[k] = order[: n + 1].min(), order[: n + 1].max()
    return low, high


def probability(count: Ints, mean: float, spread: float) -> Floats:
    """Return the probability of each count under a negative binomial with variance mean + ``spread`` mean²."""
    if mean <= 0:
        return np.asarray(count == 0, dtype=np.float64)
    if spread <= 1e-9:
        return np.asarray(poisson.pmf(count, mean))
    return np.asarray(nbinom.pmf(count, 1 / spread, 1 / (1 + spread * mean)))


@dataclass(frozen=True, eq=False)
class _History:
    """Reports a day up to a day; ``weight`` 0 where nothing is known of a day, ``dated`` where its own count is."""

    first: int
    count: Floats
    weight: Floats
    dated: NDArray[np.bool_]

    @classmethod
    def of(cls, cube: Cube, day: int) -> _History:
        known = cube.before(day)
        first = int(known.first_day[0]) if len(known.first_day) else day
        count = known.per_day(first, day)
        dated = np.ones(day - first, dtype=np.bool_)
        weight = np.ones(day - first)
        monthly = known.n_days > 1
        for start, n in zip(known.first_day[monthly] - first, known.n_days[monthly], strict=True):
            dated[start : start + n] = False
        if monthly.any():  # from the last month on, days are known from the first dated report
            end = int((known.first_day + known.n_days)[monthly].max())
            later = known.first_day[~monthly & (known.first_day >= end)]
            weight[end - first : (int(later.min()) if later.size else day) - first] = 0
        return cls(first, count, weight, dated & (weight > 0))

    def known_at(self, starts: Sequence[int], horizon_d: int) -> _Known:
        """Return what is known after the first ``at`` days, for each ``at`` of ``starts``."""
        came = [self.count[at : at + horizon_d] for at in starts if at < len(self.count)]
        return _Known(
            self,
            np.asarray(starts, dtype=np.int64),
            weekday=np.array([self.weekdays(at) for at in starts]).reshape(-1, _WEEK_D),
            season=np.array([self.season(at, horizon_d) for at in starts]),
            came=np.array(came).reshape(-1, horizon_d),
        )

    def starts(self, horizon_d: int) -> list[int]:
        """Return the days of the last half year from which a forecast can be tried, latest first."""
        last = len(self.count) - horizon_d
        return [
            at
            for at in range(last, max(_LEAST_TRIED_D, last - _TRIED_D), -_TRIED_STEP_D)
            if self.dated[at : at + horizon_d].all() and self.weight[at - _PRIOR_D : at].sum() >= _WEEK_D
        ]

    def weekdays(self, at: int) -> Floats:
        """Return each weekday's ratio to the mean day, shape (7,); Thursday first, as 1970 began."""
        since = max(0, at - _WEEKDAY_D)
        dated = self.dated[since:at]
        of_day = (self.first + np.arange(since, at)) % _WEEK_D
        total = np.bincount(of_day[dated], self.count[since:at][dated], _WEEK_D)
        n = np.bincount(of_day[dated], minlength=_WEEK_D)
        mean = total.sum() / max(n.sum(), 1)
        ratio = (total + _WEEKDAY_PRIOR) / (n * mean + _WEEKDAY_PRIOR)
        return np.asarray(ratio / ratio.mean())

    def season(self, at: int, horizon_d: int) -> float:
        """Return the ratio of the days ahead to the days just gone, a year before."""
        middle = at - _YEAR_D + horizon_d // 2
        ahead = slice(middle - _SEASON_D, middle + _SEASON_D)
        gone = slice(at - _YEAR_D - 2 * _SEASON_D, at - _YEAR_D)
        if gone.start < 0 or ahead.stop > at or not (self.weight[gone].all() and self.weight[ahead].all()):
            return 1.0
        return float((self.count[ahead].sum() + _SEASON_PRIOR) / (self.count[gone].sum() + _SEASON_PRIOR))


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known at n moments of a history, and what came after those that are past."""

    history: _History
    starts: Ints
    weekday: Floats
    season: Floats
    came: Floats

    @property
    def days_tried(self) -> int:
        return len(self.came) * _TRIED_STEP_D

    def ahead(self, half_life_d: float, *, seasonal: bool) -> Floats:
        """Return what is expected on the days after each moment, shape (n, h)."""
        h, horizon = self.history, np.arange(self.came.shape[1])
        found = np.empty((len(self.starts), len(horizon)))
        decay = np.exp2(-np.arange(len(h.count)) / half_life_d)
        of_day = (h.first + np.arange(len(h.count) + len(horizon))) % _WEEK_D
        for k, at in enumerate(self.starts):
            weight = h.weight[:at] * decay[:at][::-1]
            usual = np.where(h.dated[:at], self.weekday[k][of_day[:at]], 1.0)
            level = (weight @ h.count[:at]) / max(float(weight @ usual), 1e-9)
            found[k] = level * self.weekday[k][of_day[at + horizon]]
        return found * self.season[:, None] if seasonal else found


def _best(tried: _Known, method: Level) -> tuple[float, bool]:
    best, least = (method.half_lives_d[0], True), np.inf
    if tried.days_tried < _LEAST_TRIED_D:
        return best
    for half_life, seasonal in product(method.half_lives_d, (True, False)):
        mu = np.maximum(tried.ahead(half_life, seasonal=seasonal), 1e-6)
        loss = float(np.mean(mu - tried.came * np.log(mu)))
        if loss < least:
            best, least = (half_life, seasonal), loss
    return best


def _spreads(tried: _Known, half_life_d: float, *, seasonal: bool) -> tuple[float, float]:
    mean, n = tried.ahead(half_life_d, seasonal=seasonal), tried.days_tried
    of_days = _spread(mean.ravel(), tried.came.ravel(), n)
    return of_days, _spread(mean.sum(axis=1), tried.came.sum(axis=1), n / tried.came.shape[1])


def _spread(mean: Floats, came: Floats, n: float) -> float:
    """Return the negative binomial's dispersion by moments, pulled to a usual city's as if by four weeks of days."""
    if not len(mean) or not (mean**2).sum():
        return _PRIOR_SPREAD
    found = max(0.0, float(((came - mean) ** 2 - mean).sum() / (mean**2).sum()))
    return (n * found + _PRIOR_D * _PRIOR_SPREAD) / (n + _PRIOR_D)
