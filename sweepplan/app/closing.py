"""After the shift: what was found, stop by stop; it goes into the database, and into the forecast."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import access, earlier_shifts, kept_plans, state
from sweepplan.app.options import Options, opened_store
from sweepplan.app.state import Opened
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError
from sweepplan.pipeline import Shift

_SAID = "counts_said"
_NOTHING = "Nothing was changed"
_WHICH = "Days that have a published plan; of each the newest version"
_WHOSE = "Whose sheet is entered; keep its counts before going on to another crew"
_KEEP = "Into the database, for everybody; each stop counts once"
_SLIPS = "Stops whose count was typed wrongly, or at the wrong stop"
_BACK = "Out of the database; the stop can then be counted anew, and the audit says what stood there"
_HOW = (
    "0: swept and clean, or nothing lay there. Empty: not done, and offered to the next shift. "
    "The forecast learns from what is kept; a slip is taken back below and entered anew."
)


def show(opened: Opened) -> None:
    """Ask for the counts of a published shift."""
    days = [day for day in earlier_shifts.published_days() if day <= state.day_of(opened)]
    if not days:
        return
    with st.expander("Close a shift: what was found"):
        day = st.selectbox("Shift of", days, format_func=kept_plans.day_words, key="close_day", help=_WHICH)
        try:
            shift = earlier_shifts.shift(opened, day)
        except SweepplanError as error:
            st.info(sentence(plain(error)))
            return
        _crew(shift)


def _crew(shift: Shift) -> None:
    names = kept_plans.crews(shift)
    chosen = st.segmented_control("Crew", names, default=names[0], required=True, key="close_crew", help=_WHOSE)
    crew = chosen if chosen in names else names[0]
    st.markdown(f"**{plain(kept_plans.counted_so_far(shift, crew))}**")
    if _SAID in st.session_state:
        said = st.session_state.pop(_SAID)
        (st.error if said.startswith(_NOTHING) else st.success)(said)
    if not kept_plans.to_count(shift, crew).empty:
        _grid(shift, crew)
    _back(shift, crew)


def _grid(shift: Shift, crew: str) -> None:
    asked = kept_plans.to_count(shift, crew)
    st.caption(_HOW)
    columns = {
        "Stop": st.column_config.NumberColumn(width=50),
        "Where": st.column_config.TextColumn(width=190),
        "Found": st.column_config.NumberColumn(width=70, min_value=0, max_value=10_000, step=1),
    }
    key = f"found {shift.day} {shift.version.version} {crew} {len(asked)}"
    rows = st.data_editor(
        asked, key=key, hide_index=True, column_config=columns, disabled=["Stop", "Where", "What"], width="content"
    )
    found = kept_plans.entered(rows)
    label = f"Keep {len(found)} of {len(asked)} counts"
    st.button(
        label, type="primary", disabled=not found, on_click=_keep, args=(shift, found), key="keep_counts", help=_KEEP
    )


def _back(shift: Shift, crew: str) -> None:
    """Ask which counts were slips."""
    stops = kept_plans.entered_stops(shift, crew)
    if not stops:
        return
    slips, button = st.columns([4, 1], vertical_alignment="bottom")
    key = f"slips {shift.day} {crew} {len(stops)}"
    chosen = slips.multiselect("Counts to correct", list(stops), format_func=stops.__getitem__, key=key, help=_SLIPS)
    button.button(
        "Take back", disabled=not chosen, on_click=_take_back, args=(shift, chosen), key="take_back", help=_BACK
    )


def _take_back(shift: Shift, places: list[str]) -> None:
    store = opened_store(Options.given().store)
    try:
        by = access.acting(access.LEAD).account_id
        st.session_state[_SAID] = kept_plans.take_back(store, shift, places, by=by)
    except SweepplanError as error:
        st.session_state[_SAID] = f"{_NOTHING}: {plain(error)}"


def _keep(shift: Shift, found: dict[str, float]) -> None:
    store = opened_store(Options.given().store)
    try:
        by = access.acting(access.LEAD).account_id
        st.session_state[_SAID] = kept_plans.keep(store, shift, found, by=by)
    except SweepplanError as error:
        st.session_state[_SAID] = f"{_NOTHING}: {plain(error)}"
