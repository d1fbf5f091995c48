"""A kiosk problem made small: demand still to be decided, points within reach of the same sites as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sweepplan.model import Floats, Ints, KioskProblem


@dataclass(frozen=True, eq=False)
class Cover:
    """Which free sites cover which open demand.

    A row is all the demand points that share one set of free sites; points that a fixed site covers, that no free site
    reaches or that weigh nothing are in no row.

    Attributes
    ----------
    w : shape (m,), weight of each row, ``> 0``.
    reach : shape (m, s), 1 where the column's site covers the row.
    sites : shape (s,), ascending, the problem's index of each column.
    row_of : shape (n,), row of each demand point; -1 in no row.
    fixed_weight : demand that fixed sites cover, whatever is chosen.
    """

    w: Floats
    reach: sparse.csr_array[np.float64]
    sites: Ints
    row_of: Ints
    fixed_weight: float

    def gains(self, open_rows: Floats) -> Floats:
        """Return, per column, the sum of ``open_rows`` (shape (m,)) over the rows it covers."""
        return np.asarray(self.reach.T @ open_rows, dtype=np.float64)

    def counts(self, columns: Ints) -> Floats:
        """Return, per row, how many of ``columns`` cover it."""
        chosen = np.zeros(self.sites.size)
        chosen[columns] = 1
        return np.asarray(self.reach @ chosen, dtype=np.float64)

    def value(self, columns: Ints) -> float:
        """Return the weight of the rows that ``columns`` cover."""
        return float(self.w[self.counts(columns) > 0].sum())

    def only(self, columns: Ints) -> Cover:
        """Return the cover with no other sites than ``columns``; ``row_of`` then says where each row went."""
        w, reach, row_of = _merge(self.w, self.reach[:, columns])
        return Cover(w, reach, self.sites[columns], row_of, self.fixed_weight)


def cover_of(problem: KioskProblem) -> Cover:
    """Drop what fixed sites cover and merge points with the same set of free sites."""
    near = problem.walk_m <= problem.reach_m
    shape = (problem.demand.size, problem.n_sites)
    pairs = (problem.pair_demand[near], problem.pair_site[near])
    reach = sparse.csr_array(sparse.coo_array((np.ones(pairs[0].size), pairs), shape=shape))
    reach.data[:] = 1  # a pair listed twice was summed
    fixed = np.asarray(problem.fixed, dtype=np.int64)
    covered = np.asarray(reach[:, fixed].sum(axis=1)) > 0
    free = np.setdiff1d(np.arange(problem.n_sites), [*problem.fixed, *problem.forbidden])
    open_demand = np.where(covered, 0.0, problem.demand)
    w, merged, row_of = _merge(open_demand, reach[:, free])
    return Cover(w, merged, free, row_of, float(problem.demand[covered].sum()))


def _merge(w: Floats, reach: sparse.csr_array[np.float64]) -> tuple[Floats, sparse.csr_array[np.float64], Ints]:
    """Sum rows with the same columns; leave out those without weight or without a column (row -1)."""
    reach.sort_indices()
    start = reach.indptr
    found: dict[bytes, int] = {}
    row_of = np.full(w.size, -1, dtype=np.int64)
    for i in np.flatnonzero((w > 0) & (np.diff(start) > 0)):
        row_of[i] = found.setdefault(reach.indices[start[i] : start[i + 1]].tobytes(), len(found))
    kept = np.flatnonzero(row_of >= 0)
    _, first = np.unique(row_of[kept], return_index=True)
    summed = np.zeros(len(found))
    np.add.at(summed, row_of[kept], w[kept])
    return summed, reach[kept[first]], row_of
