"""Verbs that find and plan: ``hotspots``, ``sweep``, ``kiosks``, ``run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sweepplan import maps, pipeline, report
from sweepplan.cli.group import sweepplan
from sweepplan.cli.options import (
    AROUND,
    KIOSKS,
    LEDGER,
    OUT,
    OVERDOSES,
    PLACES,
    SETTINGS,
    SITES,
    STORED,
    STREETS,
    SWEEP,
    options,
    settings_of,
)
from sweepplan.cli.said import answer, progress_bar
from sweepplan.cli.store import note_published, now, opened, who
from sweepplan.errors import SettingsError
from sweepplan.hotspots.clusters import METHODS
from sweepplan.pipeline import Run, Settings


@sweepplan.command("hotspots")
@options(SETTINGS, STORED, STREETS, PLACES, AROUND, OUT)
@click.option("--clusters", type=click.Choice(METHODS), help="How reports are gathered (default dbscan).")
def hotspots_verb(*, out: Path | None, as_json: bool, **given: Any) -> None:
    """Find where incidents gather, from the reports alone; streets, sites and a sweep log explain each place."""
    settings = settings_of(given)
    with progress_bar() as progress:
        progress("reading reports", 0.1)
        done = pipeline.hotspots_only(settings)
        progress("done", 1.0)
    note_published(settings, "hotspots", done.shown, out)
    if out:
        with report.fresh_folder(out) as folder:
            report.write_tables(done.shown, folder)
            maps.draw(done.shown).save(folder / "map.html")
    said = report.hotspot_summary(done.hotspots, done.shown) | {"changed": report.change_summary(done)}
    lines = report.hotspot_lines(done.hotspots, done.shown, done.area)
    answer(said, [*lines, *report.change_lines(done)], as_json=as_json)


@sweepplan.command("sweep")
@options(SETTINGS, STORED, STREETS, SWEEP, OVERDOSES, LEDGER, OUT)
def sweep_verb(*, out: Path | None, as_json: bool, **given: Any) -> None:
    """Plan a sweep route for every crew."""
    done = walk(settings_of(given), out, kiosks=False)
    answer(report.summary(done), report.lines(done), as_json=as_json)


@sweepplan.command("kiosks")
@options(SETTINGS, STORED, STREETS, KIOSKS, OVERDOSES, SITES, LEDGER, OUT)
@click.option("--packet", is_flag=True, help="Print the approval packet as PDF beside its page in --out (Chromium).")
def kiosks_verb(*, out: Path | None, packet: bool, as_json: bool, **given: Any) -> None:
    """Suggest where the next kiosks, or naloxone boxes, should stand, with proof."""
    if packet and out is None:
        raise SettingsError("--packet prints what --out writes: give --out as well")
    done = walk(settings_of(given), out, sweep=False)
    if packet and out is not None and report.print_pdf(out / "kiosk_packet.html") is None:
        raise SettingsError(f"{out}: no Chromium to print the packet with: open kiosk_packet.html and print that")
    answer(report.summary(done), report.lines(done), as_json=as_json)


@sweepplan.command("run")
@options(SETTINGS, STORED, STREETS, SWEEP, OVERDOSES, AROUND, KIOSKS, LEDGER, OUT)
@click.option("--pdf", is_flag=True, help="Print the crews' sheets as PDF too; needs Chromium.")
def run_verb(*, out: Path | None, as_json: bool, pdf: bool, **given: Any) -> None:
    """Walk the whole way: hotspots, sweep routes, kiosks, map, in one folder."""
    done = walk(settings_of(given), out)
    if pdf:
        print_sheets(out)
    answer(report.summary(done), report.lines(done), as_json=as_json)


def walk(settings: Settings, out: Path | None, *, sweep: bool = True, kiosks: bool = True) -> Run:
    """Walk with a bar, into a folder where one is named."""
    if out is not None:
        report.refuse_foreign(out)
    with progress_bar() as progress:
        done = pipeline.run(settings, progress, sweep=sweep, kiosks=kiosks)
    if settings.database:
        keep(done, out)
    write(done, out)
    return done


def write(done: Run, out: Path | None) -> None:
    """Write a run and its map into a folder where one is named."""
    if out is not None:
        with report.fresh_folder(out) as folder:
            report.write_run(done, folder)
            maps.draw(done.shown, attribution=done.settings.attribution, as_of=done.as_of).save(folder / "map.html")


def keep(done: Run, out: Path | None) -> None:
    """Keep the plan as a new version, and note what leaves before it does."""
    routes = []
    if done.sweep is not None:
        served = done.sweep.stops[done.sweep.stops["seq"] > 0].sort_values(["crew", "seq"])
        routes = served[["crew", "seq", "place_id"]].to_numpy().tolist()
    plan_id = f"{done.city.area.local(done.as_of):%Y-%m-%d}"
    with opened(done.settings.database) as store:
        body = {"summary": report.summary(done), "routes": routes}
        version = store.save_plan(plan_id, body, by=who(None), at=now())
    note_published(done.settings, f"plan {plan_id} version {version}", done.shown, out)
    if out is not None:
        note_published(done.settings, f"requests of plan {plan_id} version {version}", report.needle_reports(done), out)


def print_sheets(out: Path | None) -> None:
    """Print every sheet of a run's folder as PDF; say on stderr where that cannot be."""
    pages = sorted(out.glob("sheet-*.html")) if out else []
    if not pages:
        click.echo("no PDF: no sheets to print; give --out and at least one crew that goes out", err=True)
    for page in pages:
        if report.print_pdf(page) is None:
            click.echo(
                f"no PDF of {page.name}: no Chromium on the path that prints; open the page and print it", err=True
            )
            return
