from datetime import UTC, datetime, timedelta

import pytest

from auditor.domain.period import Period, period_before


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "label", "start_before"),
    [
        ("2026-11-15T23:00:00", "2026-11-22T23:00:00", "2026-W46", "2026-11-08T23:00:00"),
        # the week after the clocks went back had 169 h before it
        ("2026-10-25T23:00:00", "2026-11-01T23:00:00", "2026-W43", "2026-10-18T22:00:00"),
        ("2026-10-31T23:00:00", "2026-11-30T23:00:00", "2026-10", "2026-09-30T22:00:00"),
        (
            "2026-11-20T09:00:00", "2026-11-20T12:00:00",
            "2026-11-20 07:00 to 2026-11-20 10:00", "2026-11-20T06:00:00",
        ),
    ],
)  # fmt: skip
def test_the_span_before_is_told_in_local_days(start, end, label, start_before):
    before = period_before(Period(at(start), at(end), "Europe/Berlin", ""))
    assert before.label == label
    assert before.start_utc == at(start_before)
    assert before.end_utc == at(start)


def test_what_is_no_period_is_refused():
    now = at("2026-11-23T00:00:00")
    with pytest.raises(ValueError, match="ends"):
        Period(now, now - timedelta(seconds=1), "UTC", "")
    with pytest.raises(ValueError, match="aware"):
        Period(now.replace(tzinfo=None), now, "UTC", "")
