"""Sweep problem in, sweep plan out: which crew visits which stops in which order. Numbers only."""

from sweepplan.routing.sweep import NEEDLE_S, solve_sweep

__all__ = ["NEEDLE_S", "solve_sweep"]
