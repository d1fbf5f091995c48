"""Where kiosks should stand: kiosk problem to kiosk plan, numbers only."""

from sweepplan.siting.capacity import solve_capacity
from sweepplan.siting.fair import build_order, fairest
from sweepplan.siting.kiosks import solve_kiosks
from sweepplan.siting.standards import fewest_kiosks, nearest_reach

__all__ = ["build_order", "fairest", "fewest_kiosks", "nearest_reach", "solve_capacity", "solve_kiosks"]
