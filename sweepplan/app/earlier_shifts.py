"""Earlier shifts as the database has them, kept until a plan is published or counts come in."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pandas as pd
import streamlit as st

from sweepplan import pipeline
from sweepplan.app import state
from sweepplan.app.options import Options, opened_store
from sweepplan.app.state import Opened
from sweepplan.pipeline import Shift
from sweepplan.store import Store

_EVER = pd.Timestamp("2200-01-01", tz="UTC")
_BY_KEY: dict[str | type[Any], Callable[[Any], Any]] = {Opened: attrgetter("version")}


def _kept() -> tuple[Store, state.Stamp]:
    """Return the database, and what stands for the plans and counts in it."""
    store = opened_store(Options.given().store)
    plans = store.plans()
    published = plans[plans["state"] == "published"]
    return store, (("plans", len(published), 0), ("counts", *store.pickups_mark(_EVER)))


def published_days() -> list[str]:
    """Return the days that have a published plan, newest first."""
    return pipeline.published_days(opened_store(Options.given().store))


def last_shift(opened: Opened) -> Shift | None:
    """Return the shift before the day planned; None where none is known."""
    store, stamp = _kept()
    return _last_shift(opened, stamp, store)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_KEY)
def _last_shift(opened: Opened, stamp: state.Stamp, _store: Store) -> Shift | None:
    return pipeline.last_shift(_store, opened.city.area, state.day_of(opened))


def shift(opened: Opened, day: str) -> Shift:
    """Return the newest published plan of a day, with what was counted.

    Raises
    ------
    PlanError
        It was published without its stops.
    """
    store, stamp = _kept()
    return _shift(opened, day, stamp, store)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=_BY_KEY)
def _shift(opened: Opened, day: str, stamp: state.Stamp, _store: Store) -> Shift:
    return pipeline.shift_of(_store, opened.city.area, day)
