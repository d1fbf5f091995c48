"""Map ⇄ maths: tables and streets become problems, plans become tables. All id ⇄ index work is here."""

from sweepplan.bridge.kiosks import KioskRules, KioskStudy, corner_sites, kiosk_study, kiosk_table
from sweepplan.bridge.names import area_names
from sweepplan.bridge.sweeps import (
    SweepDay,
    SweepRules,
    open_requests,
    places_to_sweep,
    route_table,
    stop_table,
    sweep_day,
)

__all__ = [
    "KioskRules",
    "KioskStudy",
    "SweepDay",
    "SweepRules",
    "area_names",
    "corner_sites",
    "kiosk_study",
    "kiosk_table",
    "open_requests",
    "places_to_sweep",
    "route_table",
    "stop_table",
    "sweep_day",
]
