from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from auditor.doctor.check import Status
from auditor.doctor.grid import coverage_check, reach, week_before
from auditor.domain.intensity import IntensityBasis, IntensitySeries
from tests.doctor.house import DAY, HOUR, NOW

OK, WARNING, FAULT = Status
WEEK = week_before(NOW, "Europe/Berlin")


def series(n_hours_back: int, end: timedelta, hole: slice = slice(0)) -> IntensitySeries:
    """Return hourly values up to `end` before now."""
    last_s = int((NOW - end).timestamp())
    edges_s = last_s - 3600 * np.arange(n_hours_back, -1, -1, dtype=np.int64)
    basis = np.full(n_hours_back, IntensityBasis.MEASURED, dtype=np.uint8)
    basis[hole] = IntensityBasis.ANNUAL
    values = np.full(n_hours_back, 300.0)
    return IntensitySeries("DE", edges_s, values, basis, 400.0, "annual", "grid.csv")


def test_last_week_is_the_one_that_is_over() -> None:
    assert WEEK.label == "2026-W47"
    assert week_before(NOW - 7 * HOUR, "Europe/Berlin").label == "2026-W46"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (series(500, -HOUR), OK),
        (series(500, 4 * HOUR), OK),
        (series(500, 8 * HOUR), FAULT),
        (series(100, HOUR), FAULT),
        (series(500, HOUR, slice(400, 403)), FAULT),
        (series(500, HOUR, slice(0, 3)), OK),
        (series(500, 9 * DAY), FAULT),
    ],
    ids=[
        "beyond now",
        "to this morning",
        "ends in it",
        "begins in it",
        "a hole",
        "an old hole",
        "old",
    ],
)
def test_every_hour_of_last_week_must_have_a_value(found, expected) -> None:
    assert coverage_check("DE", reach(found, WEEK), NOW, Path("grid.csv")).status == expected


def test_the_missing_hours_are_counted() -> None:
    assert reach(series(500, HOUR, slice(400, 403)), WEEK).short_s == 3 * 3600
    assert reach(series(500, 9 * DAY), WEEK).short_s == 168 * 3600


def test_a_file_that_covers_last_week_but_not_the_days_since_is_a_warning() -> None:
    thursday = NOW + 3 * DAY
    found = reach(series(500, -HOUR), WEEK)
    assert coverage_check("DE", found, thursday, Path("grid.csv")).status == WARNING
