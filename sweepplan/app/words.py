"""Figures and moments as a person says them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sweepplan.model import Limit

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class Waiting:
    """What waits, in numbers; ``..._before`` a day earlier; ``last_report`` is the newest report known, in words.

    Kiosks are those to service, of all installed; None where nobody keeps a ledger of them.
    """

    n_open: int
    n_before: int
    n_over_due: int
    n_over_before: int
    n_kiosks: int | None
    of_kiosks: int
    last_report: str


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


def plain(text: object) -> str:
    r"""Return ``text`` so that Markdown takes it for text.

    Examples
    --------
    >>> print(plain("A*B :red[x]"))
    A\*B \:red\[x\]
    """
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|$~:])", r"\\\1", str(text))
