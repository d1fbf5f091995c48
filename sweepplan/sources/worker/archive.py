"""Zips, unpacked within bounds."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from .bounds import RefusedError

MOST_UNZIPPED = 256 << 20


MOST_RATIO = 100


MOST_ENTRIES = 1_000


def unzipped(data: bytes, allowed: set[str] | None) -> dict[str, bytes]:
    """Return the members of a zip by name, within bounds; with ``allowed`` endings the zip is only looked through.

    Sizes are counted while unpacking: a header may lie.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > MOST_ENTRIES:
                raise RefusedError(f"a zip of {len(infos):,} files: zip only those needed, at most {MOST_ENTRIES:,}")
            return dict(_members(archive, infos, len(data), allowed))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"a damaged zip, or an encrypted one ({str(error)[:80]}): zip it again") from error


def _members(archive: Any, infos: list[Any], packed: int, allowed: set[str] | None) -> Iterator[tuple[str, bytes]]:
    import zlib

    left = min(MOST_UNZIPPED, max(32 << 20, MOST_RATIO * packed))
    for info in infos:
        name = info.filename.replace("\\", "/")
        ending = os.path.splitext(name)[1].lower()
        if name.startswith("/") or ".." in name.split("/") or ":" in name or "\0" in name:
            raise RefusedError(f"a file named {name[:60]!r} in the zip points outside it: zip it again")
        if ending in (".zip", ".gz", ".7z", ".rar", ".tar", ".tgz"):
            raise RefusedError(f"a packed file {name[:60]!r} within the zip: unpack it first")
        if allowed is not None and ending not in allowed:
            raise RefusedError(f"a file {name[:60]!r} in the workbook: save it as .xlsx or CSV")
        try:
            with archive.open(info) as file:
                content = file.read(left + 1)
        except zlib.error as error:
            raise RefusedError(f"a damaged zip ({str(error)[:80]}): zip it again") from error
        left -= len(content)
        if left < 0:
            raise RefusedError("a zip that unpacks to too much: unpack it, and zip only what is needed")
        if content.startswith((b"PK\x03\x04", b"\x1f\x8b")):
            raise RefusedError(f"a packed file {name[:60]!r} within the zip: unpack it first")
        if allowed is not None:
            if re.search(rb"<!\s*(?:DOCTYPE|ENTITY)", content, re.IGNORECASE):
                raise RefusedError(f"a declaration in {name[:60]!r}, which data needs none of: save it as CSV")
            content = b""
        yield name, content
