"""Shifts that were published: their stops, what crews found there, and what they left for the next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from sweepplan import bridge
from sweepplan.bridge import SweepDay
from sweepplan.errors import PlanError
from sweepplan.geo import WGS84, Area
from sweepplan.pipeline.city import City
from sweepplan.pipeline.settings import Settings
from sweepplan.routing import promised
from sweepplan.store import PlanVersion, Store
from sweepplan.tables import PICKUPS

_STREAMS = {"request": "request", "kiosk": "kiosk"}
_LONGEST = pd.Timedelta(hours=30)
"""So long after its midnight a shift may end."""


@dataclass(frozen=True, eq=False)
class Shift:
    """A published plan of a day, and what was counted on it.

    Attributes
    ----------
    stops : tables.STOPS of the crews, in order, those done before a re-plan first.
    found : needles by place, of the stops that were counted.
    entered : places whose count was entered from this plan; others stand in a log of sweeps.
    """

    version: PlanVersion
    stops: gpd.GeoDataFrame
    found: Mapping[str, float]
    entered: frozenset[str] = frozenset()

    @property
    def day(self) -> str:
        """The day planned, as YYYY-MM-DD."""
        return self.version.plan_id

    @property
    def left(self) -> gpd.GeoDataFrame:
        """Stops without a count, of the crews that handed in any."""
        counted = self.stops["place_id"].isin(self.found)
        return self.stops[~counted & self.stops["crew"].isin(self.stops.loc[counted, "crew"])]


def shift_of(store: Store, area: Area, day: str) -> Shift:
    """Return the newest published plan of a day.

    Raises
    ------
    StoreError, PlanError
        There is none, or it was published without its stops.
    """
    kept = store.plan(day)
    if "stops" not in kept.body:
        raise PlanError(f"plan {day}, version {kept.version}: was published without its stops: publish it again")
    stops = _stops([*kept.body.get("done", ()), *kept.body["stops"]], area)
    stops = stops[stops["kind"] != "unload"]
    begins = area.midnight(day)
    counted = store.pickups(area, since=begins, until=begins + _LONGEST)
    counted = counted[counted["place_id"].isin(stops["place_id"]) & (counted["outcome"] != "handed_over")]
    found = {str(place): float(n) for place, n in counted.groupby("place_id")["needles"].sum().items()}
    entered = {place for place in found if pickup_id(day, place) in counted.index}
    return Shift(kept, stops, found, frozenset(entered))


def pickup_id(day: str, place: str) -> str:
    """Return the id of what was counted at a place on the shift of a day."""
    return f"{day} {place}"


def published_days(store: Store) -> list[str]:
    """Return the days that have a published plan, newest first."""
    table = store.plans()
    return sorted({str(day) for day in table.loc[table["state"] == "published", "plan_id"]}, reverse=True)


def last_shift(store: Store, area: Area, before: str) -> Shift | None:
    """Return the newest shift before a day; None where there is none whose stops are known."""
    for day in published_days(store):
        if day < before:
            try:
                return shift_of(store, area, day)
            except PlanError:
                return None
    return None


def counts(shift: Shift, found: Mapping[str, float]) -> gpd.GeoDataFrame:
    """Return what was found as PICKUPS, by place; 0 is data: swept and clean, or a request where nothing lay."""
    stops = shift.stops[shift.stops["place_id"].isin(found)]
    needles = stops["place_id"].map(found).astype(float)
    stream = stops["kind"].map(_STREAMS).fillna("sweep")
    nothing = stream.map({"request": "not_found"}).fillna("clean")
    table = gpd.GeoDataFrame(
        {
            "place_id": stops["place_id"].astype("str"),
            "at": stops["leaves_at"],
            "needles": needles,
            "minutes": (stops["leaves_at"] - stops["arrives_at"]).dt.total_seconds() / 60,
            "outcome": nothing.where(needles == 0, "found").astype("str"),
            "stream": stream.astype("str"),
        },
        geometry=stops.geometry,
        crs=stops.crs,
    )
    ids = [pickup_id(shift.day, place) for place in stops["place_id"]]
    table.index = pd.Index(ids, name="pickup_id", dtype="str")
    return PICKUPS.check(table)


def with_counts(city: City, store: Store, *, until: pd.Timestamp) -> City:
    """Return the city with what was counted in the app before ``until``, beside what it knows; one id counts once."""
    more = store.pickups(city.area, until=until)
    more = more[more.intersects(city.area.boundary)]
    known = city.around.pickups
    if more.empty:
        return city
    both = more if known is None else pd.concat([known, more[~more.index.isin(known.index)]])
    pickups = gpd.GeoDataFrame(both.sort_values("at", kind="stable"), crs=city.area.crs)
    return dataclasses.replace(city, around=dataclasses.replace(city.around, pickups=pickups))


def told_stops(stops: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return tables.STOPS on routes as JSON, in degrees."""
    served = stops[stops["crew"].notna()]
    spots = served.geometry.to_crs(WGS84)
    names = [name for name in ("crew", "seq", "place_id", "name", "kind", "mode") if name in served]
    rows = served[names].assign(
        arrives_at=served["arrives_at"].map(pd.Timestamp.isoformat),
        leaves_at=served["leaves_at"].map(pd.Timestamp.isoformat),
        lat=spots.y.round(6),
        lon=spots.x.round(6),
    )
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def with_left(day: SweepDay, left: gpd.GeoDataFrame, city: City, settings: Settings) -> SweepDay:
    """Return the day with what the last shift left put first: must-visits, added where the day has them not.

    A street or park that is worth no crew's way today is not added.
    """
    for _, stop in left.iterrows():
        known = list(day.stops["place_id"])
        if stop["place_id"] in known:
            number = known.index(stop["place_id"])
            crew = day.problem.stops[number].crew
            day = dataclasses.replace(day, problem=promised(day.problem, number, crew, required=True))
        elif stop["kind"] == "request":
            spot = gpd.GeoSeries([stop.geometry], crs=city.area.crs)
            day = bridge.with_request(day, spot, settings.rules, name=str(stop["name"]))
    return day


def _stops(rows: list[dict[str, Any]], area: Area) -> gpd.GeoDataFrame:
    table = pd.DataFrame(
        rows, columns=["crew", "seq", "place_id", "name", "kind", "arrives_at", "leaves_at", "lat", "lon"]
    )
    for name in ("arrives_at", "leaves_at"):
        table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601")
    return gpd.GeoDataFrame(
        table.drop(columns=["lat", "lon"]).astype({"crew": "str", "place_id": "str", "name": "str", "kind": "str"}),
        geometry=area.points(table["lon"].to_numpy(), table["lat"].to_numpy()).to_numpy(),
        crs=area.crs,
    )
