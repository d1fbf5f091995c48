"""The plan of the town, before any street is drawn: coast, river, arterials, motorway, districts, large parks.

All control points are in town metres, east and north of the town's middle; :func:`town_plan` returns them on the plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.interpolate import CubicSpline
from shapely.affinity import rotate, translate
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from sweepplan.geo import WGS84

Floats = NDArray[np.float64]
Shape = TypeVar("Shape", bound=BaseGeometry)

NAME = "Port Ellery"
NOTE = "made-up city"
CRS = "EPSG:32619"
TZ = "America/New_York"
ORIGIN = tuple(round(c, -2) for c in Transformer.from_crs(WGS84, CRS, always_xy=True).transform(-68.5, 41.0))
"""The town's middle on the plane: open ocean, so that no one lives there."""

_COAST = (
    (1420, 2700), (1560, 2300), (1400, 1900), (1620, 1500), (2050, 1240), (2180, 980), (1900, 760), (1400, 640),
    (1060, 480), (960, 240), (960, -60), (1000, -330), (1090, -620), (1420, -760), (1800, -900), (1930, -1180),
    (1700, -1500), (1480, -1850), (1420, -2250), (1150, -2680),
)  # fmt: skip
_BORDER = ((-300, -2680), (-1500, -2560), (-2500, -2600), (-3350, -2200), (-3300, -900), (-3450, 200), (-3250, 1100),
           (-3300, 2100), (-2500, 2640), (-1000, 2600))  # fmt: skip
_RIVER = ((-3700, 260), (-3000, -60), (-2350, -200), (-1750, 60), (-1150, -60), (-600, -330), (0, -430), (560, -400),
          (1150, -460))  # fmt: skip
_RIVER_HALF_WIDTH_M = (38.0, 85.0)
_ISLAND = (1360, 90, 190, 130)
_PIERS = ((1010, 330, 15), (960, 60, 5), (1000, -150, -5), (1260, -700, 60), (1560, -800, 70))
_MOTORWAY = ((-1120, -2900), (-1230, -1900), (-1330, -1150), (-1420, -450), (-1370, 200), (-1330, 900), (-1480, 1700),
             (-1760, 2900))  # fmt: skip
_FOOTBRIDGES = (((-330, -250), (-350, -560)), ((930, 110), (1250, 95)))


@dataclass(frozen=True)
class Arterial:
    """A street drawn by hand: it crosses districts, and only such streets cross the river or the motorway."""

    name: str
    highway: str
    line: LineString


@dataclass(frozen=True)
class District:
    """A quarter with its own grid: ``angle`` in degrees, blocks of ``across_m`` by ``along_m``.

    ``style`` is ``organic`` (old, irregular), ``dense`` (one-way streets alternate), ``grid`` or ``loop`` (curved
    streets, many dead ends).
    """

    name: str
    at: Point
    angle: float
    across_m: float
    along_m: float
    style: str


@dataclass(frozen=True, eq=False)
class TownPlan:
    """The plan, on the plane.

    Attributes
    ----------
    land : the city's outline without the river, piers and island included.
    river, island : water through the town; the one place no car can reach.
    buildable : where local streets may run.
    motorway : its axis, from south to north.
    parks : large parks by name.
    """

    land: BaseGeometry
    river: BaseGeometry
    island: BaseGeometry
    buildable: BaseGeometry
    piers: tuple[LineString, ...]
    motorway: LineString
    arterials: tuple[Arterial, ...]
    footbridges: tuple[LineString, ...]
    districts: tuple[District, ...]
    parks: dict[str, BaseGeometry]


_ARTERIALS: tuple[tuple[str, str, tuple[tuple[float, float], ...]], ...] = (
    ("Lantern Avenue", "primary", ((300, 180), (330, 520), (380, 1000), (520, 1700), (640, 2800))),
    ("Granary Avenue", "primary", ((300, 180), (-60, 480), (-420, 800), (-1000, 1280), (-1900, 1800), (-3700, 2500))),
    ("Mill Avenue", "primary", ((300, 180), (-150, 150), (-800, 270), (-1400, 430), (-2300, 520), (-3700, 900))),
    ("Anchor Avenue", "primary", ((300, 180), (210, -200), (150, -450), (110, -800), (60, -1500), (-150, -2800))),
    ("Lighthouse Avenue", "secondary", ((300, 180), (640, 420), (1050, 720), (1500, 960), (2050, 1060), (2260, 1080))),
    ("Tannery Avenue", "secondary", ((110, -800), (-600, -960), (-1400, -1160), (-2300, -1330), (-3700, -1800))),
    ("Shipyard Road", "secondary", ((110, -800), (500, -880), (1000, -1010), (1500, -1130), (2050, -1110))),
    ("Rampart Street", "secondary",
     ((1150, 600), (1040, 715), (720, 830), (356, 840), (-60, 760), (-380, 500), (-470, 200), (-440, -265))),
    ("Orchard Parkway", "secondary",
     ((1720, 1700), (1440, 1680), (900, 1600), (510, 1640), (-200, 1680), (-700, 1480), (-1400, 1060), (-1950, 760),
      (-2180, 300), (-2230, -250), (-2200, -900), (-1950, -1650), (-1250, -2010), (-500, -2010), (300, -1950),
      (1440, -1900), (1600, -1890))),
    ("Division Street", "secondary",
     ((-520, 2800), (-640, 1700), (-760, 900), (-800, 270), (-800, -230), (-770, -900), (-860, -1900), (-980, -2800))),
    ("Signal Street", "tertiary", ((1320, 860), (1240, 1150), (1150, 1400), (1080, 1640))),
    ("Quarry Road", "tertiary",
     ((-2700, 2800), (-2760, 1500), (-2800, 700), (-2860, -80), (-2760, -1100), (-2640, -2800))),
    ("Northfield Street", "tertiary",
     ((1560, 2200), (600, 2180), (-560, 2200), (-1560, 2230), (-2730, 2080), (-3500, 1700))),
    ("Meadow Street", "tertiary",
     ((1900, -1440), (900, -1430), (60, -1450), (-800, -1500), (-1290, -1560), (-2030, -1480))),
    ("Cannery Street", "tertiary",
     ((-3600, -480), (-2760, -640), (-2230, -560), (-1400, -560), (-800, -560), (128, -640), (700, -640),
      (1060, -700), (1300, -760))),
)  # fmt: skip

_DISTRICTS = (
    ("Old Harbor", 620, 60, 14, 80, 92, "organic"),
    ("Ropewalk", 560, 560, 28, 88, 84, "organic"),
    ("Lighthouse Point", 1560, 1180, -22, 82, 150, "grid"),
    ("Lantern Hill", 800, 1250, 12, 72, 140, "dense"),
    ("Granary", -120, 1150, -34, 74, 150, "dense"),
    ("Northfield", -100, 2000, -4, 88, 170, "grid"),
    ("Bayside", 1050, 2000, 8, 84, 160, "grid"),
    ("Millside", -640, 520, 12, 70, 132, "dense"),
    ("Quayside", -300, -60, -9, 72, 112, "dense"),
    ("Orchard Park", -1050, 900, 40, 84, 160, "grid"),
    ("Westover", -1800, 1100, 8, 92, 168, "loop"),
    ("Highfield", -2300, 2000, -24, 96, 180, "loop"),
    ("Quarry", -3000, 1300, 18, 100, 176, "loop"),
    ("Millpond", -1850, 350, -6, 86, 160, "grid"),
    ("Westgate", -3000, 300, 22, 94, 170, "loop"),
    ("Foundry", -380, -760, -13, 76, 140, "dense"),
    ("Shipyard", 750, -820, -10, 84, 150, "dense"),
    ("South Anchor", 600, -1300, 4, 78, 150, "dense"),
    ("Meadows", -400, -1600, -6, 86, 164, "grid"),
    ("Tannery", -1850, -900, 14, 88, 160, "grid"),
    ("Southfield", 500, -2250, 10, 90, 172, "grid"),
    ("Fairground", -1700, -2200, -16, 94, 176, "loop"),
    ("West Meadows", -2900, -1700, 24, 98, 180, "loop"),
    ("Reedbank", -2800, -600, -18, 92, 168, "grid"),
)

_PARKS = (
    ("Ellery Common", ((-40, 330), (190, 300), (235, 520), (110, 690), (-80, 610))),
    ("Signal Hill Park", ((-2500, 1050), (-2150, 1150), (-2050, 1500), (-2350, 1680), (-2620, 1480), (-2640, 1180))),
    ("Riverbank Park", ((-1950, -120), (-1500, -20), (-1480, -240), (-1700, -420), (-2080, -360))),
    ("Point Green", ((1640, 880), (1990, 860), (2080, 1010), (1900, 1190), (1660, 1150))),
    ("Fairground Park", ((-700, -2450), (-280, -2480), (-250, -2120), (-640, -2100))),
    ("Tidewater Park", ((1180, -1720), (1500, -1660), (1420, -2000), (1180, -1960))),
    ("Mill Green", ((-620, 60), (-480, 40), (-470, -170), (-640, -150))),
    ("Northfield Oval", ((60, 1880), (330, 1870), (340, 2080), (70, 2090))),
)


def town_plan(seed: int) -> TownPlan:
    """Return the plan of the town on the plane; ``seed`` roughens the coast, nothing else."""
    outline = _outline(np.random.default_rng([seed, 1]))
    river = _river()
    piers = tuple(_pier(x, y, angle) for x, y, angle in _PIERS)
    island = _ellipse(*_ISLAND)
    shore = outline.difference(river)
    land = shapely.union_all([shore, island, *(pier.buffer(16, cap_style="flat") for pier in piers)])
    motorway = _trimmed(_spline(_MOTORWAY), outline, 0)
    inner = shore.difference(motorway.buffer(52)).buffer(-42)
    arterials = [Arterial(n, h, _on_plane(_trimmed(_spline(line), outline, 12))) for n, h, line in _ARTERIALS]
    return TownPlan(
        land=_on_plane(land),
        river=_on_plane(river),
        island=_on_plane(island),
        buildable=_on_plane(inner),
        piers=tuple(_on_plane(pier) for pier in piers),
        motorway=_on_plane(motorway),
        arterials=tuple(arterials),
        footbridges=tuple(_on_plane(LineString(ends)) for ends in _FOOTBRIDGES),
        districts=tuple(District(n, _on_plane(Point(x, y)), *rest) for n, x, y, *rest in _DISTRICTS),  # type: ignore[arg-type]
        parks={name: _on_plane(Polygon(ring).buffer(25).intersection(inner)) for name, ring in _PARKS},
    )


def dividers(plan: TownPlan, beyond_m: float = 60.0) -> list[LineString]:
    """Return the lines between quarters: arterials, prolonged so that those which end at the shore cut to the water."""
    found = []
    for arterial in plan.arterials:
        xy = np.array(arterial.line.coords)
        ends = [xy[a] + beyond_m * (xy[a] - xy[b]) / np.hypot(*(xy[a] - xy[b])) for a, b in ((0, 1), (-1, -2))]
        found.append(LineString(np.vstack([ends[0], xy, ends[1]])))
    return found


def home_of(face: BaseGeometry, districts: tuple[District, ...]) -> int:
    """Return which district a face between arterials is of: the one it holds, else the nearest."""
    middle = face.representative_point()
    apart = [middle.distance(d.at) + (0.0 if face.contains(d.at) else 1e5) for d in districts]
    return int(np.argmin(apart))


def _on_plane(shape: Shape) -> Shape:
    return translate(shape, *ORIGIN)


def _spline(points: tuple[tuple[float, float], ...], step_m: float = 40.0) -> LineString:
    xy = np.array(points, dtype=float)
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
    curve = CubicSpline(along, xy)
    return LineString(curve(np.linspace(0.0, along[-1], max(2, int(along[-1] / step_m)))))


def _outline(rng: np.random.Generator) -> BaseGeometry:
    coast = np.array(_spline(_COAST, 45.0).coords)
    ripple = np.convolve(rng.normal(0.0, 16.0, len(coast)), np.ones(3) / 3, mode="same")
    coast[1:-1, 0] += ripple[1:-1]
    return Polygon([*map(tuple, coast), *_BORDER]).buffer(0)


def _river() -> BaseGeometry:
    line = _spline(_RIVER)
    width = np.linspace(*_RIVER_HALF_WIDTH_M, len(line.coords))
    discs = [Point(at).buffer(w) for at, w in zip(line.coords, width, strict=True)]
    return shapely.union_all([shapely.union(a, b).convex_hull for a, b in pairwise(discs)])


def _pier(x: float, y: float, angle: float) -> LineString:
    return translate(rotate(LineString([(-130, 0), (120, 0)]), angle, origin=(0, 0)), x, y)


def _ellipse(x: float, y: float, a: float, b: float) -> Polygon:
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return Polygon(np.column_stack([x + a * np.cos(turn), y + b * np.sin(turn) * (1 + 0.15 * np.sin(2 * turn))]))


def _trimmed(line: LineString, outline: BaseGeometry, short_m: float) -> LineString:
    inside = line.intersection(outline.buffer(-short_m) if short_m else outline)
    parts = [part for part in shapely.get_parts(inside) if isinstance(part, LineString)]
    return max(parts, key=lambda part: part.length)
