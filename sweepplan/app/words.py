"""Figures and moments as a person says them."""

from __future__ import annotations

import re

from sweepplan.model import Limit

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(n: int) -> str:
    """Return a count in words up to twelve.

    Examples
    --------
    >>> number(11), number(40)
    ('eleven', '40')
    """
    return _NUMBERS[n] if n < len(_NUMBERS) else f"{n:,}"


def sentence(text: str) -> str:
    """Return ``text`` with a capital letter."""
    return text[:1].upper() + text[1:]


def against(now: int, before: int, when: str) -> str:
    """Return how ``now`` stands to ``before``.

    Examples
    --------
    >>> against(38, 32, "yesterday"), against(5, 5, "yesterday")
    ('6 more than yesterday', 'as many as yesterday')
    """
    if now == before:
        return f"as many as {when}"
    return f"{abs(now - before):,} {'more' if now > before else 'fewer'} than {when}"


def solving(limit: Limit) -> str:
    """Return how long a solver may work.

    Examples
    --------
    >>> solving(Limit(seconds=10))
    '10 seconds'
    """
    return f"{limit.amount:g} {'seconds' if limit.seconds else 'rounds'}"


def share(part: float, whole: float, least: int) -> int:
    """Return ``part`` of ``whole`` in percent, so coarse that no step of it tells of fewer than ``least`` reports.

    Examples
    --------
    >>> share(4_567, 11_000, 11), share(45, 100, 11), share(0, 0, 11)
    (42, 50, 0)
    """
    step = next((step for step in (1, 2, 5, 10, 25, 50) if step * whole >= 100 * least), 100)
    return step * round(100 * part / step / whole) if whole else 0


def plain(text: object) -> str:
    r"""Return ``text`` so that Markdown takes it for text.

    Examples
    --------
    >>> print(plain("A*B :red[x]"))
    A\*B \:red\[x\]
    """
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|$~:])", r"\\\1", str(text))
