import numpy as np
import pandas as pd
import pytest

from auditor.domain.job import QualityFlag
from auditor.normalize.kubernetes.times import place_pods

BASE = pd.Timestamp("2026-11-23T10:00:00Z")


def moment(seconds):
    return pd.NaT if seconds is None else BASE + pd.Timedelta(seconds=seconds)


def placed(created=0, start=5, end=None, seen=7200, limit=np.nan, is_open=None):
    columns = {"created_utc": created, "start_utc": start, "end_utc": end, "seen_utc": seen}
    frame = pd.DataFrame(
        {name: pd.Series([moment(s)], dtype="datetime64[us, UTC]") for name, s in columns.items()}
    )
    frame["is_open"] = end is None if is_open is None else is_open
    frame["time_limit_s"] = limit
    return place_pods(frame)


CASES = {
    "ended": ({"end": 3605}, 5, 3605, 3600, 0),
    "open": ({}, 5, 7200, 7195, 0),
    "fractions are rounded, once": ({"start": 5.25, "end": 9.75}, 5.25, 9.25, 4, 0),
    "ended before it began": ({"start": 5, "end": 2}, 5, 5, 0, QualityFlag.CLOCK_REPAIRED),
    "ended a little after the look": ({"end": 7230}, 5, 7230, 7225, 0),
    "ended long after the look": ({"end": 90_000}, 5, 7200, 7195, QualityFlag.CLOCK_REPAIRED),
    "seen before it began": ({"seen": 2}, 5, 5, 0, 0),
    "seen long before it began": ({"start": 90_000}, 90_000, 90_000, 0, QualityFlag.CLOCK_REPAIRED),
    "nobody looked": ({"seen": None}, 5, 5, 0, 0),
    "within its deadline": ({"limit": 4000}, 5, 7200, 7195, 0),
    "long past its deadline": ({"limit": 600}, 5, 605, 600, QualityFlag.RUNAWAY),
    "never began, waits": ({"start": None}, None, None, 0, 0),
    "nobody knows when it was made": (
        {"created": None},
        5,
        7200,
        7195,
        QualityFlag.SUBMIT_FROM_START,
    ),
}


@pytest.mark.parametrize(("told", "start", "end", "elapsed_s", "flags"), CASES.values(), ids=CASES)
def test_times(told, start, end, elapsed_s, flags):
    times = placed(**told)
    assert times.start_utc[0] is moment(start) or times.start_utc[0] == moment(start)
    assert times.end_utc[0] is moment(end) or times.end_utc[0] == moment(end)
    assert (times.elapsed_s[0], times.flags[0]) == (elapsed_s, flags)
    assert not any(fault.rows[0] for fault in times.faults)


def test_one_given_up_before_it_began_ends_then():
    assert placed(start=None, end=60).end_utc[0] == moment(60)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"created": None, "start": None}, "nothing says when it was created or started"),
        ({"is_open": False}, "it has ended, and nothing says when"),
    ],
)
def test_what_cannot_be_placed(told, reason):
    faults = placed(**told).faults
    assert [fault.reason for fault in faults if fault.rows[0]] == [reason]
