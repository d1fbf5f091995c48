"""Published plans and what crews counted, as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from sweepplan.app import access
from sweepplan.geo import Area
from sweepplan.maps.words import counted, moment_of
from sweepplan.pipeline import Shift, counts, pickup_id
from sweepplan.store import Store
from sweepplan.tables import STOP_KINDS

_MOST = 30


def versions(store: Store, area: Area) -> pd.DataFrame:
    """Return the newest published versions, newest first."""
    table = store.plans()
    table = table[table["state"] == "published"].sort_values(["plan_id", "version"], ascending=False).head(_MOST)
    return pd.DataFrame(
        {
            "Day": table["plan_id"].map(day_words),
            "Version": table["version"],
            "Published": [moment_of(area.local(at)) for at in table["at"]],
            "By": table["by"],
        }
    )


def of_day(store: Store, day: str) -> list[int]:
    """Return the published versions of a day, newest first."""
    table = store.plans()
    mine = table[(table["plan_id"] == day) & (table["state"] == "published")]
    return sorted(map(int, mine["version"]), reverse=True)


def day_words(day: str) -> str:
    """Return a day as people say it.

    Examples
    --------
    >>> day_words("2026-03-02")
    'Mon 2 Mar 2026'
    """
    at = pd.Timestamp(day)
    return f"{at:%a} {at.day} {at:%b %Y}"


def crews(shift: Shift) -> list[str]:
    """Return the crews of a shift."""
    return list(dict.fromkeys(shift.stops["crew"]))


def to_count(shift: Shift, crew: str) -> pd.DataFrame:
    """Return the stops of a crew that have no count yet, as rows of an editor; index: the places."""
    mine = shift.stops[(shift.stops["crew"] == crew) & ~shift.stops["place_id"].isin(shift.found)]
    return pd.DataFrame(
        {
            "Stop": mine["seq"].to_numpy(),
            "Where": mine["name"].to_numpy(),
            "Found": pd.array([None] * len(mine), dtype="Int64"),
            "What": mine["kind"].map(STOP_KINDS).to_numpy(),
        },
        index=pd.Index(mine["place_id"], dtype="str"),
    )


def counted_so_far(shift: Shift, crew: str) -> str:
    """Return how far the counting of a crew is, in words."""
    mine = shift.stops.loc[shift.stops["crew"] == crew, "place_id"]
    done = [shift.found[place] for place in mine if place in shift.found]
    return f"{len(done)} of {counted(len(mine), 'stop')} counted, {counted(round(sum(done)), 'needle')} found"


def entered(rows: pd.DataFrame) -> dict[str, float]:
    """Return what was written into the rows of an editor, by place."""
    given = rows["Found"].dropna()
    return {str(place): float(n) for place, n in given.items()}


def keep(store: Store, shift: Shift, found: Mapping[str, float], *, by: str) -> str:
    """Keep counts in the database, note who entered them, and say what was kept."""
    table = counts(shift, found)
    n = store.add_pickups(table)
    store.note(by, f"entered counts of {shift.day}", at=access.now(), policy="lead", rows=n)
    return f"{counted(n, 'count')} kept, {counted(round(table['needles'].sum()), 'needle')} found"


def entered_stops(shift: Shift, crew: str) -> dict[str, str]:
    """Return the stops of a crew whose count was entered here, and how they are said, in order of the route."""
    mine = shift.stops[(shift.stops["crew"] == crew) & shift.stops["place_id"].isin(shift.entered)]
    rows = zip(mine["place_id"], mine["seq"], mine["name"], strict=True)
    return {place: f"{seq} {name}: {counted(round(shift.found[place]), 'needle')}" for place, seq, name in rows}


def take_back(store: Store, shift: Shift, places: Sequence[str], *, by: str) -> str:
    """Take counts out of the database again, note who did and what they were, and say it."""
    n = store.take_back_pickups([pickup_id(shift.day, place) for place in places])
    were = ", ".join(f"{shift.found[place]:g}" for place in places)
    store.note(by, f"took back counts of {shift.day}: {were}", at=access.now(), policy="lead", rows=n)
    return f"{counted(n, 'count')} taken back: enter {'it' if n == 1 else 'them'} anew above"


def left_words(shift: Shift | None) -> str:
    """Return what the last shift left, in words; empty where none is known."""
    if shift is None:
        return ""
    if not shift.found:
        return f"no counts of {day_words(shift.day)} yet: close that shift below"
    n, silent = (
        len(shift.left),
        set(shift.stops["crew"]) - set(shift.stops["crew"][shift.stops["place_id"].isin(shift.found)]),
    )
    said = f"last shift left {counted(n, 'stop') if n else 'nothing'} (of {len(shift.stops)}, {day_words(shift.day)})"
    return said + (f", no counts of {', '.join(sorted(silent))} yet" if silent else "")
