"""The database: alone knows SQLAlchemy."""

from sweepplan.store.engine import usual
from sweepplan.store.imports import FileRead, ImportResult
from sweepplan.store.store import ROLES, SITE_STATES, PlanVersion, Store

__all__ = ["ROLES", "SITE_STATES", "FileRead", "ImportResult", "PlanVersion", "Store", "usual"]
