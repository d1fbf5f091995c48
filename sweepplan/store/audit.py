"""Who saw or changed what: rows that are only ever added, each sealed with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, insert, select, text

from sweepplan.store.schema import audit, audit_head

SEALED = ("seq", "at", "who", "what", "policy", "rows")
START = "0" * 64
"""What stands for the hash before the first row."""


def seal(before: str, row: dict[str, Any]) -> str:
    """Return the SHA-256 of the hash before and the row's canonical JSON, in hex.

    Examples
    --------
    >>> seal(START, {"seq": 1, "at": 0, "who": "a", "what": "b", "policy": "c", "rows": 0})[:8]
    'a7459fab'
    """
    body = json.dumps({name: row[name] for name in SEALED}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{before}{body}".encode()).hexdigest()


def append(connection: Connection, *, at: int, who: str, what: str, policy: str, rows: int) -> int:
    """Add one row at the end of the chain, and return its number; other writers wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
    last = connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    seq, before = (last.seq + 1, last.hash) if last else (1, START)
    row: dict[str, Any] = {"seq": seq, "at": at, "who": who, "what": what, "policy": policy, "rows": rows}
    row["hash"] = seal(before, row)
    connection.execute(insert(audit).values(**row))
    changed = connection.execute(audit_head.update().values(seq=seq, hash=row["hash"])).rowcount
    if not changed:
        connection.execute(insert(audit_head).values(id=1, seq=seq, hash=row["hash"]))
    return seq


def first_broken(connection: Connection) -> int | None:
    """Return the number of the first row that is not as it was written, or is missing; None where all are whole."""
    before, expected = START, 1
    ordered = select(audit).order_by(audit.c.seq)
    with connection.execute(ordered, execution_options={"yield_per": 10_000}) as result:
        for row in result.mappings():
            if row["seq"] != expected or row["hash"] != seal(before, dict(row)):
                return expected
            before, expected = row["hash"], expected + 1
    head = connection.execute(select(audit_head.c.seq, audit_head.c.hash)).first()
    known = (head.seq, head.hash) if head else (0, START)
    return None if known == (expected - 1, before) else expected
