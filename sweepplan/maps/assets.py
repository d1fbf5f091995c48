"""Scripts and styles of the map: Leaflet from the installed package, and our own."""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib.resources import files

from sweepplan.maps import hues

_COLOURS = ("ACCENT", "OVER_DUE", "INK", "OVERDOSE", "WATER")


@cache
def asset(name: str) -> str:
    """Return ``leaflet.js``, ``leaflet.css`` (its images inside), ``page.js``, ``page.css``, ``live.js``, ``live.css``.

    Raises
    ------
    KeyError
        There is none of this name.
    """
    leaflet, own = files("js_lib_leaflet") / "static" / "js_lib_leaflet", files("sweepplan.maps")
    if name == "leaflet.js":
        return re.sub(r"//# sourceMappingURL=.*", "", (leaflet / name).read_text("utf-8"))
    if name == "leaflet.css":

        def inlined(found: re.Match[str]) -> str:
            image = base64.b64encode((leaflet / found[1]).read_bytes()).decode()
            return f"url(data:image/png;base64,{image})"

        return re.sub(r"url\((images/[^)]+)\)", inlined, (leaflet / name).read_text("utf-8"))
    if name not in ("page.js", "page.css", "live.js", "live.css"):
        raise KeyError(name)
    text = (own / name).read_text("utf-8")
    if name == "page.css":
        colours = "".join(f"--{name.lower().replace('_', '-')}:{getattr(hues, name)};" for name in _COLOURS)
        return f":root,:host{{{colours}}}\n{text}"
    return text
