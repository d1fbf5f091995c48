"""Tables as text that a spreadsheet takes for text."""

from __future__ import annotations

import csv
from collections.abc import Iterable

import pandas as pd
from pandas.api import types as dtypes

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(table: pd.DataFrame, *, withheld: Iterable[str] = ()) -> str:
    r"""Return the columns as CSV: text that would be a formula gets an apostrophe, numbers stay numbers.

    Parameters
    ----------
    withheld : what was kept back; each gets a line of its own at the end, all in the first column.

    Examples
    --------
    >>> print(to_csv(pd.DataFrame({"name": ["=1+1", "Elm"], "n": [-3, 4]})), end="")
    "name","n"
    "'=1+1",-3
    "Elm",4
    """
    safe = {i: _safe(table.iloc[:, i]) for i in range(table.shape[1])}
    named = pd.DataFrame(safe, index=table.index).set_axis([_neutral(str(name)) for name in table.columns], axis=1)
    last = "".join(f'"Withheld: {words}"{"," * (table.shape[1] - 1)}\n' for words in withheld)
    return named.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC) + last


def _safe(column: pd.Series) -> pd.Series:
    if dtypes.is_numeric_dtype(column) or isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    return column.map(lambda value: _neutral(value) if isinstance(value, str) else value)


def _neutral(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
