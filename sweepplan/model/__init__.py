"""Things with a life: frozen dataclasses of numbers. Problems say what is given, plans what was decided."""

from sweepplan.model.capacity import CapacityPlan, CapacityProblem, with_visits
from sweepplan.model.crews import Break, Crew, Shift
from sweepplan.model.kiosks import (
    CLOSED,
    GOES_ON,
    MONTREAL,
    BuildStep,
    CenterPlan,
    Certificate,
    FewestPlan,
    KioskJudgement,
    KioskPlan,
    KioskProblem,
    SiteRules,
    Stage,
)
from sweepplan.model.limit import Limit
from sweepplan.model.numbers import Floats, Ints
from sweepplan.model.sweep import UNLOAD, CrewDay, Habit, Mode, Stop, SweepJudgement, SweepPlan, SweepProblem

__all__ = [
    "CLOSED",
    "GOES_ON",
    "MONTREAL",
    "UNLOAD",
    "Break",
    "BuildStep",
    "CapacityPlan",
    "CapacityProblem",
    "CenterPlan",
    "Certificate",
    "Crew",
    "CrewDay",
    "FewestPlan",
    "Floats",
    "Habit",
    "Ints",
    "KioskJudgement",
    "KioskPlan",
    "KioskProblem",
    "Limit",
    "Mode",
    "Shift",
    "SiteRules",
    "Stage",
    "Stop",
    "SweepJudgement",
    "SweepPlan",
    "SweepProblem",
    "with_visits",
]
