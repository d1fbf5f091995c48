"""The command ``sweepplan``: one verb a step. Answers go to stdout, all else to stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import pandas as pd
from tqdm import tqdm

from sweepplan import __version__, demo, maps, pipeline, report
from sweepplan.errors import SettingsError, SweepplanError
from sweepplan.geo import Area
from sweepplan.model import Crew
from sweepplan.pipeline import Progress, Run, Settings
from sweepplan.sources import FEEDS, Reading, load_mapping, read_file

F = TypeVar("F", bound=Callable[..., Any])

_SETTINGS = (
    click.option("--settings", type=Path, help="settings.toml; options given here win over it."),
    click.option("--incidents", type=Path, help="Reports of needles (or of overdoses)."),
    click.option("--feed", help="Feed of the reports; see `sweepplan read --list`."),
    click.option("--mapping", type=Path, help="Column mapping (TOML) of a plain feed."),
    click.option("--tz", help="The city's clock, e.g. America/New_York."),
    click.option("--area", type=Path, help="area.toml; without it the area is the streets' hull."),
    click.option("--name", help="Name of the city, shown on every product."),
    click.option("--as-of", help="Moment on the city's clock; nothing reported from it on is used."),
    click.option("--attribution", help="Whose streets they are, as the map says (default: OpenStreetMap)."),
    click.option("--min-count", type=int, help="Smallest count that is shown (default 11)."),
)
_STREETS = (
    click.option("--streets", type=Path, help="Drive network, GraphML or .graphml.gz."),
    click.option("--walk-streets", type=Path, help="Walk network; without it people walk on the drive network."),
)
_SWEEP = (
    click.option("--overdoses", type=Path, help="Overdose calls: shown in aggregate only."),
    click.option("--overdose-feed", help="Feed of the overdose calls (default cincinnati-ems)."),
    click.option("--places", type=Path, help="Parks, schoolyards and lots to sweep (GeoJSON)."),
    click.option("--crews", type=int, help="Number of crews, 1 to 10 (default 4), named A, B, ..."),
    click.option("--shift", help="Shift of every crew, e.g. 08:00-16:00."),
    click.option("--depot", help="LAT,LON where crews start and end."),
    click.option("--seed", type=int, help="Seed of the solver (default 7)."),
    click.option("--limit", help="Limit of the solver: 10s, or 1000it which repeats to the byte."),
)
_KIOSKS = (
    click.option("--candidates", type=Path, help="Candidate sites; without it, street corners near reports."),
    click.option("--kiosks", type=Path, help="Installed kiosks, which stay."),
    click.option("--k", type=int, help="Kiosks to add (default 5)."),
    click.option("--reach-m", type=float, help="Walking distance that counts as covered (default 200)."),
)
_OUT = (
    click.option("--out", type=Path, help="Folder for the results; only a folder of earlier results is replaced."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
)


def _options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sweepplan")
def sweepplan() -> None:
    """Hotspots, sweep routes and disposal kiosks from needle reports."""


@sweepplan.group("demo", invoke_without_command=True)
@_options(_OUT)
@click.option("--limit", default="10s", show_default=True, help="Limit of the sweep solver.")
@click.pass_context
def demo_verb(context: click.Context, out: Path | None, limit: str, *, as_json: bool) -> None:
    """Walk the whole way on the made-up city in data/."""
    if context.invoked_subcommand is not None:
        return
    out = out or Path("out") / "demo"
    done = _run(Settings.load(demo.folder() / "settings.toml", limit=limit), out)
    _answer(report.summary(done), report.lines(done), as_json=as_json)
    if not as_json:
        click.echo(f"\nMap:  {out / 'map.html'}\nApp:  sweepplan app")


@demo_verb.command("build")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another city.")
@click.option("--out", type=Path, help="Folder to write (default: the checkout's data/).")
def demo_build(seed: int, out: Path | None) -> None:
    """Draw the made-up city anew; the same seed writes the same bytes."""
    with _progress() as progress:
        demo.build(out or demo.folder(), seed=seed, progress=lambda step: progress(step, 0.0))


@sweepplan.command("read")
@click.argument("file", type=Path, required=False)
@click.option("--feed", default="plain", show_default=True, help="Name of the feed.")
@click.option("--list", "list_feeds", is_flag=True, help="List the feeds.")
@click.option("--tz", help="The city's clock, e.g. America/New_York.")
@click.option("--area", type=Path, help="area.toml; rows outside are rejected.")
@click.option("--mapping", type=Path, help="Column mapping (TOML) of a plain feed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def read_verb(
    file: Path | None,
    feed: str,
    tz: str | None,
    area: Path | None,
    mapping: Path | None,
    *,
    list_feeds: bool,
    as_json: bool,
) -> None:
    """Read one file: rows in, kept, rejected by reason."""
    if list_feeds:
        _answer(
            {n: f.description for n, f in FEEDS.items()},
            [f"{n:18} {f.description}" for n, f in FEEDS.items()],
            as_json=as_json,
        )
        return
    if file is None:
        raise SettingsError("no FILE to read: give one, or --list for the feeds")
    columns = load_mapping(mapping) if mapping else None
    reading = read_file(feed, file, Area.load(area) if area else None, tz=tz, mapping=columns)
    _answer(reading.summary(), _reading_lines(reading), as_json=as_json)


@sweepplan.command("hotspots")
@_options(_SETTINGS, _OUT)
def hotspots_verb(*, out: Path | None, as_json: bool, **given: Any) -> None:
    """Find where incidents gather, from the reports alone."""
    settings = _settings(given)
    with _progress() as progress:
        progress("reading reports", 0.1)
        area, found, shown = pipeline.hotspots_only(settings)
        progress("done", 1.0)
    if out:
        with report.fresh_folder(out) as folder:
            report.write_tables(shown, folder)
            maps.draw(shown).save(folder / "map.html")
    _answer(report.hotspot_summary(found, shown), report.hotspot_lines(found, shown, area), as_json=as_json)


@sweepplan.command("sweep")
@_options(_SETTINGS, _STREETS, _SWEEP, _OUT)
def sweep_verb(*, out: Path | None, as_json: bool, **given: Any) -> None:
    """Plan a sweep route for every crew."""
    done = _run(_settings(given), out, kiosks=False)
    _answer(report.summary(done), report.lines(done), as_json=as_json)


@sweepplan.command("kiosks")
@_options(_SETTINGS, _STREETS, _KIOSKS, _OUT)
def kiosks_verb(*, out: Path | None, as_json: bool, **given: Any) -> None:
    """Suggest where the next kiosks should stand, with proof."""
    done = _run(_settings(given), out, sweep=False)
    _answer(report.summary(done), report.lines(done), as_json=as_json)


@sweepplan.command("run")
@_options(_SETTINGS, _STREETS, _SWEEP, _KIOSKS, _OUT)
def run_verb(*, out: Path | None, as_json: bool, **given: Any) -> None:
    """Walk the whole way: hotspots, sweep routes, kiosks, map, in one folder."""
    done = _run(_settings(given), out)
    _answer(report.summary(done), report.lines(done), as_json=as_json)


@sweepplan.command("app")
@click.option("--settings", type=Path, help="settings.toml of the city (default: the made-up city).")
@click.option("--port", type=int, default=8501, show_default=True)
def app_verb(settings: Path | None, port: int) -> None:
    """Open the app on this computer (http://127.0.0.1:8501)."""
    chosen = settings or demo.folder() / "settings.toml"
    Settings.load(chosen)
    page = Path(__file__).with_name("app") / "__main__.py"
    flags = {
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "theme.base": page.with_name("theme.toml"),
    }
    arguments = [part for flag, value in flags.items() for part in (f"--{flag}", str(value))]
    environment = {**os.environ, "SWEEPPLAN_SETTINGS": str(chosen.resolve())}
    command = [sys.executable, "-m", "streamlit", "run", str(page), *arguments]
    raise SystemExit(subprocess.call(command, env=environment))  # noqa: S603


def main() -> None:
    """Run the command; an error of ours is one line on stderr and exit code 1."""
    try:
        sweepplan(prog_name="sweepplan")
    except SweepplanError as error:
        click.echo(f"sweepplan: {error}", err=True)
        raise SystemExit(1) from None


def _settings(given: dict[str, Any]) -> Settings:
    values = {name: value for name, value in given.items() if value is not None}
    path = values.pop("settings", None)
    if "depot" in values:
        values["depot"] = _lat_lon(values["depot"])
    shift, crews = values.pop("shift", None), values.pop("crews", None)
    if shift is not None or crews is not None:
        crews = 4 if crews is None else crews
        if not 1 <= crews <= 10:
            raise SettingsError(f"{crews} crews: give 1 to 10")
        values["crews"] = tuple(Crew.on_shift(name, shift or "08:00-16:00") for name in "ABCDEFGHIJ"[:crews])
    return Settings.load(path, **values) if path else Settings.of(values, where="options")


def _lat_lon(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(f"depot {text!r}: write LAT,LON in degrees, e.g. 42.3420,-71.0760") from error
    return lat, lon


def _run(settings: Settings, out: Path | None, *, sweep: bool = True, kiosks: bool = True) -> Run:
    if out is not None:
        report.refuse_foreign(out)
    with _progress() as progress:
        done = pipeline.run(settings, progress, sweep=sweep, kiosks=kiosks)
    if out is not None:
        with report.fresh_folder(out) as folder:
            report.write_run(done, folder)
            maps.draw(done.shown, attribution=done.settings.attribution, as_of=done.as_of).save(folder / "map.html")
    return done


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar on stderr where a person looks at it."""
    with tqdm(total=100, file=sys.stderr, disable=None, leave=False, bar_format="{desc:24} {bar} {n:3.0f} %") as bar:

        def progress(step: str, share: float) -> None:
            bar.set_description_str(step, refresh=False)
            bar.n = 100 * share
            bar.refresh()

        yield progress


def _answer(summary: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    click.echo(json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) if as_json else "\n".join(lines))


def _reading_lines(reading: Reading) -> list[str]:
    lines = [f"{reading.feed}: {reading.rows_in} rows in, {len(reading.incidents)} kept"]
    lines += [f"  {n:6d} rejected: {reason}" for reason, n in reading.rejected.items()]
    if len(reading.incidents):
        first, last = (
            reading.area.local(pd.Timestamp(t)) for t in reading.incidents["reported_at"].agg(["min", "max"])
        )
        lines.append(f"  reported {first:%Y-%m-%d} to {last:%Y-%m-%d} ({reading.area.tz})")
    return lines
