"""The gate: what may be seen of a run. Nothing is drawn, written or shown that did not pass here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sweepplan.errors import GateError, SettingsError, TableError
from sweepplan.geo import Area, require_same_plane
from sweepplan.tables import ALL, CELLS, INCIDENTS, Contract, contract_of

_GATE = object()
_LENGTH = {"second": pd.Timedelta(0), "day": pd.Timedelta(days=1), "month": pd.Timedelta(days=30)}

Sieved = tuple[Mapping[str, gpd.GeoDataFrame], Mapping[str, int]]
"""Tables that pass, by name, and how much of what is kept back."""


@dataclass(frozen=True)
class Policy:
    """What may be seen.

    Attributes
    ----------
    min_count : smallest count of reports that is shown, ``>= 1``; zero is shown as zero.
    cell_m : side of the cells that reports are counted in, metres, ``> 0``.
    show_requests : needle reports pass as points: for leads and crews only. Overdoses never do.
    show_routes : routes and stops pass.

    Raises
    ------
    SettingsError
        ``min_count`` or ``cell_m`` is out of bounds.
    """

    min_count: int = 11
    cell_m: float = 250.0
    show_requests: bool = False
    show_routes: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.min_count, int) or isinstance(self.min_count, bool) or self.min_count < 1:
            raise SettingsError(f"min_count {self.min_count!r}: give a whole number, 1 or more")
        if not (np.isfinite(self.cell_m) and self.cell_m > 0):
            raise SettingsError(f"cell_m {self.cell_m!r}: give metres, more than 0")


@final
@dataclass(frozen=True, eq=False)
class Published:
    """What passed the gate. Only :func:`publish` makes one; every table handed out is a copy.

    Attributes
    ----------
    area : of all tables; they lie on its plane.
    policy : by which they passed.
    withheld : what was kept back, in words, and how much of it; only what is more than 0.

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
        one = {what: re.sub(r"s\b", "", what, count=1) for what in self.withheld}
        return tuple(f"{n:,} {one[what] if n == 1 else what}" for what, n in self.withheld.items())


def publish(*tables: gpd.GeoDataFrame, area: Area, policy: Policy = Policy()) -> Published:
    """Let through what ``policy`` allows to be seen; tables of one contract become one.

    ================================ ==================================================================================
    incidents                        needle reports as points with ``show_requests``; all others as cells of ``cell_m``
    cells, hotspots                  with ``min_count`` reports or more; hotspots are dated by day
    routes, stops                    with ``show_routes``
    kiosks                           all; figures that tell of 1 to ``min_count - 1`` reports are emptied
    sites, places, streets           all
    pickups                          none
    ================================ ==================================================================================

    A cell without reports passes only where its rate is 0: any other rate tells of the cells around. Cells of one kind
    on two grids are refused: small counts could be worked out by subtraction.

    Raises
    ------
    TableError
        A table breaks its contract, two tables hold one id, or there are two grids of one kind.
    CrsError
        A table lies on another plane than the area's.
    """
    passed: dict[str, list[gpd.GeoDataFrame]] = {}
    withheld: Counter[str] = Counter()
    for table in tables:
        contract = contract_of(table)
        require_same_plane(area.crs, **{contract.name: table})
        through, kept_back = _RULES.get(contract.name, _nothing)(table, area, policy)
        withheld.update(kept_back)
        for name, part in through.items():
            passed.setdefault(name, []).append(part)
    _require_one_grid_a_kind(tables, policy)
    merged = {name: _merged(_contract(name), parts) for name, parts in passed.items()}
    counted = {what: n for what, n in withheld.items() if n}
    return Published(area, policy, MappingProxyType(counted), MappingProxyType(merged), gate=_GATE)


def _incidents(table: gpd.GeoDataFrame, area: Area, policy: Policy) -> Sieved:
    as_points = _as_points(table, policy)
    through: dict[str, gpd.GeoDataFrame] = {"incidents": table[as_points].copy()} if as_points.any() else {}
    withheld: Counter[str] = Counter()
    kinds = sorted(table.loc[~as_points, "kind"].unique())
    counted = [_counted(table[~as_points & (table["kind"] == kind)], policy.cell_m) for kind in kinds]
    if counted:
        cells, small = _cells(_merged(CELLS, counted), area, policy)
        through |= cells
        withheld.update(small)
    for kind, n in table.loc[~as_points, "kind"].value_counts().sort_index().items():
        withheld[f"{kind} reports as points"] += int(n)
    return through, withheld


def _as_points(table: gpd.GeoDataFrame, policy: Policy) -> pd.Series[bool]:
    return (table["kind"] == "needle") & policy.show_requests


def _counted(reports: gpd.GeoDataFrame, cell_m: float) -> gpd.GeoDataFrame:
    """Return reports of one kind as CELLS whose corners are whole multiples of ``cell_m`` on the plane."""
    at = pd.DataFrame(
        {"x": np.floor(reports.geometry.x / cell_m), "y": np.floor(reports.geometry.y / cell_m)}, dtype=np.int64
    )
    n = at.value_counts(sort=False).sort_index()
    x, y = (n.index.get_level_values(axis).to_numpy() for axis in ("x", "y"))
    kind = str(reports["kind"].iloc[0])
    ends = reports["reported_at"] + reports["time_precision"].map(_LENGTH)
    days = max((ends.max() - reports["reported_at"].min()) / pd.Timedelta(days=1), 1.0)
    return gpd.GeoDataFrame(
        {"kind": kind, "n_incidents": n.to_numpy(dtype=np.int64), "rate": n.to_numpy(dtype=float) / days},
        geometry=shapely.box(x * cell_m, y * cell_m, (x + 1) * cell_m, (y + 1) * cell_m),
        index=pd.Index([f"{kind}-{i}-{j}" for i, j in zip(x, y, strict=True)], name=CELLS.index, dtype="str"),
        crs=reports.crs,
    )


def _cells(table: gpd.GeoDataFrame, _: Area, policy: Policy) -> Sieved:
    shown = (table["n_incidents"] >= policy.min_count) | ((table["n_incidents"] == 0) & (table["rate"] == 0))
    return {"cells": table[shown].copy()}, _small("cells", table[~shown], policy)


def _hotspots(table: gpd.GeoDataFrame, area: Area, policy: Policy) -> Sieved:
    shown = table["n_incidents"] >= policy.min_count
    dated = {
        name: table.loc[shown, name].map(area.midnight).astype(table[name].dtype)
        for name in ("first_reported_at", "last_reported_at")
    }
    return {"hotspots": table[shown].assign(**dated)}, _small("hotspots", table[~shown], policy)


def _small(what: str, rows: gpd.GeoDataFrame, policy: Policy) -> dict[str, int]:
    counts = rows["kind"].value_counts().sort_index()
    return {f"{kind} {what} with fewer than {policy.min_count} reports": int(n) for kind, n in counts.items()}


def _kiosks(table: gpd.GeoDataFrame, _: Area, policy: Policy) -> Sieved:
    told = (table["covered"], table["added"], table["covered"] - table["added"])
    small = np.any([(figure > 0) & (figure < policy.min_count) for figure in told], axis=0)
    emptied = {name: table[name].astype(float).mask(small) for name in ("covered", "added")}
    words = f"kiosk counts that tell of fewer than {policy.min_count} reports"
    return {"kiosks": table.assign(**emptied)}, {words: int(small.sum())}


def _on_route(table: gpd.GeoDataFrame, _: Area, policy: Policy) -> Sieved:
    name = contract_of(table).name
    return ({name: table.copy()}, {}) if policy.show_routes else ({}, {name: len(table)})


def _open(table: gpd.GeoDataFrame, _: Area, __: Policy) -> Sieved:
    return {contract_of(table).name: table.copy()}, {}


def _nothing(table: gpd.GeoDataFrame, _: Area, __: Policy) -> Sieved:
    return {}, {contract_of(table).name: len(table)}


_RULES: Mapping[str, Callable[[gpd.GeoDataFrame, Area, Policy], Sieved]] = {
    "incidents": _incidents,
    "cells": _cells,
    "hotspots": _hotspots,
    "routes": _on_route,
    "stops": _on_route,
    "kiosks": _kiosks,
    "sites": _open,
    "places": _open,
    "streets": _open,
}


def _merged(contract: Contract, parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if len(parts) == 1:
        return parts[0]
    named = [_named_by_kind(part) for part in parts] if contract is CELLS else parts
    held = [part for part in named if len(part)] or named[:1]
    return contract.check(gpd.GeoDataFrame(pd.concat(held), crs=parts[0].crs))


def _named_by_kind(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    ids = [f"{kind}-{str(cell).removeprefix(kind + '-')}" for cell, kind in cells["kind"].items()]
    return cells.set_axis(pd.Index(ids, name=CELLS.index, dtype="str"))


def _require_one_grid_a_kind(tables: Iterable[gpd.GeoDataFrame], policy: Policy) -> None:
    kinds: Counter[str] = Counter()
    for table in tables:
        if table.index.name == CELLS.index:
            kinds.update(table["kind"].unique())
        elif table.index.name == INCIDENTS.index:
            kinds.update(table.loc[~_as_points(table, policy), "kind"].unique())
    for kind, n in kinds.items():
        if n > 1:
            raise TableError(
                f"cells: two grids of {kind} reports, from which small counts could be worked out: publish one of them"
            )


def _contract(name: str) -> Contract:
    for contract in ALL:
        if contract.name == name:
            return contract
    raise TableError(f"no table is named {name!r}: one of {', '.join(contract.name for contract in ALL)}")
