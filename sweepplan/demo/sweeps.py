"""What crews counted: sweeps of places and streets (zeros included), requests answered, kiosks emptied."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from sweepplan.demo.intensity import AS_OF, BLOCK_D, DAYS, START, Intensity
from sweepplan.demo.plan import TZ
from sweepplan.demo.writing import degrees

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SWEEPS_A_DAY = 6
_STREET_SPOTS = 110
_REACH_M = 45.0
_NEEDLES_A_REPORT = 2.4
_REQUESTS_LOGGED = 0.08
_OUTCOMES = (("found", 0.62), ("clean", 0.2), ("not_needle", 0.06), ("not_found", 0.06), ("private_property", 0.03),
             ("handed_over", 0.03))  # fmt: skip
_COLUMNS = ["place_id", "x", "y", "at", "needles", "minutes", "outcome", "stream"]


def sweep_log(
    truth: Intensity, swept: gpd.GeoDataFrame, kiosks: gpd.GeoDataFrame, reports: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Return the log: the columns of PICKUPS, with ``lat``, ``lon`` for the geometry, in order of time."""
    rng = np.random.default_rng([seed, 15])
    parts = [_sweeps(truth, swept, rng), _requests(truth.spots, reports, rng), _emptied(kiosks, rng)]
    log = pd.concat(parts, ignore_index=True).sort_values("at", kind="stable", ignore_index=True)
    log = log[log["at"] < AS_OF].reset_index(drop=True)
    lonlat = degrees(log[["x", "y"]].to_numpy(dtype=float), 5)
    utc = log["at"].dt.tz_localize(TZ, nonexistent="shift_forward", ambiguous=True).dt.tz_convert("UTC")
    return pd.DataFrame(
        {
            "pickup_id": [f"pickup-{k + 1:05d}" for k in range(len(log))],
            "place_id": log["place_id"],
            "lat": lonlat[:, 1],
            "lon": lonlat[:, 0],
            "at": utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "needles": log["needles"].astype(int),
            "minutes": log["minutes"].astype(int),
            "outcome": log["outcome"],
            "stream": log["stream"],
        }
    )


def _sweeps(truth: Intensity, swept: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Draw sweeps: a place is chosen by what is expected there, and yields what gathered since it was swept last."""
    spots = truth.spots
    mean = _spot_rate(truth, len(DAYS) // 2)
    streets = rng.choice(len(spots), _STREET_SPOTS, replace=False, p=np.sqrt(mean) / np.sqrt(mean).sum())
    shapes = [*swept.geometry, *(Point(xy) for xy in spots[["x", "y"]].to_numpy()[streets])]
    ids = [*swept.index, *([""] * len(streets))]
    seconds = np.r_[swept["sweep_s"].to_numpy(), np.full(len(streets), 480.0)]
    pairs = shapely.STRtree([Point(xy) for xy in spots[["x", "y"]].to_numpy()]).query(shapes, "dwithin", _REACH_M)
    last = np.full(len(shapes), -14)
    rows = []
    for day in range(len(DAYS)):
        if day % BLOCK_D == 0:
            rate = np.bincount(pairs[0], _spot_rate(truth, day)[pairs[1]], minlength=len(shapes))
            chance = np.sqrt(rate) + 0.02
        for k in rng.choice(len(shapes), _SWEEPS_A_DAY, replace=False, p=chance / chance.sum()):
            expected = _NEEDLES_A_REPORT * rate[k] * min(day - last[k], 14)
            needles = int(rng.poisson(expected * rng.gamma(0.9, 1 / 0.9)))
            minutes = max(3, round(seconds[k] / 60 * float(rng.lognormal(0, 0.25))))
            at = DAYS[day] + pd.Timedelta(seconds=int(rng.integers(7 * 3600, 17 * 3600)))
            spot = shapes[k].representative_point()
            rows.append((ids[k], spot.x, spot.y, at, needles, minutes, "found" if needles else "clean", "sweep"))
            last[k] = day
    return pd.DataFrame(rows, columns=_COLUMNS)


def _spot_rate(truth: Intensity, day: int) -> Floats:
    """Return the reports a day expected at each spot, on average over the four weeks from ``day``."""
    level = truth.level[day : day + BLOCK_D].mean(axis=0)
    return np.asarray(sum(level[k] * truth.shares(k, day) for k in range(len(level))), dtype=np.float64)


def _requests(spots: pd.DataFrame, reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    done = reports[reports["closed"].notna()].sample(frac=_REQUESTS_LOGGED, random_state=rng).sort_index()
    at = spots.iloc[done["spot"].to_numpy()]
    texts, chance = zip(*_OUTCOMES, strict=True)
    outcome = np.array(texts)[rng.choice(len(texts), len(done), p=chance)]
    needles = np.where(outcome == "found", 1 + rng.negative_binomial(0.8, 0.35, len(done)), 0)
    table = {"place_id": "", "x": at["x"].to_numpy(), "y": at["y"].to_numpy(), "at": done["closed"].to_numpy()}
    minutes = np.maximum(3, rng.lognormal(2.4, 0.4, len(done)).round())
    return pd.DataFrame({**table, "needles": needles, "minutes": minutes, "outcome": outcome, "stream": "request"})


def _emptied(kiosks: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for x, y in shapely.get_coordinates(kiosks.geometry.to_numpy()):
        usual = rng.lognormal(4.2, 0.6)
        for day in range(int(rng.integers(0, 14)), len(DAYS), 14):
            needles = int(rng.poisson(usual * rng.gamma(4, 0.25)))
            at = START + pd.Timedelta(days=day, hours=9, minutes=int(rng.integers(0, 300)))
            rows.append(("", x, y, at, needles, 12, "found" if needles else "clean", "kiosk"))
    return pd.DataFrame(rows, columns=_COLUMNS)
