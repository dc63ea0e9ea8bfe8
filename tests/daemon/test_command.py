"""`auditor daemon` as it is typed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditor.cli.app import app
from auditor.daemon import run


def _auditor(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "auditor"
    return subprocess.run(
        [program, *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_round_with_nothing_to_do_is_done(tmp_path: Path) -> None:
    (tmp_path / "auditor.toml").write_text('[ledger]\npath = "ledger"\n', encoding="utf-8")
    done = _auditor(tmp_path, "--config", "auditor.toml", "daemon", "--once")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "ledger" / "desk.sqlite").exists()


def test_a_cluster_that_cannot_be_asked_is_told_and_gives_the_code(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "auditor.toml").write_text(
        '[ledger]\npath = "ledger"\n[[clusters]]\nname = "alpha"\ncollect = "sacct"\n'
        'slurm_bin = "bin"\n',
        encoding="utf-8",
    )
    done = _auditor(tmp_path, "--config", "auditor.toml", "daemon", "--once")
    assert done.returncode == 75
    (line,) = done.stderr.splitlines()
    assert " error: collect: " in line


def test_without_a_configuration_it_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.settings.load.SYSTEM_FILE", tmp_path / "none")
    monkeypatch.delenv("AUDITOR_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "begin_log", lambda **_: pytest.fail("begun"))
    done = CliRunner().invoke(app, ["daemon"])
    assert "there is no configuration file" in str(done.exception)
    assert getattr(done.exception, "exit_code", None) == 6


def test_a_mail_server_that_hangs_up_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The command itself lets a closed pipe end it; the daemon writes to sockets.
    found = []
    monkeypatch.setattr(run, "run_once", lambda *_: found.append(signal.getsignal(signal.SIGPIPE)))
    earlier = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        CliRunner().invoke(app, ["daemon", "--once"])
    finally:
        signal.signal(signal.SIGPIPE, earlier)
    assert found == [signal.SIG_IGN]
