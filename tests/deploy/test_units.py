"""The shipped units hold what they promise, as systemd's own tools judge them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
SYSTEMD = DEPLOY / "systemd"
PAGE = DEPLOY.parent / "docs" / "deploy.md"
SERVICES = ("auditor.service", "auditor-once.service")
_MOST_EXPOSURE = 1.5
_PROGRAM = "/opt/auditor/bin/auditor"


def _run(program: str, *words: str | Path) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _settings(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / name).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_exposed(name: str) -> None:
    told = _run("systemd-analyze", "security", "--offline=yes", "--no-pager", SYSTEMD / name)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert level is not None
    assert float(level[1]) <= _MOST_EXPOSURE
    assert f"gives {level[1]} " in PAGE.read_text(encoding="utf-8")


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    units = []
    for name in (*SERVICES, "auditor-once.timer"):
        text = (SYSTEMD / name).read_text(encoding="utf-8")
        # The program is installed where the pages say, and hardly on the host of a test.
        units.append(tmp_path / name)
        units[-1].write_text(text.replace(_PROGRAM, sys.executable), encoding="utf-8")
    assert _run("systemd-analyze", "verify", "--man=no", *units) == ""


def test_a_round_has_the_sandbox_of_the_service() -> None:
    service, once = (_settings(name) for name in SERVICES)
    # How it is started and watched is all that may differ.
    of_the_daemon = {
        "Description", "Type", "NotifyAccess", "ExecStart", "ExecReload", "Restart", "RestartSec",
        "RestartPreventExitStatus", "WatchdogSec", "WantedBy", "StartLimitIntervalSec",
        "TimeoutStartSec",
    }  # fmt: skip
    differing = {key for key in service | once if service.get(key) != once.get(key)}
    assert differing == of_the_daemon


def test_pages_are_for_a_group_and_nobody_else() -> None:
    for name in SERVICES:
        assert _settings(name)["UMask"] == ["0027"]
        assert _settings(name)["StateDirectoryMode"] == ["0700"]
    assert "auditor umask 027; " in (DEPLOY / "cron" / "auditor").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_slurm_and_munge_know_who_we_are(name: str) -> None:
    settings = _settings(name)
    # munged asks the kernel for our uid: a user of its own namespace would be nobody to it.
    assert settings["PrivateUsers"] == ["no"]
    assert settings["User"] == ["auditor"]
    assert "DynamicUser" not in settings


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_left_exposed_has_its_reason(name: str) -> None:
    told = _run("systemd-analyze", "security", "--offline=yes", "--no-pager", SYSTEMD / name)
    exposed = set(re.findall(r"^✗ ([A-Z]\w+)", told, re.MULTILINE))
    reasons = (SYSTEMD / name).read_text(encoding="utf-8").partition("# Exceptions")[2]
    # DeviceAllow is the clock, which ProtectClock lets be read.
    names = {"RootDirectory", "RestrictAddressFamilies", "PrivateNetwork", "PrivateUsers",
             "IPAddressDeny", "DeviceAllow", "UMask"}  # fmt: skip
    assert exposed <= names
    assert [word for word in exposed - {"DeviceAllow"} if word not in reasons] == []


def test_the_watchdog_leaves_time_to_feed_it() -> None:
    (seconds,) = _settings("auditor.service")["WatchdogSec"]
    assert int(seconds) >= 60
    assert _settings("auditor.service")["Type"] == ["notify"]


def test_a_round_that_was_missed_is_made_up_for() -> None:
    timer = _settings("auditor-once.timer")
    assert timer["Persistent"] == ["true"]
    assert int(timer["RandomizedDelaySec"][0]) > 0
    told = _run("systemd-analyze", "calendar", "--iterations=2", timer["OnCalendar"][0])
    assert "Normalized form: *-*-* *:00/15:00" in told


def test_the_user_is_made_as_systemd_reads_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    _run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "auditor.sysusers")
    (line,) = [
        line
        for line in (tmp_path / "etc" / "passwd").read_text(encoding="utf-8").splitlines()
        if line.startswith("auditor:")
    ]
    assert line.endswith(":/var/lib/auditor:/usr/sbin/nologin")


def test_folders_are_made_as_systemd_reads_them(tmp_path: Path) -> None:
    lines = (SYSTEMD / "auditor.tmpfiles").read_text(encoding="utf-8")
    folder = tmp_path / "tmpfiles.conf"
    # Who owns them is for a host that has the user, and for root.
    folder.write_text(re.sub(r" (root|auditor) +(root|auditor) ", " - - ", lines), encoding="utf-8")
    _run("systemd-tmpfiles", "--create", f"--root={tmp_path}", folder)
    modes = {
        name: (tmp_path / name).stat().st_mode & 0o777
        for name in ("etc/auditor", "etc/auditor/credentials", "var/lib/auditor")
    }
    assert modes == {
        "etc/auditor": 0o755,
        "etc/auditor/credentials": 0o700,
        "var/lib/auditor": 0o700,
    }


def test_cron_runs_a_round_as_the_user() -> None:
    text = (DEPLOY / "cron" / "auditor").read_text(encoding="utf-8")
    assert text.endswith("\n")
    (line,) = [line for line in text.splitlines() if line[:1] in {"*", *"0123456789"}]
    when, user, command = line.split(None, 5)[:5], *line.split(None, 6)[5:]
    assert when == ["*/15", "*", "*", "*", "*"]
    assert user == "auditor"
    assert f"{_PROGRAM} daemon --once" in command
    # Cron reads a percent sign as the end of the line (crontab(5)).
    assert "%" not in command


@pytest.mark.parametrize("name", SERVICES)
def test_no_library_makes_a_thread_for_each_core(name: str) -> None:
    environment = " ".join(_settings(name)["Environment"])
    for variable in ("OMP", "OPENBLAS", "RAYON"):
        assert f"{variable}_NUM_THREADS=" in environment
    assert "TOKIO_WORKER_THREADS=" in environment
    # DuckDB hears none of them: what opens it says how many.
    opened = [
        match
        for path in (DEPLOY.parent / "auditor").rglob("*.py")
        for match in re.findall(r"duckdb\.connect\((.*?)\)", path.read_text(encoding="utf-8"))
    ]
    assert set(opened) == {"config=ENGINE"}
