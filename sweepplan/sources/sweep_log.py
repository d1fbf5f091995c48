"""What crews found, ``sweep-log``: a CSV with the columns of ``PICKUPS``, or the waypoints of a GPX file.

Of a GPX file the waypoints are the rows; its tracks say where a crew walked, not what it found. A waypoint counts where
it says how many needles: in an element ``needles``, or in words ("7 needles", "needles: 7", "clean") in its name,
comment or description. A bare number is no count: devices number waypoints by themselves.
"""

from __future__ import annotations

import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.errors import SourceError
from sweepplan.geo import Area
from sweepplan.sources.location import area_around, inside, locate
from sweepplan.sources.moments import moments
from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.sieve import Fault, faulty, repeats
from sweepplan.tables import PICKUPS

_THINGS = r"(?:needles?|syringes?|sharps)"
_COUNTED = rf"(?i)(?:\b(\d{{1,5}})\s*{_THINGS}\b|\b{_THINGS}\s*[:=]\s*(\d{{1,5}})\b|\b(clean)\b)"
FORMATS = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M")


def parse(raw: RawTable, area: Area | None, clock: str | None) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Return the pickups (table ``PICKUPS``), their lines, and what was set aside.

    Raises
    ------
    SourceError
        A column is missing, or no row has usable coordinates.
    """
    lat, lon = raw.text(raw.spelled("lat", "latitude")), raw.text(raw.spelled("lon", "lng", "longitude"))
    when = raw.text(raw.spelled("at", "time", "date", "datetime"))
    times = moments(when, FORMATS, clock, label="time")
    location = locate(lon, lat, raw.path)
    needles, count_fault = _counts(raw)
    outcome = raw.text("outcome").str.casefold()
    said = pd.Series(np.where(needles > 0, "found", "clean"), index=when.index, dtype="str")
    outcome = outcome.mask(outcome.eq(""), said)
    stream = raw.text("stream").str.casefold()
    stream = stream.mask(stream.eq(""), "sweep")
    minutes = pd.to_numeric(raw.text("minutes"), errors="coerce").astype("float64")
    faults = [
        Fault("no time", when.eq("").to_numpy(), when),
        *times.faults,
        *location.faults,
        count_fault,
        _not_one_of("outcome", outcome),
        _not_one_of("stream", stream),
        Fault("needles found, but the outcome is 'clean'", (outcome.eq("clean") & needles.gt(0)).to_numpy(), outcome),
        Fault("minutes is not a number >= 0", _odd(raw.text("minutes"), minutes), raw.text("minutes")),
    ]
    good = ~faulty(faults, len(when))
    use = good if good.any() else location.located
    if area is None and not use.any():
        raise SourceError(f"{raw.path}: no row has coordinates to make an area around: give an area")
    city = area or area_around(location, use, str(clock), raw.path)
    points = city.points(location.lon, location.lat).set_axis(when.index)
    faults.append(Fault("outside the area", location.located & ~inside(city, points), location.text))
    ids = _ids(raw, when, lat, lon)
    faults.append(repeats(ids, faults))
    place = raw.text("place_id")
    columns = {
        "pickup_id": ids,
        "place_id": place.mask(place.eq("")),
        "at": times.utc,
        "needles": needles,
        "minutes": minutes,
        "outcome": outcome,
        "stream": stream,
    }
    kept = gpd.GeoDataFrame(columns, geometry=points)[~faulty(faults, len(ids))]
    lines = pd.Series(kept.index, index=pd.Index(kept["pickup_id"], name="pickup_id"), name="line", dtype="int64")
    return PICKUPS.check(kept.set_index("pickup_id"), plane=city.crs), lines, raw.set_aside(faults, ids)


def _counts(raw: RawTable) -> tuple[pd.Series, Fault]:
    text = raw.text("needles")
    for name in ("name", "cmt", "desc"):
        said = raw.text(name).str.extract(_COUNTED)
        number = said[0].fillna(said[1]).mask(said[0].isna() & said[1].isna() & said[2].notna(), "0").fillna("")
        text = text.mask(text.eq(""), number)
    count = pd.to_numeric(text, errors="coerce").astype("float64")
    return count, Fault("needles is not a count", (~count.ge(0) | np.isinf(count)).to_numpy(dtype=bool), text)


def _odd(text: pd.Series, number: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    odd: np.ndarray[tuple[int], np.dtype[np.bool_]] = (text.ne("") & ~(number.ge(0) & np.isfinite(number))).to_numpy(
        dtype=bool
    )
    return odd


def _not_one_of(name: str, values: pd.Series) -> Fault:
    choices = sorted(PICKUPS.columns[name].choices)
    return Fault(f"{name} is not one of {', '.join(choices)}", (~values.isin(choices)).to_numpy(), values)


def _ids(raw: RawTable, when: pd.Series, lat: pd.Series, lon: pd.Series) -> pd.Series:
    """Ids as given; else a digest of time and place, and the number among equals."""
    given = raw.text("pickup_id")
    parts = zip(when, lat, lon, strict=True)
    digests = [hashlib.blake2b("|".join(part).encode(), digest_size=6).hexdigest() for part in parts]
    made = pd.Series(digests, index=when.index, dtype="str")
    number = made.groupby(made).cumcount() + 1
    return given.mask(given.eq(""), "pickup-" + made + "-" + number.astype("str"))
