"""One daemon for one ledger."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor.errors import LedgerError

LOCK_NAME = "daemon.lock"


@contextmanager
def only_daemon(folder: Path) -> Iterator[None]:
    """Hold the ledger's `daemon.lock` for the block; the kernel lets go of it if we die.

    Raises
    ------
    LedgerError
        Another daemon holds it, or it cannot be made.
    """
    path = folder / LOCK_NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    except OSError as error:
        msg = f"the lock of the daemon cannot be made: {error}"
        raise LedgerError(msg, hint="Check who owns the ledger's folder.") from error
    try:
        _acquire(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        process = f", process {holder}" if holder.isdecimal() else ""
        msg = f"another daemon is on duty for the ledger in {folder}{process}"
        hint = "One is enough; `systemctl status auditor` shows it."
        raise LedgerError(msg, hint=hint) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
