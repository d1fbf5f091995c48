"""The map on a page: it keeps its view and its selection; what it draws comes over the app's own address."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from sweepplan import maps
from sweepplan.app.documents import SHELF, Document
from sweepplan.app.words import plain
from sweepplan.bridge import Ring
from sweepplan.pipeline.tiles import Tiles

ASSETS = ("leaflet.js", "leaflet.css", "page.js", "page.css", "live.js", "live.css")
_MOUNT = "export default (c) => { import(new URL(c.data.code, location.origin)).then((m) => m.default(c)); }"


@dataclass(frozen=True, eq=False)
class MapView:
    """What a map shows: its layers, the streets under them near and far, the place they are of, and whose they are."""

    layers: Document
    near: Document
    far: Document
    place: str
    attribution: str
    tiles: Tiles | None = None


@dataclass(frozen=True)
class Clicked:
    """What was clicked: the id of a mark or area, or a point in degrees (latitude, longitude)."""

    selected: str | None = None
    point: tuple[float, float] | None = None


@cache
def version() -> str:
    """Return what the assets' address holds, so that browsers keep them until they change."""
    return hashlib.sha256("".join(maps.asset(name) for name in ASSETS).encode()).hexdigest()[:16]


@cache
def _component() -> Any:
    return st.components.v2.component("sweepplan_map", js=_MOUNT)


def root() -> str:
    """Return the path that the app's own addresses begin with."""
    return f"/{st.get_option('server.baseUrlPath').strip('/')}/".replace("//", "/")


def show(
    view: MapView,
    *,
    key: str,
    height: int,
    selected: str | None = None,
    picking: bool = False,
    rings: Sequence[Ring] = (),
    corners: Ring = (),
    on_click: Callable[[Clicked], None] | None = None,
) -> Clicked:
    """Show a map and return what was last clicked on it.

    Parameters
    ----------
    picking : clicks beside all marks give points.
    rings, corners : areas drawn by hand, and the corners of the next, latitude and longitude.
    on_click : told what was clicked before the page runs again.
    """
    tiles = _switched_on(view.tiles, key)
    data = {
        "code": f"{root()}map/{version()}/live.js",
        "layers": root() + SHELF.put(view.layers),
        "near": root() + SHELF.put(view.near),
        "far": root() + SHELF.put(view.far),
        "place": f"{key} {view.place}",
        "attribution": view.attribution if tiles is None else f"{view.attribution} · {tiles.attribution}",
        "tiles": None if tiles is None else tiles.tiles,
        "height": height,
        "selected": selected,
        "picking": picking,
        "rings": rings,
        "corners": corners,
    }

    def clicked() -> None:
        if on_click is not None:
            on_click(_clicked(st.session_state.get(key)))

    return _clicked(_component()(key=key, data=data, on_selected_change=clicked, on_point_change=clicked))


def _switched_on(tiles: Tiles | None, key: str) -> Tiles | None:
    """Ask, where the settings name online tiles, whether they are wanted."""
    if tiles is None:
        return None
    host = tiles.origin.partition("//")[2]
    said = (
        f"Off: the map asks nobody outside. On: {plain(host)} gets your network address, and sees which part of the "
        "city you look at and when. It never gets reports, stops or routes."
    )
    return tiles if st.toggle("Online map", key=f"online-{key}", help=said) else None


def _clicked(result: Any) -> Clicked:
    point = (result or {}).get("point")
    return Clicked((result or {}).get("selected"), tuple(point) if point else None)
