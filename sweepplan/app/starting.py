"""The first start: a made-up city is shown, and three steps lead to one's own."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from sweepplan import demo
from sweepplan.app.options import Options
from sweepplan.pipeline import Settings

_AREA = """# area.toml
name = "Cambridge"
crs = "EPSG:32619"  # metres
tz = "America/New_York"
boundary = "boundary.geojson"
"""
_STREETS = """# with internet, once:
import osmnx
from sweepplan.streets import download_graph
graph = download_graph("Cambridge, Massachusetts", "drive")
osmnx.save_graphml(graph, "drive.graphml")
"""
_SETTINGS = """# settings.toml
area = "area.toml"
streets = "drive.graphml"
incidents = "requests.csv"
feed = "boston311"
tz = "America/New_York"
as_of = "2026-03-02 06:00"
depot = [42.37, -71.11]
"""


def needed(settings: Settings, imports: pd.DataFrame) -> bool:
    """Return whether nothing of one's own is there yet: the made-up city, and an empty database."""
    return Options.given().settings == demo.folder() / "settings.toml" and imports.empty and not settings.database


def show() -> None:
    """Show the three steps."""
    with st.container(border=True):
        st.markdown("**Your own city in three steps.** What the pages show until then is made up.")
        area, streets, reports = st.columns(3, gap="medium")
        with area:
            st.markdown("**1. Area**: name, clock, a plane in metres, boundary")
            st.code(_AREA, language="toml", wrap_lines=True)
        with streets:
            st.markdown("**2. Streets**: GraphML of OSMnx from a file, or downloaded")
            st.code(_STREETS, language="python", wrap_lines=True)
        with reports:
            st.markdown("**3. Reports**: a file and its feed; look at it below first")
            st.code(_SETTINGS, language="toml", wrap_lines=True)
        st.caption(
            "Then start: sweepplan app \\-\\-settings settings.toml. No step needs the internet but the download."
        )
