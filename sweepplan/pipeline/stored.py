"""From files into the database, and from there onto the area's plane."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from sweepplan.errors import SettingsError, SourceError, StoreError
from sweepplan.geo import Area
from sweepplan.pipeline.progress import Progress, quiet
from sweepplan.pipeline.settings import Settings, file_hash
from sweepplan.sources import (
    FEEDS,
    LOGS,
    Reading,
    load_mapping,
    merge_repeats,
    quality,
    read_file,
    read_log,
    read_sites,
)
from sweepplan.sources.reading import FLAGS
from sweepplan.sources.sieve import quarantine as set_aside
from sweepplan.store import FileRead, ImportResult, Store

LAYERS = {"kiosks": ("kiosk", "installed"), "candidates": ("candidate", "candidate")}
"""Layers of sites that can be imported: what its rows are, and in which state."""


@dataclass(frozen=True)
class Bringing:
    """How a file is to be read: the feed's name, clock, area and mapping; ``merge``: one report a spot and day."""

    feed: str
    tz: str | None = None
    area: Path | None = None
    mapping: Path | None = None
    merge: bool = False


def import_file(
    store: Store, path: Path, how: Bringing, *, at: pd.Timestamp, by: str, progress: Progress = quiet
) -> tuple[ImportResult, FileRead]:
    """Read a file into the database: all of it or nothing, and once.

    The same file under the same settings is known by its hash, and is not read again.

    Raises
    ------
    SourceError
        The file cannot be read, or changed meanwhile.
    SettingsError
        An unknown feed; a layer of sites without an area.
    StoreError
        The database cannot be written.
    """
    if how.feed not in (*FEEDS, *LOGS, *LAYERS):
        raise SettingsError(f"unknown feed {how.feed!r}: one of {', '.join((*FEEDS, *LOGS, *LAYERS))}")
    progress("looking at the file", 0.0)
    area = Area.load(how.area) if how.area else None
    mapping = load_mapping(how.mapping) if how.mapping else None
    settings = _settings(how, area, mapping)
    sha256 = _hash(path)
    known = store.imported(how.feed, sha256, settings)
    if known is not None:
        past = store.imports().set_index("id")
        rows_in, kept, merged = (int(past[name].loc[known.import_id]) for name in ("rows_in", "kept", "merged"))
        return known, FileRead(how.feed, path.name, sha256, rows_in, kept, merged, settings)
    progress("reading", 0.1)
    table, aside, counts, summary = _read(path, how, area, mapping, at)
    if _hash(path) != sha256:
        raise SourceError(f"{path}: changed while it was read: import it again")
    read = FileRead(how.feed, path.name, sha256, settings=settings, summary=summary, **counts)
    result = store.import_table(
        table, aside, read, at=at, by=by, progress=lambda share: progress("keeping", 0.6 + 0.4 * share)
    )
    return result, read


def _hash(path: Path) -> str:
    try:
        if not path.is_file():
            raise SourceError(f"{path}: no such file: give an existing one")
        return file_hash(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or error}): give an existing file") from error


def _settings(how: Bringing, area: Area | None, mapping: dict[str, str] | None) -> str:
    shape = None if area is None else hashlib.sha256(area.boundary.wkb).hexdigest()[:16]
    said = {
        "tz": how.tz,
        "area": None if area is None else [area.crs, area.tz, shape],
        "mapping": mapping,
        "merge": how.merge,
    }
    return json.dumps(said, sort_keys=True)


def _read(
    path: Path, how: Bringing, area: Area | None, mapping: dict[str, str] | None, at: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int], dict[str, Any]]:
    """Return the table, the rows set aside, the counts of rows, and what is told of the quality."""
    if how.feed in LAYERS:
        if area is None:
            raise SettingsError(f"feed {how.feed!r} needs an area: give --area area.toml")
        kind, state = LAYERS[how.feed]
        sites, aside = read_sites(path, area, kind=kind, state=state)
        return sites, aside, {"rows_in": len(sites) + len(aside), "kept": len(sites), "merged": 0}, {}
    if how.feed in LOGS:
        log = read_log(how.feed, path, area, tz=how.tz)
        last = {"last_reported_at": log.summary()["last_at"]}
        return log.table, log.quarantine, {"rows_in": log.rows_in, "kept": log.kept, "merged": 0}, last
    reading = read_file(how.feed, path, area, tz=how.tz, mapping=mapping)
    if how.merge:
        reading = merge_repeats(reading)
    told = {str(name): value for name, value in quality([reading], as_of=at).iloc[0].items()}
    counts = {"rows_in": reading.rows_in, "kept": len(reading.incidents), "merged": reading.merged}
    return reading.incidents, reading.quarantine, counts, told


def stored_reports(settings: Settings, area: Area | None) -> tuple[Reading, ...]:
    """Return the incidents of the database as readings of one kind each, needles first; what lies outside is set aside.

    Raises
    ------
    SettingsError
        No area.
    StoreError
        There is no such database, or no incident in it.
    """
    if area is None:
        raise SettingsError("reports of a database need an area: give --area area.toml")
    with Store.open(settings.database, new=False) as store:
        found = [store.incidents(area, kind=kind) for kind in ("needle", "overdose")]
    readings = tuple(_within(area, table) for table in found if len(table))
    if not readings:
        raise StoreError(f"{settings.reports_name}: no incident in it: import some first")
    return readings


def _within(area: Area, table: gpd.GeoDataFrame) -> Reading:
    shapely.prepare(area.boundary)
    outside = ~shapely.intersects_xy(area.boundary, table.geometry.x.to_numpy(), table.geometry.y.to_numpy())
    lines = pd.Series(range(1, len(table) + 1), table.index, dtype="int64", name="line")
    ids = table.index[outside]
    aside = set_aside(lines[outside], ids, "outside the area", [""] * len(ids))
    flags = pd.DataFrame({name: pd.Series(dtype="str") for name in FLAGS})
    return Reading("database", table[~outside], aside, len(table), area, len(table), lines[~outside], flags)


def stored_sites(settings: Settings, area: Area, kind: str) -> gpd.GeoDataFrame | None:
    """Return the sites of a kind that stand in the area as of the run; None where there is no database, or none."""
    if not settings.database:
        return None
    with Store.open(settings.database, new=False) as store:
        sites = store.sites(area, as_of=area.moment(settings.as_of))
    here = sites.intersects(area.boundary) & (sites["kind"] == kind) & (sites["state"] != "removed")
    return sites[here] if here.any() else None


def stored_pickups(settings: Settings, area: Area) -> gpd.GeoDataFrame | None:
    """Return what crews found in the area; None where there is no database, or it knows of nothing."""
    if not settings.database:
        return None
    with Store.open(settings.database, new=False) as store:
        pickups = store.pickups(area)
    here = pickups.intersects(area.boundary)
    return pickups[here] if here.any() else None
