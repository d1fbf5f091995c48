"""What the settings name, read and laid on one plane."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
from pyogrio.errors import DataSourceError

from sweepplan.bridge import Surroundings
from sweepplan.errors import SettingsError, SourceError, StreetsError
from sweepplan.geo import Area
from sweepplan.pipeline.progress import Progress, quiet
from sweepplan.pipeline.settings import Settings
from sweepplan.pipeline.stored import LAYERS, stored_pickups, stored_reports, stored_sites
from sweepplan.sources import Reading, load_mapping, read_file, read_log, read_places, read_sites
from sweepplan.streets import StreetNetwork, area_of, read_graph


@dataclass(frozen=True, eq=False)
class City:
    """All that was read: tables on one plane, streets, and what was rejected."""

    area: Area
    readings: tuple[Reading, ...]
    streets: StreetNetwork
    walk: StreetNetwork
    candidates: gpd.GeoDataFrame | None
    kiosks: gpd.GeoDataFrame | None
    parks: gpd.GeoDataFrame | None
    districts: gpd.GeoDataFrame | None
    ledger: pd.DataFrame | None
    around: Surroundings
    rejected_sites: pd.DataFrame

    @property
    def kind(self) -> str:
        """The kind of the reports that routes and kiosks answer to."""
        return str(self.readings[0].incidents["kind"].min())

    @property
    def reports(self) -> gpd.GeoDataFrame:
        """The reports that routes and kiosks answer to: of the main feed, of one kind."""
        return self.readings[0].of_kind(self.kind)

    @property
    def overdoses(self) -> gpd.GeoDataFrame:
        """All overdoses of all feeds, which naloxone boxes answer to."""
        return gpd.GeoDataFrame(pd.concat([reading.of_kind("overdose") for reading in self.readings]))


def load_city(settings: Settings, progress: Progress = quiet) -> City:
    """Read every file the settings name; each lies on the area's plane afterwards.

    Raises
    ------
    SourceError
        A file is not what it claims to be, or none of its rows is usable in this area.
    StreetsError
        The streets cannot be loaded, or do not reach the depot.
    """
    progress("loading streets", 0.0)
    if settings.streets is None:
        raise SettingsError("no streets: give a GraphML file of the drive network")
    graph = read_graph(settings.streets)
    area = (
        Area.load(settings.area)
        if settings.area
        else area_of(graph, tz=settings.tz, name=_name(settings), unit=settings.unit)
    )
    streets = StreetNetwork.from_graph(graph, area, "drive")
    walk_graph = read_graph(settings.walk_streets) if settings.walk_streets else graph
    walk = StreetNetwork.from_graph(walk_graph, area, "walk")
    progress("reading reports", 0.3)
    readings = read_reports(settings, area)
    progress("reading sites", 0.9)
    candidates, no_candidates = _sites(settings, area, "candidates")
    kiosks, no_kiosks = _sites(settings, area, "kiosks")
    ledger = read_log("kiosk-ledger", settings.kiosk_ledger, area, tz=settings.tz) if settings.kiosk_ledger else None
    if ledger is not None and kiosks is None:
        raise SettingsError("kiosk_ledger without kiosks: give the file of the kiosks as well")
    around, unused = read_surroundings(settings, area, streets)
    return City(
        area=area,
        readings=readings,
        streets=streets,
        walk=walk,
        candidates=candidates,
        kiosks=kiosks,
        parks=around.places,
        districts=_districts(settings.districts, area),
        ledger=None if ledger is None else ledger.table,
        around=around,
        rejected_sites=pd.concat(
            [no_candidates, no_kiosks, unused, *([] if ledger is None else [ledger.quarantine])], ignore_index=True
        ),
    )


def streets_without(
    settings: Settings, city: City, blocked: Collection[str]
) -> tuple[StreetNetwork, StreetNetwork | None]:
    """Return the streets of vans without those of these names, and, if a crew walks, those of people on foot.

    Raises
    ------
    StreetsError
        No street of vans bears a name.
    """
    walks = any(crew.mode == "walk" for crew in settings.crews)
    if not blocked or settings.streets is None:
        return city.streets, city.walk if walks else None
    streets = StreetNetwork.from_graph(read_graph(settings.streets), city.area, "drive", blocked=blocked)
    if not walks:
        return streets, None
    known = {part.casefold() for name in city.walk.edges["name"].unique() for part in str(name).split(" / ")}
    also = [name for name in blocked if " ".join(name.split()).casefold() in known]
    graph = read_graph(settings.walk_streets or settings.streets)
    return streets, StreetNetwork.from_graph(graph, city.area, "walk", blocked=also)


def read_reports(settings: Settings, area: Area | None = None) -> tuple[Reading, ...]:
    """Read the reports; without an ``area`` it is made around the first feed's own points.

    Raises
    ------
    SourceError, StreetsError
        No row of the main feed can be used.
    """
    readings = stored_reports(settings, area) if settings.database else _read_files(settings, area)
    main = readings[0]
    if main.incidents.empty:
        why = ", ".join(f"{reason}: {n}" for reason, n in main.rejected.items())
        outside = set(main.rejected) == {"outside the area"}
        raise (StreetsError if outside else SourceError)(
            f"{settings.reports_name}: none of {main.rows_in} rows can be used in {main.area.name} ({why}): "
            + ("give the streets of the same city" if outside else "see the file, feed and area")
        )
    return readings


def _read_files(settings: Settings, area: Area | None) -> tuple[Reading, ...]:
    given = [(settings.feed, settings.incidents), (settings.overdose_feed, settings.overdoses)]
    readings: list[Reading] = []
    mapping = load_mapping(settings.mapping) if settings.mapping else None
    for feed, path in given:
        if path is not None:
            columns = mapping if feed == "plain" else None
            readings.append(read_file(feed, path, area, tz=settings.tz, mapping=columns))
            area = readings[0].area
    return tuple(readings)


def read_surroundings(
    settings: Settings, area: Area, streets: StreetNetwork | None = None
) -> tuple[Surroundings, pd.DataFrame]:
    """Read what explains a hotspot: streets, where they are not read yet, sites, places, the sweep log.

    Returns
    -------
    What was read, and the rows set aside, columns ``tables.QUARANTINE``.
    """
    if streets is None and settings.streets is not None:
        streets = StreetNetwork.from_graph(read_graph(settings.streets), area, "drive")
    places, no_places = read_places(settings.places, area) if settings.places else (None, pd.DataFrame())
    sites, no_sites = read_sites(settings.sites, area) if settings.sites else (None, pd.DataFrame())
    log = read_log("sweep-log", settings.sweep_log, area, tz=settings.tz) if settings.sweep_log else None
    around = Surroundings(
        streets=None if streets is None else streets.streets(),
        sites=sites,
        places=places,
        pickups=stored_pickups(settings, area) if log is None else gpd.GeoDataFrame(log.table),
    )
    unused = [no_places, no_sites, *([] if log is None else [log.quarantine])]
    return around, pd.concat(unused, ignore_index=True)


def _sites(settings: Settings, area: Area, layer: str) -> tuple[gpd.GeoDataFrame | None, pd.DataFrame]:
    """Return a layer of sites from its file, else from the database; None where neither has it."""
    path: Path | None = getattr(settings, layer)
    kind, state = LAYERS[layer]
    if path is None:
        return stored_sites(settings, area, kind), pd.DataFrame()
    return read_sites(path, area, kind=kind, state=state)


def _districts(path: Path | None, area: Area) -> gpd.GeoDataFrame | None:
    """Read polygons with a name.

    Raises
    ------
    SourceError
        The file cannot be read, or has no column ``name``.
    """
    if path is None:
        return None
    try:
        table = gpd.read_file(path)
    except (OSError, DataSourceError) as error:
        raise SourceError(f"{path}: districts cannot be read: give GeoJSON or GeoPackage") from error
    if "name" not in table or table.crs is None:
        raise SourceError(f"{path}: districts need a column 'name' and a CRS: it has {', '.join(table.columns)}")
    return gpd.GeoDataFrame(table[["name", "geometry"]].astype({"name": "str"})).to_crs(area.crs)


def _name(settings: Settings) -> str:
    return settings.name or (settings.streets or Path(settings.reports_name)).name.split(".")[0].replace("_", " ")
