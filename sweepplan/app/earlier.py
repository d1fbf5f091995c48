"""Plans that were published: their versions, and any of today's laid on the desk again."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import desk, earlier_shifts, kept_plans, planning, state
from sweepplan.app.options import Options, opened_store
from sweepplan.app.state import Opened


def show(opened: Opened) -> None:
    """List published versions, and offer those of the day."""
    if not earlier_shifts.published_days():
        return
    store, day = opened_store(Options.given().store), state.day_of(opened)
    with st.expander("Published plans"):
        mine = kept_plans.of_day(store, day)
        if mine:
            version = st.selectbox("Version of today", mine, key="version", help="The newest is what crews go by")
            said = "It is laid on the desk as it was published"
            st.button("Reopen", on_click=_reopen, args=(opened, int(version)), key="reopen", help=said)
        st.dataframe(kept_plans.versions(store, opened.city.area), hide_index=True)


def _reopen(opened: Opened, version: int) -> None:
    kept = opened_store(Options.given().store).plan(state.day_of(opened), version=version)
    desk.change(lambda: planning.reopened(opened, kept))
