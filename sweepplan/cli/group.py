"""The command itself, which every verb joins."""

from __future__ import annotations

import click

from sweepplan import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sweepplan")
def sweepplan() -> None:
    """Hotspots, sweep routes and disposal kiosks from needle reports."""
