import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.normalize.zones import read_local


def wall_s(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("local", "timezone", "first", "second"),
    [
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:30"),
        ("2026-10-25T03:00:00", "Europe/Berlin", "2026-10-25T02:00", "2026-10-25T02:00"),
        ("2026-10-25T01:59:59", "Europe/Berlin", "2026-10-24T23:59:59", "2026-10-24T23:59:59"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T01:30"),
        ("2026-11-01T01:45:00", "America/New_York", "2026-11-01T05:45", "2026-11-01T06:45"),
        ("2026-11-23T12:00:00", "Asia/Kathmandu", "2026-11-23T06:15", "2026-11-23T06:15"),
        ("2026-11-23T12:00:00", "UTC", "2026-11-23T12:00", "2026-11-23T12:00"),
    ],
)
def test_wall_clocks_are_read(local, timezone, first, second):
    readings = read_local(np.array([wall_s(local)]), timezone)
    assert readings.first_s.tolist() == [wall_s(first)]
    assert readings.second_s.tolist() == [wall_s(second)]
    assert readings.are_two.tolist() == [first != second]


def test_a_missing_time_stays_missing():
    readings = read_local(np.array([math.nan, wall_s("2026-10-25T02:30")]), "Europe/Berlin")
    assert np.isnan(readings.first_s).tolist() == [True, False]
    assert readings.are_two.tolist() == [False, True]
    assert np.isnan(read_local(np.array([math.nan]), "Europe/Berlin").first_s).all()


@settings(deadline=None)
@given(
    st.lists(st.integers(946684800, 2208988800), min_size=1, max_size=20),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran"]),
)
def test_one_of_the_readings_is_the_instant(instants_s, timezone):
    zone = ZoneInfo(timezone)
    local = [datetime.fromtimestamp(s, zone).replace(tzinfo=UTC).timestamp() for s in instants_s]
    readings = read_local(np.array(local), timezone)
    instants = np.array(instants_s, dtype=float)
    assert ((readings.first_s == instants) | (readings.second_s == instants)).all()
