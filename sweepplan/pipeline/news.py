"""What happened since a plan was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class News:
    """What happened since the plan was made.

    Attributes
    ----------
    at : now, ``HH:MM`` on the city's clock, on the day planned.
    done : ids of the places that are done; None: as the plan says for this moment.
    home : crews that go home now.
    requests : latitude, longitude of new requests.
    blocked : names of streets that nobody may pass.
    """

    at: str
    done: frozenset[str] | None = None
    home: tuple[str, ...] = ()
    requests: tuple[tuple[float, float], ...] = ()
    blocked: tuple[str, ...] = ()
