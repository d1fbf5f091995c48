"""All feeds by name, and the door through which every one is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd

from sweepplan.errors import SettingsError
from sweepplan.geo import Area, zone
from sweepplan.sources import (
    boston311,
    boston311_points,
    boston_ckan,
    cincinnati_ems,
    odmap,
    open311,
    plain,
    rawtable,
    seeclickfix,
)
from sweepplan.sources.reading import Feed, Reading, finish

FEEDS: Mapping[str, Feed] = MappingProxyType(
    {
        feed.FEED.name: feed.FEED
        for feed in (boston311, boston311_points, boston_ckan, open311, seeclickfix, cincinnati_ems, odmap, plain)
    }
)
"""Every feed that can be read, by name."""

EVERY_FEED = ("clock", "zero_offset", "sheet")
"""Keys of a mapping that every feed takes: its clock; what +00 means, ``utc`` or ``local`` time of that clock; and the
sheet of a workbook, or layer of a GeoPackage, that holds the rows.
"""


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
    path : any table that :func:`sweepplan.sources.rawtable.load` reads.
    area : rows outside it are set aside; None: one is made around the rows, and ``tz`` is needed.
    tz : the clock of times without an offset. A city's own feed is else read on the area's clock; ``plain`` is not:
        there ``tz`` or the mapping's ``clock`` must say it.
    mapping : options of the feed, and those of :data:`EVERY_FEED`; for ``plain`` also our names -> the file's columns
        (:func:`sweepplan.sources.load_mapping`).

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
    mapping = mapping or {}
    _check_options(FEEDS[feed], mapping)
    clock = tz or mapping.get("clock")
    if clock is None and area is not None and feed != plain.FEED.name:
        clock = area.tz
    if clock is not None:
        zone(clock)
    raw = rawtable.load(path, FEEDS[feed].columns, part=mapping.get("sheet", ""))
    drafts = [FEEDS[feed].parse(raw, mapping)]
    # What no draft looks at any more is let go before the incidents are made: half the memory of a large file.
    raw = replace(raw, frame=raw.frame[[]])
    return finish(feed, raw, drafts.pop(), area, clock, zero_offset=mapping.get("zero_offset", "utc"))


def _check_options(feed: Feed, mapping: Mapping[str, str]) -> None:
    known = feed.options if feed.options is None else {*feed.options, *EVERY_FEED}
    odd = [key for key in mapping if known is not None and key not in known]
    if odd:
        listed = ", ".join(sorted(known or ()))
        raise SettingsError(
            f"feed {feed.name!r} knows its columns: {odd[0]!r} fits only with 'plain'; it takes {listed}"
        )
    if mapping.get("zero_offset", "utc") not in ("utc", "local"):
        raise SettingsError(f"zero_offset = {mapping['zero_offset']!r}: give 'utc' or 'local'")


def read(
    feed: str, path: str | Path, area: Area, *, tz: str | None = None, mapping: Mapping[str, str] | None = None
) -> gpd.GeoDataFrame:
    """Return the incidents of :func:`read_file` alone: table ``INCIDENTS`` on the area's plane."""
    return read_file(feed, path, area, tz=tz, mapping=mapping).incidents
