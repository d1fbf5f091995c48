"""Today: who goes where, for the lead of the sharps team."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sweepplan.app import (
    adding,
    board,
    card,
    closing,
    desk,
    earlier,
    earlier_shifts,
    handout,
    kept_plans,
    livemap,
    planning,
    promise,
    rest,
    search,
    shift,
    shown,
    state,
)
from sweepplan.app.livemap import Clicked
from sweepplan.app.state import Opened, Planned
from sweepplan.app.words import plain
from sweepplan.errors import SweepplanError
from sweepplan.model import Limit
from sweepplan.pipeline import Shift

_MAP_PX = 540
Asked = tuple[shown.Rows, Limit, Shift | None]


def page() -> None:
    """Show the day: open requests, crews, and after Plan the routes."""
    opened = state.opened()
    planned = desk.plan(opened.stamp)
    title, buttons = st.columns([3, 2], vertical_alignment="center")
    _headline(opened, title)
    left, right = st.columns([5, 10], gap="medium")
    with left:
        card.show(opened, planned)
        asked = _asked(opened, planned)
        rest.show(opened, planned, asked[1])
        running = st.empty()
        promise.show(opened, planned, asked[0])
    with right:
        adding.show(opened, planned)
        _map(opened, planned)
    _buttons(buttons, opened, planned, asked)
    if planned is not None:
        board.show(planned)
    earlier.show(opened)
    closing.show(opened)
    _follow(opened, running)


def _headline(opened: Opened, place: DeltaGenerator) -> None:
    local = opened.city.area.local
    now, waits = local(opened.as_of), state.waiting(opened)
    place.subheader(f"{now:%A} {now.day} {now:%B} · {plain(opened.city.area.label)}", anchor=False)
    left = plain(kept_plans.left_words(earlier_shifts.last_shift(opened)))
    parts = [*shown.waiting_words(waits), left, f"as of {now:%H:%M}, last report {waits.last_report}"]
    st.markdown(" · ".join(filter(None, parts)))


def _asked(opened: Opened, planned: Planned | None) -> Asked:
    with st.expander("Crews and options", expanded=planned is None):
        return shift.crews(opened), shift.limit(opened), shift.after(opened)


def _buttons(place: DeltaGenerator, opened: Opened, planned: Planned | None, asked: Asked) -> None:
    with place.container(horizontal=True, horizontal_alignment="right"):
        if planned is None:
            said = "Routes for the crews named: every request first, then the most needles"
            st.button("Plan", type="primary", on_click=_plan, args=(opened, asked), help=said)
            return
        st.button("Plan", on_click=_plan, args=(opened, asked), help="Plan the day anew, for the crews named")
        said = "Search on from this plan; what was locked, moved, added or kept back stays so"
        st.button("Improve", on_click=_improve, args=(opened, planned, asked[1]), help=said)
        said = "Keep this plan as the newest version of the day, for everybody"
        st.button("Publish", type="primary", on_click=handout.publish, args=(opened, planned), help=said)
        handout.files(planned)
    with place:
        handout.said(planned)


def _plan(opened: Opened, asked: Asked) -> None:
    rows, limit, after = asked
    try:
        search.begin(*planning.search(opened, shown.crews_of(rows, opened.settings.crews), limit, after=after))
    except SweepplanError as error:
        desk.refuse(error)


def _improve(opened: Opened, planned: Planned, limit: Limit) -> None:
    search.begin(*planning.search_on(opened, planned, limit))


def _follow(opened: Opened, place: DeltaGenerator) -> None:
    """Show how far a search is; its plan is laid on the desk, and the page is drawn with it."""
    try:
        found = search.follow(place)
    except SweepplanError as error:
        desk.refuse(error)
        st.rerun()
    if found is not None:
        desk.put(planning.take(opened, *found))
        st.rerun()


def _map(opened: Opened, planned: Planned | None) -> None:
    view, picking = state.today(opened) if planned is None else planned.view, adding.picking()

    def clicked(on: Clicked) -> None:
        if picking and on.point is not None:
            adding.picked(on.point)
        elif not picking:
            desk.select(None if on.selected is None else planning.place_of(planned, on.selected))

    place = desk.selected()
    mark = None if place is None else planning.stop_of(planned, place)
    livemap.show(view.map, key="today", height=_MAP_PX, selected=mark, picking=picking, on_click=clicked)
