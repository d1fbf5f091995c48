"""The one way from a file somebody gave us to a table of text: looked at, then parsed where it can do no harm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa

from sweepplan.errors import SourceError
from sweepplan.intake import kind_of, refuse_declarations
from sweepplan.sources import worker
from sweepplan.sources.worker.records import records

SECONDS = 45.0
"""Seconds by the clock that a file may take to be parsed, on a busy machine; of processor time it has 12."""

SMALL_BYTES = 2 << 20
"""JSON up to this size is parsed in our own process: it can grow to about 300 MB there."""

_FAMILIES = {
    ".xlsx": ("xlsx",),
    ".xlsm": ("xlsx",),
    ".gpkg": ("gpkg",),
    ".parquet": ("parquet",),
    ".geoparquet": ("parquet",),
    ".gpx": ("gpx",),
    ".zip": ("shapefile",),
}
_TEXT = ("csv", "json", "georeport")
_CALLED = {
    "xlsx": "an Excel workbook",
    "gpkg": "an SQLite database",
    "parquet": "a Parquet file",
    "shapefile": "a zip archive",
    "gpx": "a GPX file",
    "csv": "text",
    "json": "JSON",
    "georeport": "XML",
}


def format_of(path: Path, data: bytes) -> str:
    """Return the format of a file: the content says it, and the name must not contradict.

    Raises
    ------
    SourceError
        A format that is not read, or not the one that the name promises.
    """
    kind = kind_of(data)
    if kind == "xml":
        form = _xml_form(path, data)
        refuse_declarations(path, data)
        return _checked(path, form)
    if kind == "binary":
        raise SourceError(f"{path}: not text: save it as CSV or GeoJSON in UTF-8")
    if kind == "old workbook":
        raise SourceError(f"{path}: not text but a workbook of Excel 97-2003: save it as .xlsx or CSV")
    found = {"text": "csv", "sqlite": "gpkg", "zip": ""}.get(kind, kind)
    return _checked(path, found or ("xlsx" if _is_workbook(path, data) else "shapefile"))


def _xml_form(path: Path, data: bytes) -> str:
    head = data[:4096]
    if b"<gpx" in head:
        return "gpx"
    if b"<service_requests" in head:
        return "georeport"
    if b"<graphml" in head:
        raise SourceError(f"{path}: a street network (GraphML) or other XML: give it as --streets, not as a table")
    if b"<errors" in head:
        said = re.sub(rb"<[^>]*>|\s+", b" ", head).decode("utf-8", "replace")
        raise SourceError(f"{path}: an error in place of data ({' '.join(said.split())[:120]}): ask for it again")
    if b"<services" in head:
        raise SourceError(f"{path}: a list of services, not of requests: ask the same server for requests.xml")
    raise SourceError(f"{path}: starts with {data[:15]!r}, a web page or XML: download the CSV or GeoJSON itself")


def _checked(path: Path, found: str) -> str:
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if found not in _FAMILIES.get(ending, _TEXT):
        told = "" if found in _TEXT else "not text but "
        raise SourceError(f"{path}: {told}{_CALLED[found]}, which its name does not say: check it, then rename it")
    return found


def parsed(path: Path, data: bytes, form: str, *, part: str = "", seconds: float = SECONDS) -> pa.Table:
    """Return a file as an Arrow table of text: columns c0, c1, ..., names in the schema, shapes as WKB in degrees.

    Parameters
    ----------
    form : of :func:`format_of`, other than ``csv``.
    part : name of the sheet or layer; empty takes the first sheet, the only layer.
    seconds : wall clock.

    Raises
    ------
    SourceError
        It cannot be read, breaks a bound of :mod:`sweepplan.sources.worker`, or takes too long or too much memory.
    """
    if form == "json" and len(data) <= SMALL_BYTES:
        try:
            return records(data)
        except worker.RefusedError as error:
            raise SourceError(f"{path}: {' '.join(str(error).split())}") from error
    with tempfile.TemporaryDirectory(prefix="sweepplan-") as folder, tempfile.TemporaryFile() as out:
        try:
            done = subprocess.run(  # noqa: S603
                [sys.executable, *worker.COMMAND, form, part],
                input=data,
                stdout=out,
                stderr=subprocess.PIPE,
                timeout=seconds,
                cwd=folder,
                env=_bare_environment(),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"{path}: takes more than {seconds:g} s to read: split it, or save it as CSV") from error
        if done.returncode == worker.REFUSED:
            why = done.stderr.decode("utf-8", "replace")
            raise SourceError(f"{path}: {' '.join(why.split())[:400]}")
        if done.returncode:
            raise SourceError(f"{path}: reading {_CALLED[form]} stopped short (damaged, or too large): save it as CSV")
        out.seek(0)
        with pa.ipc.open_stream(out) as reader:
            return reader.read_all()


def _is_workbook(path: Path, data: bytes) -> bool:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not text but a damaged zip archive: download it again") from error
    return "[Content_Types].xml" in names


def _bare_environment() -> dict[str, Any]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "LC_ALL") if name in os.environ}
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **one, "ARROW_DEFAULT_MEMORY_POOL": "system", "PROJ_NETWORK": "OFF"}
