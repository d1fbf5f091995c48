"""Kiosks: where the next ones should stand, for the planner, with proof."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import livemap, pictures, shown, state
from sweepplan.app.state import CURVE_K, Opened, Sited
from sweepplan.app.words import number, plain, sentence
from sweepplan.errors import SweepplanError
from sweepplan.privacy import about, share

_MAP_PX = 520


def page() -> None:
    """Show the best sites for a number of new kiosks, and what fewer or more would be worth."""
    opened = state.opened()
    top = st.container()
    drawn, asked = st.columns([5, 3], gap="medium")
    with asked:
        k, reach_m = _rules(opened)
    try:
        sited = state.sited(opened, k, reach_m)
    except SweepplanError as error:
        top.subheader(f"Kiosks · {plain(opened.city.area.label)}", anchor=False)
        top.error(sentence(plain(error)))
        return
    with top:
        _headline(opened, sited)
    with drawn:
        livemap.show(sited.view.map, key="kiosks", height=_MAP_PX)
    with asked:
        n_today = len(sited.kiosks.study.problem.fixed)
        st.vega_lite_chart(pictures.curve(sited.curve, n_today, k, opened.settings.min_count), theme=None)
    _tables(sited, reach_m)


def _rules(opened: Opened) -> tuple[int, float]:
    settings = opened.settings
    new, far = st.columns(2)
    k = new.number_input("New kiosks", 0, max(CURVE_K, settings.k), settings.k, key="new", bind="query-params")
    usual = max(round(settings.reach_m), 1)
    reach_m = far.number_input(
        "Reach on foot, metres", min(50, usual), max(2000, usual), usual, step=50, key="reach", bind="query-params"
    )
    return int(k), float(reach_m)


def _headline(opened: Opened, sited: Sited) -> None:
    judged, problem = sited.kiosks.judged, sited.kiosks.study.problem
    n_today, least = len(problem.fixed), opened.settings.min_count
    today, then = (f"{share(part, judged.total, least)} %" for part in (judged.covered_today, judged.covered))
    reach = "kiosk reaches" if n_today == 1 else "kiosks reach"
    said = f"{sentence(number(n_today))} {reach} {today} of reports within {problem.reach_m:g} m."
    if not n_today:
        said = "No kiosk stands yet."
    if problem.k:
        next_ones = f"The next {number(problem.k)}" if problem.k > 1 else "The next one"
        said += f" {next_ones} would reach {then}" + ("." if n_today else f" of reports within {problem.reach_m:g} m.")
    st.subheader(said, anchor=False)
    proof = "certified optimal" if judged.proof == "multipliers" else "optimal by the solver's word"
    if judged.gap:
        proof = f"at most {100 * judged.gap:.1f} % below the best possible"
    now, kind = opened.city.area.local(opened.as_of), sited.kiosks.study.kind
    total = judged.total if kind == "needle" else about(judged.total, least)
    counted = f"fewer than {least}" if total is None else f"{total:,.0f}"
    st.markdown(
        f"{plain(opened.city.area.label)} · {counted} {kind} reports in the year before "
        f"{now.day} {now:%B %Y} · :primary[**{proof}**]"
    )


def _tables(sited: Sited, reach_m: float) -> None:
    within = f"about so many reports a year within {reach_m:g} m on foot"
    counts = {name: st.column_config.TextColumn(alignment="right") for name in ("In reach", "Not covered today")}
    new, old = st.columns([1, 1], gap="medium")
    with new:
        table = shown.proposed(sited.view.shown)
        if table.empty:
            st.info("No new kiosk is asked for: set New kiosks to 1 or more to see where the next ones should stand.")
        else:
            st.markdown(f"**Where the next ones should stand**: {within}")
            st.dataframe(table, hide_index=True, column_config=counts)
    with old:
        table = shown.installed(sited.view.shown)
        if table.empty:
            st.info("No kiosk stands yet: name a file of installed kiosks in the settings if there are any.")
        else:
            st.markdown(f"**Kiosks today**: {within}")
            st.dataframe(table, hide_index=True, column_config=counts)
    for words in sited.view.shown.withheld_words():
        st.caption(f"Withheld: {plain(words)}.")
    st.caption(
        "Counts are reports, not needles in a box; how far a kiosk draws people beyond 200 m on foot is not known."
    )
