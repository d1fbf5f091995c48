"""Areas drawn on the map, corner by corner, in which no new box may stand; undone step by step."""

from __future__ import annotations

import streamlit as st

from sweepplan.bridge import Ring
from sweepplan.maps.words import counted

_DRAW, _CORNERS, _AREAS, _TAKEN = "area_draw", "area_corners", "area_rings", "area_taken"
LEAST = 3


def drawing() -> bool:
    """Return whether clicks on the map are corners."""
    return bool(st.session_state.get(_DRAW))


def begun() -> bool:
    """Return whether something is drawn, or being drawn."""
    return drawing() or bool(corners()) or bool(st.session_state.get(_AREAS))


def corners() -> Ring:
    """Return the corners of the area being drawn, latitude and longitude."""
    return tuple(st.session_state.get(_CORNERS, ()))


def drawn(first: tuple[Ring, ...]) -> tuple[Ring, ...]:
    """Return the areas that are closed; ``first`` are those of the settings."""
    return tuple(st.session_state.setdefault(_AREAS, first))


def add(point: tuple[float, float]) -> None:
    """Take a click for the next corner."""
    kept = st.session_state
    if kept.get(_TAKEN) != point:  # the map says it again whenever something else on it changes
        kept[_TAKEN], kept[_CORNERS] = point, (*corners(), point)


def ask(first: tuple[Ring, ...], boxes: str) -> tuple[Ring, ...]:
    """Offer to draw areas, and return them."""
    rings = drawn(first)
    st.toggle("Draw an area on the map", key=_DRAW, help=f"Click its corners: no new {boxes} will stand in it")
    n = len(corners())
    if drawing() or n or rings:
        close, undo, clear = st.columns(3)
        close.button(
            "Close area",
            disabled=n < LEAST,
            on_click=_close,
            key="area_close",
            width="stretch",
            help="Joins the last corner to the first",
        )
        undo.button(
            "Undo",
            disabled=not (n or rings),
            on_click=_undo,
            key="area_undo",
            width="stretch",
            help="Takes the last corner back",
        )
        clear.button(
            "Clear all",
            disabled=not (n or rings),
            on_click=_clear,
            key="area_clear",
            width="stretch",
            help="Takes all areas back",
        )
    if drawing():
        missing = f"{LEAST - n} more at least" if n < LEAST else "then Close area, or more corners"
        st.caption(f"{counted(n, 'corner')} clicked: {missing}.")
    if rings:
        st.caption(f"{counted(len(rings), 'area')} ruled out, dashed on the map.")
    return rings


def _close() -> None:
    kept = st.session_state
    kept[_AREAS], kept[_CORNERS], kept[_DRAW] = (*kept[_AREAS], corners()), (), False


def _undo() -> None:
    """Take back the last corner; where there is none, open the last area again."""
    kept = st.session_state
    if not corners():
        kept[_CORNERS], kept[_AREAS], kept[_DRAW] = kept[_AREAS][-1], kept[_AREAS][:-1], True
    else:
        kept[_CORNERS] = corners()[:-1]


def _clear() -> None:
    kept = st.session_state
    kept[_AREAS], kept[_CORNERS] = (), ()
