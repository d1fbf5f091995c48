"""Build the whole city: every file of ``data/``, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Point

from sweepplan.demo import addresses, feeds, intensity, overdoses, places, reports, streets, sweeps, writing
from sweepplan.demo.intensity import AS_OF, CELL_M, FADE_D, FADED_TO, RISE_D, START, Component, Intensity
from sweepplan.demo.network import Network
from sweepplan.demo.places import Places
from sweepplan.demo.plan import CRS, NAME, NOTE, TZ, TownPlan, town_plan
from sweepplan.errors import SettingsError

Progress = Callable[[str], None]


def folder() -> Path:
    """Return the checkout's ``data`` folder, which holds the made-up city.

    Raises
    ------
    SettingsError
        There is none beside the package: it is not a checkout, or the city was never built.
    """
    path = Path(__file__).resolve().parents[2] / "data"
    if not (path / "settings.toml").is_file():
        raise SettingsError(f"no made-up city in {path}: build it with: sweepplan demo build")
    return path


def build(folder: Path, *, seed: int = 7, progress: Progress | None = None) -> None:
    """Write the made-up city into ``folder``; the same seed writes the same bytes.

    Parameters
    ----------
    progress : called with what is being done.
    """
    say = progress or (lambda step: None)
    folder = Path(folder)
    say("planning the town")
    plan = town_plan(seed)
    say("laying streets")
    town = streets.town_streets(plan, seed)
    _write_area(folder, plan)
    _write_streets(folder, town)
    say("building places")
    quarters = addresses.neighborhoods(plan)
    spots = addresses.spots(town, plan, quarters, seed)
    found = places.town_places(town, plan, spots, quarters, seed)
    needles = intensity.needle_intensity(spots, found.sites, quarters, seed, offspring=reports.OFFSPRING)
    overdoses_truth = overdoses.overdose_intensity(needles, seed)
    kiosks = _write_places(folder, found, quarters, needles, seed)
    say("drawing reports")
    requests = reports.needle_reports(needles, seed)
    calls, xy = overdoses.overdose_calls(overdoses_truth, plan.land, seed)
    say("writing feeds")
    writing.write_csv(folder / "needle_requests.csv.gz", feeds.boston311(requests, spots, quarters, seed))
    writing.write_csv(folder / "overdose_calls.csv.gz", feeds.cincinnati_ems(calls, xy, spots, quarters, seed))
    writing.write_csv(folder / "sweep_log.csv.gz", sweeps.sweep_log(needles, found.swept, kiosks, requests, seed))
    say("writing the truth")
    _write_truth(folder / "truth", needles, overdoses_truth)
    _write_settings(folder, found)


def _write_area(folder: Path, plan: TownPlan) -> None:
    area = {"name": NAME, "note": NOTE, "crs": CRS, "tz": TZ, "boundary": "boundary.geojson"}
    writing.write_toml(folder / "area.toml", area)
    boundary = gpd.GeoDataFrame({"name": [NAME]}, geometry=[plan.land.simplify(2)], crs=CRS)
    writing.write_geojson(folder / "boundary.geojson", boundary)


def _write_streets(folder: Path, town: Network) -> None:
    for name, part in (("streets_drive", streets.drivable(town)), ("streets_walk", streets.walkable(town))):
        ids = writing.node_ids(part.xy, town)
        writing.write_graphml(folder / f"{name}.graphml.gz", part, node_ids=ids)


def _write_places(
    folder: Path, found: Places, quarters: gpd.GeoDataFrame, needles: Intensity, seed: int
) -> gpd.GeoDataFrame:
    fading = next(c for c in needles.components if c.kind == "fading")
    kiosks, ledger = places.kiosks(found, needles.spots, Point(fading.x, fading.y), seed)
    demand = pd.Series(np.sqrt(needles.background))
    writing.write_geojson(folder / "neighborhoods.geojson", quarters)
    writing.write_geojson(folder / "places.geojson", found.swept)
    writing.write_geojson(folder / "sites.geojson", found.sites)
    writing.write_geojson(folder / "kiosks.geojson", kiosks)
    writing.write_csv(folder / "kiosk_ledger.csv", ledger)
    writing.write_geojson(folder / "candidates.geojson", places.candidates(found, needles.spots, demand, seed))
    return kiosks


def _write_truth(folder: Path, needles: Intensity, overdoses_truth: Intensity) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"needle": needles.truth(reports.OFFSPRING), "overdose": overdoses_truth.truth(0.0)}
    table = pd.concat([table.assign(kind=kind) for kind, table in tables.items()], ignore_index=True)
    compact = {"component": "category", "quarter": "category", "kind": "category", "rate": "float32"}
    table.astype(compact).to_parquet(folder / "intensity.parquet", compression="zstd", index=False)
    planted = []
    for c in needles.components:
        if c.kind in ("drifting", "appearing", "fading"):
            lon, lat = writing.degrees(np.array([[c.x, c.y]]))[0]
            planted.append(("changes", _change(c, float(lat), float(lon))))
    about = {"as_of": str(AS_OF), "cell_m": CELL_M, "offspring": reports.OFFSPRING, "plane": CRS}
    writing.write_toml(folder / "truth.toml", about, planted)


def _change(c: Component, lat: float, lon: float) -> dict[str, object]:
    """Say what was planted: name, kind, centre, spread, share of a usual day's reports, and the change."""
    told = {
        "component": c.name,
        "kind": c.kind,
        "lat": lat,
        "lon": lon,
        "sigma_m": c.sigma_m,
        "share": round(c.weight, 4),
    }
    if c.kind == "drifting":
        return {**told, "from": str(START.date()), "drift_east_m": c.drift[0], "drift_north_m": c.drift[1]}
    if c.kind == "appearing":
        return {**told, "from": c.changes_on, "full_after_days": RISE_D}
    return {**told, "from": c.changes_on, "kiosk": "kiosk-11", "falls_to": FADED_TO, "e_folding_days": FADE_D}


def _write_settings(folder: Path, found: Places) -> None:
    depot = found.sites.loc[found.sites["kind"] == "depot"].geometry.to_numpy()
    lon, lat = writing.degrees(shapely.get_coordinates(depot))[0]
    settings = {
        "area": "area.toml",
        "incidents": "needle_requests.csv.gz",
        "feed": "boston311",
        "overdoses": "overdose_calls.csv.gz",
        "overdose_feed": "cincinnati-ems",
        "streets": "streets_drive.graphml.gz",
        "walk_streets": "streets_walk.graphml.gz",
        "candidates": "candidates.geojson",
        "kiosks": "kiosks.geojson",
        "kiosk_ledger": "kiosk_ledger.csv",
        "districts": "neighborhoods.geojson",
        "places": "places.geojson",
        "sites": "sites.geojson",
        "sweep_log": "sweep_log.csv.gz",
        "tz": TZ,
        "as_of": f"{AS_OF:%Y-%m-%d %H:%M}",
        "depot": [float(lat), float(lon)],
        "k": 5,
        "reach_m": 200,
        "seed": 7,
        "limit": "10s",
        "attribution": "Made-up streets",
    }
    shifts = (("A", "07:00-15:00"), ("B", "07:00-15:00"), ("C", "10:00-18:00"), ("D", "10:00-18:00"))
    changes = (("2025-03-17", "kiosk 11 put up"), ("2025-10-06", "late crews C and D"))
    tables = [("crews", {"name": name, "shift": shift}) for name, shift in shifts]
    tables += [("programme", {"day": day, "what": what}) for day, what in changes]
    writing.write_toml(folder / "settings.toml", settings, tables)
