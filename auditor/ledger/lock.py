"""One writer at a time; readers never wait."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor.errors import LedgerError
from auditor.ledger.ownership import lock_refused, refuse_root_of_others

_POLL_S = 0.05


@contextmanager
def writer_lock(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock file for the length of the block; the kernel lets go of it if we die.

    Raises
    ------
    LedgerError
        Another writer held it for longer than `timeout_s` seconds, or it cannot be made.
    LedgerNotPermittedError
        The file is another user's, or we are root and its folder is another user's.
    """
    refuse_root_of_others(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except PermissionError as error:
        raise lock_refused(path) from error
    except OSError as error:
        msg = f"the lock {path} cannot be made: {error.strerror}"
        raise LedgerError(msg, hint="Check the folder and what is free.") from error
    try:
        _acquire(descriptor, path, timeout_s)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                msg = f"another process is writing to the ledger ({path}), waited {timeout_s:g} s"
                hint = "Wait for the running `auditor ingest` or daemon to finish, then repeat."
                raise LedgerError(msg, hint=hint) from None
            time.sleep(_POLL_S)
        else:
            return
