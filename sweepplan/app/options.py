"""What the app was started with; ``sweepplan app`` says it in the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sweepplan import demo
from sweepplan.store import Store, usual

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Options:
    """What the app was started with.

    Attributes
    ----------
    settings : settings.toml of the city.
    store : path or URL of the database.
    team : people sign in; else all is for the one person at this computer.
    hosts : names the app answers to, beside those of this computer.
    """

    settings: Path
    store: str
    team: bool
    hosts: frozenset[str]

    @classmethod
    def given(cls) -> Options:
        """Read the environment."""
        given = os.environ
        store = given.get("SWEEPPLAN_STORE") or usual()
        hosts = {host.strip().lower() for host in given.get("SWEEPPLAN_HOSTS", "").split(",")}
        return cls(
            settings=Path(given.get("SWEEPPLAN_SETTINGS") or demo.folder() / "settings.toml"),
            store=store,
            team=given.get("SWEEPPLAN_TEAM") == "1",
            hosts=frozenset(hosts - {""}) | LOCAL_HOSTS,
        )


@cache
def opened_store(url: str) -> Store:
    """Return the database, opened once; its folder is made."""
    if "://" not in url:
        Path(url).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Store.open(url)
