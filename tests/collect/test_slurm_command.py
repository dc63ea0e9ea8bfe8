"""One command: nothing of our environment in it, and no answer that cannot be trusted out of it."""

import os
import time
from pathlib import Path

import pytest

from auditor.collect.errors import CollectError, one_line
from auditor.collect.slurm_command import SlurmHost, run_text
from tests.collect.fake_slurm import DATABASE_DOWN, FakeSlurm


def test_a_command_gets_an_environment_of_its_own(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("SACCT_FORMAT", "JobID"),
        ("TZ", "Asia/Kathmandu"),
        ("SLURM_TIME_FORMAT", "relative"),
        ("LD_PRELOAD", ""),
    ):
        monkeypatch.setenv(name, value)
    run_text(SlurmHost("alpha", str(slurm.folder), conf="/x/slurm.conf"), ["sacct", "-e"])
    run_text(slurm.host(), ["sacct", "-e"])
    with_conf, without = (call["environment"] for call in slurm.calls("sacct"))
    assert with_conf == {
        "PATH": str(slurm.folder),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SLURM_TIME_FORMAT": "%s",
        "SLURM_BITSTR_LEN": "0",
        "SLURM_CONF": "/x/slurm.conf",
    }
    assert set(with_conf) - set(without) == {"SLURM_CONF"}


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        pytest.param(
            {"code": 1, "stderr": DATABASE_DOWN.format(program="sacct")},
            "slurmdbd_down", "accounting does not answer", id="slurmdbd down"),
        pytest.param({"code": 111, "stderr": "sacct: error: DBD_GET_JOBS_COND failure\n"},
            "slurmdbd_down", "does not answer", id="slurmdbd dies while it answers"),
        pytest.param({"code": 95, "stderr": "sacct: error: Too wide of a date range in query\n"},
            "sacct_failed", "Too wide", id="window too wide"),
        pytest.param({"code": 1, "stderr": 'sacct: error: Invalid field requested: "Planned"\n'},
            "sacct_failed", "Invalid field", id="unknown field"),
        pytest.param({"code": 2}, "sacct_failed", "ended with code 2 and said nothing", id="code"),
        pytest.param({"code": 0, "stderr": "sacct: error: something\n"},
            "sacct_failed", "complained", id="complaint with code 0"),
        pytest.param({"code": 0, "stderr": "a\x1b[2Jb\u202ec\nd"},
            "sacct_failed", "a?[2Jb?c; d", id="hostile complaint"),
    ],
)  # fmt: skip
def test_no_answer(slurm: FakeSlurm, fault: dict[str, object], code: str, words: str) -> None:
    slurm.change(faults={"sacct": fault})
    with pytest.raises(CollectError) as caught:
        run_text(slurm.host(), ["sacct", "-e"])
    assert (caught.value.code, caught.value.exit_code) == (code, 75)
    assert words in str(caught.value)
    assert caught.value.hint


def test_a_missing_program_and_one_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "sacct").write_bytes(b"\x7fELF no program")
    (tmp_path / "sacct").chmod(0o755)
    for program in ("sacct", "sinfo"):
        with pytest.raises(CollectError) as caught:
            run_text(SlurmHost("alpha", str(tmp_path)), [program])
        assert caught.value.code == "slurm_missing"
        assert program in str(caught.value)


def test_a_timeout_ends_the_command_and_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "sacct").write_text(f"#!/bin/sh\nsleep 60 & echo $! > {tmp_path}/child; wait\n")
    (tmp_path / "sacct").chmod(0o755)
    with pytest.raises(CollectError) as caught:
        run_text(SlurmHost("alpha", f"{tmp_path}:/usr/bin:/bin", timeout_s=2.0), ["sacct", "-e"])
    assert caught.value.code == "timeout"
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 30
    while _lives(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _lives(process: int) -> bool:
    """A process that ended and that nobody waited for (a zombie) is not alive."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_what_a_program_said_is_one_short_line() -> None:
    assert one_line("a\n\n  b\r\n") == "a; b"
    assert len(one_line("x" * 10_000)) == 400
