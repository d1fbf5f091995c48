"""The first start: a made-up city is shown, and three steps lead to one's own."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from sweepplan import demo
from sweepplan.app import access, keeping
from sweepplan.app.options import Options, opened_store
from sweepplan.errors import SettingsError
from sweepplan.maps.words import counted
from sweepplan.pipeline import Founding, Settings, found_city, streets_of_place
from sweepplan.sources import FEEDS
from sweepplan.store import usual

_STREETS = "GraphML as OSMnx saves it, gzipped or not"
_PLACE = "In place of a file: asks OpenStreetMap, which then sees the city's name; takes a minute or more"
_BOUNDARY = "GeoJSON of the city's outline; empty: what the streets span. Reports outside it are set aside"
_KIOSKS = "GeoJSON or CSV with a place and, if there is one, a name; empty: the page Kiosks begins with none"
_REPORTS = "CSV, JSON or XLSX with a day, a place and what was reported, as the city gives it out"
_FEED = "Who wrote the file; plain reads any table, and guesses its columns"
_DEPOT = "Where crews start and end, latitude and longitude; empty: the middle of the city"
_MAKE = "Reads all that is given, and keeps it in a folder of its own; nothing is kept where one of them cannot be read"


def needed(settings: Settings, imports: pd.DataFrame) -> bool:
    """Return whether nothing of one's own is there yet: the made-up city, and an empty database."""
    return Options.given().settings == demo.folder() / "settings.toml" and imports.empty and not settings.database


def folder() -> Path:
    """Return where cities made here are kept: beside the database that is usual."""
    return Path(usual()).parent / "cities"


def show() -> None:
    """Ask for one's own city in three steps."""
    zones = sorted(zone for zone in available_timezones() if "/" in zone)
    with st.form("found", border=True):
        st.markdown("**Your own city in three steps.** What the pages show until then is made up.")
        area, streets, reports = st.columns(3, gap="medium")
        with area:
            st.markdown("**1. City**")
            name = st.text_input("Name", placeholder="Cambridge", max_chars=60, help="As maps and sheets call it")
            tz = st.selectbox("Clock", zones, zones.index("America/New_York"), help="The city's time zone")
            depot = st.text_input("Depot", placeholder="42.3390, -71.0720", help=_DEPOT)
            outline = st.file_uploader("Boundary, if you have one", type=["geojson", "json"], help=_BOUNDARY)
        with streets:
            st.markdown("**2. Streets**")
            graph = st.file_uploader("Streets of the city", type=["graphml", "gz"], help=_STREETS)
            place = st.text_input("Or download those of", placeholder="Cambridge, Massachusetts", help=_PLACE)
        with reports:
            st.markdown("**3. Reports**")
            table = st.file_uploader("Reports of needles", type=["csv", "json", "xlsx"], help=_REPORTS)
            feed = st.selectbox("Written by", list(FEEDS), key="found_feed", help=_FEED)
            kiosks = st.file_uploader("Kiosks that stand, if any", type=["geojson", "json", "csv"], help=_KIOSKS)
        if st.form_submit_button("Make my city", type="primary", help=_MAKE):
            files = Files(graph, table, outline, kiosks)
            keeping.done(lambda: made(name, tz, depot, feed, files, place.strip()))()
            st.rerun()


@dataclass(frozen=True)
class Files:
    """What was chosen; the first two are needed."""

    streets: UploadedFile | None
    reports: UploadedFile | None
    boundary: UploadedFile | None = None
    kiosks: UploadedFile | None = None


def made(name: str, tz: str, depot: str, feed: str, files: Files, place: str = "") -> str:
    """Make the city, and say what was read and how it is opened.

    Raises
    ------
    SettingsError
        A file is missing, or a value is none; as :func:`found_city` otherwise.
    """
    table = files.reports
    if files.streets is None and not place:
        raise SettingsError("no streets: choose the file in step 2, or name a place")
    if table is None:
        raise SettingsError("no reports: choose the file in step 3")
    with st.spinner("Reading streets"):
        streets = files.streets.getvalue() if files.streets is not None else streets_of_place(place)
    given = Founding(
        name,
        tz,
        streets,
        table.getvalue(),
        Path(table.name).suffix,
        feed,
        _spot(depot),
        None if files.boundary is None else files.boundary.getvalue(),
        None if files.kiosks is None else files.kiosks.getvalue(),
    )
    with st.spinner("Reading streets and reports"):
        found = found_city(given, folder())
    opened_store(Options.given().store).note(
        access.here().account_id, "made a city of files", at=access.now(), rows=found.n_reports
    )
    why = ", ".join(f"{n:,} {reason}" for reason, n in found.aside.items())
    aside = f", {counted(sum(found.aside.values()), 'row')} set aside ({why})" if found.aside else ""
    read = f"{counted(found.n_streets, 'piece')} of street, {counted(found.n_reports, 'report')}{aside}"
    return f"{name.strip()} is made: {read}. Open it with: sweepplan app --settings {shlex.quote(str(found.settings))}"


def _spot(words: str) -> tuple[float, float] | None:
    if not words.strip():
        return None
    try:
        lat, lon = (float(part) for part in words.split(","))
    except ValueError as error:
        raise SettingsError(f"depot {words!r}: write latitude, longitude in degrees, e.g. 42.3390, -71.0720") from error
    return lat, lon
