"""All feeds by name, and the door through which every one is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd

from sweepplan.errors import SettingsError
from sweepplan.geo import Area, zone
from sweepplan.sources import boston311, boston311_points, cincinnati_ems, plain, rawtable
from sweepplan.sources.reading import Feed, Reading, finish

FEEDS: Mapping[str, Feed] = MappingProxyType(
    {feed.name: feed for feed in (boston311.FEED, boston311_points.FEED, cincinnati_ems.FEED, plain.FEED)}
)
"""Every feed that can be read, by name."""


def read_file(
    feed: str,
    path: str | Path,
    area: Area | None = None,
    *,
    tz: str | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Reading:
    """Read a file of a feed. No row is lost: what is not an incident is in the quarantine, with the reason.

    Parameters
    ----------
    feed : a name of :data:`FEEDS`.
    path : CSV or GeoJSON, plain or gzipped.
    area : rows outside it are set aside; None: one is made around the rows, and ``tz`` is needed.
    tz : the clock of times without an offset. A city's own feed is else read on the area's clock; ``plain`` is not:
        there ``tz`` or the mapping's ``clock`` must say it.
    mapping : for ``plain`` alone: our names -> the file's columns (:func:`sweepplan.sources.load_mapping`).

    Raises
    ------
    SourceError
        The file is not what it claims to be, or no row has usable coordinates.
    ClockError
        No clock for times without an offset, or an unknown one.
    SettingsError
        An unknown feed, or a mapping that does not fit.
    """
    if feed not in FEEDS:
        raise SettingsError(f"unknown feed {feed!r}: one of {', '.join(FEEDS)}")
    if mapping and feed != plain.FEED.name:
        raise SettingsError(f"feed {feed!r} knows its columns: give a mapping only with 'plain'")
    mapping = mapping or {}
    clock = tz or mapping.get("clock")
    if clock is None and area is not None and feed != plain.FEED.name:
        clock = area.tz
    if clock is not None:
        zone(clock)
    raw = rawtable.load(path, FEEDS[feed].columns)
    return finish(feed, raw, FEEDS[feed].parse(raw, mapping), area, clock)


def read(
    feed: str, path: str | Path, area: Area, *, tz: str | None = None, mapping: Mapping[str, str] | None = None
) -> gpd.GeoDataFrame:
    """Return the incidents of :func:`read_file` alone: table ``INCIDENTS`` on the area's plane."""
    return read_file(feed, path, area, tz=tz, mapping=mapping).incidents
