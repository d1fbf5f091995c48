"""Is this a spike? What stands out now, what did before, and how often this rule alarms for nothing."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from sweepplan import bridge, report
from sweepplan.app import glossary, state
from sweepplan.app.options import Options, opened_store
from sweepplan.app.shown import day_of
from sweepplan.app.state import Opened
from sweepplan.app.words import plain
from sweepplan.geo import Area
from sweepplan.maps.words import counted
from sweepplan.pipeline import Watched
from sweepplan.privacy import Policy, Published

_CANNOT = (
    "What this cannot say: more reports need not be more needles or overdoses. A spike of few reports at a busy place "
    "is missed about every second time, and a rule that is looked at every day alarms for nothing now and then: the "
    "budget says how often."
)


def panel(opened: Opened, kind: str, role: str, gathered: Published) -> None:
    """Say at a glance whether something stands out, and offer what there was before."""
    policy, found = Policy.for_role(role), state.spikes(opened, kind)
    told = state.told_spikes(opened, kind, role)
    if told is None:
        st.info(f"Spikes cannot be told: {plain(found.unknown)}.")
    elif not (policy.show_requests if kind == "needle" else policy.show_overdoses):
        st.info(
            f"Whether {kind} reports spike is made of single reports of a few days: this role is not told. "
            "Team leads are, and can pass it on."
        )
        return
    elif len(said := alert_lines(told.shown)):
        st.warning("  \n".join([f"**{counted(len(said), 'spike')}**", *said]))
    else:
        st.success(f"**No spike**: nothing stands out in the last days · {plain(rate(told))}")
    with st.expander("Alerts before, what changed since last month, and how often this rule alarms"):
        _before(opened, told, role)
        _changed(gathered)
        if told is not None:
            st.caption(f"How often: {plain(report.how_often(told))}")
        st.caption(_CANNOT, help=f"Spike: {glossary.TERMS['spike']}")


def rate(told: Watched) -> str:
    """Return how often the rule alarmed beside its budget."""
    found = told.watch
    return (
        f"{counted(found.episodes_before, 'alert')} in the {found.days_before} days to a week ago, "
        f"{found.per_month:.1f} in 30 days (budget {found.method.budget:g} false ones)"
    )


def alert_lines(shown: Published) -> list[str]:
    """Return the alerts in words, each with its beginning."""
    table = report.named_alerts(shown)
    lines = [bridge.alert_message(alert) for alert in table.itertuples()]
    return [plain(f"{words}, since {day_of(shown.local(at))}") for words, at in zip(lines, table["since"], strict=True)]


def episodes(over: Published) -> pd.DataFrame:
    """Return alerts that are over, a row each, the newest first."""
    table = report.named_alerts(over)
    return pd.DataFrame(
        {
            "Began": [day_of(over.local(at)) for at in table["since"]],
            "What was seen": [bridge.alert_message(alert) for alert in table.itertuples()],
        }
    )


def kept(alerts: pd.DataFrame, kind: str, area: Area) -> pd.DataFrame:
    """Return alerts as they were told on their day, a row an episode."""
    told = report.alert_history(alerts[alerts["kind"] == kind], area)
    return pd.DataFrame(
        {
            "First told": [day_of(pd.Timestamp(each["first_as_of"])) for each in told],
            "Last told": [day_of(pd.Timestamp(each["last_as_of"])) for each in told],
            "What was said": [each["message"] for each in told],
            "Alarms in 30 days": [each["per_30_days"] for each in told],
        }
    )


def _before(opened: Opened, told: Watched | None, role: str) -> None:
    if told is None:
        return
    table = episodes(told.over)
    days = told.watch.days_before
    if table.empty:
        st.markdown(f"**No alert** in the {days} days before: this rule would have said nothing.")
    else:
        st.markdown(f"**What this rule would have said** in the {days} days before, as far as reports are known now")
        st.dataframe(table, hide_index=True)
    if role == "lead":  # as they were told to leads
        past = kept(opened_store(Options.given().store).alerts(), told.watch.kind, opened.city.area)
        if past.empty:
            st.caption("None was kept on its day yet: sweepplan alerts \\-\\-keep, run each morning, notes them.")
        else:
            st.markdown("**Kept on their day**")
            st.dataframe(past, hide_index=True)


def _changed(gathered: Published) -> None:
    table = report.named_alerts(gathered)
    table = table[table["method"].isin(["risen", "fallen"])]
    if len(table):
        lines = [f"- {plain(bridge.alert_message(alert))}" for alert in table.itertuples()]
        st.markdown("\n".join(["**Changed since last month**: a list to look at, not alarms", "", *lines]))
