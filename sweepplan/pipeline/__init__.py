"""The whole walk, once, for command line, app and notebook: read, find, sweep, site, publish."""

from sweepplan.pipeline.alerts import ALARMS, Watched, alerts_only, tell_alerts
from sweepplan.pipeline.candidates import Servers, area_of_place, download_candidates, streets_of_place
from sweepplan.pipeline.city import City, load_city, read_reports
from sweepplan.pipeline.crews import crew_of, crew_told
from sweepplan.pipeline.editing import Edited, SoFar, plan_body, worth_so_far
from sweepplan.pipeline.effect import Effect, kiosk_effect
from sweepplan.pipeline.founding import Founded, Founding, found_city
from sweepplan.pipeline.gathering import Changed, HotspotRun, Spikes, changes, hotspots_only, spikes
from sweepplan.pipeline.health import HOTSPOT, WINDOWS, Course, Health, course, health
from sweepplan.pipeline.news import News
from sweepplan.pipeline.progress import Progress, quiet
from sweepplan.pipeline.reopening import reopened
from sweepplan.pipeline.replan import go_on, replan
from sweepplan.pipeline.settings import Change, Settings, file_hash
from sweepplan.pipeline.shifts import Shift, counts, last_shift, pickup_id, published_days, shift_of, with_counts
from sweepplan.pipeline.stops import Known, StopFacts, place_of, stop_facts, stop_of
from sweepplan.pipeline.stored import Bringing, import_file
from sweepplan.pipeline.walk import (
    CLUSTERS,
    FORECAST,
    Hotspots,
    Kiosks,
    Run,
    Stage,
    Sweep,
    Watch,
    find,
    gathered,
    kiosk_curve,
    plan_kiosks,
    plan_sweep,
    run,
    show,
    sweep_places,
)
from sweepplan.pipeline.work import Work, work

__all__ = [
    "ALARMS",
    "CLUSTERS",
    "FORECAST",
    "HOTSPOT",
    "WINDOWS",
    "Bringing",
    "Change",
    "Changed",
    "City",
    "Course",
    "Edited",
    "Effect",
    "Founded",
    "Founding",
    "Health",
    "HotspotRun",
    "Hotspots",
    "Kiosks",
    "Known",
    "News",
    "Progress",
    "Run",
    "Servers",
    "Settings",
    "Shift",
    "SoFar",
    "Spikes",
    "Stage",
    "StopFacts",
    "Sweep",
    "Watch",
    "Watched",
    "Work",
    "alerts_only",
    "area_of_place",
    "changes",
    "counts",
    "course",
    "crew_of",
    "crew_told",
    "download_candidates",
    "file_hash",
    "find",
    "found_city",
    "gathered",
    "go_on",
    "health",
    "hotspots_only",
    "import_file",
    "kiosk_curve",
    "kiosk_effect",
    "last_shift",
    "load_city",
    "pickup_id",
    "place_of",
    "plan_body",
    "plan_kiosks",
    "plan_sweep",
    "published_days",
    "quiet",
    "read_reports",
    "reopened",
    "replan",
    "run",
    "shift_of",
    "show",
    "spikes",
    "stop_facts",
    "stop_of",
    "streets_of_place",
    "sweep_places",
    "tell_alerts",
    "with_counts",
    "work",
    "worth_so_far",
]
