"""Where kiosks should stand: kiosk problem to kiosk plan, numbers only."""

from sweepplan.siting.kiosks import solve_kiosks

__all__ = ["solve_kiosks"]
