"""Routes with arrows and stops, a layer a crew, and the stops that are left out."""

from __future__ import annotations

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from sweepplan.geo import WGS84
from sweepplan.maps import hues
from sweepplan.maps.layers import Layer, entry, feature, geojson, geometry_of, rows
from sweepplan.maps.words import counted, moment_of, safe_text, short, tip
from sweepplan.privacy import Published
from sweepplan.tables import STOP_KINDS

_ARROW_EVERY_M = 350.0
_MOST_ARROWS = 60


def crews(shown: Published, *, as_of: pd.Timestamp | None) -> list[Layer]:
    """Return a layer a crew: its way with arrows, and its stops numbered; last the requests left out."""
    routes, stops = shown.table("routes"), shown.table("stops")
    late = over_due(routes, stops, as_of=as_of)
    names = list(dict.fromkeys([*routes.index, *stops["crew"].dropna()]))
    marks, hue_of = letters(names), crew_hues(names)
    layers = []
    for crew in names:
        hue = hue_of[crew]
        mine = stops[stops["crew"] == crew].sort_values("seq")
        parts = _way(routes[routes.index == crew], hue, marks[crew], shown)
        parts += (geojson(_stops(mine, late, hue, marks[crew], shown), "marks"),)
        swatch = f'<span class="line" style="--hue:{hue}"></span>'
        layers.append(Layer(entry(swatch, _crew_name(crew, marks[crew]), *_figures(crew, routes, mine, shown)), parts))
    left = stops[stops["crew"].isna()]
    if len(left):
        label = entry('<span class="badge left"></span>', "Left out", counted(len(left), "stop"))
        layers.append(Layer(label, (geojson(_left_out(left, late, shown), "marks"),)))
    return layers


def over_due(routes: gpd.GeoDataFrame, stops: gpd.GeoDataFrame, *, as_of: pd.Timestamp | None) -> pd.Series:
    """Return which stops are served after they were due or, left out, were due when the plan was made.

    Parameters
    ----------
    as_of : when the plan was made; None: when the first crew starts.
    """
    made = as_of if as_of is not None else routes["starts_at"].min()
    return stops["due_at"] < stops["arrives_at"].fillna(made)


def crew_hues(crews: list[str]) -> dict[str, str]:
    """Return a hue for each crew: one called A to J has its letter's, which stays when another crew goes home.

    Examples
    --------
    >>> crew_hues(["B", "night"]) == {"B": hues.CREWS[1], "night": hues.CREWS[0]}
    True
    """
    by_letter = dict(zip("ABCDEFGHIJ", hues.CREWS, strict=True))
    own = {crew: by_letter[crew] for crew in crews if crew in by_letter}
    free = [hue for hue in hues.CREWS if hue not in own.values()] or hues.CREWS
    return own | dict(zip((crew for crew in crews if crew not in own), itertools.cycle(free), strict=False))


def letters(crews: list[str]) -> dict[str, str]:
    """Return a short mark for each crew: its name, else its initial, else A, B, C.

    Examples
    --------
    >>> letters(["A", "B"]), letters(["dawn", "noon"]), letters(["dawn", "dusk"])
    ({'A': 'A', 'B': 'B'}, {'dawn': 'D', 'noon': 'N'}, {'dawn': 'A', 'dusk': 'B'})
    """
    initials = [crew.strip()[:1].upper() for crew in crews]
    if all(len(crew) <= 2 for crew in crews):
        return {crew: crew for crew in crews}
    if len(set(initials)) == len(crews):
        return dict(zip(crews, initials, strict=True))
    return {crew: chr(ord("A") + k) if k < 26 else str(k + 1) for k, crew in enumerate(crews)}


def depots(shown: Published) -> Layer | None:
    """Return where crews start and end: the depots among the sites, else where the routes begin; None without any."""
    sites, routes = shown.table("sites"), shown.table("routes")
    homes = sites[sites["kind"] == "depot"]
    if len(homes):
        found = [(row.name, shape) for _, row, shape in rows(homes)]
    else:
        starts = routes.geometry.to_crs(WGS84).map(lambda way: geometry_of(shapely.Point(_first(way))))
        found = [("Start and end of the routes", start) for start in {str(s): s for s in starts}.values()]
    features = [
        feature(shape, pane="marks", html=_HOUSE, size=24, front=5, tip=tip(name, "depot")) for name, shape in found
    ]
    label = entry(_HOUSE, "Depot" if len(found) == 1 else "Depots")
    return Layer(label, (geojson(features, "marks"),)) if features else None


_HOUSE = (
    f'<svg class="depot" viewBox="0 0 24 24"><path d="M12 2 L23 12 H20 V22 H4 V12 H1 Z" fill="{hues.INK}" '
    'stroke="#fff" stroke-width="1.5"/></svg>'
)


def _way(route: gpd.GeoDataFrame, hue: str, mark: str, shown: Published) -> tuple[Any, ...]:
    lines: list[dict[str, Any]] = []
    arrows: list[dict[str, Any]] = []
    for crew, row, shape in rows(route):
        begins, back = shown.local(row.starts_at), shown.local(row.ends_at)
        words = tip(_crew_name(crew, mark), f"{begins:%H:%M} to {back:%H:%M}", shown.area.distance(row.drive_m))
        lines.append(feature(shape, style={"color": "#fff", "weight": 7, "opacity": 0.9, "fill": False}))
        lines.append(feature(shape, style={"color": hue, "weight": 4, "opacity": 1, "fill": False}, tip=words))
    for way in route.geometry:
        arrows += _arrows(way, str(route.crs), hue)
    return geojson(lines, "routes"), geojson(arrows, "arrows")


def _arrows(way: BaseGeometry, crs: str, hue: str) -> list[dict[str, Any]]:
    """Return triangles along the way that point where it goes."""
    every = max(_ARROW_EVERY_M, way.length / _MOST_ARROWS)
    at = np.arange(every / 2, way.length, every)
    behind, ahead = (_degrees_at(way, np.clip(at + step, 0, way.length), crs) for step in (-6.0, 6.0))
    east, north = (ahead - behind).T
    angle = np.degrees(np.arctan2(east * np.cos(np.radians(ahead[:, 1])), north)).round().astype(int)
    return [
        feature(
            geometry_of(shapely.Point(middle)),
            pane="arrows",
            size=12,
            html=_ARROW.format(dense=" dense" if k % 3 else "", turn=turn, hue=hue),
        )
        for k, (middle, turn) in enumerate(zip((behind + ahead) / 2, angle, strict=True))
    ]


def _degrees_at(way: BaseGeometry, at_m: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    """Return longitude and latitude of the points ``at_m`` metres along the way; shape (n, 2)."""
    points = gpd.GeoSeries(list(np.atleast_1d(shapely.line_interpolate_point(np.asarray(way), at_m))), crs=crs)
    return shapely.get_coordinates(points.to_crs(WGS84).to_numpy())


_ARROW = (
    '<svg class="arrow{dense}" viewBox="0 0 12 12" style="transform:rotate({turn}deg)">'
    '<path d="M6 0.5 L11.5 11 L6 8.5 L0.5 11 Z" fill="{hue}" stroke="#fff" stroke-width="1"/></svg>'
)


def _stops(stops: gpd.GeoDataFrame, late: pd.Series, hue: str, mark: str, shown: Published) -> list[dict[str, Any]]:
    features = []
    for stop, row, shape in rows(stops):
        request = row.kind == "request"
        kind = f"{'request' if request else 'place'}{' late' if late[stop] else ''}"
        text = safe_text(f"{mark}{row.seq}")
        features.append(
            feature(
                shape,
                id=stop,
                pane="marks",
                size=24,
                front=3 if request else 0,
                html=f'<span class="badge {kind}" style="--hue:{hue}">{text}</span>',
                tip=tip(f"{mark}{row.seq} {row.name}", *_about(row, shown, late=bool(late[stop]))),
            )
        )
    return features


def _left_out(left: gpd.GeoDataFrame, late: pd.Series, shown: Published) -> list[dict[str, Any]]:
    return [
        feature(
            shape,
            id=stop,
            pane="marks",
            size=18,
            front=4,
            html=f'<span class="badge left{" late" if late[stop] else ""}"></span>',
            tip=tip(f"Left out: {row.name}", row.reason, *_about(row, shown, late=bool(late[stop]))),
        )
        for stop, row, shape in rows(left)
    ]


def _about(row: Any, shown: Published, *, late: bool) -> list[str | None]:
    due = None if pd.isna(row.due_at) else moment_of(shown.local(row.due_at))
    served = None
    if not pd.isna(row.arrives_at):
        served = moment_of(shown.local(row.arrives_at))
        served += "" if pd.isna(row.leaves_at) else f" to {shown.local(row.leaves_at):%H:%M}"
        served += "" if pd.isna(row.slack_min) else f", {row.slack_min:.0f} min to spare"
    needles = (
        f"{short(row.expected_needles)} needle{'' if row.expected_needles == 1 else 's'} expected"
        if row.expected_needles > 0
        else "no needles expected"
    )
    return [STOP_KINDS[row.kind], served, f"{'over due: ' if late else ''}due {due}" if due else None, needles]


def _figures(crew: str, routes: gpd.GeoDataFrame, stops: gpd.GeoDataFrame, shown: Published) -> list[str]:
    requests = int((stops["kind"] == "request").sum())
    said = [counted(len(stops), "stop") + (f" · {counted(requests, 'request')}" if requests else "")]
    for _, route, _ in rows(routes[routes.index == crew]):
        begins, back = shown.local(route.starts_at), shown.local(route.ends_at)
        said.append(f"{short(route.expected_needles)} needles expected")
        said.append(f"{begins:%H:%M} to {back:%H:%M} · {shown.area.distance(route.drive_m)}")
    return said


def _crew_name(crew: str, mark: str) -> str:
    return f"Crew {crew}" if crew == mark else f"Crew {crew} ({mark})"


def _first(way: BaseGeometry) -> Any:
    return shapely.get_coordinates(way)[0]
