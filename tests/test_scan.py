"""The space-time scan, against SaTScan's own output, and on spikes put into real days."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import nbinom

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.hotspots.blend import Blend, Plane, Shares
from sweepplan.hotspots.cube import Cube, Grid
from sweepplan.hotspots.scan import (
    Baseline,
    Scan,
    Scanner,
    _centres,
    _disc,
    circles,
    negative_binomial_llr,
    poisson_llr,
    secondary,
)
from tests.benchmarks.spikes import boston, measure

REFERENCE = Path(__file__).with_name("reference") / "new_york_leukaemia.csv"


def test_new_york_leukaemia_has_the_ratios_of_satscan() -> None:
    # 281 census tracts, 1978-82 (Turnbull et al. 1990; Waller and Gotway 2004), cases rounded down; coordinates as the
    # R package smerc has them. Ratios: SaTScan 9.6, circles in degrees, at most 10 % of the population.
    tracts = pd.read_csv(REFERENCE)
    xy = tracts[["latitude", "longitude"]].to_numpy()
    cases, people = tracts["cases"].to_numpy(dtype=float), tracts["population"].to_numpy(dtype=float)
    zones = list(circles(xy, people, largest=0.1))
    count = np.array([cases[zone].sum() for zone in zones])
    expected = np.array([people[zone].sum() for zone in zones]) * cases.sum() / people.sum()
    llr = poisson_llr(count, expected, cases.sum())
    best = secondary(llr, zones, 7)
    wanted = [11.577255, 9.019716, 6.114140, 4.651839, 4.169203, 3.363518, 3.209485]
    np.testing.assert_allclose(llr[best], wanted, atol=5e-7)
    assert (count[best[0]], people[zones[best[0]]].sum(), zones[best[0]][:3].tolist()) == (85, 95249, [48, 47, 49])


def test_the_negative_binomial_ratio_is_that_of_its_likelihoods_and_ends_in_poisson() -> None:
    for count, mean, size in ((7, 2.0, 1.5), (3, 0.1, 4.0), (40, 31.0, 0.7)):
        wanted = nbinom.logpmf(count, size, size / (size + count)) - nbinom.logpmf(count, size, size / (size + mean))
        assert negative_binomial_llr(count, mean, size) == pytest.approx(wanted)
    assert negative_binomial_llr(7, 2.0, np.inf) == pytest.approx(7 * np.log(3.5) - 5)
    assert negative_binomial_llr(7, 2.0, 1e9) == pytest.approx(7 * np.log(3.5) - 5, abs=1e-6)
    assert negative_binomial_llr(1, 2.0, 3.0) == 0


def _scanner(xy: np.ndarray, day: np.ndarray, **rules: float) -> Scanner:
    plane = Plane(Grid(0, 0, 100, 20, 16))
    cube = Cube.of(plane.fine.cell_of(*xy.T), day, np.ones(len(day), dtype=np.int64), plane.fine)
    return Scanner(Baseline(Shares(cube, plane, Blend(), 7), plane, Scan(**rules), learnt=40), xy, day)


def test_a_disc_counts_what_lies_in_it_and_expects_its_share() -> None:
    rng = np.random.default_rng(3)
    xy, day = rng.uniform((300, 300), (1700, 1300), (400, 2)), rng.integers(0, 60, 400)
    spike = np.array([1010.0, 790.0]) + rng.uniform(-60, 60, (7, 2))
    scanner = _scanner(np.vstack([xy, spike]), np.r_[day, np.full(7, 58)])
    best = scanner.best(59)[0]
    assert np.hypot(best.x - 1010, best.y - 790) < 100
    apart = np.hypot(*(scanner.xy - (best.x, best.y)).T)
    new = (scanner.day <= 59) & (scanner.day > 59 - best.days)
    assert best.count == int((new & (apart <= best.radius_m)).sum()) >= 7
    share = best.expected / new.sum()
    assert share == pytest.approx(np.pi * best.radius_m**2 / (1400 * 1000), rel=0.5)
    wanted = negative_binomial_llr(best.count, best.expected, 2 * np.sqrt(best.expected))
    assert best.score == pytest.approx(float(wanted))
    assert all(one.apart_m(other) >= 600 for one, other in pairwise(scanner.best(59)))


def test_what_comes_later_changes_nothing_and_nothing_new_is_nothing_found() -> None:
    rng = np.random.default_rng(4)
    xy, day = rng.uniform((300, 300), (1700, 1300), (300, 2)), rng.integers(0, 60, 300)
    later = rng.uniform((300, 300), (1700, 1300), (50, 2))
    alone = _scanner(xy[day < 50], day[day < 50])
    more = _scanner(np.vstack([xy, later]), np.r_[day, np.full(50, 60)])
    assert alone.best(49) == more.best(49)
    assert _scanner(xy, day).best(90) == []
    with pytest.raises(ProblemError, match="too few reports before day"):
        _scanner(xy, day).best(2)


def test_of_very_many_reports_every_one_is_still_near_a_centre() -> None:
    xy = np.random.default_rng(5).normal(0, 300, (3_000, 2))
    centres = _centres(xy)
    assert len(centres) < 1_000
    assert cdist(xy, centres).min(axis=1).max() <= 50 * 2**0.5


def test_a_disc_covers_cells_in_part() -> None:
    assert _disc(1.5).sum() == pytest.approx(np.pi * 1.5**2, rel=0.02)
    assert _disc(1.5)[2, 2] == 1.0
    for wrong in ({"radii_m": ()}, {"windows_d": (0, 1)}, {"floor": 0.0}, {"dispersion": 0.0}):
        with pytest.raises(SettingsError):
            Scan(**wrong)


@pytest.mark.shared
def test_spikes_put_into_real_days_are_found_and_quiet_days_are_quiet(shared: Path) -> None:
    days = boston(shared)
    scan = measure(days, "scan", 100)
    assert scan.episodes <= 1
    assert scan.found[5] >= 0.85
    assert scan.found[8] >= 0.95
    rival = measure(days, "ears-c2", 100)
    assert rival.found[8] < 0.6
