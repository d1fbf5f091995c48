"""The whole walk, once, for command line, app and notebook: read, find, sweep, site, publish."""

from sweepplan.pipeline.alerts import ALARMS, Watched, alerts_only
from sweepplan.pipeline.city import City, load_city, read_reports
from sweepplan.pipeline.gathering import Changed, HotspotRun, changes, hotspots_only
from sweepplan.pipeline.progress import Progress, quiet
from sweepplan.pipeline.replan import News, replan
from sweepplan.pipeline.settings import Settings, file_hash
from sweepplan.pipeline.stored import Bringing, import_file
from sweepplan.pipeline.walk import (
    CLUSTERS,
    FORECAST,
    Hotspots,
    Kiosks,
    Run,
    Sweep,
    find,
    gathered,
    kiosk_curve,
    plan_kiosks,
    plan_sweep,
    run,
    show,
)

__all__ = [
    "ALARMS",
    "CLUSTERS",
    "FORECAST",
    "Bringing",
    "Changed",
    "City",
    "HotspotRun",
    "Hotspots",
    "Kiosks",
    "News",
    "Progress",
    "Run",
    "Settings",
    "Sweep",
    "Watched",
    "alerts_only",
    "changes",
    "file_hash",
    "find",
    "gathered",
    "hotspots_only",
    "import_file",
    "kiosk_curve",
    "load_city",
    "plan_kiosks",
    "plan_sweep",
    "quiet",
    "read_reports",
    "replan",
    "run",
    "show",
]
