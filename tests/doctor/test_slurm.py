from datetime import timedelta
from pathlib import Path

import pytest

from auditor.collect.slurm_command import SlurmHost
from auditor.collect.slurm_rights import Rights
from auditor.doctor import slurm
from auditor.doctor.check import Status
from auditor.doctor.slurm import Needs, purge_check, range_check
from auditor.doctor.slurm_controller import (
    clock_check,
    gather_check,
    gpus_verdict,
    queue_verdict,
)
from auditor.doctor.slurm_facts import (
    ClockOffset,
    ask_gather_type,
    ask_offset,
    ask_version,
    has_gpus,
    runaway_jobs,
)
from tests.doctor.fake_slurm import FakeSlurm
from tests.doctor.house import DAY, HOUR, NOW

OK, WARNING, FAULT = Status
SECOND = timedelta(seconds=1)


def rights(keeps: timedelta | None = None, widest: timedelta | None = None, level: str = ""):
    return Rights("auditor", True, "", level, (), keeps, widest)


@pytest.mark.parametrize(
    ("keeps", "needs", "expected"),
    [
        (None, Needs(400, NOW - 4000 * DAY), OK),
        (365 * DAY, Needs(7, None), OK),
        (6 * DAY, Needs(7, None), FAULT),
        (30 * DAY, Needs(7, NOW - 28 * DAY), OK),
        (30 * DAY, Needs(7, NOW - 90 * DAY), WARNING),
    ],
    ids=["kept", "a year", "less than the look back", "since later", "since earlier"],
)
def test_the_purge_is_held_against_what_will_be_asked(keeps, needs, expected) -> None:
    assert purge_check("alpha", rights(keeps), needs, NOW).status == expected


@pytest.mark.parametrize(
    ("widest", "level", "expected"),
    [(None, "", OK), (DAY, "", OK), (HOUR / 2, "", WARNING), (HOUR / 2, "Operator", OK)],
    ids=["any", "a day", "half an hour", "half an hour, but for operators"],
)
def test_narrow_queries_are_told_to_who_is_bound_by_them(widest, level, expected) -> None:
    assert range_check("alpha", rights(widest=widest, level=level)).status == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (None, WARNING),
        (ClockOffset(SECOND, SECOND), OK),
        (ClockOffset(-30 * SECOND, SECOND), WARNING),
        (ClockOffset(30 * SECOND, 40 * SECOND), OK),
        (ClockOffset(HOUR, SECOND), FAULT),
        (ClockOffset(-HOUR, SECOND), FAULT),
    ],
    ids=["not told", "the same", "behind", "a slow answer", "an hour ahead", "an hour behind"],
)
def test_two_clocks_are_compared(offset, expected) -> None:
    assert clock_check("alpha", offset).status == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(None, None, WARNING), (0, 0, OK), (50, 10, OK), (50, 50, FAULT), (5000, 4000, FAULT)],
    ids=["not told", "empty", "shrinking", "stuck", "long"],
)
def test_the_queue_of_records_is_judged(before, after, expected) -> None:
    assert queue_verdict("alpha", before, after).status == expected


@pytest.mark.parametrize(
    ("is_tracked", "has_some", "expected"),
    [(True, True, OK), (False, False, OK), (False, True, FAULT), (None, True, WARNING)],
    ids=["tracked", "no GPUs", "not tracked", "not told"],
)
def test_gpus_must_be_recorded_where_there_are_any(is_tracked, has_some, expected) -> None:
    assert gpus_verdict("alpha", is_tracked, has_gpus=has_some).status == expected


@pytest.mark.parametrize(
    ("gather", "expected"),
    [
        ("jobacct_gather/cgroup", OK),
        ("jobacct_gather/none", WARNING),
        ("(null)", WARNING),
        (None, WARNING),
    ],
)
def test_usage_must_be_gathered(gather, expected) -> None:
    assert gather_check("alpha", gather).status == expected


@pytest.fixture
def fake(tmp_path: Path) -> FakeSlurm:
    slurm = FakeSlurm(tmp_path / "slurm")
    slurm.build(NOW)
    return slurm


@pytest.fixture
def host(fake: FakeSlurm) -> SlurmHost:
    return SlurmHost("alpha", path=str(fake.folder), timeout_s=20)


@pytest.mark.parametrize(
    ("said", "version"),
    [("slurm-wlm 22.05.8", (22, 5)), ("slurm 24.11.0-0rc2", (24, 11)), ("what?", None)],
)
def test_the_version_is_read(fake, host, said, version) -> None:
    fake.says("sacct-version", f"{said}\n")
    assert ask_version(host) == version


def test_what_gathers_usage_and_whether_there_are_gpus_is_read(fake, host) -> None:
    assert ask_gather_type(host) == "jobacct_gather/cgroup"
    assert has_gpus(host)
    fake.says("sinfo", "(null)\nlicence_gpus:2\n")
    assert not has_gpus(host)


def test_the_time_of_slurmctld_is_read_from_sdiag(fake, host) -> None:
    fake.sdiag_at(NOW - 90 * SECOND)
    offset = ask_offset(host, lambda: NOW)
    assert offset == ClockOffset(89.5 * SECOND, 0.5 * SECOND)
    fake.says("sdiag", "nothing\n")
    assert ask_offset(host, lambda: NOW) is None


START = int((NOW - 2 * HOUR).timestamp())


@pytest.mark.parametrize(
    ("accounting", "again", "found"),
    [
        (f"4711|RUNNING|{START}|Unknown\n", "", ()),
        (f"9|RUNNING|{START}|Unknown\n", f"9|RUNNING|{START}|Unknown\n", ("9",)),
        (f"9|RUNNING|{START}|Unknown\n", f"9|COMPLETED|{START}|{START + 9}\n", ()),
        (f"9|SUSPENDED|{START}|Unknown\n", f"9|SUSPENDED|{START}|Unknown\n", ("9",)),
        (f"9|RUNNING|{START + 7190}|Unknown\n", f"9|RUNNING|{START + 7190}|Unknown\n", ()),
        (f"9|PENDING|{START}|Unknown\n", "", ()),
    ],
    ids=["it runs", "runaway", "it ended meanwhile", "suspended for ever", "just begun", "pending"],
)
def test_runaways_run_in_accounting_alone(fake, host, accounting, again, found) -> None:
    fake.says("sacct", accounting)
    fake.says("sacct-jobs", again)
    assert runaway_jobs(host, NOW) == found


def test_who_cannot_ask_for_runaways_is_told_so(fake, host) -> None:
    fake.fails("squeue", "slurm_load_jobs error: Access denied\n", 1)
    check = slurm.runaway_check(host, NOW)
    assert (check.code, check.status) == ("slurm_runaway", WARNING)
