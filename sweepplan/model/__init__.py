"""Things with a life: frozen dataclasses of numbers. Problems say what is given, plans what was decided."""

from sweepplan.model.kiosks import KioskJudgement, KioskPlan, KioskProblem
from sweepplan.model.limit import Limit
from sweepplan.model.numbers import Floats, Ints
from sweepplan.model.sweep import Crew, CrewDay, Stop, SweepJudgement, SweepPlan, SweepProblem

__all__ = [
    "Crew",
    "CrewDay",
    "Floats",
    "Ints",
    "KioskJudgement",
    "KioskPlan",
    "KioskProblem",
    "Limit",
    "Stop",
    "SweepJudgement",
    "SweepPlan",
    "SweepProblem",
]
