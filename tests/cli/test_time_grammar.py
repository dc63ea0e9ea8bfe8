from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.cli.time_grammar import month_period, parse_time, span_period, week_period
from auditor.errors import UsageError

NOW = datetime(2026, 11, 23, 17, 40, tzinfo=UTC)  # a Monday; 18:40 in Berlin
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "expected_utc"),
    [
        ("now", "2026-11-23T17:40:00"),
        ("now-7days", "2026-11-16T17:40:00"),
        ("now-1week", "2026-11-16T17:40:00"),
        ("now+2hours", "2026-11-23T19:40:00"),
        ("now-90", "2026-11-23T17:38:30"),
        ("today", "2026-11-22T23:00:00"),
        ("yesterday", "2026-11-21T23:00:00"),
        ("noon", "2026-11-23T11:00:00"),
        ("midnight", "2026-11-22T23:00:00"),
        ("teatime", "2026-11-23T15:00:00"),
        ("2026-11-16", "2026-11-15T23:00:00"),
        ("2026-07-01", "2026-06-30T22:00:00"),
        ("2026-11-16T09:30", "2026-11-16T08:30:00"),
        ("2026-11-16T09:30:15", "2026-11-16T08:30:15"),
        ("1116", "2026-11-15T23:00:00"),
        ("111625", "2025-11-15T23:00:00"),
        ("11/16", "2026-11-15T23:00:00"),
        ("11/16/25-09:30", "2025-11-16T08:30:00"),
        ("11.16.26", "2026-11-15T23:00:00"),
        ("9:30PM", "2026-11-23T20:30:00"),
        ("12:00AM", "2026-11-22T23:00:00"),
        ("uts1795000000", "2026-11-18T11:06:40"),
        ("2026-11-16T09:30Z", "2026-11-16T09:30:00"),
        ("2026-11-16T09:30+05:30", "2026-11-16T04:00:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30:00"),  # the first of the two
        ("2026-03-29T02:30", "2026-03-29T01:30:00"),  # does not exist: the moment after
    ],
)
def test_a_time_is_read_as_sacct_reads_it_in_the_sites_zone(text, expected_utc):
    expected = datetime.fromisoformat(expected_utc).replace(tzinfo=UTC)
    assert parse_time(text, NOW, BERLIN) == expected


@pytest.mark.parametrize(
    "text", ["", "foo", "2026-02-30", "now-", "now-3x", "25:00", "13/45", "W47"]
)
def test_what_is_no_time_is_refused_with_a_hint(text):
    with pytest.raises(UsageError) as caught:
        parse_time(text, NOW, BERLIN)
    assert "now-7days" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "label", "start_utc", "n_hours"),
    [
        ("2026-W47", "2026-W47", "2026-11-15T23:00:00", 168),
        ("last-week", "2026-W47", "2026-11-15T23:00:00", 168),
        ("this-week", "2026-W48", "2026-11-22T23:00:00", 168),
        ("2026-W13", "2026-W13", "2026-03-22T23:00:00", 167),  # clocks go forward
        ("2026-W43", "2026-W43", "2026-10-18T22:00:00", 169),  # and back
        ("2026-W53", "2026-W53", "2026-12-27T23:00:00", 168),
        ("2016-W52", "2016-W52", "2016-12-25T23:00:00", 168),  # ends on 1 January 2017
    ],
)
def test_a_week_is_the_iso_week_in_the_sites_zone(text, label, start_utc, n_hours):
    period = week_period(text, NOW, BERLIN)
    assert period.label == label
    assert period.start_utc == datetime.fromisoformat(start_utc).replace(tzinfo=UTC)
    assert period.end_utc - period.start_utc == timedelta(hours=n_hours)


@pytest.mark.parametrize("text", ["2025-W53", "2026-W00", "last", "2026-47"])
def test_a_week_that_does_not_exist_is_refused(text):
    with pytest.raises(UsageError):
        week_period(text, NOW, BERLIN)


def test_months_and_spans():
    assert month_period("2026-12", NOW, "UTC").end_utc == datetime(2027, 1, 1, tzinfo=UTC)
    assert month_period("last-month", NOW, "UTC").label == "2026-10"
    assert span_period(None, None, NOW, "UTC").start_utc == NOW - timedelta(days=7)
    assert span_period("last-week", None, NOW, BERLIN).label == "2026-W47"
    assert span_period("2026-W46", "2026-W47", NOW, BERLIN).end_utc == datetime(
        2026, 11, 22, 23, tzinfo=UTC
    )
    with pytest.raises(UsageError):
        span_period("today", "yesterday", NOW, BERLIN)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1)))
@settings(deadline=None)
def test_any_wall_clock_time_comes_back_from_its_instant(local):
    local = local.replace(microsecond=0)
    there = parse_time(local.strftime("%Y-%m-%dT%H:%M:%S"), NOW, BERLIN).astimezone(
        ZoneInfo(BERLIN)
    )
    skipped = there.replace(tzinfo=None) - local
    assert skipped in {timedelta(0), timedelta(hours=1)}
