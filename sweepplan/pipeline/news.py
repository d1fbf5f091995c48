"""What happened since a plan was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


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

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> News:
        """Return what :meth:`told` says."""
        done, requests = told["done"], told["requests"]
        return cls(
            at=str(told["at"]),
            done=None if done is None else frozenset(map(str, done)),
            home=tuple(map(str, told["home"])),
            requests=tuple((float(lat), float(lon)) for lat, lon in requests),
            blocked=tuple(map(str, told["blocked"])),
        )

    def told(self) -> dict[str, Any]:
        """Return the news as JSON has it."""
        return asdict(self) | {"done": None if self.done is None else sorted(self.done)}
