"""Who is signed in: sessions that end by themselves, by leaving them idle, and at once when they are revoked."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import BigInteger, Column, Engine, MetaData, Table, Text, insert, select, update

from sweepplan.store.engine import reading, writing
from sweepplan.store.rows import micros, moments

_SEEN_EVERY = pd.Timedelta(minutes=1)

SESSIONS = Table(
    "sessions",
    MetaData(),
    Column("key", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)
"""Not part of a backup: nobody is signed in on a restored database."""


class Sessions:
    """The sessions of one database; a key is the hash of a cookie, never the cookie."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, key: str, account_id: str, *, at: pd.Timestamp, ends_at: pd.Timestamp) -> None:
        """Note a session; a key that is known stays as it is, revoked or not."""
        row = {"key": key, "account_id": account_id, "started_at": micros(at), "ends_at": micros(ends_at)}
        with writing(self._engine) as connection:
            if connection.execute(select(SESSIONS.c.key).where(SESSIONS.c.key == key)).first() is None:
                connection.execute(insert(SESSIONS).values(**row, seen_at=micros(at)))

    def known(self, key: str) -> bool:
        """Return whether there is or was such a session."""
        with reading(self._engine) as connection:
            return connection.execute(select(SESSIONS.c.key).where(SESSIONS.c.key == key)).first() is not None

    def account(self, key: str, *, at: pd.Timestamp, idle: pd.Timedelta) -> str | None:
        """Return whose session it is; None where there is none, or it ended, was revoked, or left idle too long."""
        now, c = micros(at), SESSIONS.c
        with reading(self._engine) as connection:
            row = connection.execute(select(SESSIONS).where(c.key == key)).first()
        if row is None or row.revoked_at is not None or now >= row.ends_at:
            return None
        if now - row.seen_at >= idle // pd.Timedelta(microseconds=1):
            return None
        if now - row.seen_at >= _SEEN_EVERY // pd.Timedelta(microseconds=1):
            with writing(self._engine) as connection:
                connection.execute(update(SESSIONS).where(c.key == key).values(seen_at=now))
        return str(row.account_id)

    def revoke(self, key: str, *, at: pd.Timestamp) -> None:
        """End a session."""
        self._revoke(SESSIONS.c.key == key, at)

    def revoke_account(self, account_id: str, *, at: pd.Timestamp) -> int:
        """End all sessions of an account, and return how many there were."""
        return self._revoke(SESSIONS.c.account_id == account_id, at)

    def open(self, *, at: pd.Timestamp) -> pd.DataFrame:
        """Return the sessions that are neither ended nor revoked: ``account_id``, ``started_at``, ``seen_at``."""
        c = SESSIONS.c
        query = select(c.account_id, c.started_at, c.seen_at).where(c.revoked_at.is_(None), c.ends_at > micros(at))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(c.seen_at.desc())).all()
        frame = pd.DataFrame(rows, columns=["account_id", "started_at", "seen_at"])
        return frame.assign(started_at=moments(frame["started_at"]), seen_at=moments(frame["seen_at"]))

    def _revoke(self, which: object, at: pd.Timestamp) -> int:
        query = update(SESSIONS).where(which, SESSIONS.c.revoked_at.is_(None))  # type: ignore[arg-type]
        with writing(self._engine) as connection:
            return int(connection.execute(query.values(revoked_at=micros(at))).rowcount)
