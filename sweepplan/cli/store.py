"""Verbs of the database: ``import``, ``quality``, ``quarantine``, ``backup``, ``restore``, ``audit``."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import pandas as pd

from sweepplan.cli.group import sweepplan
from sweepplan.cli.said import answer, progress_bar
from sweepplan.errors import SettingsError, StoreError
from sweepplan.pipeline import Bringing, Settings, import_file
from sweepplan.privacy import Published
from sweepplan.store import Store, usual

F = TypeVar("F", bound=Callable[..., Any])

DATABASE = click.option(
    "--database",
    envvar="SWEEPPLAN_STORE",
    help="File (SQLite) or postgresql://HOST/NAME. Default: $SWEEPPLAN_STORE, else the app's file in your own folder.",
)
_BY = click.option("--by", help="Who does it, for the audit (default: your user name).")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def opened(database: str | None, *, new: bool = False) -> Store:
    """Open the database that was named, or the usual one; ``new``: make it, and its folder, where there is none."""
    url = database or usual()
    if new and "://" not in url:
        Path(url).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Store.open(url, new=new)


def who(by: str | None) -> str:
    """Return who acts: as said, else the name of the user."""
    try:
        return by or getpass.getuser()
    except (OSError, KeyError) as error:
        raise SettingsError("no user name: say who does it with --by") from error


def now() -> pd.Timestamp:
    """Return this moment, in UTC."""
    return pd.Timestamp.now("UTC")


def note_published(settings: Settings, what: str, shown: Published, out: Path | None) -> None:
    """Note in the audit of a run's database what is published, under which policy, and to which folder it goes."""
    if settings.database:
        rows = sum(len(table) for _, table in shown.tables())
        said = f"publish {what}" if out is None else f"export {what} to {out.name}"
        with opened(settings.database) as store:
            store.note(who(None), said, at=now(), policy=str(shown.policy), rows=rows)


@sweepplan.command("import")
@click.argument("file", type=Path)
@click.option("--feed", default="plain", show_default=True, help="See `sweepplan read --list`; or kiosks, candidates.")
@click.option("--tz", help="The city's clock, e.g. America/New_York.")
@click.option("--area", type=Path, help="area.toml; rows outside are rejected.")
@click.option("--mapping", type=Path, help="TOML: column mapping of a plain feed, options of another.")
@click.option("--merge", is_flag=True, help="Merge needle reports of one spot and day; plans count every report.")
@DATABASE
@_BY
@_JSON
def import_verb(file: Path, *, database: str | None, by: str | None, as_json: bool, **given: Any) -> None:
    """Read a file into the database: all of it or nothing, and once.

    The same file again changes nothing. Logs and layers go in as well: sweep-log, kiosks, candidates, kiosk-ledger.
    """
    with progress_bar() as progress, opened(database, new=True) as store:
        done, read = import_file(store, file, Bringing(**given), at=now(), by=who(by), progress=progress)
        reasons = store.rejected().get(done.import_id, {})
    said = {
        "file": read.file_name,
        "feed": read.feed,
        "import_id": done.import_id,
        "repeated": done.repeated,
        **{"rows_in": read.rows_in, "kept": read.kept, "merged": read.merged},
        "quarantine": reasons,
        **{"new": done.new, "changed": done.changed, "unchanged": done.unchanged},
    }
    first = f"{read.file_name}: {read.rows_in:,} rows in, {read.kept:,} kept"
    lines = [f"{first}: {done.new:,} new, {done.changed:,} changed, {done.unchanged:,} known"]
    if done.repeated:
        lines = [f"{read.file_name}: imported before (number {done.import_id}), nothing changed"]
    answer(said, [*lines, *(f"  {n:8,d} set aside: {reason}" for reason, n in reasons.items())], as_json=as_json)


@sweepplan.command("quality")
@DATABASE
@_JSON
def quality_verb(*, database: str | None, as_json: bool) -> None:
    """Say how good the data is: rows in, kept, merged, rejected by reason, freshness, share with coordinates."""
    with opened(database) as store:
        imports, reasons = store.imports(), store.rejected()
    said = [_quality(row, reasons.get(int(row["id"]), {}), now()) for _, row in imports.iterrows()]
    counted = f"{'rows in':>10} {'kept':>10} {'merged':>8} {'rejected':>10}"
    lines = [f"{'file':28} {'feed':16} {counted} {'located':>8} {'days old':>9}"]
    for row in said:
        counts = f"{row['rows_in']:10,d} {row['kept']:10,d} {row['merged']:8,d} {row['rejected']:10,d}"
        located = "-" if row["share_located"] is None else f"{row['share_located']:.1%}"
        old = "-" if row["days_since_last"] is None else f"{row['days_since_last']:,.1f}"
        lines.append(f"{row['file'][:28]:28} {row['feed']:16} {counts} {located:>8} {old:>9}")
        lines += [f"  {n:8,d} {reason}" for reason, n in row["set_aside"].items()]
        lines += [f"  {n:8,d} flagged: {reason}" for reason, n in row["flagged"].items()]
        lines += [f"  no report {gap.replace('/', ' to ')}, where some were to be expected" for gap in row["gaps"]]
    answer({"imports": said}, lines if said else ["nothing imported yet"], as_json=as_json)


def _quality(row: pd.Series, reasons: dict[str, int], moment: pd.Timestamp) -> dict[str, Any]:
    told = row["summary"]
    last = told.get("last_reported_at")
    age = None if last is None else round((moment - pd.Timestamp(last)) / pd.Timedelta(days=1), 2)
    return {
        "file": row["file_name"],
        "feed": row["feed"],
        "imported_at": row["at"].isoformat(),
        **{name: int(row[name]) for name in ("rows_in", "kept", "merged", "rejected")},
        "set_aside": reasons,
        "flagged": told.get("flagged_by_reason", {}),
        "first_reported_at": told.get("first_reported_at"),
        "last_reported_at": last,
        "days_since_last": age,
        "share_located": told.get("share_located"),
        "reports_a_day": told.get("reports_a_day"),
        "gaps": told.get("gaps", []),
    }


@sweepplan.group("quarantine", invoke_without_command=True)
@click.option("--reason", help="Only rows set aside for this reason.")
@click.option("--all", "released", is_flag=True, help="Also rows that were released.")
@click.option("--most", type=click.IntRange(min=1), default=100, show_default=True, help="List so many rows.")
@DATABASE
@_JSON
@click.pass_context
def quarantine_verb(
    context: click.Context, reason: str | None, *, released: bool, most: int, database: str | None, as_json: bool
) -> None:
    """List the rows that were set aside, with file, line and reason; their values may be places of people."""
    if context.invoked_subcommand is not None:
        return
    with opened(database) as store:
        rows = store.quarantine(state=None if released else "open", reason=reason, most=most)
        n = sum(sum(by.values()) for by in store.rejected().values())
    listed = rows.astype(object).where(rows.notna(), None).to_dict("records")
    lines = [
        f"{row['id']:8d} {row['file_name']} line {row['line']}: {row['reason']}"
        + (f" ({row['value']})" if row["value"] else "")
        for row in listed
    ]
    lines.append(f"{len(listed):,} rows listed, of {n:,} set aside")
    answer({"set_aside": n, "rows": listed}, lines, as_json=as_json)


@quarantine_verb.command("release")
@click.argument("ids", type=int, nargs=-1, required=True)
@DATABASE
@_BY
@_JSON
def quarantine_release(ids: tuple[int, ...], *, database: str | None, by: str | None, as_json: bool) -> None:
    """Mark rows as dealt with, by the numbers that the list shows; they stay, but are listed only with --all."""
    with opened(database) as store:
        n = store.release(ids, at=now(), by=who(by))
    answer({"released": n, "asked": len(ids)}, [f"{n} of {len(ids)} rows released"], as_json=as_json)


@sweepplan.command("backup")
@click.argument("file", type=Path)
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@DATABASE
@_BY
@_JSON
def backup_verb(file: Path, *, replace: bool, database: str | None, by: str | None, as_json: bool) -> None:
    """Write a copy of the whole database into one file, which SQLite and PostgreSQL take back."""
    if file.exists() and not replace:
        raise StoreError(f"{file}: is there already: give another name, or --replace")
    with opened(database) as store:
        rows = store.backup(file, at=now(), by=who(by))
    lines = [f"{sum(rows.values()):,} rows of {len(rows)} tables in {file}: it holds every place, keep it locked away"]
    answer({"file": str(file), "rows": rows}, lines, as_json=as_json)


@sweepplan.command("restore")
@click.argument("file", type=Path)
@click.option("--replace", is_flag=True, help="Put it in place of what the database holds, its audit too.")
@DATABASE
@_BY
@_JSON
def restore_verb(file: Path, *, replace: bool, database: str | None, by: str | None, as_json: bool) -> None:
    """Fill an empty database from a copy; where anything is wrong with it, the database stays as it was."""
    Store.look(file)
    with opened(database, new=True) as store:
        rows = store.restore(file, at=now(), by=who(by), replace=replace)
        broken = store.verify_audit()
    said = "the audit is whole" if broken is None else f"THE AUDIT WAS CHANGED from row {broken}"
    lines = [f"{sum(rows.values()):,} rows of {len(rows)} tables from {file}; {said}"]
    answer({"file": str(file), "rows": rows, "audit_broken_at": broken}, lines, as_json=as_json)


@sweepplan.group("audit")
def audit_verb() -> None:
    """Who saw, exported or changed what, when, under which policy."""


@audit_verb.command("list")
@click.option("--most", type=click.IntRange(min=1), default=100, show_default=True, help="The newest so many rows.")
@DATABASE
@_JSON
def audit_list(*, most: int, database: str | None, as_json: bool) -> None:
    """List the newest rows, oldest first."""
    with opened(database) as store:
        rows = store.audit(last=most).to_dict("records")
    listed = [{**row, "at": row["at"].isoformat()} for row in rows]
    lines = [
        f"{row['seq']:6d} {row['at'][:19]}Z {row['who']}: {row['what']}"
        + (f" [{row['policy']}]" if row["policy"] else "")
        + f", {row['rows']:,} rows"
        for row in listed
    ]
    answer({"rows": listed}, lines or ["nothing noted yet"], as_json=as_json)


@audit_verb.command("verify")
@DATABASE
@_JSON
def audit_verify(*, database: str | None, as_json: bool) -> None:
    """Check that no row of the audit was changed, removed, put in or moved; exit code 1 where one was."""
    with opened(database) as store:
        broken = store.verify_audit()
    said = "the audit is whole" if broken is None else f"the audit was changed from row {broken} on: ask who could"
    answer({"whole": broken is None, "first_broken": broken}, [said], as_json=as_json)
    if broken is not None:
        raise SystemExit(1)
