"""``sweepplan replan``: the rest of a day, when something happened."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import click

from sweepplan import demo, pipeline, report
from sweepplan.cli.group import sweepplan
from sweepplan.cli.options import OUT, lat_lon, options
from sweepplan.cli.plans import keep, write
from sweepplan.cli.said import answer, progress_bar
from sweepplan.errors import SettingsError
from sweepplan.model import Limit
from sweepplan.pipeline import News


@sweepplan.command("replan")
@click.argument("run", metavar="RUNFOLDER", type=Path)
@click.option("--at", required=True, help="Now, HH:MM on the city's clock, on the day planned.")
@click.option("--done", type=Path, help="File of place ids that are done, one a line; without it the clock says.")
@click.option("--home", multiple=True, help="A crew that goes home now; may be given again.")
@click.option("--request", "requests", multiple=True, help="LAT,LON of a new request; may be given again.")
@click.option("--block", "blocked", multiple=True, help="Name of a street nobody may pass; may be given again.")
@click.option("--data", multiple=True, type=Path, help="Folder of the day's input files; may be given again.")
@click.option("--database", help="Path or URL of the database, where the day was planned from one.")
@click.option("--limit", help="Limit of the solver (default: the run's).")
@options(OUT)
def replan_verb(  # noqa: PLR0913 - one a thing that can happen
    *,
    run: Path,
    at: str,
    done: Path | None,
    home: tuple[str, ...],
    requests: tuple[str, ...],
    blocked: tuple[str, ...],
    data: tuple[Path, ...],
    database: str | None,
    limit: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Plan the rest of a day anew: what is done or under way stands, and what changed is said crew by crew."""
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", at):
        raise SettingsError(f"--at {at!r}: write HH:MM, e.g. 10:30")
    if out is not None:
        if out.resolve() == run.resolve():
            raise SettingsError(f"--out {out}: is the folder of the plan so far, which stays: give another")
        report.refuse_foreign(out)
    earlier = report.earlier_run(run, data or (Path(), run.parent, demo.folder()), database=database)
    settings = earlier.settings if limit is None else replace(earlier.settings, limit=Limit.parse(limit))
    news = News(at, _ids(done), home, tuple(lat_lon("request", text) for text in requests), blocked)
    with progress_bar() as progress:
        replanned = pipeline.replan(settings, earlier.stops, news, progress, before=earlier.before)
    if settings.database:
        keep(replanned, out)
    write(replanned, out)
    answer(report.summary(replanned), report.lines(replanned), as_json=as_json)


def _ids(path: Path | None) -> frozenset[str] | None:
    if path is None:
        return None
    try:
        return frozenset(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: give a text file of place ids, one a line") from error
