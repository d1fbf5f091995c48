"""The database: alone knows SQLAlchemy."""

from sweepplan.store.store import ROLES, SITE_STATES, ImportResult, PlanVersion, Store

__all__ = ["ROLES", "SITE_STATES", "ImportResult", "PlanVersion", "Store"]
