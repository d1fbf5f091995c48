"""How the command speaks: a bar on stderr, lines or one JSON object on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from tqdm import tqdm

from sweepplan.pipeline import Progress


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a bar on stderr where a person looks at it."""
    with tqdm(total=100, file=sys.stderr, disable=None, leave=False, bar_format="{desc:24} {bar} {n:3.0f} %") as bar:

        def progress(step: str, share: float) -> None:
            bar.set_description_str(step, refresh=False)
            bar.n = 100 * share
            bar.refresh()

        yield progress


def answer(summary: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    """Say a result as JSON or in lines."""
    click.echo(json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) if as_json else "\n".join(lines))
