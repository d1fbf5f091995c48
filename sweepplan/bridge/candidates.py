"""Where a kiosk may stand: street corners, points along walkable streets, places of the city."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.errors import ProblemError
from sweepplan.geo import Area, require_same_plane
from sweepplan.streets import StreetNetwork
from sweepplan.streets.tags import UNNAMED
from sweepplan.tables import SITES

NOT_PUBLIC = ("motorway", "trunk", "service", "track", "steps", "corridor", "elevator", "platform", "construction")
"""Ways where no box may stand: no walking public, or no public land."""


PUBLIC_PLACES = {
    ("leisure", "park"): "park",
    ("amenity", "library"): "library",
    ("amenity", "pharmacy"): "pharmacy",
    ("amenity", "fire_station"): "fire_station",
    ("highway", "bus_stop"): "transit_stop",
    ("railway", "station"): "transit_stop",
    ("railway", "tram_stop"): "transit_stop",
}
"""What is offered as a candidate, by key and value of OpenStreetMap's tags."""


def corner_sites(walk: StreetNetwork, points: gpd.GeoSeries, reach_m: float) -> gpd.GeoDataFrame:
    """Return the street corners within ``reach_m`` (straight line) of any of ``points`` as candidate sites.

    A corner is a node where three or more street segments of at least two names meet; it is named by them.
    """
    ends = walk.edges[["u", "v", "name", "street"]].melt(["name", "street"], value_name="node")
    ends = ends.drop_duplicates(["node", "street"])
    named = ends[ends["name"] != UNNAMED].groupby("node")["name"].unique()
    corners = named[(named.str.len() >= 2) & (ends["node"].value_counts().reindex(named.index) >= 3)]
    spots = gpd.GeoSeries(
        shapely.points(walk.node_xy[corners.index.to_numpy()]), index=corners.index, crs=walk.area.crs
    )
    _, near = spots.sindex.query(points.geometry, predicate="dwithin", distance=reach_m)
    kept = corners.iloc[np.unique(near)]
    names = [" & ".join(sorted(names)[:2]) for names in kept]
    shapes = gpd.GeoSeries(spots.loc[kept.index], crs=walk.area.crs)
    return _table([f"corner-{node}" for node in kept.index], names, shapes)


def street_sites(walk: StreetNetwork, *, every_m: float = 50.0) -> gpd.GeoDataFrame:
    """Return a candidate every ``every_m`` metres of public street, where light poles stand; named by the street.

    A segment shorter than that has one in its middle.
    """
    if not 5 <= every_m < np.inf:
        raise ProblemError(f"every_m {every_m:g}: give 5 metres or more")
    streets = walk.streets()
    streets = streets[~streets["highway"].str.startswith(NOT_PUBLIC)]
    lines = streets.geometry.to_numpy()
    n = np.maximum(np.round(shapely.length(lines) / every_m).astype(int), 1)
    row = np.repeat(np.arange(len(lines)), n)
    nth = np.arange(row.size) - np.repeat(np.cumsum(n) - n, n)
    spots = shapely.line_interpolate_point(lines[row], (nth + 0.5) / n[row], normalized=True)
    ids = [f"{street}-{i + 1}" for street, i in zip(streets.index[row], nth, strict=True)]
    return _table(ids, streets["name"].to_numpy()[row].tolist(), gpd.GeoSeries(spots, crs=walk.area.crs))


def place_sites(places: gpd.GeoDataFrame, *, every_m: float = 100.0) -> gpd.GeoDataFrame:
    """Return candidates on the edge of public places (parks, lots), every ``every_m`` metres; points as they are.

    Parameters
    ----------
    places : a table with ``name``, of polygons or points, its index the ids.
    """
    ids, names, spots = [], [], []
    for place, row in places.iterrows():
        if row.geometry.geom_type == "Point":
            found = [row.geometry]
        else:
            edge = shapely.boundary(row.geometry)
            n = max(round(edge.length / every_m), 1)
            found = [edge.interpolate(i / n, normalized=True) for i in range(n)]
        ids += [f"{place}-{i + 1}" if len(found) > 1 else str(place) for i in range(len(found))]
        names += [str(row["name"]) or str(place)] * len(found)
        spots += found
    return _table(ids, names, gpd.GeoSeries(spots, crs=places.crs))


def tagged_sites(features: gpd.GeoDataFrame, area: Area) -> gpd.GeoDataFrame:
    """Return candidates at the public places among OpenStreetMap's features, :data:`PUBLIC_PLACES`.

    Parks every 100 m of their edge, all else at a point within; what is closed to the public, or outside the area, not.

    Parameters
    ----------
    features : columns by key, ``name`` and ``access``, index (element, id).
    """
    kinds = pd.Series(None, index=features.index, dtype="str")
    for (key, value), kind in PUBLIC_PLACES.items():
        kinds = kinds.mask(kinds.isna() & (features[key] == value), kind)
    open_ones = kinds.notna() & ~features["access"].isin(["private", "no"])
    found, kinds = features[open_ones].to_crs(area.crs), kinds[open_ones]
    edged = (kinds == "park") & (shapely.get_dimensions(found.geometry.to_numpy()) == 2)
    words = kinds.str.replace("_", " ")
    ids = [f"{element}-{number}" for element, number in found.index]
    places = gpd.GeoDataFrame(
        {"name": found["name"].astype(object).where(found["name"].notna(), words), "kind": kinds},
        geometry=found.geometry.where(edged, found.representative_point()),
    ).set_axis(pd.Index(ids, dtype="str"))
    kept = [place_sites(places[places["kind"] == kind]).assign(kind=kind) for kind in sorted(set(places["kind"]))]
    whole = gpd.GeoDataFrame(pd.concat([SITES.empty(area.crs), *kept]), crs=area.crs)
    return SITES.check(whole[whole.intersects(area.boundary)].astype({"kind": "str"}))


def joined_sites(*tables: gpd.GeoDataFrame, apart_m: float = 10.0) -> gpd.GeoDataFrame:
    """Return candidates of several tables as one; of those within ``apart_m`` of each other the first stays."""
    require_same_plane(str(tables[0].crs), **{f"candidates_{i}": table for i, table in enumerate(tables[1:])})
    whole = gpd.GeoDataFrame(pd.concat(tables), crs=tables[0].crs)
    whole = whole[~whole.index.duplicated()]
    a, b = whole.sindex.query(whole.geometry, predicate="dwithin", distance=apart_m)
    near = pd.Series(b[b < a], index=a[b < a]).groupby(level=0).agg(list)
    gone = np.zeros(len(whole), dtype=bool)
    for row, earlier in near.sort_index().items():
        gone[int(str(row))] = not gone[earlier].all()
    return SITES.check(whole[~gone])


def _table(ids: list[str], names: list[str], spots: gpd.GeoSeries) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame(
        {"name": names, "kind": "candidate", "state": "candidate"},
        index=pd.Index(ids, name="site_id", dtype="str"),
        geometry=spots.array,
        crs=spots.crs,
    )
    return SITES.check(table.astype({"name": "str", "kind": "str", "state": "str"}))
