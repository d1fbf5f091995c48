"""Problems refuse contradictions before any solver sees them."""

from dataclasses import replace

import numpy as np
import pytest

import sweepplan
from sweepplan.errors import ProblemError, SettingsError
from sweepplan.model import Break, Crew, Habit, KioskProblem, Limit, Shift, Stop, SweepProblem


def sweep() -> SweepProblem:
    stops = (Stop.point("a", 1, 1.0, 60, (0, 3600)), Stop.point("b", 2, 2.0, 60, (0, 3600), required=True))
    return SweepProblem(stops, (Shift("A", (0, 7200)),), np.full((3, 3), 100.0))


def kiosk() -> KioskProblem:
    pairs = np.array([0, 1, 2]), np.array([0, 1, 2])
    return KioskProblem(np.ones(3), 3, *pairs, np.array([10.0, 20.0, 30.0]), 200.0, 1, fixed=(0,))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10", "write seconds as"),
        ("1.5it", "whole number"),
        ("0s", "more than 0"),
        ("-3s", "write seconds"),
        ("", "write"),
    ],
)
def test_a_limit_that_cannot_be_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Limit.parse(text)


def test_a_limit_reads_back_what_it_writes() -> None:
    for text in ("10s", "2.5s", "1000it"):
        assert str(Limit.parse(text)) == text
    with pytest.raises(SettingsError, match="one of the two"):
        Limit(seconds=1, iterations=1)


@pytest.mark.parametrize("shift", ["16:00-08:00", "08:00-08:00"])
def test_a_shift_that_ends_before_it_starts_is_refused(shift: str) -> None:
    with pytest.raises(ProblemError, match=r"crew 'A': the shift .* ends before it starts"):
        Crew.on_shift("A", shift)


@pytest.mark.parametrize("shift", ["8 to 4", "08:00", "08:00-25:00", ""])
def test_a_shift_that_cannot_be_read_is_refused(shift: str) -> None:
    with pytest.raises(ProblemError, match="write start-end as 08:00-16:00"):
        Crew.on_shift("A", shift)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shifts": ()}, "no crew"),
        ({"shifts": (Shift("A", (0, 9)),) * 2}, "crew 'A' stands twice"),
        ({"travel_s": np.ones((3, 2))}, "square"),
        ({"travel_s": np.full((3, 3), -1.0)}, "negative or empty"),
        ({"travel_s": np.full((3, 3), np.nan)}, "negative or empty"),
        ({"shifts": (Shift("A", (0, 9), start=5),)}, "crew 'A': no row 5 in travel_s, which has 3"),
        ({"shifts": (Shift("A", (7200, 0)),)}, "shift of crew 'A' ends before it starts"),
        ({"shifts": (Shift("A", (0, 9), network=1),)}, "no network 1"),
        ({"shifts": (Shift("A", (0, 9), capacity=3, load=4),)}, "load 4 does not lie in its capacity, 0 to 3"),
        ({"shifts": (Shift("A", (0, 9), pause=Break(5, 4, 60)),)}, "its break ends before it starts"),
        ({"habit": Habit(((0, 7),))}, "habit names other stops"),
        ({"stops": (Stop.point("a", 1, 1.0, 60, (0, 1)),) * 2}, "stop 'a' stands twice"),
        ({"stops": (Stop.point("a", 1, np.nan, 60, (0, 1)),)}, "prize nan"),
        ({"stops": (Stop.point("a", 1, 1.0, -1, (0, 1)),)}, "service_s -1"),
        ({"stops": (Stop.point("a", 1, 1.0, np.nan, (0, 1)),)}, "service_s nan"),
        ({"stops": (Stop.point("a", 9, 1.0, 1, (0, 1)),)}, "stop 'a': no row 9"),
        ({"stops": (Stop("a", (), 1.0, (0, 1)),)}, "stop 'a': no mode"),
        ({"stops": (Stop.point("a", 1, 1.0, 1, (0, np.nan)),)}, "window"),
        ({"stops": (Stop.point("a", 1, 1.0, 1, (2, 1)),)}, "closes before it opens"),
    ],
)
def test_a_sweep_problem_that_contradicts_itself_is_refused(changes: dict, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        replace(sweep(), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"k": 3}, "k = 3: only 2 sites may be chosen"),
        ({"k": -1}, "k = -1"),
        ({"reach_m": 0}, "reach_m 0"),
        ({"forbidden": (0,)}, "both fixed and forbidden"),
        ({"fixed": (9,)}, "no site 9"),
        ({"demand": np.array([1.0, -1.0, 1.0])}, "negative or infinite"),
        ({"walk_m": np.array([1.0, np.nan, 1.0])}, "negative or empty distance"),
        ({"pair_site": np.array([0, 1, 7])}, "a site that is not there"),
        ({"pair_demand": np.array([0, 1])}, "differ in length"),
    ],
)
def test_a_kiosk_problem_that_contradicts_itself_is_refused(changes: dict, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        replace(kiosk(), **changes)


def test_every_name_of_the_package_is_found():
    for name in sweepplan.__all__:
        assert getattr(sweepplan, name).__module__.startswith("sweepplan.")
    with pytest.raises(AttributeError, match="no attribute 'utils'"):
        sweepplan.utils  # noqa: B018
