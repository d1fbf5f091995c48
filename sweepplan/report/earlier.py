"""An earlier run's folder → the settings and the plan it was made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd

from sweepplan.errors import SettingsError, TableError
from sweepplan.pipeline import Settings, file_hash
from sweepplan.tables import STOPS


def earlier_run(run: Path, data: Sequence[Path]) -> tuple[Settings, gpd.GeoDataFrame]:
    """Return settings and stops of a run's folder; its input files are looked for in ``data``, and known by their hash.

    Raises
    ------
    SettingsError
        It is no folder of a run, holds no sweep or the rest of a day, or an input file is not there any more.
    """
    record = _record(run)
    try:
        given, inputs, swept = record["settings"], record["inputs"], record["result"].get("sweep")
        files = {name: _file(each["file"], each["sha256"], data) for name, each in inputs.items()}
        given = {name: value for name, value in {**given, **files}.items() if value is not None}
    except (KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{run / 'run.json'}: not as a run writes it: plan the day again") from error
    if swept is None:
        raise SettingsError(f"{run}: no sweep was planned there: give the folder of `sweepplan run` or `sweep`")
    if "since" in swept:
        raise SettingsError(
            f"{run}: holds the rest of a day: give the folder of the whole day, all that happened since, and --done"
        )
    if given.get("database"):
        raise SettingsError(f"{run}: was planned from a database: only a day planned from files is planned anew here")
    settings = Settings.of(given, where=str(run / "run.json"))
    try:
        return settings, STOPS.check(gpd.read_parquet(run / "stops.parquet"))
    except (OSError, ValueError, TableError) as error:
        raise SettingsError(f"{run / 'stops.parquet'}: cannot be read: plan the day again") from error


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
