"""Centre lines of all streets before they meet: arterials, each district's own pattern, shore roads, paths, ramps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import rotate, translate
from shapely.geometry import LineString, MultiPoint, Point, Polygon
from shapely.geometry.base import BaseGeometry

from sweepplan.demo.names import Names
from sweepplan.demo.plan import District, TownPlan, dividers, home_of

Floats = NDArray[np.float64]

_SHORTEST_M = 45.0
_ONE_WAY_STYLES = ("dense",)
_INTERCHANGES = ("Granary Avenue", "Mill Avenue", "Tannery Avenue")
_RAMP = ((-380.0, 13.0), (-260.0, 24.0), (-130.0, 46.0), (-45.0, 60.0), (0.0, 64.0))


@dataclass(frozen=True)
class Way:
    """A centre line and what it is: ``oneway`` is 0 (both ways) or 1 (along the line); ``district`` -1 = none."""

    line: LineString
    name: str
    highway: str
    oneway: int = 0
    district: int = -1
    style: str = "arterial"


def arterial_ways(plan: TownPlan) -> list[Way]:
    """Return the streets drawn by hand, and those of piers and island."""
    ways = [Way(a.line, a.name, a.highway) for a in plan.arterials]
    shore = plan.buildable.boundary
    for k, pier in enumerate(plan.piers):
        foot = shapely.shortest_line(Point(pier.coords[0]), shore)
        ways.append(Way(LineString([foot.coords[1], *pier.coords]), f"Harbor Pier {k + 1}", "service", style="pier"))
    ring = _rings(plan.island.buffer(-45).simplify(6))[0]
    ways.append(Way(ring, "Islet Circle", "residential", style="island"))
    middle = plan.island.centroid
    across = rotate(LineString([(middle.x, middle.y - 200), (middle.x, middle.y + 200)]), 15)
    ways.append(Way(_parts(across.intersection(Polygon(ring)))[0], "Islet Lane", "residential", style="island"))
    return ways


def shore_ways(plan: TownPlan, border_m: float = 120.0) -> list[Way]:
    """Return the roads along coast, river and motorway; the municipal border has none."""
    hull = shapely.union_all([plan.land.buffer(200), plan.river]).buffer(-200)
    border = hull.simplify(60).boundary
    water = _open_water(plan)
    by_motorway, by_river = plan.motorway.buffer(110), plan.river.buffer(130)
    ways = []
    for line in _rings(plan.buildable):
        inland = line.difference(border.difference(water).buffer(border_m))
        side = "North" if line.centroid.y > plan.river.centroid.y else "South"
        quay = inland.difference(by_motorway)
        named = (
            (f"{side} Embankment Road", "residential", inland.intersection(by_motorway)),
            (f"{side} River Quay", "tertiary", quay.intersection(by_river)),
            (f"{side} Harbor Quay", "tertiary", quay.difference(by_river)),
        )
        ways += [Way(part, name, kind, style="shore") for name, kind, where in named for part in _parts(where)]
    return ways


def district_ways(plan: TownPlan, names: Names, seed: int) -> list[Way]:
    """Return the local streets: each face between arterials follows the pattern of the nearest district."""
    cuts = shapely.union_all([plan.buildable.boundary, *dividers(plan)], grid_size=0.1)
    faces = [
        f for f in shapely.get_parts(shapely.polygonize([cuts])) if plan.buildable.contains(f.representative_point())
    ]
    home = [home_of(face, plan.districts) for face in faces]
    ways: list[Way] = []
    for number, district in enumerate(plan.districts):
        mine = shapely.union_all([f for f, h in zip(faces, home, strict=True) if h == number])
        if mine.is_empty:
            continue
        rng = np.random.default_rng([seed, 3, number])
        draw = _organic if district.style == "organic" else _grid
        ways += draw(mine, number, district, names, rng)
    return ways


def ramp_ways(plan: TownPlan) -> list[Way]:
    """Return the ramps of each interchange, one-way, between motorway and arterial."""
    ways = []
    for arterial in plan.arterials:
        if arterial.name not in _INTERCHANGES:
            continue
        here = plan.motorway.project(Point(plan.motorway.intersection(arterial.line).coords[0]))
        for side in (1.0, -1.0):
            off = [_beside(plan.motorway, here + side * s, side * w) for s, w in _RAMP]
            on = [_beside(plan.motorway, here - side * s, side * w) for s, w in _RAMP[::-1]]
            off[-1] = on[0] = _met(arterial.line, off[-2], off[-1])
            ways.append(Way(LineString(off), "", "motorway_link", 1, style="ramp"))
            ways.append(Way(LineString(on), "", "motorway_link", 1, style="ramp"))
    return ways


def carriageways(plan: TownPlan, ramps: list[Way]) -> list[Way]:
    """Return the motorway's two carriageways, cut where ramps join; both end in one node at the city's border."""
    length = plan.motorway.length
    joins = [Point(way.line.coords[end]) for way in ramps for end in (0, -1)]
    ways = []
    for side in (1.0, -1.0):
        mine = [j for j in joins if abs(_offset(plan.motorway, j) - side * 13.0) < 2.0]
        at = sorted({round(plan.motorway.project(j), 3) for j in mine}, reverse=side < 0)
        stops = [0.0, *at, length] if side > 0 else [length, *at, 0.0]
        nodes = [
            Point(plan.motorway.interpolate(stops[0])),
            *sorted(mine, key=lambda j: side * plan.motorway.project(j)),
        ]
        nodes.append(Point(plan.motorway.interpolate(stops[-1])))
        for k in range(len(stops) - 1):
            between = np.linspace(stops[k], stops[k + 1], max(3, int(abs(stops[k + 1] - stops[k]) / 60)))[1:-1]
            middle = [_beside(plan.motorway, s, side * 13.0) for s in between]
            line = LineString([nodes[k].coords[0], *middle, nodes[k + 1].coords[0]])
            ways.append(Way(line, "Coast Expressway", "motorway", 1, style="ramp"))
    return ways


def path_ways(plan: TownPlan) -> list[Way]:
    """Return the footbridges; paths through parks are laid once the streets around them stand."""
    return [Way(line, "Footbridge", "footway", style="foot") for line in plan.footbridges]


def _grid(area: BaseGeometry, number: int, district: District, names: Names, rng: np.random.Generator) -> list[Way]:
    ways = []
    for family, step in ((0, district.across_m), (1, district.along_m)):
        at = np.cumsum(step * (1 + rng.uniform(-0.07, 0.07, 80)))
        at -= at[40]
        for k, v in enumerate(at):
            line = _pattern_line(district, family, float(v))
            parts = [p for p in _parts(line.intersection(area)) if p.length > _SHORTEST_M]
            if not parts:
                continue
            collector = k % 5 == 2
            oneway = int(district.style in _ONE_WAY_STYLES and not collector)
            name, highway = names.take(district.style), "tertiary" if collector else "residential"
            for part in parts:
                drawn = part if k % 2 else part.reverse()
                ways.append(Way(drawn, name, highway, oneway, number, district.style))
    return ways


def _pattern_line(district: District, family: int, v: float) -> LineString:
    u = np.linspace(-3200.0, 3200.0, 161)
    bend = 34.0 if district.style == "loop" else 3.0 if district.style == "grid" else 0.0
    w = v + bend * np.sin(2 * np.pi * u / 520.0 + 0.004 * v + family) + bend * np.sin(2 * np.pi * v / 900.0 + u / 310.0)
    xy = np.column_stack([u, w] if family == 0 else [w, u])
    turned = rotate(LineString(xy), district.angle, origin=(0, 0))
    return translate(turned, district.at.x, district.at.y)


def _organic(area: BaseGeometry, number: int, district: District, names: Names, rng: np.random.Generator) -> list[Way]:
    x0, y0, x1, y1 = area.bounds
    gx, gy = np.meshgrid(np.arange(x0, x1, district.across_m), np.arange(y0, y1, district.along_m))
    seeds = np.column_stack([gx.ravel(), gy.ravel()]) + rng.normal(0, 0.21 * district.across_m, (gx.size, 2))
    seeds = (seeds - seeds.mean(axis=0)) @ _turn(district.angle) + seeds.mean(axis=0)
    edges = shapely.voronoi_polygons(MultiPoint(seeds), extend_to=area.buffer(300), only_edges=True)
    parts = _parts(shapely.line_merge(edges).intersection(area))
    return [Way(part, "", "residential", 0, number, "organic") for part in parts if part.length > 12]


def _turn(degrees: float) -> Floats:
    a = np.radians(degrees)
    return np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])


def _parts(shape: BaseGeometry) -> list[LineString]:
    merged = shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape
    return [part for part in shapely.get_parts(merged) if isinstance(part, LineString) and not part.is_empty]


def _rings(shape: BaseGeometry) -> list[LineString]:
    return [LineString(shapely.get_exterior_ring(part)) for part in shapely.get_parts(shape)]


def _open_water(plan: TownPlan) -> BaseGeometry:
    _, y0, x1, y1 = plan.land.bounds
    sea = Polygon([(x1 - 1600, y0 + 60), (x1 + 900, y0 + 60), (x1 + 900, y1 - 60), (x1 - 1600, y1 - 60)])
    return shapely.union(sea, plan.river.buffer(120))


def _beside(axis: LineString, along: float, right_m: float) -> tuple[float, float]:
    at, ahead = axis.interpolate(along), axis.interpolate(min(along + 1.0, axis.length))
    back = axis.interpolate(max(along - 1.0, 0.0))
    dx, dy = ahead.x - back.x, ahead.y - back.y
    norm = float(np.hypot(dx, dy))
    return (at.x + right_m * dy / norm, at.y - right_m * dx / norm)


def _offset(axis: LineString, at: Point) -> float:
    along = axis.project(at)
    right = Point(_beside(axis, along, 1.0))
    distance = axis.distance(at)
    return float(distance if right.distance(at) < distance else -distance)


def _met(street: LineString, before: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    x, y = street.interpolate(street.project(Point(end))).coords[0]
    return (x, y)
