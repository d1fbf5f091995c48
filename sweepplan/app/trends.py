"""How reports go on, how fast they are answered, where they changed, what crews did: below the map of hotspots."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import figures, glossary, pictures, state
from sweepplan.app.state import Opened
from sweepplan.app.words import plain
from sweepplan.maps.words import counted
from sweepplan.pipeline import Health


def trend(health: Health, opened: Opened) -> None:
    """Draw reports by week or month, what is expected, and when the programme changed."""
    each = "week" if health.exact else "month"
    ahead = ", and what is expected of the next four: 80 % interval" if health.exact else ""
    st.markdown(f"**Reports a {each}**{ahead}", help=glossary.TERMS["interval"] if ahead else None)
    if health.trend.empty:
        st.info(f"No whole {each} of reports yet.")
        return
    changes = figures.changes(health, opened.settings.programme)
    pictures.draw(pictures.trend(health, opened.city.area, changes))
    for number, change in enumerate(changes, 1):
        st.caption(f"{number}: since {change.day.day} {change.day:%b %Y}, {plain(change.what)}")
    said = "What this cannot say: a spell of more patrols, a new app or a holiday moves reports as well as needles do. "
    said += "A line beside a change does not show that the change did it."
    if not health.exact:
        said += " Counts are rounded so that no few reports can be worked out; months not over are not shown."
    if not opened.settings.programme:
        said += " Changes of the programme are marked once the settings name them."
    st.caption(said)


def answers(health: Health) -> None:
    """Show how fast requests were closed, by when they came in and where."""
    st.markdown("**How fast requests were closed**")
    if not health.by:
        st.info("Too few requests of this window are closed to tell: choose a longer one.")
    else:
        said = "By when requests came in, or where"
        by = st.segmented_control(
            "By", list(health.by), default=next(iter(health.by)), required=True, key="by", help=said
        )
        columns = glossary.columns("Median", "Nine of ten in")
        st.dataframe(
            figures.answers(health.by[str(by)], str(by)), hide_index=True, height="auto", column_config=columns
        )
    if health.hidden:
        st.caption(f"Withheld: {counted(health.hidden, 'figure')} of fewer reports than may be told.")
    st.caption(
        "What this cannot say: closed is when somebody said so, not when the needle went. Requests still open are not "
        "in it: a day of many makes these figures look better than they are."
    )


def compared(health: Health) -> None:
    """Show reports now and then by place, to who may see them."""
    for kind in sorted(health.compared):
        st.markdown(f"**Two times side by side**, by {kind.lower()}")
        st.dataframe(figures.compared(health.compared[kind], kind), hide_index=True, height=280)
    if health.compared:
        st.caption("What this cannot say: small places swing by chance; a rise of a few reports is no trend.")


def work(opened: Opened, health: Health, role: str) -> None:
    """Show what crews logged, and how much of their shifts it took."""
    done = state.work(opened, health, role)
    if done is None:
        st.markdown("**What crews did**")
        st.info("No visit is logged in this time: name a sweep log in the settings, or take one in under Data.")
        return
    of_shift = f", {done.hours / done.shift_h:.0%} of {done.shift_h:,.0f} h on shift" if done.shift_h else ""
    st.markdown(f"**What crews did**: {done.hours:,.0f} h logged{of_shift}")
    st.dataframe(figures.streams(done), hide_index=True, column_config=glossary.columns("Needles", "Found some"))
    if len(done.outcomes):
        st.markdown(f"Requests answered: {plain(figures.outcomes(done))}.")
    st.caption(
        "What this cannot say: travel and work that nobody logged are not in the hours; the shifts are today's crews "
        "on every day. Needles of different rows are counted in different ways: do not add them."
    )
