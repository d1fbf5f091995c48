"""Pages as tests open, press and read them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time as clock
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest


def opened_page(patch: pytest.MonkeyPatch, name: str, settings: Path, **state: Any) -> AppTest:
    patch.setenv("SWEEPPLAN_SETTINGS", str(settings))
    patch.setenv("SWEEPPLAN_STORE", str(settings.parent / "store.sqlite"))
    page = AppTest.from_function(show_page, args=(name,), default_timeout=120)
    for key, value in state.items():
        page.session_state[key] = value
    return page.run()


def show_page(name: str) -> None:
    import importlib

    importlib.import_module(f"sweepplan.app.{name}").page()


def text_of(page: AppTest) -> str:
    """Return all that a page says outside its tables; no page may raise."""
    assert not page.exception, page.exception[0].message
    parts = [*page.subheader, *page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    return "\n".join(str(part.value) for part in parts)


def press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def table(page: AppTest, *columns: str) -> pd.DataFrame:
    """Return the first table of a page that has all these columns."""
    return next(each.value for each in page.dataframe if {*columns} <= {*each.value.columns})


def crew_rows(name: str, start: time | None, end: time | None) -> pd.DataFrame:
    row = {"Crew": name, "Start": start, "End": end, "Moves": "drive", "Break from": None, "Break until": None}
    return pd.DataFrame([row], dtype=object)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served_app(settings: Path, *options: str, cwd: Path | None = None, port: int = 0) -> Iterator[str]:
    """Start the app as the command does, and give its address; ``port``: one that is free, else any."""
    port = port or free_port()
    start = [sys.executable, "-c", "from sweepplan.cli import main; main()", "app", "--settings", str(settings)]
    app = subprocess.Popen(
        [*start, "--port", str(port), "--store", str(settings.parent / "served.sqlite"), *options],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                    break
            except OSError:
                clock.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(app.pid, signal.SIGTERM)
        app.wait()
