"""Every figure that weighs on a sweep plan, by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SweepRules:
    """What turns reports into stops; every figure that weighs on a sweep plan has its name here.

    Attributes
    ----------
    request_s : seconds of work at an open request.
    needles_per_report : needles on the ground for one report, where neither the feed nor a sweep log counts them.
    days_between_sweeps : needles gather on a place since it was swept last, for so many days at most.
    places_per_crew_h : so many places an hour on shift, best needles per minute first, are offered to the solver.
    snap_limit_m, depot_limit_m : a stop, or the depot, farther than this from any street cannot be reached.
    foot_limit_m : where no street nearer than ``snap_limit_m`` leads to a request and back, a crew parks on one so near
        and walks, straight line x 1.25 at 1.2 m/s there and back.
    unload_s : seconds that emptying a container at the depot takes.
    kiosk_s : seconds that servicing a kiosk takes.
    unknown_open_d : a report without status counts as open for so many days after it came in.
    needle_s : seconds of travel that one expected needle is worth. A crew on shift is paid anyway, so by default all
        travel that a shift allows.
    keep_share : when the rest of a day is planned anew, every leg that changes must bring this share of an average
        stop's needles, a stop that changes crews twice as much.
    """

    request_s: int = 600
    needles_per_report: float = 1.0
    days_between_sweeps: float = 7.0
    places_per_crew_h: float = 18.0
    snap_limit_m: float = 100.0
    depot_limit_m: float = 1000.0
    foot_limit_m: float = 300.0
    unload_s: int = 600
    kiosk_s: int = 900
    unknown_open_d: float = 1.0
    needle_s: float = 36_000.0
    keep_share: float = 0.1
