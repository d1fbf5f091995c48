"""Where the map changed since last month, in words and in JSON: only what passed the gate."""

from __future__ import annotations

from typing import Any

from sweepplan import bridge
from sweepplan.pipeline import HotspotRun
from sweepplan.report.alerts import named_alerts, plain_alerts


def change_summary(run: HotspotRun) -> dict[str, Any]:
    """Return by kind what rose and what fell, as plain values; where nothing can be said, why."""
    told = plain_alerts(named_alerts(run.shown), run.area)
    return {
        each.kind: {"unknown": each.unknown}
        if each.unknown
        else {way: [one for one in told if one["kind"] == each.kind and one["method"] == way] for way in _WAYS}
        for each in run.changed
    }


def change_lines(run: HotspotRun) -> list[str]:
    """Return the same in plain words."""
    table = named_alerts(run.shown)
    said = []
    for each in run.changed:
        mine = table[table["kind"] == each.kind]
        if each.unknown:
            said.append(f"{each.kind} map since last month: cannot be said: {each.unknown}")
        elif mine.empty:
            said.append(f"{each.kind} map since last month: no place stands out")
        else:
            said.append(f"{each.kind} map since last month:")
            said += [f"  {bridge.alert_message(alert)}" for alert in mine.itertuples()]
    return said


_WAYS = ("risen", "fallen")
