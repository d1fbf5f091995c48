"""Map ⇄ maths: tables and streets become problems, plans become tables. All id ⇄ index work is here."""

from sweepplan.bridge.adding import ADDED, with_request
from sweepplan.bridge.alert_words import alert_message, alert_names
from sweepplan.bridge.candidates import (
    PUBLIC_PLACES,
    corner_sites,
    joined_sites,
    place_sites,
    street_sites,
    tagged_sites,
)
from sweepplan.bridge.corners import corner
from sweepplan.bridge.kiosk_effect import effect_study
from sweepplan.bridge.kiosk_facts import (
    Price,
    coverage_curve,
    hindsight,
    loss_if_gone,
    order_table,
    prices,
    site_facts,
    stability,
)
from sweepplan.bridge.kiosk_ledger import due_services, kiosk_states, working
from sweepplan.bridge.kiosks import NALOXONE_M, KioskRules, KioskStudy, Ring, counted_kiosks, kiosk_study, kiosk_table
from sweepplan.bridge.legs import leg_table
from sweepplan.bridge.lixels import piece_of, street_pieces, street_rates
from sweepplan.bridge.names import area_names
from sweepplan.bridge.rest import change_words, known_plan, rest_day
from sweepplan.bridge.routes import route_table, share_words, stop_table
from sweepplan.bridge.rules import SweepRules
from sweepplan.bridge.surroundings import (
    Surroundings,
    chance_words,
    explained,
    facts,
    hotspot_names,
    now_and_before,
    pattern_words,
    street_names,
    swept_words,
)
from sweepplan.bridge.sweeps import SweepDay, open_requests, places_to_sweep, sweep_day
from sweepplan.bridge.walking import StraightLines

__all__ = [
    "ADDED",
    "NALOXONE_M",
    "PUBLIC_PLACES",
    "KioskRules",
    "KioskStudy",
    "Price",
    "Ring",
    "StraightLines",
    "Surroundings",
    "SweepDay",
    "SweepRules",
    "alert_message",
    "alert_names",
    "area_names",
    "chance_words",
    "change_words",
    "corner",
    "corner_sites",
    "counted_kiosks",
    "coverage_curve",
    "due_services",
    "effect_study",
    "explained",
    "facts",
    "hindsight",
    "hotspot_names",
    "joined_sites",
    "kiosk_states",
    "kiosk_study",
    "kiosk_table",
    "known_plan",
    "leg_table",
    "loss_if_gone",
    "now_and_before",
    "open_requests",
    "order_table",
    "pattern_words",
    "piece_of",
    "place_sites",
    "places_to_sweep",
    "prices",
    "rest_day",
    "route_table",
    "share_words",
    "site_facts",
    "stability",
    "stop_table",
    "street_names",
    "street_pieces",
    "street_rates",
    "street_sites",
    "sweep_day",
    "swept_words",
    "tagged_sites",
    "with_request",
    "working",
]
