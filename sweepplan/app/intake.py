"""A file that somebody brings: looked at before it is taken, both apart from this process and within limits."""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sweepplan.app import access
from sweepplan.app.options import Options
from sweepplan.errors import SourceError, SweepplanError
from sweepplan.geo import Area
from sweepplan.maps.words import counted
from sweepplan.pipeline import Bringing, Settings, import_file
from sweepplan.sources import FEEDS, LOGS, guess_mapping, load_mapping, quality, quality_lines, read_file, read_log
from sweepplan.store import Store

_ROWS = 8
_SITES = {"kiosks": "installed kiosks", "candidates": "where kiosks may stand"}


@dataclass(frozen=True, eq=False)
class Looked:
    """What a file would give: ``mapping`` as TOML where columns were guessed, what came of its rows, the first kept."""

    feed: str
    mapping: str
    lines: tuple[str, ...]
    preview: pd.DataFrame


def feeds() -> dict[str, str]:
    """Return what can be taken, by name, in words."""
    return {**{name: feed.description for name, feed in FEEDS.items()}, **LOGS, **_SITES}


def look(name: str, content: bytes, feed: str, mapping: str | None) -> Looked:
    """Read a file without taking it; a plain table is read as ``mapping`` (TOML) says, else as it is guessed."""
    settings = Settings.load(Options.given().settings)
    area = Area.load(settings.area) if settings.area else None
    with _on_disk(name, content) as path:
        if feed in _SITES:
            return Looked(feed, "", ("Sites are checked when they are taken.",), pd.DataFrame())
        if feed in LOGS:
            log = read_log(feed, path, area, tz=settings.tz)
            lines = (f"{log.rows_in:,} rows, {log.kept:,} kept", *_rejected(log.rejected))
            return Looked(feed, "", lines, _plain(log.table))
        toml = ""
        if feed == "plain":
            toml = mapping or guess_mapping(path).toml()
        with _mapped(toml) as file:
            reading = read_file(feed, path, area, tz=settings.tz, mapping=load_mapping(file) if file else None)
        lines = tuple(quality_lines(quality([reading], as_of=access.now(), names=[name])))
        return Looked(feed, toml, lines, _plain(reading.incidents))


def take(store: Store, name: str, content: bytes, looked: Looked) -> str:
    """Take a file into the database, all of it or nothing, and say what came of it."""
    settings = Settings.load(Options.given().settings)
    by, at = access.here().account_id, access.now()
    with _on_disk(name, content) as path, _mapped(looked.mapping) as mapping:
        how = Bringing(looked.feed, settings.tz, settings.area, mapping)
        result, read = import_file(store, path, how, at=at, by=by)
    if result.repeated:
        return f"{read.file_name} was taken before, under the same settings: nothing changed"
    return f"{read.file_name}: {counted(read.rows_in, 'row')}, {read.kept:,} kept"


def columns(looked: Looked) -> pd.DataFrame:
    """Return how each column of the file is read, as the mapping says, in words; none where a feed knows its own."""
    try:
        given = tomllib.loads(looked.mapping)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"mapping: not TOML: {error}") from error
    named = given.get("columns", {})
    return pd.DataFrame({"Column of the file": [str(name) for name in named.values()], "Is read as": [*named]})


def mend(store: Store, row: int, *, kind: str, when: str, lat: float, lon: float) -> str:
    """Take a row that was set aside with what was wrong put right, and mark it as dealt with.

    Raises
    ------
    SourceError
        It cannot be used so either; says why. Nothing changed.
    """
    toml = f'kind = "{kind}"\n\n[columns]\ntime = "time"\nlat = "lat"\nlon = "lon"\nid = "id"\n'
    line = ",".join(f'"{text}"' for text in (when.replace('"', "").strip(), lat, lon, f"mended-{row}"))
    name, content = f"mended-{row}.csv", f"time,lat,lon,id\n{line}\n".encode()
    with _on_disk(name, content) as path, _mapped(toml) as mapping:
        settings = Settings.load(Options.given().settings)
        area = Area.load(settings.area) if settings.area else None
        reading = read_file("plain", path, area, tz=settings.tz, mapping=load_mapping(mapping) if mapping else None)
        if reading.incidents.empty:
            why = "; ".join(f"{reason} ({value})" for reason, value in _faults(reading.quarantine))
            raise SourceError(f"row {row} cannot be used so either: {why}: put that right")
    take(store, name, content, Looked("plain", toml, (), pd.DataFrame()))
    store.release([row], at=access.now(), by=access.here().account_id)
    return f"Row {row} was mended and taken: it is in the database now"


def _faults(aside: pd.DataFrame) -> Iterator[tuple[str, str]]:
    yield from zip(aside["reason"].astype(str), aside["value"].astype(str), strict=True)


def _rejected(counts: Mapping[str, int]) -> list[str]:
    return [f"{n:,} rejected: {reason}" for reason, n in counts.items()]


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    first = pd.DataFrame(table.head(_ROWS).drop(columns="geometry", errors="ignore"))
    return first.astype(str).rename(columns=lambda name: str(name).replace("_", " ").capitalize())


@contextmanager
def _on_disk(name: str, content: bytes) -> Iterator[Path]:
    """Write content where readers want a file: under its own name, without anything of a path in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (re.sub(r"[^\w.\- ]", "_", Path(name).name).lstrip(".") or "file")
        path.write_bytes(content)
        try:
            yield path
        except SweepplanError as error:
            raise type(error)(str(error).replace(f"{folder}/", "")) from error


@contextmanager
def _mapped(toml: str) -> Iterator[Path | None]:
    if not toml:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mapping.toml"
        path.write_text(toml, encoding="utf-8")
        yield path
