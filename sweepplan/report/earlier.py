"""An earlier run's folder → the settings and the plans it was made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd

from sweepplan.errors import SettingsError, TableError
from sweepplan.pipeline import News, Settings, Stage, file_hash
from sweepplan.tables import STOPS


@dataclass(frozen=True, eq=False)
class Earlier:
    """A run of earlier: its settings, the plan it ends with, and, of the rest of a day, the plans it came from."""

    settings: Settings
    stops: gpd.GeoDataFrame
    before: tuple[Stage, ...]


def earlier_stops(number: int) -> str:
    """Return the name of the file that holds the plan before the re-planning of this number, from 1."""
    return f"earlier-{number}.parquet"


def earlier_run(run: Path, data: Sequence[Path], *, database: str | None = None) -> Earlier:
    """Return what a run's folder holds; its input files are looked for in ``data``, and known by their hash.

    Parameters
    ----------
    database : path or URL of the database, where it was planned from one.

    Raises
    ------
    SettingsError
        It is no folder of a run, holds no sweep, or an input file or the database is not there any more.
    """
    record = _record(run)
    try:
        given, inputs, swept = record["settings"], record["inputs"], record["result"].get("sweep")
        files = {name: _file(each["file"], each["sha256"], data) for name, each in inputs.items()}
        given = {name: value for name, value in {**given, **files}.items() if value is not None}
        news = tuple(News.of(each) for each in record.get("news", ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise (
            error
            if isinstance(error, SettingsError)
            else SettingsError(f"{run / 'run.json'}: not as a run writes it: plan the day again")
        ) from error
    if swept is None:
        raise SettingsError(f"{run}: no sweep was planned there: give the folder of `sweepplan run` or `sweep`")
    if "since" in swept and not news:
        raise SettingsError(
            f"{run}: holds the rest of a day and not how it came about: give the folder of the whole day"
        )
    if bool(given.get("database")) != bool(database):
        known = (
            f"was planned from the database {given['database']}: give" if not database else "knows no database: drop"
        )
        raise SettingsError(f"{run}: {known} --database")
    settings = Settings.of({**given, "database": database or ""}, where=str(run / "run.json"))
    before = (Stage(_stops(run / earlier_stops(number)), each) for number, each in enumerate(news, 1))
    return Earlier(settings, _stops(run / "stops.parquet"), tuple(before))


def _stops(path: Path) -> gpd.GeoDataFrame:
    try:
        return STOPS.check(gpd.read_parquet(path))
    except (OSError, ValueError, TableError) as error:
        raise SettingsError(f"{path}: cannot be read: plan the day again") from error


def _record(run: Path) -> dict[str, Any]:
    path = run / "run.json"
    if not path.is_file():
        raise SettingsError(f"{run}: not the folder of a run: give the --out of `sweepplan run` or `sweep`")
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read: plan the day again") from error
    return record


def _file(name: str, sha256: str, data: Sequence[Path]) -> Path:
    found = [folder / name for folder in data if (folder / name).is_file()]
    same = [path for path in found if file_hash(path) == sha256]
    if same:
        return same[0]
    where = ", ".join(str(folder) for folder in data)
    if found:
        raise SettingsError(f"{found[0]}: changed since the run: give the folder of the file as it was, --data FOLDER")
    raise SettingsError(f"input file {name} is not in {where}: give its folder, --data FOLDER")
