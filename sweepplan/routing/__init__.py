"""Sweep problem in, sweep plan out: which crew visits which stops in which order. Numbers only."""

from sweepplan.routing.edits import NOBODY, Edit, moved, promised, without
from sweepplan.routing.replan import Change, Rest, changes, rest_of_day
from sweepplan.routing.sweep import NEEDLE_S, solve_sweep

__all__ = [
    "NEEDLE_S",
    "NOBODY",
    "Change",
    "Edit",
    "Rest",
    "changes",
    "moved",
    "promised",
    "rest_of_day",
    "solve_sweep",
    "without",
]
