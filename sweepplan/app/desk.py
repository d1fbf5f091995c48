"""The lead's desk: the plan of the day, those before it, what is selected; kept while the page is open."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from sweepplan.app.state import Planned, Stamp
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError

_MOST = 30
_PLANS, _SELECTED, _ERROR = "plans", "selected", "refused"


def plan(stamp: Stamp) -> Planned | None:
    """Return the plan on the desk, unless the city's files have changed since."""
    plans: list[Planned] = st.session_state.get(_PLANS, [])
    return plans[-1] if plans and plans[-1].stamp == stamp else None


def stale(stamp: Stamp) -> bool:
    """Return whether there is a plan of other files."""
    plans: list[Planned] = st.session_state.get(_PLANS, [])
    return bool(plans) and plans[-1].stamp != stamp


def before(stamp: Stamp) -> Planned | None:
    """Return the plan before the one on the desk."""
    plans: list[Planned] = st.session_state.get(_PLANS, [])
    return plans[-2] if len(plans) > 1 and plans[-2].stamp == stamp else None


def put(made: Planned) -> None:
    """Lay a plan on the desk, on top of those before."""
    st.session_state[_PLANS] = [*st.session_state.get(_PLANS, [])[1 - _MOST :], made]


def undo() -> None:
    """Take the plan before back."""
    plans = st.session_state.get(_PLANS, [])
    if len(plans) > 1:
        st.session_state[_PLANS] = plans[:-1]


def change(make: Callable[[], Planned]) -> None:
    """Change the plan, in a callback; where that is refused the plan stays, and the reason is said."""
    try:
        put(make())
    except SweepplanError as error:
        refuse(error)


def refuse(error: SweepplanError) -> None:
    """Keep why something was refused, to be said once."""
    st.session_state[_ERROR] = sentence(plain(error))


def was_refused() -> bool:
    """Return whether something was refused that has not been said yet."""
    return _ERROR in st.session_state


def refused() -> str | None:
    """Return why the last change was refused, once."""
    said: str | None = st.session_state.pop(_ERROR, None)
    return said


def select(place: str | None) -> None:
    """Select a stop by its place, everywhere."""
    st.session_state[_SELECTED] = place


def selected() -> str | None:
    """Return the place of the stop that is selected."""
    place: str | None = st.session_state.get(_SELECTED)
    return place
