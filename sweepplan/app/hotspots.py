"""Hotspots: where reports gather, for public health. Areas and cells only, never a report."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sweepplan.app import access, livemap, shown, state
from sweepplan.app.state import Opened, View
from sweepplan.app.words import number, plain, sentence
from sweepplan.maps.words import counted

_NAMES = {"needle": "Needles", "overdose": "Overdoses"}
_CANNOT = {
    "needle": "Reports are complaints, not needles: some places are complained about more than they deserve. "
    "Where nobody looks, nothing is reported.",
    "overdose": "Calls are not overdoses: many overdoses are never called in. "
    "Places are blurred: no hotspot is a person or a house.",
}
_MAP_PX = 590
ROLES = frozenset({"lead", "analyst", "planner", "partner", "public"})


def page() -> None:
    """Show where reports of one kind gather."""
    opened = state.opened()
    title, choice = st.columns([4, 1], vertical_alignment="bottom")
    kinds = [found.kind for found in opened.hotspots]
    kind = kinds[0] if len(kinds) == 1 else _kind(choice, kinds)
    view = state.gathered(opened, kind, access.seen_as(ROLES))
    with title:
        _headline(opened, view, kind)
    drawn, listed = st.columns([4, 3], gap="medium")
    with drawn:
        livemap.show(view.map, key=f"hotspots-{kind}", height=_MAP_PX)
    with listed:
        _list(view, kind)


def _kind(place: DeltaGenerator, kinds: list[str]) -> str:
    chosen = place.segmented_control(
        "Reports of",
        kinds,
        default=kinds[0],
        format_func=_NAMES.__getitem__,
        required=True,
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
    )
    return str(chosen)


def _headline(opened: Opened, view: View, kind: str) -> None:
    now = opened.city.area.local(opened.as_of)
    st.subheader(f"Where {_NAMES[kind].lower()} gather · {plain(opened.city.area.label)}", anchor=False)
    found = view.shown.table("hotspots")
    if found.empty:
        st.markdown(f"**No hotspot**: nowhere do enough {kind} reports lie close together.")
        return
    st.markdown(
        f"**{sentence(number(len(found)))} hotspots** hold {counted(found['n_incidents'].sum(), 'report')} · "
        f"{shown.tendencies(view.shown)} · as of {now:%a} {now.day} {now:%b %Y}"
    )


def _list(view: View, kind: str) -> None:
    table = shown.hotspots(view.shown)
    if table.empty:
        st.info("Nothing to list. A hotspot needs reports close together: read a longer time, or a larger area.")
    else:
        columns = {
            "Reports": st.column_config.NumberColumn(format="localized"),
            "Hotspot": st.column_config.Column(width=190),
        }
        st.dataframe(table, hide_index=True, height=430, column_config=columns)
        st.caption("Trend: the last 4 weeks against the 4 before; small places swing by chance.")
    for words in view.shown.withheld_words():
        st.caption(f"Not shown: {plain(words)}.")
    st.caption(f"What this cannot say: {_CANNOT[kind]}")
