"""Parks, schoolyards and lots that are swept; schools and other sites; kiosks, and where new ones may stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from sweepplan.demo.addresses import quarter_of
from sweepplan.demo.intensity import AS_OF
from sweepplan.demo.network import Network
from sweepplan.demo.plan import CRS, TownPlan
from sweepplan.tables import PLACES, SITES

Floats = NDArray[np.float64]

_SWEEP_S = {"park": (420, 0.035), "schoolyard": (300, 0.06), "lot": (180, 0.09)}
_LONGEST_SWEEP_S = 3600.0
_SITES = (
    ("clinic", 4, "{} Health Clinic"), ("shelter", 3, "{} Shelter"), ("library", 8, "{} Branch Library"),
    ("fire_station", 7, "Fire Station {n}"), ("pharmacy", 18, "{} Pharmacy {n}"),
)  # fmt: skip
_NEEDY = ("Old Harbor", "Foundry", "Ropewalk", "Tannery", "Quayside", "Millside", "Shipyard", "South Anchor", "Granary")
_KIOSK_DATES = (
    "2019-06-03", "2019-06-10", "2020-09-14", "2021-04-19", "2021-10-04", "2022-05-16", "2022-08-22", "2023-03-13",
    "2023-06-05", "2023-10-16",
)  # fmt: skip
_LEDGER_FROM = pd.Timestamp("2025-03-01")
N_CANDIDATES = 300


@dataclass(frozen=True, eq=False)
class Places:
    """What stands in the town, all on the plane: tables of the contracts PLACES and SITES."""

    swept: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame


def town_places(town: Network, plan: TownPlan, spots: pd.DataFrame, quarters: gpd.GeoDataFrame, seed: int) -> Places:
    """Return what is swept, and the sites that planners look at."""
    rng = np.random.default_rng([seed, 7])
    swept = _swept(town, plan, quarters, rng)
    return Places(swept, _sites(swept, spots, quarters, rng))


def kiosks(places: Places, spots: pd.DataFrame, faded_at: Point, seed: int) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the eleven kiosks that stand, and their ledger: when each was installed, full, emptied, broken, repaired.

    Parameters
    ----------
    faded_at : where the last one was put up, on 2025-03-17.
    """
    magnets = places.sites[places.sites["kind"].isin(["clinic", "shelter", "library"])].geometry
    at = [*_apart(shapely.get_coordinates(magnets.to_numpy()), faded_at), faded_at]
    near = np.asarray(cKDTree(spots[["x", "y"]].to_numpy()).query(shapely.get_coordinates(at), k=4)[1])[:, 3]
    xy = spots[["x", "y"]].to_numpy()[near]
    names = [f"Kiosk, {label}" for label in spots["label"].to_numpy()[near]]
    ids = [f"kiosk-{k + 1:02d}" for k in range(len(at))]
    table = _site_table(ids, names, ["kiosk"] * len(at), ["installed"] * len(at), [Point(p) for p in xy])
    return table, _ledger(dict(zip(ids, [*_KIOSK_DATES, "2025-03-17"], strict=True)), np.random.default_rng([seed, 16]))


def _ledger(installed: Mapping[str, str], rng: np.random.Generator) -> pd.DataFrame:
    """Return one row a change of state of the last year, by day; each kiosk fills at its own pace."""
    rows = [(site, "installed", pd.Timestamp(day)) for site, day in installed.items()]
    for site, day in installed.items():
        usual_d = rng.uniform(16, 40)
        at = max(pd.Timestamp(day), _LEDGER_FROM + pd.Timedelta(days=int(rng.integers(0, 30))))
        while at < AS_OF:
            full = at + pd.Timedelta(days=round(usual_d * float(rng.lognormal(0, 0.2))))
            at = full + pd.Timedelta(days=int(rng.integers(1, 5)))
            rows += [(site, "full", full), (site, "emptied", at)]
    site = [*installed][rng.integers(len(installed))]
    rows += [(site, state, pd.Timestamp(day)) for state, day in (("broken", "2025-11-08"), ("repaired", "2025-11-20"))]
    known = sorted((at, site, state) for site, state, at in rows if at < AS_OF)
    table = pd.DataFrame(known, columns=["date", "site_id", "state"])
    return table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))[["site_id", "state", "date"]]


def candidates(places: Places, spots: pd.DataFrame, dense: pd.Series, seed: int) -> gpd.GeoDataFrame:
    """Return about 300 sites where a kiosk may stand: public sites, park gates, and light poles on public streets.

    Parameters
    ----------
    dense : per spot, how likely a pole there is put forward, ``>= 0``.
    """
    rng = np.random.default_rng([seed, 8])
    public = places.sites[places.sites["kind"].isin(["library", "pharmacy", "fire_station", "transit_stop"])]
    parks = places.swept[places.swept["kind"] == "park"]
    rows = [(name, shape) for name, shape in zip(public["name"], public.geometry, strict=True)]
    rings = shapely.get_exterior_ring(parks.geometry.to_numpy())
    for name, ring in zip(parks["name"], rings, strict=True):
        rows += [(f"{name}, gate {k}", ring.interpolate(f, normalized=True)) for k, f in ((1, 0.1), (2, 0.6))]
    taken = list(shapely.get_coordinates([shape for _, shape in rows]))
    xy, labels = spots[["x", "y"]].to_numpy(), spots["label"].to_numpy()
    poles = rng.choice(len(spots), 2500, replace=False, p=(dense / dense.sum()).to_numpy())
    for k in poles:
        if len(rows) == N_CANDIDATES:
            break
        if np.hypot(*(np.array(taken) - xy[k]).T).min() > 70:
            rows.append((f"Light pole, {labels[k]}", Point(xy[k])))
            taken.append(xy[k])
    ids = [f"candidate-{k + 1:03d}" for k in range(len(rows))]
    names, shapes = [name for name, _ in rows], [shape for _, shape in rows]
    return _site_table(ids, names, ["candidate"] * len(rows), ["candidate"] * len(rows), shapes)


def _apart(xy: Floats, first: Point, apart_m: float = 300.0) -> list[Point]:
    """Return the points, in order, that keep apart from ``first`` and each other: one for each date of the ledger."""
    found = [first]
    for x, y in xy:
        if len(found) <= len(_KIOSK_DATES) and all(p.distance(Point(x, y)) > apart_m for p in found):
            found.append(Point(x, y))
    return found[1:]


def _swept(town: Network, plan: TownPlan, quarters: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    rows: list[tuple[str, str, BaseGeometry]] = [("park", name, shape) for name, shape in plan.parks.items()]
    blocks = _blocks(town, plan)
    middle = np.array([(b.centroid.x, b.centroid.y) for b in blocks])
    home = quarter_of(middle, quarters)
    names = quarters["name"].to_numpy()
    for quarter in range(len(quarters)):
        mine = [blocks[k] for k in rng.permutation(np.flatnonzero(home == quarter))[:4]]
        name = names[quarter]
        kinds = [("schoolyard", f"{name} School Yard"), ("lot", f"{name} Lot"), ("park", f"{name} Square")]
        for (kind, label), block in zip(kinds[: 3 if quarter % 2 == 0 else 2], mine, strict=False):
            rows.append((kind, label, _inside(block, {"park": 1.0, "schoolyard": 0.55, "lot": 0.25}[kind])))
    kinds_, labels, shapes = zip(*rows, strict=True)
    area = shapely.area(np.array(shapes))
    fixed = np.array([_SWEEP_S[kind][0] for kind in kinds_])
    rate = np.array([_SWEEP_S[kind][1] for kind in kinds_])
    columns = {
        "kind": list(kinds_),
        "name": list(labels),
        "length_m": shapely.length(np.array(shapes)).round(1),
        "sweep_s": np.minimum(fixed + rate * area, _LONGEST_SWEEP_S).round(-1),
    }
    ids = pd.Index([f"{kind}-{k + 1:02d}" for k, kind in enumerate(kinds_)], name="place_id", dtype="str")
    return PLACES.check(gpd.GeoDataFrame(columns, geometry=list(shapes), index=ids, crs=CRS))


def _blocks(town: Network, plan: TownPlan) -> list[Polygon]:
    """Return the blocks between local streets, of the size of blocks, apart from large parks and water."""
    streets = town.edges[town.edges["highway"].isin(["residential", "tertiary"])]["geometry"].to_numpy()
    cells = shapely.get_parts(shapely.polygonize([shapely.union_all(streets, grid_size=0.1)]))
    parks = shapely.union_all(list(plan.parks.values()))
    keep = (shapely.area(cells) > 5_000) & (shapely.area(cells) < 16_000) & ~shapely.intersects(cells, parks)
    keep &= shapely.covered_by(cells, plan.land) & (shapely.distance(cells, plan.motorway) > 60)
    found = cells[keep]
    return list(found[np.lexsort(np.round(shapely.bounds(found), 0).T)])


def _inside(block: Polygon, share: float) -> Polygon:
    """Return the part of a block that lies back from its streets, ``share`` of its width from the west."""
    inner = block.buffer(-11, join_style="mitre")
    x0, y0, x1, y1 = inner.bounds
    part = inner.intersection(shapely.box(x0, y0, x0 + share * (x1 - x0), y1))
    pieces = shapely.get_parts(part)
    return pieces[int(shapely.area(pieces).argmax())]  # type: ignore[no-any-return]


def _sites(
    swept: gpd.GeoDataFrame, spots: pd.DataFrame, quarters: gpd.GeoDataFrame, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    rows: list[tuple[str, str, Point]] = []
    names = quarters["name"].to_numpy()
    needy = [int(k) for name in _NEEDY for k in np.flatnonzero(names == name)]
    houses = spots[(spots["place"] == "house") & (spots["busy"] == 1)]
    for kind, n, label in _SITES:
        others = [k for k in range(len(names)) if k not in needy]
        order = [*needy, *others] if n < 8 else rng.permutation(len(names)).tolist()
        for k in range(n):
            quarter = order[(k + (3 if kind == "shelter" else 0)) % len(order)]
            rows.append((kind, label.format(names[quarter], n=k + 1), _pick(houses, quarter, rng)))
    for name, shape in zip(swept["name"], swept.geometry, strict=True):
        if name.endswith("School Yard"):
            rows.append(("school", name.removesuffix(" Yard"), shape.centroid))
        if name.endswith("Square"):
            rows.append(("playground", f"{name} Playground", shape.representative_point()))
    rows += [("transit_stop", f"Stop, {label}", at) for label, at in _stops(spots)]
    rows.append(("depot", "Sharps Crew Depot", _pick(houses, int(np.flatnonzero(names == "Shipyard")[0]), rng)))
    kinds, labels, shapes = zip(*rows, strict=True)
    ids = [f"site-{k + 1:03d}" for k in range(len(rows))]
    return _site_table(ids, list(labels), list(kinds), ["open"] * len(rows), list(shapes))


def _pick(houses: pd.DataFrame, quarter: int, rng: np.random.Generator) -> Point:
    mine = houses[houses["quarter"] == quarter]
    row = (mine if len(mine) else houses).sample(1, random_state=rng).iloc[0]
    return Point(row["x"], row["y"])


def _stops(spots: pd.DataFrame, apart_m: float = 420.0) -> list[tuple[str, Point]]:
    """Return transit stops: corners of avenues, well apart."""
    avenues = r"(?:Lantern Ave|Granary Ave|Mill Ave|Anchor Ave|Division St|Tannery Ave|Lighthouse Ave|Orchard Pkwy)"
    corners = spots[(spots["place"] == "corner") & spots["label"].str.contains(avenues)]
    found: list[tuple[str, Point]] = []
    for label, x, y in zip(corners["label"], corners["x"], corners["y"], strict=True):
        if all(np.hypot(p.x - x, p.y - y) > apart_m for _, p in found):
            found.append((label.removeprefix("INTERSECTION of "), Point(x, y)))
    return found


def _site_table(
    ids: list[str], names: list[str], kinds: list[str], states: list[str], shapes: Sequence[BaseGeometry]
) -> gpd.GeoDataFrame:
    columns = {"name": names, "kind": kinds, "state": states}
    index = pd.Index(ids, name="site_id", dtype="str")
    return SITES.check(gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs=CRS))
