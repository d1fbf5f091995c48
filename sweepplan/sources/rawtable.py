"""Reading a file as text: CSV or GeoJSON, gzipped or not, any encoding and line ends. Nothing is interpreted."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import csv as arrow_csv
from pyproj import CRS
from pyproj.exceptions import CRSError

from sweepplan.errors import SourceError
from sweepplan.geo import WGS84
from sweepplan.sources.sieve import Fault, quarantine, set_aside

MOST_BYTES = 2 << 30
"""A file that unpacks to more is refused: 2 GiB hold ten years of a large city's requests."""

_BLOCK = 16 << 20
_LOOK = 64 << 10


@dataclass(frozen=True, eq=False)
class RawTable:
    """A file as text.

    Attributes
    ----------
    path : where it came from, for messages.
    names : the columns of the file as they are spelled there.
    frame : str columns under their folded names (:func:`fold`); index ``line``, 1 = first row below the header.
    ragged : ``line`` and ``value`` of rows that have more or fewer fields than the header.
    shapes : geometry of each row in WGS84 degrees; None where the file is a CSV.
    """

    path: Path
    names: tuple[str, ...]
    frame: pd.DataFrame
    ragged: pd.DataFrame
    shapes: gpd.GeoSeries | None = None

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
        return self.frame[name].str.strip()

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


def load(path: str | Path, wanted: Collection[str] | None = None) -> RawTable:
    """Read a CSV or GeoJSON file, plain or gzipped, as text.

    The content says which it is, not the name. CSV: UTF-8 (with or without its mark) or Latin-1; lines may end in LF,
    CRLF or CR alone; blank lines are no rows. GeoJSON: the properties, and the geometry in :attr:`RawTable.shapes`.

    Parameters
    ----------
    wanted : folded names of the columns to keep, to save memory; None keeps all.

    Raises
    ------
    SourceError
        The file is missing, empty, cut off, a Git LFS pointer, a web page, not text, or holds no row.
    """
    path = Path(path)
    data = _unpacked(path)
    head = data[:_LOOK].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise SourceError(f"{path}: empty: export it again")
    if head.startswith(b"version https://git-lfs"):
        raise SourceError(f"{path}: a Git LFS pointer, not the data: fetch the file with 'git lfs pull'")
    if head.startswith(b"<"):
        raise SourceError(f"{path}: starts with {head[:15]!r}, a web page or XML: download the CSV or GeoJSON itself")
    if _is_binary(head):
        raise SourceError(f"{path}: not text: save it as CSV or GeoJSON in UTF-8")
    raw = _geojson(path, data, wanted) if head.startswith((b"{", b"[")) else _csv(path, data, wanted)
    if not len(raw):
        raise SourceError(f"{path}: no row below the header: export it again")
    return raw


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            data: bytes = file.read(MOST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path}: cut off or damaged gzip ({error}): download it again") from error
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or error}): give an existing file") from error
    if len(data) > MOST_BYTES:
        raise SourceError(f"{path}: unpacks to more than {MOST_BYTES >> 30} GiB: split it")
    return data


def _is_binary(head: bytes) -> bool:
    control = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return b"\0" in head or control * 20 > len(head)


def _encoding(data: bytes) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _BLOCK):
            decoder.decode(data[start : start + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _csv(path: Path, data: bytes, wanted: Collection[str] | None) -> RawTable:
    data = data.removeprefix(codecs.BOM_UTF8)
    encoding = _encoding(data)
    names = _header(path, data, encoding)
    columns = _unique([fold(name) for name in names])
    keep = [name for name in columns if wanted is None or name in wanted]
    ragged: list[tuple[int, str]] = []

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        ragged.append((row.number - 1, f"{row.actual_columns} fields, not {row.expected_columns}"))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data + b"\n"),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK, column_names=columns, skip_rows_after_names=1, encoding=encoding
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in columns},
                strings_can_be_null=False,
                include_columns=keep or columns[:1],
            ),
        )
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path}: not a CSV ({_shorten(str(error), 120)}): export it again") from error
    frame = table.to_pandas().astype("str")
    lines = np.setdiff1d(np.arange(1, len(frame) + len(ragged) + 1), [line for line, _ in ragged])
    frame.index = pd.Index(lines, name="line")
    return RawTable(path, names, frame, _ragged(ragged))


def _header(path: Path, data: bytes, encoding: str) -> tuple[str, ...]:
    text = io.TextIOWrapper(io.BytesIO(data[:_LOOK]), encoding=encoding, errors="replace", newline="")
    try:
        return tuple(next(row for row in csv.reader(text) if row))
    except (csv.Error, StopIteration) as error:
        raise SourceError(f"{path}: its first {_LOOK >> 10} KiB hold no CSV header: export it again") from error


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


def _geojson(path: Path, data: bytes, wanted: Collection[str] | None) -> RawTable:
    try:
        given = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: not JSON ({_shorten(str(error), 120)}): export it again") from error
    features = given.get("features") if isinstance(given, dict) else None
    if not isinstance(features, list):
        raise SourceError(f"{path}: JSON, but no GeoJSON FeatureCollection: export it as GeoJSON or CSV")
    features = [feature if isinstance(feature, dict) else {} for feature in features]
    rows = [row if isinstance(row := feature.get("properties"), dict) else {} for feature in features]
    names = tuple(dict.fromkeys(str(name) for row in rows for name in row))
    lines = pd.RangeIndex(1, len(features) + 1, name="line")
    columns = {
        folded: pd.Series([_as_text(row.get(name)) for row in rows], index=lines, dtype="str")
        for folded, name in zip(_unique([fold(name) for name in names]), names, strict=True)
        if wanted is None or folded in wanted
    }
    shapes = _shapes(path, [feature.get("geometry") for feature in features], given.get("crs"))
    return RawTable(path, names, pd.DataFrame(columns, index=lines), _ragged([]), shapes.set_axis(lines))


def _as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _shapes(path: Path, geometries: list[Any], crs: Any) -> gpd.GeoSeries:
    texts = np.array([json.dumps(geometry) for geometry in geometries], dtype=object)
    shapes = gpd.GeoSeries(shapely.from_geojson(texts, on_invalid="ignore"), crs=WGS84)
    # GeoJSON of before 2016 may name another plane; since then it is WGS84 throughout.
    named = crs.get("properties", {}).get("name") if isinstance(crs, dict) else None
    if named is None:
        return shapes
    try:
        return shapes.set_crs(CRS.from_user_input(named), allow_override=True).to_crs(WGS84)
    except (CRSError, AttributeError) as error:
        raise SourceError(f"{path}: unknown plane {str(named)[:60]!r}: export it in WGS84 degrees") from error


def _shorten(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
