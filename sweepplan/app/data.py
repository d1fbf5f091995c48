"""Data: files into the database, what was set aside, and a copy of it all; for who keeps the data."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from sweepplan.app import access, intake, keeping
from sweepplan.app.documents import SHELF
from sweepplan.app.livemap import root
from sweepplan.app.options import Options, opened_store
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError
from sweepplan.store import Store

_DONE = "data_done"


def page() -> None:
    """Show what was imported, take a new file, release rows set aside, hand out a backup."""
    store = opened_store(Options.given().store)
    imports = keeping.imports(store)
    st.subheader("Data", anchor=False)
    st.markdown(keeping.headline(store, imports))
    kind, said = st.session_state.pop(_DONE, ("", ""))
    if said:
        (st.error if kind == "error" else st.success)(said)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        _take(store)
    with right:
        st.markdown("**Files taken so far**")
        if imports.empty:
            st.info(
                "Nothing yet: choose a file on the left. The pages show the files that the settings name until then."
            )
        else:
            st.dataframe(imports, hide_index=True)
        _backup(store)
    _set_aside(store)


def _take(store: Store) -> None:
    st.markdown("**Take a file into the database**")
    file = st.file_uploader(
        "Table of reports, sweeps or sites", help="CSV, JSON, XLSX, GeoPackage, Parquet; see README"
    )
    feeds = intake.feeds()
    said = "Each kind of file has its reader; plain reads any table, and guesses its columns"
    feed = st.selectbox(
        "What it is", list(feeds), format_func=lambda name: f"{name}: {feeds[name]}", key="feed", help=said
    )
    if file is None:
        st.caption("Look before you take: columns, what would be kept, what would be set aside and why.")
        return
    key = f"mapping {file.file_id}"
    try:
        with st.spinner("Reading the file apart from this app, within limits"):
            looked = intake.look(file.name, file.getvalue(), feed, st.session_state.get(key))
    except SweepplanError as error:
        st.error(f"{sentence(plain(error))}  \nNothing was taken: the database is as it was.")
        return
    if looked.mapping:
        said = "How columns are read; change a line where the guess is wrong"
        st.text_area("Mapping", looked.mapping, key=key, height=180, help=said)
    st.markdown("  \n".join(plain(line) for line in looked.lines))
    if not looked.preview.empty:
        st.dataframe(looked.preview, hide_index=True)
    take = _done(lambda: intake.take(store, file.name, file.getvalue(), looked))
    st.button("Take it", type="primary", on_click=take, help="Into the database: all of it or nothing, and once")


def _done(act: Callable[[], str]) -> Callable[[], None]:
    """Return a callback that does something and keeps what came of it, to be said once."""

    def call() -> None:
        try:
            st.session_state[_DONE] = ("done", plain(act()))
        except SweepplanError as error:
            st.session_state[_DONE] = ("error", f"{sentence(plain(error))}  \nThe database is as it was.")

    return call


def _backup(store: Store) -> None:
    document = keeping.backup(store, access.here().account_id)
    st.link_button("Backup of everything (ZIP)", root() + SHELF.put(document), help=document.said)
    st.caption("Requests, accounts and audit are in it: keep it where only you can read it.")


def _set_aside(store: Store) -> None:
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
    picked = st.dataframe(rows, hide_index=True, on_select="rerun", selection_mode="multi-row", key=f"aside {chosen}")
    marked = [ids[row] for row in picked.selection.rows]
    st.button(
        f"Mark {len(marked)} as dealt with" if marked else "Mark as dealt with",
        disabled=not marked,
        on_click=_done(lambda: keeping.release(store, marked, by=access.here().account_id)),
        help="They leave this list, and stay in the database. Mend the file and take it again to have them read.",
    )
