"""Excel workbooks."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from .archive import unzipped
from .bounds import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, RefusedError, bound, table_of, text_of
from .header import LOOKED_AT, header_of


def xlsx(data: bytes, sheet: str = "") -> Any:
    """Return a sheet (the first that holds a table, where none is named) as an Arrow table.

    Values are as last computed, no formulas. Several sheets of the same columns are refused where none is named: one
    alone would lose the others in silence.
    """
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
        header, rows = _table(book[sheet]) if sheet else _first(book.worksheets)
    except (InvalidFileException, ParseError, DefusedXmlException, KeyError, AttributeError, TypeError) as error:
        raise RefusedError(f"not an Excel workbook ({str(error)[:120]}): save it as .xlsx or CSV") from error
    wide = len(header)
    bound(len(rows), wide)
    return table_of(header, [[row[k] if k < len(row) else "" for row in rows] for k in range(wide)], None)


def _first(pages: Sequence[Any]) -> tuple[list[str], list[list[str]]]:
    """Return the header and rows of the first sheet that holds a table; of the first, where none does."""
    found: tuple[str, tuple[list[str], list[list[str]]]] | None = None
    for page in pages:
        header, rows = _table(page) if found is None else _table(page, most=LOOKED_AT)
        if found is None and len(header) > 1 and rows:
            found = page.title, (header, rows)
        elif found is not None and header == found[1][0] and rows:
            both = f"{found[0]!r} and {page.title!r}"
            raise RefusedError(f"sheets {both} have the same columns: name one (mapping: sheet = ...), or join them")
    return found[1] if found else _table(pages[0])


def _table(page: Any, *, most: int = MOST_ROWS) -> tuple[list[str], list[list[str]]]:
    page.reset_dimensions()
    found = _sheet_rows(islice(page.iter_rows(values_only=True), most + 1))
    if not found:
        return [], []
    at, names = header_of(found)
    return names, found[at + 1 :]


def _sheet_rows(rows: Iterable[Sequence[Any]]) -> list[list[str]]:
    """Text of all rows from the first that is not blank, without blanks at their ends; a wider row loses nothing."""
    found: list[list[str]] = []
    cells = 0
    for row in rows:
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
    return [row + [""] * (widest - len(row)) for row in found]
