"""Draw reports from the truth: who reports what, when, where, and when the city came."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sweepplan.demo.intensity import AS_OF, BLOCK_D, DAYS, START, Intensity, weather

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OFFSPRING = 0.12
"""Near repeats that one report brings, on average."""

_SAME_SPOT = 0.5
_REPEAT_M = 55.0
_REPEAT_D = 1.6
_HOURS = np.array(
    [4, 3, 2, 2, 3, 9, 26, 62, 92, 98, 95, 88, 82, 80, 78, 74, 70, 64, 55, 44, 34, 24, 14, 8], dtype=float
)
_SHIFT_MIN = (390, 1200)
_WAIT_MIN = 142.0


def needle_reports(truth: Intensity, seed: int) -> pd.DataFrame:
    """Draw the needle requests until :data:`AS_OF`.

    Returns
    -------
    columns ``opened`` (the city's wall clock), ``spot`` (row of the spots), ``closed`` (empty where open), in order of
    ``opened``.
    """
    rng = np.random.default_rng([seed, 10])
    counts = rng.poisson(truth.level * weather(rng)[:, None])
    days, spot = placed(truth, counts, rng)
    minutes = days * 1440.0 + moments(rng, len(days), _HOURS)
    minutes, spot = _with_repeats(truth, minutes, spot, rng)
    opened = _existing(START + pd.to_timedelta(np.round(minutes * 60), unit="s"))
    table = pd.DataFrame({"opened": opened, "spot": spot})
    table = table[table["opened"] < AS_OF].sort_values(["opened", "spot"], kind="stable", ignore_index=True)
    closed = _closings(table["opened"], rng)
    return table.assign(closed=closed.where(closed < AS_OF))


def placed(truth: Intensity, counts: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw a spot for each of ``counts`` (days, components); return the day and the spot of each report."""
    days, spots = [], []
    for k in range(counts.shape[1]):
        for first in range(0, len(DAYS), BLOCK_D):
            block = counts[first : first + BLOCK_D, k]
            n = int(block.sum())
            if n:
                share = np.cumsum(truth.shares(k, first))
                spots.append(np.searchsorted(share, rng.random(n) * share[-1]))
                days.append(np.repeat(np.arange(first, first + len(block)), block))
    return np.concatenate(days), np.concatenate(spots).astype(np.int64)


def moments(rng: np.random.Generator, n: int, hours: Floats) -> Floats:
    """Draw minutes of the day, by the hours' weights."""
    return np.asarray(60.0 * rng.choice(24, n, p=hours / hours.sum()) + rng.uniform(0, 60, n), dtype=np.float64)


def _with_repeats(truth: Intensity, minutes: Floats, spot: Ints, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Add the reports that reports bring: at the same spot or near it, soon after; those bring others in turn."""
    xy = truth.spots[["x", "y"]].to_numpy()
    tree = cKDTree(xy)
    all_minutes, all_spots = [minutes], [spot]
    while len(minutes):
        born = np.repeat(np.arange(len(minutes)), rng.poisson(OFFSPRING, len(minutes)))
        near = xy[spot[born]] + rng.normal(0, _REPEAT_M, (len(born), 2))
        same = rng.random(len(born)) < _SAME_SPOT
        spot_ = np.where(same, spot[born], tree.query(near)[1])
        wait = np.where(
            rng.random(len(born)) < 0.5, rng.uniform(5, 360, len(born)), 1440 * rng.exponential(_REPEAT_D, len(born))
        )
        minutes, spot = minutes[born] + wait, spot_.astype(np.int64)
        all_minutes.append(minutes)
        all_spots.append(spot)
    return np.concatenate(all_minutes), np.concatenate(all_spots)


def _existing(wall: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Move moments that the clock skips in spring by an hour."""
    shifted = wall + pd.Timedelta(hours=1)
    gone = (wall.month == 3) & (wall.day_of_week == 6) & (wall.day > 7) & (wall.day < 15) & (wall.hour == 2)
    return wall.where(~gone, shifted)


def _closings(opened: pd.Series, rng: np.random.Generator) -> pd.Series:
    """Return when a crew closed each request: crews work 06:30-20:00, and a few requests lie for weeks."""
    first, last = _SHIFT_MIN
    day = (opened.dt.normalize() - START).dt.days.to_numpy()
    minute = opened.dt.hour.to_numpy() * 60 + opened.dt.minute.to_numpy() + opened.dt.second.to_numpy() / 60
    worked = day * (last - first) + np.clip(minute - first, 0, last - first)
    wait = _WAIT_MIN * rng.lognormal(0, 1.1, len(opened))
    late = (opened >= AS_OF - pd.Timedelta(hours=40)).to_numpy()
    wait = np.where(late, 3.5 * wait + 400, wait)
    forgotten = rng.random(len(opened)) < 0.0025
    done = worked + np.where(forgotten, wait + rng.uniform(8, 30, len(opened)) * (last - first), wait)
    back, rest = np.divmod(done, last - first)
    seconds = np.round((back * 1440 + first + rest) * 60)
    return pd.Series(START + pd.to_timedelta(seconds, unit="s"), index=opened.index)
