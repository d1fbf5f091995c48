"""Figures of a window for those who see no single report: nothing of fewer than the least count can be subtracted."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from shapely.geometry import box

from sweepplan import pipeline
from sweepplan.pipeline import Health, health
from sweepplan.privacy import Policy, pooled, quantile

City = tuple[pipeline.City, pd.Timestamp]
LEAST, ROLES = 11, ("analyst", "planner", "partner", "public")


@pytest.fixture(scope="module")
def read(city: Path) -> City:
    settings = pipeline.Settings.load(city)
    found = pipeline.load_city(settings)
    return found, found.area.moment(settings.as_of)


def figures(read: City, role: str, as_of: pd.Timestamp, days: int = 91) -> Health:
    found, _ = read
    west, south, east, north = found.area.boundary.bounds
    halves = {"west": box(west, south, (west + east) / 2, north), "east": box((west + east) / 2, south, east, north)}
    policy, districts = Policy.for_role(role), {"District": halves}
    return health(found.reports, found.area, policy, as_of=as_of, days=days, back_d=days, places=districts)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("days", pipeline.WINDOWS.values())
def test_the_figures_of_two_days_of_a_month_are_the_same(read: City, role: str, days: int) -> None:
    months = read[1].tz_convert(read[0].area.tz).normalize().replace(day=1)
    first, *later = (figures(read, role, months + pd.Timedelta(days=day), days) for day in (0, 1, 9, 27))
    for other in later:
        assert (first.n, first.n_before, first.start, first.stop) == (other.n, other.n_before, other.start, other.stop)
        assert first.answered == other.answered
        assert first.by.keys() == other.by.keys()
        for kind, table in first.by.items():
            assert_frame_equal(table, other.by[kind])
        assert_frame_equal(first.trend, other.trend)


@pytest.mark.parametrize("role", ROLES)
def test_the_whole_less_the_parts_that_are_told_is_no_few(read: City, role: str) -> None:
    told = figures(read, role, read[1], 364)
    assert told.answered is not None
    assert told.answered.n is None
    assert "Hour" not in told.by
    for table in told.by.values():
        assert table["n"].isna().all()
        assert len(table) != 1


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.integers(0, 60), min_size=1), st.integers(2, 30))
def test_every_part_told_and_every_sum_of_those_left_out_is_of_enough(sizes: dict[str, int], least: int) -> None:
    groups = pooled(sizes, least)
    assert all(sum(sizes[name] for name in group) >= least for group in groups.values())
    members = [name for group in groups.values() for name in group]
    assert len(members) == len({*members})
    left_out = sum(n for name, n in sizes.items() if name not in members)
    assert not groups or left_out == 0
    assert len(groups) != 1


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=200), st.sampled_from([0.5, 0.9]))
def test_a_quantile_has_enough_on_either_side_and_is_of_a_coarse_scale(hours: list[float], part: float) -> None:
    told = quantile(pd.Series(hours), part, LEAST)
    if math.isnan(told):
        assert min(part, 1 - part) * len(hours) < LEAST
        return
    exact = float(np.quantile(hours, part))
    assert (np.array(hours) <= exact).sum() >= LEAST
    assert (np.array(hours) >= exact).sum() >= LEAST
    assert told in {quantile(pd.Series([float(h)] * 40), 0.5, LEAST) for h in range(0, 800)} | {0.5}
