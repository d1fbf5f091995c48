"""What may be known at a moment: the reports that count as history, and how much each still weighs."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sweepplan.errors import ClockError, CrsError, SettingsError, TableError
from sweepplan.tables import INCIDENTS

Floats = NDArray[np.float64]

_DAY = pd.Timedelta(days=1)
_FARTHEST_EAST = pd.Timedelta(hours=14)
_CLOCK_CHANGE = pd.Timedelta(hours=1)


def history(incidents: gpd.GeoDataFrame, as_of: pd.Timestamp, *, plane: str | None = None) -> gpd.GeoDataFrame:
    """Return the reports of one kind that are known at ``as_of``, in the order given.

    A report counts when ``reported_at < as_of``. A month-precise report says "some day of this month", so it counts
    only once its whole month is over; no clock is given here, and where that clock changes within the month its last
    hour counts as over one hour early.

    Parameters
    ----------
    incidents : INCIDENTS.
    as_of : a moment with a zone.
    plane : the CRS the points must lie on; any plane in metres where it is not given.

    Raises
    ------
    ClockError
        ``as_of`` has no zone.
    TableError
        Not INCIDENTS, or of several kinds.
    CrsError
        In degrees, or on another plane than ``plane``.
    """
    if as_of.tzinfo is None:
        raise ClockError(f"as_of {as_of} has no zone: give e.g. area.midnight('{as_of:%Y-%m-%d}')")
    INCIDENTS.check(incidents, plane=plane)
    if incidents.crs is None or not incidents.crs.is_projected:
        raise CrsError(f"incidents: {incidents.crs or 'no plane'} is not a plane in metres: use area.project(...)")
    kinds = sorted(incidents["kind"].unique())
    if len(kinds) > 1:
        raise TableError(
            f"incidents hold {' and '.join(kinds)}: give one, incidents[incidents['kind'] == {kinds[0]!r}]"
        )
    known = (incidents["reported_at"] < as_of).to_numpy()
    monthly = (incidents["time_precision"] == "month").to_numpy()
    if monthly.any():
        over = month_days(incidents["reported_at"]) * _DAY - _CLOCK_CHANGE <= as_of - incidents["reported_at"]
        known = known & (~monthly | over.to_numpy())
    return incidents if known.all() else incidents[known]


def month_days(reported_at: pd.Series) -> pd.Series:
    """Return how many days the months have that begin at ``reported_at`` on a clock nobody named.

    Examples
    --------
    >>> month_days(pd.Series(pd.to_datetime(["2024-02-01 05:00+00:00", "2024-12-31 13:00+00:00"]))).tolist()
    [29, 31]
    """
    return (reported_at + _FARTHEST_EAST).dt.days_in_month.astype("int64")


def decay(age_d: ArrayLike, half_life_d: float) -> Floats:
    """Return the weight of reports ``age_d`` days old: ``2 ** (-age_d / half_life_d)``, 1 where that is infinite.

    Examples
    --------
    >>> decay(np.array([0.0, 91.0, 182.0]), 91).tolist()
    [1.0, 0.5, 0.25]
    """
    return np.asarray(np.exp2(-np.asarray(age_d, dtype=float) / require_positive("half_life_d", half_life_d)))


def mean_decay(age_d: ArrayLike, length_d: ArrayLike, half_life_d: float) -> Floats:
    """Return :func:`decay` averaged over the ``length_d`` days whose last is ``age_d`` days old.

    Examples
    --------
    >>> mean_decay(np.array([1.0]), np.array([2.0]), 1).tolist()   # (1/2 + 1/4) / 2
    [0.375]
    """
    newest = decay(age_d, half_life_d)
    if np.isinf(half_life_d):
        return newest
    day, length = 0.5 ** (1 / half_life_d), np.asarray(length_d, dtype=float)
    return np.asarray(newest * (1 - day**length) / ((1 - day) * length))


def require_positive(name: str, value: float) -> float:
    """Return ``value`` where it is above 0.

    Raises
    ------
    SettingsError
        It is not.
    """
    if not value > 0:
        raise SettingsError(f"{name} {value:g}: give more than 0")
    return value


def ages_d(reported_at: pd.Series, as_of: pd.Timestamp) -> Floats:
    """Return how long before ``as_of`` each moment was, in days."""
    return np.asarray((as_of - reported_at).dt.total_seconds(), dtype=np.float64) / 86_400
