"""Shapefiles in a zip."""

from __future__ import annotations

import os
from typing import Any

from .archive import unzipped
from .bounds import RefusedError, bound, table_of, text_of
from .planes import wkb_in_degrees


def shapefile(data: bytes, layer: str = "") -> Any:
    """Return the shapefile within a zip as an Arrow table."""
    # Set before GDAL wakes up: what it shall not even try, and no outside file.
    os.environ.update(GDAL_SKIP="VRT OGR_VRT DERIVED GPKG SQLite", GDAL_DRIVER_PATH="disable", CPL_DEBUG="OFF")
    os.environ.update(SHAPE_RESTORE_SHX="NO", GDAL_NUM_THREADS="1", CPL_VSIL_CURL_ALLOWED_EXTENSIONS="none")
    parts = unzipped(data, None)
    stems = sorted(name[:-4] for name in parts if name.lower().endswith(".shp") and not name.startswith("__MACOSX/"))
    if layer:
        stems = [stem for stem in stems if stem.rpartition("/")[2] == layer]
    tables = sorted(name for name in parts if name.lower().endswith((".csv", ".xlsx", ".json", ".geojson", ".txt")))
    if not stems and tables:
        raise RefusedError(f"a zip of {tables[0][:60]!r}: unpack it, and read that")
    if len(stems) != 1:
        raise RefusedError(f"a zip with {len(stems)} shapefiles: zip one .shp with its .shx, .dbf and .prj")
    endings = (".shp", ".shx", ".dbf", ".prj", ".cpg")
    files = {
        ending: content
        for name, content in parts.items()
        for ending in endings
        if name[:-4] == stems[0] and name[-4:].lower() == ending
    }
    if {".shp", ".shx", ".dbf"} - files.keys():
        raise RefusedError(f"no {', '.join(sorted({'.shp', '.shx', '.dbf'} - files.keys()))} in it: zip them all")
    if any(files[ending][:4] != b"\x00\x00\x27\x0a" for ending in (".shp", ".shx")):
        raise RefusedError("its .shp or .shx is no shapefile: export it again")
    if not 3 <= files[".dbf"][0] & 7 <= 5 or len(files[".dbf"]) < 33:
        raise RefusedError("its .dbf is no dBase table: export it again")
    for ending, content in files.items():
        with open(f"layer{ending}", "wb") as file:  # in the folder made for this process
            file.write(content)
    return _with_gdal("layer.shp")


def _with_gdal(path: str) -> Any:
    import pyogrio
    import pyogrio.raw
    from pyogrio.errors import DataSourceError

    try:
        about = pyogrio.read_info(path, force_feature_count=True)
        if about["driver"] != "ESRI Shapefile":
            raise RefusedError(f"a {str(about['driver'])[:40]!r}, no shapefile: export it again")
        bound(int(about["features"]), len(about["fields"]))
        _, _, shapes, values = pyogrio.raw.read(path, datetime_as_string=True)
    except (DataSourceError, ValueError, RuntimeError, UnicodeDecodeError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"not a shapefile that can be read ({str(error)[:120]}): export it again") from error
    names = [str(name) for name in about["fields"]]
    columns = [[text_of(None if value != value else value) for value in column.tolist()] for column in values]
    if shapes is None:
        return table_of(names, columns, None)
    return table_of(names, columns, wkb_in_degrees(shapes.tolist(), about["crs"]))
