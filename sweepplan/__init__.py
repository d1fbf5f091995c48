"""sweepplan: the open planner for sharps teams."""

from sweepplan.bridge import (
    KioskRules,
    SweepRules,
    kiosk_study,
    kiosk_table,
    open_requests,
    places_to_sweep,
    route_table,
    stop_table,
    sweep_day,
)
from sweepplan.geo import Area
from sweepplan.hotspots import Clusters, Recency, find_hotspots, forecast, rate_surface
from sweepplan.judging import judge_kiosks, judge_sweep
from sweepplan.maps import draw
from sweepplan.model import Crew, Limit
from sweepplan.pipeline import Settings, run
from sweepplan.privacy import Policy, Published, publish
from sweepplan.routing import solve_sweep
from sweepplan.siting import solve_kiosks
from sweepplan.sources import read, read_file, read_sites
from sweepplan.streets import StreetNetwork

__version__ = "0.1.0"

__all__ = [
    "Area",
    "Clusters",
    "Crew",
    "KioskRules",
    "Limit",
    "Policy",
    "Published",
    "Recency",
    "Settings",
    "StreetNetwork",
    "SweepRules",
    "draw",
    "find_hotspots",
    "forecast",
    "judge_kiosks",
    "judge_sweep",
    "kiosk_study",
    "kiosk_table",
    "open_requests",
    "places_to_sweep",
    "publish",
    "rate_surface",
    "read",
    "read_file",
    "read_sites",
    "route_table",
    "run",
    "solve_kiosks",
    "solve_sweep",
    "stop_table",
    "sweep_day",
]
