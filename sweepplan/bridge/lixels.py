"""Streets → pieces that a forecast is made on; reports → the piece each lies on."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from sweepplan.errors import StreetsError
from sweepplan.geo import require_same_plane
from sweepplan.hotspots import Lixels, street_forecast
from sweepplan.streets import StreetNetwork

_REACH_M = 500.0
_PIECE_M = 50.0
_MOST_PIECES = 15_000


def street_rates(
    incidents: gpd.GeoDataFrame, streets: StreetNetwork, *, as_of: pd.Timestamp, horizon_d: int = 7
) -> pd.DataFrame | None:
    """Return the reports expected a day on each street segment, index ``place_id`` as ``streets.places()`` has them.

    None where the network is so large that kernels along it would take gigabytes: cells must do there.

    Parameters
    ----------
    incidents : INCIDENTS of one kind.
    """
    if streets.places()["length_m"].sum() / _PIECE_M > _MOST_PIECES:
        return None
    ground, lines = street_pieces(streets)
    piece = piece_of(incidents, lines)
    rates = street_forecast(incidents, streets.area, ground, piece, as_of=as_of, horizon_d=horizon_d)
    return rates.groupby(lines.index).sum()


def street_pieces(streets: StreetNetwork, *, piece_m: float = _PIECE_M) -> tuple[Lixels, gpd.GeoSeries]:
    """Cut every street that can be swept into even pieces of at most ``piece_m``.

    Returns
    -------
    ground : the pieces, and the ways between those at most 500 m apart.
    lines : their geometry in the same order, index ``place_id`` of the street.

    Raises
    ------
    StreetsError
        No street, or ``piece_m`` is no length.
    """
    if not 1 <= piece_m < np.inf:
        raise StreetsError(f"piece_m {piece_m:g}: give 1 m or more")
    places = streets.places()
    places = places[places["length_m"] > 0]
    if not len(places):
        raise StreetsError("no street that can be swept: load a network of streets")
    pieces = np.maximum(np.ceil(places["length_m"].to_numpy() / piece_m), 1).astype(np.int64)
    of = np.repeat(np.arange(len(places)), pieces)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    shapes = [
        shapely.ops.substring(line, k / n, (k + 1) / n, normalized=True)
        for line, k, n in zip(places.geometry.to_numpy()[of], nth, pieces[of], strict=True)
    ]
    lines = gpd.GeoSeries(shapes, index=places.index[of], crs=streets.area.crs)
    middles = lines.interpolate(0.5, normalized=True)
    snaps = streets.snap(middles, limit_m=1.0)
    a, b, apart = streets.within(snaps, snaps, _REACH_M)
    length = places["length_m"].to_numpy()[of] / pieces[of]
    return Lixels(shapely.get_coordinates(middles.to_numpy()), length, a, b, apart), lines


def piece_of(incidents: gpd.GeoDataFrame, lines: gpd.GeoSeries, *, limit_m: float = 50.0) -> NDArray[np.int64]:
    """Return the piece nearest to each incident, -1 where none lies within ``limit_m``."""
    require_same_plane(str(lines.crs), incidents=incidents)
    found = np.full(len(incidents), -1, dtype=np.int64)
    row, piece = lines.sindex.nearest(incidents.geometry.to_numpy(), max_distance=limit_m, return_all=False)
    found[row] = piece
    return found
