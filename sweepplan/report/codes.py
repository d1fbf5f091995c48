"""Links as squares that a phone's camera reads, drawn here: no service is asked."""

from __future__ import annotations

from functools import lru_cache

import segno

from sweepplan.privacy import Published
from sweepplan.report.links import map_links


@lru_cache(maxsize=512)
def code_svg(link: str) -> str:
    """Return a QR code of a link as inline SVG, black on white, as wide as what it stands in.

    Examples
    --------
    >>> code_svg("https://example.org").startswith("<svg")
    True
    """
    return str(segno.make(link, error="m", micro=False).svg_inline(omitsize=True, light="#fff"))


def way_codes(shown: Published, crew: str) -> list[tuple[str, str]]:
    """Return the ways of a crew on Google Maps, a leg each: which stops, and its code as SVG.

    Whoever scans one tells Google where the crew goes.
    """
    links = map_links(shown)
    mine = links[links["crew"] == crew]
    home = 1 + int((shown.table("stops")["crew"] == crew).sum())
    legs = zip(mine["first_stop"].astype(int), mine["last_stop"].astype(int), mine["google"], strict=True)
    return [
        (f"stop {first} to {'the depot' if last == home else last}", code_svg(str(link))) for first, last, link in legs
    ]
