"""Tables as files that a spreadsheet opens, in which text stays text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from pandas.api import types as dtypes

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NOT_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDEST = 60


def to_csv(table: pd.DataFrame, *, withheld: Iterable[str] = (), notes: Iterable[str] = ()) -> str:
    r"""Return the columns as CSV: text that would be a formula gets an apostrophe, numbers stay numbers.

    Parameters
    ----------
    withheld, notes : what was kept back, and what else is to be said; each gets a line of its own at the end, all in
        the first column.

    Examples
    --------
    >>> print(to_csv(pd.DataFrame({"name": ["=1+1", "Elm"], "n": [-3, 4]})), end="")
    "name","n"
    "'=1+1",-3
    "Elm",4
    """
    safe = {i: _safe(table.iloc[:, i]) for i in range(table.shape[1])}
    named = pd.DataFrame(safe, index=table.index).set_axis([_neutral(str(name)) for name in table.columns], axis=1)
    rest = "," * (table.shape[1] - 1)
    last = "".join(f'"{_neutral(line).replace(chr(34), chr(34) * 2)}"{rest}\n' for line in _last(withheld, notes))
    return named.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC) + last


def to_xlsx(table: pd.DataFrame, *, withheld: Iterable[str] = (), notes: Iterable[str] = ()) -> bytes:
    """Return the same as a workbook of one sheet: every text is marked as text, so that no spreadsheet computes it.

    Characters that a workbook cannot hold become U+FFFD.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet("sweepplan")
    sheet.freeze_panes = "A2"
    for column in range(table.shape[1]):
        longest = max([len(str(table.columns[column])), *table.iloc[:, column].astype(str).str.len()])
        sheet.column_dimensions[get_column_letter(column + 1)].width = min(longest, _WIDEST) + 2
    sheet.append([_cell(sheet, str(name), bold=True) for name in table.columns])
    for row in table.itertuples(index=False, name=None):
        sheet.append([_cell(sheet, value) for value in row])
    for line in _last(withheld, notes):
        sheet.append([_cell(sheet, line)])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def only_xml(text: str) -> str:
    r"""Return text in which U+FFFD stands for every character that no XML may hold.

    Examples
    --------
    >>> ascii(only_xml("Elm" + chr(7)))
    "'Elm\\ufffd'"
    """
    return _NOT_XML.sub("\ufffd", text)


def _last(withheld: Iterable[str], notes: Iterable[str]) -> Iterator[str]:
    yield from (f"Withheld: {words}" for words in withheld)
    yield from notes


def _cell(sheet: WriteOnlyWorksheet, value: Any, *, bold: bool = False) -> Cell | None:
    if pd.isna(value) or value == "":
        return None
    if isinstance(value, int | float | np.number):
        return WriteOnlyCell(sheet, float(value) if dtypes.is_float(value) else int(value))
    cell = WriteOnlyCell(sheet, only_xml(re.sub("\r\n?", "\n", str(value))))
    cell.data_type, cell.quotePrefix = "s", True
    if bold:
        cell.font = Font(bold=True)
    return cell


def _safe(column: pd.Series) -> pd.Series:
    if dtypes.is_numeric_dtype(column) or isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    return column.map(lambda value: _neutral(value) if isinstance(value, str) else value)


def _neutral(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
