"""sweepplan: the open planner for sharps teams."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_ROOMS = {
    "bridge": (
        "KioskRules",
        "SweepRules",
        "kiosk_study",
        "kiosk_table",
        "open_requests",
        "places_to_sweep",
        "route_table",
        "stop_table",
        "sweep_day",
    ),
    "geo": ("Area",),
    "hotspots": ("Clusters", "Recency", "find_hotspots", "forecast", "rate_surface"),
    "judging": ("judge_kiosks", "judge_sweep"),
    "maps": ("draw",),
    "model": ("Crew", "Limit"),
    "pipeline": ("Settings", "run"),
    "privacy": ("Policy", "Published", "publish"),
    "routing": ("solve_sweep",),
    "siting": ("solve_kiosks",),
    "sources": ("read", "read_file", "read_sites"),
    "streets": ("StreetNetwork",),
}


def __getattr__(name: str) -> Any:
    """Load a room when a name of it is asked for: who only reads a file loads no solver."""
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"sweepplan.{room}"), name)
    raise AttributeError(f"module 'sweepplan' has no attribute {name!r}")


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
