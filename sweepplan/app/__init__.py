"""The app: one page a role, each answers its question before anything is clicked."""

from __future__ import annotations

import streamlit as st

import sweepplan.app.hotspots as hotspots
import sweepplan.app.kiosks as kiosks
import sweepplan.app.today as today
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError

__all__ = ["main"]


def main() -> None:
    """Show the page chosen; an error of ours is one line."""
    st.set_page_config(page_title="sweepplan", layout="wide")
    pages = [
        st.Page(today.page, title="Today", url_path="today", default=True),
        st.Page(hotspots.page, title="Hotspots", url_path="hotspots"),
        st.Page(kiosks.page, title="Kiosks", url_path="kiosks"),
    ]
    chosen = st.navigation(pages, position="top")
    try:
        chosen.run()
    except SweepplanError as error:
        st.error(sentence(plain(error)))
