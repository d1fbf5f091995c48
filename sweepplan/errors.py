"""Every error and warning sweepplan raises, as one tree.

Each error is a :class:`SweepplanError` *and* the standard error of its kind, and its message is one line that names the
value at fault and the mend.
"""


class SweepplanError(Exception):
    """Base of every error that sweepplan raises on purpose."""


class TableError(SweepplanError, ValueError):
    """A table breaks its contract."""


class CrsError(SweepplanError, ValueError):
    """A table or street network lies on another plane than the area's, or on none."""


class ClockError(SweepplanError, ValueError):
    """A time without a zone, an unknown clock, or a wall-clock time that cannot be read."""


class SourceError(SweepplanError, ValueError):
    """A file is not what it claims to be, or nothing in it can be used."""


class StreetsError(SweepplanError, ValueError):
    """A street network cannot be loaded, downloaded, or does not reach the points given."""


class ProblemError(SweepplanError, ValueError):
    """A sweep or kiosk problem contradicts itself."""


class PlanError(SweepplanError, ValueError):
    """A plan breaks the problem it claims to solve: the judge refuses it."""


class SolverError(SweepplanError, RuntimeError):
    """A solver stopped without an answer."""


class SettingsError(SweepplanError, ValueError):
    """A setting is missing, unknown or out of bounds."""


class GateError(SweepplanError, TypeError):
    """Something that did not pass the gate was to be shown."""


class StoreError(SweepplanError, RuntimeError):
    """The database cannot be reached, written or used, or does not hold what was asked for."""


class AccessError(SweepplanError, PermissionError):
    """Somebody asked for what no role of theirs may do."""


class DeliveryError(SweepplanError, OSError):
    """A message did not reach where it was sent."""


class SweepplanWarning(UserWarning):
    """Something the reader of a result should know; the result is still right."""
