"""Kiosks: where the next ones should stand, for the planner, with proof."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import pictures, shown, state
from sweepplan.app.state import CURVE_K, Opened, Sited
from sweepplan.app.words import number, plain, sentence
from sweepplan.errors import SweepplanError

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
        st.iframe(sited.view.map_html, height=_MAP_PX)
    with asked:
        n_today = len(sited.kiosks.study.problem.fixed)
        st.vega_lite_chart(pictures.curve(sited.curve, n_today, k), theme=None)
    _tables(sited, reach_m)


def _rules(opened: Opened) -> tuple[int, float]:
    settings = opened.settings
    new, far = st.columns(2)
    k = new.number_input("New kiosks", 0, max(CURVE_K, settings.k), settings.k, key="new", bind="query-params")
    reach_m = far.number_input(
        "Reach on foot, metres", 50, 2000, round(settings.reach_m), step=50, key="reach", bind="query-params"
    )
    return int(k), float(reach_m)


def _headline(opened: Opened, sited: Sited) -> None:
    judged, problem = sited.kiosks.judged, sited.kiosks.study.problem
    n_today, share = len(problem.fixed), 100 / max(judged.total, 1)
    said = f"{sentence(number(n_today))} {'kiosk reaches' if n_today == 1 else 'kiosks reach'} "
    said += f"{judged.covered_today * share:.0f} % of reports within {problem.reach_m:g} m. "
    if problem.k:
        said += f"The next {number(problem.k) if problem.k > 1 else 'one'} would reach {judged.covered * share:.0f} %."
    st.subheader(said, anchor=False)
    proof = "certified optimal" if judged.gap == 0 else f"at most {judged.gap:.1%} below the best possible"
    now = opened.city.area.local(opened.as_of)
    st.markdown(
        f"{plain(opened.city.area.label)} · {judged.total:,.0f} {sited.kiosks.study.kind} reports in the year before "
        f"{now.day} {now:%B %Y} · :primary[**{proof}**]"
    )


def _tables(sited: Sited, reach_m: float) -> None:
    within = f"reports a year within {reach_m:g} m on foot"
    counts = {name: st.column_config.NumberColumn(format="localized") for name in ("In reach", "Not covered today")}
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
        st.caption(f"Empty: {plain(words)}.")
    st.caption(
        "Counts are reports, not needles in a box; how far a kiosk draws people beyond 200 m on foot is not known."
    )
