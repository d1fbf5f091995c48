"""``sweepplan app``: the pages, for this computer only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from sweepplan import demo
from sweepplan.cli.group import sweepplan
from sweepplan.pipeline import Settings


@sweepplan.command("app")
@click.option("--settings", type=Path, help="settings.toml of the city (default: the made-up city).")
@click.option("--port", type=int, default=8501, show_default=True)
def app_verb(settings: Path | None, port: int) -> None:
    """Open the app on this computer (http://127.0.0.1:8501)."""
    chosen = settings or demo.folder() / "settings.toml"
    Settings.load(chosen)
    page = Path(__file__).parents[1] / "app" / "__main__.py"
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
    environment = {**os.environ, "SWEEPPLANSETTINGS": str(chosen.resolve())}
    command = [sys.executable, "-m", "streamlit", "run", str(page), *arguments]
    raise SystemExit(subprocess.call(command, env=environment))  # noqa: S603
