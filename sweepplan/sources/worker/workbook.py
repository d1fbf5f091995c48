"""Excel workbooks."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from .archive import unzipped
from .bounds import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, RefusedError, bound, table_of, text_of


def xlsx(data: bytes, sheet: str = "") -> Any:
    """Return a sheet (the first, where none is named) as an Arrow table: values as last computed, no formulas."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    unzipped(data, {".xml", ".rels", ".vml", ".bin", ".png", ".jpeg", ".jpg", ".emf", ".gif", ""})
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        names = [page.title for page in book.worksheets]
        if sheet and sheet not in names:
            raise RefusedError(f"no sheet {sheet!r}: it has {', '.join(map(repr, names))[:300]}")
        if not names:
            raise RefusedError("a workbook without a sheet: export it again")
        page = book[sheet or names[0]]
        page.reset_dimensions()
        header, *rows = _sheet_rows(page.iter_rows(values_only=True)) or [[]]
    except (InvalidFileException, ParseError, DefusedXmlException, KeyError, AttributeError, TypeError) as error:
        raise RefusedError(f"not an Excel workbook ({str(error)[:120]}): save it as .xlsx or CSV") from error
    wide = len(header)
    bound(len(rows), wide)
    return table_of(header, [[row[k] if k < len(row) else "" for row in rows] for k in range(wide)], None)


def _sheet_rows(rows: Iterable[Sequence[Any]]) -> list[list[str]]:
    """Text of all rows from the first that is not blank, without blanks at their ends; a wider row loses nothing."""
    found: list[list[str]] = []
    cells = 0
    for row in islice(rows, MOST_ROWS + 1):
        texts = [text_of(value) for value in row[: MOST_COLUMNS + 1]]
        while texts and not texts[-1]:
            texts.pop()
        cells += len(texts)
        if texts or found:
            found.append(texts)
        if cells > MOST_CELLS or len(found) > MOST_ROWS:
            raise RefusedError(f"more than {MOST_ROWS:,} rows or {MOST_CELLS:,} cells: split it, or save it as CSV")
    while found and not found[-1]:
        found.pop()
    widest = max((len(row) for row in found), default=0)
    while widest > 2 and sum(map(bool, found[0])) <= 1:  # a title above the header
        found.pop(0)
    if found:
        found[0] += [""] * (widest - len(found[0]))
    return found
