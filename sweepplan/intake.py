"""Bytes from a path, before anybody parses them: a regular file, unpacked within bounds, and its kind."""

from __future__ import annotations

import gzip
import os
import re
import stat
import zlib
from pathlib import Path
from typing import IO

from sweepplan.errors import SourceError

RATIO = 100
"""A gzip that grows more than this many times is refused beyond :data:`FREE_BYTES`: real tables grow 5 to 20 times."""

FREE_BYTES = 32 << 20
"""What any gzip may unpack to, however small it is."""

_BLANK = b"\xef\xbb\xbf \t\r\n"
_MAGIC = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"SQLite format 3\0": "sqlite",
    b"PAR1": "parquet",
    b"\xd0\xcf\x11\xe0": "old workbook",
    b"version https://git-lfs": "pointer",
}
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def unpacked(path: str | Path, *, most: int) -> bytes:
    """Return a file's bytes, gunzipped where it is a gzip.

    Parameters
    ----------
    most : bytes, unpacked; what is larger is refused before it fills the memory.

    Raises
    ------
    SourceError
        No such file, not a regular file, empty, a Git LFS pointer, cut off, or larger than it may be.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            bound = min(most, max(FREE_BYTES, RATIO * size)) if packed else most
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(bound + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path}: cut off or damaged gzip ({error}): download it again") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"{path}: cannot be read ({why}): give an existing file") from error
    if len(data) > bound:
        raise SourceError(f"{path}: unpacks to more than {bound / 1e6:,.0f} MB: split it, or unpack it first")
    if not data[:4096].lstrip(_BLANK) and not data.lstrip(_BLANK):
        raise SourceError(f"{path}: empty: export it again")
    if kind_of(data) == "pointer":
        raise SourceError(f"{path}: a Git LFS pointer, not the data: fetch the file with 'git lfs pull'")
    return data


def kind_of(data: bytes) -> str:
    r"""Return what the first bytes say: a kind of binary file, ``xml``, ``json``, or else ``text`` or ``binary``.

    Examples
    --------
    >>> kind_of(b"PK\x03\x04..."), kind_of(b" {}"), kind_of(b"<gpx>"), kind_of(b"lat,lon"), kind_of(b"\x89PNG\0")
    ('zip', 'json', 'xml', 'text', 'binary')
    """
    head = data[:65536]
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    control = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\f")
    if b"\0" in head or control * 20 > len(head):
        return "binary"
    first = head.lstrip(_BLANK)[:1]
    return {b"<": "xml", b"{": "json", b"[": "json"}.get(first, "text")


def refuse_declarations(path: str | Path, data: bytes) -> None:
    """Refuse XML that declares a document type or entities: data needs none, and they read files and fill memory.

    Raises
    ------
    SourceError
        It has one.
    """
    found = _DECLARATION.search(data)
    if found:
        word = found[0].decode("ascii", "replace")
        raise SourceError(f"{path}: XML with a declaration {word!r}: remove it, data needs none")


def _opened(path: Path) -> IO[bytes]:
    # A pipe would block the open itself, a device never ends.
    if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        raise ValueError("not a regular file")
    return path.open("rb")
