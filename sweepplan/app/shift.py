"""Who is on shift, and how long a plan may be searched."""

from __future__ import annotations

from datetime import time

import streamlit as st

from sweepplan.app import earlier_shifts, shown
from sweepplan.app.state import Opened
from sweepplan.app.words import solving
from sweepplan.maps.words import counted
from sweepplan.model import Limit
from sweepplan.pipeline import Shift

_FEW = 20
_SECONDS = (5.0, 10.0, 30.0, 60.0)
_MOVES = "By van; by van between places and on foot within each; or on foot all day, where the city has foot paths"
_BREAK = "When the break starts at the earliest and at the latest; both empty: none is planned"


def crews(opened: Opened) -> shown.Rows:
    """Let the lead say who goes out.

    The editor forgets its changes when another page is shown, so it then starts from what it returned last.
    """
    kept = st.session_state
    if "crew_editor" not in kept:
        kept["crews_first"] = kept.get("crews", shown.crew_rows(opened.settings.crews))
    moves = list(shown.MOVES.values())
    columns = {
        "Crew": st.column_config.TextColumn(max_chars=12, width=70),
        "Start": st.column_config.TimeColumn(default=time(8), format="HH:mm", step=900, width=70),
        "End": st.column_config.TimeColumn(default=time(16), format="HH:mm", step=900, width=70),
        "Moves": st.column_config.SelectboxColumn(
            options=moves, default=moves[0], required=True, help=_MOVES, width=105
        ),
        "Break from": st.column_config.TimeColumn(format="HH:mm", step=900, help=_BREAK),
        "Break until": st.column_config.TimeColumn(format="HH:mm", step=900, help=_BREAK),
    }
    rows: shown.Rows = st.data_editor(
        kept["crews_first"], key="crew_editor", num_rows="dynamic", hide_index=True, column_config=columns
    )
    kept["crews"] = rows
    return rows


def after(opened: Opened) -> Shift | None:
    """Ask whether what the last shift left is put first; None: it is not, or left nothing."""
    last = earlier_shifts.last_shift(opened)
    if last is None or last.left.empty:
        return None
    few, n = len(last.left) <= _FEW, counted(len(last.left), "stop")
    said = f"They must be visited today, whatever else waits; asked for by itself where they are {_FEW} or fewer"
    return last if st.checkbox(f"{n} of the last shift first", value=few, key="left_first", help=said) else None


def limit(opened: Opened) -> Limit:
    """Ask how long a plan may be searched."""
    limits = {solving(each): each for each in (*map(Limit, _SECONDS), opened.settings.limit)}
    names, first = list(limits), list(limits).index(solving(opened.settings.limit))
    said = "How long to search for a better plan; the first stands within seconds, and Stop takes the best so far"
    return limits[st.selectbox("Time for solving", names, first, key="solve", bind="query-params", help=said)]
