"""What a plan promises, and what was done to it last."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import desk, glossary, handout, shown
from sweepplan.app.state import Opened, Planned
from sweepplan.app.words import plain, sentence
from sweepplan.bridge import share_words

_PROMISE = f"Over due: {glossary.TERMS['over due']}. Best possible: {glossary.TERMS['best possible']}"


def show(opened: Opened, planned: Planned | None, rows: shown.Rows) -> None:
    """Say what the plan is worth, and what was done to it last."""
    refused = desk.refused()
    if refused:
        st.error(sentence(refused) + ("" if planned is None else "  \nThe plan is as it was."))
    if desk.stale(opened.stamp):
        st.warning("The city's files have changed since the last plan: press Plan for a new one.")
    if planned is None:
        st.caption("Nothing is planned yet: say who goes out, then press Plan.")
        return
    passed = planned.view.shown
    judged = planned.sweep.judged
    expected = f"{judged.needles:,.0f} needles expected{share_words(judged)}"
    began = shown.begun(planned.sweep, opened.city.area)
    st.markdown(f"{plain(began)}**{shown.promise(passed, opened.as_of)}** · {expected}", help=_PROMISE)
    for reason in shown.reasons(passed):
        st.markdown(f":orange[{plain(reason)}]")
    if not shown.asks_for(rows, planned.settings.crews):
        st.caption(":orange[The crews were changed after this plan: press Plan to follow.]")
    handout.undo_row(opened, planned)
    if desk.selected() is None:
        st.caption("Select a mark on the map, a bar or a row below: why a crew goes there, and what can be changed.")
