"""Online map tiles, which nobody gets who did not ask for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sweepplan.errors import SettingsError

_ADDRESS = re.compile(r"(https://[a-z0-9.-]+|http://127\.0\.0\.1)(:[0-9]+)?/[\w.~%/?&=@{}-]*", re.ASCII)


@dataclass(frozen=True)
class Tiles:
    """Where tiles come from (``{z}``, ``{x}`` and ``{y}`` in the address), and whose they are."""

    tiles: str
    attribution: str

    def __post_init__(self) -> None:
        plain = self.tiles
        for name in ("{z}", "{x}", "{y}"):
            plain = plain.replace(name, "0", 1)
        if not _ADDRESS.fullmatch(self.tiles) or plain.count("{") or self.tiles.count("{") != 3:
            raise SettingsError(
                f'tiles {self.tiles!r}: give an https address, e.g. "https://tiles.example.org/{{z}}/{{x}}/{{y}}.png"'
            )

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Tiles:
        """Read a ``[map]`` table.

        Raises
        ------
        SettingsError
            It says something else, or its address is none of tiles.
        """
        match given:
            case {"tiles": str(tiles), "attribution": str(attribution), **rest} if not rest:
                return cls(tiles, attribution)
        raise SettingsError(
            f'map {dict(given)}: give tiles = "https://.../{{z}}/{{x}}/{{y}}.png" and attribution = "© whose they are"'
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port that tiles are asked of."""
        return "{0.scheme}://{0.netloc}".format(urlsplit(self.tiles))
