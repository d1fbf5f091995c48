"""Hotspots: where reports gather, whether that is a spike, and how it goes on, for public health."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import access, figures, glossary, hotspot_list, livemap, shown, spikes, state, trends
from sweepplan.app.documents import SHELF
from sweepplan.app.state import Opened, View
from sweepplan.app.words import number, plain, sentence
from sweepplan.maps.words import counted
from sweepplan.pipeline import WINDOWS, Health

_NAMES = {"needle": "Needles", "overdose": "Overdoses"}
_AGAINST = ("as long before", "a year ago")
_OF_THE_LAST = "The time that figures are of: whole days up to midnight; of whole months over where counts are rounded"
ROLES = frozenset({"lead", "analyst", "planner", "partner", "public"})


def page() -> None:
    """Show where reports of one kind gather, how many came, and how fast they were answered."""
    opened, role = state.opened(), access.seen_as(ROLES)
    title, asked = st.columns([3, 4], vertical_alignment="bottom")
    kinds = [found.kind for found in opened.hotspots]
    with asked.container(horizontal=True, horizontal_alignment="right"):
        kind = kinds[0] if len(kinds) == 1 else _choice("Reports of", kinds, "kind", "All of this page is of them")
        window = _choice("Of the last", list(WINDOWS), "window", _OF_THE_LAST)
        said = "The time that figures stand beside: as long just before, or the same weekdays a year earlier"
        against = _choice("Compared with", list(_AGAINST), "against", said)
    back_d = 364 if against == _AGAINST[1] else WINDOWS[window]
    health = state.health(opened, kind, role, window, back_d)
    now = state.gathered(opened, kind, role, window)
    with title:
        st.subheader(f"Where {_NAMES[kind].lower()} gather", anchor=False, help=glossary.TERMS["Hotspot"])
    _headline(opened, now, health, kind, against)
    spikes.panel(opened, kind, role, now.shown)
    view = _of_time(opened, now, (kind, role, window, back_d), against)
    drawn, listed = st.columns([4, 3], gap="medium")
    with drawn:
        hotspot_list.on_map(view, kind)
    with listed:
        hotspot_list.card(view, kind)
        hotspot_list.table(view, kind)
    trend, answers = st.columns([4, 3], gap="medium")
    with trend:
        trends.trend(health, opened)
        if kind == "needle":
            trends.work(opened, health, role)
    with answers:
        trends.answers(health)
        trends.compared(health)
    _data(opened, view, health, kind, role, against)


def _of_time(opened: Opened, now: View, asked: tuple[str, str, str, int], against: str) -> View:
    """Return what map and list show: now, or the time it is compared with, as it was seen then."""
    shown_of = st.segmented_control(
        "Map and list show", ["now", against], default="now", required=True, key="time", help="The same method, then"
    )
    return now if shown_of == "now" else state.gathered(opened, *asked)


def _choice(label: str, options: list[str], key: str, said: str) -> str:
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        format_func=lambda each: _NAMES.get(each, each),
        required=True,
        help=said,
        key=key,
        bind="query-params",
    )
    return str(chosen)


def _headline(opened: Opened, view: View, health: Health, kind: str, against: str) -> None:
    st.markdown(" · ".join(figures.headline(health, kind, against, opened.settings.min_count)))
    found, area = view.shown.table("hotspots"), opened.city.area
    window = view.shown.windows.get(kind)
    of = "" if window is None else f" of {figures.months_words(*window, area)}"
    if found.empty:
        st.caption(f"**No hotspot**: nowhere do enough {kind} reports{of} lie close together.")
        return
    hold = "hotspot holds" if len(found) == 1 else "hotspots hold"
    said = f"{sentence(number(len(found)))} {hold} {counted(found['n_incidents'].sum(), 'report')}{of}"
    goes = [shown.tendencies(view.shown)] if window is None else []
    st.caption(" · ".join([plain(area.label), figures.window_words(health.start, health.stop, area), said, *goes]))


def _data(opened: Opened, view: View, health: Health, kind: str, role: str, against: str) -> None:
    with st.expander("Where these figures come from"):
        st.markdown("  \n".join(plain(line) for line in figures.sources(opened, role)))
        if role == "lead":
            st.dataframe(state.quality(opened), hide_index=True)
    with st.container(horizontal=True):
        for label, document in figures.exports(opened, view, health, kind, role, against).items():
            st.link_button(label, livemap.root() + SHELF.put(document), help=document.said)
