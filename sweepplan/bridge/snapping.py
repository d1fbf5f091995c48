"""Depot and stops → where they lie on the streets, the last of the way on foot where need be."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweepplan.bridge.rules import SweepRules
from sweepplan.errors import StreetsError
from sweepplan.streets import Snaps, StreetNetwork

_DETOUR = 1.25
FOOT_MS = 1.2


def snapped(streets: StreetNetwork, depot: gpd.GeoSeries, stops: gpd.GeoSeries, rules: SweepRules) -> Snaps:
    """Return where the depots (first) and stops lie on the streets; -1 where a stop lies on none.

    Raises
    ------
    StreetsError
        A depot lies off the network.
    """
    far = StreetsError(
        f"the depot lies more than {rules.depot_limit_m:g} m from any street of the network: "
        "move it, or load more streets"
    )
    if (depot.distance(streets.area.boundary) > rules.depot_limit_m).any():
        raise far
    home = streets.snap(depot, limit_m=rules.depot_limit_m, joined=True)
    if (home.edge < 0).any():
        raise far
    others = reachable(streets, stops, rules)
    columns = (
        np.concatenate([getattr(home, name), getattr(others, name)]) for name in ("edge", "offset_m", "distance_m")
    )
    return Snaps(*columns)


def on_foot_m(snaps: Snaps, rules: SweepRules) -> NDArray[np.float64]:
    """Return how far each stop is walked to, one way, from where a crew parks; 0 where it parks beside it."""
    far = (snaps.edge >= 0) & (snaps.distance_m > rules.snap_limit_m)
    return np.where(far, _DETOUR * np.where(far, snaps.distance_m, 0), 0.0)


def located(streets: StreetNetwork, spots: gpd.GeoSeries, rules: SweepRules) -> tuple[Snaps, str, float]:
    """Return where the first of ``spots`` lies on the streets, its name, and the metres walked there from a van."""
    snaps = reachable(streets, spots, rules)
    walk_m = on_foot_m(snaps, rules)
    return snaps, str(names_at(streets, snaps, walk_m).iloc[0]), float(walk_m[0])


def names_at(streets: StreetNetwork, snaps: Snaps, walk_m: NDArray[np.float64]) -> pd.Series:
    """Return the name of the street each stop lies on, and the walk from there."""
    names = streets.edges["name"].iloc[snaps.edge].reset_index(drop=True).mask(snaps.edge < 0, "off the streets")
    far = pd.Series(
        [f", then {streets.area.distance(metres)} on foot" if metres else "" for metres in walk_m], dtype="str"
    )
    return names + far


def reachable(streets: StreetNetwork, stops: gpd.GeoSeries, rules: SweepRules) -> Snaps:
    """Return where points lie on the nearest street that can be reached and left again, by car or the last on foot."""
    joined = streets.snap(stops, limit_m=max(rules.snap_limit_m, rules.foot_limit_m), joined=True)
    any_street = streets.snap(stops, limit_m=rules.snap_limit_m)
    near = joined.edge >= 0
    return Snaps(
        np.where(near, joined.edge, any_street.edge),
        np.where(near, joined.offset_m, any_street.offset_m),
        np.where(near, joined.distance_m, any_street.distance_m),
    )
