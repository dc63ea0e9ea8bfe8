from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.period import Period
from auditor.report import filters
from auditor.report.build import totals_of
from auditor.units import carbon_scale, energy_scale
from tests.report.fakes import WEEK, ZONE, report_of, week_of_runs


def period(start: str, end: str, label: str = "x", timezone: str = "UTC") -> Period:
    instants = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    return Period(*instants, timezone, label)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        pytest.param(0.0, "0 %", id="nothing"),
        pytest.param(0.0004, "<1 %", id="a little"),
        pytest.param(0.184, "18 %", id="some"),
        pytest.param(0.9996, ">99 %", id="nearly all"),
        pytest.param(1.0, "100 %", id="all"),
    ],
)
def test_percent(ratio, expected):
    assert filters.percent_text(ratio) == expected


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        pytest.param(WEEK, "Week 47, 16 to 22 November 2026", id="week"),
        pytest.param(period("2026-11-01", "2026-12-01", "2026-11"), "November 2026", id="month"),
        pytest.param(period("2026-11-01", "2026-11-02"), "1 November 2026", id="day"),
        pytest.param(
            period("2026-11-28", "2026-12-05"), "28 November to 4 December 2026", id="two months"
        ),
        pytest.param(
            period("2025-12-29", "2026-01-05", "2026-W01"),
            "Week 1, 29 December 2025 to 4 January 2026",
            id="two years",
        ),
        pytest.param(
            period("2026-11-16T03:00", "2026-11-16T09:30"),
            "16 November 2026 03:00 to 09:30",
            id="hours",
        ),
        pytest.param(
            period("2026-11-16T03:00", "2026-11-18"),
            "16 November 2026 03:00 to 18 November 2026 00:00",
            id="odd hours",
        ),
    ],
)
def test_period(span, expected):
    assert filters.period_text(span) == expected


@pytest.mark.parametrize(
    ("start", "end", "n_days"),
    [
        pytest.param("2026-03-22T23:00", "2026-03-29T22:00", 7, id="week of 167 hours"),
        pytest.param("2026-10-18T22:00", "2026-10-25T23:00", 7, id="week of 169 hours"),
        pytest.param("2026-11-16T00:00", "2026-11-16T00:00", 1, id="an instant"),
        pytest.param("2026-11-16T22:59", "2026-11-16T23:01", 2, id="around midnight"),
    ],
)
def test_local_days(start, end, n_days):
    assert len(filters.local_days(period(start, end, timezone=ZONE))) == n_days


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        pytest.param(0.82, "▼ 18 % less than the week before", id="less"),
        pytest.param(1.35, "▲ 35 % more than the week before", id="more"),
        pytest.param(1.001, "as much as the week before", id="same"),
        pytest.param(40, "▲ 40 times the week before", id="many times"),
        pytest.param(1e7, "▲ more than 1,000 times the week before", id="absurdly more"),
    ],
)
def test_change(factor, expected):
    rows = week_of_runs(5)
    more = rows.assign(carbon_g=rows["carbon_g"] * factor)
    assert filters.change_text(report_of(more, previous=totals_of(rows))) == expected


def test_change_is_told_only_where_it_is_known():
    rows = week_of_runs(5)
    assert filters.change_text(report_of(rows, previous=None)) == ""
    nothing = totals_of(rows.iloc[:0])
    assert filters.change_text(report_of(rows, previous=nothing)) == "nothing in the week before"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        pytest.param(period("2026-11-01", "2026-12-01", "2026-11"), "the month before", id="month"),
        pytest.param(period("2026-11-01", "2026-11-08"), "the 7 days before", id="seven days"),
        pytest.param(period("2026-11-01", "2026-11-02"), "the day before", id="day"),
        pytest.param(period("2026-11-01", "2026-11-04"), "the 3 days before", id="three days"),
    ],
)
def test_span_before(span, expected):
    assert filters.span_before(span) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.0123, "0.012"), (1.26, "1.3"), (826.4, "830"), (2.79e9, "2.8 billion")],
)
def test_significant(value, expected):
    assert filters.significant_text(value) == expected


def test_a_band_says_its_unit_once_if_it_can():
    assert filters.carbon_band(94_900.0, 196_000.0) == "94.9 to 196 kg"
    assert filters.carbon_band(949.0, 1960.0) == "949 g to 1.96 kg"
    assert filters.carbon_band(0.0, 1960.0) == "0 to 1.96 kg"
    assert filters.energy_band(94_900.0, 196_000.0) == "94.9 to 196 kWh"


def test_a_band_without_width_is_none():
    assert filters.carbon_band(949.0, 949.0) == filters.energy_band(0.0, 0.0) == ""


def test_nothing_is_written_one_way():
    assert filters.hours_number(0.0) == "0"
    assert filters.hours_column([0.0, None]) == ["0", ""]


def test_hours_of_a_column_share_their_decimals():
    assert filters.hours_column([3600 * 905.04, 3600 * 90.11, 0, None, 30]) == [
        "905.0",
        "90.1",
        "0",
        "",
        "<0.1",
    ]


def test_subject_and_words():
    filtered = {"account": ("ml", "bio"), "user": ("alice",)}
    assert filters.subject_text(filtered) == "project ml, bio; user alice"
    assert filters.subject_text({}) == "all jobs"
    assert filters.state_text("OUT_OF_MEMORY") == "out of memory"
    assert filters.state_text(None) == "unknown"
    assert filters.day_text(date(2026, 11, 16)) == "Mon 16"
    assert filters.count_text(1, "job") == "1 job"
    assert filters.count_text(2310, "job") == "2,310 jobs"


def test_local_time_is_the_sites():
    instant = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
    year = period("2026-01-01", "2027-01-01", timezone=ZONE)
    assert filters.local_text(instant, WEEK) == "16 Nov 00:30"
    assert filters.local_text(instant, year) == "16 Nov 2026"
    assert filters.local_text(None, WEEK) == "-"


@pytest.mark.parametrize(
    ("largest", "value", "expected"),
    [
        pytest.param(12_400, 12_400, "12.4 kg", id="the largest"),
        pytest.param(12_400, 120, "0.1 kg", id="a small one"),
        pytest.param(12_400, 3, "<0.1 kg", id="hardly any"),
        pytest.param(12_400, 0, "0 kg", id="nothing"),
        pytest.param(999_999, 999_999, "1.00 t", id="rounds up to the next unit"),
        pytest.param(0, 0, "0 g", id="all nothing"),
        pytest.param(0.0012, 0.0012, "0.00120 g", id="very little"),
        pytest.param(float("nan"), float("nan"), "unknown g", id="unknown"),
    ],
)
def test_values_of_a_column_share_a_unit(largest, value, expected):
    scale = carbon_scale(largest)
    assert f"{scale.number_text(value)} {scale.unit}" == expected


@given(st.floats(1e-3, 1e14), st.floats(0, 1))
def test_a_scaled_value_is_right_to_its_last_digit(largest, share):
    scale = energy_scale(largest)
    text = scale.number_text(largest * share)
    if not text.startswith("<"):
        written = float(text.replace(",", "")) * scale.factor
        assert abs(written - largest * share) <= 0.501 * 10**-scale.n_decimals * scale.factor


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (4.0, "4 cores"), (1.0, "1 core"), (0.25, "0.25 cores"), (1 / 3, "0.33 cores"),
        (0.001, "<0.01 cores"), (1024.0, "1,024 cores"), (1.5, "1.5 cores"),
    ],
)  # fmt: skip
def test_parts_of_cores(amount, expected):
    assert filters.cores_text(amount) == expected
