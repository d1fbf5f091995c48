"""Where kiosks should stand: kiosk problem to kiosk plan, numbers only."""

from sweepplan.siting.kiosks import solve_kiosks
from sweepplan.siting.standards import fewest_kiosks, nearest_reach

__all__ = ["fewest_kiosks", "nearest_reach", "solve_kiosks"]
