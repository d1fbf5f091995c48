"""Wall clocks: both changes of the hour, bare days and months, offsets, and the hour shown twice."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepplan.errors import ClockError
from sweepplan.sources.moments import moments

US = ("%m/%d/%Y %I:%M:%S %p",)


def read(*texts, clock="America/New_York", formats=US, ends=False):
    return moments(pd.Series(texts, dtype="str"), formats, clock, label="time", ends=ends)


def utc(*texts, **how):
    return read(*texts, **how).utc.dt.strftime("%F %T").tolist()


def faults(found):
    return {fault.reason for fault in found.faults if fault.rows.any()}


def test_a_winter_and_a_summer_time():
    assert utc("01/15/2024 12:00:00 PM", "07/15/2024 12:00:00 PM", "2024-07-15T12:00") == [
        "2024-01-15 17:00:00",
        "2024-07-15 16:00:00",
        "2024-07-15 16:00:00",
    ]


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2024-03-10 02:00:00", "America/New_York"),
        ("03/10/2024 02:59:59 AM", "America/New_York"),
        ("2024-03-31 02:30:00", "Europe/Berlin"),
        ("2024-10-06 02:15:00", "Australia/Lord_Howe"),
    ],
)
def test_a_time_the_clock_skips(text, clock):
    found = read(text, clock=clock)
    assert faults(found) == {"time does not exist on the clock"}
    assert found.utc.isna().all()


@pytest.mark.parametrize(
    ("text", "clock", "first", "later"),
    [
        ("2024-11-03 01:30:00", "America/New_York", "2024-11-03 05:30:00", "2024-11-03 06:30:00"),
        ("11/03/2024 01:00:00 AM", "America/New_York", "2024-11-03 05:00:00", "2024-11-03 06:00:00"),
        ("2024-10-27 02:30:00", "Europe/Berlin", "2024-10-27 00:30:00", "2024-10-27 01:30:00"),
        # Ireland's tables call winter time the change: "daylight" must still mean the first of the two.
        ("2024-10-27 01:30:00", "Europe/Dublin", "2024-10-27 00:30:00", "2024-10-27 01:30:00"),
    ],
)
def test_a_time_the_clock_shows_twice_is_the_first(text, clock, first, later):
    found = read(text, clock=clock)
    assert not faults(found)
    assert found.utc.dt.strftime("%F %T").tolist() == [first]
    assert found.later.dt.strftime("%F %T").tolist() == [later]


def test_a_day_that_starts_in_the_gap_starts_when_the_clock_resumes():
    # Beirut's clock went from 00:00 to 01:00 on 2022-03-27.
    found = read("2022-03-27", "2022-03-27 00:30:00", clock="Asia/Beirut")
    assert found.utc.dt.strftime("%F %T").tolist()[0] == "2022-03-26 22:00:00"
    assert found.utc.isna().tolist() == [False, True]


def test_precision_follows_the_text():
    found = read("2024-05", "2024-05-01", "2024-05-01 00:00", "05/01/2024 12:00:00 AM")
    assert found.precision.tolist() == ["month", "day", "second", "second"]
    assert set(found.utc) == {pd.Timestamp("2024-05-01 04:00", tz="UTC")}


def test_a_bare_due_day_ends_at_its_end():
    assert utc("2024-05-01", "2024-12", "2024-05-01 00:00", ends=True) == [
        "2024-05-02 04:00:00",
        "2025-01-01 05:00:00",
        "2024-05-01 04:00:00",
    ]


def test_an_offset_is_obeyed_and_needs_no_clock():
    texts = ("2024-05-01T10:00:00Z", "2024-05-01 10:00:00+02:00", "2024-05-01T10:00:00.25-0530", "2024-05-01T10:00+02")
    assert utc(*texts, clock=None) == [
        "2024-05-01 10:00:00",
        "2024-05-01 08:00:00",
        "2024-05-01 15:30:00",
        "2024-05-01 08:00:00",
    ]


def test_a_naive_time_without_a_clock_is_refused():
    with pytest.raises(ClockError, match="'2024-05-01' has no zone"):
        read("2024-05-01T10:00:00Z", "2024-05-01", clock=None)
    with pytest.raises(ClockError, match="unknown clock"):
        read("2024-05-01", clock="Mars/Olympus")


@pytest.mark.parametrize(
    "text",
    [
        "2024",
        "20240501",
        "2024-02-30",
        "1/5/24",
        "1969-12-31 12:00:00",
        "2200-01-01",
        "noon",
        "2024-05-01T25:00Z",
        "171455760",
    ],
)
def test_what_is_no_time(text):
    assert faults(read(text)) == {"time cannot be read"}


def test_empty_is_no_fault():
    found = read("", "")
    assert not faults(found)
    assert found.utc.isna().all()


@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    at=st.datetimes(pd.Timestamp("1971-01-01").to_pydatetime(), pd.Timestamp("2030-01-01").to_pydatetime()),
    clock=st.sampled_from(["America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_a_moment_shown_by_the_clock_is_read_back(at, clock):
    moment = pd.Timestamp(at).floor("s").tz_localize("UTC")
    shown = moment.tz_convert(clock).strftime("%Y-%m-%d %H:%M:%S")
    found = read(shown, clock=clock)
    assert moment in (found.utc.iloc[0], found.later.iloc[0])
    assert found.utc.iloc[0] <= found.later.iloc[0]
