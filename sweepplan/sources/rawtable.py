"""Reading a table as text, whatever its format, encoding and line ends. Nothing is interpreted."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import csv as arrow_csv

from sweepplan.errors import SourceError
from sweepplan.geo import WGS84
from sweepplan.intake import unpacked
from sweepplan.sources.sieve import Fault, quarantine, set_aside
from sweepplan.sources.untrusted import format_of, parsed
from sweepplan.sources.worker.header import LOOKED_AT, header_of

MOST_BYTES = 1 << 30
"""A file that unpacks to more is refused: 1 GiB holds 1.8 million requests of a full 311 export."""

MOST_RAGGED = 100_000
"""A CSV with more rows of a wrong number of fields is refused: it is not read as it was written."""

DELIMITERS = (",", ";", "\t", "|")
"""What may part the fields of a CSV; where two part the header into equally many, the first."""

_BLOCK = 16 << 20
_LOOK = 64 << 10
_NAMED_ENCODING = re.compile(r"""^(\s*<\?xml[^>]*?)\s+encoding=["'][^"']*["']""")


@dataclass(frozen=True, eq=False)
class RawTable:
    """A file as text.

    Attributes
    ----------
    path : where it came from, for messages.
    names : the columns of the file as they are spelled there.
    frame : str columns under their folded names (:func:`fold`); index ``line``, 1 = first row below the header.
    ragged : ``line`` and ``value`` of rows that have more or fewer fields than the header.
    shapes : geometry of each row in WGS84 degrees; None where the file has none.
    total : how many rows there are in all, where an answer that is one page of several says it.
    """

    path: Path
    names: tuple[str, ...]
    frame: pd.DataFrame
    ragged: pd.DataFrame
    shapes: gpd.GeoSeries | None = None
    total: int | None = None

    def __len__(self) -> int:
        return len(self.frame) + len(self.ragged)

    def require(self, *names: str) -> None:
        """Refuse the file where it lacks one of ``names`` (folded).

        Raises
        ------
        SourceError
            Names all that are missing, and the columns that are there.
        """
        missing = [name for name in names if name not in self.frame.columns]
        if missing:
            listed = ", ".join(repr(name) for name in missing)
            raise SourceError(f"{self.path}: no column {listed}: it has {_shorten(', '.join(self.names), 300)}")

    def text(self, name: str) -> pd.Series:
        """Return a column without blanks around its values; all empty where the file has no such column."""
        if name not in self.frame.columns:
            return pd.Series("", index=self.frame.index, dtype="str")
        column = self.frame[name]
        text = column.str.strip()
        return column if text.equals(column) else text  # most columns need no copy

    def ids(self, name: str, kinds: pd.Series) -> pd.Series:
        """Return the ids of column ``name``; where empty, made of the kind and the line: ``library-0003``."""
        given = self.text(name)
        lines = pd.Series(self.frame.index.astype("str"), index=self.frame.index)
        return given.mask(given.eq(""), kinds.str.cat(lines.str.zfill(4), sep="-"))

    def set_aside(self, faults: Iterable[Fault], ids: pd.Series) -> pd.DataFrame:
        """Return the quarantine of this file by line: the rows with a fault, and those that were ragged."""
        none = [""] * len(self.ragged)
        ragged = quarantine(self.ragged["line"], none, "wrong number of fields", self.ragged["value"])
        rows = pd.concat([set_aside(faults, self.frame.index, ids), ragged], ignore_index=True)
        return rows.sort_values("line", kind="stable", ignore_index=True)

    def spelled(self, *names: str) -> str:
        """Return the first of ``names`` (folded) that the file has.

        Raises
        ------
        SourceError
            It has none of them.
        """
        found = [name for name in names if name in self.frame.columns]
        if not found:
            self.require(names[0])
        return found[0]


def fold(name: str) -> str:
    """Return a column's name as columns are compared: without blanks around it, in lower case.

    Examples
    --------
    >>> fold(" OPEN_DT")
    'open_dt'
    """
    return name.strip().casefold()


def load(path: str | Path, wanted: Collection[str] | None = None, *, part: str = "") -> RawTable:
    """Read a table as text: CSV, JSON, GPX, GeoReport XML, XLSX, GeoPackage, Parquet, a shapefile in a zip; or gzipped.

    The content says which it is, and the name must not contradict. CSV: UTF-8 (with or without its mark), UTF-16 with
    its mark, or Latin-1; fields parted by ``,``, ``;``, tab or ``|``; lines may end in LF, CRLF or CR alone; blank
    lines are no rows, nor are titles above the header (:func:`.worker.header.header_of`). JSON: as
    :func:`sweepplan.sources.worker.records.records` says. Geometry is in :attr:`RawTable.shapes`, in degrees, whatever
    plane the file is on. All but CSV is parsed as :mod:`sweepplan.sources.untrusted` says.

    Parameters
    ----------
    wanted : folded names of the columns to keep, to save memory; None keeps all.
    part : sheet or layer; empty takes the first sheet, the only layer.

    Raises
    ------
    SourceError
        The file is missing, empty, cut off, too large, a Git LFS pointer, a web page, of no format we read, not the
        format its name says, or holds no row.
    """
    path = Path(path)
    raw = table_from(path, unpacked(path, most=MOST_BYTES), wanted, part=part)
    if not len(raw):
        raise SourceError(f"{path}: no row below the header: export it again")
    return raw


def table_from(path: Path, data: bytes, wanted: Collection[str] | None = None, *, part: str = "") -> RawTable:
    """Read a table as :func:`load` does, from bytes that came from ``path``; it may be empty."""
    data = _utf8(path, data)
    form = format_of(path, data)
    if form != "csv":
        return _from_arrow(path, parsed(path, data, form, part=part), wanted)
    names, table, ragged = _csv(path, data, wanted)
    del data  # of a large file half of all memory
    return _framed(path, names, table, ragged)


def _utf8(path: Path, data: bytes) -> bytes:
    """Return text in UTF-16, which says so in its first two bytes, as UTF-8; all else as it is."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        return _NAMED_ENCODING.sub(r"\1", data.decode("utf-16"), count=1).encode()
    except UnicodeError as error:
        raise SourceError(f"{path}: starts as UTF-16 and goes not on so: save it as CSV in UTF-8") from error


def _encoding(data: bytes) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _BLOCK):
            decoder.decode(data[start : start + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _csv(
    path: Path, data: bytes, wanted: Collection[str] | None
) -> tuple[tuple[str, ...], pa.Table, list[tuple[int, str]]]:
    """Return the names, the columns wanted as text, and line and fault of each row of a wrong number of fields."""
    data = data.removeprefix(codecs.BOM_UTF8)
    encoding = _encoding(data)
    names, delimiter, begins = _header(path, data, encoding)
    columns = _unique([fold(name) for name in names])
    keep = [name for name in columns if wanted is None or name in wanted]
    ragged: list[tuple[int, str]] = []

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        ragged.append((row.number - 1, f"{row.actual_columns} fields, not {row.expected_columns}"))
        return "skip" if len(ragged) <= MOST_RAGGED else "error"

    try:
        table = arrow_csv.read_csv(
            pa.PythonFile(_Ended(memoryview(data)[begins:]), mode="r"),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK, column_names=columns, skip_rows_after_names=1, encoding=encoding
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in columns},
                strings_can_be_null=False,
                include_columns=keep or columns[:1],
            ),
        )
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path}: not a CSV ({_shorten(str(error), 120)}): export it again") from error
    return names, table, ragged


def _framed(path: Path, names: tuple[str, ...], table: pa.Table, ragged: list[tuple[int, str]]) -> RawTable:
    frame = table.to_pandas(self_destruct=True).astype("str")
    lines = np.setdiff1d(np.arange(1, len(frame) + len(ragged) + 1), [line for line, _ in ragged])
    frame.index = pd.Index(lines, name="line")
    return RawTable(path, names, frame, _ragged(ragged))


class _Ended(io.RawIOBase):
    """Bytes as a file that ends in a line feed, which pyarrow needs after a last line; they are not copied for it."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        rest = len(self._data) - self._at
        if rest < 0:
            return b""
        if size < 0 or rest < size:
            piece = bytes(self._data[self._at :]) + b"\n"
        else:
            # The last byte and the line feed come in one piece: pyarrow must not see an end without a line feed.
            piece = bytes(self._data[self._at : self._at + size - int(rest == size)])
        self._at += len(piece)
        return piece


def _header(path: Path, data: bytes, encoding: str) -> tuple[tuple[str, ...], str, int]:
    """Return the names, the delimiter that parts the header into the most of them, and where its last row begins."""
    text = data[:_LOOK].decode(encoding, errors="replace")
    lines = list(io.StringIO(text, newline=""))
    try:
        headers = [(*_names(lines, delimiter, cut=len(data) > _LOOK), delimiter) for delimiter in DELIMITERS]
    except (csv.Error, IndexError) as error:
        raise SourceError(f"{path}: its first {_LOOK >> 10} KiB hold no CSV header: export it again") from error
    names, above, delimiter = max(headers, key=lambda header: len(header[0]))
    return names, delimiter, len("".join(lines[:above]).encode(encoding))


def _names(lines: list[str], delimiter: str, *, cut: bool) -> tuple[tuple[str, ...], int]:
    """Return the names of the header, and how many lines stand above its last row."""
    reader = csv.reader(lines, delimiter=delimiter)
    rows: list[list[str]] = []
    above: list[int] = []
    before = 0
    for row in reader:
        if row:
            rows.append(row)
            above.append(before)
        before = reader.line_num
        if len(rows) > LOOKED_AT:
            break
    if cut and before == len(lines) and len(rows) > 1:  # the last row may go on
        rows.pop()
    at, names = header_of(rows)
    return tuple(names), above[at]


def _unique(names: list[str]) -> list[str]:
    count: dict[str, int] = {}
    unique = []
    for name in names:
        count[name] = count.get(name, 0) + 1
        unique.append(name if count[name] == 1 else f"{name} ({count[name]})")
    return unique


def _ragged(rows: list[tuple[int, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "line": pd.Series([line for line, _ in rows], dtype="int64"),
            "value": pd.Series([value for _, value in rows], dtype="str"),
        }
    )


def _from_arrow(path: Path, table: pa.Table, wanted: Collection[str] | None) -> RawTable:
    names = tuple(json.loads(table.schema.metadata[b"names"]))
    total = table.schema.metadata[b"total"]
    lines = pd.RangeIndex(1, table.num_rows + 1, name="line")
    columns = {
        folded: table[f"c{k}"].to_pandas().astype("str").set_axis(lines)
        for k, folded in enumerate(_unique([fold(name) for name in names]))
        if wanted is None or folded in wanted
    }
    shapes = None
    if "shape" in table.column_names:
        wkb = table["shape"].to_pandas().to_numpy(dtype=object)
        shapes = gpd.GeoSeries(shapely.from_wkb(wkb, on_invalid="ignore"), index=lines, crs=WGS84)
    frame = pd.DataFrame(columns, index=lines)
    return RawTable(path, names, frame, _ragged([]), shapes, int(total) if total else None)


def _shorten(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
