"""The card of a stop: the same wherever it was selected, with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from sweepplan.app import desk, planning, shown
from sweepplan.app.state import Opened, Planned
from sweepplan.app.words import plain
from sweepplan.pipeline import Edited, StopFacts, editing


def show(opened: Opened, planned: Planned | None) -> None:
    """Show the card of the stop that is selected, if one is."""
    facts = planning.facts(opened, planned, desk.selected())
    if facts is None:
        return
    with st.container(border=True, key="card"):
        mark = f"{facts.mark} · " if facts.mark else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(mark + facts.name)}**", width="stretch")
            st.button("✕", on_click=desk.select, args=(None,), type="tertiary", help="Close the card")
        st.markdown("  \n".join(plain(line) for line in shown.card(facts, opened.city.area, opened.as_of)))
        if planned is None:
            return
        if not editing.is_known(planned.sweep, facts.place):
            st.caption("Done, or no stop of this plan: nothing to decide.")
        else:
            _actions(opened, planned, facts)


def _actions(opened: Opened, planned: Planned, facts: StopFacts) -> None:
    held = editing.holder(planned.sweep, facts.place)
    city, sweep, place = opened.city, planned.sweep, facts.place
    with st.container(horizontal=True):
        if held:
            _button(
                "Unlock", opened, planned, lambda: editing.unlock(sweep, city, place), "Any crew may serve it again"
            )
        elif facts.crew is not None:
            said = f"It stays with crew {facts.crew} in every later plan"
            _button("Lock", opened, planned, lambda: editing.lock(sweep, city, place), said)
        if held == "":
            _button(
                "Allow today",
                opened,
                planned,
                lambda: editing.unlock(sweep, city, place),
                "Planned on by the next Plan",
            )
        else:
            said = "Off the route, and kept back from every crew"
            _button("Not today", opened, planned, lambda: editing.not_today(sweep, city, place), said)
        for crew in (crew.name for crew in planned.crews if crew.name != facts.crew):
            said = "For good; places without a request make room where there is none"
            _button(f"Move to {crew}", opened, planned, _mover(opened, planned, place, crew), said)
    if facts.crew is not None:
        _order(opened, planned, facts, facts.crew)


def _order(opened: Opened, planned: Planned, facts: StopFacts, crew: str) -> None:
    place, number = facts.place, facts.number
    last = shown.n_stops(planned.view.shown, crew)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        said = "Which stop of its crew it should be"
        wanted = st.number_input("Stop number", 1, last, number, key=f"number {place} {number}", width=110, help=said)
        _button("Put there", opened, planned, _mover(opened, planned, place, crew, int(wanted)), "It keeps this crew")
        if number > 1:
            _button("Earlier", opened, planned, _mover(opened, planned, place, crew, number - 1), "One stop earlier")
        if number < last:
            _button("Later", opened, planned, _mover(opened, planned, place, crew, number + 1), "One stop later")


def _mover(opened: Opened, planned: Planned, place: str, crew: str, number: int | None = None) -> Callable[[], Edited]:
    return lambda: editing.move(planned.sweep, opened.city, place, crew, number=number)


def _button(label: str, opened: Opened, planned: Planned, edit: Callable[[], Edited], said: str) -> None:
    """Offer a change of the plan; it is made in a callback, so that the page is drawn once, with the new plan."""

    def change() -> None:
        desk.change(lambda: planning.take(opened, planned.settings, edit()))

    st.button(label, on_click=change, help=said, key=f"card {label}")
