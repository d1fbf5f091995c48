"""Hotspots on the map and in a list beside it; the card of the one that is chosen on either."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import figures, glossary, livemap, shown
from sweepplan.app.state import View
from sweepplan.app.words import plain

_CANNOT = {
    "needle": "Reports are complaints, not needles: some places are complained about more than they deserve. "
    "Where nobody looks, nothing is reported.",
    "overdose": "Calls are not overdoses: many overdoses are never called in. "
    "Places are blurred: no hotspot is a person or a house.",
}
_CHOSEN = "chosen hotspot of "
_MAP_PX, _LIST_PX, _ROW_PX = 560, 430, 35
_COLUMNS = glossary.columns(
    "Trend",
    "How it came",
    "By chance",
    "Swept",
    Reports=st.column_config.NumberColumn(format="localized"),
    Hotspot=st.column_config.Column(width=190, help=glossary.TERMS["Hotspot"]),
)


def on_map(view: View, kind: str) -> None:
    """Show the map; a click on a hotspot chooses it."""

    def clicked(on: livemap.Clicked) -> None:
        st.session_state[_CHOSEN + kind] = on.selected

    chosen = st.session_state.get(_CHOSEN + kind)
    livemap.show(view.map, key=f"hotspots-{kind}", height=_MAP_PX, selected=chosen, on_click=clicked)


def card(view: View, kind: str) -> None:
    """Show what there is to say of the hotspot that is chosen, if the map has it."""
    told = shown.hotspot_card(view.shown, st.session_state.get(_CHOSEN + kind))
    if not told:
        return
    with st.container(border=True, key="hotspot"):
        forget = {_CHOSEN + kind: None}
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(told[0])}**", width="stretch")
            st.button("✕", on_click=st.session_state.update, args=(forget,), type="tertiary", help="Close the card")
        st.markdown("  \n".join(plain(line) for line in told[1:]))


def table(view: View, kind: str) -> None:
    """List the hotspots, and say what is not shown; a click on a line chooses its hotspot."""
    listed = shown.hotspots(view.shown)
    if listed.empty:
        st.info("Nothing to list. A hotspot needs reports close together: read a longer time, or a larger area.")
    else:
        key, ids = f"list-{kind}", view.shown.table("hotspots").index

        def picked() -> None:
            for row, _ in st.session_state[key].selection.cells:
                st.session_state[_CHOSEN + kind] = ids[row]

        st.dataframe(
            listed,
            key=key,
            hide_index=True,
            height=min(_LIST_PX, _ROW_PX * (len(listed) + 1) + 3),
            column_config=_COLUMNS,
            on_select=picked,
            selection_mode="single-cell",
        )
        if kind in view.shown.windows:
            window = figures.months_words(*view.shown.windows[kind], view.shown.area)
            st.caption(f"Counted in squares over {window} together, so that no few reports can be told.")
        if "Trend" in listed:
            st.caption("Trend: the last 4 weeks against the 4 before; small places swing by chance.")
    for words in view.shown.withheld_words():
        st.caption(f"Not shown: {plain(words)}.")
    st.caption(f"What this cannot say: {_CANNOT[kind]}")
