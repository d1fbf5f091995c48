"""A plan being searched in a thread of its own: a page shows how far it is, and may end it; reruns do not stop it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import monotonic

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sweepplan.bridge import SweepDay
from sweepplan.maps.words import counted
from sweepplan.model import SweepPlan
from sweepplan.pipeline import Edited, Progress, Settings, Watch, worth_so_far

_EVERY_S = 0.3
_KEY = "search"
_POOL = ThreadPoolExecutor(4, thread_name_prefix="plan")


class Search:
    """One search, from when it is asked for until its plan is taken."""

    def __init__(self, settings: Settings, work: Callable[[Progress, Watch], Edited]) -> None:
        self.settings = settings
        self.share, self.said, self.begun = 0.0, "Measuring the ways between all stops", monotonic()
        self.best = ""
        self.watch = Watch(self._better)
        self._made: Future[Edited] = _POOL.submit(work, self._told, self.watch)

    def done(self, within_s: float) -> bool:
        """Wait so long at most, and return whether it is over."""
        return bool(wait([self._made], within_s).done)

    def result(self) -> Edited:
        """Return the plan; raises what the search raised."""
        return self._made.result()

    def _told(self, _: str, share: float) -> None:
        self.share = share
        self.said = (
            "Drawing the routes" if share >= 1 else f"Looking for better routes, {100 * share:.0f} % of the time"
        )

    def _better(self, day: SweepDay, plan: SweepPlan) -> None:
        so_far = worth_so_far(day, plan)
        stops = " · ".join(f"{crew}: {counted(n, 'stop')}" for crew, n in so_far.stops.items())
        self.best = (
            f"Best so far, after {monotonic() - self.begun:.0f} s: **{so_far.served} of {so_far.requests} requests, "
            f"{so_far.needles:,.0f} needles expected**  \n{stops}"
        )


def begin(settings: Settings, work: Callable[[Progress, Watch], Edited]) -> None:
    """Begin a search of a plan with these settings; one that still runs is ended and forgotten."""
    running: Search | None = st.session_state.get(_KEY)
    if running is not None:
        running.watch.ended.set()
    st.session_state[_KEY] = Search(settings, work)


def follow(place: DeltaGenerator) -> tuple[Settings, Edited] | None:
    """Show how far the search is until it ends, and return settings and plan; None where none was asked for.

    Raises
    ------
    SweepplanError
        As the search did.
    """
    search: Search | None = st.session_state.get(_KEY)
    if search is None:
        return None
    with place.container():
        status = st.status("Planning", expanded=True)
        bar, line = status.progress(search.share, text=search.said), status.empty()
        status.button("Stop, take the best so far", on_click=search.watch.ended.set)
    while not search.done(_EVERY_S):
        bar.progress(min(search.share, 1.0), text=search.said)
        line.markdown(search.best)
    place.empty()
    del st.session_state[_KEY]
    return search.settings, search.result()
