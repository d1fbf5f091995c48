"""The tables. Moments are whole microseconds since 1970 in UTC, so that both databases hold them exactly."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

VERSION_TABLE = "sweepplan_version"
"""Where Alembic notes the version; a database without it is not ours."""

METADATA = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite hands out row numbers only to a column declared INTEGER."""


def _text(name: str, *, empty: bool = False) -> Column[str]:
    return Column(name, Text, nullable=empty)


def _whole(name: str, *, empty: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=empty)


def _real(name: str, *, empty: bool = False) -> Column[float]:
    return Column(name, Double, nullable=empty)


imports = Table(
    "imports",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    _text("feed"),
    _text("file_name"),
    _text("sha256"),
    _whole("rows_in"),
    _whole("kept"),
    _whole("merged"),
    _whole("rejected"),
    _whole("at"),
    _text("settings"),
    _text("summary"),
    UniqueConstraint("sha256", "feed", name="imports_once"),
)

incidents = Table(
    "incidents",
    METADATA,
    _text("source"),
    _text("incident_id"),
    _text("kind"),
    _whole("reported_at"),
    _text("time_precision"),
    _real("needles", empty=True),
    _text("status", empty=True),
    _whole("due_at", empty=True),
    _whole("closed_at", empty=True),
    _real("lon"),
    _real("lat"),
    Column("import_id", _NUMBER, ForeignKey("imports.id"), nullable=False),
    PrimaryKeyConstraint("source", "incident_id", name="incidents_once"),
)

quarantine = Table(
    "quarantine",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("import_id", _NUMBER, ForeignKey("imports.id"), nullable=False),
    _whole("line"),
    _text("incident_id", empty=True),
    _text("reason"),
    _text("value", empty=True),
    _text("state"),
    Index("quarantine_of_import", "import_id"),
)

sites = Table(
    "sites",
    METADATA,
    Column("site_id", Text, primary_key=True),
    _text("name"),
    _text("kind"),
    _real("lon"),
    _real("lat"),
)

site_states = Table(
    "site_states",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("site_id", Text, ForeignKey("sites.site_id"), nullable=False),
    _text("state"),
    _whole("at"),
    Index("site_states_of_site", "site_id", "at"),
)

places = Table(
    "places",
    METADATA,
    Column("place_id", Text, primary_key=True),
    _text("kind"),
    _text("name"),
    _real("length_m"),
    _real("sweep_s"),
    _text("wkt"),
)

crews = Table("crews", METADATA, Column("crew", Text, primary_key=True))

shifts = Table(
    "shifts",
    METADATA,
    Column("crew", Text, ForeignKey("crews.crew"), nullable=False),
    _text("start"),
    _text("end"),
    PrimaryKeyConstraint("crew", "start", name="shifts_once"),
)

plans = Table(
    "plans",
    METADATA,
    _text("plan_id"),
    _whole("version"),
    _text("state"),
    _text("by"),
    _whole("at"),
    _text("body"),
    PrimaryKeyConstraint("plan_id", "version", name="plans_once"),
)

pickups = Table(
    "pickups",
    METADATA,
    Column("pickup_id", Text, primary_key=True),
    _text("place_id", empty=True),
    _whole("at"),
    _real("needles"),
    _real("minutes", empty=True),
    _text("outcome"),
    _text("stream"),
    _real("lon"),
    _real("lat"),
)

alerts = Table(
    "alerts",
    METADATA,
    _whole("as_of"),
    _text("kind"),
    _text("method"),
    _text("episode"),
    _text("place"),
    _text("message"),
    _whole("days"),
    _whole("n", empty=True),
    _real("expected", empty=True),
    _real("threshold", empty=True),
    _real("per_30_days"),
    PrimaryKeyConstraint("as_of", "episode", name="alerts_once"),
)
"""As they were told: of areas, counts empty where they were withheld."""

accounts = Table(
    "accounts",
    METADATA,
    Column("account_id", Text, primary_key=True),
    _text("name"),
    _whole("created_at"),
)

roles = Table(
    "roles",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.account_id"), nullable=False),
    _text("role"),
    PrimaryKeyConstraint("account_id", "role", name="roles_once"),
)

audit = Table(
    "audit",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _whole("at"),
    _text("who"),
    _text("what"),
    _text("policy"),
    _whole("rows"),
    _text("hash"),
)

audit_head = Table(
    "audit_head",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _whole("seq"),
    _text("hash"),
)
