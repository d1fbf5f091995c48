"""What every parser keeps to: how much a file may hold, and how a table of text leaves."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

MOST_CELLS = 20_000_000


MOST_COLUMNS = 1_000


MOST_ROWS = 2_000_000


class RefusedError(ValueError):
    """Why a file is not read, and what to do about it."""


def text_of(value: Any) -> str:
    """Return a value as text, empty where there is none; a date without a time as a bare date.

    Examples
    --------
    >>> from datetime import datetime
    >>> text_of(None), text_of(7.0), text_of(2.5), text_of(datetime(2024, 5, 1)), text_of(datetime(2024, 5, 1, 7, 30))
    ('', '7', '2.5', '2024-05-01', '2024-05-01 07:30:00')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bytes):
        return ""
    return str(value).removesuffix(" 00:00:00") if hasattr(value, "isoformat") else str(value)


def bound(rows: int, columns: int) -> None:
    """Refuse a table that is larger than may be."""
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise RefusedError(
            f"{rows:,} rows of {columns:,} columns: at most {MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns and "
            f"{MOST_CELLS:,} cells: split it, or save it as CSV"
        )


def table_of(names: Iterable[str], columns: Iterable[list[str]], shapes: Any, *, total: int | None = None) -> Any:
    """Return an Arrow table of text; ``shapes`` as WKB in degrees; ``total``: rows in all."""
    import pyarrow as pa

    def sound(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    names = [sound(str(name)) for name in names]
    arrays = [pa.array([sound(value) for value in column], pa.large_string()) for column in columns]
    fields = [pa.field(f"c{k}", pa.large_string()) for k in range(len(arrays))]
    if shapes is not None:
        arrays.append(pa.array(list(shapes), pa.large_binary()))
        fields.append(pa.field("shape", pa.large_binary()))
    about = {"names": json.dumps(names), "total": "" if total is None else str(total)}
    return pa.table(arrays, pa.schema(fields, about))
