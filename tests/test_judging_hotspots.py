"""What a map of hotspots is worth: pencil cases, and what must hold for any map."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sweepplan.errors import ProblemError
from sweepplan.judging.hotspots import hit_rate, pai, pei

maps = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=30)
shares = st.floats(0.01, 1)
some = settings(derandomize=True, deadline=None, max_examples=150)


def test_a_report_outside_the_region_is_a_miss() -> None:
    assert hit_rate([2, 1], [3, 0], 0.5) == 1
    assert hit_rate([2, 1], [3, 0], 0.5, outside=1) == 0.75
    assert pai([2, 1], [3, 0], 0.5, outside=1) == 1.5


def test_nothing_came() -> None:
    assert np.isnan(hit_rate([2, 1], [0, 0], 0.5))
    assert np.isnan(pai([2, 1], [0, 0], 0.5))
    assert np.isnan(pei([2, 1], [0, 0], 0.5))
    assert hit_rate([2, 1], [0, 0], 0.5, outside=2) == 0


def test_equal_scores_at_the_cut_are_counted_in_expectation() -> None:
    score, counts, n_searched = [3, 2, 2, 2, 1], [5, 3, 1, 0, 7], 3
    orders = [o for o in permutations(range(5)) if sorted(score, reverse=True) == [score[k] for k in o]]
    mean = Fraction(sum(counts[k] for o in orders for k in o[:n_searched]), 16 * len(orders))
    assert hit_rate(score, counts, n_searched / 5) == pytest.approx(float(mean), abs=1e-15)


@some
@given(maps, shares)
def test_a_perfect_map_has_pei_1_and_none_has_more(cells: list[tuple[int, int]], share: float) -> None:
    score, counts = np.array(cells).T
    assume(counts.sum())
    assert pei(counts, counts, share) == pytest.approx(1)
    assert 0 <= pei(score, counts, share) <= 1 + 1e-12
    assert hit_rate(score, counts, share) <= hit_rate(counts, counts, share) + 1e-12


@some
@given(maps, shares, st.sampled_from([lambda s: 3 * s - 7, np.exp, lambda s: s**3]))
def test_only_the_order_of_the_scores_counts(cells: list[tuple[int, int]], share: float, raised) -> None:
    score, counts = np.array(cells, dtype=float).T
    assume(counts.sum())
    for worth in (hit_rate, pai, pei):
        assert worth(raised(score), counts, share) == worth(score, counts, share)


@some
@given(maps, shares, shares)
def test_more_area_never_catches_less(cells: list[tuple[int, int]], one: float, other: float) -> None:
    score, counts = np.array(cells).T
    assume(counts.sum())
    low, high = sorted((one, other))
    assert hit_rate(score, counts, low) <= hit_rate(score, counts, high) + 1e-12
    assert hit_rate(score, counts, 1) == 1


@some
@given(maps, shares)
def test_a_flat_map_has_pai_1(cells: list[tuple[int, int]], share: float) -> None:
    counts = np.array(cells)[:, 1]
    assume(counts.sum())
    assert pai(np.zeros(counts.size), counts, share) == pytest.approx(1)


def test_a_random_map_has_pai_about_1() -> None:
    rng = np.random.default_rng(5)
    counts = rng.poisson(0.3, 2000)
    worth = [pai(rng.random(2000), counts, 0.05) for _ in range(200)]
    assert np.mean(worth) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("score", "counts", "share", "outside", "mend"),
    [
        ([1, 2], [1], 0.5, 0, "one of each a cell"),
        ([], [], 0.5, 0, "at least one"),
        ([1, np.nan], [1, 1], 0.5, 0, "score is empty in 1 cells"),
        ([1, 2], [1, -1], 0.5, 0, "negative or empty"),
        ([1, 2], [1, np.nan], 0.5, 0, "negative or empty"),
        ([1, 2], [1, 1], 0.5, -1, "negative or empty"),
        ([1, 2], [1, 1], 0, 0, "share 0 of the region"),
        ([1, 2], [1, 1], 2.5, 0, "share 2.5 of the region"),
    ],
)
def test_what_cannot_be_judged_is_refused(score, counts, share, outside, mend) -> None:
    with pytest.raises(ProblemError, match=mend):
        hit_rate(score, counts, share, outside=outside)
