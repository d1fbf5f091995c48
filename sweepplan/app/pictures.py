"""Small pictures beside the tables, as Vega-Lite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from sweepplan.geo import Area
from sweepplan.maps.crews import crew_hues, letters
from sweepplan.maps.hues import ACCENT, INK, STREET
from sweepplan.model import KioskJudgement
from sweepplan.pipeline import Change, Health
from sweepplan.privacy import Published, share

_AXIS = {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "domain": False}
_MARK = "#4a5a62"
_PLATE: dict[str, Any] = {
    "background": "#ffffff",
    "padding": dict.fromkeys(("left", "right", "top", "bottom"), 12),
    "config": {
        "font": "Source Sans, system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {**_AXIS, "gridColor": "#e3e6e8", "tickColor": "#e3e6e8", "titleFontWeight": "normal"},
        "legend": {"labelColor": INK, "labelFontSize": 12},
    },
}
_GROUND = "white"
_NIGHT = {
    "#ffffff": "#12191c",
    "#e3e6e8": "#2c383d",
    INK: "#eef3f2",
    _MARK: "#a9b7bd",
    ACCENT: "#5cc2b5",
    _GROUND: "#c3cdd1",
}
"""What stands for each colour on the dark page; crews keep the hues of the map, so their bars keep a light ground."""


def draw(picture: dict[str, Any], **options: Any) -> None:
    """Draw a picture on the page, by day or by night."""
    dark = st.context.theme.type == "dark"
    st.vega_lite_chart(_at_night(picture) if dark else picture, theme=None, **options)


def _at_night(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: each if name == "data" else _at_night(each) for name, each in part.items()}
    if isinstance(part, list):
        return [_at_night(each) for each in part]
    return _NIGHT.get(part, part) if isinstance(part, str) else part


def timeline(shown: Published) -> dict[str, Any]:
    """Return a Vega-Lite picture of the stops of each crew, in hours on the city's clock."""
    table = shown.table("stops")
    table = table[table["crew"].notna()]
    names = list(shown.table("routes").index)
    marks = letters(names)
    midnight = shown.area.midnight(shown.table("routes")["starts_at"].min())
    hour = pd.Timedelta(hours=1)
    bars = pd.DataFrame(
        {
            "crew": table["crew"].map(marks),
            "place": table["place_id"],
            "from": (table["arrives_at"] - midnight) / hour,
            "to": (table["leaves_at"] - midnight) / hour,
            "What": np.where(table["kind"] == "request", "open request", "place to sweep"),
            "Where": table["name"],
            "At": table["arrives_at"].dt.tz_convert(shown.tz).dt.strftime("%H:%M"),
        }
    )
    hues = list(map(crew_hues(names).__getitem__, names))
    colour = {"scale": {"domain": [marks[name] for name in names], "range": hues}, "legend": None}
    return _PLATE | {
        "data": {"values": bars.to_dict("records")},
        "height": {"step": 30},
        "view": {"fill": _GROUND},
        "params": [{"name": "stop", "select": {"type": "point", "fields": ["place"]}}],
        "mark": {"type": "bar", "cornerRadius": 1, "cursor": "pointer"},
        "encoding": {
            "y": {"field": "crew", "type": "nominal", "title": None, "sort": None, "axis": {"labelFontWeight": "bold"}},
            "x": {
                "field": "from",
                "type": "quantitative",
                "title": None,
                "scale": {"zero": False, "nice": False},
                "axis": {"labelExpr": "format(datum.value, '02d') + ':00'", "tickMinStep": 1, "gridColor": STREET},
            },
            "x2": {"field": "to"},
            "color": {"field": "crew", "type": "nominal", **colour},
            "opacity": {
                "field": "What",
                "scale": {"domain": ["open request", "place to sweep"], "range": [1, 0.4]},
                "legend": {"orient": "top", "title": None, "symbolFillColor": INK},
            },
            "tooltip": [{"field": name} for name in ("At", "Where", "What")],
        },
    }


def trend(health: Health, area: Area, changes: Sequence[Change]) -> dict[str, Any]:
    """Return reports by week or month, the weeks expected with their interval, and numbered changes as lines."""

    def days(moments: pd.Series) -> list[str]:
        return [f"{area.local(at):%Y-%m-%dT%H:%M}" for at in moments]

    known = health.trend.dropna()
    came = pd.DataFrame({"from": days(known["start"]), "n": known["n"]}).to_dict("records")
    ahead = health.ahead
    to_come = pd.DataFrame(
        {"from": days(ahead["start"]), "n": ahead["mean"], "low": ahead["low"], "high": ahead["high"]}
    ).to_dict("records")
    x = {"field": "from", "type": "temporal", "title": None, "axis": {"format": "%b %Y", "tickCount": 8}}
    y = {"field": "n", "type": "quantitative", "title": None, "scale": {"zero": True}}
    day = {"field": "from", "type": "temporal", "format": "%-d %b %Y", "title": "From"}
    marks = [
        {"from": f"{each.day:%Y-%m-%d}T12:00", "number": n, "What": each.what} for n, each in enumerate(changes, 1)
    ]
    marked: dict[str, Any] = {"data": {"values": marks}, "encoding": {"x": x, "tooltip": [day, {"field": "What"}]}}
    expected = [{"field": name, "format": ".0f"} for name in ("n", "low", "high")]
    return _PLATE | {
        "height": 240,
        "layer": [
            {**marked, "mark": {"type": "rule", "color": _MARK, "strokeDash": [3, 3], "strokeWidth": 2}},
            {
                **marked,
                "mark": {"type": "text", "dx": 8, "y": 6, "fontWeight": "bold", "fontSize": 13, "color": _MARK},
                "encoding": {**marked["encoding"], "text": {"field": "number"}},
            },
            {
                "data": {"values": to_come},
                "mark": {"type": "area", "color": ACCENT, "opacity": 0.2},
                "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "data": {"values": to_come},
                "mark": {"type": "line", "color": ACCENT, "strokeDash": [5, 4], "point": {"color": ACCENT}},
                "encoding": {"x": x, "y": y, "tooltip": [day, *expected]},
            },
            {
                "data": {"values": came},
                "mark": {"type": "line", "color": INK, "point": {"color": INK, "size": 18}},
                "encoding": {"x": x, "y": y, "tooltip": [day, {"field": "n", "title": "Reports"}]},
            },
        ],
    }


def curve(judged: Sequence[KioskJudgement], n_today: int, k: int, least: int, boxes: str = "kiosks") -> dict[str, Any]:
    """Return the share of reports within reach by number of kiosks, today and the plan marked; see :func:`share`."""
    points = [
        {
            boxes.capitalize(): n_today + new,
            "Reports in reach, %": share(each.covered, each.total, least),
            "name": {0: "today", k: f"+{k}"}.get(new, ""),
        }
        for new, each in enumerate(judged)
    ]
    name = boxes.capitalize()
    x = {"field": name, "type": "quantitative", "scale": {"zero": False, "padding": 24}, "axis": {"tickMinStep": 1}}
    y = {"field": "Reports in reach, %", "type": "quantitative", "scale": {"zero": True}}
    marked = [{"filter": "datum.name"}]
    return _PLATE | {
        "data": {"values": points},
        "height": 300,
        "encoding": {"x": x, "y": y, "tooltip": [{"field": name}, {"field": "Reports in reach, %"}]},
        "layer": [
            {"mark": {"type": "line", "color": ACCENT, "point": {"color": ACCENT, "size": 30}}},
            {"transform": marked, "mark": {"type": "point", "filled": True, "size": 140, "color": ACCENT}},
            {
                "transform": marked,
                "mark": {"type": "text", "dx": 4, "dy": -14, "align": "right", "fontWeight": "bold", "color": INK},
                "encoding": {"text": {"field": "name"}},
            },
        ],
    }
