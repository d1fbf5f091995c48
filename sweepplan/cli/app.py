"""``sweepplan app``: the pages, for this computer only or for a team that signs in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd

from sweepplan import demo
from sweepplan.cli.group import sweepplan
from sweepplan.errors import SettingsError
from sweepplan.pipeline import Settings
from sweepplan.store import Store


@sweepplan.command("app")
@click.option("--settings", type=Path, help="settings.toml of the city (default: the made-up city).")
@click.option("--store", help="Path or URL of the database (default: a file in your own folder).")
@click.option("--port", type=int, default=8501, show_default=True)
@click.option("--team", is_flag=True, help="People sign in: .streamlit/secrets.toml names the provider (README).")
@click.option("--host", "hosts", multiple=True, help="A name the app is reached by, beside 127.0.0.1; with --team.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Where it listens; with --team.")
@click.option("--admin", help="E-mail of who may keep the accounts; needed once, with --team and --store.")
def app_verb(
    settings: Path | None,
    store: str | None,
    port: int,
    team: bool,
    hosts: tuple[str, ...],
    address: str,
    admin: str | None,
) -> None:
    """Open the app on this computer (http://127.0.0.1:8501)."""
    chosen = settings or demo.folder() / "settings.toml"
    Settings.load(chosen)
    if not team and (hosts or admin or address != "127.0.0.1"):
        raise SettingsError("--host, --address and --admin go with --team: else the app is for this computer")
    if admin:
        if store is None:
            raise SettingsError("--admin: give --store as well, the database the account is kept in")
        with Store.open(store) as opened:
            roles = opened.roles(admin.lower()) | {"admin"}
            opened.put_account(admin.lower(), admin, roles, at=pd.Timestamp.now("UTC"))
    said = {
        "SWEEPPLAN_SETTINGS": str(chosen.resolve()),
        "SWEEPPLAN_TEAM": "1" if team else "0",
        "SWEEPPLAN_HOSTS": ",".join(hosts),
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_ADDRESS": address,
    }
    said |= {"SWEEPPLAN_STORE": store} if store else {}
    raise SystemExit(subprocess.call([sys.executable, "-m", "sweepplan.app"], env={**os.environ, **said}))
