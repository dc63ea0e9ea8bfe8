from datetime import timedelta

import pytest

from auditor.doctor.check import Status
from auditor.doctor.duty import (
    Rhythm,
    age_text,
    clock_check,
    collected_check,
    incident_checks,
    weeks_check,
)
from auditor.domain.incident import Incident, SourceState
from tests.doctor.house import DAY, HOUR, NOW

OK, WARNING, FAULT = Status
QUARTER = Rhythm(HOUR / 4, has_daemon=False)
WITH_DAEMON = Rhythm(HOUR / 4, has_daemon=True)
ONCE_A_DAY = Rhythm(DAY, has_daemon=False)


def collected(age: timedelta) -> SourceState:
    return SourceState("alpha", NOW - 30 * DAY, NOW - age, None)


@pytest.mark.parametrize(
    ("state", "rhythm", "expected"),
    [
        pytest.param(None, QUARTER, WARNING, id="never"),
        pytest.param(collected(HOUR / 4), QUARTER, OK, id="just now"),
        pytest.param(collected(1.9 * HOUR), QUARTER, OK, id="a restart ago"),
        pytest.param(collected(12 * HOUR), QUARTER, WARNING, id="a night ago"),
        pytest.param(collected(12 * HOUR), WITH_DAEMON, FAULT, id="by a daemon that hangs"),
        pytest.param(collected(27 * HOUR), QUARTER, FAULT, id="a day ago"),
        pytest.param(collected(27 * HOUR), ONCE_A_DAY, OK, id="by a timer once a day"),
        pytest.param(collected(-HOUR), QUARTER, OK, id="in time to come"),
    ],
)
def test_the_age_of_a_collection_is_judged(state, rhythm, expected) -> None:
    assert collected_check("alpha", state, rhythm, NOW).status == expected


@pytest.mark.parametrize(
    ("newest", "expected"),
    [(None, OK), (NOW, OK), (NOW + HOUR / 60, OK), (NOW + HOUR, FAULT), (NOW + 365 * DAY, FAULT)],
    ids=["nothing", "now", "a minute off", "an hour ahead", "a year ahead"],
)
def test_a_clock_that_was_set_back_is_found(newest, expected) -> None:
    assert clock_check(newest, NOW).status == expected


def incident(number: int) -> Incident:
    seen = NOW - number * HOUR
    return Incident("sacct alpha", "alpha", f"code_{number}", "text", "", seen, None, seen, seen)


def test_the_newest_incidents_are_shown_and_the_others_counted() -> None:
    checks = list(incident_checks([incident(number) for number in range(8)]))
    assert [check.status for check in checks] == [WARNING] * 6
    assert checks[0].found.startswith("code_0 since ")
    assert checks[-1].found.startswith("3 more")
    assert [check.status for check in incident_checks([])] == [OK]


@pytest.mark.parametrize(
    ("overdue", "began", "expected"),
    [
        ((), NOW, OK),
        (("2026-W40",), NOW, FAULT),
        (("2026-W40",), None, OK),
        (tuple(f"2026-W{week}" for week in range(10, 20)), NOW, FAULT),
    ],
    ids=["none", "one", "not on duty yet", "ten"],
)
def test_overdue_weeks_are_a_fault_of_who_is_on_duty(overdue, began, expected) -> None:
    check = weeks_check(overdue, 3, began)
    assert check.status == expected
    assert ("and 6 more" in check.found) == (len(overdue) == 10)


@pytest.mark.parametrize(("hours", "text"), [(0.5, "0.5 h"), (47, "47.0 h"), (60, "2.5 days")])
def test_an_age_is_told_in_a_unit_that_suits(hours: float, text: str) -> None:
    assert age_text(timedelta(hours=hours)) == text
