import pytest

from auditor.doctor.check import Status
from auditor.doctor.clock_sync import ClockSync, chrony_is_synchronised, clock_sync
from auditor.doctor.host import (
    available_bytes,
    clock_check,
    host_checks,
    memory_check,
    missing_files,
    shipped_check,
)

OK, WARNING, FAULT = Status
MIB = 1024**2
# As chronyc 4.3 prints it.
TRACKING = """\
Reference ID    : C0A80001 (192.168.0.1)
Stratum         : 3
Ref time (UTC)  : Mon Nov 23 05:00:00 2026
System time     : 0.000012345 seconds fast of NTP time
Leap status     : {leap}
"""


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (TRACKING.format(leap="Normal"), True),
        (TRACKING.format(leap="Insert second"), True),
        (TRACKING.format(leap="Not synchronised"), False),
        ("506 Cannot talk to daemon\n", False),
        ("", False),
    ],
    ids=["normal", "leap second", "not synchronised", "no daemon", "no chrony"],
)
def test_chrony_is_understood(answer: str, expected: bool) -> None:
    assert chrony_is_synchronised(answer) == expected


def test_a_clock_that_nobody_keeps_is_a_warning() -> None:
    assert clock_check(ClockSync(is_synchronised=False, witness="")).status == WARNING
    assert clock_check(ClockSync(is_synchronised=True, witness="chrony")).status == OK


def test_the_kernel_can_be_asked() -> None:
    found = clock_sync()
    assert found.is_synchronised == bool(found.witness)


@pytest.mark.parametrize(
    ("available", "expected"),
    [(None, WARNING), (100 * MIB, FAULT), (500 * MIB, WARNING), (4000 * MIB, OK)],
    ids=["not told", "too little", "little", "enough"],
)
def test_memory_is_judged(available, expected) -> None:
    assert memory_check(available).status == expected


def test_available_memory_is_read() -> None:
    assert available_bytes("MemTotal:  8000 kB\nMemAvailable:    4096 kB\n") == 4 * MIB
    assert available_bytes("MemTotal:  8000 kB\n") is None


def test_all_that_ships_is_there() -> None:
    assert missing_files() == ()
    assert shipped_check(("templates/page.css",)).status == FAULT


def test_the_host_of_the_tests_has_what_it_takes() -> None:
    found = {check.code: check.status for check in host_checks()}
    assert found["host_shipped"] == found["host_program"] == found["host_timezones"] == OK
