"""Streets as the ground of a forecast: kernels run along the network, so that no river or motorway leaks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from sweepplan.errors import ProblemError
from sweepplan.hotspots.blend import NEAR_M, Blend
from sweepplan.hotspots.cube import Grid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STREETS = Blend(trend_sigmas_m=(200,))
"""The blend along streets: what lies more than 500 m away along them is no neighbour."""

_REACH = 2.5


@dataclass(frozen=True, eq=False)
class Lixels:
    """Pieces of street, a few tens of metres each (Okabe & Sugihara 2012, "Spatial Analysis along Networks").

    Attributes
    ----------
    xy : shape (n, 2), middle of each piece, metres.
    length_m : shape (n,), metres.
    a, b, apart_m : shape (p,), pairs of pieces and the way between their middles along the streets, each pair both
        ways round, a piece with itself too.
    """

    xy: Floats
    length_m: Floats
    a: Ints
    b: Ints
    apart_m: Floats
    _kernels: dict[float, sparse.csr_array] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        n = len(self.xy)
        if not (self.length_m > 0).all() or self.length_m.shape != (n,):
            raise ProblemError("a piece of street without length: cut streets into pieces longer than 0 m")
        if self.a.size and not 0 <= min(self.a.min(), self.b.min()) <= max(self.a.max(), self.b.max()) < n:
            raise ProblemError(f"a pair names a piece that is not among the {n}")

    @property
    def fine(self) -> Grid:
        """The cells of the cube: one a piece."""
        return Grid(0, 0, 1, len(self.xy), 1)

    def spread(self, weight: Floats, sigma_m: float) -> Floats:
        """Return weight, shape (k, n), spread along the streets by a Gaussian, shape (k, n); none is lost."""
        if sigma_m == 0:
            return weight
        if sigma_m not in self._kernels:
            self._kernels[sigma_m] = self._kernel(sigma_m)
        return np.asarray((self._kernels[sigma_m] @ weight.T).T)

    def near(self, weight: Floats) -> Floats:
        """Return 1 for each piece whose middle lies within 400 m of one with weight, else 0."""
        seen = weight > 0
        if not seen.any():
            return np.ones(len(weight))
        away = np.asarray(cKDTree(self.xy[seen]).query(self.xy)[0])
        return (away <= NEAR_M).astype(np.float64)

    def _kernel(self, sigma_m: float) -> sparse.csr_array:
        """Return how much of what lies on piece b goes to piece a, shape (n, n); columns sum to 1."""
        close = self.apart_m <= _REACH * sigma_m
        a, b = self.a[close], self.b[close]
        weight = np.exp(-0.5 * (self.apart_m[close] / sigma_m) ** 2) * self.length_m[a]
        out = np.bincount(b, weight, len(self.xy))
        return sparse.csr_array((weight / out[b], (a, b)), shape=(len(self.xy),) * 2)
