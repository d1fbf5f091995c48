"""Today: who goes where, for the lead of the sharps team."""

from __future__ import annotations

from datetime import time

import streamlit as st

from sweepplan.app import livemap, pictures, shown, state
from sweepplan.app.state import Opened, Planned
from sweepplan.app.words import against, plain, sentence, solving
from sweepplan.bridge import share_words
from sweepplan.errors import SweepplanError
from sweepplan.maps.words import counted
from sweepplan.model import Limit
from sweepplan.report import routes_csv, routes_gpx

_SECONDS, _MAP_PX = (5.0, 10.0, 30.0, 60.0), 520


def page() -> None:
    """Show the day: open requests, crews, and after Plan the routes."""
    opened = state.opened()
    _headline(opened)
    left, right = st.columns([4, 11], gap="medium")
    with left:
        rows, limit = _crews(opened), _limit(opened)
        if st.button("Plan", type="primary", width="stretch"):
            _plan(opened, rows, limit)
        planned = _planned(opened)
        if planned is None:
            st.caption("Nothing is planned yet: say who goes out, then press Plan.")
        else:
            _promise(opened, planned, rows)
    with right:
        view = state.today(opened) if planned is None else planned.view
        livemap.show(view.map, key="today", height=_MAP_PX)
    if planned is not None:
        _routes(planned)


def _headline(opened: Opened) -> None:
    local = opened.city.area.local
    now, waits = local(opened.as_of), state.waiting(opened)
    st.subheader(f"{now:%A} {now.day} {now:%B} · {plain(opened.city.area.label)}", anchor=False)
    if waits.n_open:
        said = f"**{counted(waits.n_open, 'open request')}** ({against(waits.n_open, waits.n_before, 'yesterday')})"
        said += f" · :red[**{waits.n_over_due} over due**]" if waits.n_over_due else " · none over due"
    else:
        said = "**No open request**: press Plan to send crews where most needles are expected"
    st.markdown(f"{said} · as of {now:%H:%M}, last report {waits.last_report}")


def _crews(opened: Opened) -> shown.Rows:
    """Let the lead say who goes out.

    The editor forgets its changes when another page is shown, so it then starts from what it returned last.
    """
    kept = st.session_state
    if "crew_editor" not in kept:
        kept["crews_first"] = kept.get("crews", shown.crew_rows(opened.settings.crews))
    columns = {
        "Crew": st.column_config.TextColumn(max_chars=12),
        "Start": st.column_config.TimeColumn(default=time(8), format="HH:mm", step=900),
        "End": st.column_config.TimeColumn(default=time(16), format="HH:mm", step=900),
    }
    rows: shown.Rows = st.data_editor(
        kept["crews_first"], key="crew_editor", num_rows="dynamic", hide_index=True, column_config=columns
    )
    kept["crews"] = rows
    return rows


def _limit(opened: Opened) -> Limit:
    limits = {solving(limit): limit for limit in (*map(Limit, _SECONDS), opened.settings.limit)}
    names, first = list(limits), list(limits).index(solving(opened.settings.limit))
    return limits[st.selectbox("Time for solving", names, first, key="solve", bind="query-params")]


def _plan(opened: Opened, rows: shown.Rows, limit: Limit) -> None:
    """Plan, and keep the plan before; an error keeps both."""
    bar = st.progress(0.0, text="Measuring the ways between all stops")

    def progress(_: str, share: float) -> None:
        bar.progress(
            share,
            text="Drawing the routes" if share == 1 else f"Looking for better routes, {100 * share:.0f} % of the time",
        )

    try:
        made = state.plan(opened, shown.crews_of(rows), limit, progress)
    except SweepplanError as error:
        kept = "  \nThe plan before is kept." if "plan" in st.session_state else ""
        st.error(sentence(plain(error)) + kept)
    else:
        st.session_state["plan_before"] = st.session_state.get("plan")
        st.session_state["plan"] = made
    finally:
        bar.empty()


def _planned(opened: Opened) -> Planned | None:
    planned: Planned | None = st.session_state.get("plan")
    if planned is None or planned.stamp == opened.stamp:
        return planned
    st.warning("The city's files have changed since the last plan: press Plan for a new one.")
    return None


def _promise(opened: Opened, planned: Planned, rows: shown.Rows) -> None:
    """Say what the plan is worth, and what has changed."""
    judged = planned.sweep.judged
    expected = f"{judged.needles:,.0f} needles expected{share_words(judged)}"
    st.markdown(f"**{shown.promise(planned.view.shown, opened.as_of)}** · {expected}")
    for reason in shown.reasons(planned.view.shown):
        st.markdown(f":orange[{plain(reason)}]")
    if not shown.asks_for(rows, planned.crews):
        st.caption(":orange[The crews were changed after this plan: press Plan to follow.]")
    before: Planned | None = st.session_state.get("plan_before")
    if before is not None and before.stamp == planned.stamp:
        lines = shown.changes(before.view.shown, planned.view.shown)
        st.caption("Since the last plan  \n" + "  \n".join(plain(line) for line in lines))


def _routes(planned: Planned) -> None:
    passed = planned.view.shown
    crews, clock = st.columns([1, 1], gap="medium")
    routes = shown.routes(passed)
    figures = {
        "Distance": st.column_config.NumberColumn(format="%.1f km"),
        "Needles expected": st.column_config.NumberColumn(format="%.0f"),
    }
    crews.dataframe(routes, hide_index=True, column_config=figures)
    with crews.container(horizontal=True):
        st.download_button("Routes for a phone (GPX)", routes_gpx(passed), "routes.gpx", "application/gpx+xml")
        st.download_button("Stops as a table (CSV)", routes_csv(passed), "stops.csv", "text/csv")
    if not routes.empty:
        clock.vega_lite_chart(pictures.timeline(passed), theme=None)
    left = shown.left_out(passed)
    if not left.empty:
        st.markdown(f"**{counted(len(left), 'request')} left out**")
        st.dataframe(left, hide_index=True)
    columns = {
        **{name: st.column_config.Column(width=80) for name in ("Stop", "Arrives", "Leaves", "What")},
        "Where": st.column_config.Column(width=300),
        "Needles expected": st.column_config.NumberColumn(format="%.1f", width=120),
    }
    names = list(routes["Crew"])
    for crew, tab in zip(names, st.tabs([f"Crew {plain(name)}" for name in names]) if names else [], strict=True):
        tab.dataframe(shown.stops(passed, crew), hide_index=True, height=420, column_config=columns)
