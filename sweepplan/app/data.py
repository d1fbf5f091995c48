"""Data: files into the database, what was set aside, and a copy of it all; for who keeps the data."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from sweepplan.app import access, intake, keeping, quarantine, starting
from sweepplan.app.documents import SHELF
from sweepplan.app.livemap import root
from sweepplan.app.options import Options, opened_store
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError
from sweepplan.pipeline import Settings
from sweepplan.store import Store


def page() -> None:
    """Show what was imported, take a new file, release rows set aside, hand out a backup."""
    store = opened_store(Options.given().store)
    imports = keeping.imports(store)
    st.subheader("Data", anchor=False)
    st.markdown(keeping.headline(store, imports))
    kind, said = st.session_state.pop(keeping.DONE, ("", ""))
    if said:
        (st.error if kind == "error" else st.success)(said)
    settings = Settings.load(Options.given().settings)
    if starting.needed(settings, imports):
        starting.show()
    left, right = st.columns([1, 1], gap="medium")
    with left:
        _take(store)
    with right:
        _feeds(store, settings, imports)
        _backup(store)
    quarantine.show(store)


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
        st.markdown("**How columns are read**")
        st.dataframe(intake.columns(looked), hide_index=True)
        said = "Change a line where the guess is wrong; what would be kept is worked out again"
        st.text_area("Mapping", looked.mapping, key=key, height=180, help=said)
    st.markdown("**What would come of it**")
    st.markdown("  \n".join(plain(line) for line in looked.lines))
    if not looked.preview.empty:
        st.dataframe(looked.preview, hide_index=True)
    take = keeping.done(lambda: intake.take(store, file.name, file.getvalue(), looked))
    st.button("Take it", type="primary", on_click=take, help="Into the database: all of it or nothing, and once")


def _feeds(store: Store, settings: Settings, imports: pd.DataFrame) -> None:
    """Show each feed with its last run and the next, the files taken, and the files the settings name."""
    st.markdown("**Feeds**: last run, and when the next is expected")
    if imports.empty:
        st.info("Nothing yet: choose a file on the left. The pages show the files that the settings name until then.")
    else:
        st.dataframe(keeping.feeds(store), hide_index=True)
        st.caption(
            "Nothing runs by itself: the next run is as the runs before were. A timer may call sweepplan import."
        )
        with st.expander("Files taken so far"):
            st.dataframe(imports, hide_index=True)
    with st.expander("Files that the settings name", expanded=imports.empty):
        st.dataframe(keeping.files(settings), hide_index=True)


def _backup(store: Store) -> None:
    document = keeping.backup(store, access.here().account_id)
    st.link_button("Backup of everything (ZIP)", root() + SHELF.put(document), help=document.said)
    st.caption("Requests, accounts and audit are in it: keep it where only you can read it.")
