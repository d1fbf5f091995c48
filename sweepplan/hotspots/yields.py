"""What crews found where they looked, zeros included: reports are complaints, and sweeps' own counts set them right."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import gamma, nbinom

from sweepplan.geo import require_same_plane
from sweepplan.hotspots.history import ages_d, decay, require_positive
from sweepplan.tables import PICKUPS, PLACES

Floats = NDArray[np.float64]

_COUNTED = ("found", "clean")
_SPREADS = np.geomspace(0.05, 50, 61)
_VAGUE = 1.0
_BANDS = (0.01, 0.05, 0.25)
_NAMES = ("best 1 %", "1 to 5 %", "5 to 25 %", "rest")


@dataclass(frozen=True)
class Sweeping:
    """How sweeps are set against what reports let expect.

    Attributes
    ----------
    match_m : a sweep without a known place belongs to the nearest within so many metres.
    gathers_d : needles gather for so many days at most between two sweeps; also before the first.
    half_life_d : a sweep so many days old counts half.
    cover : of the intervals.
    """

    match_m: float = 50
    gathers_d: float = 14
    half_life_d: float = 182
    cover: float = 0.8

    def __post_init__(self) -> None:
        for name in ("match_m", "gathers_d", "half_life_d"):
            require_positive(name, getattr(self, name))


@dataclass(frozen=True, eq=False)
class Yields:
    """Needles found beside needles expected.

    Attributes
    ----------
    places : index ``place_id`` as given. ``visits``; ``needles`` found on them; ``swept_km``, their length;
        ``last_at``, the latest, in UTC. ``factor`` is what the rate of reports is multiplied by to give needles a day,
        ``factor_low`` to ``factor_high`` its interval: wide where nobody looked.
    needles_per_report : of all places that were swept.
    unmatched : sweeps that lie near no place.
    """

    places: pd.DataFrame
    needles_per_report: float
    unmatched: int

    @property
    def factor(self) -> pd.Series:
        """Needles for each report, by place."""
        return self.places["factor"]


def yields(
    pickups: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    rates: pd.Series,
    *,
    as_of: pd.Timestamp,
    method: Sweeping | None = None,
) -> Yields:
    """Return how many needles a day a report a day stands for, at each place.

    Needles found at a place are Poisson around what reports let expect since its last sweep, times the needles a
    report stands for, times a factor of the place; factors are gamma with mean 1 and a spread that makes all counts
    likeliest (empirical Bayes, Robbins 1956; Clayton & Kaldor 1987). So a place swept clean falls, and falls further
    each time; a place where nobody looked keeps the city's factor.

    Parameters
    ----------
    pickups : PICKUPS; sweeps that found needles or nothing count, before ``as_of`` only.
    places : PLACES.
    rates : reports a day, index ``place_id``.

    Raises
    ------
    TableError, CrsError
        A table breaks its contract, or the two lie on two planes.
    """
    method = method or Sweeping()
    visits, unmatched = _visits(PICKUPS.check(pickups), PLACES.check(places), as_of, method)
    rate = rates.reindex(places.index).fillna(0.0).to_numpy()
    place = visits["place"].to_numpy()
    since = np.minimum(visits["since_d"].to_numpy(), method.gathers_d)
    weight = decay(ages_d(visits["at"], as_of), method.half_life_d)
    found = _summed(place, weight * visits["needles"].to_numpy(), len(places))
    awaited = _summed(place, weight * since * rate[place], len(places))
    seen = awaited > 0
    ratio = float(found[seen].sum() / awaited[seen].sum()) if seen.any() else 1.0
    spread = _spread(found[seen], ratio * awaited[seen])
    factor, low, high = _posterior(found * seen, ratio * awaited, spread, method.cover)
    table = pd.DataFrame(
        {
            "visits": np.bincount(place, minlength=len(places)),
            "needles": np.bincount(place, visits["needles"].to_numpy(), len(places)),
            "swept_km": np.bincount(place, places["length_m"].to_numpy()[place], len(places)) / 1000,
            "last_at": visits.groupby("place")["at"].max().reindex(range(len(places))).array,
            "factor": ratio * factor,
            "factor_low": ratio * low,
            "factor_high": ratio * high,
        },
        index=places.index,
    )
    return Yields(table, ratio, unmatched)


def looked(found: Yields, places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return where crews looked beside where reports come from, by band of rank: reports are not needles.

    Parameters
    ----------
    found : of ``places``.
    places : PLACES with ``reports_a_day``.

    Returns
    -------
    DataFrame
        One row a band of street length, most reports a metre first, index its ``name``: ``places``, ``km``,
        ``reports_a_day``, ``never`` (places where nobody looked), ``visits``, ``swept_km``, ``needles`` found on them,
        and ``needles_per_km``, NaN where nobody looked.
    """
    reports, length = places["reports_a_day"].to_numpy(), np.maximum(places["length_m"].to_numpy(), 1e-9)
    order = np.argsort(-reports / length, kind="stable")
    passed = np.cumsum(length[order]) / length.sum()
    band = np.empty(len(places), dtype=np.int64)
    band[order] = np.searchsorted(_BANDS, passed - length[order] / length.sum() / 2)
    table = pd.DataFrame(
        {
            "places": 1,
            "km": length / 1000,
            "reports_a_day": reports,
            "never": (found.places["visits"] == 0).to_numpy().astype(np.int64),
            **{name: found.places[name].to_numpy() for name in ("visits", "swept_km", "needles")},
        }
    )
    table = table.groupby(band).sum().reindex(range(len(_NAMES)), fill_value=0)
    table.index = pd.Index(_NAMES, name="name")
    return table.assign(needles_per_km=table["needles"] / table["swept_km"].where(table["swept_km"] > 0))


def _visits(
    pickups: gpd.GeoDataFrame, places: gpd.GeoDataFrame, as_of: pd.Timestamp, method: Sweeping
) -> tuple[pd.DataFrame, int]:
    """Return sweeps in order of time: position of their ``place``, ``at``, ``needles``, ``since_d`` (days since the
    last one there), and how many lie near no place.
    """  # noqa: D205
    counted = (pickups["stream"] == "sweep") & pickups["outcome"].isin(_COUNTED) & (pickups["at"] < as_of)
    swept = pickups[counted].sort_values("at", kind="stable")
    if places.crs is not None and len(swept):
        require_same_plane(places.crs.to_string(), pickups=swept)
    place = places.index.get_indexer(pd.Index(swept["place_id"].fillna("")))
    lost = np.flatnonzero(place < 0)
    if len(places):
        points = swept.geometry.to_numpy()[lost]
        mine, nearest = places.sindex.nearest(points, max_distance=method.match_m, return_all=False)
        place[lost[mine]] = nearest
    table = pd.DataFrame({"place": place, "at": swept["at"].to_numpy(), "needles": swept["needles"].to_numpy()})
    table["at"] = swept["at"].array
    known = table[table["place"] >= 0]
    since = known.groupby("place")["at"].diff().dt.total_seconds() / 86_400
    return known.assign(since_d=since.fillna(method.gathers_d)), int((place < 0).sum())


def _summed(place: NDArray[np.int64], what: Floats, n: int) -> Floats:
    return np.asarray(np.bincount(place, what, n), dtype=np.float64)


def _spread(found: Floats, expected: Floats) -> float:
    """Return the shape of the gamma that makes the counts likeliest; 1, an exponential, where nobody looked."""
    if not len(found):
        return _VAGUE
    likely = [nbinom.logpmf(np.rint(found), a, a / (a + expected)).sum() for a in _SPREADS]
    return float(_SPREADS[int(np.argmax(likely))])


def _posterior(found: Floats, expected: Floats, spread: float, cover: float) -> tuple[Floats, Floats, Floats]:
    """Return mean and interval of each factor.

    Examples
    --------
    Swept clean where 3 needles were expected, never swept, and 6 found where 3 were expected:

    >>> mean, low, high = _posterior(np.array([0.0, 0, 6]), np.array([3.0, 0, 3]), 1, 0.8)
    >>> mean.round(2).tolist(), low.round(2).tolist(), high.round(2).tolist()
    ([0.25, 1.0, 1.75], [0.03, 0.11, 0.97], [0.58, 2.3, 2.63])
    """
    shape, backed = spread + found, spread + expected
    tail = (1 - cover) / 2
    low, high = (np.asarray(gamma.ppf(q, shape, scale=1 / backed)) for q in (tail, 1 - tail))
    return shape / backed, low, high
