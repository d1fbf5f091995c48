"""The space-time scan, against SaTScan's own output, and on spikes put into real days."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots.cube import Cube, Grid
from sweepplan.hotspots.evidence import _near
from sweepplan.hotspots.scan import Scan, Scanner, circles, negative_binomial_llr, poisson_llr, secondary, threshold

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


def test_the_threshold_is_passed_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    limit = threshold(rng.gumbel(8, 1.5, 4000), 3.0)
    assert (rng.gumbel(8, 1.5, 100_000) > limit).mean() == pytest.approx(0.1, abs=0.01)
    with pytest.raises(ProblemError, match="n = 5"):
        threshold(np.ones(5), 1.0)
    with pytest.raises(SettingsError, match="40 alerts a month"):
        threshold(np.arange(30.0), 40)


def test_a_disc_counts_what_lies_in_it() -> None:
    grid = Grid(0, 0, 100, 12, 9)
    rng = np.random.default_rng(3)
    cell, day = rng.integers(0, grid.size, 300), rng.integers(0, 60, 300)
    scanner = Scanner(Cube.of(cell, day, np.ones(300, dtype=np.int64), grid), Scan())
    at = grid.centres
    for k, days, count, expected, _ in scanner.scores(59, 4.0):
        inside = np.hypot(*(at[:, None] - at[None]).T) <= scanner.rules.radii_m[k]
        new = np.bincount(cell[day > 59 - days], minlength=grid.size)
        np.testing.assert_allclose(count.ravel(), inside @ new)
        assert (expected > 0).all()
    with pytest.raises(ProblemError, match="too few reports"):
        scanner.shares(0)


@pytest.fixture(scope="module")
def boston(shared: Path) -> tuple[Scanner, int, int]:
    """A scanner of Boston's months and days, the first dated day and the day after the last."""
    monthly = pd.read_csv(shared / "data" / "boston" / "needle_points_2024_2025.csv.gz")
    monthly = monthly[monthly["date"].isna()]
    dated = pd.read_csv(shared / "data" / "boston" / "needle_pickups_daily_2025-10-25_2025-12-31.csv.gz")
    area = Area.around(monthly["lng"], monthly["lat"], "America/New_York", name="Boston")
    both = pd.concat([monthly, dated])
    at = area.points(both["lng"], both["lat"])
    x, y = at.x.to_numpy(), at.y.to_numpy()
    grid = Grid.over((x.min() - 600, y.min() - 600, x.max() + 600, y.max() + 600), 100)
    month = pd.to_datetime({"year": monthly["year"], "month": monthly["month"], "day": 1})
    day = pd.to_datetime(pd.concat([month, pd.to_datetime(dated["dt"])]))
    first = day.to_numpy().astype("datetime64[D]").astype(np.int64)
    length = np.concatenate([month.dt.days_in_month.to_numpy(), np.ones(len(dated), dtype=np.int64)])
    cell = grid.cell_of(x, y)
    start = int(first[len(monthly) :].min())
    return Scanner(Cube.of(cell, first, length, grid), Scan(), _near(cell, grid)), start, int(first.max()) + 1


@pytest.mark.shared
def test_spikes_put_into_real_days_are_found_and_quiet_days_are_quiet(boston) -> None:
    scanner, start, end = boston
    earlier, later = range(start + 5, start + 35), range(start + 35, end)
    size = scanner.size(earlier)
    limit = threshold([scanner.best(day, size)[0].score for day in earlier], 1.0)
    assert sum(scanner.best(day, size)[0].score > limit for day in later) <= 1
    grid, rng = scanner.cube.grid, np.random.default_rng(1)
    found = {5: 0, 8: 0}
    for extra in found:
        for _ in range(40):
            day = int(rng.integers(start + 37, end))
            at = grid.centres_of(rng.choice(np.flatnonzero(scanner.within.ravel()), 1))[0]
            far, way = 150 * np.sqrt(rng.random(extra)), rng.random(extra) * 2 * np.pi
            cells = grid.cell_of(at[0] + far * np.cos(way), at[1] + far * np.sin(way))
            counts = scanner.counts(day).copy()
            np.add.at(counts.reshape(len(counts), -1), (rng.integers(0, 3, extra), cells), 1)
            alerts = [each for each in scanner.best(day, size, counts, above=limit) if each.score > limit]
            apart = [np.hypot(*(grid.centres_of(np.array([each.cell]))[0] - at)) for each in alerts]
            found[extra] += int(min(apart, default=np.inf) <= 600)
    print(f"found of 40: {found}")  # noqa: T201
    assert found[5] >= 28
    assert found[8] >= 35
