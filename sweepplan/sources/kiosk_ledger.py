"""The states of kiosks, ``kiosk-ledger``: rows of site, state, date, or a column of dates for each state."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweepplan.geo import Area
from sweepplan.sources.moments import moments
from sweepplan.sources.rawtable import RawTable
from sweepplan.sources.sieve import Fault, faulty
from sweepplan.tables import KIOSK_STATES, check_columns

STATES = tuple(sorted(KIOSK_STATES["state"].choices))
FORMATS = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p")


def parse(raw: RawTable, _: Area | None, clock: str | None) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Return the states (columns ``KIOSK_STATES``) by time, their lines, and what was set aside.

    Raises
    ------
    SourceError
        It has no column for the site, or neither a state with its date nor a column for any state.
    """
    site = raw.text(raw.spelled("site_id", "kiosk_id", "site", "kiosk", "id"))
    wide = [state for state in STATES if state in raw.frame.columns]
    if wide and "state" not in raw.frame.columns:
        pairs = [(pd.Series(state, site.index, dtype="str"), raw.text(state)) for state in wide]
    else:
        raw.require("state", raw.spelled("date", "at", "day", "since", "time"))
        dates = raw.text(raw.spelled("date", "at", "day", "since", "time"))
        pairs = [(raw.text("state").str.casefold(), dates)]
    undated = np.logical_and.reduce([dates.eq("").to_numpy() for _, dates in pairs])
    faults = [Fault("no site", site.eq("").to_numpy(), site), Fault("no date", undated, site)]
    parts = []
    for state, dates in pairs:
        times = moments(dates, FORMATS, clock, label="date")
        faults += times.faults
        faults.append(Fault(f"state is not one of {', '.join(STATES)}", (~state.isin(STATES)).to_numpy(), state))
        columns = {"site_id": site, "state": state, "at": times.utc, "time_precision": times.precision}
        parts.append(pd.DataFrame(columns)[dates.ne("")])
    bad = pd.Series(faulty(faults, len(site)), index=site.index)
    table = pd.concat(parts).sort_values(["at", "site_id", "state"], kind="stable")
    table = table[~bad.loc[table.index].to_numpy()]
    lines = pd.Series(table.index, name="line", dtype="int64")
    return check_columns("kiosk states", KIOSK_STATES, table.reset_index(drop=True)), lines, raw.set_aside(faults, site)
