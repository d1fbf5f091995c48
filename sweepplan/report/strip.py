"""The map strip of a sheet: streets, the way and numbered stops as an SVG, north up."""

from __future__ import annotations

from itertools import chain

import geopandas as gpd
import numpy as np
import shapely

from sweepplan.geo import distance_words

WIDTH, HEIGHT = 1000.0, 430.0
"""Of the drawing, in its own units."""

_MARGIN = 26.0
_BAR_M = {"m": (100, 200, 500, 1000, 2000, 5000), "mi": (152.4, 402.336, 804.672, 1609.344, 3218.688)}


def map_strip(streets: gpd.GeoDataFrame, routes: gpd.GeoDataFrame, stops: gpd.GeoDataFrame, *, unit: str) -> str:
    """Return the SVG; tables on one plane."""
    west, south, east, north = shapely.total_bounds(np.concatenate([routes.geometry, stops.geometry]))
    scale = min((WIDTH - 2 * _MARGIN) / max(east - west, 50), (HEIGHT - 2 * _MARGIN) / max(north - south, 50))
    middle = np.array([(west + east) / 2, (south + north) / 2])
    half = np.array([WIDTH, HEIGHT]) / 2

    def drawn(shape: shapely.Geometry) -> str:
        parts = [shapely.get_coordinates(part) for part in shapely.get_parts(shape)]
        paths = [(xy - middle) * (scale, -scale) + half for xy in parts if len(xy) > 1]
        return " ".join("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in path) for path in paths)

    reach = half / scale
    box = shapely.box(*(middle - reach), *(middle + reach))
    near = shapely.intersection(streets.geometry.to_numpy()[streets.geometry.intersects(box)], box)
    roads = " ".join(drawn(road) for road in near)
    way = " ".join(map(drawn, routes.geometry))
    marks = "".join(
        _mark((xy - middle) * (scale, -scale) + half, f"{seq}")
        for seq, xy in zip(stops["seq"], shapely.get_coordinates(stops.geometry.to_numpy()), strict=True)
    )
    home = (shapely.get_coordinates(routes.geometry.iloc[0])[0] - middle) * (scale, -scale) + half
    return f"""<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="Map of the way, north up">
<path d="{roads}" fill="none" stroke="#bbb" stroke-width="1.5"/>
<path d="{way}" fill="none" stroke="#fff" stroke-width="7"/>
<path d="{way}" fill="none" stroke="#000" stroke-width="3.5"/>
{marks}<path d="M{home[0]:.0f} {home[1] - 11:.0f}l11 10v11h-22v-11z" fill="#000" stroke="#fff" stroke-width="2"/>
{_bar(scale, unit)}<text x="985" y="24" font-size="20" text-anchor="end" font-weight="bold">N ↑</text></svg>"""


def _mark(at: np.ndarray, text: str) -> str:
    radius = 9 + 3 * len(text)
    return (
        f'<circle cx="{at[0]:.0f}" cy="{at[1]:.0f}" r="{radius}" fill="#fff" stroke="#000" stroke-width="2"/>'
        f'<text x="{at[0]:.0f}" y="{at[1] + 6:.0f}" font-size="17" font-weight="bold" '
        f'text-anchor="middle">{text}</text>'
    )


def _bar(scale: float, unit: str) -> str:
    fitting = [metres for metres in _BAR_M[unit] if metres * scale <= WIDTH / 4]
    metres = max(chain(fitting, _BAR_M[unit][:1]))
    width = metres * scale
    return (
        f'<path d="M14 {HEIGHT - 14:.0f}v-8v8h{width:.0f}v-8" fill="none" stroke="#000" stroke-width="2"/>'
        f'<text x="18" y="{HEIGHT - 22:.0f}" font-size="16">{distance_words(metres, unit)}</text>'
    )
