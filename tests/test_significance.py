"""Gi*, emerging classes and Local Moran, against published values, esda, loops and shuffles."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import ProblemError, SettingsError
from sweepplan.geo import Area
from sweepplan.hotspots.cube import Grid
from sweepplan.hotspots.emerging import hot_and_cold, mann_kendall, patterns
from sweepplan.hotspots.evidence import _counts, _near, _steps
from sweepplan.hotspots.moran import local_moran, moran_clusters
from sweepplan.hotspots.significance import both_tails, discoveries, gi_star, gi_star_p, q_values, window_sums

SMALL = np.array([[0, 1, 2, 1, 0], [1, 3, 5, 2, 0], [2, 5, 9, 4, 1], [0, 2, 4, 2, 1], [0, 0, 1, 1, 0]])
some = settings(derandomize=True, deadline=None, max_examples=40)


def city(seed: int = 1, shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, 1.5, shape))
    counts[10:13, 10:13] += 3
    return counts


def test_gi_star_has_the_published_values() -> None:
    z = gi_star(SMALL)  # esda 2.9 and R spdep agree on these
    np.testing.assert_allclose(z[0], [-0.640295, 0.157036, 0.593248, -0.279175, -1.148467], atol=5e-7)
    assert z[2, 2] == pytest.approx(3.702684, abs=5e-7)


ESDA = """
import sys, warnings, numba, numpy as np
numba.boolean = bool
import esda, libpysal
warnings.simplefilter("ignore")
counts = np.load(sys.argv[1])
flat = counts.ravel().astype(float)
queen = libpysal.weights.lat2W(*counts.shape, rook=False)
moran = esda.Moran_Local(flat, queen, permutations=0, n_jobs=1)
star = libpysal.weights.fill_diagonal(queen, 1)
gi = esda.G_Local(flat, star, transform="B", star=True, permutations=9999, seed=3, n_jobs=1)
# ties are counted here: its own p_sim loses some to rounding
permuted = (gi.rGs >= gi.Gs[:, None] - 1e-12).mean(axis=1)
np.savez(sys.argv[2], z=gi.Zs, permuted=permuted, moran=moran.Is)
"""


@pytest.fixture(scope="module")
def by_esda(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Counts, and what esda makes of them, run apart: compiling its loops would take half a minute."""
    folder = tmp_path_factory.mktemp("esda")
    counts = city(shape=(16, 20))
    np.save(folder / "counts.npy", counts)
    command = [sys.executable, "-c", ESDA, str(folder / "counts.npy"), str(folder / "found.npz")]
    subprocess.run(command, check=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"})
    return counts, dict(np.load(folder / "found.npz"))


def test_z_scores_and_p_values_are_those_of_esda(by_esda) -> None:
    counts, other = by_esda
    np.testing.assert_allclose(gi_star(counts).ravel(), other["z"], atol=1e-9)
    exact = gi_star_p(counts, given_own=True).ravel()
    apart = np.abs(exact - other["permuted"])
    assert apart[exact <= 0.1].max() <= 0.01
    assert (apart <= 0.01 + 2 * np.sqrt(exact * (1 - exact) / 9999)).all()  # 9,999 draws are that uncertain themselves


def test_local_moran_is_that_of_esda(by_esda) -> None:
    counts, other = by_esda
    np.testing.assert_allclose(local_moran(counts).ravel(), other["moran"], atol=1e-9)
    kinds = moran_clusters(counts, seed=1)
    assert kinds[11, 11] == "high-high"
    assert set(np.unique(kinds)) <= {"", "high-high", "high-low", "low-high", "low-low"}
    with pytest.raises(SettingsError, match="nothing differs"):
        local_moran(np.ones((3, 3)))


@some
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_window_sums_are_those_of_a_loop(seed: int, radius: int) -> None:
    values = np.random.default_rng(seed).integers(0, 9, (5, 7))
    wanted = [
        [values[max(r - radius, 0) : r + radius + 1, max(c - radius, 0) : c + radius + 1].sum() for c in range(7)]
        for r in range(5)
    ]
    assert window_sums(values, radius).tolist() == wanted


@some
@given(st.integers(0, 10_000))
def test_tails_are_those_of_every_draw(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 3, (1, 5))
    high, low = both_tails(counts)
    middle = counts[0, 1:4].sum()
    draws = np.stack(np.meshgrid(*[counts[0]] * 3)).reshape(3, -1).sum(axis=0)
    assert high[0, 2] == pytest.approx((draws >= middle).mean())
    assert low[0, 2] == pytest.approx((draws <= middle).mean())


@some
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.001, 0.9))
def test_discoveries_are_the_small_q_values(p: list[float], fdr: float) -> None:
    q = q_values(p)
    sure = np.abs(q - fdr) > 1e-12
    assert (discoveries(p, fdr) == (q <= fdr))[sure].all()


@pytest.mark.shared
def test_real_counts_shuffled_over_cells_seldom_have_a_hot_one(shared) -> None:
    points = pd.read_csv(shared / "data" / "boston" / "needle_points_2024_2025.csv.gz")
    area = Area.around(points["lng"], points["lat"], "America/New_York", name="Boston")
    at = area.points(points["lng"], points["lat"])
    x, y = at.x.to_numpy(), at.y.to_numpy()
    grid = Grid.over((x.min() - 500, y.min() - 500, x.max() + 500, y.max() + 500), 100)
    cell = grid.cell_of(x, y)
    within = _near(cell, grid)
    counts = _counts(cell[(points["year"] == 2025) & (points["month"] >= 10)], grid)
    rng = np.random.default_rng(0)
    for tested in (counts, _steps(counts)):
        any_hot = 0
        for _ in range(200):
            dealt = np.zeros(counts.shape)
            dealt[within] = rng.permutation(tested[within])
            any_hot += int(discoveries(gi_star_p(dealt, within=within)[within]).any())
        assert any_hot / 200 <= 0.08
        assert discoveries(gi_star_p(tested, within=within)[within]).sum() >= 50


def test_patterns_are_those_of_their_definitions() -> None:
    rows = {
        "new": "00000000000000000001",
        "consecutive": "00000000000000000111",
        "persistent": "11111111111111110111",
        "sporadic": "00110000100000000011",
        "oscillating": "00110000--0000000011",
        "historical": "11111111111111111110",
        "": "01110000000000000000",
        "cold consecutive": "000000000000000000--",
        "cold historical": "-------------------0",
    }
    state = np.array([[{"0": 0, "1": 1, "-": -1}[c] for c in row] for row in rows.values()]).T
    assert patterns(state, np.zeros(state.shape)).tolist() == list(rows)
    rising = np.arange(20.0)[:, None]
    hot = np.ones((20, 1))
    assert patterns(hot, rising).tolist() == ["intensifying"]
    assert patterns(hot, -rising).tolist() == ["diminishing"]
    assert patterns(-hot, -rising).tolist() == ["cold intensifying"]
    with pytest.raises(ProblemError, match="3 periods"):
        patterns(hot[:3], hot[:3])


@some
@given(st.lists(st.integers(0, 4), min_size=4, max_size=15))
def test_the_trend_is_that_of_a_loop(series: list[int]) -> None:
    n = len(series)
    s = sum(np.sign(series[j] - series[i]) for i in range(n) for j in range(i + 1, n))
    ties = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(series, return_counts=True)[1])
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    assert mann_kendall(series) == pytest.approx((s - np.sign(s)) / np.sqrt(variance) if variance > 0 else 0)


def test_a_planted_cell_turns_hot_when_it_is_planted_and_shuffled_periods_stay_quiet() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(0.3, (12, 30, 30))
    counts[8:, 14:16, 14:16] += 4
    state, z = hot_and_cold(counts)
    assert (state[8:, 14, 14] == 1).all()
    assert not state[:8, 14, 14].any()
    assert patterns(state, z)[14, 14] == "consecutive"
    assert (state[:8] != 0).any(axis=(1, 2)).mean() <= 0.25
    assert not hot_and_cold(np.ones((4, 3, 3)))[0].any()


def test_bad_counts_are_one_clear_line() -> None:
    for bad in (np.array([[0.5]]), np.array([[-1.0]])):
        with pytest.raises(SettingsError, match="whole numbers"):
            gi_star_p(bad)
    with pytest.raises(SettingsError, match="at least one cell"):
        gi_star(np.ones((2, 2)), within=np.zeros((2, 2), dtype=bool))
