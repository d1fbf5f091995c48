"""The life of installed kiosks: their states, how fast they fill, which are due for service."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from sweepplan.tables import KIOSK_STATES, SITES, check_columns

WORKING = ("installed", "emptied", "repaired")
_ONE_DAY = pd.Timedelta(days=1)


def kiosk_states(states: pd.DataFrame, kiosks: gpd.GeoDataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return what is known of each kiosk at ``as_of``, index ``site_id`` as in ``kiosks``.

    Columns: ``state`` and ``since``, of the last entry; ``emptied_at``, when it was last empty; ``fill_d``, days from
    empty to full: the median of its own fillings, with the median of all kiosks as two more where it has few;
    ``full_at``, when it is expected to be full (when it was reported full, if it is); ``due``, whether it is full,
    broken or past ``full_at``.

    Parameters
    ----------
    states : columns of ``tables.KIOSK_STATES``; entries from ``as_of`` on are not used.
    """
    check_columns("kiosk states", KIOSK_STATES, states)
    SITES.check(kiosks)
    known = states[states["at"] < as_of].sort_values("at", kind="stable")
    fills = _fillings(known)
    everybody = [days for own in fills.values() for days in own]
    rows = []
    for site in kiosks.index:
        own = known[known["site_id"] == site]
        rows.append(_row(own, fills.get(str(site), []), everybody))
    table = pd.DataFrame(rows, index=kiosks.index)
    moments = ["since", "emptied_at", "full_at"]  # of no type yet where none is known
    table[moments] = table[moments].apply(pd.to_datetime, utc=True)
    table["due"] = table["state"].isin(["full", "broken"]) | (table["full_at"] <= as_of).fillna(False)
    return table


def due_services(
    states: pd.DataFrame, kiosks: gpd.GeoDataFrame, *, as_of: pd.Timestamp, ahead_d: float = 0.0
) -> gpd.GeoDataFrame:
    """Return the kiosks to service, for a sweep planner to take as stops: index ``site_id``, the longest due first.

    Columns: ``name``; ``why`` (``full``, ``broken``, ``expected to be full``); ``due_at``; geometry of the kiosk.
    Removed kiosks are not serviced.

    Parameters
    ----------
    ahead_d : kiosks that are expected to be full within so many days from ``as_of`` are due as well.
    """
    table = kiosk_states(states, kiosks, as_of=as_of)
    soon = table["due"] | (table["full_at"] <= as_of + ahead_d * _ONE_DAY).fillna(False)
    due = table[soon & (table["state"] != "removed")]
    why = np.where(due["state"].isin(["full", "broken"]), due["state"], "expected to be full")
    found = gpd.GeoDataFrame(
        {
            "name": kiosks.loc[due.index, "name"],
            "why": pd.Series(why, index=due.index, dtype="str"),
            "due_at": due["full_at"].where(due["state"] != "broken", due["since"]),
        },
        geometry=kiosks.loc[due.index].geometry,
        crs=kiosks.crs,
    )
    return found.sort_values("due_at", kind="stable")


def working(states: pd.DataFrame, kiosks: gpd.GeoDataFrame, *, as_of: pd.Timestamp) -> gpd.GeoDataFrame:
    """Return the kiosks that serve at ``as_of``: not removed, not broken; one without an entry stands."""
    table = kiosk_states(states, kiosks, as_of=as_of)
    return kiosks[~table["state"].isin(["removed", "broken"]).to_numpy()]


def _fillings(known: pd.DataFrame) -> dict[str, list[float]]:
    """Return days from empty to full of each filling, by kiosk."""
    found: dict[str, list[float]] = {}
    for site, own in known.groupby("site_id"):
        empty = None
        for state, at in zip(own["state"], own["at"], strict=True):
            if state in WORKING and (empty is None or state == "emptied"):
                empty = at
            elif state == "full" and empty is not None:
                found.setdefault(str(site), []).append((at - empty) / _ONE_DAY)
                empty = None
    return found


def _row(own: pd.DataFrame, fills: list[float], everybody: list[float]) -> dict[str, object]:
    if own.empty:
        return {"state": "installed", "since": pd.NaT, "emptied_at": pd.NaT, "fill_d": np.nan, "full_at": pd.NaT}
    last = own.iloc[-1]
    emptied = own[own["state"].isin(["installed", "emptied"])]["at"]
    emptied_at = emptied.iloc[-1] if len(emptied) else pd.NaT
    usual = [float(np.median(everybody))] * 2 if everybody and len(fills) < 5 else []
    fill_d = float(np.median([*fills, *usual])) if fills or usual else np.nan
    full_at = last["at"] if last["state"] == "full" else pd.NaT
    if pd.isna(full_at) and not pd.isna(emptied_at) and np.isfinite(fill_d):
        full_at = emptied_at + fill_d * _ONE_DAY
    return {"state": last["state"], "since": last["at"], "emptied_at": emptied_at, "fill_d": fill_d, "full_at": full_at}
