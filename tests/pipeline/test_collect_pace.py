"""When a long collection says how far it is."""

from datetime import UTC, datetime, timedelta

from auditor.pipeline.collect_pace import Pace

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def lines(n_windows: int, seconds_of_each: float) -> list[str | None]:
    pace = Pace("alpha", n_windows, 1000.0)
    return [
        pace.advanced((FIRST + day * DAY, FIRST + (day + 1) * DAY), 1000 + (day + 1) * each)
        for day in range(n_windows)
        for each in (seconds_of_each,)
    ]


def test_a_line_each_half_a_minute_and_none_at_the_end() -> None:
    said = lines(7, 10)
    assert [line is not None for line in said] == [False, False, True, False, False, True, False]
    assert said[2] == "alpha: up to 2026-01-04 00:00 UTC, 3 of 7 windows"


def test_who_is_quick_says_nothing_and_who_is_slow_says_it_each_time() -> None:
    assert lines(400, 0.07) == [None] * 400
    assert [line is not None for line in lines(3, 31)] == [True, True, False]
