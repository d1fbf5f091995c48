"""Words of the field, one line each, as the pages explain them where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

TERMS: Mapping[str, str] = MappingProxyType(
    {
        "By chance": "How likely so many reports are there, were nothing special about the place",
        "Found some": "Share of visits on which a needle was found",
        "Hotspot": "An area in which reports lie close together; newer ones weigh more",
        "How it came": "How it stood against the rest of the city, week after week: new, steady, coming and going",
        "In reach": "Reports of a year from which this site is within the walk that is asked for, along streets",
        "Median": "Half were closed sooner, half later",
        "Needles": "Needles picked up, as crews counted them",
        "Nine of ten in": "Nine of ten were closed sooner, one later",
        "Not covered today": "Those of them that no kiosk of today is within reach of",
        "Swept": "When a crew last swept there, by the sweep log",
        "Trend": "The last 4 weeks against the 4 before: rising from a quarter more on, falling from a fifth less on",
        "best possible": "No plan can expect more needles than a bound worked out beside it: so much of that at least",
        "certified optimal": "Proved: no other choice of so many sites covers more reports under the same rules",
        "interval": "In four of five weeks the count will lie within the band; in one it will not",
        "over due": "An open request whose time to be closed by has passed",
        "spike": "More reports in a few days than before, so many more that chance rarely does it",
    }
)


def columns(*names: str, **others: Any) -> dict[str, Any]:
    """Return what a table shows at the heads of these columns; ``others`` are columns with a format of their own."""
    return {name: st.column_config.Column(help=TERMS[name]) for name in names} | others
