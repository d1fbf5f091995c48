"""What a planner asks of a choice of kiosks, in words."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import state
from sweepplan.app.state import CURVE_K, Opened
from sweepplan.bridge import KioskRules


def asked(opened: Opened) -> KioskRules:
    """Ask how many, how far, and what a choice must keep."""
    first, names = opened.settings.kiosk_rules, state.site_names(opened)
    settings = opened.settings
    new, far = st.columns(2)
    k = new.number_input("New kiosks", 0, max(CURVE_K, settings.k), settings.k, key="new", bind="query-params")
    usual = max(round(settings.reach_m), 1)
    reach_m = far.number_input(
        "Reach on foot, metres", min(50, usual), max(2000, usual), usual, step=50, key="reach", bind="query-params"
    )
    with st.expander("Rules: what a choice must keep"):
        must = st.multiselect("These sites, in any case", names, [n for n in names if names[n] in first.required])
        never = st.multiselect("None of these sites", names, [n for n in names if names[n] in first.forbidden])
        apart, away = st.columns(2)
        said = "Kiosks stand at least so far apart, straight line"
        spacing = apart.number_input("Metres apart", 0, 2000, round(first.spacing_m), step=50, help=said)
        said = "No new kiosk so near a school or playground, straight line"
        keep = away.number_input("Metres from schools", 0, 1000, round(first.keep_away_m), step=25, help=said)
        said = "At least so many in each district that has a site: equity, and what it costs is in the headline"
        districts = 0
        if opened.city.districts is not None:
            districts = st.number_input("In each district", 0, 5, first.per_district, help=said)
        installed = 0 if opened.city.kiosks is None else len(opened.city.kiosks)
        move = 0
        if installed:
            said = "So many of the installed kiosks may go elsewhere"
            move = st.number_input("May move", 0, installed, first.may_move or 0, help=said)
    return state.kiosk_rules(
        opened,
        k=int(k),
        reach_m=float(reach_m),
        required=tuple(names[name] for name in must),
        forbidden=tuple(names[name] for name in never),
        spacing_m=float(spacing),
        keep_away_m=float(keep),
        per_district=int(districts),
        may_move=int(move) or None,
    )
