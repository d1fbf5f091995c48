"""Alerts that leave: a plain message to be mailed, one JSON object, and a call to a webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import httpx
import pandas as pd

from sweepplan import bridge
from sweepplan.errors import DeliveryError, GateError, SettingsError
from sweepplan.geo import Area
from sweepplan.pipeline import Watched
from sweepplan.privacy import Published

_SECONDS = 10.0
_MOST_KEPT = 20
_RULES = {
    "scan": "The space-time scan, held to a budget of {budget:g} in 30 days",
    "county": "Reports of a day above the mean and two standard deviations of the 28 days before",
    "threshold": "Square kilometres with a day above the mean and two standard deviations of the 28 days before",
}


@dataclass(frozen=True)
class Message:
    """A plain message, ready to be mailed."""

    subject: str
    body: str


def named_alerts(shown: Published) -> gpd.GeoDataFrame:
    """Return the ALERTS that may be seen, with the names of their places."""
    if not isinstance(shown, Published):
        raise GateError(f"alerts of a {type(shown).__name__}: give what publish(...) returns")
    table, streets = shown.table("alerts"), shown.table("streets")
    return table.assign(name=bridge.alert_names(table, streets if len(streets) else None, shown.area))


def alert_mail(watched: Watched) -> Message:
    """Return the message of the day; it says too how often this rule alarms, and what it cannot say."""
    shown, area = watched.shown, watched.area
    table = named_alerts(shown)
    said = [bridge.alert_message(alert) for alert in table.itertuples()]
    local = area.local(watched.as_of)
    when = f"{local:%a} {local.day} {local:%b %Y, %H:%M}"
    if not said:
        subject = f"{area.label}: no alert"
        lines = [f"Nothing stands out among the {watched.watch.kind} reports before {when}."]
    else:
        more = f", and {len(said) - 1} more" if len(said) > 1 else ""
        subject = f"{area.label}: {said[0][0].lower()}{said[0][1:]}{more}"
        lines = [f"{words}. Since {_day(area.local(at))}." for words, at in zip(said, table["since"], strict=True)]
        lines += ["", f"Reports before {when}."]
    lines += ["", how_often(watched), "Reports are complaints: more of them need not be more needles or overdoses."]
    lines += [f"Not shown: {words}." for words in shown.withheld_words()]
    return Message(subject, "\n".join(lines) + "\n")


def how_often(watched: Watched) -> str:
    """Return in words how often the rule alarms."""
    found = watched.watch
    rule = _RULES.get(found.method.method, f"{found.method.method.upper()} of each square kilometre and day")
    return (
        f"{rule.format(budget=found.method.budget)}: {found.episodes_before} "
        f"{'episode' if found.episodes_before == 1 else 'episodes'} in the {found.days_before} days before, "
        f"{found.per_month:.1f} in 30 days."
    )


def alert_summary(watched: Watched) -> dict[str, Any]:
    """Return all that is said as plain values, ready for JSON: only what passed the gate."""
    found, shown, mail = watched.watch, watched.shown, alert_mail(watched)
    return {
        "area": watched.area.label,
        "as_of": watched.area.local(watched.as_of).isoformat(),
        "kind": found.kind,
        "method": found.method.method,
        "budget": found.method.budget if found.threshold is not None else None,
        "threshold": None if found.threshold is None else round(found.threshold, 3),
        "days_before": found.days_before,
        "episodes_before": found.episodes_before,
        "per_30_days": round(found.per_month, 2),
        "alerts": plain_alerts(named_alerts(shown), watched.area),
        "subject": mail.subject,
        "text": mail.body,
        "withheld": dict(shown.withheld),
    }


def plain_alerts(table: gpd.GeoDataFrame, area: Area) -> list[dict[str, Any]]:
    """Return ALERTS with names as plain values."""
    messages = [bridge.alert_message(alert) for alert in table.itertuples()]
    return [
        {
            "episode": str(episode),
            "kind": alert["kind"],
            "method": alert["method"],
            "message": message,
            "place": alert["name"],
            "since": f"{area.local(alert['since']):%Y-%m-%d}",
            "days": int(alert["days"]),
            "n": None if pd.isna(alert["n_incidents"]) else int(alert["n_incidents"]),
            "expected": None if pd.isna(alert["expected"]) else round(float(alert["expected"]), 2),
        }
        for (episode, alert), message in zip(table.iterrows(), messages, strict=True)
    ]


def alert_history(kept: pd.DataFrame, area: Area) -> list[dict[str, Any]]:
    """Return kept alerts as plain values, one an episode, the newest first: when, where, and what was said last."""
    told = []
    for episode, rows in kept.groupby("episode", sort=False):
        last = rows.iloc[-1]
        told.append(
            {
                "episode": str(episode),
                "first_as_of": area.local(rows["as_of"].iloc[0]).isoformat(),
                "last_as_of": area.local(last["as_of"]).isoformat(),
                "message": str(last["message"]),
                "method": str(last["method"]),
                "per_30_days": float(last["per_30_days"]),
            }
        )
    return sorted(told, key=lambda each: each["last_as_of"], reverse=True)


def history_lines(kept: pd.DataFrame, area: Area) -> list[str]:
    """Return kept alerts in words, one an episode, each with how often its rule alarmed."""
    told = alert_history(kept, area)
    lines = [f"Kept: {len(told)} {'episode' if len(told) == 1 else 'episodes'}."]
    for each in told[:_MOST_KEPT]:
        rate = f"{each['method']}, {each['per_30_days']:.1f} episodes in 30 days"
        lines.append(f"  {each['first_as_of'][:10]} to {each['last_as_of'][:10]}: {each['message']} ({rate})")
    return lines


def post_alerts(url: str, watched: Watched) -> bool:
    """Send :func:`alert_summary` to a webhook where there is an alert, and return whether there was.

    Raises
    ------
    SettingsError
        The address is none of the web.
    DeliveryError
        It was not taken: unreachable, slow, or an answer other than 2xx. The message names the host alone: the rest of
        such an address is a secret.
    """
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL:
        asked = httpx.URL("")
    if asked.scheme not in ("http", "https") or not asked.host:
        raise SettingsError("--webhook: not an address: give one that begins with https://")
    summary = alert_summary(watched)
    if not summary["alerts"]:
        return False
    try:
        answer = httpx.post(asked, json=summary, timeout=_SECONDS)
    except httpx.HTTPError as error:
        raise DeliveryError(f"webhook at {asked.host}: not delivered ({type(error).__name__}): try again") from error
    if not answer.is_success:
        raise DeliveryError(
            f"webhook at {asked.host}: not delivered ({answer.status_code} {answer.reason_phrase}): see its address"
        )
    return True


def _day(moment: pd.Timestamp) -> str:
    return f"{moment:%a} {moment.day} {moment:%b}"
