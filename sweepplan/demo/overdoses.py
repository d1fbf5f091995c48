"""Overdose calls: related to the needles, but not the same places, hours or days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from sweepplan.demo.intensity import AS_OF, DAYS, START, Component, Intensity, weather
from sweepplan.demo.reports import moments, placed

Floats = NDArray[np.float64]

A_DAY = 4.0

_HOURS = np.array(
    [38, 30, 24, 18, 14, 12, 14, 20, 28, 36, 42, 48, 52, 55, 58, 62, 66, 70, 72, 70, 66, 62, 54, 46], dtype=float
)
_WEEKDAY = np.array([0.95, 0.94, 0.95, 0.98, 1.06, 1.08, 1.04])
_SHARED, _OWN, _N_OWN = 0.40, 0.25, 8
_BLUR_M = 45.0


def overdose_intensity(needles: Intensity, seed: int) -> Intensity:
    """Return the truth behind the overdoses: two in five follow needle places, a quarter gathers elsewhere."""
    rng = np.random.default_rng([seed, 13])
    spots = needles.spots
    homes = (spots["place"] == "house").to_numpy() * (1.0 + spots["busy"].to_numpy())
    chosen = [c for c in needles.components if c.kind == "steady"][:18:2]
    weight = rng.dirichlet(np.full(len(chosen), 1.5)) * _SHARED
    found = [Component("overdose-background", "background", 0.0, 0.0, float("inf"), 1 - _SHARED - _OWN)]
    found += [
        Component(f"overdose-{c.name}", "steady", c.x, c.y, round(2.2 * c.sigma_m, 1), float(w))
        for c, w in zip(chosen, weight, strict=True)
    ]
    for k in range(_N_OWN):
        at = spots.iloc[int(rng.choice(len(spots), p=homes / homes.sum()))]
        sigma = round(float(rng.uniform(90, 220)), 1)
        found.append(Component(f"overdose-own-{k + 1}", "steady", float(at["x"]), float(at["y"]), sigma, _OWN / _N_OWN))
    year = 1 + 0.15 * np.cos(2 * np.pi * (DAYS.day_of_year.to_numpy() - 190) / 365.25)
    daily = A_DAY * year * _WEEKDAY[DAYS.day_of_week.to_numpy()]
    level = daily[:, None] * np.array([c.weight for c in found])
    return Intensity(spots, tuple(found), level, homes + 1e-9, homes + 1e-9)


def overdose_calls(truth: Intensity, land: BaseGeometry, seed: int) -> tuple[pd.DataFrame, Floats]:
    """Draw the calls until the end: columns ``opened``, ``spot``; and their coordinates, blurred but on land."""
    rng = np.random.default_rng([seed, 14])
    counts = rng.poisson(truth.level * weather(rng, 0.12)[:, None])
    days, spot = placed(truth, counts, rng)
    minutes = days * 1440.0 + moments(rng, len(days), _HOURS)
    calls = pd.DataFrame({"opened": START + pd.to_timedelta(np.round(minutes * 60), unit="s"), "spot": spot})
    skipped = calls["opened"].dt.strftime("%m-%d %H").isin(["03-10 02", "03-09 02"])
    calls = calls[(calls["opened"] < AS_OF) & ~skipped].sort_values(
        ["opened", "spot"], kind="stable", ignore_index=True
    )
    exact = truth.spots[["x", "y"]].to_numpy()[calls["spot"].to_numpy()]
    blurred = exact + rng.normal(0, _BLUR_M, exact.shape)
    dry = shapely.contains_xy(land, blurred[:, 0], blurred[:, 1])
    return calls, np.where(dry[:, None], blurred, exact)
