"""The finite set of spots at which reports can be: house numbers, corners, spots in parks; and the neighbourhoods."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from sweepplan.demo.names import short
from sweepplan.demo.network import Network
from sweepplan.demo.plan import CRS, TownPlan, dividers, home_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ZIP_FIRST = 101
"""ZIP codes of the town; no real town has them."""

_SPACING_M = 6.0
_SETBACK_M = 8.0
_NO_HOUSES = ("motorway", "motorway_link", "footway")


def neighborhoods(plan: TownPlan) -> gpd.GeoDataFrame:
    """Return the town's quarters, which meet along arterials, motorway and river. One row a quarter, by name."""
    cuts = shapely.union_all([plan.land.boundary, plan.motorway, *dividers(plan)], grid_size=0.1)
    faces = [f for f in shapely.get_parts(shapely.polygonize([cuts])) if plan.land.contains(f.representative_point())]
    home = np.array([home_of(face, plan.districts) for face in faces])
    rows = [
        (district.name, shapely.union_all([f for f, h in zip(faces, home, strict=True) if h == k], grid_size=0.1))
        for k, district in enumerate(plan.districts)
        if (home == k).any()
    ]
    names, shapes = zip(*rows, strict=True)
    index = pd.Index([f"n{k + 1:02d}" for k in range(len(rows))], name="neighborhood_id", dtype="str")
    return gpd.GeoDataFrame({"name": list(names)}, geometry=list(shapes), index=index, crs=CRS)


def spots(town: Network, plan: TownPlan, quarters: gpd.GeoDataFrame, seed: int) -> pd.DataFrame:
    """Return every spot of the town, one a row.

    Returns
    -------
    columns ``x``, ``y`` (plane), ``label`` (as a feed writes it), ``street``, ``kind`` {Address, Intersection},
    ``place`` {house, corner, park}, ``quarter`` (row of ``quarters``), ``busy`` (1 on arterials and old streets).
    """
    rng = np.random.default_rng([seed, 6])
    table = pd.concat([_houses(town, rng), _corners(town), _park_spots(plan.parks, rng)], ignore_index=True)
    table["x"], table["y"] = table["x"].round(2), table["y"].round(2)
    table = table[shapely.contains_xy(plan.land, table["x"], table["y"])].reset_index(drop=True)
    table["quarter"] = quarter_of(table[["x", "y"]].to_numpy(), quarters)
    return table


def quarter_of(xy: Floats, quarters: gpd.GeoDataFrame) -> Ints:
    """Return for each point the row of its neighbourhood, the nearest where none holds it."""
    tree = shapely.STRtree(quarters.geometry.to_numpy())
    rows: Ints = np.asarray(tree.nearest(shapely.points(xy)), dtype=np.int64)
    return rows


def _houses(town: Network, rng: np.random.Generator) -> pd.DataFrame:
    edges = town.edges[~town.edges["highway"].isin(_NO_HOUSES) & ~town.edges["bridge"]]
    shapes = edges["geometry"].to_numpy()
    count = np.maximum(1, ((shapely.length(shapes) - 24) / _SPACING_M).astype(int))
    row = np.repeat(np.arange(len(edges)), count)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    share = (rank + 0.5) / np.repeat(count, count)
    lines = shapes[row]
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines, share, normalized=True))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.minimum(share + 0.02, 1), normalized=True))
    along = (ahead - at) / np.maximum(np.hypot(*(ahead - at).T), 1e-9)[:, None]
    side = np.where(rng.random(len(row)) < 0.5, 1.0, -1.0)
    xy = at + (side * rng.normal(_SETBACK_M, 1.5, len(row)))[:, None] * np.column_stack([-along[:, 1], along[:, 0]])
    street = edges["name"].to_numpy()[row]
    busy = (edges["highway"].isin(["primary", "secondary"]) | edges["style"].eq("organic")).to_numpy()[row]
    houses = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "street": street, "place": "house", "kind": "Address"})
    houses["busy"] = busy.astype(int)
    return houses.assign(label=_numbered(houses, side))


def _numbered(houses: pd.DataFrame, side: Floats) -> list[str]:
    """Give each house its number and street: numbers rise from one end of a street, even ones on one side."""
    number = np.zeros(len(houses), dtype=np.int64)
    for rows in houses.groupby("street", sort=True).indices.values():
        xy = houses[["x", "y"]].to_numpy()[rows]
        span = np.ptp(xy, axis=0)
        order = np.argsort(xy[:, int(span[1] > span[0])], kind="stable")
        number[rows[order]] = 2 * np.arange(1, len(rows) + 1)
    number -= (side > 0).astype(np.int64)
    return [f"{n} {short(street)}" for n, street in zip(number, houses["street"], strict=True)]


def _corners(town: Network) -> pd.DataFrame:
    edges = town.edges[~town.edges["highway"].isin(_NO_HOUSES) & ~town.edges["bridge"]]
    at: dict[int, set[str]] = {}
    for u, v, name in zip(edges["u"], edges["v"], edges["name"], strict=True):
        at.setdefault(u, set()).add(name)
        at.setdefault(v, set()).add(name)
    rows = [(node, sorted(names)[:2]) for node, names in sorted(at.items()) if len(names) > 1]
    xy = town.xy[[node for node, _ in rows]]
    label = [" & ".join(short(name) for name in names) for _, names in rows]
    street = [f"INTERSECTION {text}" for text in label]
    named = {"x": xy[:, 0], "y": xy[:, 1], "street": street, "place": "corner", "kind": "Intersection", "busy": 1}
    return pd.DataFrame(named).assign(label=[f"INTERSECTION of {text}" for text in label])


def _park_spots(parks: Mapping[str, BaseGeometry], rng: np.random.Generator) -> pd.DataFrame:
    rows: list[tuple[float, float, str]] = []
    for name, park in parks.items():
        x0, y0, x1, y1 = park.bounds
        for x, y in rng.uniform((x0, y0), (x1, y1), (60, 2)):
            if park.contains(Point(x, y)) and len([r for r in rows if r[2] == name]) < 14:
                rows.append((x, y, name))
    table = pd.DataFrame(rows, columns=["x", "y", "street"])
    return table.assign(place="park", kind="Address", busy=1, label=table["street"])
