"""Namespaces of one's own for network, processes and mounts: what runs in them leaves no trace."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc")


@dataclass(frozen=True)
class Account:
    """Somebody who runs commands in the namespace."""

    name: str
    uid: int

    @property
    def passwd_line(self) -> str:
        return f"{self.name}:x:{self.uid}:{self.uid}::/:/bin/sh\n"

    @property
    def group_line(self) -> str:
        return f"{self.name}:x:{self.uid}:\n"


ROOT = Account("root", 0)


class Namespace:
    """Processes that see only each other, `lo`, and users whom the host does not know."""

    def __init__(self, base: Path, users: tuple[Account, ...], reachable: tuple[Path, ...]) -> None:
        (base / "etc").mkdir(exist_ok=True)
        for name, lines in (
            ("passwd", [user.passwd_line for user in users]),
            ("group", [user.group_line for user in users]),
        ):
            host = (Path("/etc") / name).read_text()
            # Ours come first, and so win over users of the host that are called the same.
            (base / "etc" / name).write_text("".join(lines) + host)
        first = Path(__file__).with_name("first_process.py")
        self._unshare = subprocess.Popen(
            [*UNSHARE, sys.executable, first, base, *reachable],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if self._unshare.stdout.readline() != b"ready\n":
            self.end()
            msg = f"no namespace: unshare ended with {self._unshare.returncode}"
            raise RuntimeError(msg)
        pid = self._unshare.pid
        (self.first_pid,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def words(self, account: Account, folder: Path, command: tuple[str, ...]) -> list[str]:
        """Return the command line that runs a command inside, from outside."""
        who = [] if account == ROOT else [f"--setuid={account.uid}", f"--setgid={account.uid}"]
        into = [f"--target={self.first_pid}", "--net", "--mount", "--pid", f"--wd={folder}"]
        return ["nsenter", *into, *who, "--", *command]

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", **extra}

    def end(self) -> None:
        """End the first process, and by that all others; wait until they are gone."""
        self._unshare.stdin.close()
        self._unshare.stdout.close()
        self._unshare.wait(timeout=60)
