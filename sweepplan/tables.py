"""What a table must look like: one contract a table, checked at every public door.

Tables are plain GeoDataFrames. A contract names the index, the columns and the geometry; :meth:`Contract.check` lists
every fault in one message. A table is known by the name of its index (:func:`contract_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from pandas.api import types as dtypes

from sweepplan.errors import TableError
from sweepplan.geo import require_same_plane

_IS: Mapping[str, Callable[[pd.Series], bool]] = {
    "str": lambda column: bool(dtypes.is_string_dtype(column.dropna())) or bool(column.isna().all()),
    "float": lambda column: bool(dtypes.is_numeric_dtype(column)) and not bool(dtypes.is_bool_dtype(column)),
    "int": lambda column: bool(dtypes.is_integer_dtype(column)),
    "bool": lambda column: bool(dtypes.is_bool_dtype(column)),
    "time": lambda column: isinstance(column.dtype, pd.DatetimeTZDtype) and str(column.dtype.tz) == "UTC",
}
_DTYPE = {"str": "str", "float": "float64", "int": "int64", "bool": "bool", "time": "datetime64[us, UTC]"}


@dataclass(frozen=True)
class Column:
    """One column: its kind, whether it may be empty, which values it takes, its least value, whether it may lack."""

    kind: str
    nullable: bool = False
    choices: frozenset[str] = frozenset()
    at_least: float | None = None
    optional: bool = False

    def faults(self, name: str, values: pd.Series) -> list[str]:
        """Return what is wrong with ``values``, in words; empty where nothing is."""
        if not _IS[self.kind](values):
            wanted = "a time in UTC" if self.kind == "time" else self.kind
            return [f"column {name!r} is {values.dtype}, not {wanted}"]
        found = []
        if not self.nullable and values.isna().any():
            found.append(f"column {name!r} is empty in {int(values.isna().sum())} rows")
        if self.choices:
            odd = sorted(set(values.dropna().unique()) - self.choices)
            if odd:
                found.append(f"column {name!r} holds {odd[0]!r}: one of {', '.join(sorted(self.choices))}")
        if self.at_least is not None and (values.dropna() < self.at_least).any():
            found.append(f"column {name!r} holds {values.min()}: at least {self.at_least:g}")
        if self.kind == "float" and np.isinf(values.dropna().to_numpy(dtype=float)).any():
            found.append(f"column {name!r} holds an infinite value")
        return found


@dataclass(frozen=True)
class Contract:
    """What one kind of table must look like."""

    name: str
    index: str
    columns: Mapping[str, Column]
    geometry: frozenset[str]

    def check(self, table: gpd.GeoDataFrame, *, plane: str | None = None) -> gpd.GeoDataFrame:
        """Return ``table`` unchanged where it keeps the contract.

        Parameters
        ----------
        plane : the CRS the geometry must lie on, where it matters.

        Raises
        ------
        TableError
            Lists all faults in one message.
        CrsError
            The table lies on another plane than ``plane``.
        """
        if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
            raise TableError(f"{self.name}: not a GeoDataFrame with a geometry")
        faults = self._index_faults(table) + self._column_faults(table) + self._geometry_faults(table)
        if faults:
            raise TableError(f"{self.name}: {'; '.join(faults)}")
        if plane is not None:
            require_same_plane(plane, **{self.name: table})
        return table

    def empty(self, crs: str) -> gpd.GeoDataFrame:
        """Return a table of this contract without rows."""
        columns = {n: pd.Series(dtype=_DTYPE[c.kind]) for n, c in self.columns.items() if not c.optional}
        return gpd.GeoDataFrame(
            columns, geometry=gpd.GeoSeries([], crs=crs), index=pd.Index([], dtype="str", name=self.index)
        )

    def _index_faults(self, table: gpd.GeoDataFrame) -> list[str]:
        if table.index.name != self.index:
            return [f"the index is {table.index.name!r}, not {self.index!r}"]
        if not table.index.is_unique:
            return [f"{self.index} {table.index[table.index.duplicated()][0]!r} stands more than once"]
        if len(table) and not dtypes.is_string_dtype(table.index):
            return [f"{self.index} is {table.index.dtype}, not str"]
        return []

    def _column_faults(self, table: gpd.GeoDataFrame) -> list[str]:
        given = [str(name) for name in table.columns if name != table.geometry.name]
        faults = [f"no column {name!r}" for name, c in self.columns.items() if name not in given and not c.optional]
        faults += [f"unknown column {name!r}" for name in given if name not in self.columns]
        for name, column in self.columns.items():
            if name in given:
                faults += column.faults(name, table[name])
        return faults

    def _geometry_faults(self, table: gpd.GeoDataFrame) -> list[str]:
        shapes = table.geometry
        none = shapes.isna() | shapes.is_empty
        if none.any():
            return [f"{int(none.sum())} rows without a geometry"]
        faults = []
        odd = sorted(set(shapes.geom_type.unique()) - self.geometry)
        if odd:
            faults.append(f"geometry is {odd[0]}, not {' or '.join(sorted(self.geometry))}")
        if len(shapes) and not np.isfinite(shapes.total_bounds).all():
            faults.append("a coordinate is not finite")
        return faults


def _choices(*values: str) -> frozenset[str]:
    return frozenset(values)


_POINT = _choices("Point")
_LINE = _choices("LineString", "MultiLineString")
_POLYGON = _choices("Polygon", "MultiPolygon")
_KINDS = _choices("needle", "overdose")

INCIDENTS = Contract(
    "incidents",
    "incident_id",
    {
        "kind": Column("str", choices=_KINDS),
        "reported_at": Column("time"),
        "time_precision": Column("str", choices=_choices("second", "day", "month")),
        "source": Column("str"),
        "needles": Column("float", nullable=True, at_least=0),
        "status": Column("str", nullable=True, choices=_choices("open", "closed")),
        "due_at": Column("time", nullable=True),
        "closed_at": Column("time", nullable=True),
    },
    _POINT,
)
"""One report a row. ``reported_at`` of a day- or month-precise report is the start of that day or month on the city's
clock;
``status`` is empty where the feed does not say; ``needles`` counts what was found."""

PLACES = Contract(
    "places",
    "place_id",
    {
        "kind": Column("str", choices=_choices("street", "park", "schoolyard", "lot")),
        "name": Column("str"),
        "length_m": Column("float", at_least=0),
        "sweep_s": Column("float", at_least=0),
        "reports_a_day": Column("float", at_least=0, optional=True),
        "needles_a_day": Column("float", at_least=0, optional=True),
        "swept_d": Column("float", nullable=True, at_least=0, optional=True),
    },
    _LINE | _POLYGON,
)
"""What can be swept. ``sweep_s`` is the time to sweep it once, in seconds; ``reports_a_day`` are expected there,
``needles_a_day`` gather there, and ``swept_d`` days ago it was swept last.
"""

CELLS = Contract(
    "cells",
    "cell_id",
    {
        "kind": Column("str", choices=_KINDS),
        "n_incidents": Column("int", at_least=0),
        "rate": Column("float", at_least=0),
        "rate_low": Column("float", nullable=True, at_least=0, optional=True),
        "rate_high": Column("float", nullable=True, at_least=0, optional=True),
    },
    _POLYGON,
)
"""Square cells: reports counted in the window, and ``rate``, expected reports a day; a forecast's has an interval."""

PATTERNS = (
    "new",
    "consecutive",
    "intensifying",
    "persistent",
    "diminishing",
    "sporadic",
    "oscillating",
    "historical",
)
"""How a hot cell came about; a cold twin has "cold " before it. The empty word is no pattern."""

HOTSPOTS = Contract(
    "hotspots",
    "hotspot_id",
    {
        "kind": Column("str", choices=_KINDS),
        "name": Column("str"),
        "n_incidents": Column("int", at_least=0),
        "weight": Column("float", at_least=0),
        "n_last": Column("int", at_least=0),
        "n_before": Column("float", nullable=True, at_least=0),
        "trend": Column("float", nullable=True),
        "pattern": Column("str", nullable=True, choices=_choices(*PATTERNS)),
        "p_value": Column("float", nullable=True, at_least=0),
        "swept_d": Column("float", nullable=True, at_least=0),
        "near": Column("str", nullable=True),
        "first_reported_at": Column("time"),
        "last_reported_at": Column("time"),
    },
    _POLYGON,
)
"""Outlined areas, heaviest first. ``name``: the streets in it, empty where none has a name. ``weight`` is the
recency-weighted count; ``n_last`` and ``n_before`` are the reports of the last 28 days and of the 28 before,
``trend`` their ratio. ``pattern``: how it came about (``sweepplan.hotspots.emerging``). ``p_value``: of so many reports
by chance, adjusted for all cells. ``swept_d``: days since a crew was last there. ``near``: the nearest school or
playground, and how far.
"""

ALERTS = Contract(
    "alerts",
    "alert_id",
    {
        "kind": Column("str", choices=_KINDS),
        "method": Column("str"),
        "name": Column("str"),
        "since": Column("time"),
        "days": Column("int", at_least=1),
        "n_incidents": Column("float", nullable=True, at_least=0),
        "expected": Column("float", nullable=True, at_least=0),
    },
    _POLYGON,
)
"""Areas where more was reported in the last ``days`` than expected, the strongest first. The id is that of the episode,
which began ``since``. ``name``: of the place. Counts are empty where they are withheld.
"""

SITES = Contract(
    "sites",
    "site_id",
    {"name": Column("str"), "kind": Column("str"), "state": Column("str")},
    _POINT,
)
"""Points of the city: ``kind`` {candidate, kiosk, naloxone, depot, school, playground, library, pharmacy,
fire_station, ...}.
"""

PICKUPS = Contract(
    "pickups",
    "pickup_id",
    {
        "place_id": Column("str", nullable=True),
        "at": Column("time"),
        "needles": Column("float", at_least=0),
        "minutes": Column("float", nullable=True, at_least=0),
        "outcome": Column(
            "str", choices=_choices("found", "clean", "not_needle", "not_found", "private_property", "handed_over")
        ),
        "stream": Column("str", choices=_choices("sweep", "request", "kiosk", "redemption", "exchange")),
    },
    _POINT,
)
"""What a crew found: 0 needles is data (swept and clean). Counts of different streams are never summed."""

STOP_KINDS = {
    "request": "Request",
    "kiosk": "Kiosk service",
    "street": "Street",
    "park": "Park",
    "schoolyard": "Schoolyard",
    "lot": "Lot",
    "unload": "Emptying the containers",
}
"""What a crew stops for, in words."""

STOPS = Contract(
    "stops",
    "stop_id",
    {
        "crew": Column("str", nullable=True),
        "seq": Column("int", at_least=0),
        "place_id": Column("str"),
        "name": Column("str"),
        "kind": Column("str", choices=_choices(*STOP_KINDS)),
        "arrives_at": Column("time", nullable=True),
        "leaves_at": Column("time", nullable=True),
        "due_at": Column("time", nullable=True),
        "slack_min": Column("float", nullable=True, at_least=0),
        "mode": Column("int", at_least=0),
        "expected_needles": Column("float", at_least=0),
        "reason": Column("str", nullable=True),
    },
    _POINT,
)
"""Stops of a sweep plan, by crew and order (``seq`` from 1). An unserved stop has no crew, ``seq`` 0, and the
``reason``. So many whole minutes ``slack_min`` work there may begin after ``arrives_at`` before a window, the break or
the shift's end is missed. ``mode``: which of the ways to serve it is taken, as the problem counts them.
"""

ROUTES = Contract(
    "routes",
    "crew",
    {
        "n_stops": Column("int", at_least=0),
        "crew_s": Column("float", at_least=0),
        "drive_m": Column("float", at_least=0),
        "expected_needles": Column("float", at_least=0),
        "starts_at": Column("time"),
        "ends_at": Column("time"),
    },
    _LINE,
)
"""One route a crew that goes out, along the streets. ``crew_s``: seconds from leaving the depot to being back."""

LEGS = Contract(
    "legs",
    "leg_id",
    {
        "crew": Column("str"),
        "seq": Column("int", at_least=1),
        "length_m": Column("float", at_least=0),
        "travel_s": Column("float", at_least=0),
        "swept_m": Column("float", at_least=0),
        "directions": Column("str"),
    },
    _LINE,
)
"""The way to every stop of a route, ``seq`` being the stop it leads to; the last leads back to the depot.
The last ``swept_m`` metres of its line, there and back where that is how it is done, are swept at the stop.
``directions``: one street a line, in words.
"""

KIOSKS = Contract(
    "kiosks",
    "kiosk_id",
    {
        "name": Column("str"),
        "demand_kind": Column("str", choices=_KINDS),
        "state": Column("str", choices=_choices("installed", "proposed")),
        "rank": Column("int", at_least=0),
        "covered": Column("float", nullable=True, at_least=0),
        "added": Column("float", nullable=True, at_least=0),
    },
    _POINT,
)
"""Kiosks of a plan: ``covered`` demand within reach, ``added`` that no installed kiosk covers, empty where withheld.
``rank`` by ``added`` from 1; 0 = installed. ``demand_kind``: of the incidents that make the demand.
"""

BOXES = {"needle": ("kiosk", "kiosks"), "overdose": ("naloxone box", "naloxone boxes")}
"""What the kiosks of a plan are called, one and many, by ``demand_kind``."""

STREETS = Contract(
    "streets",
    "street_id",
    {"name": Column("str"), "highway": Column("str"), "length_m": Column("float", at_least=0)},
    _LINE,
)
"""Street segments, once for both directions: the background of every map."""

KIOSK_STATES: Mapping[str, Column] = {
    "site_id": Column("str"),
    "state": Column("str", choices=_choices("installed", "full", "emptied", "broken", "repaired", "removed")),
    "at": Column("time"),
    "time_precision": Column("str", choices=_choices("second", "day", "month")),
}
"""Columns of a kiosk ledger (a DataFrame): since when which kiosk is in which state."""


def check_columns(name: str, columns: Mapping[str, Column], table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without geometry unchanged where it has exactly these columns.

    Raises
    ------
    TableError
        Lists all faults in one message.
    """
    faults = [f"no column {column!r}" for column in columns if column not in table]
    faults += [f"unknown column {column!r}" for column in table if column not in columns]
    faults += [fault for n, column in columns.items() if n in table for fault in column.faults(n, table[n])]
    if faults:
        raise TableError(f"{name}: {'; '.join(faults)}")
    return table


QUARANTINE = ("line", "incident_id", "reason", "value")
"""Columns of the quarantine table (a DataFrame): source line (1 = first row below the header), id if any, why, the
value at fault.
"""

ALL = (INCIDENTS, PLACES, CELLS, HOTSPOTS, ALERTS, SITES, PICKUPS, STOPS, ROUTES, LEGS, KIOSKS, STREETS)


def contract_of(table: gpd.GeoDataFrame) -> Contract:
    """Return the contract whose index name ``table`` bears, checked.

    Raises
    ------
    TableError
        No contract has such an index, or the table breaks it.
    """
    for contract in ALL:
        if table.index.name == contract.index:
            contract.check(table)
            return contract
    raise TableError(f"no table has an index named {table.index.name!r}: one of {', '.join(c.index for c in ALL)}")
