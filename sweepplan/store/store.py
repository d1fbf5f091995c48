"""The store: what a city keeps, in one database that several people use at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from sweepplan.store import imports, portable, schema
from sweepplan.store.engine import PATIENT_MS, clear, connect, migrate, one_line, reading, upgrade, writing
from sweepplan.store.imports import FileRead, ImportResult
from sweepplan.store.rows import add, merge, micros, moments, table_of, tuples
from sweepplan.store.sessions import Sessions
from sweepplan.tables import INCIDENTS, KIOSK_STATES, PICKUPS, PLACES, QUARANTINE, SITES

ROLES = ("lead", "crew", "analyst", "planner", "partner", "public", "admin")
SITE_STATES = tuple(sorted(KIOSK_STATES["state"].choices))


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
    def open(cls, url: str | Path, *, new: bool = True) -> Store:
        """Open a database, made or brought up to date where needed.

        Parameters
        ----------
        url : a path (SQLite), ``sqlite:///PATH`` or ``postgresql://HOST/NAME``.
        new : make it where there is none.

        Raises
        ------
        StoreError
            Unreachable, read-only, locked, not ours, of a newer version, or none though it may not be ``new``.
        """
        engine = connect(url)
        try:
            file = engine.url.database
            if not new and engine.dialect.name == "sqlite" and not (file and Path(file).exists()):
                raise StoreError(f"{file}: no database there: import into it first, or give another --database")
            with one_line(str(engine.url)):
                migrate(engine, new=new)
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

    def imported(self, feed: str, sha256: str, settings: str = "") -> ImportResult | None:
        """Return what importing this file again would do (nothing), or None where it is new: ask before parsing it."""
        with reading(self._engine) as connection:
            return imports.repeated(connection, feed, sha256, settings)

    def import_table(
        self,
        table: pd.DataFrame,
        quarantine: pd.DataFrame,
        read: FileRead,
        *,
        at: pd.Timestamp,
        by: str,
        progress: Callable[[float], None] = lambda _: None,
    ) -> ImportResult:
        """Keep what was read from a file: all of it or, where anything fails, nothing.

        An incident or site known already takes the new values; the same file again changes nothing. Where the file was
        imported under other ``settings``, its quarantine is replaced; what it kept then and does not now stays.

        Parameters
        ----------
        table : ``INCIDENTS``, ``PICKUPS``, ``SITES``, or the states of a kiosk ledger (``KIOSK_STATES``).
        quarantine : columns ``tables.QUARANTINE``.
        by : who imports, for the audit.
        progress : told the share that is done, 0 to 1.
        """
        with writing(self._engine, waits_ms=PATIENT_MS) as connection:
            return imports.take(connection, table, quarantine, read, at=micros(at), by=by, told=progress)

    def imports(self) -> pd.DataFrame:
        """Return all imports, oldest first; ``summary`` is what reading the file said."""
        frame = self._frame(select(schema.imports).order_by(schema.imports.c.id), "at")
        return frame.assign(summary=[json.loads(text) for text in frame["summary"]])

    def rejected(self) -> dict[int, dict[str, int]]:
        """Return by the id of each import how many rows of its quarantine bear which reason, most first."""
        c = schema.quarantine.c
        query = select(c.import_id, c.reason, func.count()).group_by(c.import_id, c.reason)
        found: dict[int, dict[str, int]] = {}
        for number, reason, n in self._rows(query.order_by(func.count().desc(), c.reason)):
            found.setdefault(number, {})[reason] = n
        return found

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

    def quarantine(
        self, *, state: str | None = "open", reason: str | None = None, most: int | None = None
    ) -> pd.DataFrame:
        """Return rows set aside: id, import, its ``file_name``, ``tables.QUARANTINE``, ``state`` {open, released}.

        Parameters
        ----------
        state, reason : only those; None: all.
        most : only the first so many.
        """
        c, files = schema.quarantine.c, schema.imports.c
        query = select(c.id, c.import_id, files.file_name, *(c[name] for name in QUARANTINE), c.state)
        query = query.join_from(schema.quarantine, schema.imports).order_by(c.id).limit(most)
        query = query if state is None else query.where(c.state == state)
        return self._frame(query if reason is None else query.where(c.reason == reason))

    def release(self, ids: Iterable[int], *, at: pd.Timestamp, by: str) -> int:
        """Mark rows of the quarantine as dealt with, note it in the audit, and return how many were open."""
        wanted = sorted({int(i) for i in ids})
        c, n = schema.quarantine.c, 0
        with writing(self._engine) as connection:
            for start in range(0, len(wanted), 10_000):
                query = update(schema.quarantine).where(c.id.in_(wanted[start : start + 10_000]), c.state == "open")
                n += int(connection.execute(query.values(state="released")).rowcount)
            if n:
                chain.append(connection, at=micros(at), who=by, what="release from quarantine", policy="", rows=n)
        return n

    def add_pickups(self, pickups: gpd.GeoDataFrame) -> int:
        """Keep PICKUPS and return how many are new: an id that is known counts once, however often it is sent."""
        with writing(self._engine) as connection:
            return imports.add_pickups(connection, pickups)[0]

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

    def take_back_pickups(self, ids: Sequence[str]) -> int:
        """Forget PICKUPS that were entered by mistake, and return how many; an id that is not there is no error."""
        with writing(self._engine) as connection:
            return connection.execute(delete(schema.pickups).where(schema.pickups.c.pickup_id.in_(ids))).rowcount

    def pickups_mark(self, until: pd.Timestamp) -> tuple[int, int]:
        """Return two figures that change whenever a PICKUP before ``until`` comes, goes or has another count."""
        c = schema.pickups.c
        by_second = c.needles * (c.at // 1_000_000 % 1_000_003)
        query = select(func.count(), func.sum(by_second)).where(c.at < micros(until))
        n, total = self._rows(query)[0]
        return int(n), round(8 * float(total or 0))

    def put_sites(self, sites: gpd.GeoDataFrame, *, at: pd.Timestamp) -> int:
        """Keep SITES, their state as of ``at`` where it is another than before, and return how many are new."""
        with writing(self._engine) as connection:
            return imports.put_sites(connection, sites, micros(at))[0]

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
        """Keep PLACES but for what a forecast says of them, and return how many are new."""
        names = (PLACES.index, *(name for name, c in PLACES.columns.items() if not c.optional), "wkt")
        rows = tuples(PLACES.check(places), PLACES, names)
        with writing(self._engine) as connection:
            return merge(connection, schema.places, names, rows)[0]

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

    def add_alerts(self, told: Mapping[str, Any], *, as_of: pd.Timestamp) -> int:
        """Keep the alerts of a moment, and return how many are new; told again, the newer words count.

        Parameters
        ----------
        told : what was said (:func:`sweepplan.report.alert_summary`): ``kind``, ``method``, ``threshold``,
            ``per_30_days``, and ``alerts``: ``episode``, ``place``, ``message``, ``days``, ``n``, ``expected`` of each.
        """
        names = [column.name for column in schema.alerts.c]
        common = {name: told[name] for name in ("kind", "method", "threshold", "per_30_days")}
        rows = [{**common, **alert, "as_of": micros(as_of)} for alert in told["alerts"]]
        with writing(self._engine) as connection:
            return merge(connection, schema.alerts, names, [tuple(row[name] for name in names) for row in rows])[0]

    def alerts(self) -> pd.DataFrame:
        """Return all alerts that were kept, oldest first."""
        c = schema.alerts.c
        return self._frame(select(schema.alerts).order_by(c.as_of, c.episode), "as_of")

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

    def audit(self, *, last: int | None = None) -> pd.DataFrame:
        """Return the audit, oldest first; or its ``last`` rows."""
        return self._frame(select(schema.audit).order_by(schema.audit.c.seq.desc()).limit(last), "at")[::-1]

    def verify_audit(self) -> int | None:
        """Return the number of the first audit row that was changed, removed, put in or moved; None: all are whole."""
        with reading(self._engine) as connection:
            return chain.first_broken(connection)

    def backup(self, path: str | Path, *, at: pd.Timestamp, by: str) -> dict[str, int]:
        """Note it in the audit, write a copy of everything as of one moment, and return the rows by table.

        Either database takes it back.
        """
        self.note(by, f"backup to {Path(path).name}", at=at, policy="all")
        with reading(self._engine) as connection:
            return portable.write(connection, Path(path))

    @staticmethod
    def look(path: str | Path) -> dict[str, int]:
        """Return the rows by table that a copy says it holds; raise StoreError where it is none."""
        return portable.look(Path(path))

    def restore(self, path: str | Path, *, at: pd.Timestamp, by: str, replace: bool = False) -> dict[str, int]:
        """Fill this database from a copy, note it in the audit, and return the rows by table.

        Parameters
        ----------
        replace : what the database holds makes way, its audit too; else it must be empty.
        """
        with writing(self._engine, waits_ms=PATIENT_MS) as connection:
            held = portable.empty(connection) is not None
            if replace:
                clear(connection)
                upgrade(connection)
            rows = portable.read(connection, Path(path))
            what = f"restore from {Path(path).name}{', in place of what was there' if held else ''}"
            chain.append(connection, at=micros(at), who=by, what=what, policy="all", rows=sum(rows.values()))
        return rows

    def _rows(self, query: Any) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(query).all())

    def _frame(self, query: Any, *times: str) -> pd.DataFrame:
        with reading(self._engine) as connection:
            result = connection.execute(query)
            frame = pd.DataFrame(result.all(), columns=list(result.keys()))
        return frame.assign(**{name: moments(frame[name]) for name in times})
