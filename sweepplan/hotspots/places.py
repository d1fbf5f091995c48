"""What the ranking says about places that can be swept."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.geo import require_same_plane
from sweepplan.tables import CELLS, PLACES

_SWEPT_WIDTH_M = 20.0
_RATES = ("rate", "rate_low", "rate_high")


def place_rates(cells: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the expected reports a day of each place, index ``place_id``: ``rate``, ``rate_low``, ``rate_high``.

    Each cell's rate is shared among the places that cross it, in proportion to their length inside it. An area counts
    as the length of street that sweeps as much ground, 20 m wide. The rate of a cell that no place crosses goes to
    nobody; all other rate is kept. Ends of intervals add up as if all cells erred the same way; cells without an
    interval leave NaN.

    Parameters
    ----------
    cells : CELLS, of one kind.
    places : PLACES, on the same plane.

    Raises
    ------
    TableError, CrsError
        A table breaks its contract, or the two lie on two planes.
    """
    CELLS.check(cells)
    PLACES.check(places)
    rates = pd.DataFrame(0.0, index=places.index, columns=list(_RATES))
    if not len(cells):
        return rates
    require_same_plane(cells.crs.to_string() if cells.crs else "none", places=places)
    cell, place = places.sindex.query(cells.geometry.to_numpy(), predicate="intersects")
    inside = shapely.intersection(cells.geometry.to_numpy()[cell], places.geometry.to_numpy()[place])
    length = shapely.length(inside) * (shapely.get_dimensions(inside) == 1) + shapely.area(inside) / _SWEPT_WIDTH_M
    in_cell = np.bincount(cell, length, len(cells))[cell]
    share = np.divide(length, in_cell, out=np.zeros_like(length), where=in_cell > 0)
    for name in _RATES:
        of_cell = cells[name].to_numpy() if name in cells else np.full(len(cells), np.nan)
        rates[name] = np.bincount(place, share * of_cell[cell], len(places))
    return rates
