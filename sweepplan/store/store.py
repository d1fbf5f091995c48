"""The store: what a city keeps, in one database that several people use at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Engine, delete, func, insert, select, update

from sweepplan.errors import StoreError
from sweepplan.geo import Area
from sweepplan.model import Crew
from sweepplan.store import audit as chain
from sweepplan.store import portable, schema
from sweepplan.store.engine import connect, migrate, one_line, reading, writing
from sweepplan.store.rows import add, merge, micros, moments, table_of, tuples
from sweepplan.store.sessions import Sessions
from sweepplan.tables import INCIDENTS, PICKUPS, PLACES, QUARANTINE, SITES

ROLES = ("lead", "crew", "analyst", "planner", "partner", "public", "admin")
SITE_STATES = ("installed", "full", "serviced", "broken", "removed")


@dataclass(frozen=True)
class ImportResult:
    """What an import did to the incidents; ``repeated``: this very file was imported before, and nothing was done."""

    import_id: int
    new: int
    changed: int
    unchanged: int
    repeated: bool = False


@dataclass(frozen=True, eq=False)
class PlanVersion:
    """One version of a plan: ``body`` holds the problem's inputs and the decisions; it never changes."""

    plan_id: str
    version: int
    state: str
    by: str
    at: pd.Timestamp
    body: Mapping[str, Any]


class Store:
    """An open database; close it, or use it in a ``with``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.sessions = Sessions(engine)

    @classmethod
    def open(cls, url: str | Path) -> Store:
        """Open a database, made or brought up to date where needed.

        Parameters
        ----------
        url : a path (SQLite), ``sqlite:///PATH`` or ``postgresql://HOST/NAME``.

        Raises
        ------
        StoreError
            Unreachable, read-only, locked, not ours, or of a newer version.
        """
        engine = connect(url)
        try:
            with one_line(str(engine.url)):
                migrate(engine)
        except StoreError:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def imported(self, feed: str, sha256: str) -> ImportResult | None:
        """Return what importing this file again would do (nothing), or None where it is new: ask before parsing it."""
        query = select(schema.imports.c.id, schema.imports.c.kept).where(
            schema.imports.c.feed == feed, schema.imports.c.sha256 == sha256
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else ImportResult(row.id, 0, 0, row.kept, repeated=True)

    def import_reading(
        self,
        feed: str,
        incidents: gpd.GeoDataFrame,
        quarantine: pd.DataFrame,
        *,
        file_name: str,
        sha256: str,
        rows_in: int,
        at: pd.Timestamp,
        merged: int = 0,
    ) -> ImportResult:
        """Keep what was read from a file: all of it or, where anything fails, nothing.

        An incident known already (by source and id) takes the new values; the same file again changes nothing.

        Parameters
        ----------
        quarantine : columns ``tables.QUARANTINE``.
        merged : how many rows of the quarantine were merged into a kept one.
        """
        known = self.imported(feed, sha256)
        if known is not None:
            return known
        INCIDENTS.check(incidents)
        facts = {"feed": feed, "file_name": file_name, "sha256": sha256, "rows_in": rows_in, "at": micros(at)}
        facts |= {"kept": len(incidents), "merged": merged, "rejected": len(quarantine) - merged}
        names = ("source", "incident_id", *(n for n in INCIDENTS.columns if n != "source"), "lon", "lat")
        rows = tuples(incidents, INCIDENTS, names)
        kept = schema.incidents
        with writing(self._engine) as connection:
            added = connection.execute(insert(schema.imports).values(**facts))
            number = int(added.inserted_primary_key[0])  # type: ignore[index]
            new = merge(connection, kept, (*names, "import_id"), [(*row, number) for row in rows])
            touched = connection.execute(select(func.count()).where(kept.c.import_id == number)).scalar_one()
            aside = quarantine[list(QUARANTINE)].astype(object).where(quarantine[list(QUARANTINE)].notna(), None)
            listed = [(number, int(line), *rest, "open") for line, *rest in aside.itertuples(index=False)]
            add(connection, schema.quarantine, ("import_id", *QUARANTINE, "state"), listed)
        return ImportResult(number, new, touched - new, len(rows) - touched)

    def imports(self) -> pd.DataFrame:
        """Return all imports, oldest first."""
        return self._frame(select(schema.imports).order_by(schema.imports.c.id), "at")

    def incidents(
        self,
        area: Area,
        *,
        since: pd.Timestamp | None = None,
        until: pd.Timestamp | None = None,
        kind: str | None = None,
        source: str | None = None,
    ) -> gpd.GeoDataFrame:
        """Return INCIDENTS on the area's plane, by time, then id; ``since <= reported_at < until``.

        An id that two sources use stands as ``source/id``.
        """
        c = schema.incidents.c
        names = [column.name for column in c if column.name != "import_id"]
        query = select(*(c[name] for name in names)).order_by(c.reported_at, c.incident_id, c.source)
        if since is not None:
            query = query.where(c.reported_at >= micros(since))
        if until is not None:
            query = query.where(c.reported_at < micros(until))
        if kind is not None:
            query = query.where(c.kind == kind)
        if source is not None:
            query = query.where(c.source == source)
        rows = self._rows(query)
        ids = pd.Series([row[1] for row in rows], dtype="str")
        if ids.duplicated().any():
            twice = ids.duplicated(keep=False)
            rows = [
                (row[0], f"{row[0]}/{row[1]}" if t else row[1], *row[2:]) for row, t in zip(rows, twice, strict=True)
            ]
        return table_of(rows, names, INCIDENTS, area.crs)

    def quarantine(self, *, state: str | None = "open") -> pd.DataFrame:
        """Return rows set aside: id, import, ``tables.QUARANTINE``, ``state`` {open, released}; None: all."""
        query = select(schema.quarantine).order_by(schema.quarantine.c.id)
        return self._frame(query if state is None else query.where(schema.quarantine.c.state == state))

    def release(self, ids: Iterable[int]) -> int:
        """Mark rows of the quarantine as dealt with, and return how many were open."""
        c = schema.quarantine.c
        with writing(self._engine) as connection:
            query = update(schema.quarantine).where(c.id.in_([int(i) for i in ids]), c.state == "open")
            return int(connection.execute(query.values(state="released")).rowcount)

    def add_pickups(self, pickups: gpd.GeoDataFrame) -> int:
        """Keep PICKUPS and return how many are new: an id that is known counts once, however often it is sent."""
        names = (PICKUPS.index, *PICKUPS.columns, "lon", "lat")
        rows = tuples(PICKUPS.check(pickups), PICKUPS, names)
        with writing(self._engine) as connection:
            return merge(connection, schema.pickups, names, rows, update=False)

    def pickups(
        self, area: Area, *, since: pd.Timestamp | None = None, until: pd.Timestamp | None = None
    ) -> gpd.GeoDataFrame:
        """Return PICKUPS on the area's plane, by time; ``since <= at < until``."""
        c = schema.pickups.c
        query = select(schema.pickups).order_by(c.at, c.pickup_id)
        if since is not None:
            query = query.where(c.at >= micros(since))
        if until is not None:
            query = query.where(c.at < micros(until))
        return table_of(self._rows(query), list(c.keys()), PICKUPS, area.crs)

    def put_sites(self, sites: gpd.GeoDataFrame, *, at: pd.Timestamp) -> int:
        """Keep SITES, their state as of ``at`` where it is another than before, and return how many are new."""
        names = ("site_id", "name", "kind", "lon", "lat")
        rows = tuples(SITES.check(sites), SITES, names)
        with writing(self._engine) as connection:
            new = merge(connection, schema.sites, names, rows)
            latest = connection.execute(select(schema.site_states).order_by(schema.site_states.c.at)).mappings()
            known = {row["site_id"]: row["state"] for row in latest if row["at"] <= micros(at)}
            changed = [(s, state, micros(at)) for s, state in sites["state"].items() if known.get(str(s)) != state]
            add(connection, schema.site_states, ("site_id", "state", "at"), changed)
        return new

    def set_site_state(self, site_id: str, state: str, *, at: pd.Timestamp) -> None:
        """Note that a kiosk was installed, found full, serviced, broken or removed."""
        if state not in SITE_STATES:
            raise StoreError(f"site {site_id!r}: state {state!r}: one of {', '.join(SITE_STATES)}")
        with writing(self._engine) as connection:
            if connection.execute(select(schema.sites).where(schema.sites.c.site_id == site_id)).first() is None:
                raise StoreError(f"no site {site_id!r}: put it first")
            connection.execute(insert(schema.site_states).values(site_id=site_id, state=state, at=micros(at)))

    def site_states(self, site_id: str) -> pd.DataFrame:
        """Return the life of a site: ``state`` and ``at``, oldest first."""
        c = schema.site_states.c
        return self._frame(select(c.state, c.at).where(c.site_id == site_id).order_by(c.at, c.id), "at")

    def sites(self, area: Area, *, as_of: pd.Timestamp | None = None) -> gpd.GeoDataFrame:
        """Return SITES in the state they were in before ``as_of``; a site not yet there is left out."""
        c, s = schema.site_states.c, schema.sites.c
        query = select(s.site_id, s.name, s.kind, s.lon, s.lat, c.state).join_from(schema.sites, schema.site_states)
        if as_of is not None:
            query = query.where(c.at < micros(as_of))
        last = {row[0]: tuple(row) for row in self._rows(query.order_by(s.site_id, c.at, c.id))}
        names = ("site_id", "name", "kind", "lon", "lat", "state")
        return table_of(list(last.values()), names, SITES, area.crs)

    def put_places(self, places: gpd.GeoDataFrame) -> int:
        """Keep PLACES, and return how many are new."""
        names = (PLACES.index, *PLACES.columns, "wkt")
        rows = tuples(PLACES.check(places), PLACES, names)
        with writing(self._engine) as connection:
            return merge(connection, schema.places, names, rows)

    def places(self, area: Area) -> gpd.GeoDataFrame:
        """Return PLACES on the area's plane, by id."""
        rows = self._rows(select(schema.places).order_by(schema.places.c.place_id))
        return table_of(rows, list(schema.places.c.keys()), PLACES, area.crs, wkt=True)

    def put_crews(self, crews: Sequence[Crew]) -> None:
        """Make these the crews, each with its shift, in place of all before."""
        with writing(self._engine) as connection:
            connection.execute(delete(schema.shifts))
            connection.execute(delete(schema.crews))
            add(connection, schema.crews, ("crew",), [(crew.name,) for crew in crews])
            shifts = [(crew.name, crew.start.isoformat(), crew.end.isoformat()) for crew in crews]
            add(connection, schema.shifts, ("crew", "start", "end"), shifts)

    def crews(self) -> tuple[Crew, ...]:
        """Return the crews, by name."""
        rows = self._rows(select(schema.shifts).order_by(schema.shifts.c.crew, schema.shifts.c.start))
        return tuple(Crew(name, time.fromisoformat(start), time.fromisoformat(end)) for name, start, end in rows)

    def save_plan(self, plan_id: str, body: Mapping[str, Any], *, by: str, at: pd.Timestamp) -> int:
        """Keep a plan as a new draft, and return its version, from 1; ``body`` is JSON."""
        c = schema.plans.c
        with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE plans IN EXCLUSIVE MODE")
            last = connection.execute(select(func.max(c.version)).where(c.plan_id == plan_id)).scalar_one()
            version = int(last or 0) + 1
            text = json.dumps(body, sort_keys=True, allow_nan=False)
            row = {"plan_id": plan_id, "version": version, "state": "draft", "by": by, "at": micros(at), "body": text}
            connection.execute(insert(schema.plans).values(**row))
        return version

    def publish_plan(self, plan_id: str, version: int) -> None:
        """Make a draft the published version; one published before stays so, the newest counts."""
        c = schema.plans.c
        with writing(self._engine) as connection:
            query = update(schema.plans).where(c.plan_id == plan_id, c.version == version).values(state="published")
            if not connection.execute(query).rowcount:
                raise StoreError(f"no version {version} of plan {plan_id!r}: save it first")

    def plan(self, plan_id: str, *, version: int | None = None) -> PlanVersion:
        """Return a version of a plan; None: the newest published."""
        c = schema.plans.c
        query = select(schema.plans).where(c.plan_id == plan_id).order_by(c.version.desc())
        rows = self._rows(query.where(c.state == "published" if version is None else c.version == version))
        if not rows:
            raise StoreError(f"no {f'version {version}' if version else 'published version'} of plan {plan_id!r}")
        name, number, state, by, at, body = rows[0]
        return PlanVersion(name, number, state, by, moments([at])[0], json.loads(body))

    def plans(self) -> pd.DataFrame:
        """Return all versions of all plans, without their bodies."""
        c = schema.plans.c
        return self._frame(select(c.plan_id, c.version, c.state, c.by, c.at).order_by(c.plan_id, c.version), "at")

    def put_account(self, account_id: str, name: str, roles: Iterable[str], *, at: pd.Timestamp) -> None:
        """Keep an account, its roles in place of those before."""
        wanted = sorted(set(roles))
        odd = [role for role in wanted if role not in ROLES]
        if odd:
            raise StoreError(f"account {account_id!r}: role {odd[0]!r}: one of {', '.join(ROLES)}")
        with writing(self._engine) as connection:
            c = schema.accounts.c
            if not connection.execute(
                update(schema.accounts).where(c.account_id == account_id).values(name=name)
            ).rowcount:
                row = {"account_id": account_id, "name": name, "created_at": micros(at)}
                connection.execute(insert(schema.accounts).values(**row))
            connection.execute(delete(schema.roles).where(schema.roles.c.account_id == account_id))
            add(connection, schema.roles, ("account_id", "role"), [(account_id, role) for role in wanted])

    def roles(self, account_id: str) -> frozenset[str]:
        """Return the roles of an account; none where nobody knows it."""
        return frozenset(row[0] for row in self._rows(select(schema.roles.c.role).filter_by(account_id=account_id)))

    def accounts(self) -> pd.DataFrame:
        """Return all accounts, by id."""
        return self._frame(select(schema.accounts).order_by(schema.accounts.c.account_id), "created_at")

    def note(self, who: str, what: str, *, at: pd.Timestamp, policy: str = "", rows: int = 0) -> int:
        """Add to the audit who saw, exported or changed what, and under which policy; return the row's number."""
        with writing(self._engine) as connection:
            return chain.append(connection, at=micros(at), who=who, what=what, policy=policy, rows=rows)

    def audit(self) -> pd.DataFrame:
        """Return the audit, oldest first."""
        return self._frame(select(schema.audit).order_by(schema.audit.c.seq), "at")

    def verify_audit(self) -> int | None:
        """Return the number of the first audit row that was changed, removed, put in or moved; None: all are whole."""
        with reading(self._engine) as connection:
            return chain.first_broken(connection)

    def backup(self, path: str | Path) -> dict[str, int]:
        """Write a copy of everything, as of one moment, and return the rows by table; either database takes it back."""
        with reading(self._engine) as connection:
            return portable.write(connection, Path(path))

    def restore(self, path: str | Path) -> dict[str, int]:
        """Fill this database, which must be empty, from a copy, and return the rows by table."""
        with writing(self._engine) as connection:
            return portable.read(connection, Path(path))

    def _rows(self, query: Any) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(query).all())

    def _frame(self, query: Any, *times: str) -> pd.DataFrame:
        with reading(self._engine) as connection:
            result = connection.execute(query)
            frame = pd.DataFrame(result.all(), columns=list(result.keys()))
        return frame.assign(**{name: moments(frame[name]) for name in times})
