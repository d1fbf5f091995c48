"""Figures of public health as people read them, and as they leave."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.metadata import version

import pandas as pd

from sweepplan.app import shown, state
from sweepplan.app.documents import XLSX, Document
from sweepplan.app.state import Opened, View
from sweepplan.geo import Area
from sweepplan.maps.words import day, moment_of
from sweepplan.pipeline import CLUSTERS, Change, Health, Work
from sweepplan.privacy import Policy, to_csv, to_xlsx

_PERCENT = "{:.0%}".format
_STREAMS = {
    "sweep": "Sweeps",
    "request": "Requests answered",
    "kiosk": "Kiosks emptied",
    "redemption": "Needles brought back",
    "exchange": "Needles exchanged",
}
_OUTCOMES = {
    "found": "found and picked up",
    "clean": "clean",
    "not_needle": "no needle",
    "not_found": "not found",
    "private_property": "on private property",
    "handed_over": "handed over",
}


def hours(value: float) -> str:
    """Return a time to close in hours and minutes, in days where it is long.

    Examples
    --------
    >>> hours(0.4), hours(3.17), hours(19.6), hours(60), hours(math.nan)
    ('24 min', '3 h 10', '20 h', '2.5 days', 'withheld')
    """
    if math.isnan(value):
        return "withheld"
    if value < 1:
        return f"{60 * value:.0f} min"
    if value < 10:
        whole, minutes = divmod(round(60 * value), 60)
        return f"{whole} h {minutes:02d}"
    return f"{value:.0f} h" if value < 48 else f"{value / 24:.1f} days"


def headline(health: Health, kind: str, against: str, least: int) -> list[str]:
    """Return the figures that a page begins with, each with its neighbour."""
    n = f"fewer than {least}" if health.n is None else f"{health.n:,}"
    about = "" if health.exact or health.n is None else "about "
    said = [f"**{about}{n} {kind} reports**{_against(health, against)}"]
    now, then = health.answered, health.answered_before
    if now is None:
        return [*said, "too few are closed to say how fast"]
    before = f", {hours(then.median_h)} {_when(against)}" if then is not None else ""
    nine = "" if math.isnan(now.p90_h) else f", nine of ten in {hours(now.p90_h)}"
    said.append(f"closed in **{hours(now.median_h)}** (median{before}){nine}")
    said.append(f"**{now.within_24_h:.0%}** within 24 h, {now.within_48_h:.0%} within 48 h")
    return said


def _when(against: str) -> str:
    return "before" if against.endswith("before") else against


def _against(health: Health, against: str) -> str:
    if health.n is None or not health.n_before:
        return ""
    change = round(100 * (health.n / health.n_before - 1))
    return f" ({change:+d} % on {_when(against).replace('before', 'the time before')})".replace("-", "−")


def window_words(start: pd.Timestamp, stop: pd.Timestamp, area: Area) -> str:
    """Return the days from ``start`` until before ``stop`` in words."""
    last = area.local(stop - pd.Timedelta(hours=12))
    return f"{day(area.local(start))} to {day(last)}"


def months_words(start: pd.Timestamp, stop: pd.Timestamp, area: Area) -> str:
    """Return whole months in words."""
    first, last = area.local(start), area.local(stop - pd.Timedelta(hours=12))
    return f"{first:%b} to {last:%b %Y}" if first.year == last.year else f"{first:%b %Y} to {last:%b %Y}"


def answers(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return times to close, one row a part of the day or a place."""
    counts = {} if table["n"].isna().any() else {"Closed": table["n"].map("{:,.0f}".format).to_numpy()}
    return pd.DataFrame(
        {
            by: table.index,
            **counts,
            "Median": table["median_h"].map(hours).to_numpy(),
            "Nine of ten in": table["p90_h"].map(hours).to_numpy(),
            "Within 24 h": table["within_24_h"].map(_PERCENT).to_numpy(),
            "48 h": table["within_48_h"].map(_PERCENT).to_numpy(),
        }
    )


def compared(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return reports now and then by place, with the change in words."""

    def change(now: int, then: int) -> str:
        return f"{now - then:+,}".replace("-", "−") if now != then else "as before"

    return pd.DataFrame(
        {
            kind: table.index,
            "Now": table["now"].to_numpy(),
            "Then": table["then"].to_numpy(),
            "Change": [change(int(now), int(then)) for now, then in zip(table["now"], table["then"], strict=True)],
        }
    )


def changes(health: Health, programme: Sequence[Change]) -> list[Change]:
    """Return the changes of the programme that fall in the time drawn, oldest first."""
    first, last = health.trend["start"].iloc[0].date(), health.stop.date()
    return sorted((each for each in programme if first <= each.day <= last), key=lambda each: each.day)


def streams(done: Work) -> pd.DataFrame:
    """Return what crews did, a row a stream."""
    table = done.streams
    return pd.DataFrame(
        {
            "What": [_STREAMS.get(str(name), str(name)) for name in table.index],
            "Visits": _counts(table["visits"]),
            "Needles": _counts(table["needles"]),
            "Hours": _counts(table["hours"]),
            "Found some": ["withheld" if pd.isna(part) else _PERCENT(part) for part in table["found"]],
        }
    )


def outcomes(done: Work) -> str:
    """Return what came of requests in words, most first."""
    visits = _counts(done.outcomes["visits"])
    return ", ".join(
        f"{n} {_OUTCOMES.get(str(name), str(name))}" for name, n in zip(done.outcomes.index, visits, strict=True)
    )


def _counts(column: pd.Series) -> list[str]:
    return ["withheld" if pd.isna(n) else f"{n:,.0f}" for n in column]


def sources(opened: Opened, role: str) -> list[str]:
    """Return where figures come from: files, how fresh, method, version."""
    local = opened.city.area.local
    last = f"; last report {state.waiting(opened).last_report}" if Policy.for_role(role).sees(opened.city.kind) else ""
    said = [f"As of {moment_of(local(opened.as_of))}{last}"]
    return [*said, *method(opened), f"Seen as {role}; counts below {opened.settings.min_count} are withheld"]


def method(opened: Opened) -> list[str]:
    """Return how it was made, in lines."""
    clusters = CLUSTERS[opened.hotspots[0].kind]
    return [
        f"Hotspots: DBSCAN on weighted cells, {clusters.eps_m:g} m",
        "Weeks to come: weighted mean of days, weekday and season, 80 % interval of a negative binomial",
        "Spikes: space-time scan of the last days, held to a budget of false alarms by the 56 days before",
        f"Data version {opened.version}, sweepplan {version('sweepplan')}",
    ]


def exports(opened: Opened, view: View, health: Health, kind: str, role: str, against: str) -> dict[str, Document]:
    """Return list and figures as CSV and as a workbook, with method, version and what was withheld, by their labels."""

    def notes() -> list[str]:
        told = [*headline(health, kind, against, opened.settings.min_count), *_answered(health)]
        told += [f"Since {each.day}: {each.what}" for each in opened.settings.programme]
        told += [*sources(opened, role), f"Withheld figures of too few reports: {health.hidden}"]
        return [line.replace("**", "") for line in told]

    def csv() -> bytes:
        return to_csv(shown.hotspots(view.shown), withheld=view.shown.withheld_words(), notes=notes()).encode()

    def xlsx() -> bytes:
        return to_xlsx(shown.hotspots(view.shown), withheld=view.shown.withheld_words(), notes=notes())

    about = f"{opened.version} {kind} {role} {health.start} {health.n_before} {against} {view.map.layers.about}"

    def document(name: str, make: Callable[[], bytes], media: str) -> Document:
        return Document(about, make, media, frozenset({role}), name, f"exported {name}")

    return {
        "Hotspots and figures (CSV)": document(f"hotspots-{kind}.csv", csv, "text/csv"),
        "Hotspots and figures (Excel)": document(f"hotspots-{kind}.xlsx", xlsx, XLSX),
    }


def _answered(health: Health) -> list[str]:
    """Return times to close by part, a line each."""
    return [
        f"Closed by {kind.lower()} {row[kind]}: median {row['Median']}, nine of ten in {row['Nine of ten in']}, "
        f"{row['Within 24 h']} within 24 h"
        for kind, table in health.by.items()
        for row in answers(table, kind).to_dict("records")
    ]
