"""Needles in the words of a request."""

from __future__ import annotations

import pandas as pd

from sweepplan.sources.sieve import Bools

_HARMLESS = "pine fir spruce cedar larch hemlock evergreen tree knitting sewing crochet tattoo space compass"
NEEDLE_WORDS = "".join(f"(?<!{word} )(?<!{word}-)" for word in _HARMLESS.split()) + (
    r"\b(?:needles?|syringes?|hypodermics?|sharps)\b(?! ?(?:exchange|felt|valve|drop leaf))"
)
"""What names needles that somebody left, in lower case; the needles of trees, crafts and towers are none."""


def names_needles(text: pd.Series) -> Bools:
    """Return which texts name needles, shape (n,).

    Examples
    --------
    >>> said = ["Syringes by the bench", "pine needles in the drain", "a compass and a pin", "SHARPS bin full"]
    >>> names_needles(pd.Series(said)).tolist()
    [True, False, False, True]
    """
    found: Bools = text.str.casefold().str.contains(NEEDLE_WORDS, regex=True).to_numpy(dtype=bool)
    return found
