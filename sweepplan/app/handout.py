"""What leaves the desk: a published version, paper, files and links."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import access, desk, planning, shown
from sweepplan.app.documents import SHELF, Document
from sweepplan.app.livemap import root
from sweepplan.app.options import Options, opened_store
from sweepplan.app.state import Opened, Planned
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError
from sweepplan.maps.words import moment_of


def publish(opened: Opened, planned: Planned) -> None:
    """Keep the plan in the database as the newest version of the day, and note who did."""
    store, at = opened_store(Options.given().store), access.now()
    try:
        by = access.acting(access.LEAD).account_id
        version = planning.publish_plan(opened, planned, store, by=by, at=at)
    except SweepplanError as error:
        st.session_state["published"] = ("", sentence(plain(error)))
        return
    local = moment_of(opened.city.area.local(at))
    st.session_state["published"] = (planned.view.map.layers.token, f"Published as version {version}, {local}")


def said(planned: Planned) -> None:
    """Say which version this plan was published as, or why it was not."""
    token, words = st.session_state.get("published", ("", ""))
    if token == planned.view.map.layers.token:
        st.caption(words)
    elif words and not token:
        st.error(words)


def files(planned: Planned) -> None:
    """Offer the plan on paper and as files; each is made when it is asked for, and noted."""
    with st.popover("Print and export", type="secondary"):
        paper, other = planned.papers, planned.files
        st.markdown("**Sheets to print**, one a crew: A4 or Letter, black on white")
        with st.container(horizontal=True):
            for label, document in paper.items():
                _link(label, document)
        st.markdown("**For a phone or a computer**")
        with st.container(horizontal=True):
            for label, document in other.items():
                _link(label, document)
        st.caption("They hold places of requests: for the team only. Map links tell that company where the crew goes.")


def _link(label: str, document: Document) -> None:
    st.link_button(label, root() + SHELF.put(document), help=document.said)


def undo_row(opened: Opened, planned: Planned) -> None:
    """Say what was done last, what it changed, and offer to take it back."""
    earlier = desk.before(opened.stamp)
    if earlier is None:
        st.caption(plain(planned.said))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Undo", on_click=desk.undo, help="Back to the plan before", key="undo")
        lines = planning.news_of(planned) or [
            shown.compared(earlier.sweep, planned.sweep),
            *shown.changes(earlier.view.shown, planned.view.shown),
        ]
        st.markdown(f"{plain(planned.said)}  \n" + "  \n".join(f":gray[{plain(line)}]" for line in lines))
