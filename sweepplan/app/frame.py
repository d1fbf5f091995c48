"""The frame round every page: who is here, which pages are theirs, and errors in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from sweepplan import demo
from sweepplan.app import access, accounts, data, hotspots, kiosks, today
from sweepplan.app.access import Person
from sweepplan.app.options import Options, opened_store
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError


@dataclass(frozen=True)
class Room:
    """A page, and the roles it is for."""

    name: str
    title: str
    body: Callable[[], None]
    roles: frozenset[str]


ROOMS = (
    Room("today", "Today", today.page, access.LEAD),
    Room("hotspots", "Hotspots", hotspots.page, hotspots.ROLES),
    Room("kiosks", "Kiosks", kiosks.page, frozenset({"planner"})),
    Room("data", "Data", data.page, access.ADMIN),
    Room("accounts", "Accounts", accounts.page, access.ADMIN),
)
"""Every page of the app, the first of one's own is shown first."""


_MADE_UP = (
    "**Made-up city.** Nothing here is real. Your own in three steps, area, streets, reports: the page Data says how."
)

_ON_BRIGHT_BUTTONS = "<style>button[data-testid^=stBaseButton-primary] { color: #12191c !important }</style>"


def main() -> None:
    """Show the page chosen to who may see it."""
    st.set_page_config(page_title="sweepplan", layout="wide")
    if st.context.theme.type == "dark":
        st.html(_ON_BRIGHT_BUTTONS)
    options = Options.given()
    person = access.on_page(options)
    if person is None:
        _sign_in()
        return
    st.session_state["person"] = person
    mine = [room for room in ROOMS if person.may(room.roles)]
    if not mine:
        _nothing_yet(person)
        return
    pages = [st.Page(room.body, title=room.title, url_path=room.name) for room in mine]
    # The page shown first has no address of its own: a page of ours there could not be shared by its link.
    start = st.Page(_nowhere, title="sweepplan", default=True, visibility="hidden")
    chosen = st.navigation([start, *pages], position="top")
    if chosen is start:
        st.switch_page(pages[0])
    if not person.local:
        _who(person)
    try:
        _note(person, chosen.title, options)
        if options.settings == demo.folder() / "settings.toml":
            st.caption(_MADE_UP)
        chosen.run()
    except SweepplanError as error:
        st.error(sentence(plain(error)))


def _nowhere() -> None:
    """Show nothing: who comes without an address is led to the first page that is theirs."""


def _note(person: Person, title: str, options: Options) -> None:
    """Note once a visit who saw which page."""
    seen = st.session_state.setdefault("seen", set())
    if title not in seen:
        opened_store(options.store).note(
            person.account_id, f"saw {title}", at=access.now(), policy=", ".join(sorted(person.roles))
        )
        seen.add(title)


def _who(person: Person) -> None:
    with st.sidebar:
        st.caption(f"Signed in as {plain(person.name)}")
        if st.button("Sign out", help="Ends the session here, for good: its cookie opens nothing any more"):
            st.logout()


def _sign_in() -> None:
    st.title("sweepplan", anchor=False)
    if st.user.is_logged_in:
        st.info("Your session is over: it ends after 12 hours, or after 2 hours in which nothing was opened.")
        if st.button("Sign out and in again", type="primary"):
            st.logout()
        return
    st.markdown("Sign in with your city's account to open today's plan, hotspots or kiosks.")
    if st.button("Sign in", type="primary"):
        st.login()


def _nothing_yet(person: Person) -> None:
    st.title("sweepplan", anchor=False)
    st.info(f"{plain(person.account_id)} has no role yet: ask who keeps the accounts to add one, then reload.")
    if st.button("Sign out"):
        st.logout()
