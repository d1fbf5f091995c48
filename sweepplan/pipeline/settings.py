"""All that a run depends on, from a file or a command line."""

from __future__ import annotations

import dataclasses
import hashlib
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sweepplan.bridge import NALOXONE_M, KioskRules, SweepRules
from sweepplan.errors import SettingsError
from sweepplan.model import Crew, Limit
from sweepplan.pipeline.crews import crew_of
from sweepplan.pipeline.tiles import Tiles

_PATHS = (
    "area",
    "incidents",
    "overdoses",
    "streets",
    "walk_streets",
    "candidates",
    "kiosks",
    "places",
    "sites",
    "sweep_log",
    "kiosk_ledger",
    "districts",
)


@dataclass(frozen=True)
class Change:
    """A dated change of the programme, marked where reports are drawn over time: a day, and what came or went."""

    day: date
    what: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Change:
        """Return what one table of ``[[programme]]`` says.

        Raises
        ------
        SettingsError
            No day as 2026-03-02, or no words.

        Examples
        --------
        >>> Change.of({"day": "2026-03-02", "what": "night crew"}).day
        datetime.date(2026, 3, 2)
        """
        day, what = given.get("day"), str(given.get("what", "")).strip()
        with suppress(ValueError):
            if what and set(given) == {"day", "what"}:
                return cls(date.fromisoformat(str(day)), what)
        raise SettingsError(f'programme {dict(given)}: give day = "2026-03-02" and what = "night crew"')


@dataclass(frozen=True)
class Settings:
    """All that a run depends on.

    Attributes
    ----------
    incidents, feed : reports and the name of their feed (``sweepplan read --list``).
    database : path or URL; reports, kiosks, candidates and the sweep log are its own where no file is named for them.
    streets, walk_streets : GraphML; without the second, kiosks walk on the first.
    tz : the city's clock, e.g. ``America/New_York``.
    as_of : a moment on that clock; nothing reported from it on is used.
    depot : latitude, longitude in degrees; of every crew that has none of its own.
    sites : schools, playgrounds and other points of the city; each hotspot says which is nearest.
    kiosk_ledger : states of the installed kiosks; those due for service are stops of the sweep, those removed or broken
        serve nobody.
    districts : polygons with ``name``, for ``per_district`` of ``kiosk_rules`` and the ``zones`` of crews.
    sweep_log : what crews found; each hotspot says when it was last swept.
    boxes : what the kiosk plan sites: ``sharps``, by the main feed, beside ``kiosks``; or ``naloxone``, by all
        overdoses read, beside the ``sites`` of kind naloxone.
    k, reach_m : new kiosks, and how far one may walk to them, metres; they win over those of ``kiosk_rules``. Where
        ``boxes`` is naloxone, 240 m if not given with it.
    limit : of the sweep solver.
    min_count : smallest count that is shown.
    clusters : how reports are gathered into hotspots, ``dbscan`` or ``hdbscan``.
    programme : changes of the programme, marked where reports are drawn over time.
    unit : in which distances are shown, ``m`` or ``mi``, where there is no ``area`` that says it.
    attribution : whose streets they are, as every map says.
    map : online tiles that the app offers under its maps; none if not given, and none shown until switched on.
    """

    tz: str
    as_of: str
    incidents: Path | None = None
    feed: str = "plain"
    database: str = ""
    streets: Path | None = None
    depot: tuple[float, float] | None = None
    crews: tuple[Crew, ...] = tuple(Crew(name) for name in "ABCD")
    area: Path | None = None
    name: str = ""
    unit: str = "m"
    overdoses: Path | None = None
    overdose_feed: str = "cincinnati-ems"
    walk_streets: Path | None = None
    candidates: Path | None = None
    kiosks: Path | None = None
    places: Path | None = None
    sites: Path | None = None
    sweep_log: Path | None = None
    kiosk_ledger: Path | None = None
    districts: Path | None = None
    mapping: Path | None = None
    boxes: str = "sharps"
    k: int = 5
    reach_m: float = 200.0
    seed: int = 7
    limit: Limit = field(default_factory=lambda: Limit(seconds=10))
    min_count: int = 11
    clusters: str = "dbscan"
    programme: tuple[Change, ...] = ()
    attribution: str = "Streets © OpenStreetMap contributors"
    map: Tiles | None = None
    rules: SweepRules = field(default_factory=SweepRules)
    kiosk_rules: KioskRules = field(default_factory=KioskRules)

    def __post_init__(self) -> None:
        if (self.incidents is None) == (not self.database):
            raise SettingsError("give incidents, a file of reports with its feed, or a database, and not both")
        if self.database and (self.mapping or self.overdoses):
            raise SettingsError("a database holds its own overdoses, and no mapping fits it: give neither")
        lat, lon = self.depot or (0.0, 0.0)
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            raise SettingsError(f"depot {lat:g}, {lon:g}: give latitude, longitude in degrees, e.g. 42.3420,-71.0760")
        if self.boxes not in ("sharps", "naloxone"):
            raise SettingsError(f"boxes {self.boxes!r}: give 'sharps' or 'naloxone'")
        if not 0 < self.reach_m < float("inf"):
            raise SettingsError(f"reach_m {self.reach_m:g}: give metres, more than 0")
        if self.k < 0:
            raise SettingsError(f"k = {self.k}: give 0 or more kiosks")
        if not 1 <= len(self.crews) <= 10:
            raise SettingsError(f"{len(self.crews)} crews: give 1 to 10")
        names = [crew.name for crew in self.crews]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SettingsError(f"crew {twice!r} stands twice: give each crew its own name")
        zoned = [crew.name for crew in self.crews if crew.zones]
        if zoned and self.districts is None:
            raise SettingsError(f"crew {zoned[0]!r} has zones: give districts, the file of polygons they name")

    @classmethod
    def load(cls, path: str | Path, **changes: Any) -> Settings:
        """Read ``settings.toml``; files are looked for beside it. ``changes`` win over what the file says.

        Raises
        ------
        SettingsError
            The file cannot be read, misses a setting, or names an unknown one.
        """
        path = Path(path)
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not TOML: {error}") from error
        for name in (*_PATHS, "mapping"):
            if name in given:
                given[name] = path.parent / given[name]
        return cls.of({**given, **_reaching(changes)}, where=str(path))

    @classmethod
    def of(cls, given: Mapping[str, Any], *, where: str = "settings") -> Settings:
        """Make settings from plain values, as TOML or a command line holds them."""
        values = _reaching(given)
        known = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SettingsError(f"{where}: unknown setting {unknown[0]!r}: one of {', '.join(sorted(known))}")
        needed = [n for n, f in known.items() if f.default is f.default_factory is dataclasses.MISSING]
        missing = [name for name in needed if values.get(name) is None]
        if missing:
            raise SettingsError(f"{where}: no {', '.join(missing)}: each is needed")
        for name in (*_PATHS, "mapping"):
            if values.get(name) is not None:
                values[name] = Path(values[name])
        try:
            return cls(**_typed(values))
        except (TypeError, ValueError, KeyError) as error:
            raise error if isinstance(error, SettingsError) else SettingsError(f"{where}: {error}") from error

    @property
    def reports_name(self) -> str:
        """What the reports are called: their file's name, or the database's, without its folder, host or password."""
        return self.incidents.name if self.incidents else self.database.rpartition("/")[2].partition("?")[0]

    def files(self) -> dict[str, Path]:
        """Return every input file by the setting that names it."""
        named = {name: getattr(self, name) for name in (*_PATHS, "mapping")}
        return {name: path for name, path in named.items() if path is not None}


def _reaching(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the reach of naloxone boxes, where those are asked for and no reach is."""
    return ({"reach_m": NALOXONE_M} if given.get("boxes") == "naloxone" else {}) | dict(given)


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    if isinstance(values.get("limit"), str):
        values["limit"] = Limit.parse(values["limit"])
    if values.get("depot") is not None:
        lat, lon = values["depot"]
        values["depot"] = (float(lat), float(lon))
    if "crews" in values:
        values["crews"] = tuple(crew if isinstance(crew, Crew) else crew_of(crew) for crew in values["crews"])
    if "programme" in values:
        values["programme"] = tuple(
            each if isinstance(each, Change) else Change.of(each) for each in values["programme"]
        )
    if isinstance(values.get("map"), Mapping):
        values["map"] = Tiles.of(values["map"])
    if isinstance(values.get("rules"), Mapping):
        values["rules"] = SweepRules.of(values["rules"])
    if isinstance(values.get("kiosk_rules"), Mapping):
        values["kiosk_rules"] = _kiosk_rules(values["kiosk_rules"])
    return values


def _kiosk_rules(given: Mapping[str, Any]) -> KioskRules:
    """Return the rules a ``[kiosk_rules]`` table says; its ``cost`` is a table of ids or kinds."""
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if "forbidden_areas" in plain:
        plain["forbidden_areas"] = tuple(
            tuple((float(lat), float(lon)) for lat, lon in ring) for ring in plain["forbidden_areas"]
        )
    if isinstance(plain.get("cost"), Mapping):
        plain["cost"] = tuple(plain["cost"].items())
    return KioskRules(**plain)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
