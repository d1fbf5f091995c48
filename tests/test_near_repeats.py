"""Near repeats, against the published case, a loop over all pairs, and reports without any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import ProblemError
from sweepplan.hotspots.near_repeats import expected_pairs, knox

DISTANCES, DAYS = [0, 50, 100, 200], [0, 1, 2, 7]


def test_the_published_case() -> None:
    # d = 35 m, t = 5 d: 67 pairs near and soon, 175 near, 3,507 soon, 39,322 neither
    assert expected_pairs(67 + 175, 67 + 3507, 67 + 175 + 3507 + 39322) == pytest.approx(20.08, abs=0.005)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_pairs_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    xy, day = rng.integers(0, 20, (n, 2)) * 13.0, rng.integers(0, 15, n)
    found = knox(xy, day, distance_m=DISTANCES, days=DAYS, seed=1, n_draws=1)
    observed, near, soon = np.zeros((3, 3)), np.zeros(3), np.zeros(3)
    for i in range(n):
        for j in range(i):
            d, t = np.hypot(*(xy[i] - xy[j])), abs(day[i] - day[j])
            a, b = np.searchsorted(DISTANCES, d, "right") - 1, np.searchsorted(DAYS, t, "right") - 1
            if a < 3:
                near[a] += 1
            if b < 3:
                soon[b] += 1
                if a < 3:
                    observed[a, b] += 1
    assert found.observed.tolist() == observed.tolist()
    np.testing.assert_allclose(found.expected, np.outer(near, soon) / (n * (n - 1) / 2))


def test_planted_repeats_are_found_and_none_where_there_are_none() -> None:
    rng = np.random.default_rng(4)
    xy, day = rng.uniform(0, 3000, (400, 2)), rng.integers(0, 200, 400)
    alone = knox(xy, day, distance_m=DISTANCES, days=DAYS, seed=1)
    again = knox(np.vstack([xy, xy[:60] + 10]), np.r_[day, day[:60] + 1], distance_m=DISTANCES, days=DAYS, seed=1)
    assert again.p_value[0, 1] == pytest.approx(1 / 200)
    assert again.ratio[0, 1] > 5
    assert (alone.p_value > 0.01).all()
    with pytest.raises(ProblemError, match="n = 1"):
        knox([[0, 0]], [1], distance_m=DISTANCES, days=DAYS, seed=1)
