"""What the database keeps, as people read it."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from sweepplan.app import access
from sweepplan.app.documents import Document
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SweepplanError
from sweepplan.maps.words import counted, moment_of
from sweepplan.pipeline import Settings
from sweepplan.store import ROLES, Store

DONE = "data_done"
_MOST = 500
_LATE = 1.5
"""A feed is late once so many of its usual gaps have passed."""


def done(act: Callable[[], str]) -> Callable[[], None]:
    """Return a callback that does something for an admin and keeps what came of it, to be said once."""

    def call() -> None:
        try:
            access.acting(access.ADMIN)
            st.session_state[DONE] = ("done", plain(act()))
        except SweepplanError as error:
            st.session_state[DONE] = ("error", f"{sentence(plain(error))}  \nThe database is as it was.")

    return call


def imports(store: Store) -> pd.DataFrame:
    """Return the files taken, newest first."""
    table = store.imports().iloc[::-1]
    return pd.DataFrame(
        {
            "Taken": _times(table["at"]),
            "File": table["file_name"],
            "What": table["feed"],
            "Rows": table["rows_in"],
            "Kept": table["kept"],
            "Merged": table["merged"],
            "Set aside": table["rejected"],
        }
    )


def feeds(store: Store) -> pd.DataFrame:
    """Return each feed that was taken: when last, how often so far, and when it is expected next; late ones first."""
    rows, now = [], access.now()
    for feed, taken in store.imports().groupby("feed"):
        last, gaps = taken["at"].max(), taken["at"].drop_duplicates().sort_values().diff().dropna()
        usual_h = float(np.median(gaps.dt.total_seconds())) / 3600 if len(gaps) else math.nan
        late = bool((now - last) / pd.Timedelta(hours=1) > _LATE * usual_h)
        rows.append((str(feed), last, usual_h, last + pd.Timedelta(hours=usual_h), late))
    rows.sort(key=lambda row: (not row[4], row[0]))
    return pd.DataFrame(
        {
            "Feed": [row[0] for row in rows],
            "Last run": _times([row[1] for row in rows]),
            "Usually every": [_gap(row[2]) for row in rows],
            "Next expected": _times([row[3] for row in rows]),
            "": ["late" if row[4] else "" for row in rows],
        }
    )


def _gap(hours: float) -> str:
    if math.isnan(hours):
        return "not known yet"
    return counted(max(round(hours), 1), "hour") if hours < 36 else counted(round(hours / 24), "day")


def files(settings: Settings) -> pd.DataFrame:
    """Return the files that the settings name, and when each was changed last."""
    found = {name: path for name, path in settings.files().items() if path.is_file()}
    changed = [pd.Timestamp(path.stat().st_mtime, unit="s", tz="UTC") for path in found.values()]
    return pd.DataFrame(
        {
            "What": [name.replace("_", " ").capitalize() for name in found],
            "File": [path.name for path in found.values()],
            "Changed": _times(changed),
        }
    )


def headline(store: Store, taken: pd.DataFrame) -> str:
    """Return the figures that the page begins with."""
    waiting, broken = sum(reasons(store).values()), store.verify_audit()
    audit = "audit whole" if broken is None else f":red[audit changed at row {broken}]"
    rows = int(taken["Kept"].sum()) if len(taken) else 0
    return f"**{counted(len(taken), 'file')}** taken, {counted(rows, 'row')} kept · {waiting:,} set aside · {audit}"


def reasons(store: Store) -> dict[str, int]:
    """Return how many rows wait for each reason, most first."""
    counts: dict[str, int] = {str(why): int(n) for why, n in store.quarantine()["reason"].value_counts().items()}
    return counts


def set_aside(store: Store, reason: str) -> tuple[pd.DataFrame, list[int]]:
    """Return the first rows set aside for a reason, and their ids."""
    table = store.quarantine(reason=reason, most=_MOST)
    names = {"file_name": "File", "line": "Line", "reason": "Reason", "value": "Value"}
    kept = [name for name in names if name in table]
    return table[kept].rename(columns=names), [int(each) for each in table["id"]]


def release(store: Store, ids: Sequence[int], *, by: str) -> str:
    """Mark rows as dealt with, and say how many."""
    return f"{counted(store.release(ids, at=access.now(), by=by), 'row')} marked as dealt with"


def backup(store: Store, by: str) -> Document:
    """Return a copy of everything, made when it is asked for."""
    at = access.now()

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "backup.zip"
            store.backup(path, at=access.now(), by=by)
            return path.read_bytes()

    name = f"sweepplan-{at:%Y%m%d-%H%M}.zip"
    return Document(f"backup {at.floor('min')}", make, "application/zip", access.ADMIN, name, f"exported {name}")


def accounts(store: Store) -> pd.DataFrame:
    """Return who has an account, with their roles and when they were last seen."""
    table = store.accounts()
    seen = store.sessions.open(at=access.now()).groupby("account_id")["seen_at"].max().to_dict()
    return pd.DataFrame(
        {
            "Account": table["account_id"],
            "Name": table["name"],
            "Roles": [", ".join(role for role in ROLES if role in store.roles(each)) for each in table["account_id"]],
            "Signed in, last seen": _times([seen.get(each, pd.NaT) for each in table["account_id"]]),
        }
    )


def audit(store: Store) -> pd.DataFrame:
    """Return the newest rows of the audit, newest first."""
    table = store.audit(last=_MOST).iloc[::-1]
    return pd.DataFrame(
        {
            "No.": table["seq"],
            "When": _times(table["at"]),
            "Who": table["who"],
            "What": table["what"],
            "Seen as": table["policy"],
            "Rows": table["rows"],
        }
    )


def _times(moments: Iterable[pd.Timestamp]) -> list[str]:
    return ["" if pd.isna(at) else f"{moment_of(at.tz_convert('UTC'))} UTC" for at in moments]
