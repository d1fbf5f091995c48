"""Figures of public health as people read them, and as they leave."""

from __future__ import annotations

from importlib.metadata import version

import pandas as pd

from sweepplan.app import shown, state
from sweepplan.app.documents import Document
from sweepplan.app.state import Opened, View
from sweepplan.geo import Area
from sweepplan.maps.words import day, moment_of
from sweepplan.pipeline import CLUSTERS, Health
from sweepplan.privacy import to_csv


def hours(value: float) -> str:
    """Return a time to close in hours and minutes, in days where it is long.

    Examples
    --------
    >>> hours(0.4), hours(3.17), hours(19.6), hours(60)
    ('24 min', '3 h 10', '20 h', '2.5 days')
    """
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
    said.append(f"closed in **{hours(now.median_h)}** (median{before}), nine of ten in {hours(now.p90_h)}")
    said.append(f"**{now.within_24_h:.0%}** within 24 h, {now.within_48_h:.0%} within 48 h")
    return said


def _when(against: str) -> str:
    return "before" if against.endswith("before") else against


def _against(health: Health, against: str) -> str:
    if health.n is None or not health.n_before:
        return ""
    change = round(100 * (health.n / health.n_before - 1))
    return f" ({change:+d} % on {_when(against).replace('before', 'the time before')})".replace("-", "−")


def window_words(health: Health, area: Area) -> str:
    """Return the window in words."""
    last = area.local(health.stop - pd.Timedelta(hours=12))
    return f"{day(area.local(health.start))} to {day(last)}"


def answers(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return times to close, one row a part of the day or a place."""
    return pd.DataFrame(
        {
            by: table.iloc[:, 0],
            "Median": table["median_h"].map(hours),
            "Nine of ten in": table["p90_h"].map(hours),
            "Within 24 h": table["within_24_h"].map("{:.0%}".format),
        }
    )


def sources(opened: Opened, role: str) -> list[str]:
    """Return where figures come from: files, how fresh, method, version."""
    local = opened.city.area.local
    said = [f"As of {moment_of(local(opened.as_of))}; last report {state.waiting(opened).last_report}"]
    return [*said, *method(opened), f"Seen as {role}; counts below {opened.settings.min_count} are withheld"]


def method(opened: Opened) -> list[str]:
    """Return how it was made, in lines."""
    clusters = CLUSTERS[opened.hotspots[0].kind]
    return [
        f"Hotspots: DBSCAN on weighted cells, {clusters.eps_m:g} m",
        "Weeks to come: weighted mean of days, weekday and season, 80 % interval of a negative binomial",
        f"Data version {opened.version}, sweepplan {version('sweepplan')}",
    ]


def export(opened: Opened, view: View, health: Health, kind: str, role: str) -> Document:
    """Return list and figures as CSV, with method, version and what was withheld."""

    def make() -> bytes:
        told = [*headline(health, kind, "as long before", opened.settings.min_count), *sources(opened, role)]
        notes = [line.replace("**", "") for line in told]
        return to_csv(shown.hotspots(view.shown), withheld=[*view.shown.withheld_words(), *notes]).encode()

    about = f"{opened.version} {kind} {role} {health.start} {health.n_before}"
    return Document(about, make, "text/csv", frozenset({role}), f"hotspots-{kind}.csv", f"exported hotspots-{kind}.csv")
