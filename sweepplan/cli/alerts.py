"""``sweepplan alerts``: where more was reported in the last days than expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sweepplan import maps, pipeline, report
from sweepplan.cli.group import sweepplan
from sweepplan.cli.options import OUT, SETTINGS, STREETS, options, settings_of
from sweepplan.cli.said import answer, progress_bar
from sweepplan.cli.store import DATABASE, note_published, opened
from sweepplan.hotspots import METHODS


@sweepplan.command("alerts")
@options(SETTINGS, STREETS)
@click.option("--overdoses", type=Path, help="Overdose calls, for --kind overdose.")
@click.option("--overdose-feed", help="Feed of the overdose calls (default cincinnati-ems).")
@click.option("--kind", type=click.Choice(["needle", "overdose"]), help="What is watched (default: the main feed's).")
@click.option("--method", type=click.Choice(METHODS), default="scan", show_default=True, help="How it is watched.")
@click.option(
    "--budget", type=float, default=1.0, show_default=True, help="False alarms borne in 30 days, by the scan."
)
@click.option("--webhook", help="Address that each alert is sent to, as JSON.")
@click.option("--keep", is_flag=True, help="Note the alerts in the database, and say what was noted before.")
@DATABASE
@options(OUT)
def alerts_verb(
    *,
    kind: str | None,
    method: str,
    budget: float,
    webhook: str | None,
    keep: bool,
    database: str | None,
    out: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Say where more was reported in the last days than expected; areas only, ready to be mailed."""
    if not (given["incidents"] or given["settings"]):
        given["database"] = database
    settings = settings_of(given)
    with progress_bar() as progress:
        found = pipeline.alerts_only(settings, kind=kind, method=method, budget=budget, progress=progress)
    note_published(settings, "alerts to a webhook" if webhook else "alerts", found.shown, out)
    if out:
        with report.fresh_folder(out) as folder:
            report.write_tables(found.shown, folder)
            maps.draw(found.shown, as_of=found.as_of).save(folder / "map.html")
    sent = report.post_alerts(webhook, found) if webhook else False
    said = report.alert_summary(found)
    lines = [
        f"Subject: {said['subject']}",
        "",
        *said["text"].splitlines(),
        *(["", "Sent to the webhook."] if sent else []),
    ]
    if keep:
        with opened(database, new=True) as store:
            store.add_alerts(said, as_of=found.as_of)
            past = store.alerts()
        said["history"] = report.alert_history(past, found.area)
        lines += ["", *report.history_lines(past, found.area)]
    answer(said, lines, as_json=as_json)
