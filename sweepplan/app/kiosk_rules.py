"""What a planner asks of a choice of kiosks, in words."""

from __future__ import annotations

from typing import Any

import streamlit as st

from sweepplan.app import areas, state
from sweepplan.app.state import CURVE_K, Opened
from sweepplan.bridge import KioskRules
from sweepplan.tables import BOXES


def asked(opened: Opened) -> KioskRules:
    """Ask how many, how far, and what a choice must keep."""
    settings, (_, boxes) = opened.settings, BOXES[state.sited_by(opened)]
    new, far = st.columns(2)
    most, said = max(CURVE_K, settings.k), f"How many {boxes} more there is money for"
    k = new.number_input(f"New {boxes}", 0, most, settings.k, key="new", bind="query-params", help=said)
    usual = max(round(settings.reach_m), 1)
    reach_m = far.number_input(
        "Reach on foot, metres",
        min(50, usual),
        max(2000, usual),
        usual,
        step=50,
        key="reach",
        bind="query-params",
        help="How far people walk, along the streets; a report within it counts as covered",
    )
    with st.expander("Rules: what a choice must keep", expanded=areas.begun()):
        rules = {**_places(opened, boxes), **_distances(settings.kiosk_rules, boxes), **_fairness(opened, boxes)}
    return state.kiosk_rules(opened, k=int(k), reach_m=float(reach_m), **rules)


def _places(opened: Opened, boxes: str) -> dict[str, Any]:
    """Ask which sites must or must not be taken, and where none may stand."""
    first, names = opened.settings.kiosk_rules, state.site_names(opened)
    said = "One stands at each of them, whatever else is chosen"
    must = st.multiselect(
        "These sites, in any case", names, [n for n in names if names[n] in first.required], help=said
    )
    said = "None stands at any of them"
    never = st.multiselect("None of these sites", names, [n for n in names if names[n] in first.forbidden], help=said)
    return {
        "required": tuple(names[name] for name in must),
        "forbidden": tuple(names[name] for name in never),
        "forbidden_areas": areas.ask(first.forbidden_areas, boxes),
    }


def _distances(first: KioskRules, boxes: str) -> dict[str, Any]:
    apart, away = st.columns(2)
    said = f"{boxes.capitalize()} stand at least so far apart, straight line"
    spacing = apart.number_input("Metres apart", 0, 2000, round(first.spacing_m), step=50, help=said)
    said = f"None of the new {boxes} so near a school or playground, straight line"
    keep = away.number_input("Metres from schools", 0, 1000, round(first.keep_away_m), step=25, help=said)
    return {"spacing_m": float(spacing), "keep_away_m": float(keep)}


def _fairness(opened: Opened, boxes: str) -> dict[str, Any]:
    """Ask for a least number in each district, how many may move, how much reports near children count."""
    first, rules = opened.settings.kiosk_rules, dict[str, Any]()
    if opened.city.districts is not None:
        said = "At least so many in each district that has a site: equity; what it costs stands below"
        rules["per_district"] = int(st.number_input("In each district", 0, 5, first.per_district, help=said))
    sharps = opened.settings.boxes == "sharps"
    installed = len(opened.city.kiosks) if sharps and opened.city.kiosks is not None else 0
    if installed:
        said = f"So many of the installed {boxes} may go elsewhere"
        rules["may_move"] = int(st.number_input("May move", 0, installed, first.may_move or 0, help=said)) or None
    if opened.city.around.sites is not None:
        said = "A report within 200 m of a school or playground counts so much more when sites are chosen. "
        said += "All figures stay plain reports"
        weight = st.number_input("Reports near children count more by", 0.0, 5.0, first.children_weight, 0.5, help=said)
        rules["children_weight"] = float(weight)
    return rules
