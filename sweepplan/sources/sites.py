"""Points of a city besides its incidents: candidate sites, kiosks, libraries, pharmacies, fire stations, schools."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from sweepplan.errors import SettingsError
from sweepplan.geo import Area
from sweepplan.sources.location import inside, locate
from sweepplan.sources.rawtable import RawTable, load
from sweepplan.sources.sieve import Fault, faulty, repeats
from sweepplan.tables import SITES

LATITUDES = ("latitude", "lat", "y", "stop_lat", "location.latitude")
LONGITUDES = ("longitude", "lng", "long", "lon", "x", "stop_lon", "location.longitude")
NAMES = ("name", "site_name", "stop_name", "location", "address")


def read_sites(
    path: str | Path, area: Area, *, kind: str | None = None, state: str | None = None
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read a layer of points from GeoJSON or CSV, plain or gzipped.

    Columns are found by their common spellings (:data:`LATITUDES`, :data:`LONGITUDES`, :data:`NAMES`), whatever their
    case. A shape that is no point (a bus shelter's outline) stands for a point within it. Ids come from a column
    ``site_id``, or are made of the kind and the row's number in the file: ``library-0003``.

    Parameters
    ----------
    kind : what all sites are; None: column ``kind`` says it.
    state : their state; None: column ``state`` of a file with ``site_id`` says it (elsewhere it is a postal address);
        empty where neither does.

    Returns
    -------
    sites : table ``SITES`` on the area's plane, in the order of the file.
    quarantine : columns ``tables.QUARANTINE`` (a site's id stands in ``incident_id``).

    Raises
    ------
    SourceError
        The file is not what it claims to be, or no row has usable coordinates.
    SettingsError
        Neither ``kind`` nor the file says what the sites are.
    """
    raw = load(path)
    kinds = kinds_of(raw, kind, "candidate")
    ids = raw.ids("site_id", kinds)
    own = "site_id" in raw.frame.columns
    states = pd.Series(state, raw.frame.index, dtype="str") if state is not None else raw.text("state" if own else "")
    lon, lat = _coordinates(raw)
    location = locate(lon, lat, raw.path)
    points = area.points(location.lon, location.lat).set_axis(raw.frame.index)
    faults = [
        *location.faults,
        Fault("outside the area", location.located & ~inside(area, points), location.text),
        Fault("no kind", kinds.eq("").to_numpy(), kinds),
    ]
    faults.append(repeats(ids, faults))
    columns = {"site_id": ids, "name": names_of(raw), "kind": kinds, "state": states}
    sites = gpd.GeoDataFrame(columns, geometry=points)[~faulty(faults, len(ids))].set_index("site_id")
    return SITES.check(sites, plane=area.crs), raw.set_aside(faults, ids)


def names_of(raw: RawTable) -> pd.Series:
    """Return the names of a layer's rows, from the first of :data:`NAMES` it has; empty where it has none."""
    return raw.text(next((name for name in NAMES if name in raw.frame.columns), ""))


def kinds_of(raw: RawTable, kind: str | None, example: str) -> pd.Series:
    """Return the kinds of a layer's rows: ``kind``, or where it is None, column ``kind``.

    Raises
    ------
    SettingsError
        Neither says it.
    """
    if kind is not None:
        return pd.Series(kind, raw.frame.index, dtype="str")
    if "kind" not in raw.frame.columns:
        raise SettingsError(f"{raw.path}: no column 'kind': say what its rows are, e.g. kind={example!r}")
    return raw.text("kind")


def _coordinates(raw: RawTable) -> tuple[pd.Series, pd.Series]:
    if raw.shapes is None:
        lat, lon = raw.spelled(*LATITUDES), raw.spelled(*LONGITUDES)
        return raw.text(lon), raw.text(lat)
    points = raw.shapes.representative_point()
    return points.x.astype("str"), points.y.astype("str")
