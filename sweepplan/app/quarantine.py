"""Rows set aside: looked through by reason, one mended by hand and taken, others marked as dealt with."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import access, intake, keeping
from sweepplan.store import Store

_WHEN, _LAT, _LON, _KIND = "mend_when", "mend_lat", "mend_lon", "mend_kind"


def show(store: Store) -> None:
    """List rows of one reason, and offer what can be done with those marked."""
    reasons = keeping.reasons(store)
    st.markdown("**Rows set aside**")
    if not reasons:
        st.info("None waits: rows that cannot be used are listed here, with the reason, when a file has some.")
        return
    chosen = st.selectbox(
        "Reason",
        list(reasons),
        format_func=lambda reason: f"{reason} ({reasons[reason]:,})",
        key="why",
        help="Why rows could not be used, and how many wait",
    )
    rows, ids = keeping.set_aside(store, str(chosen))
    st.caption("Mark one row to mend it here, or several to release them as they are.")
    picked = st.dataframe(rows, hide_index=True, on_select="rerun", selection_mode="multi-row", key=f"aside {chosen}")
    marked = [ids[row] for row in picked.selection.rows]
    if len(marked) == 1:
        _mend(store, marked[0])
    st.button(
        f"Mark {len(marked)} as dealt with" if marked else "Mark as dealt with",
        disabled=not marked,
        on_click=keeping.done(lambda: keeping.release(store, marked, by=access.here().account_id)),
        help="They leave this list, and stay in the database. Mend the file and take it again to have them read.",
    )


def _mend(store: Store, row: int) -> None:
    """Ask for what a report must say, and take the row with it."""
    with st.form(f"mend {row}"):
        st.markdown(f"**Mend row {row}**: what the report should have said")
        kind, when, lat, lon = st.columns([2, 3, 2, 2])
        kind.selectbox("Kind", ["needle", "overdose"], key=_KIND, help="What was reported")
        when.text_input(
            "Reported, city's clock", placeholder="2026-03-01 08:30", key=_WHEN, help="Day and time it came in"
        )
        lat.number_input("Latitude", -90.0, 90.0, None, format="%.6f", key=_LAT, help="Degrees north")
        lon.number_input(
            "Longitude", -180.0, 180.0, None, format="%.6f", key=_LON, help="Degrees east, west is negative"
        )
        take = keeping.done(lambda: _taken(store, row))
        said = "Into the database as a report of its own; the row leaves this list"
        st.form_submit_button("Mend and take", type="primary", on_click=take, help=said)


def _taken(store: Store, row: int) -> str:
    kept = st.session_state
    return intake.mend(store, row, kind=kept[_KIND], when=kept[_WHEN], lat=kept[_LAT], lon=kept[_LON])
