"""A request that came in by telephone: by its corner, or by a click on the map."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import desk, planning
from sweepplan.app.state import Opened, Planned
from sweepplan.app.words import plain

_WORDS, _CREW, _PICK, _SPOT = "add_words", "add_crew", "add_pick", "add_spot"
_ANY = "whoever passes nearest"


def picking() -> bool:
    """Return whether clicks on the map mean the spot of a request."""
    return bool(st.session_state.get(_PICK))


def picked(point: tuple[float, float]) -> None:
    """Take the point clicked (latitude, longitude) for the spot."""
    st.session_state[_SPOT] = point


def show(opened: Opened, planned: Planned | None) -> None:
    """Ask where, and for which crew."""
    if planned is None:
        return
    with st.expander("Add a request that came in by telephone", expanded=picking()):
        where, crew, pick, add = st.columns([4, 2, 2, 1], vertical_alignment="bottom")
        said = "A street, or a corner of two, as the map names them"
        where.text_input("Where", key=_WORDS, placeholder="High Street & Mill Lane", help=said)
        crews, said = (
            [_ANY, *(each.name for each in planned.crews)],
            "Who goes there",
        )
        crew.selectbox("For crew", crews, key=_CREW, help=said)
        pick.toggle("Click on the map", key=_PICK, help="A click on the map is then the spot")
        said = "It becomes a stop of today's plan; Undo takes it back"
        add.button("Add", on_click=_add, args=(opened, planned), key="add_request", help=said)
        spot = st.session_state.get(_SPOT)
        if picking():
            st.caption("Click the spot on the map, then Add." if spot is None else f"Spot: {_degrees(spot)}")


def _degrees(spot: tuple[float, float]) -> str:
    return plain(f"{spot[0]:.5f}, {spot[1]:.5f}")


def _add(opened: Opened, planned: Planned) -> None:
    kept = st.session_state
    spot = kept.get(_SPOT) if picking() else None
    crew = None if kept[_CREW] == _ANY else kept[_CREW]
    desk.change(lambda: planning.added(opened, planned, kept[_WORDS].strip(), spot, crew))
    if not desk.was_refused():
        kept[_SPOT], kept[_PICK], kept[_WORDS] = None, False, ""
