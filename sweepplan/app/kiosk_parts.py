"""Below the map of kiosks: where they stand, their ledger, whether they worked, what leaves, choices kept."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sweepplan.app import glossary, kiosk_tables, livemap, state
from sweepplan.app.documents import SHELF
from sweepplan.app.state import Opened, Sited
from sweepplan.app.words import plain
from sweepplan.bridge import KioskRules

_KEPT = "scenarios"


def tables(opened: Opened, sited: Sited, rules: KioskRules, boxes: str) -> None:
    """Show new and standing ones in tables."""
    needles = sited.kiosks.study.kind == "needle"
    within = f": about so many reports a year within {rules.reach_m:g} m on foot" if needles else ""
    counts = {
        name: st.column_config.TextColumn(alignment="right", help=glossary.TERMS[name])
        for name in ("In reach", "Not covered today")
    }
    new, old = st.columns([1, 1], gap="medium")
    with new:
        table = kiosk_tables.proposed(sited.view.shown)
        if table.empty:
            st.info(f"Nothing new is asked for: set New {boxes} to 1 or more to see where the next ones should stand.")
        else:
            st.markdown(f"**Where the next ones should stand**{within}")
            st.dataframe(table if needles else table[["Rank", "Where"]], hide_index=True, column_config=counts)
    with old:
        table = kiosk_tables.installed(sited.view.shown)
        if table.empty:
            st.info(f"None of the {boxes} stands yet: name a file of installed ones in the settings if there are any.")
        else:
            st.markdown(f"**{boxes.capitalize()} today**{within}")
            st.dataframe(table if needles else table[["Where"]], hide_index=True, column_config=counts)
        ledger = state.ledger(opened) if needles else None
        if ledger is not None:
            st.markdown(f"**Ledger**: {kiosk_tables.ledger_words(ledger)}")
            st.dataframe(ledger, hide_index=True, column_config={"Kiosk": st.column_config.Column(width=190)})
    for words in sited.view.shown.withheld_words():
        st.caption(f"Withheld: {plain(words)}.")
    if needles:
        said = "Counts are reports, not needles in a box; how far a kiosk draws people beyond 200 m is not known."
    else:
        said = "Overdoses that nobody called for are in no figure; of those that were, no place and no count is shown."
    st.caption(f"What this cannot say: {said}")


def effect(opened: Opened) -> None:
    """Say whether kiosks that came while reports were kept did anything."""
    if state.sited_by(opened) != "needle" or opened.city.ledger is None:
        return
    with st.expander("Did a kiosk work? Before and after, beside hot spots that have none"):
        found = state.effect(opened)
        if found.judged is None:
            st.info(f"That cannot be said: {plain(found.unknown)}.")
            return
        st.markdown("  \n".join(plain(line) for line in kiosk_tables.effect_lines(found, opened)))
        st.caption(
            "What this cannot say: that the kiosk did it. Reports may move to the next corner, and whoever reported "
            "may have stopped. A plain before and after is not shown: kiosks are put where it was worst."
        )


def leaves(sited: Sited, rules: KioskRules) -> None:
    """Offer the packet and the map, and keep choices to compare them."""
    kept = st.session_state.setdefault(_KEPT, {})
    row: DeltaGenerator = st.container(horizontal=True)
    for label, document in sited.papers.items():
        row.link_button(label, livemap.root() + SHELF.put(document), help=document.said)
    if row.button("Keep this choice to compare", help="It stands in a table below, beside the others kept"):
        kept[f"Choice {len(kept) + 1}"] = kiosk_tables.scenario(sited.kiosks, rules, sited.view.shown.policy.min_count)
    if kept:
        st.markdown("**Choices kept**")
        st.dataframe(kiosk_tables.scenarios(kept), hide_index=True)
