"""How far a long step is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with what is being done, and the share of all work done, 0 to 1."""


def quiet(step: str, share: float) -> None:
    """Report no progress."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Return the progress of a part of the work, from share ``start`` to ``end``."""
    return lambda step, share: progress(step, start + (end - start) * share)
