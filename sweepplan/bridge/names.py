"""Areas named by the streets in them."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from sweepplan.streets.tags import UNNAMED


def area_names(areas: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> pd.Series:
    """Return a name for each area: the two streets with the most length in it; empty where there is none with a name.

    Parameters
    ----------
    areas : polygons, e.g. tables.HOTSPOTS.
    streets : tables.STREETS on the same plane.
    """
    named = streets[streets["name"] != UNNAMED]
    area, street = named.sindex.query(areas.geometry, predicate="intersects")
    inside = shapely.intersection(areas.geometry.to_numpy()[area], named.geometry.to_numpy()[street])
    pieces = pd.DataFrame({"area": area, "name": named["name"].to_numpy()[street], "length_m": shapely.length(inside)})
    lengths = pieces.groupby(["area", "name"])["length_m"].sum().reset_index()
    longest = lengths.sort_values(["length_m", "name"], ascending=[False, True]).groupby("area").head(2)
    joined = longest.groupby("area")["name"].agg(" & ".join)
    return pd.Series(joined.reindex(range(len(areas)), fill_value="").to_numpy(), index=areas.index, name="name")
