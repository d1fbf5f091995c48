"""Crews by their wall clock → shifts in a problem's numbers, and the depots they start and end at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.bridge.rules import SweepRules
from sweepplan.errors import ProblemError
from sweepplan.geo import Area
from sweepplan.model import Break, Crew, Shift


def depots_of(crews: Sequence[Crew], depot: gpd.GeoSeries, area: Area) -> tuple[gpd.GeoSeries, list[tuple[int, int]]]:
    """Return every depot once, that of all crews first, and per crew which one it starts and ends at."""
    own = [spot for crew in crews for spot in (crew.depot, crew.end_depot) if spot is not None]
    spots = list(dict.fromkeys(own))
    points = area.points([lon for _, lon in spots], [lat for lat, _ in spots])
    row: dict[tuple[float, float] | None, int] = {None: 0, **{spot: 1 + k for k, spot in enumerate(spots)}}
    ends = [(row[crew.depot], row[crew.end_depot if crew.end_depot is not None else crew.depot]) for crew in crews]
    return gpd.GeoSeries(pd.concat([depot, points], ignore_index=True), crs=area.crs), ends


def shifts_of(
    crews: Sequence[Crew],
    ends: Sequence[tuple[int, int]],
    area: Area,
    *,
    zero: pd.Timestamp,
    as_of: pd.Timestamp,
    modes: Sequence[str],
    rules: SweepRules,
) -> tuple[Shift, ...]:
    """Return the shifts of the day that begins at ``zero``, from ``as_of`` on.

    Parameters
    ----------
    ends : per crew the rows of ``travel_s`` where it starts and ends.
    modes : of the problem's networks, in their order.

    Raises
    ------
    ProblemError
        A shift that is over at ``as_of``.
    """
    day = area.local(zero).date()

    def seconds(wall: time) -> int:
        moment = pd.Timestamp.combine(day, wall).tz_localize(area.tz, nonexistent="shift_forward", ambiguous=True)
        return round((moment - zero).total_seconds())

    now_s = int(np.ceil((as_of - zero).total_seconds()))
    windows = [(max(seconds(crew.start), now_s), seconds(crew.end)) for crew in crews]
    over = [crew.name for crew, (start, end) in zip(crews, windows, strict=True) if start >= end]
    if over:
        raise ProblemError(
            f"the shift of crew {over[0]!r} is over at {area.local(as_of):%Y-%m-%d %H:%M}: "
            "plan an earlier moment or a later shift"
        )
    return tuple(
        Shift(
            crew.name,
            window_s,
            start=start,
            end=end,
            network=modes.index(crew.mode),
            pause=_pause(crew, seconds, window_s),
            capacity=crew.capacity,
            unload=None if crew.capacity is None else start,
            unload_s=rules.unload_s if crew.unload_min is None else 60 * crew.unload_min,
            skills=crew.skills,
            zones=crew.zones,
        )
        for crew, window_s, (start, end) in zip(crews, windows, ends, strict=True)
    )


def _pause(crew: Crew, seconds: Callable[[time], int], window_s: tuple[int, int]) -> Break | None:
    """Return the crew's break, None where it has none or its time is over already."""
    if crew.break_from is None or crew.break_until is None or seconds(crew.break_until) < window_s[0]:
        return None
    return Break(seconds(crew.break_from), seconds(crew.break_until), 60 * crew.break_min)
