"""Kiosks, or naloxone boxes: where the next ones should stand, for the planner, with proof."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import areas, glossary, kiosk_parts, kiosk_rules, kiosk_tables, livemap, pictures, state
from sweepplan.app.livemap import Clicked
from sweepplan.app.state import Opened, Sited
from sweepplan.app.words import number, plain, sentence
from sweepplan.bridge import KioskRules
from sweepplan.errors import SweepplanError
from sweepplan.privacy import about, share
from sweepplan.tables import BOXES

_MAP_PX, _SITE = 520, "site"


def page() -> None:
    """Show the best sites under the rules asked for, what fewer or more would be worth, and why each site."""
    opened = state.opened()
    boxes = BOXES[state.sited_by(opened)][1]
    top = st.container()
    drawn, asked = st.columns([5, 3], gap="medium")
    with asked:
        rules = kiosk_rules.asked(opened)
    try:
        sited = state.sited(opened, rules)
    except SweepplanError as error:
        top.subheader(f"{boxes.capitalize()} · {plain(opened.city.area.label)}", anchor=False)
        top.error(f"{sentence(plain(error))}  \nThe rules on this page are kept: change one of them.")
        return
    with top:
        _headline(opened, sited, rules)
    with drawn:
        livemap.show(
            sited.view.map,
            key="kiosks",
            height=_MAP_PX,
            selected=st.session_state.get(_SITE),
            picking=areas.drawing(),
            rings=rules.forbidden_areas,
            corners=areas.corners(),
            on_click=_clicked,
        )
    with asked:
        _card(opened, sited, boxes)
        n_today = len(sited.kiosks.study.problem.fixed)
        least = opened.settings.min_count
        pictures.draw(pictures.curve(sited.curve, n_today, rules.k, least, boxes))
    kiosk_parts.tables(opened, sited, rules, boxes)
    kiosk_parts.effect(opened)
    kiosk_parts.leaves(sited, rules)


def _clicked(on: Clicked) -> None:
    if on.point is not None and areas.drawing():
        areas.add(on.point)
    else:
        st.session_state[_SITE] = on.selected


def _headline(opened: Opened, sited: Sited, rules: KioskRules) -> None:
    judged, problem, kind = sited.kiosks.counted, sited.kiosks.study.problem, sited.kiosks.study.kind
    n_today, least, (box, boxes) = len(problem.fixed), opened.settings.min_count, BOXES[kind]
    today, then = (f"{share(part, judged.total, least)} %" for part in (judged.covered_today, judged.covered))
    reach = f"{box} reaches" if n_today == 1 else f"{boxes} reach"
    reports = "reports" if kind == "needle" else "overdoses reported"
    said = f"{sentence(number(n_today))} {reach} {today} of {reports} within {problem.reach_m:g} m."
    if not n_today:
        said = f"No {box} stands yet."
    if problem.k:
        next_ones = f"The next {number(problem.k)}" if problem.k > 1 else "The next one"
        said += f" {next_ones} would reach {then}" + (
            "." if n_today else f" of {reports} within {problem.reach_m:g} m."
        )
    st.subheader(said, anchor=False)
    proof = "certified optimal" if judged.proof == "multipliers" else "optimal by the solver's word"
    if judged.gap:
        proof = f"at most {100 * judged.gap:.1f} % below the best possible"
    now = opened.city.area.local(opened.as_of)
    total = judged.total if kind == "needle" else about(judged.total, least)
    counted = f"fewer than {least}" if total is None else f"{total:,.0f}"
    st.markdown(
        f"{plain(opened.city.area.label)} · {counted} {kind} reports in the year before "
        f"{now.day} {now:%B %Y} · :primary[**{proof}**]",
        help=glossary.TERMS.get(proof),
    )
    for line in kiosk_tables.rule_costs(sited, rules, least):
        st.caption(plain(line))


def _card(opened: Opened, sited: Sited, boxes: str) -> None:
    lines = kiosk_tables.site_card(
        sited.facts, sited.view.shown, st.session_state.get(_SITE), opened.settings.min_count
    )
    if lines:
        with st.container(border=True):
            st.markdown("  \n".join([f"**{plain(lines[0])}**", *(plain(line) for line in lines[1:])]))
    elif sited.facts.empty:
        st.caption(f"Why each of the {boxes} stands where it does would tell of overdoses: it is not shown.")
    else:
        st.caption("Select a proposed kiosk on the map to see why it should stand there.")
