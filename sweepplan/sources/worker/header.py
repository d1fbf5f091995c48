"""Where a table begins: below titles, and with names that may take two rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

LOOKED_AT = 40
"""Rows, from the top."""

_VALUE = re.compile(r"(?i)[\d\s.,:/+\-$%°tzapm]+")

Row = Sequence[str]


def header_of(rows: Sequence[Row]) -> tuple[int, list[str]]:
    """Return which row is the last of the header, and the names it gives.

    A title above the header is narrower than the table, and the header itself holds no numbers or dates. Where a cell
    spans several columns, the names below it stand behind its own. One blank field more in each row than in the header
    is a column without a name.

    Parameters
    ----------
    rows : the first rows of the file as text, none of them empty.

    Examples
    --------
    >>> header_of([["Report 2019"], ["id", "lat", "lon"], ["1", "42.3", "-71.1"], ["2", "42.4", "-71.0"]])
    (1, ['id', 'lat', 'lon'])
    >>> header_of([["when", "where", ""], ["", "lat", "lon"], ["2024-05-01", "42.3", "-71.1"]])
    (1, ['when', 'where lat', 'where lon'])
    """
    rows = rows[:LOOKED_AT]
    wide = Counter(len(row) for row in rows[1:]).most_common(1)[0][0] if len(rows) > 1 else len(rows[0])
    at = 0
    if len(rows[0]) != wide or (wide > 2 and _filled(rows[0]) * 2 <= wide):
        named = [k for k, row in enumerate(rows) if len(row) == wide and _names(row)]
        sparse = [k for k, row in enumerate(rows) if _filled(row) >= 2 and not any(map(_is_value, row))]
        titled = _filled(rows[0]) <= 1 and wide > 2
        at = next(iter(named or (sparse if titled else [])), 0)
    names = [cell.strip() for cell in rows[at]]
    below = [row for row in rows[at + 1 :] if len(row) == len(names) + 1]
    if len(below) == len(rows) - at - 1 and below and not any(row[-1].strip() for row in below):
        return at, [*names, ""]
    if at + 2 < len(rows) and _goes_on(names, rows[at + 1], rows[at + 2]):
        return at + 1, _joined(names, rows[at + 1])
    return at, names


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _is_value(cell: str) -> bool:
    return bool(_VALUE.fullmatch(cell[:80])) and any(map(str.isdigit, cell[:80]))


def _names(row: Row) -> bool:
    return _filled(row) >= 2 and _filled(row) * 2 > len(row) and not any(map(_is_value, row))


def _goes_on(names: list[str], row: Row, first: Row) -> bool:
    """Return whether ``row`` gives the names of columns that ``names`` leaves blank, and ``first`` is of values."""
    fits = len(names) == len(row) == len(first) and "" in names[1:]
    gives = any(not name and cell.strip() for name, cell in zip(names, row, strict=False))
    return fits and gives and not any(map(_is_value, row)) and any(map(_is_value, first))


def _joined(names: list[str], row: Row) -> list[str]:
    joined, span = [], ""
    for name, cell in zip(names, row, strict=True):
        span = name or (span if cell.strip() else "")
        joined.append(f"{span} {cell.strip()}".strip())
    return joined
