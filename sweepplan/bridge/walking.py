"""How far people walk where no walking network is at hand: the straight line, lengthened; every product says so."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from scipy.spatial import cKDTree

from sweepplan.errors import ProblemError
from sweepplan.geo import Area, require_same_plane
from sweepplan.model import Floats, Ints


@dataclass(frozen=True, eq=False)
class StraightLines:
    """Walks as straight lines times ``factor``; used like a street network.

    Attributes
    ----------
    factor : how much longer than the straight line a walk is; 1.25 is usual on a grid of streets.
    """

    area: Area
    factor: float = 1.25

    def __post_init__(self) -> None:
        if not 1 <= self.factor < 5:
            raise ProblemError(f"factor {self.factor:g}: a walk is 1 to 5 times the straight line, usually 1.25")

    @property
    def label(self) -> str:
        """How walks are measured, in words."""
        return f"straight line x {self.factor:g}"

    def snap(self, points: gpd.GeoSeries, *, limit_m: float = 100.0) -> Floats:
        """Return the points' coordinates; ``limit_m`` does not bind, for there is no street to be far from."""
        require_same_plane(self.area.crs, points=points)
        return np.column_stack([points.x, points.y])

    def within(self, origins: Floats, destinations: Floats, limit_m: float) -> tuple[Ints, Ints, Floats]:
        """Return every pair whose walk is ``<= limit_m``: origin, destination, metres; by origin, then destination."""
        if not (len(origins) and len(destinations)):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
        near = cKDTree(origins).sparse_distance_matrix(
            cKDTree(destinations), limit_m / self.factor, output_type="coo_matrix"
        )
        order = np.lexsort((near.col, near.row))
        pairs = (near.row[order].astype(np.int64), near.col[order].astype(np.int64))
        return *pairs, near.data[order] * self.factor
