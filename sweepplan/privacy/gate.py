"""What passes: tables and a policy in, what may be seen out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.errors import GateError, TableError
from sweepplan.geo import Area, require_same_plane
from sweepplan.privacy.counting import Counted, Window, counted
from sweepplan.privacy.figures import about
from sweepplan.privacy.policy import Policy
from sweepplan.tables import ALL, INCIDENTS, Contract, contract_of

_GATE = object()
_DEFAULT = Policy()
_ALERT_M = 1_000.0

Sieved = tuple[Mapping[str, gpd.GeoDataFrame], Mapping[str, int]]
"""Tables that pass, by name, and how much of what is kept back."""


@final
@dataclass(frozen=True, eq=False)
class Published:
    """What passed the gate. Only :func:`publish` makes one; every table handed out is a copy.

    Attributes
    ----------
    area : of all tables; they lie on its plane.
    policy : by which they passed.
    withheld : what was kept back, in words, and how much of it; only what is more than 0.
    windows : start and end of the calendar window, by kind of the reports counted here.

    Raises
    ------
    GateError
        Something other than :func:`publish` tried to make one.
    """

    area: Area
    policy: Policy
    withheld: Mapping[str, int]
    _tables: Mapping[str, gpd.GeoDataFrame] = field(repr=False)
    gate: InitVar[object] = None
    windows: Mapping[str, Window] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self, gate: object) -> None:
        if gate is not _GATE:
            raise GateError("nothing passes the gate but by publish(...): call it with the tables to be shown")

    def __init_subclass__(cls) -> None:
        raise GateError(f"{cls.__name__}: Published has no variants: call publish(...) with another Policy")

    @property
    def label(self) -> str:
        """The area's name and note, shown on every product: ``Port Ellery (made-up city)``."""
        return self.area.label

    @property
    def tz(self) -> str:
        """IANA time zone of the city's clock."""
        return self.area.tz

    def local(self, moment: pd.Timestamp) -> pd.Timestamp:
        """Return ``moment`` on the city's clock."""
        return self.area.local(moment)

    def tables(self) -> tuple[tuple[str, gpd.GeoDataFrame], ...]:
        """Return every table that passed, with the name of its contract."""
        return tuple((name, table.copy()) for name, table in self._tables.items())

    def table(self, name: str) -> gpd.GeoDataFrame:
        """Return the table of the contract ``name``; without rows where none passed.

        Raises
        ------
        TableError
            No contract has that name.
        """
        return self._tables[name].copy() if name in self._tables else _contract(name).empty(self.area.crs)

    def withheld_words(self) -> tuple[str, ...]:
        """Return what was kept back as phrases: ``14 needle cells with fewer than 11 reports``."""
        one = {what: re.sub(r"(?<=x)es\b|s\b", "", what, count=1) for what in self.withheld}
        return tuple(f"{n:,} {one[what] if n == 1 else what}" for what, n in self.withheld.items())


def publish(
    *tables: gpd.GeoDataFrame, area: Area, policy: Policy = _DEFAULT, as_of: pd.Timestamp | None = None
) -> Published:
    """Let through what ``policy`` allows to be seen; tables of one contract become one.

    ================================ ==================================================================================
    incidents                        needle reports as points with ``show_requests``; all others counted here, in the
                                     last calendar window that is over: as cells, and the densest of them as hotspots
    cells, hotspots                  of needles, with ``show_requests``; of overdoses none that were made elsewhere
    alerts                           of needles, with ``show_requests``; of overdoses, with ``show_overdoses``, as
                                     squares of a kilometre or more, with a count only of the whole area
    routes, stops, legs              with ``show_routes``
    kiosks                           all; figures of needles with ``show_requests``, coarse ones with ``show_kiosks``,
                                     where they tell of ``min_count`` reports or none; proposed for overdoses: with
                                     ``min_count`` in reach
    sites, places, streets           all
    pickups                          none
    ================================ ==================================================================================

    Parameters
    ----------
    tables : each checked against its contract, which has no column for what may not be kept. Hand in all reports of a
        kind: of two selections the difference can be worked out.
    as_of : which calendar window is the last that is over; where it is None, by the last report.

    Raises
    ------
    TableError
        A table breaks its contract, two tables hold one id, or a report lies outside the area.
    CrsError
        A table lies on another plane than the area's.
    """
    passed: dict[str, list[gpd.GeoDataFrame]] = {}
    withheld: Counter[str] = Counter()
    reports = []
    for table in tables:
        contract = contract_of(table)
        require_same_plane(area.crs, **{contract.name: table})
        if contract is INCIDENTS:
            reports.append(table)
            continue
        through, kept_back = _RULES.get(contract.name, _nothing)(table, area, policy)
        withheld.update(kept_back)
        for name, part in through.items():
            passed.setdefault(name, []).append(part)
    through, counts = _incidents(_merged(INCIDENTS, reports), area, policy, as_of) if reports else ({}, ())
    for name, part in [*through.items(), *(pair for each in counts for pair in _tables_of(each))]:
        passed.setdefault(name, []).append(part)
    for each in counts:
        withheld.update(each.withheld)
    if reports and not policy.show_overdoses and (_merged(INCIDENTS, reports)["kind"] == "overdose").any():
        withheld["tables of overdose reports"] = 1
    merged = {name: _merged(_contract(name), parts) for name, parts in passed.items()}
    kept = MappingProxyType({what: n for what, n in withheld.items() if n})
    windows = MappingProxyType({each.kind: each.window for each in counts})
    return Published(area, policy, kept, MappingProxyType(merged), gate=_GATE, windows=windows)


def _incidents(
    reports: gpd.GeoDataFrame, area: Area, policy: Policy, as_of: pd.Timestamp | None
) -> tuple[Mapping[str, gpd.GeoDataFrame], tuple[Counted, ...]]:
    """Return needle reports as points where those pass, and the counts of all others that pass."""
    needles = reports["kind"] == "needle"
    as_points = needles & policy.show_requests
    counts = reports[~as_points & (needles | policy.show_overdoses)]
    through = {"incidents": reports[as_points].copy()} if as_points.any() else {}
    if counts.empty:
        return through, ()
    now = pd.Timestamp(reports["reported_at"].max()) if as_of is None else as_of
    kinds = sorted(counts["kind"].unique())
    return through, tuple(counted(counts[counts["kind"] == kind], area, policy, as_of=now) for kind in kinds)


def _tables_of(each: Counted) -> tuple[tuple[str, gpd.GeoDataFrame], ...]:
    return ("cells", each.cells), ("hotspots", each.hotspots)


def _made_elsewhere(table: gpd.GeoDataFrame, area: Area, policy: Policy) -> Sieved:
    """Pass figures made of single reports to those who may see the reports."""
    name = contract_of(table).name
    shown = (table["kind"] == "needle") & policy.show_requests
    passing = table[shown].copy()
    if name == "hotspots":
        days = ("first_reported_at", "last_reported_at")
        passing = passing.assign(**{day: passing[day].map(area.midnight).astype(table[day].dtype) for day in days})
    kinds = table.loc[~shown, "kind"].value_counts().sort_index()
    return {name: passing}, {f"{kind} {name} made of single reports": int(n) for kind, n in kinds.items()}


def _alerts(table: gpd.GeoDataFrame, area: Area, policy: Policy) -> Sieved:
    """Pass that more came than expected; of overdoses coarsely, and no count that others could be worked out from."""
    overdoses = table["kind"] == "overdose"
    shown = overdoses & policy.show_overdoses | ~overdoses & policy.show_requests
    passing, coarse = table[shown].copy(), overdoses[shown]
    whole = shapely.covers(passing.geometry.to_numpy(), area.boundary)
    told = ~coarse | whole & (passing["n_incidents"] >= policy.min_count)
    passing = passing.assign(**{name: passing[name].where(told) for name in ("n_incidents", "expected")})
    if coarse.any():
        side = max(policy.cell_m, _ALERT_M)
        squares = [_squares(shape, side) if c else shape for shape, c in zip(passing.geometry, coarse, strict=True)]
        passing = passing.set_geometry(gpd.GeoSeries(squares, index=passing.index, crs=table.crs))
    kinds = table.loc[~shown, "kind"].value_counts().sort_index()
    withheld = {f"{kind} alerts": int(n) for kind, n in kinds.items()}
    return {"alerts": passing}, {**withheld, "counts of overdose alerts": int((~told).sum())}


def _squares(shape: shapely.Geometry, side_m: float) -> shapely.Geometry:
    """Return the squares, at multiples of their side, that a shape lies in."""
    west, south, east, north = np.floor(shapely.bounds(shape) / side_m)
    x, y = np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
    squares = shapely.box(x * side_m, y * side_m, (x + 1) * side_m, (y + 1) * side_m).ravel()
    return shapely.union_all(squares[shapely.intersects(squares, shape)])


def _kiosks(table: gpd.GeoDataFrame, _: Area, policy: Policy) -> Sieved:
    overdoses = table["demand_kind"] == "overdose"
    lonely = overdoses & (table["state"] == "proposed") & ~(table["covered"] >= policy.min_count)
    standing = table[~lonely]
    told = (standing["covered"], standing["added"], standing["covered"] - standing["added"])
    small = np.any([(figure > 0) & (figure < policy.min_count) for figure in told], axis=0)
    empty = small if policy.show_requests or policy.show_kiosks else np.ones(len(standing), dtype=bool)
    empty = (empty | overdoses[~lonely].to_numpy()) & standing["covered"].notna().to_numpy()
    emptied = {name: standing[name].astype(float).mask(empty) for name in ("covered", "added")}
    if not policy.show_requests:
        emptied = {
            name: figures.map(lambda n: about(n, policy.min_count), na_action="ignore").astype(float)
            for name, figures in emptied.items()
        }
    few = f"kiosk counts that tell of fewer than {policy.min_count} reports"
    words = few if policy.show_requests or policy.show_kiosks else "kiosk counts of reports"
    words = "naloxone box counts of overdoses" if overdoses.any() else words
    withheld = {words: int(empty.sum()), "proposed naloxone boxes with few overdoses in reach": int(lonely.sum())}
    return {"kiosks": standing.assign(**emptied)}, withheld


def _on_route(table: gpd.GeoDataFrame, _: Area, policy: Policy) -> Sieved:
    name = contract_of(table).name
    return ({name: table.copy()}, {}) if policy.show_routes else ({}, {name: len(table)})


def _open(table: gpd.GeoDataFrame, _: Area, __: Policy) -> Sieved:
    return {contract_of(table).name: table.copy()}, {}


def _nothing(table: gpd.GeoDataFrame, _: Area, __: Policy) -> Sieved:
    return {}, {contract_of(table).name: len(table)}


_RULES: Mapping[str, Callable[[gpd.GeoDataFrame, Area, Policy], Sieved]] = {
    "cells": _made_elsewhere,
    "hotspots": _made_elsewhere,
    "alerts": _alerts,
    "routes": _on_route,
    "stops": _on_route,
    "legs": _on_route,
    "kiosks": _kiosks,
    "sites": _open,
    "places": _open,
    "streets": _open,
}


def _merged(contract: Contract, parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if len(parts) == 1:
        return parts[0]
    held = [part for part in parts if len(part)] or parts[:1]
    return contract.check(gpd.GeoDataFrame(pd.concat(held), crs=parts[0].crs))


def _contract(name: str) -> Contract:
    for contract in ALL:
        if contract.name == name:
            return contract
    raise TableError(f"no table is named {name!r}: one of {', '.join(contract.name for contract in ALL)}")
