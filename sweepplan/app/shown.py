"""Published tables as people read them: columns with names, times on the city's clock, trends in words."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import time

import numpy as np
import pandas as pd

from sweepplan import bridge
from sweepplan.app.words import Waiting, against
from sweepplan.errors import SettingsError, SweepplanError
from sweepplan.geo import Area
from sweepplan.maps.crews import over_due
from sweepplan.maps.words import counted, moment_of, short
from sweepplan.model import Crew
from sweepplan.pipeline import StopFacts, Sweep, editing
from sweepplan.privacy import Published
from sweepplan.routing import Change
from sweepplan.tables import STOP_KINDS

Rows = pd.DataFrame
"""Rows of the crew editor: Crew, Start, End, Moves, Break from, Break until."""

MOVES = {"drive": "drive", "park-and-walk": "park and walk", "walk": "walk"}
"""How crews get about, in words."""

_RISING, _FALLING = 1.25, 0.8
_MOST_CREWS = 10
_NAMED = 3


def crew_rows(crews: Iterable[Crew]) -> Rows:
    """Return crews as the rows of an editor."""
    columns = ["Crew", "Start", "End", "Moves", "Break from", "Break until"]
    rows = [(each.name, each.start, each.end, MOVES[each.mode], each.break_from, each.break_until) for each in crews]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def crews_of(rows: Rows, known: Iterable[Crew] = ()) -> tuple[Crew, ...]:
    """Return the crews of an editor's rows; one without a name gets the next free letter.

    One that is ``known`` by its name keeps all that the editor does not ask: containers, skills, zones, depot.

    Raises
    ------
    SettingsError, ProblemError
        No crew or too many, a name that stands twice, or a shift that is no shift.
    """
    given = [str(name).strip() for name in rows["Crew"].fillna("")]
    twice = sorted({name for name in given if name and given.count(name) > 1})
    if twice:
        raise SettingsError(f"crew {twice[0]!r} stands twice: give each crew its own name")
    if not 1 <= len(given) <= _MOST_CREWS:
        raise SettingsError(f"{len(given)} crews: give 1 to {_MOST_CREWS}")
    free = iter([letter for letter in "ABCDEFGHIJKLMNOPQRST" if letter not in given])
    crews = []
    modes = {words: mode for mode, words in MOVES.items()}
    for name, row in zip(given, rows.to_dict("records"), strict=True):
        called = name or next(free)
        start, end, first, last = (_time(row[of]) for of in ("Start", "End", "Break from", "Break until"))
        if start is None or end is None:
            raise SettingsError(f"crew {called!r}: a shift without start or end: give both, e.g. 08:00 and 16:00")
        was = {crew.name: crew for crew in known}.get(called, Crew(called))
        mode = modes.get(row["Moves"], was.mode)
        crews.append(dataclasses.replace(was, start=start, end=end, mode=mode, break_from=first, break_until=last))
    return tuple(crews)


def _time(given: object) -> time | None:
    return given if isinstance(given, time) else None


def asks_for(rows: Rows, crews: tuple[Crew, ...]) -> bool:
    """Return whether an editor's rows ask for just these crews."""
    try:
        return crews_of(rows, crews) == crews
    except SweepplanError:
        return False


def waiting_words(waits: Waiting) -> list[str]:
    """Return what waits, each figure with its neighbour, for Markdown; empty where there is nothing to say."""
    return [_open_words(waits), _over_words(waits), _kiosk_words(waits)]


def _open_words(waits: Waiting) -> str:
    """Return how many requests are open, beside yesterday's, for Markdown."""
    if not waits.n_open:
        return "**No open request**: press Plan to send crews where most needles are expected"
    return f"**{counted(waits.n_open, 'open request')}** ({against(waits.n_open, waits.n_before, 'yesterday')})"


def _over_words(waits: Waiting) -> str:
    """Return how many of them are over due, beside yesterday's, for Markdown; nothing where none is open."""
    if not waits.n_open:
        return ""
    if not waits.n_over_due:
        return f"none over due ({waits.n_over_before:,} yesterday)" if waits.n_over_before else "none over due"
    return f":red[**{waits.n_over_due:,} over due**] ({against(waits.n_over_due, waits.n_over_before, 'yesterday')})"


def _kiosk_words(waits: Waiting) -> str:
    """Return how many kiosks are to be serviced, of how many; nothing where nobody knows."""
    if waits.n_kiosks is None:
        return ""
    return f"**{counted(waits.n_kiosks, 'kiosk')} to service** (of {waits.of_kiosks:,})"


def routes(shown: Published) -> pd.DataFrame:
    """Return one row a crew that goes out."""
    table, stops = shown.table("routes"), shown.table("stops")
    requests = stops[stops["kind"] == "request"].groupby("crew").size()
    streets = stops[stops["kind"] == "street"].groupby("crew")["name"].nunique()
    return pd.DataFrame(
        {
            "Crew": table.index.to_numpy(),
            "Stops": table["n_stops"].to_numpy(),
            "Needles expected": table["expected_needles"].to_numpy(),
            "Back": _times(table["ends_at"], shown).to_numpy(),
            "Distance": table["drive_m"].map(shown.area.distance).to_numpy(),
            "Requests": requests.reindex(table.index, fill_value=0).to_numpy(),
            "Streets": streets.reindex(table.index, fill_value=0).to_numpy(),
            "Leaves": _times(table["starts_at"], shown).to_numpy(),
        }
    )


def stops(shown: Published, crew: str) -> pd.DataFrame:
    """Return the stops of one crew in order."""
    table = shown.table("stops")
    mine = table[table["crew"] == crew].sort_values("seq")
    late = over_due(shown.table("routes"), mine, as_of=None)
    due = mine["due_at"].map(lambda at: "" if pd.isna(at) else moment_of(shown.local(at)))
    return pd.DataFrame(
        {
            "Stop": mine["seq"],
            "Arrives": _times(mine["arrives_at"], shown),
            "Where": mine["name"],
            "What": mine["kind"].map(STOP_KINDS),
            "Needles expected": mine["expected_needles"],
            "Due": due.mask(late, due + ", over due"),
            "Leaves": _times(mine["leaves_at"], shown),
        }
    )


def places(shown: Published, crew: str) -> list[str]:
    """Return the places of a crew's stops in order."""
    table = shown.table("stops")
    return [str(place) for place in table[table["crew"] == crew].sort_values("seq")["place_id"]]


def crew_names(shown: Published) -> list[str]:
    """Return the crews that go out."""
    return [str(crew) for crew in shown.table("routes").index]


def done_places(shown: Published, crew: str, n: int) -> list[str]:
    """Return the places of a crew's first ``n`` stops; emptying the containers is none."""
    table = shown.table("stops")
    mine = table[(table["crew"] == crew) & (table["seq"] <= n) & (table["kind"] != "unload")]
    return [str(place) for place in mine["place_id"]]


def done_by(shown: Published, crew: str, at: time) -> int:
    """Return how many stops a crew has finished by a time of the day, as planned."""
    table = shown.table("stops")
    mine = table.loc[table["crew"] == crew, "leaves_at"]
    moment = shown.local(shown.table("routes")["starts_at"][crew]).normalize() + pd.Timedelta(
        hours=at.hour, minutes=at.minute
    )
    return int((mine <= moment).sum())


def left_places(shown: Published) -> list[str]:
    """Return the places of the requests that no crew reaches."""
    table = shown.table("stops")
    return [str(place) for place in table["place_id"][table["crew"].isna()]]


def n_stops(shown: Published, crew: str) -> int:
    """Return how many stops a crew has."""
    return int((shown.table("stops")["crew"] == crew).sum())


def card(facts: StopFacts, area: Area, as_of: pd.Timestamp) -> list[str]:
    """Return what there is to say of a stop, a line each."""

    def at(moment: pd.Timestamp) -> str:
        return moment_of(area.local(moment))

    lines = [STOP_KINDS[facts.kind]]
    if facts.reported_at is not None:
        hours = (as_of - facts.reported_at).total_seconds() / 3600
        lines[0] += f", reported {at(facts.reported_at)}, {waited(hours)} ago"
    if facts.due_at is not None:
        late = facts.due_at < (facts.arrives_at or as_of)
        lines.append(f"{'Over due since' if late else 'Due'} {at(facts.due_at)}")
    if facts.left_out is not None:
        lines.append(f"No crew goes there: {facts.left_out}")
    elif facts.arrives_at is not None and facts.leaves_at is not None:
        begin, end = area.local(facts.arrives_at), area.local(facts.leaves_at)
        lines.append(f"Crew {facts.crew}, {begin:%H:%M} to {end:%H:%M}")
    why = f"{counted(facts.n_month, 'report')} within 60 m in 4 weeks, {facts.n_year:,} in a year"
    lines.append(f"Why here: {why}" + (f"; hotspot {facts.hotspot}" if facts.hotspot else ""))
    if facts.expected is not None:
        lines.append(f"{short(facts.expected)} needle{'' if facts.expected == 1 else 's'} expected")
    if facts.swept_d is not None:
        lines.append(f"Last swept {waited(24 * facts.swept_d)} ago")
    return lines


def waited(hours: float) -> str:
    """Return a time that has passed, in words.

    Examples
    --------
    >>> waited(0.4), waited(5.2), waited(60)
    ('24 min', '5 h', '2 days')
    """
    if hours < 1:
        return f"{60 * hours:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def compared(before: Sweep, now: Sweep) -> str:
    """Return what a plan is worth beside the one before, e.g. ``needles 466 → 470``; what stayed is not said."""
    told = {"requests": "{:.0f}", "needles": "{:.0f}", "stops": "{:.0f}", "hours of travel": "{:.1f}"}
    old, new = editing.figures(before), editing.figures(now)
    pairs = {name: (form.format(old[name]), form.format(new[name])) for name, form in told.items()}
    moved = [f"{name} {was} → {has}" for name, (was, has) in pairs.items() if was != has]
    return " · ".join(moved) or "as many requests, needles and stops as before"


def left_out(shown: Published) -> pd.DataFrame:
    """Return the open requests that no crew reaches, with the reason."""
    table = shown.table("stops")
    left = table[table["crew"].isna()]
    due = left["due_at"].map(lambda at: "" if pd.isna(at) else moment_of(shown.local(at)))
    return pd.DataFrame({"Request at": left["name"], "Due": due, "Left out because": left["reason"]})


def reasons(shown: Published) -> list[str]:
    """Return in words how many requests are left out for which reason, without its figures where they differ."""
    left = left_out(shown)["Left out because"].astype("str")
    alike = left.map(lambda reason: reason.partition(": ")[0])
    told = left.where(left.groupby(alike).transform("nunique") == 1, alike)
    return [f"{n} left out: {reason}" for reason, n in told.value_counts().items()]


def promise(shown: Published, as_of: pd.Timestamp) -> str:
    """Return in words which requests are reached, which of them in time, and which were over due before the day."""
    table = shown.table("stops")
    requests = table[table["kind"] == "request"]
    served = requests[requests["crew"].notna()]
    late = served["due_at"] < served["arrives_at"]
    before = late & (served["due_at"] < as_of)
    if requests.empty:
        return "No open request: crews sweep where most needles are expected"
    reached = f"All {len(requests)}" if len(served) == len(requests) else f"{len(served)} of {len(requests)}"
    if not late.any():
        return f"{reached} requests reached, {'all' if len(served) == len(requests) else len(served)} in time"
    return f"{reached} requests reached, {(~late).sum()} in time, {late.sum()} late ({before.sum()} over due already)"


def begun(sweep: Sweep, area: Area) -> str:
    """Return since when the rest of a day is planned, and what was done before; nothing of a whole day."""
    if sweep.begun is None or sweep.since is None:
        return ""
    done = sweep.begun.done.groupby("crew").size()
    each = ", ".join(f"{crew} {n}" for crew, n in done.items())
    return f"From {area.local(sweep.since):%H:%M} on, {counted(int(done.sum()), 'stop')} done before ({each}): "


def change_line(change: Change, names: Mapping[str, str]) -> str:
    """Return in a line what is new for a crew; stops by name where they are few, else counted.

    Examples
    --------
    >>> change = Change("B", (("p1", "A"), ("p2", "new")), tuple((f"p{k}", "left out") for k in range(5)), 31, 33)
    >>> change_line(change, {"p1": "Albany St", "p2": "Peters Park"})
    'B: + Albany St (from A), Peters Park (new); - 5 stops (left out); 31 of 33 legs as before'
    """

    def told(sign: str, moves: Sequence[tuple[str, str]]) -> list[str]:
        if not moves:
            return []
        if len(moves) <= _NAMED:
            return [f"{sign} " + ", ".join(f"{names[place]} ({where})" for place, where in moves)]
        counts = Counter(where for _, where in moves)
        if len(counts) == 1:
            return [f"{sign} {len(moves)} stops ({next(iter(counts))})"]
        return [f"{sign} {len(moves)} stops ({', '.join(f'{n} {where}' for where, n in counts.most_common())})"]

    gained = [(place, was if was in ("new", "not planned") else f"from {was}") for place, was in change.gained]
    lost = [(place, to if to == "left out" else f"to {to}") for place, to in change.lost]
    kept = f"{change.kept_legs} of {change.legs} legs as before" if change.legs else "nowhere left to go"
    return f"{change.crew}: {'; '.join([*told('+', gained), *told('-', lost), kept])}"


def changes(before: Published, now: Published) -> list[str]:
    """Return what is new for each crew since the plan ``before``, a line a crew."""
    old, new = (_places(shown) for shown in (before, now))
    said = []
    for crew in sorted({*old, *new}):
        was, has = old.get(crew, set()), new.get(crew, set())
        if was == has:
            said.append(f"{crew}: the same stops")
        elif not was or not has:
            said.append(f"{crew}: {f'goes out, {len(has)} stops' if has else 'stays in'}")
        else:
            said.append(f"{crew}: {len(has - was)} stops new, {len(was - has)} gone, {len(was & has)} as before")
    return said


def _places(shown: Published) -> dict[str, set[str]]:
    table = shown.table("stops")
    return {str(crew): set(places) for crew, places in table.groupby("crew")["place_id"]}


def hotspots(shown: Published) -> pd.DataFrame:
    """Return one row a hotspot, in the order and with the numbers of the map; none counted by half-year has dates."""
    table = shown.table("hotspots")
    named = bridge.hotspot_names(table, shown.table("streets"))
    dated = not table["kind"].isin(list(shown.windows)).any()
    since, last = (table[f"{which}_reported_at"].map(shown.local) for which in ("first", "last"))
    rows = pd.DataFrame(
        {
            "No.": np.arange(1, len(table) + 1),
            "Hotspot": named.mask(named == "", "no named street").to_numpy(),
            "Reports": table["n_incidents"].to_numpy(),
            "4 weeks": table["n_last"].mask(table["n_before"].isna()).astype("Int64").to_numpy(),
            "4 before": table["n_before"].astype("Int64").to_numpy(),
            "Trend": table["trend"].map(trend).to_numpy() if table["trend"].notna().any() else None,
            "How it came": [bridge.pattern_words(pattern) or None for pattern in table["pattern"]],
            "By chance": table["p_value"].map(lambda p: bridge.chance_words(p).partition(": ")[2] or None).to_numpy(),
            "Swept": table["swept_d"].map(lambda d: bridge.swept_words(d) or None).to_numpy(),
            "School or playground": table["near"].to_numpy(),
            "Since": since.map(lambda at: f"{at:%b %Y}").to_numpy() if dated else None,
            "Last": last.map(day_of).to_numpy() if dated else None,
        }
    )
    rows = rows.dropna(axis="columns", how="all") if len(rows) else rows
    words = [name for name in ("How it came", "By chance", "Swept", "School or playground") if name in rows]
    return rows.assign(**{name: rows[name].fillna("") for name in words})


def hotspot_card(shown: Published, hotspot: str | None) -> list[str]:
    """Return a hotspot's number and name, then what its row says, a line each; nothing where there is none such."""
    found = shown.table("hotspots").index.astype(str) == hotspot
    if not found.any():
        return []
    row = hotspots(shown)[found].iloc[0]
    said = row.drop(["No.", "Hotspot"]).dropna()
    return [f"{row['No.']}. {row['Hotspot']}", *(f"{column}: {value}" for column, value in said.items() if value != "")]


def day_of(at: pd.Timestamp) -> str:
    """Return the day of a moment on its own clock."""
    return f"{at.day} {at:%b %Y}"


def trend(ratio: float) -> str:
    """Return the ratio of the last 28 days to the 28 before, in words: a figure would tell of small counts.

    Examples
    --------
    >>> trend(1.5), trend(0.5), trend(1.1), trend(float("nan"))
    ('↑ rising', '↓ falling', '→ steady', 'unknown')
    """
    if math.isnan(ratio):
        return "unknown"
    if _FALLING < ratio < _RISING:
        return "→ steady"
    return "↑ rising" if ratio > 1 else "↓ falling"


def tendencies(shown: Published) -> str:
    """Return in words how many hotspots rise, fall, stay."""
    counts = shown.table("hotspots")["trend"].map(trend).str.split().str[-1].value_counts()
    return ", ".join(f"{counts[word]} {word}" for word in ("rising", "falling", "steady", "unknown") if word in counts)


def quality(table: pd.DataFrame) -> pd.DataFrame:
    """Return the quality of each file in columns with names, reasons in words."""

    def told(counts: dict[str, int]) -> str:
        return ", ".join(f"{n:,} {reason}" for reason, n in counts.items()) or "none"

    return pd.DataFrame(
        {
            "File": table.index,
            "Rows": table["rows_in"].to_numpy(),
            "Kept": table["kept"].to_numpy(),
            "Merged": table["merged"].to_numpy(),
            "Rejected": table["rejected_by_reason"].map(told).to_numpy(),
            "Flagged": table["flagged_by_reason"].map(told).to_numpy(),
            "Located": table["share_located"].map("{:.1%}".format).to_numpy(),
            "Last report": [str(at or "none")[:10] for at in table["last_reported_at"]],
            "Reports a day": table["reports_a_day"].to_numpy(),
            "Days without a report": [", ".join(gap.replace("/", " to ") for gap in gaps) for gaps in table["gaps"]],
        }
    )


def _times(moments: pd.Series, shown: Published) -> pd.Series:
    return pd.Series(moments.dt.tz_convert(shown.tz).dt.strftime("%H:%M"), dtype="str")
