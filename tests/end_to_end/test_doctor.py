"""`auditor doctor` in a house where all is well, and in the same house with one thing spoilt.

Whatever is spoilt must be named by its own code, and nothing else may be said to be wrong.
"""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from auditor.cli.app import main
from auditor.domain.mail import MailState
from tests.doctor.house import DAY, HOUR, NOW, UNIT, House, build_house, grid_until, put_on_duty
from tests.doctor.mail_server import expired_certificate, mail_server
from tests.end_to_end.conftest import Done
from tests.fakes.certificates import Certificate, make_certificate

AUDITOR = Path(sys.executable).parent / "auditor"
IS_ROOT = os.geteuid() == 0
NOBODY = 65534


def _may_mount() -> bool:
    """Tell whether we have CAP_SYS_ADMIN, which is bit 21 of capabilities(7)."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> 21 & 1)


MAY_MOUNT = _may_mount()
# What no test can put right: whether the clock of this host is kept, and what lies below /tmp.
OF_THIS_HOST = {"host_clock", "host_memory", "ledger_disk", "ledger_space", "ledger_inodes"}
# Runs a command as somebody else who may still read the program, wherever it is installed.
AS_NOBODY = (
    f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"
    " --inh-caps=+dac_override --ambient-caps=+dac_override"
).split()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"), "DNS:localhost")


@pytest.fixture(scope="module")
def port(certificate: Certificate) -> Iterator[int]:
    with mail_server(certificate) as port:
        yield port


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate, port: int) -> House:
    """Return the healthy house; nobody may change it."""
    house = build_house(tmp_path_factory.mktemp("model") / "house", certificate.certificate)
    house.configure("port = 2525", f"port = {port}")
    done = run(house, "ingest", "--cluster", "alpha", "jobs.txt")
    assert done.code == 0, done.err
    put_on_duty(house)
    return house


@pytest.fixture
def house(model: House, tmp_path: Path) -> House:
    """Return a copy of the healthy house, to be spoilt."""
    shutil.copytree(model.folder, tmp_path / "house")
    return House(tmp_path / "house")


@pytest.fixture
def in_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(house).items():
        monkeypatch.setenv(name, value)
    for name in ("AUDITOR_CONFIG", "CREDENTIALS_DIRECTORY", "SLURM_CONF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(house.folder)


def environment(house: House) -> dict[str, str]:
    return {
        "AUDITOR_NOW": NOW.isoformat(),
        "SYSTEMD_UNIT_PATH": str(house.folder / "units"),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "80",
    }


def run(house: House, *words: str, before: tuple[str, ...] = ()) -> Done:
    """Run the installed command in a house."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [*before, AUDITOR, *words],
        cwd=house.folder,
        env=kept | environment(house),
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def trouble(document: str) -> dict[str, str]:
    """Return the codes that are not ok, with the worst status of each."""
    found: dict[str, str] = {}
    for check in json.loads(document)["checks"]:
        if check["status"] != "ok" and found.get(check["code"]) != "fault":
            assert check["hint"], check
            found[check["code"]] = check["status"]
    return found


@pytest.fixture
def examined(in_house, monkeypatch, capsys) -> Callable[[], tuple[int, dict[str, str]]]:
    """Return a function that runs the doctor here; it says the exit code and what is wrong."""

    def examine() -> tuple[int, dict[str, str]]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["auditor", "doctor", "--json"])
        with pytest.raises(SystemExit) as stopped:
            main()
        code = stopped.value.code
        return (code if isinstance(code, int) else 0), trouble(capsys.readouterr().out)

    return examine


def the_faults(found: dict[str, str]) -> dict[str, str]:
    return {code: status for code, status in found.items() if code not in OF_THIS_HOST}


def test_nothing_is_wrong_in_the_healthy_house(model: House) -> None:
    done = run(model, "doctor", "--json")
    assert the_faults(trouble(done.out)) == {}, done.out
    assert done.code == 0, done.err
    shown = run(model, "doctor", "--quick")
    assert shown.code == 0
    assert shown.out.splitlines()[-1].endswith("this host can do its job.")


def test_looking_changes_nothing(model: House) -> None:
    def contents() -> dict[str, tuple[int, bytes]]:
        paths = (path for path in model.folder.rglob("*") if path.is_file())
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes())
            for path in paths
            if path.suffix not in {".sqlite-wal", ".sqlite-shm"} and "answers" not in path.parts
        }

    before = contents()
    assert run(model, "doctor").code == 0
    assert contents() == before


def flip_a_byte(house: House) -> None:
    file = next((house.ledger / "book").rglob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x10
    file.write_bytes(content)


def damage_the_desk(house: House) -> None:
    with (house.ledger / "desk.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)


def come_from_the_future(house: House) -> None:
    connection = sqlite3.connect(house.ledger / "desk.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def lose_a_week(house: House) -> None:
    connection = sqlite3.connect(house.ledger / "desk.sqlite")
    connection.execute("DELETE FROM weeks")
    connection.commit()
    connection.close()


def set_collected(house: House, hours: float) -> None:
    """Set the cursor itself: it never goes back by itself."""
    moment_us = int((NOW + hours * HOUR).timestamp()) * 1_000_000
    connection = sqlite3.connect(house.ledger / "desk.sqlite")
    connection.execute("UPDATE sources SET collected_to_us = ?", (moment_us,))
    connection.commit()
    connection.close()


def ask_a_command(house: House, script: str) -> None:
    program = house.folder / "ldap-mail"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    house.configure('file = "addresses.csv"', f'command = ["{program}", "{{user}}"]')


def use_postfix(house: House) -> None:
    for name, mode in (("sendmail", 0o755), ("postdrop", 0o2755)):
        program = house.folder / "sbin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(mode)
    house.configure('transport = "smtp"', 'transport = "sendmail"')


Spoil = Callable[[House], object]
W, F = "warning", "fault"
SPOILT: dict[str, tuple[Spoil, dict[str, str]]] = {
    "an unknown key": (
        lambda house: house.configure("pue = 1.3", "pue = 1.3\nzoone = 1"),
        {"config_keys": F},
    ),
    "a sender and nobody who gets mail": (
        lambda house: [
            house.configure(line, "")
            for line in (
                'operators = ["hpc@example.org"]\n',
                '  file = "addresses.csv"\n',
                '  leads = "file"\n  file = "leads.csv"\n',
            )
        ],
        {"config_keys": F},
    ),
    "a configuration that all may write": (
        lambda house: house.configuration.chmod(0o666),
        {"config_file": F},
    ),
    "no such device": (
        lambda house: house.configure("NVIDIA A100-SXM4-80GB", "NVIDIA Z999"),
        {"config_names": F},
    ),
    "a missing program": (lambda house: house.slurm.remove("sacct"), {"slurm_programs": F}),
    "an old Slurm": (
        lambda house: house.slurm.says("sacct-version", "slurm 17.11.2\n"),
        {"slurm_version": W},
    ),
    "slurmdbd down": (lambda house: house.slurm.lose_slurmdbd(), {"slurmdbd": F}),
    "another cluster": (
        lambda house: house.slurm.says("sacctmgr-cluster", "beta\n"),
        {"slurm_cluster": F},
    ),
    "jobs purged too soon": (
        lambda house: house.slurm.change("sacctmgr-config", "24months", "3days"),
        {"slurm_purge": F},
    ),
    "a runaway job": (
        lambda house: house.slurm.says("squeue", "CLUSTER: alpha\n"),
        {"slurm_runaway": W},
    ),
    "slurmctld down": (
        lambda house: house.slurm.fails(
            "sdiag", "slurm_get_statistics: Unable to contact slurm controller (connect)\n", 1
        ),
        {"slurmctld": F},
    ),
    "another clock than Slurm's": (
        lambda house: house.slurm.sdiag_at(NOW - 2 * HOUR),
        {"slurm_clock": F},
    ),
    "records that wait for slurmdbd": (
        lambda house: house.slurm.sdiag_at(NOW, n_unsent=5000),
        {"slurm_dbd_queue": F},
    ),
    "GPUs not tracked": (
        lambda house: house.slurm.change("scontrol-config", ",gres/gpu,gres/gpu:a100", ""),
        {"slurm_gpus": F},
    ),
    "usage not gathered": (
        lambda house: house.slurm.change("scontrol-config", "/cgroup", "/none"),
        {"slurm_gather": W},
    ),
    "no ledger folder": (lambda house: shutil.rmtree(house.ledger), {"ledger_folder": F}),
    "a ledger that all may read": (lambda house: house.ledger.chmod(0o755), {"ledger_mode": F}),
    "half a ledger": (lambda house: shutil.rmtree(house.ledger / "book"), {"ledger_books": F}),
    "a schema from the future": (come_from_the_future, {"ledger_schema": F}),
    "a flipped byte": (flip_a_byte, {"ledger_integrity": F}),
    "a damaged desk": (damage_the_desk, {"ledger_integrity": F}),
    "a stopped daemon": (lambda house: set_collected(house, -71), {"collect_age": F}),
    "a daemon that was away for the night": (
        lambda house: set_collected(house, -12),
        {"collect_age": W},
    ),
    "a clock set back": (lambda house: set_collected(house, 30), {"ledger_clock": F}),
    "an open incident": (lambda house: house.is_short(), {"incidents": W}),
    "a week that was never published": (lose_a_week, {"week_overdue": F}),
    "a stale grid file": (
        lambda house: (house.folder / "grid.csv").write_text(grid_until(NOW - 6 * DAY)),
        {"grid_coverage": F},
    ),
    "a grid file that ends on the way": (
        lambda house: (house.folder / "grid.csv").write_text(grid_until(NOW - 30 * HOUR)),
        {"grid_coverage": F},
    ),
    "no grid file": (lambda house: (house.folder / "grid.csv").unlink(), {"grid_source": F}),
    "no grid source": (
        lambda house: house.configure('zone = "DE"\nsource', 'zone = "NO"\nsource'),
        {"grid_source": W},
    ),
    "a password that all may read": (
        lambda house: (house.folder / "password").chmod(0o644),
        {"mail_credential": F},
    ),
    "a wrong password": (
        lambda house: (house.folder / "password").write_text("guess\n"),
        {"mail_login": F},
    ),
    "an untrusted certificate": (
        lambda house: house.configure('  ca_file = "ca.pem"\n', ""),
        {"mail_certificate": F},
    ),
    "a parked mail": (
        lambda house: house.mailed(MailState.PARKED, "550 no such user", NOW - DAY),
        {"mail_parked": W},
    ),
    "a mail that waits": (
        lambda house: house.mailed(MailState.QUEUED, "450 later", NOW - 2 * DAY),
        {"mail_waiting": F},
    ),
    "a command for addresses that fails": (
        lambda house: ask_a_command(house, "exit 1"),
        {"mail_addresses": F},
    ),
    "a user without address": (
        lambda house: ask_a_command(house, 'test "$1" = bob || echo "$1@example.org"'),
        {"mail_without_address": W},
    ),
    "no file of addresses": (
        lambda house: (house.folder / "addresses.csv").unlink(),
        {"mail_addresses": F},
    ),
    "no file of leads": (lambda house: (house.folder / "leads.csv").unlink(), {"mail_leads": F}),
    "no sendmail": (
        lambda house: house.configure('transport = "smtp"', 'transport = "sendmail"'),
        {"mail_sendmail": F},
    ),
    "a sandbox that sendmail cannot work in": (use_postfix, {"mail_sandbox": F}),
}


@pytest.mark.parametrize(("spoil", "expected"), SPOILT.values(), ids=SPOILT)
def test_each_fault_is_named_and_no_other(house: House, examined, spoil, expected) -> None:
    spoil(house)
    code, found = examined()
    assert the_faults(found) == expected
    assert code == (5 if F in expected.values() else 0)


def test_several_faults_are_all_named(house: House) -> None:
    chosen = (
        "a configuration that all may write",
        "slurmdbd down",
        "a ledger that all may read",
        "a flipped byte",
        "an open incident",
        "no grid file",
        "a wrong password",
        "no file of addresses",
    )
    expected: dict[str, str] = {}
    for name in chosen:
        spoil, codes = SPOILT[name]
        spoil(house)
        expected |= codes
    done = run(house, "doctor", "--json")
    assert the_faults(trouble(done.out)) == expected
    assert done.code == 5
    shown = run(house, "doctor")
    assert shown.code == 5
    assert all(f"[{code}]" in shown.out for code in expected)
    # Only a path that fits nowhere may go beyond the edge.
    assert [
        row
        for row in shown.out.splitlines()
        if len(row) > 80 and " " in row[34:].strip() and "hint" not in row
    ] == []
    assert "guess" not in done.out + shown.out
    assert "\x1b" not in shown.out


def test_an_unreadable_configuration_is_a_fault_and_the_host_is_still_looked_at(house) -> None:
    house.configuration.write_text("[site\n")
    done = run(house, "doctor", "--json")
    assert the_faults(trouble(done.out)) == {"config_file": F}
    assert done.code == 5
    assert "Host" in {check["group"] for check in json.loads(done.out)["checks"]}


def test_who_is_no_operator_is_told_the_command(model: House) -> None:
    # Not below the folders of pytest, into which nobody else may look.
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder) / "house")
        shutil.copytree(model.folder, house.folder)
        house.slurm.says("sacctmgr-user", "\n")
        give_away(Path(folder), NOBODY if IS_ROOT else os.geteuid())
        done = run(house, "doctor", "--json", before=tuple(AS_NOBODY) if IS_ROOT else ())
    assert the_faults(trouble(done.out)) == {"slurm_rights": F}, done.out
    (hint,) = (one["hint"] for one in json.loads(done.out)["checks"] if one["status"] == F)
    assert "account=root adminlevel=operator" in hint


def give_away(folder: Path, uid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, uid)


@pytest.mark.parametrize(
    ("certificate_of", "code"),
    [(expired_certificate, "mail_certificate"), (None, "mail_starttls")],
    ids=["an expired certificate", "no STARTTLS"],
)
def test_a_mail_server_that_is_not_safe(house, examined, certificate_of, code) -> None:
    certificate = None
    if certificate_of is not None:
        certificate = certificate_of(house.folder)
        shutil.copy(certificate.certificate, house.folder / "ca.pem")
    with mail_server(certificate) as port:
        configured = house.configuration.read_text()
        line = next(line for line in configured.splitlines() if line.startswith("  port = "))
        house.configure(line, f"port = {port}")
        assert the_faults(examined()[1]) == {code: F}
    # Nobody serves there now.
    assert the_faults(examined()[1]) == {"mail_server": F}


_HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(120)
"""


def test_a_stopped_process_that_holds_the_ledger(house: House, examined) -> None:
    words = [sys.executable, "-c", _HOLDER, str(house.ledger / "lock")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            assert the_faults(examined()[1]) == {"ledger_lock": W}
            os.kill(holder.pid, signal.SIGSTOP)
            assert the_faults(examined()[1]) == {"ledger_lock": F}
        finally:
            holder.kill()


def test_a_daemon_that_is_there_must_not_be_late(house: House, examined) -> None:
    set_collected(house, -12)
    with (house.ledger / "daemon.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert the_faults(examined()[1]) == {"collect_age": F}


if IS_ROOT:

    def test_a_folder_of_a_user_who_is_gone(house: House, examined) -> None:
        give_away(house.ledger, 54321)
        assert the_faults(examined()[1]) == {"ledger_owner": F}

    def test_a_ledger_that_belongs_to_another_user(house: House, examined) -> None:
        give_away(house.ledger, NOBODY)
        assert the_faults(examined()[1]) == {"ledger_owner": W}

    def test_files_that_somebody_else_left(house: House, examined) -> None:
        os.chown(house.ledger / "desk.sqlite", NOBODY, NOBODY)
        assert the_faults(examined()[1]) == {"ledger_files": F}


if MAY_MOUNT:

    def test_a_disk_that_is_too_small(house: House, examined, tmp_path: Path) -> None:
        small = tmp_path / "small"
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=500,mode=0700", "none", small]
        subprocess.run(mount, check=True)
        try:
            shutil.copytree(house.ledger, small, dirs_exist_ok=True)
            house.configure('path = "ledger"', f'path = "{small}"')
            small.chmod(0o700)
            found = examined()[1]
            assert {
                code: found.pop(code) for code in OF_THIS_HOST & found.keys() - {"host_clock"}
            } == {
                "ledger_disk": W,
                "ledger_space": F,
                "ledger_inodes": F,
            }
            assert the_faults(found) == {}
        finally:
            subprocess.run(["umount", small], check=True)


def test_a_password_that_systemd_gives_to_the_service_is_read_from_there(house, examined) -> None:
    secret = house.folder / "secret"
    (house.folder / "password").rename(secret)
    (house.folder / "units" / "auditor.service").write_text(
        f"{UNIT}LoadCredential=other:/nowhere\nLoadCredential=password:{secret}\n"
    )
    assert the_faults(examined()[1]) == {}
    secret.write_text("guess\n")
    assert the_faults(examined()[1]) == {"mail_login": F}
    secret.unlink()
    assert the_faults(examined()[1]) == {"mail_credential": F}


def test_the_sandbox_lets_a_sendmail_work_that_needs_no_right(house: House, examined) -> None:
    use_postfix(house)
    (house.folder / "units" / "auditor.service").write_text(UNIT.replace("=yes", "=no"))
    assert the_faults(examined()[1]) == {}
