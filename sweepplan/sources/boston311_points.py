"""Boston's needle requests as bare points, ``boston311-points``: a place and a day, or only a month.

Two layouts: ``lat, lng, year, month, date, ...`` (``date`` empty where only the month is known) and ``lat, lng, dt,
...``. The points carry no status: it stays empty. Streets are looked at to find points that stand for no place, and
go no further; ZIP codes are not read.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.reading import Draft, Feed


def parse(raw: RawTable, _: Mapping[str, str]) -> Draft:
    """Return the points; ids are made from place and day.

    Raises
    ------
    SourceError
        A column is missing.
    """
    lat, lon = raw.spelled("lat", "latitude"), raw.spelled("lng", "lon", "longitude")
    if "year" not in raw.frame.columns:
        day = raw.text(raw.spelled("dt", "date"))
    else:
        raw.require("year", "month")
        month = raw.text("year").str.cat(raw.text("month").str.zfill(2), sep="-")
        day = raw.text("date")
        day = day.mask(day.eq(""), month)
    empty = pd.Series("", index=day.index, dtype="str")
    return Draft(
        source="boston311-points",
        kind=pd.Series("needle", index=day.index, dtype="str"),
        reported=day,
        lat=raw.text(lat),
        lon=raw.text(lon),
        due=empty,
        closed=empty,
        status=empty,
        needles=empty,
        named=raw.text("street") if "street" in raw.frame.columns else None,
    )


FEED = Feed(
    "boston311-points",
    "City of Boston needle requests as points dated to the day or month, CSV",
    "needle",
    parse,
    frozenset({"lat", "latitude", "lng", "lon", "longitude", "year", "month", "date", "dt", "street"}),
)
