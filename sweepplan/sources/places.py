"""Places that can be swept besides streets: parks, schoolyards, lots, as polygons (or lines)."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.errors import SourceError
from sweepplan.geo import Area
from sweepplan.sources.location import inside
from sweepplan.sources.rawtable import RawTable, load
from sweepplan.sources.sieve import Fault, faulty, repeats
from sweepplan.sources.sites import kinds_of, names_of
from sweepplan.tables import PLACES

SWEEP_MPS = 0.6
"""Pace of a crew that looks at the ground, metres a second."""

SWEEP_WIDTH_M = 4.0
"""How wide a strip one pass covers, metres."""

_KINDS = PLACES.columns["kind"].choices
_SHAPES = ("Polygon", "MultiPolygon", "LineString", "MultiLineString")


def read_places(path: str | Path, area: Area, *, kind: str | None = None) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read places from GeoJSON, plain or gzipped: ``place_id``, ``kind``, ``name``, ``length_m``, ``sweep_s``.

    Where the file does not say: ids are made of the kind and the row's number in the file (``park-0003``), ``length_m``
    is the perimeter (of a line its length), ``sweep_s`` the time to walk it in strips: area / (:data:`SWEEP_MPS` x
    :data:`SWEEP_WIDTH_M`), of a line length / :data:`SWEEP_MPS`. A place is in the area where a point within it is.
    Polygons that cross themselves are mended.

    Parameters
    ----------
    kind : what all places are (a kind of ``PLACES``); None: column ``kind`` says it.

    Returns
    -------
    places : table ``PLACES`` on the area's plane, in the order of the file.
    quarantine : columns ``tables.QUARANTINE`` (a place's id stands in ``incident_id``).

    Raises
    ------
    SourceError
        The file is not GeoJSON, or no row has a usable shape.
    SettingsError
        Neither ``kind`` nor the file says what the places are.
    """
    raw = load(path)
    if raw.shapes is None:
        raise SourceError(f"{raw.path}: a CSV has no outlines: give places as GeoJSON")
    kinds = kinds_of(raw, kind, "park")
    ids = raw.ids("place_id", kinds)
    shapes, faults = _outlines(raw, area)
    faults.append(Fault(f"kind is not one of {', '.join(sorted(_KINDS))}", (~kinds.isin(_KINDS)).to_numpy(), kinds))
    length, bad_length = _given(raw, "length_m", shapes.length)
    sweep, bad_sweep = _given(raw, "sweep_s", _sweep_s(shapes))
    faults += [bad_length, bad_sweep]
    faults.append(repeats(ids, faults))
    columns = {"place_id": ids, "kind": kinds, "name": names_of(raw), "length_m": length, "sweep_s": sweep}
    places = gpd.GeoDataFrame(columns, geometry=shapes)[~faulty(faults, len(ids))].set_index("place_id")
    return PLACES.check(places, plane=area.crs), raw.set_aside(faults, ids)


def _outlines(raw: RawTable, area: Area) -> tuple[gpd.GeoSeries, list[Fault]]:
    assert raw.shapes is not None  # noqa: S101
    given = raw.shapes
    outline = (given.geom_type.isin(_SHAPES) & ~given.is_empty).to_numpy(dtype=bool)
    degrees = (given.bounds.abs() <= [180, 90, 180, 90]).all(axis=1).to_numpy(dtype=bool)
    if not (outline & degrees).any():
        why = "no outline is in degrees" if outline.any() else "no row has an outline"
        raise SourceError(f"{raw.path}: {why}: export polygons in WGS84 degrees")
    usable = shapely.force_2d(given.where(outline & degrees).to_numpy())
    whole = shapely.make_valid(usable, method="structure", keep_collapsed=False)
    shapes = gpd.GeoSeries(whole, index=given.index, crs=given.crs).to_crs(area.crs)
    extent = (shapes.geom_type.isin(_SHAPES) & ~shapes.is_empty).to_numpy(dtype=bool)
    what = given.geom_type.fillna("").astype("str")
    return shapes, [
        Fault("no outline", ~outline, what),
        Fault("not degrees", ~degrees, what),
        Fault("outline without extent", ~extent, what),
        Fault("outside the area", ~inside(area, shapes.representative_point()), what),
    ]


def _sweep_s(shapes: gpd.GeoSeries) -> pd.Series:
    strips = shapes.area / (SWEEP_MPS * SWEEP_WIDTH_M)
    return strips.where(shapes.geom_type.isin(["Polygon", "MultiPolygon"]), shapes.length / SWEEP_MPS)


def _given(raw: RawTable, name: str, computed: pd.Series) -> tuple[pd.Series, Fault]:
    text = raw.text(name)
    number = pd.to_numeric(text, errors="coerce").astype("float64")
    odd = text.ne("") & ~(number.ge(0) & np.isfinite(number))
    return number.where(text.ne(""), computed), Fault(f"{name} is not a number >= 0", odd.to_numpy(), text)
