"""A run's folder: written whole or not at all, over nothing but an earlier run."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from sweepplan.bridge import SweepRules
from sweepplan.errors import SettingsError
from sweepplan.model import Crew, Limit
from sweepplan.pipeline import Change, Kiosks, Run, Settings, crew_told, file_hash
from sweepplan.privacy import Policy, Published, publish, to_csv
from sweepplan.report.earlier import earlier_stops
from sweepplan.report.links import map_links
from sweepplan.report.packet import kiosks_geojson, packet_html
from sweepplan.report.routes import routes_csv, routes_geojson, routes_gpx
from sweepplan.report.sheet import write_sheets
from sweepplan.report.words import rest_lines, summary

_MARK = "run.json"
_LIBRARIES = (
    "sweepplan",
    "numpy",
    "scipy",
    "pandas",
    "geopandas",
    "shapely",
    "osmnx",
    "scikit-learn",
    "pyvrp",
    "highspy",
)


def refuse_foreign(out: Path) -> None:
    """Refuse a folder that holds something other than an earlier run.

    Raises
    ------
    SettingsError
        ``out`` is a file, or a folder with other contents.
    """
    if out.is_dir():
        if any(out.iterdir()) and not (out / _MARK).is_file():
            raise SettingsError(f"{out}: not empty, and not the folder of an earlier run: give a new or empty folder")
    elif out.exists():
        raise SettingsError(f"{out}: is a file: give a folder")


@contextmanager
def fresh_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write into; once all is written it takes the place of ``out``, on an error nothing changes."""
    refuse_foreign(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        folder = Path(temporary) / "new"
        folder.mkdir()
        yield folder
        if out.exists():
            out.rename(Path(temporary) / "old")
        shutil.move(folder, out)


def write_tables(shown: Published, folder: Path) -> None:
    """Write every published table as GeoParquet, named as the table; its ``attrs`` say what was withheld."""
    for name, table in shown.tables():
        table.attrs["withheld"] = list(shown.withheld_words())
        table.to_parquet(folder / f"{name}.parquet")


def write_run(run: Run, folder: Path) -> None:
    """Write tables, routes, rejected rows and ``run.json``; the same inputs and settings give the same bytes."""
    write_tables(run.shown, folder)
    needle_reports(run).table("incidents").to_parquet(folder / "incidents.parquet")
    if run.sweep is not None:
        (folder / "routes.csv").write_text(routes_csv(run.shown), encoding="utf-8")
        (folder / "routes.gpx").write_text(routes_gpx(run.shown), encoding="utf-8")
        (folder / "routes.geojson").write_text(routes_geojson(run.shown), encoding="utf-8")
        links = to_csv(map_links(run.shown), withheld=run.shown.withheld_words())
        (folder / "links.csv").write_text(links, encoding="utf-8")
        write_sheets(run.shown, folder)
        changed = rest_lines(run.sweep, run.city.area)
        if changed:
            (folder / "changes.txt").write_text("\n".join(changed) + "\n", encoding="utf-8")
    if run.kiosks is not None:
        (folder / "kiosks.geojson").write_text(kiosks_geojson(run.shown), encoding="utf-8")
        (folder / "kiosk_packet.html").write_text(_packet(run, run.kiosks), encoding="utf-8")
    (folder / "quarantine.csv").write_text(to_csv(_quarantine(run)), encoding="utf-8")
    for number, stage in enumerate(run.before, 1):
        stage.stops.to_parquet(folder / earlier_stops(number))
    record = {
        "settings": _plain(run.settings),
        "inputs": {k: {"file": p.name, "sha256": file_hash(p)} for k, p in run.settings.files().items()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        "news": [stage.news.told() for stage in run.before],
        "result": summary(run),
    }
    (folder / _MARK).write_text(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def _packet(run: Run, kiosks: Kiosks) -> str:
    """Return the approval packet of the kiosk plan, in what any official may see."""
    study = kiosks.study
    return packet_html(
        run.shown, study.problem, kiosks.plan, kiosks.judged, as_of=run.as_of, walks=study.walks, kind=study.kind
    )


def needle_reports(run: Run) -> Published:
    """Publish needle reports as points, for the team; overdoses leave as counts in cells alone, and on one grid."""
    reports = [reading.of_kind("needle") for reading in run.city.readings]
    team = Policy(min_count=run.settings.min_count, show_requests=True)
    return publish(*reports, area=run.city.area, policy=team)


def _quarantine(run: Run) -> pd.DataFrame:
    """Return file, line and reason of every rejected row; the values at fault may be places, and stay there."""
    overdoses = run.settings.overdoses
    files = (run.settings.reports_name, overdoses.name if overdoses else run.settings.reports_name)
    readings = zip(files, run.city.readings, strict=False)
    parts = [reading.quarantine[["line", "reason"]].assign(file=file) for file, reading in readings]
    sites = run.city.rejected_sites
    parts += [sites[["line", "reason"]].assign(file="sites")] if len(sites) else []
    return pd.concat(parts, ignore_index=True)[["file", "line", "reason"]]


def _plain(settings: Settings) -> dict[str, Any]:
    plain = {field.name: _value(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
    return {**plain, "database": settings.reports_name if settings.database else ""}


def _value(value: Any) -> Any:
    match value:
        case Path():
            return value.name
        case Limit():
            return str(value)
        case Crew():
            return crew_told(value)
        case SweepRules():
            return value.told()
        case Change():
            return {"day": value.day.isoformat(), "what": value.what}
        case tuple():
            return [_value(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        case _:
            return value
