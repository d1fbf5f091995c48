"""Build the whole city: every file of ``data/``, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd

from sweepplan.demo import streets, writing
from sweepplan.demo.network import Network
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
    say("writing streets")
    _write_area(folder, plan)
    _write_streets(folder, town)


def _write_area(folder: Path, plan: TownPlan) -> None:
    area = {"name": NAME, "note": NOTE, "crs": CRS, "tz": TZ, "boundary": "boundary.geojson"}
    writing.write_toml(folder / "area.toml", area)
    boundary = gpd.GeoDataFrame({"name": [NAME]}, geometry=[plan.land.simplify(2)], crs=CRS)
    writing.write_geojson(folder / "boundary.geojson", boundary)


def _write_streets(folder: Path, town: Network) -> None:
    for name, part in (("streets_drive", streets.drivable(town)), ("streets_walk", streets.walkable(town))):
        ids = writing.node_ids(part.xy, town)
        writing.write_graphml(folder / f"{name}.graphml.gz", part, node_ids=ids)
