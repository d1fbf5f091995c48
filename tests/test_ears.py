"""EARS and the threshold rule, against R's surveillance 1.20.3 and a pencil."""

import numpy as np
import pytest

from sweepplan.errors import SettingsError
from sweepplan.hotspots.ears import ears, threshold_rule

SERIES = [3, 5, 2, 4, 6, 3, 4, 5, 9, 4, 3, 14, 5, 4, 6, 2, 3, 18, 4, 5]


def _days(alarm: np.ndarray) -> list[int]:
    return (np.flatnonzero(alarm) + 1).tolist()


def test_bounds_and_alarms_are_those_of_surveillance() -> None:
    bound, alarm = ears(SERIES, "C1")
    wanted = [8.014078, 8.299793, 11.786865, 11.180465, 11.395150, 18.615821]
    np.testing.assert_allclose(bound[7:13], wanted, atol=5e-7)
    assert np.isnan(bound[:7]).all()
    assert _days(alarm) == [9, 12, 18]
    bound, alarm = ears(SERIES, "C2")
    np.testing.assert_allclose(bound[9:12], wanted[:3], atol=5e-7)
    assert _days(alarm) == [12]
    assert _days(ears(SERIES, "C3")[1]) == [13, 14, 19, 20]


def test_places_side_by_side_are_each_alone() -> None:
    both = np.column_stack([SERIES, SERIES[::-1]])
    for method in ("C1", "C2", "C3"):
        assert (ears(both, method)[1][:, 0] == ears(SERIES, method)[1]).all()


def test_the_threshold_rule_is_mean_and_two_deviations_of_the_days_before() -> None:
    bound, alarm = threshold_rule([1, 3, 1, 3, 5, 4], days=4)
    assert bound[4] == pytest.approx(2 + 2 * np.sqrt(4 / 3))
    assert _days(alarm) == [5]
    with pytest.raises(SettingsError, match="C9"):
        ears(SERIES, "C9")
    with pytest.raises(SettingsError, match="1 days"):
        threshold_rule(SERIES, days=1)
