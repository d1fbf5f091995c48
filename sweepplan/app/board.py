"""The plan on the page: a row and a line of time for each crew, and the stops of one; any stop can be selected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from sweepplan.app import desk, pictures, shown
from sweepplan.app.state import Planned
from sweepplan.app.words import plain
from sweepplan.maps.words import counted
from sweepplan.report import way_codes


def show(planned: Planned) -> None:
    """Show crews, timeline, requests left out, and the stops of one crew."""
    passed = planned.view.shown
    routes = shown.routes(passed)
    if routes.empty:
        st.info("No crew goes out: there is nothing to do that a shift has time for.")
        return
    crews, clock = st.columns([1, 1], gap="medium")
    figures = {
        **{name: st.column_config.Column(width=60) for name in ("Crew", "Stops", "Back", "Leaves", "Streets")},
        "Distance": st.column_config.TextColumn(alignment="right"),
        "Needles expected": st.column_config.NumberColumn("Needles", format="%.0f", help="Needles expected", width=70),
    }
    crews.dataframe(routes, hide_index=True, column_config=figures)
    with clock:
        about = planned.view.map.layers.token[:8]
        bars = f"bars {about}"
        pictures.draw(pictures.timeline(passed), key=bars, on_select=lambda: _from_bars(bars), selection_mode="stop")
    left = shown.left_out(passed)
    if not left.empty:
        st.markdown(f"**{counted(len(left), 'request')} left out**")
        _table(planned, left, f"left {about}", shown.left_places(passed))
    names = list(routes["Crew"])
    crew = st.segmented_control(
        "Stops of crew", names, default=names[0], required=True, key="stops_of", help="Whose stops are listed below"
    )
    columns = {
        **{name: st.column_config.Column(width=60) for name in ("Stop", "Arrives", "Leaves")},
        "What": st.column_config.Column(width=90),
        "Where": st.column_config.Column(width=200),
        "Needles expected": st.column_config.NumberColumn("Needles", format="%.1f", width=80, help="Needles expected"),
    }
    chosen = crew if crew in names else names[0]
    _table(planned, shown.stops(passed, chosen), f"stops {chosen} {about}", shown.places(passed, chosen), columns)
    said = "Google Maps, nine stops a code; who scans one tells Google where the crew goes"
    if st.toggle(f"The way of crew {plain(chosen)} as codes for a phone's camera", key="codes", help=said):
        captions, codes = zip(*way_codes(passed, chosen), strict=True)
        st.image(list(codes), caption=list(captions), width=150)


def _table(
    planned: Planned, table: shown.Rows, key: str, places: list[str], columns: Mapping[str, Any] | None = None
) -> None:
    def chosen() -> None:
        rows = st.session_state[key].selection.rows
        desk.select(places[rows[0]] if rows else None)

    st.dataframe(
        table,
        hide_index=True,
        height=min(420, 36 * (len(table) + 1) + 2),
        column_config=columns,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
    )


def _from_bars(key: str) -> None:
    found = st.session_state[key].selection.get("stop") or []
    desk.select(found[0]["place"] if found else None)
