"""Kiosks: where the next ones should stand, for the planner, with proof."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sweepplan.app import kiosk_rules, kiosk_tables, livemap, pictures, state
from sweepplan.app.documents import SHELF
from sweepplan.app.livemap import Clicked
from sweepplan.app.state import Opened, Sited
from sweepplan.app.words import number, plain, sentence
from sweepplan.bridge import KioskRules
from sweepplan.errors import SweepplanError
from sweepplan.privacy import about, share

_MAP_PX, _SITE, _KEPT = 520, "site", "scenarios"


def page() -> None:
    """Show the best sites under the rules asked for, what fewer or more would be worth, and why each site."""
    opened = state.opened()
    top = st.container()
    drawn, asked = st.columns([5, 3], gap="medium")
    with asked:
        rules = kiosk_rules.asked(opened)
    try:
        sited = state.sited(opened, rules)
    except SweepplanError as error:
        top.subheader(f"Kiosks · {plain(opened.city.area.label)}", anchor=False)
        top.error(sentence(plain(error)))
        return
    with top:
        _headline(opened, sited)
    with drawn:
        livemap.show(
            sited.view.map, key="kiosks", height=_MAP_PX, selected=st.session_state.get(_SITE), on_click=_clicked
        )
    with asked:
        _card(opened, sited)
        n_today = len(sited.kiosks.study.problem.fixed)
        st.vega_lite_chart(pictures.curve(sited.curve, n_today, rules.k, opened.settings.min_count), theme=None)
    _tables(opened, sited, rules)
    _leaves(sited, rules)


def _clicked(on: Clicked) -> None:
    st.session_state[_SITE] = on.selected


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
    free = share(sited.free, judged.total, least) - share(judged.covered, judged.total, least)
    cost = f" · the rules cost {free} % of reports" if free > 0 else ""
    st.markdown(
        f"{plain(opened.city.area.label)} · {counted} {kind} reports in the year before "
        f"{now.day} {now:%B %Y} · :primary[**{proof}**]{cost}"
    )


def _card(opened: Opened, sited: Sited) -> None:
    lines = kiosk_tables.site_card(
        sited.facts, sited.view.shown, st.session_state.get(_SITE), opened.settings.min_count
    )
    if lines:
        with st.container(border=True):
            st.markdown("  \n".join([f"**{plain(lines[0])}**", *(plain(line) for line in lines[1:])]))
    else:
        st.caption("Select a kiosk on the map to see why it should stand there.")


def _tables(opened: Opened, sited: Sited, rules: KioskRules) -> None:
    within = f"about so many reports a year within {rules.reach_m:g} m on foot"
    counts = {name: st.column_config.TextColumn(alignment="right") for name in ("In reach", "Not covered today")}
    new, old = st.columns([1, 1], gap="medium")
    with new:
        table = kiosk_tables.proposed(sited.view.shown)
        if table.empty:
            st.info("No new kiosk is asked for: set New kiosks to 1 or more to see where the next ones should stand.")
        else:
            st.markdown(f"**Where the next ones should stand**: {within}")
            st.dataframe(table, hide_index=True, column_config=counts)
    with old:
        table = kiosk_tables.installed(sited.view.shown)
        if table.empty:
            st.info("No kiosk stands yet: name a file of installed kiosks in the settings if there are any.")
        else:
            st.markdown(f"**Kiosks today**: {within}")
            st.dataframe(table, hide_index=True, column_config=counts)
            ledger = state.ledger(opened)
            if ledger is not None:
                st.markdown("**Ledger**: state of each, due first")
                st.dataframe(ledger, hide_index=True)
    for words in sited.view.shown.withheld_words():
        st.caption(f"Withheld: {plain(words)}.")
    st.caption(
        "Counts are reports, not needles in a box; how far a kiosk draws people beyond 200 m on foot is not known."
    )


def _leaves(sited: Sited, rules: KioskRules) -> None:
    """Offer the packet and the map, and keep choices to compare them."""
    kept = st.session_state.setdefault(_KEPT, {})
    row: DeltaGenerator = st.container(horizontal=True)
    for label, document in sited.papers.items():
        row.link_button(label, livemap.root() + SHELF.put(document))
    if row.button("Keep this choice to compare", help="It stands in a table below, beside the others kept"):
        kept[f"Choice {len(kept) + 1}"] = kiosk_tables.scenario(sited.kiosks, rules, sited.view.shown.policy.min_count)
    if kept:
        st.markdown("**Choices kept**")
        st.dataframe(kiosk_tables.scenarios(kept), hide_index=True)
