"""The desk's file and the writer's lock, looked at without opening the ledger.

Opening a ledger of an older program brings its tables up to date; a doctor changes nothing.
"""

import fcntl
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.1
_LOCKS = Path("/proc/locks")


@dataclass(frozen=True)
class DeskFacts:
    """What the desk's file says; `schema` is None where it cannot be read, for `trouble`.

    `has_log`: it is written ahead, as it should be; a copy out of a backup may not be.
    """

    schema: int | None
    trouble: str
    has_log: bool = True


@dataclass(frozen=True)
class LockFacts:
    """Who holds a lock; `pid` is None where nobody does, or where the kernel does not tell."""

    is_held: bool
    pid: int | None = None
    command: str = ""
    state: str = ""


def desk_facts(path: Path) -> DeskFacts:
    """Read the number of the desk's schema and let SQLite look over its pages."""
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)
    except sqlite3.Error as error:
        return DeskFacts(None, str(error))
    try:
        mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
        schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
        broken = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return DeskFacts(None, str(error))
    finally:
        connection.close()
    if broken != ["ok"]:
        return DeskFacts(None, "; ".join(broken))
    return DeskFacts(schema, "", has_log=mode == "wal")


def lock_facts(path: Path, patience_s: float) -> LockFacts:
    """Tell whether one process holds the lock file all the while. [s]."""
    deadline = time.monotonic() + patience_s
    while is_locked(path):
        if time.monotonic() >= deadline:
            pid = holder_of(path, _LOCKS.read_text(encoding="ascii") if _LOCKS.exists() else "")
            return LockFacts(True, pid, *_process(pid))  # noqa: FBT003  (a fact's first field)
        time.sleep(_POLL_S)
    return LockFacts(is_held=False)


def is_locked(path: Path) -> bool:
    """Try a lock file for an instant; without the file nobody holds it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder_of(path: Path, locks: str) -> int | None:
    """Find the process that locked a file in proc_locks(5)."""
    inode = str(path.stat().st_ino)
    for line in locks.splitlines():
        words = line.split()
        if "FLOCK" in words and "->" not in words and words[5].rpartition(":")[2] == inode:
            return int(words[4]) if int(words[4]) > 0 else None
    return None


def _process(pid: int | None) -> tuple[str, str]:
    """Return the command line and the state of a process, proc_pid_stat(5); '' if unknown."""
    if pid is None:
        return "", ""
    folder = Path("/proc") / str(pid)
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
        stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    command = b" ".join(words).decode("utf-8", errors="replace").strip()
    return command, stat.rpartition(")")[2].split()[0]
