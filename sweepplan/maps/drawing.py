"""The map of what may be seen."""

from __future__ import annotations

import json
from collections.abc import Iterable

import folium
import geopandas as gpd
import pandas as pd
import shapely

from sweepplan.errors import GateError
from sweepplan.geo import WGS84
from sweepplan.maps import alerts, crews, heat, points
from sweepplan.maps.background import background, names
from sweepplan.maps.layers import PANES, Layer
from sweepplan.maps.page import Bounds, page_of
from sweepplan.maps.words import day, moment_of, safe_text
from sweepplan.privacy import Published


def draw(published: Published, *, attribution: str = "", as_of: pd.Timestamp | None = None) -> folium.Map:
    """Return the map of all that passed the gate; ``.save(path)`` writes one page that fetches nothing.

    The same input gives the same bytes.

    Parameters
    ----------
    attribution : whose data the map is drawn from, e.g. ``Streets © OpenStreetMap contributors``.
    as_of : nothing reported from this moment on was used; with its zone.

    Raises
    ------
    GateError
        ``published`` did not pass the gate.
    """
    if not isinstance(published, Published):
        raise GateError(f"draw(...) of a {type(published).__name__}: give what publish(...) returns")
    layers = [background(published), *overlay(published, as_of=as_of)]
    panel = _panel(published, layers, as_of=as_of)
    return page_of(
        layers,
        title=published.label,
        panel=panel,
        bounds=_bounds(published),
        names=names(published),
        attribution=attribution,
    )


def live(published: Published, *, as_of: pd.Timestamp | None = None) -> bytes:
    """Return the same layers but the background as JSON, for a map whose page is there already.

    Raises
    ------
    GateError
        ``published`` did not pass the gate.
    """
    if not isinstance(published, Published):
        raise GateError(f"live(...) of a {type(published).__name__}: give what publish(...) returns")
    layers = overlay(published, as_of=as_of)
    routes, stops = published.table("routes"), published.table("stops")
    late = bool(crews.over_due(routes, stops, as_of=as_of).any())
    west, south, east, north = _bounds(published)
    told = {
        "layers": [{**vars(layer), "parts": [vars(part) for part in layer.parts]} for layer in layers],
        "bounds": [[south, west], [north, east]],
        "panes": dict(PANES),
        "legend": points.symbols(published, late=late),
    }
    return json.dumps(told, separators=(",", ":")).encode()


def overlay(published: Published, *, as_of: pd.Timestamp | None) -> list[Layer]:
    """Return all that is drawn on streets and land."""
    return [
        *heat.cells(published),
        *heat.hotspots(published),
        *alerts.alerts(published),
        *crews.crews(published, as_of=as_of),
        *filter(None, [crews.depots(published)]),
        *points.kiosks(published),
        *points.reports(published, as_of=as_of),
        *points.sites(published),
    ]


def _panel(published: Published, layers: Iterable[Layer], *, as_of: pd.Timestamp | None) -> str:
    routes, stops = published.table("routes"), published.table("stops")
    said = []
    if len(routes):
        said.append(f"Sweeps of {day(published.local(routes['starts_at'].min()))}")
    if as_of is not None:
        said.append(f"Reports before {moment_of(published.local(as_of))}")
    withheld = "".join(f"<p>Not shown: {safe_text(words)}.</p>" for words in published.withheld_words())
    legend = points.symbols(published, late=bool(crews.over_due(routes, stops, as_of=as_of).any()))
    return (
        f'<section id="panel"><h1>{safe_text(published.label)}</h1>'
        + "".join(f"<p>{safe_text(line)}</p>" for line in said)
        + f'<details open><summary>Legend</summary><div class="layers"></div>{legend}'
        + (f'<div class="withheld">{withheld}</div>' if withheld else "")
        + "</details></section>"
    )


def _bounds(published: Published) -> Bounds:
    """Return the bounds of what the map is about; of the whole area where that is nothing."""
    about = [table.geometry for name, table in published.tables() if name not in ("streets", "places", "sites")]
    shapes = pd.concat([gpd.GeoSeries([], crs=published.area.crs), *about]) if about else gpd.GeoSeries([])
    if shapes.empty:
        shapes = gpd.GeoSeries([published.area.boundary])
    box = gpd.GeoSeries([shapely.box(*shapes.total_bounds)], crs=published.area.crs).to_crs(WGS84)
    west, south, east, north = (round(float(edge), 5) for edge in box.total_bounds)
    return west, south, east, north
