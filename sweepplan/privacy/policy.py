"""Who may see what: one table of roles."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sweepplan.errors import SettingsError

FINEST_M = 250.0
"""Side of the smallest cells reports are counted in, metres; every other side is this, doubled."""

HALF_YEAR = 6
"""Months of the shortest window reports are counted in: January to June, July to December."""


@dataclass(frozen=True)
class Policy:
    """What may be seen.

    Attributes
    ----------
    min_count : smallest count of reports that is shown, ``>= 1``; zero is shown as zero.
    cell_m : side of the smallest cells shown, metres: 250, or that doubled again and again.
    months : length of the calendar windows reports are counted in: 6 or 12.
    show_requests : needle reports pass as points, and any figure made of them: for leads and crews only.
    show_kiosks : where needle reports do not pass, figures of kiosks still do, coarsely: for planners.
    show_routes : routes and stops pass.
    show_overdoses : overdoses pass as counts; as points they never do.

    Raises
    ------
    SettingsError
        ``min_count``, ``cell_m`` or ``months`` is out of bounds.
    """

    min_count: int = 11
    cell_m: float = FINEST_M
    months: int = HALF_YEAR
    show_requests: bool = False
    show_kiosks: bool = False
    show_routes: bool = True
    show_overdoses: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.min_count, int) or isinstance(self.min_count, bool) or self.min_count < 1:
            raise SettingsError(f"min_count {self.min_count!r}: give a whole number, 1 or more")
        if not (math.isfinite(self.cell_m) and self.cell_m > 0 and _doubled(self.cell_m / FINEST_M)):
            raise SettingsError(f"cell_m {self.cell_m!r}: give 250, 500, 1000, 2000, ... metres, so that cells nest")
        if self.months not in (HALF_YEAR, 2 * HALF_YEAR):
            raise SettingsError(f"months {self.months!r}: give 6 or 12, so that windows nest")

    @classmethod
    def for_role(cls, role: str, *, min_count: int = 11) -> Policy:
        """Return what ``role`` may see.

        Raises
        ------
        SettingsError
            There is no such role.

        Examples
        --------
        >>> Policy.for_role("crew").show_overdoses, Policy.for_role("public").show_routes
        (False, False)
        """
        if role not in ROLES:
            raise SettingsError(f"role {role!r}: one of {', '.join(ROLES)}")
        return dataclasses.replace(ROLES[role], min_count=min_count)

    def sees(self, kind: str) -> bool:
        """Return whether single reports of ``kind`` pass: of overdoses never."""
        return self.show_requests and kind == "needle"


def _doubled(times: float) -> bool:
    return times >= 1 and math.log2(times).is_integer()


_AGGREGATE = Policy(show_routes=False)

ROLES: Mapping[str, Policy] = MappingProxyType(
    {
        "lead": Policy(show_requests=True),
        "crew": Policy(show_requests=True, show_overdoses=False),
        "analyst": _AGGREGATE,
        "planner": dataclasses.replace(_AGGREGATE, show_kiosks=True),
        "partner": dataclasses.replace(_AGGREGATE, cell_m=1000, months=12),
        "public": dataclasses.replace(_AGGREGATE, cell_m=2000, months=12),
    }
)
"""What each role may see. Streets, sites, places and where kiosks stand pass for all; what crews picked up for none."""


def roles_markdown() -> str:
    """Return the table of roles as Markdown."""
    rows = ["| role | needle requests | needle hotspots, rates, kiosk figures | routes, stops | overdoses |"]
    rows += ["|---|---|---|---|---|"]
    for role, policy in ROLES.items():
        counts = f"counts, cells from {policy.cell_m:g} m, calendar {_WINDOWS[policy.months]}"
        kiosks = "coarse" if policy.show_kiosks else "no"
        needles = ("points", "all") if policy.show_requests else (counts, f"of those counts; {kiosks} kiosk figures")
        routes = "yes" if policy.show_routes else "no"
        rows.append(
            f"| {role} | {needles[0]} | {needles[1]} | {routes} | {counts if policy.show_overdoses else 'no'} |"
        )
    return "\n".join(rows) + "\n"


_WINDOWS = {HALF_YEAR: "half-years", 2 * HALF_YEAR: "years"}
