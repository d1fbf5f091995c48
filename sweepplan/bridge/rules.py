"""Every figure that weighs on a sweep plan, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from sweepplan.errors import SettingsError
from sweepplan.tables import STOP_KINDS


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
    needs : per kind of stop what a crew must be able to do, e.g. ``(("kiosk", ("two-person",)),)``.
    both_sides : classes of streets (``highway``) too wide to cross: they are swept there and back, one side a pass.
    done_before : per kind of place the time of day, Monday to Friday, by which a sweep of it is over. Requests wait for
        no such time.

    Raises
    ------
    SettingsError
        A kind of stop is unknown, or a time of day cannot be read.
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
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    done_before: tuple[tuple[str, str], ...] = (("schoolyard", "08:00"),)
    both_sides: tuple[str, ...] = ("trunk", "primary", "secondary")

    def __post_init__(self) -> None:
        for name, rule in (("needs", self.needs), ("done_before", self.done_before)):
            strange = sorted({kind for kind, _ in rule} - set(STOP_KINDS))
            if strange:
                raise SettingsError(f"{name} of {strange[0]!r}: a stop is one of {', '.join(STOP_KINDS)}")
        for kind, text in self.done_before:
            if not _is_clock(text):
                raise SettingsError(f'done_before of {kind!r}: {text!r}: give a time of day, e.g. "08:00"')
        for kind, skills in self.needs:
            if not isinstance(skills, tuple) or not all(isinstance(skill, str) for skill in skills):
                raise SettingsError(f'needs of {kind!r}: {skills!r}: give a list of words, e.g. ["two-person"]')

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SweepRules:
        """Make rules of a ``[rules]`` table; ``needs`` and ``done_before`` are tables by kind of stop.

        Examples
        --------
        >>> SweepRules.of({"needs": {"kiosk": ["two-person"]}, "done_before": {}}).skills("kiosk")
        frozenset({'two-person'})
        """
        plain = dict(given)
        for name in {"needs", "done_before"} & set(plain):
            if not isinstance(plain[name], Mapping):
                raise SettingsError(f"{name} {plain[name]!r}: give a table by kind of stop")
        if "needs" in plain:
            plain["needs"] = tuple(
                (kind, tuple(skills) if isinstance(skills, list) else skills) for kind, skills in plain["needs"].items()
            )
        if "both_sides" in plain:
            plain["both_sides"] = _words_of("both_sides", plain["both_sides"])
        if "done_before" in plain:
            plain["done_before"] = tuple(plain["done_before"].items())
        return cls(**plain)

    def told(self) -> dict[str, Any]:
        """Return the rules as :meth:`of` reads them, ready for JSON."""
        needs = {kind: list(skills) for kind, skills in self.needs}
        before, both = dict(self.done_before), list(self.both_sides)
        return {**vars(self), "needs": needs, "done_before": before, "both_sides": both}

    def skills(self, kind: str) -> frozenset[str]:
        """Return what a crew must be able to do at a stop of this kind."""
        return frozenset(dict(self.needs).get(kind, ()))


def _is_clock(text: object) -> bool:
    try:
        time.fromisoformat(str(text))
    except ValueError:
        return False
    return isinstance(text, str)


def _words_of(name: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise SettingsError(f'{name} {given!r}: give a list of words, e.g. ["primary"]')
    return tuple(given)
