"""What crews did: visits by stream and by what came of them, and how much of their shifts that took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import geopandas as gpd
import pandas as pd

from sweepplan.model import Crew
from sweepplan.privacy import Policy, about, pooled, share


@dataclass(frozen=True, eq=False)
class Work:
    """What crews logged in a window; counts are rounded for who may not see single reports, empty where too few.

    Attributes
    ----------
    streams : index ``stream``: ``visits``, ``needles``, ``hours``, ``found`` (share of visits that found some). Streams
        are never summed.
    outcomes : index ``outcome``, what came of requests answered: ``visits``.
    hours, shift_h : of the streams told, and on shift if all crews of today had gone out each day of the window.
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

    outcomes = logged.loc[logged["stream"] == "request", "outcome"].value_counts()
    if not exact:
        outcomes = _pooled(outcomes, least)
    rows = {str(stream): _stream(own, least, exact=exact) for stream, own in logged.groupby("stream")}
    streams = pd.DataFrame.from_dict(rows, orient="index")
    days = round((stop - start) / pd.Timedelta(days=1))
    shift_h = days * sum(_hours(crew) for crew in crews)
    return Work(streams, pd.DataFrame({"visits": outcomes}), float(streams["hours"].sum()), shift_h)


def _stream(own: pd.DataFrame, least: int, *, exact: bool) -> dict[str, float]:
    """Return what is told of the visits of one stream."""
    visits, needles, found = len(own), float(own["needles"].sum()), int((own["needles"] > 0).sum())
    hours = float(own["minutes"].sum()) / 60
    if exact:
        return {"visits": visits, "needles": needles, "hours": hours, "found": found / visits}
    if visits < least:
        return dict.fromkeys(("visits", "needles", "hours", "found"), math.nan)
    counts = [math.nan if (told := about(n, least)) is None else told for n in (visits, needles)]
    coarse = share(found, visits, 2 * least) / 100
    return {"visits": counts[0], "needles": counts[1], "hours": hours, "found": coarse}


def _pooled(visits: pd.Series, least: int) -> pd.Series:
    """Return visits by outcome, coarsely; few of one outcome are told together with others."""
    groups = pooled({str(name): int(n) for name, n in visits.items()}, least)
    told = {name: about(float(visits[group].sum()), least) for name, group in groups.items()}
    return pd.Series(told, dtype="object")


def _hours(crew: Crew) -> float:
    begins, ends = (datetime.combine(date(2000, 1, 1), at) for at in (crew.start, crew.end))
    return float((ends - begins).total_seconds() / 3600 % 24)
