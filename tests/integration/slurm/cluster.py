"""A real Slurm from Debian's packages: munge, MariaDB, slurmdbd, slurmctld and five slurmd."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .namespace import ROOT, Account, Namespace

NAME = "small"
NODES = ("a100-1", "a100-2", "v100-1", "cpu-1", "cpu-2")
PROGRAMS = (
    *("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb", "mariadb-install-db"),
    *("sacct", "sacctmgr", "sbatch", "sreport", "unshare", "nsenter", "ip", "mount"),
)
PATIENCE_S = 120.0
_CHECKOUT = Path(__file__).parents[3]
_USERS = ("alice", "bob", "carol", "erin", "zoe", "dave.müller", "auditor")
USERS = {name: Account(name, 20_001 + number) for number, name in enumerate(_USERS)}

# What an operator types once, one command a line, words separated by tabs.
_BOOKS = f"""
add\tcluster\t{NAME}
add\taccount\tphysics\tDescription=Physics\tOrganization=science
add\taccount\tml\tDescription=Machine learning | vision, "lab"\tOrganization=eng=cs
add\taccount\ta-long-account-name-for-climate-models\tparent=physics
add\taccount\ta|b
add\taccount\tacct with space
add\taccount\treserved
add\tqos\tlow,scav,high
modify\tqos\tscav\tset\tpreemptmode=cancel
modify\tqos\thigh\tset\tpriority=100\tpreempt=low,scav
add\tuser\talice\taccount=physics\tdefaultaccount=physics
add\tuser\talice\taccount=a|b
add\tuser\tbob\taccount=ml
add\tuser\tbob\taccount=acct with space
add\tuser\tcarol\taccount=ml,a-long-account-name-for-climate-models\tdefaultaccount=ml
add\tuser\terin\taccount=reserved
add\tuser\tzoe\taccount=physics
add\tuser\tdave.müller\taccount=ml
add\tuser\tauditor\taccount=root\tadminlevel=operator
modify\tuser\talice,bob,carol\tset\tqos=normal,low,scav,high\tdefaultqos=normal
add\tuser\talice\twckey=urgent
"""


def wait_until(true: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait until something holds.

    Raises
    ------
    TimeoutError
        It does not within `timeout_s`.
    """
    ends = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > ends:
            msg = f"gave up after {timeout_s:g} s: {what}"
            raise TimeoutError(msg)
        time.sleep(0.1)


class Slurm:
    """The cluster `small`, in namespaces and a folder of its own."""

    def __init__(self, base: Path) -> None:
        self.base = base
        base.chmod(0o755)
        for name in ("etc", "log", "state", "database", "gpu", "home"):
            (base / name).mkdir()
        for name in ("a0", "a1", "a2", "a3", "v0", "v1"):
            (base / "gpu" / name).touch()
        for user in USERS.values():
            self.home(user).mkdir()
            os.chown(self.home(user), user.uid, user.uid)
        for template in (Path(__file__).parent / "etc").iterdir():
            text = template.read_text().replace("@BASE@", str(base))
            (base / "etc" / template.name).write_text(text)
        (base / "etc" / "slurmdbd.conf").chmod(0o600)
        self._mariadbd: subprocess.Popen[bytes] | None = None
        reachable = tuple({_CHECKOUT, Path(sys.prefix), Path(sys.base_prefix)})
        self.namespace = Namespace(base, tuple(USERS.values()), reachable)

    def home(self, user: Account) -> Path:
        return self.base / "home" / user.name

    @property
    def conf(self) -> Path:
        return self.base / "etc" / "slurm.conf"

    def popen(
        self, *command: str, user: Account = ROOT, folder: Path | None = None, **how: object
    ) -> subprocess.Popen[bytes]:
        """Start a command inside, as somebody, in their home unless a folder is named."""
        place = folder or (self.base if user == ROOT else self.home(user))
        environment = {
            "SLURM_CONF": str(self.conf),
            "MYSQL_UNIX_PORT": str(self.base / "database.socket"),
            "USER": user.name,
            "HOME": str(place),
            **how.pop("environment", {}),
        }
        words = self.namespace.words(user, place, command)
        return subprocess.Popen(words, env=self.namespace.environment(environment), **how)

    def run(
        self, *command: str, user: Account = ROOT, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and wait for it."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        process = self.popen(*command, user=user, **pipes)
        out, err = process.communicate((stdin or "").encode(), timeout=120)
        return subprocess.CompletedProcess(
            command, process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
        )

    def ask(self, *command: str, user: Account = ROOT) -> str:
        """Return what a command that must not fail prints.

        Raises
        ------
        RuntimeError
            It failed.
        """
        done = self.run(*command, user=user)
        if done.returncode:
            msg = f"{command} ended with {done.returncode}: {done.stderr}"
            raise RuntimeError(msg)
        return done.stdout

    def sql(self, statements: str) -> str:
        """Run SQL on the accounting database; return rows, cells separated by tabs."""
        done = self._mariadb(f"use accounting;\n{statements}")
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def _mariadb(self, statements: str) -> subprocess.CompletedProcess[str]:
        socket = str(self.base / "database.socket")
        return self.run(
            "mariadb", "--no-defaults", "-S", socket, "-u", "root", "-N", stdin=statements
        )

    def start(self) -> None:
        """Bring everything up and write the accounting's books."""
        self._start_munge()
        self._start_database()
        self.start_slurmdbd()
        for line in _BOOKS.strip().splitlines():
            self.ask("sacctmgr", "-iQ", *line.split("\t"))
        self.start_slurmctld()
        for node in NODES:
            self.ask("slurmd", "-N", node)
        wait_until(self._nodes_are_up, "five idle nodes")

    def _start_munge(self) -> None:
        key, socket = self.base / "munge.key", self.base / "munge.socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = {"key-file": key, "socket": socket, "pid-file": self.base / "munged.pid"}
        files |= {"log-file": self.base / "log" / "munged.log", "seed-file": self.base / "seed"}
        self.ask("munged", "--force", *(f"--{name}={path}" for name, path in files.items()))

    def _start_database(self) -> None:
        # Its temporary files are called by process ids, which other namespaces have too.
        where = (f"--datadir={self.base / 'database'}", f"--tmpdir={self.base}", "--user=root")
        self.ask(
            *("mariadb-install-db", "--no-defaults", *where, "--skip-test-db"),
            "--auth-root-authentication-method=normal",
        )
        with (self.base / "log" / "mariadbd.log").open("wb") as log:
            self._mariadbd = self.popen(
                *("mariadbd", "--no-defaults", *where, "--skip-networking"),
                *("--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"),
                *("--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4"),
                f"--socket={self.base / 'database.socket'}",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._mariadb("").returncode == 0, "MariaDB")

    def start_slurmdbd(self) -> None:
        self.ask("slurmdbd")
        wait_until(
            lambda: self.run("sacctmgr", "-nP", "show", "cluster").returncode == 0, "slurmdbd"
        )

    def stop_slurmdbd(self) -> None:
        self._stop("slurmdbd")

    def start_slurmctld(self) -> None:
        self.ask("slurmctld")
        wait_until(lambda: self.run("scontrol", "ping").returncode == 0, "slurmctld")

    def stop_slurmctld(self) -> None:
        self._stop("slurmctld")

    def lose_state(self) -> None:
        """Begin anew with a slurmctld that has forgotten all jobs, and which ids it gave out."""
        self.stop_slurmctld()
        shutil.rmtree(self.base / "state")
        (self.base / "state").mkdir()
        self.start_slurmctld()

    def _stop(self, daemon: str) -> None:
        """End a daemon by its process id; its pid file goes when it has ended."""
        file = self.base / f"{daemon}.pid"
        pid = file.read_text().strip()
        self.ask("kill", f"-{signal.SIGTERM.value}", pid)
        wait_until(lambda: self.run("kill", "-0", pid).returncode != 0, f"{daemon} to end")

    def _nodes_are_up(self) -> bool:
        states = self.ask("sinfo", "-h", "-N", "-o", "%N %t").split("\n")
        return {line.split()[0] for line in states if line.endswith((" idle", " mix"))} == {*NODES}

    def end(self) -> None:
        """End all of it at once: what runs in the namespace ends with its first process."""
        self.namespace.end()
        if self._mariadbd is not None:
            self._mariadbd.wait(timeout=PATIENCE_S)

    def wait_until_ended(self, job_ids: set[str], timeout_s: float = 180.0) -> None:
        """Wait until the controller has none of these jobs pending, running or ending."""

        def none_left() -> bool:
            left = self.ask("squeue", "-h", "-a", "-o", "%A %F").split()
            return not job_ids & set(left)

        wait_until(none_left, f"jobs {sorted(job_ids)} to end", timeout_s)
