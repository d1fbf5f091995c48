"""Routes as links that a phone's map opens, in legs of at most nine stops."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import pandas as pd
import shapely

from sweepplan.geo import WGS84
from sweepplan.privacy import Published

MOST_STOPS = 9
"""So many places after the first one map takes in a link."""

Spot = tuple[float, float]


def map_links(shown: Published) -> pd.DataFrame:
    """Return a link a leg of the route: ``crew, first_stop, last_stop, google, apple``.

    A leg begins where the one before it ends, the first at the depot; the last ends there, as stop n + 1. Whoever
    opens a link tells that map where the crew goes.
    """
    stops = shown.table("stops").to_crs(WGS84)
    rows = []
    for crew, way in shown.table("routes").to_crs(WGS84).geometry.items():
        mine = stops[stops["crew"] == crew].sort_values("seq")
        ends = shapely.get_coordinates(way)[[0, -1]]
        xy = [tuple(ends[0]), *zip(mine.geometry.x, mine.geometry.y, strict=True), tuple(ends[1])]
        for start in range(0, len(xy) - 1, MOST_STOPS):
            leg = [(lat, lon) for lon, lat in xy[start : start + MOST_STOPS + 1]]
            rows.append((str(crew), start + 1, start + len(leg) - 1, google_link(leg), apple_link(leg)))
    return pd.DataFrame(rows, columns=["crew", "first_stop", "last_stop", "google", "apple"])


def google_link(spots: Sequence[Spot]) -> str:
    """Return a link to the way along ``spots`` (latitude, longitude).

    Examples
    --------
    >>> google_link([(42.36, -71.06), (42.37, -71.05)])
    'https://www.google.com/maps/dir/?api=1&origin=42.360000%2C-71.060000&destination=42.370000%2C-71.050000&travelmode=driving'
    """
    first, *between, last = map(_text, spots)
    given = {"api": "1", "origin": first, "destination": last, "travelmode": "driving"}
    return (
        f"https://www.google.com/maps/dir/?{urlencode(given | ({'waypoints': '|'.join(between)} if between else {}))}"
    )


def apple_link(spots: Sequence[Spot]) -> str:
    """Return a link to the way along ``spots`` (latitude, longitude).

    Examples
    --------
    >>> apple_link([(42.36, -71.06), (42.365, -71.055), (42.37, -71.05)])[-35:]
    '&destination=42.370000%2C-71.050000'
    """
    first, *between, last = map(_text, spots)
    given = [("mode", "driving"), ("source", first), *(("waypoint", each) for each in between), ("destination", last)]
    return f"https://maps.apple.com/directions?{urlencode(given)}"


def _text(spot: Spot) -> str:
    return f"{spot[0]:.6f},{spot[1]:.6f}"
