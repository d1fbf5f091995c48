"""What is wrong with which row: every row that is not kept is set aside with the reason and the value at fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sweepplan.tables import QUARANTINE

Bools = NDArray[np.bool_]

_MOST = 60

TWICE = "id stands twice"
"""Reason of a row whose report another row tells in its latest state."""


@dataclass(frozen=True, eq=False)
class Fault:
    """One reason to set rows aside: ``rows`` shape (n,), ``text`` the value at fault, shape (n,)."""

    reason: str
    rows: Bools
    text: pd.Series


def faulty(faults: Iterable[Fault], n: int) -> Bools:
    """Return which of ``n`` rows have any fault."""
    found = np.zeros(n, dtype=bool)
    for fault in faults:
        found = found | fault.rows
    return found


def set_aside(faults: Iterable[Fault], lines: pd.Index, ids: pd.Series) -> pd.DataFrame:
    """Return the quarantine: each faulty row once, with the first of its faults.

    Parameters
    ----------
    lines : source line of each row.
    ids : id of each row, empty where it has none.
    """
    told = np.zeros(len(lines), dtype=bool)
    parts = [quarantine([], [], "", [])]
    for fault in faults:
        rows = fault.rows & ~told
        told |= rows
        if rows.any():
            parts.append(quarantine(lines[rows], ids[rows], fault.reason, fault.text[rows].str.slice(0, _MOST)))
    return pd.concat(parts, ignore_index=True)


def repeats(ids: pd.Series, faults: Iterable[Fault], rank: pd.Series | None = None) -> Fault:
    """Return the rows without a fault so far whose id another such row has that comes before them.

    Parameters
    ----------
    rank : which of the rows of one id comes first (the least); None: by order.
    """
    good = ids[~faulty(faults, len(ids))]
    ranked = good if rank is None else good.loc[rank[good.index].sort_values(kind="stable").index]
    again = ranked.duplicated().reindex(ids.index, fill_value=False)
    return Fault(TWICE, again.to_numpy(dtype=bool), ids)


def quarantine(lines: ArrayLike, ids: Iterable[Any], reason: str, values: Iterable[Any]) -> pd.DataFrame:
    """Return rows set aside for one reason, as a table of the columns ``QUARANTINE``."""
    line = np.asarray(lines, dtype="int64")
    index = pd.RangeIndex(len(line))
    known, value = (pd.Series(pd.Index(texts, dtype="str"), index) for texts in (ids, values))
    told = pd.Series(reason, index, dtype="str")
    columns = {"line": line, "incident_id": known.mask(known.eq("")), "reason": told, "value": value}
    return pd.DataFrame(columns, columns=list(QUARANTINE))
