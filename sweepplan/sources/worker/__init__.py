"""The room within a room: parses hostile bytes in a process of its own, which can neither grow nor last.

Run apart from sweepplan (:data:`COMMAND`): bytes on stdin, an Arrow file on stdout, a refusal as one line on stderr
with exit code :data:`REFUSED`. It imports nothing of sweepplan: each parser, one file a format, is imported after the
limits are set, and only where it is needed. :func:`.records.records` is also called directly, for small files.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from .archive import MOST_UNZIPPED
from .bounds import RefusedError as RefusedError

MOST_BYTES = 640 << 20
"""Address space of the process."""

MOST_SECONDS = 12
"""Processor seconds of the process."""

REFUSED = 3

COMMAND = (
    "-I",
    "-c",
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import worker; sys.exit(worker.main(*sys.argv[1:]))",
    str(Path(__file__).parents[1]),
)
"""Arguments of the interpreter; behind them come the format and the sheet or layer."""

PARSERS = {
    "json": ("records", "records"),
    "gpx": ("xml", "gpx"),
    "georeport": ("xml", "georeport"),
    "gpkg": ("geopackage", "gpkg"),
    "parquet": ("columns", "parquet"),
    "shapefile": ("shapes", "shapefile"),
    "xlsx": ("workbook", "xlsx"),
}
"""File and function of each format."""


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the time limit is the parent's
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_UNZIPPED, MOST_UNZIPPED))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(kind: str, part: str) -> int:
    """Parse stdin to stdout."""
    _limit()
    try:
        import pyarrow as pa

        file, parser = PARSERS[kind]
        parse = getattr(importlib.import_module(f".{file}", __name__), parser)
        table = parse(sys.stdin.buffer.read(), part)
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
            out.write_table(table)
        sys.stdout.buffer.flush()
    except RefusedError as error:
        sys.stderr.write(" ".join(str(error).split()))
        return REFUSED
    except (MemoryError, RecursionError):
        sys.stderr.write("needs too much memory to be read: split it, or save it as CSV")
        return REFUSED
    return 0
