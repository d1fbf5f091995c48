"""``sweepplan demo``: the made-up city."""

from __future__ import annotations

from pathlib import Path

import click

from sweepplan import demo, report
from sweepplan.cli.group import sweepplan
from sweepplan.cli.options import OUT, options
from sweepplan.cli.plans import walk
from sweepplan.cli.said import answer, progress_bar
from sweepplan.pipeline import Settings


@sweepplan.group("demo", invoke_without_command=True)
@options(OUT)
@click.option("--limit", default="10s", show_default=True, help="Limit of the sweep solver.")
@click.pass_context
def demo_verb(context: click.Context, out: Path | None, limit: str, *, as_json: bool) -> None:
    """Walk the whole way on the made-up city in data/."""
    if context.invoked_subcommand is not None:
        return
    out = out or Path("out") / "demo"
    done = walk(Settings.load(demo.folder() / "settings.toml", limit=limit), out)
    answer(report.summary(done), report.lines(done), as_json=as_json)
    if not as_json:
        click.echo(f"\nMap:  {out / 'map.html'}\nApp:  sweepplan app")


@demo_verb.command("build")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another city.")
@click.option("--out", type=Path, help="Folder to write (default: the checkout's data/).")
def demo_build(seed: int, out: Path | None) -> None:
    """Draw the made-up city anew; the same seed writes the same bytes."""
    with progress_bar() as progress:
        demo.build(out or demo.folder(), seed=seed, progress=lambda step: progress(step, 0.0))
