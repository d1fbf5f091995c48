"""The known truth: what is expected where and when, as a sum of components over the town's spots."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START = pd.Timestamp("2023-12-01")
AS_OF = pd.Timestamp("2026-03-02 06:00")
DAYS = pd.date_range(START, AS_OF.normalize(), freq="D")
BLOCK_D = 28
"""Days for which a drifting component keeps its place."""

CELL_M = 100.0
MONTHLY = np.array([497, 488, 564, 625, 800, 1007, 1316, 1381, 1271, 1223, 923, 758], dtype=float)
"""Requests a month of a usual year, January first."""

WEEKDAY = np.array([1.18, 1.03, 1.04, 0.93, 0.92, 0.97, 0.93])
FADES_FROM = "2025-03-17"
_APPEAR = (("appearing-1", "2024-09-09", "West Meadows", 0.030), ("appearing-2", "2025-11-17", "Reedbank", 0.042))
_N_STEADY = 34
_N_DRIFTING = 5
FADED_TO = 0.15
FADE_D = 7.0
RISE_D = 5.0
_PULL_SD = 0.5
_BACKGROUND = 0.23


@dataclass(frozen=True)
class Component:
    """One source of reports.

    Attributes
    ----------
    kind : ``background``, ``steady``, ``drifting``, ``appearing`` or ``fading``.
    x, y : centre on the plane at :data:`START`; ``drift`` is how far it goes, metres east and north, until the end.
    sigma_m : spread; infinite for the background.
    weight : share of the reports of a usual day, at its full strength.
    changes_on : the day an appearing or fading component changes.
    """

    name: str
    kind: str
    x: float
    y: float
    sigma_m: float
    weight: float
    drift: tuple[float, float] = (0.0, 0.0)
    changes_on: str = ""

    def at(self, day: int) -> tuple[float, float]:
        """Return the centre on a day after :data:`START`."""
        share = day / len(DAYS)
        return (self.x + share * self.drift[0], self.y + share * self.drift[1])

    def strength(self) -> Floats:
        """Return the planted change over :data:`DAYS`: 1 = full strength."""
        if not self.changes_on:
            return np.ones(len(DAYS))
        since = (DAYS - pd.Timestamp(self.changes_on)).days.to_numpy().astype(float)
        if self.kind == "appearing":
            return np.clip(since / RISE_D, 0.0, 1.0)
        return np.where(since < 0, 1.0, FADED_TO + (1 - FADED_TO) * np.exp(-np.maximum(since, 0) / FADE_D))


@dataclass(frozen=True, eq=False)
class Intensity:
    """What is expected, before offspring: components, their level by day, their places by spot.

    Attributes
    ----------
    level : shape (days, components), expected reports.
    pull : shape (spots,), how much each spot draws reports, heavy-tailed.
    """

    spots: pd.DataFrame
    components: tuple[Component, ...]
    level: Floats
    pull: Floats
    background: Floats = field(repr=False)

    def shares(self, component: int, day: int) -> Floats:
        """Return how a component's reports of a day spread over the spots; shape (spots,), sums to 1."""
        c = self.components[component]
        if c.kind == "background":
            return np.asarray(self.background / self.background.sum(), dtype=np.float64)
        x, y = c.at(day - day % BLOCK_D)
        apart2 = (self.spots["x"].to_numpy() - x) ** 2 + (self.spots["y"].to_numpy() - y) ** 2
        apart2 -= apart2.min()  # a centre that drifts over a park or water still has a nearest spot
        near = self.pull * np.exp(-apart2 / (2 * c.sigma_m**2)) * (apart2 < (4 * c.sigma_m) ** 2)
        return np.asarray(near / near.sum(), dtype=np.float64)

    def truth(self, offspring: float) -> pd.DataFrame:
        """Return expected reports a day by quarter of a year, component and cell of 100 m.

        Parameters
        ----------
        offspring : mean number of near repeats that one report brings; spread as the component is.
        """
        cells, row = _cells(self.spots)
        quarter = DAYS.to_period("Q")
        tables: list[pd.DataFrame] = []
        for k, component in enumerate(self.components):
            for period in quarter.unique():
                days = np.flatnonzero(quarter == period)
                share = np.bincount(row, self.shares(k, int(days[len(days) // 2])), minlength=len(cells))
                rate = share * self.level[days, k].mean() / (1 - offspring)
                kept = rate > 1e-4
                tables.append(cells[kept].assign(component=component.name, quarter=str(period), rate=rate[kept]))
        return pd.concat(tables, ignore_index=True)


def needle_intensity(
    spots: pd.DataFrame, sites: gpd.GeoDataFrame, quarters: gpd.GeoDataFrame, seed: int, *, offspring: float
) -> Intensity:
    """Return the truth behind the needle requests."""
    rng = np.random.default_rng([seed, 9])
    pull = rng.lognormal(0.0, _PULL_SD, len(spots))
    components = _components(spots, sites, quarters, pull, rng)
    level = season()[:, None] * np.array([c.weight for c in components]) * (1 - offspring)
    level *= np.column_stack([c.strength() * _wander(rng, c.kind) for c in components])
    level[-3:-1] *= 1.6  # a mild weekend after snow
    return Intensity(spots, components, level, pull, _background(spots, pull))


def season() -> Floats:
    """Return the expected requests of each day of :data:`DAYS`: by time of year and weekday."""
    days_in = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    middle = np.cumsum(days_in) - days_in / 2
    daily = np.interp(DAYS.day_of_year.to_numpy(), middle, MONTHLY / days_in, period=365.25)
    return np.asarray(daily * (WEEKDAY / WEEKDAY.mean())[DAYS.day_of_week.to_numpy()], dtype=np.float64)


def weather(rng: np.random.Generator, sd: float = 0.2) -> Floats:
    """Return each day's own factor, with mean about 1, that lasts a few days: what makes counts overdispersed."""
    shock = rng.normal(0, sd, len(DAYS))
    value = np.empty(len(DAYS))
    value[0] = shock[0]
    for k in range(1, len(DAYS)):
        value[k] = 0.55 * value[k - 1] + 0.835 * shock[k]
    value[-4:] = 0.0  # the last days are as expected: the day that is planned has a usual number of open requests
    return np.exp(value - sd**2 / 2)


def _components(
    spots: pd.DataFrame, sites: gpd.GeoDataFrame, quarters: gpd.GeoDataFrame, pull: Floats, rng: np.random.Generator
) -> tuple[Component, ...]:
    magnets = sites[sites["kind"].isin(["clinic", "shelter", "library"])].geometry
    xy = [(float(x), float(y)) for x, y in shapely.get_coordinates(magnets.to_numpy())]
    houses = spots[["x", "y"]].to_numpy()
    chance = _background(spots, np.ones(len(spots)))
    for k in rng.choice(len(spots), 600, replace=False, p=chance / chance.sum()):
        if len(xy) < _N_STEADY and np.hypot(*(np.array(xy) - houses[k]).T).min() > 230:
            xy.append((houses[k, 0], houses[k, 1]))
    order = np.r_[rng.permutation(7), 7 + rng.permutation(_N_STEADY - 7)]
    weight = (np.arange(_N_STEADY) + 2.0) ** -1.0
    weight *= (1 - _BACKGROUND) / weight.sum()
    found = [Component("background", "background", 0.0, 0.0, float("inf"), _BACKGROUND)]
    for rank, k in enumerate(order):
        kind = "fading" if rank == 3 else "drifting" if 4 <= rank < 4 + _N_DRIFTING else "steady"
        turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(140, 260)
        drift = (
            (round(float(far * np.cos(turn)), 1), round(float(far * np.sin(turn)), 1))
            if kind == "drifting"
            else (0.0, 0.0)
        )
        x, y = (round(float(c + rng.normal(0, 25)), 1) for c in xy[k])
        sigma = round(float(rng.uniform(20, 44)), 1)
        when = FADES_FROM if kind == "fading" else ""
        name = f"{kind}-{rank + 1:02d}"
        found.append(Component(name, kind, x, y, sigma, float(weight[rank]), drift, when))
    for name, when, quarter, share in _APPEAR:
        middle = quarters.loc[quarters["name"] == quarter].geometry.iloc[0].representative_point()
        near = houses[np.hypot(*(houses - (middle.x, middle.y)).T).argmin()]
        found.append(
            Component(
                name, "appearing", float(round(near[0], 1)), float(round(near[1], 1)), 45.0, share, changes_on=when
            )
        )
    return tuple(found)


def _background(spots: pd.DataFrame, pull: Floats) -> Floats:
    """Return how ordinary reports spread: more in the old town and along avenues, less on the outskirts."""
    x, y = spots["x"].to_numpy(), spots["y"].to_numpy()
    old = spots.loc[spots["quarter"] == 0, ["x", "y"]].mean().to_numpy()
    apart = np.hypot(x - old[0], y - old[1])
    near = np.exp(-apart / 1300.0) + 0.02
    kind = spots["place"].map({"house": 1.0, "corner": 1.6, "park": 6.0}).to_numpy()
    return np.asarray(near * kind * (1 + 1.2 * spots["busy"].to_numpy()) * pull, dtype=np.float64)


def _wander(rng: np.random.Generator, kind: str, sd: float = 0.28) -> Floats:
    """Return a slow change of strength over the days, month by month."""
    months = len(DAYS) // 30 + 2
    steps = rng.normal(0, sd, months)
    if kind in ("background", "appearing", "fading"):
        return np.ones(len(DAYS))
    smooth = np.convolve(steps, np.ones(3) / np.sqrt(3), mode="same")
    return np.exp(np.interp(np.arange(len(DAYS)) / 30.0, np.arange(months), smooth))


def _cells(spots: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    corner = np.floor(spots[["x", "y"]].to_numpy() / CELL_M) * CELL_M
    unique, row = np.unique(corner, axis=0, return_inverse=True)
    return pd.DataFrame(unique.astype("int32"), columns=["x_m", "y_m"]), row.ravel()
