"""A kiosk problem made small, in whole numbers: demand still to be decided, points that lose alike as one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sweepplan.model import Ints, KioskProblem
from sweepplan.siting.kernels import Entries, thinned

_SEED = 20_260


@dataclass(frozen=True, eq=False)
class Core:
    """What each row of demand loses a unit when served by each column, a free site.

    A row is all the demand points that lose the same with every site; points without weight, and those no free site
    serves better than the sites that stand, are in no row. Entries of a row rise in loss.

    Attributes
    ----------
    w : shape (m,), weight of each row, ``> 0``.
    cap : shape (m,), loss a unit with no free site chosen.
    district : shape (m,), -1 in none.
    start, col, loss : shapes (m + 1,), (e,), (e,): entries by row, ``0 <= loss < cap``.
    cstart, crow, closs : the same by column.
    sites : shape (s,), ascending, the problem's index of each column.
    row_of : shape (n,), row of each demand point; -1 in no row.
    base : loss of the points in no row.
    """

    w: Ints
    cap: Ints
    district: Ints
    start: Ints
    col: Ints
    loss: Ints
    cstart: Ints
    crow: Ints
    closs: Ints
    sites: Ints
    row_of: Ints
    base: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.w.size, self.sites.size

    @property
    def entries(self) -> Entries:
        """What the compiled loops read."""
        return Entries(self.start, self.col, self.loss, self.cstart, self.crow, self.closs)

    def least(self, columns: Ints) -> Ints:
        """Return, per row, the loss a unit with ``columns`` chosen."""
        least = self.cap.copy()
        for j in columns:
            rows = self.crow[self.cstart[j] : self.cstart[j + 1]]
            least[rows] = np.minimum(least[rows], self.closs[self.cstart[j] : self.cstart[j + 1]])
        return least

    def value(self, columns: Ints) -> int:
        """Return the loss of the rows with ``columns`` chosen."""
        return int(self.w @ self.least(columns))

    def within(self, most: Ints) -> Core:
        """Return the core whose rows lose ``most`` a unit at most: less to look at, and no choice loses more in it."""
        cap = np.minimum(self.cap, most)
        fields = thinned(self.entries, cap, np.ones(self.sites.size, dtype=np.bool_))
        return replace(self, cap=cap, **Entries(*fields)._asdict())

    def only(self, columns: Ints) -> Core:
        """Return the core with no other free sites; ``row_of`` then says where each row of this one went."""
        new = np.full(self.sites.size, -1, dtype=np.int64)
        new[columns] = np.arange(columns.size)
        kept = new[self.col] >= 0
        row = np.repeat(np.arange(self.w.size), np.diff(self.start))[kept]
        entries = (row, new[self.col[kept]], self.loss[kept])
        smaller = _merged(self.w, self.cap, self.district, entries, self.sites[columns])
        return replace(smaller, base=smaller.base + self.base)

    def with_standing(self, columns: Ints) -> Core:
        """Return the core where ``columns`` stand already: they lower the caps, and are free no more."""
        rest = np.setdiff1d(np.arange(self.sites.size), columns)
        return replace(self, cap=self.least(columns)).only(rest)


def core_of(problem: KioskProblem) -> Core:
    """Let fixed and required sites stand, drop what they serve best, and merge points that lose alike."""
    w, _ = problem.weights()
    point, site, loss = problem.losses()
    standing = np.zeros(problem.n_sites, dtype=np.bool_)
    standing[[*problem.fixed, *problem.required]] = True
    cap = np.full(w.size, problem.most, dtype=np.int64)
    np.minimum.at(cap, point[standing[site]], loss[standing[site]])
    free = np.setdiff1d(np.flatnonzero(~standing), [*problem.forbidden, *too_near(problem)])
    column = np.full(problem.n_sites, -1, dtype=np.int64)
    column[free] = np.arange(free.size)
    kept = (column[site] >= 0) & (w[point] > 0)
    entries = (point[kept], column[site[kept]], loss[kept])
    district = np.full(w.size, -1, dtype=np.int64)
    if problem.rules.floors:
        district = np.asarray(problem.rules.district, dtype=np.int64)
    return _merged(w, cap, district, entries, free)


def _merged(w: Ints, cap: Ints, district: Ints, entries: tuple[Ints, Ints, Ints], sites: Ints) -> Core:
    """Sum rows with the same entries, cap and district; leave out those without an entry below their cap (row -1)."""
    row, col, loss = entries
    short = loss < cap[row]
    row, col, loss = row[short], col[short], loss[short]
    most = int(cap.max(initial=1)) + 1
    order = np.argsort((row * most + loss) * max(sites.size, 1) + col)
    row, col, loss = row[order], col[order], loss[order]
    n = np.bincount(row, minlength=w.size)
    held = np.flatnonzero((n > 0) & (w > 0))
    base = int((w * cap).sum() - (w[held] * cap[held]).sum())
    group, first = _alike(np.column_stack([n, cap, district]).astype(np.uint64), held, n, col, loss)
    row_of = np.full(w.size, -1, dtype=np.int64)
    row_of[held] = group
    summed = np.zeros(first.size, dtype=np.int64)
    np.add.at(summed, group, w[held])
    begin = np.concatenate([[0], np.cumsum(n)])
    start = np.concatenate([[0], np.cumsum(n[first])])
    taken = np.repeat(begin[first] - start[:-1], n[first]) + np.arange(start[-1])
    col, loss = col[taken], loss[taken]
    by_col = np.argsort(col, kind="stable")
    crow = np.repeat(np.arange(first.size), n[first])[by_col]
    cstart = np.concatenate([[0], np.cumsum(np.bincount(col, minlength=sites.size))])
    return Core(summed, cap[first], district[first], start, col, loss, cstart, crow, loss[by_col], sites, row_of, base)


def _alike(heads: np.ndarray, held: Ints, n: Ints, col: Ints, loss: Ints) -> tuple[Ints, Ints]:
    """Return the group of each row ``held`` and the first row of each group, groups in order of their first rows.

    Rows are alike where two 64-bit sums of random numbers, one a (column, loss), agree; that two others agree too has a
    chance of 2^-128 a pair, and the judge, who merges nothing, would refuse the plan.
    """
    if not held.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng(_SEED)
    names = rng.integers(1, 2**63, (2, int(col.max()) + 1), dtype=np.uint64) * 2 + 1
    salts = rng.integers(1, 2**63, (2, int(loss.max()) + 1), dtype=np.uint64)
    begin = np.concatenate([[0], np.cumsum(n)])[held]
    keys = [heads[held, i] for i in range(heads.shape[1])]
    for name, salt in zip(names, salts, strict=True):
        mixed = name[col] * (salt[loss] | np.uint64(1))
        keys.append(np.add.reduceat(mixed ^ (mixed >> np.uint64(29)), begin))
    order = np.lexsort(keys)
    new = np.zeros(held.size, dtype=np.bool_)
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    label = np.zeros(held.size, dtype=np.int64)
    label[order] = np.cumsum(new)
    _, first, group = np.unique(label, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[group], held[np.sort(first)]


def too_near(problem: KioskProblem) -> list[int]:
    """Return the sites that may not stand beside a fixed or required one."""
    standing = {*problem.fixed, *problem.required}
    pairs = [pair for pair in problem.rules.apart if standing & {*pair}]
    return sorted({site for pair in pairs for site in pair} - standing)
