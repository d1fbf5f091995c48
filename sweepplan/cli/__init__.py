"""The command ``sweepplan``: one verb a step, one file a room. Answers go to stdout, all else to stderr."""

import click

from sweepplan.cli import alerts, app, backtest, candidates, demo, plans, read, replan, store  # noqa: F401 - they add their verbs
from sweepplan.cli.group import sweepplan
from sweepplan.errors import SweepplanError

__all__ = ["main", "sweepplan"]


def main() -> None:
    """Run the command; an error of ours is one line on stderr and exit code 1."""
    try:
        sweepplan(prog_name="sweepplan")
    except SweepplanError as error:
        click.echo(f"sweepplan: {error}", err=True)
        raise SystemExit(1) from None
