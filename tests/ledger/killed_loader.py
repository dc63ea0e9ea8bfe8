"""Load one export in a process that dies, as by `kill -9`, at a chosen moment."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from auditor.ledger import book, load_table, loading, staging
from auditor.ledger.ledger import Ledger

from .runs import MONDAY_S, View, batch, source

FIRST = [View(str(n), submit_s=MONDAY_S + n * 86400, cluster="ab"[n % 2]) for n in range(30)]
SECOND = [replace(view, rank=2, user="bob") for view in FIRST[10:20]]
SECOND += [View(str(n), submit_s=MONDAY_S + n * 86400, user="carol") for n in range(100, 120)]


def load_second(ledger: Ledger):
    """Load views of which ten supersede, twenty are new and one is a duplicate."""
    pieces = [SECOND[:15], SECOND[15:], SECOND[:1]]
    return ledger.load([batch(*piece) for piece in pieces], source("second"))


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def on_call(number: int, original: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    """Return the function, deadly at its n-th call."""
    calls = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and before:
            die()
        result = original(*args, **kwargs)
        if calls == number:
            die()
        return result

    return wrapped


# Moment: what dies, at which call, before or after it.
MOMENTS = {
    "journal written": (loading, "write_durably", 1, False),
    "first rows staged": (staging.StagedFiles, "add", 1, False),
    "a file half written": (staging.StagedFiles, "_finish", 2, True),
    "files closed": (staging.StagedFiles, "close", 1, False),
    "a file written again": (loading, "copy_rows", 2, False),
    "data not yet forced": (book, "sync_files", 1, True),
    "before the commit": (book, "CommitProperties", 1, False),
    "committed, log not forced": (book, "sync_files", 2, True),
    "before the desk": (load_table.LoadTable, "record", 1, True),
    "after the desk": (load_table.LoadTable, "record", 1, False),
}


if __name__ == "__main__":
    place, name, number, before = MOMENTS[sys.argv[2]]
    setattr(place, name, on_call(number, getattr(place, name), before=before))
    with Ledger.open(sys.argv[1], create=False) as opened:
        load_second(opened)
