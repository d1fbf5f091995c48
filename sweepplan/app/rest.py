"""The rest of the day: what is done stands, who goes home, which street is shut; planned anew from there."""

from __future__ import annotations

from datetime import time

import streamlit as st

from sweepplan.app import access, desk, planning, search, shown
from sweepplan.app.state import Opened, Planned
from sweepplan.app.words import plain
from sweepplan.errors import SweepplanError
from sweepplan.model import Limit
from sweepplan.pipeline import News

_NOON = time(12)
_AT, _SHUT = "rest_at", "rest_shut"


def show(opened: Opened, planned: Planned | None, limit: Limit) -> None:
    """Ask what happened since the plan was made, and plan on from there."""
    if planned is None or not shown.crew_names(planned.view.shown):
        return
    with st.expander("Re-plan the rest of the day"):
        st.caption(
            "What is done stays; stops of who goes home are free. Crews keep what they know unless a change pays."
        )
        if _AT not in st.session_state:
            st.session_state[_AT] = _clock(opened, planned)
        said = "Stops before this time count as done, unless you say otherwise below"
        at = st.time_input("Now", key=_AT, step=300, help=said) or _NOON
        done = {crew: _done(planned, crew, at) for crew in shown.crew_names(planned.view.shown)}
        said = "Nobody passes it any more; several with commas between, as the map names them"
        shut = st.text_input("Blocked streets", key=_SHUT, placeholder="High Street", help=said)
        said = "A request that came in since: add it above the map first"
        asked = (opened, planned, limit, at, done, shut)
        st.button("Re-plan from here", type="primary", on_click=_replan, args=asked, help=said)


def _clock(opened: Opened, planned: Planned) -> time:
    """Return what the clock says where the plan is of this very day, else noon."""
    now, day = (opened.city.area.local(at) for at in (access.now(), planned.sweep.day.zero))
    return time(now.hour, now.minute // 5 * 5) if now.date() == day.date() else _NOON


def _done(planned: Planned, crew: str, at: time) -> tuple[int, bool]:
    """Ask how far a crew is, and whether it goes home; the clock's word stands until it is changed."""
    passed, about = planned.view.shown, f"{planned.view.map.layers.token[:8]} {crew}"
    last = shown.n_stops(passed, crew)
    far, home = st.columns([1, 1], vertical_alignment="bottom")
    label, said = (
        f"{plain(crew)} did (of {last})",
        "The number of the last stop that is done; as planned for this time, unless you say otherwise",
    )
    n = far.number_input(label, 0, last, shown.done_by(passed, crew, at), key=f"done {about} {at}", help=said)
    return int(n), home.checkbox("goes home", key=f"home {about}", help="Its stops are free for others")


def _replan(
    opened: Opened, planned: Planned, limit: Limit, at: time, done: dict[str, tuple[int, bool]], shut: str
) -> None:
    passed = planned.view.shown
    served = [place for crew, (n, _) in done.items() for place in shown.done_places(passed, crew, n)]
    home = tuple(crew for crew, (_, goes) in done.items() if goes)
    blocked = tuple(name.strip() for name in shut.split(",") if name.strip())
    news = News(f"{at:%H:%M}", frozenset(served), home, blocked=(*planned.blocked, *blocked))
    try:
        search.begin(*planning.rest(opened, planned, news, limit))
    except SweepplanError as error:
        desk.refuse(error)
