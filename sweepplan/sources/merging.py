"""Several readings as one, and repeats of one report as one: explicit steps, told row by row in the quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.errors import CrsError, SettingsError, SourceError
from sweepplan.geo import Area, require_same_plane
from sweepplan.sources.reading import FLAGS, MERGED, Reading, rank
from sweepplan.sources.sieve import TWICE, quarantine
from sweepplan.tables import INCIDENTS

SPOT_M = 1.0
"""Reports in one square of this side are at one spot: a geocoder gives an address one point, to some centimetres."""


def merge_repeats(reading: Reading) -> Reading:
    """Merge needle reports of the same spot (:data:`SPOT_M`) and day, on the city's clock, into one incident each.

    The earliest report stays, with its id and place. It is open if any of them is, and else closed when the last was;
    due when the first is; ``needles`` is the largest count, as all saw one pile. The others go to the quarantine, with
    the id they now stand under. Reports dated to a month have no day, and an overdose is a person: neither is merged.
    :attr:`Reading.n_reports` tells how many reports each incident stands for. Merging again changes nothing.

    Reading a file does not do this by itself: counts of reports, and the hit rates measured on them, are of unmerged
    data, where a second report of a spot is also a sign that needles lie there.
    """
    table = reading.incidents.reset_index()
    table = table[(table["time_precision"] != "month") & (table["kind"] == "needle")]
    # A report dated to the day stands at its midnight: it comes after those that know the hour.
    table = table.assign(coarse=table["time_precision"] != "second").sort_values(
        ["coarse", "reported_at", "incident_id"], ignore_index=True
    )
    xy = np.floor(shapely.get_coordinates(table.geometry.to_numpy()) / SPOT_M)
    day = table["reported_at"].dt.tz_convert(reading.area.tz).dt.normalize()
    spot = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "day": day})
    again = spot.duplicated(keep=False)
    if not again.any():
        return reading
    repeats = table[again].drop(columns="coarse")
    group = spot[again].groupby(["x", "y", "day"], sort=False).ngroup()
    first = repeats.groupby(group)["incident_id"].transform("first")
    gone = repeats["incident_id"] != first
    ids = repeats.loc[gone, "incident_id"]
    told = quarantine(reading.lines[ids], ids, MERGED, first[gone])
    apart = reading.incidents.drop(index=repeats["incident_id"].to_list())
    return _kept(reading, [apart, _as_one(repeats, group)], [told])


def _as_one(repeats: gpd.GeoDataFrame, group: pd.Series) -> gpd.GeoDataFrame:
    """Return one row a group: its first, with the state of all."""
    one = repeats[~group.duplicated().to_numpy()].set_index("incident_id")
    groups = repeats.assign(open=repeats["status"].eq("open"), closed=repeats["status"].eq("closed")).groupby(group)
    said = groups.agg({"open": "any", "closed": "any", "closed_at": "max", "due_at": "min", "needles": "max"})
    said = said.set_axis(one.index)
    status = pd.Series(np.select([said["open"], said["closed"]], ["open", "closed"], ""), one.index, dtype="str")
    return one.assign(
        status=status.mask(status.eq("")),
        closed_at=said["closed_at"].mask(said["open"]),
        due_at=said["due_at"],
        needles=said["needles"],
    )


def concat(readings: Sequence[Reading]) -> Reading:
    """Return several readings as one: an id that stands in two files keeps its latest state, as within one file.

    The area's boundary is that of all; the feeds' names are joined. Lines count on through the files in the order
    given: line 3 of the second file is ``3 + rows_in`` of the first. Else the order of the readings changes nothing.

    Raises
    ------
    SourceError
        There is no reading.
    CrsError
        They lie on different planes or their clocks differ.
    SettingsError
        One has repeats merged: merge after putting together.
    """
    if not readings:
        raise SourceError("no reading to put together: give at least one")
    if len(readings) == 1:
        return readings[0]
    if any(reading.merged for reading in readings):
        raise SettingsError("a reading has repeats merged: put readings together first, then merge_repeats")
    starts = np.cumsum([0, *(reading.rows_in for reading in readings)])
    tables = [reading.incidents.reset_index() for reading in readings]
    area = _area_of(readings)
    table = gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), geometry="geometry", crs=area.crs)
    lines = np.concatenate([reading.lines + start for reading, start in zip(readings, starts, strict=False)])
    table = _apart(table)
    twice = table["incident_id"].loc[rank(table).sort_values(kind="stable").index].duplicated().reindex(table.index)
    ids = table.loc[twice, "incident_id"]
    told = [r.quarantine.assign(line=r.quarantine["line"] + s) for r, s in zip(readings, starts, strict=False)]
    kept = table[~twice].set_index("incident_id")
    whole = Reading(
        ", ".join(dict.fromkeys(reading.feed for reading in readings)),
        kept,
        quarantine([], [], "", []),
        int(starts[-1]),
        area,
        sum(reading.located for reading in readings),
        pd.Series(lines[~twice.to_numpy()], index=kept.index, dtype="int64", name="line"),
        pd.concat([reading.flags for reading in readings], ignore_index=True),
    )
    return _kept(whole, [kept], [*told, quarantine(lines[twice.to_numpy()], ids, TWICE, ids)])


def _area_of(readings: Sequence[Reading]) -> Area:
    first = readings[0].area
    require_same_plane(first.crs, **{f"reading {k + 1}": r.incidents for k, r in enumerate(readings)})
    clocks = sorted({reading.area.tz for reading in readings})
    if len(clocks) > 1:
        raise CrsError(f"readings are on the clocks {', '.join(clocks)}: read them with one area")
    boundaries = [reading.area.boundary for reading in readings]
    if all(boundary.equals(first.boundary) for boundary in boundaries):
        return first
    names = " and ".join(sorted({reading.area.name for reading in readings}))
    return replace(first, name=names, boundary=shapely.union_all(boundaries))


def _apart(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Name ids that two sources share after their source as well: they are not one report."""
    shared = table.groupby("incident_id")["source"].transform("nunique") > 1
    own = table["source"] + ":" + table["incident_id"]
    return table.assign(incident_id=table["incident_id"].mask(shared, own))


def _kept(reading: Reading, tables: list[gpd.GeoDataFrame], told: list[pd.DataFrame]) -> Reading:
    """Return ``reading`` with the incidents of ``tables`` alone, and the quarantine ``told`` beside its own."""
    kept = gpd.GeoDataFrame(pd.concat(tables), geometry="geometry", crs=reading.area.crs)
    kept = kept.rename_axis("incident_id").sort_values(["reported_at", "incident_id"])
    aside = [part for part in (reading.quarantine, *told) if len(part)] or [reading.quarantine]
    flags = reading.flags[reading.flags["incident_id"].isin(kept.index)].drop_duplicates()
    return replace(
        reading,
        incidents=INCIDENTS.check(kept, plane=reading.area.crs),
        quarantine=pd.concat(aside, ignore_index=True).sort_values("line", kind="stable", ignore_index=True),
        lines=reading.lines[kept.index],
        flags=flags.sort_values([*reversed(FLAGS)], ignore_index=True),
    )


def flag_near(reading: Reading, places: gpd.GeoDataFrame, reason: str, *, within_m: float) -> Reading:
    """Return ``reading`` with a flag on each incident within ``within_m`` of one of ``places``, such as the depot.

    Nothing is dropped: a team's own yard is where practice cases and hand-overs are entered, but needles lie there too.

    Raises
    ------
    CrsError
        ``places`` lie on another plane than the incidents.
    """
    require_same_plane(reading.area.crs, places=places)
    near = shapely.dwithin(reading.incidents.geometry.to_numpy(), places.union_all(), within_m)
    new = pd.DataFrame({"incident_id": reading.incidents.index[near], "reason": reason})
    flags = pd.concat([reading.flags, new], ignore_index=True).astype("str").drop_duplicates()
    return replace(reading, flags=flags.sort_values([*reversed(FLAGS)], ignore_index=True))
