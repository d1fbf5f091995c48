"""Words on the map: every value passes :func:`safe_text` before it becomes part of the page."""

from __future__ import annotations

import html
import math

import pandas as pd

_ENTITIES = str.maketrans({character: f"&#{ord(character)};" for character in "`$\\{}"})


def safe_text(text: object) -> str:
    r"""Return ``text`` so that HTML and JavaScript take it for text; nothing (None, NaN, NaT) is a dash.

    ``html.escape`` alone is not enough: branca reads what it has written as a Jinja template once more, and folium
    writes JavaScript template strings.

    Examples
    --------
    >>> safe_text("<b>${1}</b>")
    '&lt;b&gt;&#36;&#123;1&#125;&lt;/b&gt;'
    >>> safe_text(None)
    '–'
    """
    if text is None or text is pd.NA or text is pd.NaT or (isinstance(text, float) and math.isnan(text)):
        return "–"
    return html.escape(str(text)).translate(_ENTITIES)


def tip(title: object, *lines: str | None) -> str:
    """Return a tooltip as safe HTML: the title, then each line that says something."""
    said = "".join(f"<br>{safe_text(line)}" for line in lines if line)
    return f"<b>{safe_text(title)}</b>{said}"


def counted(n: float, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "report"), counted(1204, "report")
    ('1 report', '1,204 reports')
    """
    return f"{n:,.0f} {noun}{'' if round(n) == 1 else 's'}"


def short(value: float) -> str:
    """Return a quantity with two figures where it is small.

    Examples
    --------
    >>> short(0.0123), short(3.14159), short(42.4)
    ('0.012', '3.1', '42')
    """
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def day(moment: pd.Timestamp) -> str:
    """Return the day of a moment on its own clock.

    Examples
    --------
    >>> day(pd.Timestamp("2026-03-03 07:40"))
    'Tue 3 Mar 2026'
    """
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def moment_of(moment: pd.Timestamp) -> str:
    """Return a moment on its own clock.

    Examples
    --------
    >>> moment_of(pd.Timestamp("2026-03-03 07:40"))
    'Tue 3 Mar, 07:40'
    """
    return f"{moment:%a} {moment.day} {moment:%b, %H:%M}"
