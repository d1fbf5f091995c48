"""What crews did: visits by stream and by what came of them, and how much of their shifts that took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import geopandas as gpd
import pandas as pd

from sweepplan.model import Crew
from sweepplan.privacy import Policy, about, share


@dataclass(frozen=True, eq=False)
class Work:
    """What crews logged in a window; counts are rounded for who may not see single reports, None where too few.

    Attributes
    ----------
    streams : index ``stream``: ``visits``, ``needles``, ``hours``, ``found`` (share of visits that found some). Streams
        are never summed.
    outcomes : index ``outcome``, what came of requests answered: ``visits``.
    hours, shift_h : logged, and on shift if all crews of today had gone out each day of the window.
    """

    streams: pd.DataFrame
    outcomes: pd.DataFrame
    hours: float
    shift_h: float


def work(
    pickups: gpd.GeoDataFrame | None,
    crews: Sequence[Crew],
    policy: Policy,
    *,
    start: pd.Timestamp,
    stop: pd.Timestamp,
) -> Work | None:
    """Return what was logged from ``start`` to ``stop``; None where nothing was, or too little to be told."""
    least, exact = policy.min_count, policy.show_requests
    if pickups is None:
        return None
    logged = pickups[(pickups["at"] >= start) & (pickups["at"] < stop)]
    if len(logged) < (1 if exact else least):
        return None

    def told(n: float) -> float | None:
        return n if exact else about(n, least)

    def part_of(n: int, whole: int) -> float:
        return n / whole if exact else share(n, whole, least) / 100

    rows = {
        str(stream): {
            "visits": told(len(own)),
            "needles": told(float(own["needles"].sum())),
            "hours": float(own["minutes"].sum()) / 60,
            "found": part_of(int((own["needles"] > 0).sum()), len(own)),
        }
        for stream, own in logged.groupby("stream")
    }
    answered = logged.loc[logged["stream"] == "request", "outcome"].value_counts()
    outcomes = pd.DataFrame({"visits": [told(int(n)) for n in answered]}, index=answered.index)
    days = round((stop - start) / pd.Timedelta(days=1))
    shift_h = days * sum(_hours(crew) for crew in crews)
    hours = float(logged["minutes"].sum()) / 60
    return Work(pd.DataFrame.from_dict(rows, orient="index"), outcomes, hours, shift_h)


def _hours(crew: Crew) -> float:
    begins, ends = (datetime.combine(date(2000, 1, 1), at) for at in (crew.start, crew.end))
    return float((ends - begins).total_seconds() / 3600 % 24)
