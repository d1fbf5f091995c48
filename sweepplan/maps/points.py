"""Kiosks, places of the city, and reports where they may be seen as points."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, entry, feature, geojson, rows
from sweepplan.maps.words import counted, moment_of, safe_text, tip
from sweepplan.privacy import Published
from sweepplan.tables import BOXES


def kiosks(shown: Published) -> list[Layer]:
    """Return installed kiosks (solid) and proposed ones (rings with their rank), a layer each."""
    table = shown.table("kiosks")
    layers = []
    kinds = [BOXES[kind][1] for kind in sorted(table["demand_kind"].unique())]
    boxes = " and ".join(kinds).capitalize()
    for state, words in (("installed", f"{boxes} today"), ("proposed", f"{boxes} proposed")):
        mine = table[table["state"] == state].sort_values("rank", kind="stable")
        if mine.empty:
            continue
        features = []
        for site, row, shape in rows(mine):
            html = f'<span class="kiosk {state}">{row.rank if state == "proposed" else ""}</span>'
            features.append(feature(shape, id=site, pane="marks", size=22, front=2, html=html, tip=_kiosk(row, state)))
        swatch = f'<span class="kiosk {state}">{"1" if state == "proposed" else ""}</span>'
        layers.append(Layer(entry(swatch, words, f"{len(mine):,}"), (geojson(features, "marks"),)))
    return layers


def _kiosk(row: Any, state: str) -> str:
    title = row.name if state == "installed" else f"{row.rank}. {row.name}"
    box, _ = BOXES[row.demand_kind]
    if pd.isna(row.covered):
        why = (
            "too few reports in reach to be told" if row.demand_kind == "needle" else "counts of overdoses are withheld"
        )
        return tip(title, f"{box}, {state}", why)
    reached = f"{counted(row.covered, f'{row.demand_kind} report')} in reach"
    added = f"{row.added:,.0f} of them in reach of no {box} today" if state == "proposed" else None
    return tip(title, f"{box}, {state}", reached, added)


def sites(shown: Published) -> list[Layer]:
    """Return schools, libraries and other sites but depots, as one layer that is hidden at first."""
    table = shown.table("sites")
    table = table[table["kind"] != "depot"]
    if table.empty:
        return []
    style = {"radius": 4, "color": "#fff", "weight": 1, "fillColor": "#5d6a72", "fillOpacity": 1}
    features = [
        feature(shape, pane="marks", style=style, tip=tip(row.name, row.kind.replace("_", " "), row.state))
        for _, row, shape in rows(table)
    ]
    kinds = table["kind"].value_counts().sort_index()
    details = [f"{n:,} {str(kind).replace('_', ' ')}" for kind, n in kinds.items()]
    swatch = '<svg width="10" height="10"><circle cx="5" cy="5" r="4" fill="#5d6a72"/></svg>'
    return [Layer(entry(swatch, "Other places", *details), (geojson(features, "marks"),), shown=False)]


def reports(shown: Published, *, as_of: pd.Timestamp | None) -> list[Layer]:
    """Return reports as points, where the policy lets them be seen; open ones over due in crimson."""
    table = shown.table("incidents")
    if table.empty:
        return []
    now = as_of if as_of is not None else table["reported_at"].max()
    late = (table["status"] != "closed") & (table["due_at"] < now)
    features = []
    for incident, row, shape in rows(table):
        hue = hues.OVER_DUE if late[incident] else hues.INK
        style = {"radius": 4, "color": "#fff", "weight": 1, "fillColor": hue, "fillOpacity": 0.9}
        due = None if pd.isna(row.due_at) else f"due {moment_of(shown.local(row.due_at))}"
        status = None if pd.isna(row.status) else row.status
        words = tip("Needle report", f"reported {moment_of(shown.local(row.reported_at))}", status, due)
        features.append(feature(shape, id=incident, pane="marks", style=style, tip=words))
    swatch = f'<svg width="10" height="10"><circle cx="5" cy="5" r="4" fill="{hues.INK}"/></svg>'
    return [Layer(entry(swatch, "Needle reports", f"{len(table):,}"), (geojson(features, "marks"),))]


def _places(stops: pd.DataFrame) -> str:
    return "place to sweep, or kiosk to service" if (stops["kind"] == "kiosk").any() else "place to sweep"


def symbols(shown: Published, *, late: bool) -> str:
    """Return what the marks of the stops mean, as safe HTML; empty without stops."""
    stops = shown.table("stops")
    if stops.empty:
        return ""
    marks = [
        (stops["kind"] == "request", '<span class="badge request" style="--hue:#fff">A1</span>', "open request"),
        (stops["kind"] != "request", f'<span class="badge" style="--hue:{hues.INK}">A2</span>', _places(stops)),
    ]
    items = [f"<li><span>{mark}</span>{safe_text(words)}</li>" for there, mark, words in marks if there.any()]
    if late:
        items.append('<li><span><span class="badge request late" style="--hue:#fff">A3</span></span>over due</li>')
    return f"<ul>{''.join(items)}</ul>"
