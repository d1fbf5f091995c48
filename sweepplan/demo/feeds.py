"""Reports in the feeds' own formats, with their habits and faults: Boston's 311 export, Cincinnati's EMS export."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweepplan.demo.addresses import ZIP_FIRST
from sweepplan.demo.intensity import AS_OF
from sweepplan.demo.names import short
from sweepplan.demo.plan import NAME
from sweepplan.demo.writing import degrees

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

BOSTON_COLUMNS = (
    "CASE_ENQUIRY_ID", "OPEN_DT", "TARGET_DT", "CLOSED_DT", "OnTime_Status", "CASE_STATUS", "CLOSURE_REASON",
    "CASE_TITLE", "SUBJECT", "REASON", "TYPE", "QUEUE", "Department", "SubmittedPhoto", "ClosedPhoto", "Location",
    "fire_district", "pwd_district", "city_council_district", "police_district", "neighborhood",
    "neighborhood_services_district", "ward", "precinct", "land_usage", "LOCATION_STREET_NAME", "LOCATION_ZIPCODE",
    "Property_Type", "Property_ID", "LATITUDE", "LONGITUDE", "Source", "Geocoded_Location",
)  # fmt: skip
CINCINNATI_COLUMNS = (
    "ADDRESS_X", "LATITUDE_X", "LONGITUDE_X", "AGENCY", "CREATE_TIME_INCIDENT", "DISPOSITION_TEXT", "EVENT_NUMBER",
    "INCIDENT_TYPE_ID", "INCIDENT_TYPE_DESC", "NEIGHBORHOOD", "ARRIVAL_TIME_PRIMARY_UNIT", "BEAT",
    "CLOSED_TIME_INCIDENT", "DISPATCH_TIME_PRIMARY_UNIT", "CFD_INCIDENT_TYPE", "CFD_INCIDENT_TYPE_GROUP",
    "COMMUNITY_COUNCIL_NEIGHBORHOOD",
)  # fmt: skip

_CLOCK = "%m/%d/%Y %I:%M:%S %p"
_OUTCOMES: tuple[tuple[str, float], ...] = (
    ("Case Resolved Sharps crew collected 1 syringe.", 0.27),
    ("Case Resolved Sharps crew collected 2 syringes.", 0.16),
    ("Case Resolved Sharps crew collected several syringes and capped them.", 0.17),
    ("Case Noted Crew walked the block, nothing on the ground.", 0.22),
    ("Case Noted Not a syringe, litter removed.", 0.05),
    ("Case Noted Spot not found from the description.", 0.05),
    ("Case Noted Private property, owner told.", 0.03),
    ("Case Noted Handed over to parks staff.", 0.03),
    ("Case Noted Same as an earlier case.", 0.02),
)
_SOURCES = (
    ("Citizens Connect App", 0.52),
    ("Constituent Call", 0.38),
    ("Self Service", 0.07),
    ("Employee Generated", 0.03),
)
_DISPOSITIONS = (
    ("MEDIC TR RESP & TRANSPORTED", 0.28), ("MEDIC TR RESP- NO TRANSPORT", 0.25), ("MEDT: MEDIC TRANSPORT", 0.18),
    ("MEDD: MT DISREGARDED", 0.07), ("MED: MT RESPONSE NO TRANSPORT", 0.07), ("EMS: NO TRANSPORT", 0.04),
    ("NAR: NARCAN ADMIN NO TRANSPORT", 0.04), ("DUPF: DUPLICATE", 0.025), ("CN: CANCEL", 0.02),
    ("MEDF: MT RESPONSE - FALSE", 0.015), ("CANCEL INCIDENT", 0.01),
)  # fmt: skip
_TESTS = 14
_UNPLACED = 18


def boston311(reports: pd.DataFrame, spots: pd.DataFrame, quarters: gpd.GeoDataFrame, seed: int) -> pd.DataFrame:
    """Write needle requests as Boston's 311 export does, all text, faults included."""
    rng = np.random.default_rng([seed, 11])
    at = spots.iloc[reports["spot"].to_numpy()].reset_index(drop=True)
    table = pd.DataFrame(index=pd.RangeIndex(len(reports)), columns=list(BOSTON_COLUMNS), data="", dtype=object)
    table["CASE_ENQUIRY_ID"] = (101005100000 + np.cumsum(rng.integers(5, 40, len(reports)))).astype(str)
    _fill_fixed(table)
    _fill_times(table, reports, rng)
    _fill_place(table, at, reports["spot"].to_numpy(), quarters)
    table["Source"] = _drawn(_SOURCES, len(table), rng)
    hall = spots[(spots["place"] == "corner") & (spots["quarter"] == 0)].iloc[0]
    return _with_faults(table, degrees(np.array([[hall["x"], hall["y"]]]), 5)[0], rng)


def cincinnati_ems(
    calls: pd.DataFrame, xy: Floats, spots: pd.DataFrame, quarters: gpd.GeoDataFrame, seed: int
) -> pd.DataFrame:
    """Write overdose calls as Cincinnati's EMS export does, all text; ``xy`` is where the call was placed, blurred."""
    rng = np.random.default_rng([seed, 12])
    n = len(calls)
    at = spots.iloc[calls["spot"].to_numpy()]
    lonlat = degrees(xy, 8)
    lost = rng.random(n) < 0.064
    table = pd.DataFrame(index=pd.RangeIndex(n), columns=list(CINCINNATI_COLUMNS), data="", dtype=object)
    table["ADDRESS_X"] = [short(s).removeprefix("INTERSECTION ").replace(" & ", "/").upper() for s in at["street"]]
    table["LATITUDE_X"] = np.where(lost, "NA", [f"{v:.8f}" for v in lonlat[:, 1]])
    table["LONGITUDE_X"] = np.where(lost, "NA", [f"{v:.8f}" for v in lonlat[:, 0]])
    table["AGENCY"] = "PEFD"
    opened = calls["opened"].reset_index(drop=True)
    table["CREATE_TIME_INCIDENT"] = opened.dt.strftime(_CLOCK)
    table["DISPOSITION_TEXT"] = _drawn(_DISPOSITIONS, n, rng)
    order = opened.groupby(opened.dt.normalize()).cumcount() + 1
    table["EVENT_NUMBER"] = "FPE" + opened.dt.strftime("%y%m%d") + (order * 17).astype(str).str.zfill(6)
    table["INCIDENT_TYPE_ID"], table["INCIDENT_TYPE_DESC"] = "HERONF", "HEROIN OD"
    quarter = quarters["name"].str.upper().to_numpy()[at["quarter"].to_numpy()]
    table["NEIGHBORHOOD"] = np.where(lost, "N/A", quarter)
    table["COMMUNITY_COUNCIL_NEIGHBORHOOD"] = table["NEIGHBORHOOD"]
    table["BEAT"] = [f"ST{k + 1:02d}" for k in at["quarter"] // 3]
    table["CFD_INCIDENT_TYPE"], table["CFD_INCIDENT_TYPE_GROUP"] = "ALS", "HEROIN OVERDOSE"
    waits = np.cumsum(rng.lognormal((3.2, 5.7, 7.4), (0.5, 0.4, 0.5), (n, 3)), axis=1).round()
    gone = table["DISPOSITION_TEXT"].str.contains("CANCEL|DUPLICATE").to_numpy()
    for k, column in enumerate(("DISPATCH_TIME_PRIMARY_UNIT", "ARRIVAL_TIME_PRIMARY_UNIT", "CLOSED_TIME_INCIDENT")):
        text = (opened + pd.to_timedelta(waits[:, k], unit="s")).dt.strftime(_CLOCK)
        table[column] = np.where(gone & (k < 2), "", text)
    return table


def _fill_fixed(table: pd.DataFrame) -> None:
    fixed = {
        "CASE_TITLE": "Needle Pickup", "SUBJECT": "Mayor's 24 Hour Hotline", "REASON": "Needle Program",
        "TYPE": "Needle Pickup", "QUEUE": "GEN_Needle_Pickup", "Department": "GEN_",
    }  # fmt: skip
    for column, text in fixed.items():
        table[column] = text


def _fill_times(table: pd.DataFrame, reports: pd.DataFrame, rng: np.random.Generator) -> None:
    opened, closed = reports["opened"].reset_index(drop=True), reports["closed"].reset_index(drop=True)
    target = opened + pd.Timedelta(days=1)
    table["OPEN_DT"] = opened.dt.strftime(_CLOCK)
    undue = (rng.random(len(table)) < 0.02) & closed.notna().to_numpy()
    table["TARGET_DT"] = np.where(undue, "", target.dt.strftime(_CLOCK))
    table["CLOSED_DT"] = closed.dt.strftime(_CLOCK).fillna("")
    late = closed.fillna(AS_OF) > target
    table["OnTime_Status"] = np.where(late & ~undue, "OVERDUE", "ONTIME")
    table["CASE_STATUS"] = np.where(closed.isna(), "Open", "Closed")
    reason = (
        "Case Closed. Closed date : "
        + closed.dt.strftime("%Y-%m-%d %H:%M:%S")
        + " "
        + _drawn(_OUTCOMES, len(table), rng)
    )
    table["CLOSURE_REASON"] = reason.where(closed.notna(), "")


def _fill_place(table: pd.DataFrame, at: pd.DataFrame, spot: NDArray[np.int64], quarters: gpd.GeoDataFrame) -> None:
    quarter = at["quarter"].to_numpy()
    corner = (at["kind"] == "Intersection").to_numpy()
    zips = ZIP_FIRST + quarter // 2
    where = np.where(corner, f"  {NAME}  XX", [f"  {NAME}  XX  {z:05d}" for z in zips])
    table["Location"] = at["label"].astype(object) + where
    table["LOCATION_STREET_NAME"] = np.where(corner, at["street"], at["label"])
    table["LOCATION_ZIPCODE"] = np.where(corner, "", [f"{z}.0" for z in zips])
    table["Property_Type"] = at["kind"].astype(object)
    table["Property_ID"] = [f"{1000 + k}.0" for k in spot]
    table["neighborhood"] = quarters["name"].to_numpy()[quarter]
    ward = quarter + 1
    table["ward"] = [f"Ward {w}" for w in ward]
    table["precinct"] = [f"{w}{1 + k % 6:02d}.0" for w, k in zip(ward, spot // 300, strict=True)]
    for column, step in (("fire_district", 3), ("city_council_district", 4), ("neighborhood_services_district", 2)):
        table[column] = [f"{q // step + 1}.0" for q in quarter]
    table["pwd_district"] = [f"{q // 3 + 1:02d}" for q in quarter]
    table["police_district"] = [f"P{q // 4 + 1}" for q in quarter]
    table["land_usage"] = np.where(at["place"] == "park", "E", np.where(at["busy"] == 1, "C", "R3"))
    lonlat = degrees(at[["x", "y"]].to_numpy(), 5)
    table["LATITUDE"], table["LONGITUDE"] = lonlat[:, 1].astype(str), lonlat[:, 0].astype(str)
    table["Geocoded_Location"] = [f"({lat}, {lon})" for lon, lat in lonlat]


def _with_faults(table: pd.DataFrame, hall: Floats, rng: np.random.Generator) -> pd.DataFrame:
    """Plant what real exports hold: lost and default coordinates, odd times, tests, a case that stands twice."""
    closed = np.flatnonzero(table["CASE_STATUS"] == "Closed")
    rows = rng.choice(closed[closed < len(table) - 800], 80, replace=False)
    missing, zero, unplaced = rows[:12], rows[12:18], rows[18 : 18 + _UNPLACED]
    backwards, impossible, tests, twice = rows[40:44], rows[44:47], rows[47 : 47 + _TESTS], rows[70:73]
    table.loc[missing, ["LATITUDE", "LONGITUDE", "Geocoded_Location"]] = ""
    table.loc[zero, ["LATITUDE", "LONGITUDE", "Geocoded_Location"]] = ["0.0", "0.0", "(0, 0)"]
    table.loc[unplaced, ["LATITUDE", "LONGITUDE"]] = [str(hall[1]), str(hall[0])]
    table.loc[unplaced, "Geocoded_Location"] = "(0, 0)"
    opening = table.loc[backwards, "OPEN_DT"].to_numpy()
    table.loc[backwards, "OPEN_DT"], table.loc[backwards, "CLOSED_DT"] = (
        table.loc[backwards, "CLOSED_DT"].to_numpy(),
        opening,
    )
    table.loc[impossible, "OPEN_DT"] = ["03/10/2024 02:17:00 AM", "03/09/2025 02:41:10 AM", "02/30/2025 10:05:00 AM"]
    when = pd.to_datetime(table.loc[tests, "OPEN_DT"], format=_CLOCK) + pd.Timedelta(minutes=4)
    table.loc[tests, "CLOSED_DT"] = when.dt.strftime(_CLOCK)
    table.loc[tests, "OnTime_Status"] = "ONTIME"
    stamp = when.dt.strftime("%Y-%m-%d %H:%M:%S")
    table.loc[tests, "CLOSURE_REASON"] = "Case Closed. Closed date : " + stamp + " Case Invalid Production TEST"
    table.loc[tests, "Location"] = f"1 City Hall Plz  {NAME}  XX  {ZIP_FIRST:05d}"
    table.loc[tests, ["LOCATION_STREET_NAME", "Property_Type", "Property_ID"]] = ["1 City Hall Plz", "Address", "1.0"]
    table.loc[tests, ["LATITUDE", "LONGITUDE"]] = [str(hall[1]), str(hall[0])]
    table.loc[tests, "Geocoded_Location"] = f"({hall[1]}, {hall[0]})"
    return pd.concat([table, table.loc[np.sort(twice)]], ignore_index=True)


def _drawn(choices: Sequence[tuple[str, float]], n: int, rng: np.random.Generator) -> Texts:
    texts, chance = zip(*choices, strict=True)
    p = np.array(chance)
    return np.array(texts, dtype=object)[rng.choice(len(texts), n, p=p / p.sum())]
