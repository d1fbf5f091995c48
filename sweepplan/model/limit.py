"""How long a solver may work."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from sweepplan.errors import SettingsError


@dataclass(frozen=True)
class Limit:
    """How long a solver may work: ``seconds`` (wall clock) or ``iterations`` (repeats to the byte), one of the two.

    Examples
    --------
    >>> Limit.parse("10s"), Limit.parse("1000it")
    (Limit(seconds=10.0, iterations=None), Limit(seconds=None, iterations=1000))
    """

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.iterations is None):
            raise SettingsError("a limit is either seconds or iterations: give one of the two, e.g. '10s' or '1000it'")
        if not np.isfinite(self.amount) or self.amount <= 0:
            raise SettingsError(f"limit {self.amount:g}: give more than 0")

    @property
    def amount(self) -> float:
        """The number of seconds or iterations."""
        return float(self.seconds if self.seconds is not None else self.iterations or 0)

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read ``10s`` or ``1000it``."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|it)\s*", text)
        if not found:
            raise SettingsError(f"limit {text!r}: write seconds as '10s' or iterations as '1000it'")
        number, unit = found.groups()
        if unit == "s":
            return cls(seconds=float(number))
        if "." in number:
            raise SettingsError(f"limit {text!r}: iterations are a whole number")
        return cls(iterations=int(number))

    def __str__(self) -> str:
        return f"{self.seconds:g}s" if self.seconds is not None else f"{self.iterations}it"
