import fcntl
import os
import sqlite3
from pathlib import Path

import pytest

from auditor.doctor.check import Status
from auditor.doctor.desk_file import (
    DeskFacts,
    LockFacts,
    desk_facts,
    holder_of,
    is_locked,
    lock_facts,
)
from auditor.doctor.ledger import lock_check, schema_check
from auditor.ledger.migrations import MIGRATIONS

OK, WARNING, FAULT = Status
NOW = len(MIGRATIONS)


@pytest.mark.parametrize(
    ("facts", "code", "expected"),
    [
        (DeskFacts(NOW, ""), "ledger_schema", OK),
        (DeskFacts(NOW - 1, ""), "ledger_schema", WARNING),
        (DeskFacts(NOW + 1, ""), "ledger_schema", FAULT),
        (DeskFacts(NOW, "", has_log=False), "ledger_schema", WARNING),
        (DeskFacts(None, "malformed"), "ledger_integrity", FAULT),
    ],
    ids=["this one", "older", "newer", "a restored copy", "damaged"],
)
def test_the_schema_is_compared(facts, code, expected) -> None:
    check = schema_check(facts)
    assert (check.code, check.status) == (code, expected)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (LockFacts(False), OK),
        (LockFacts(True), WARNING),
        (LockFacts(True, 17, "auditor collect", "S"), WARNING),
        (LockFacts(True, 17, "auditor collect", "T"), FAULT),
    ],
    ids=["free", "by somebody", "by a collection", "by one that was stopped"],
)
def test_a_lock_is_judged(facts, expected) -> None:
    assert lock_check(facts).status == expected


def test_a_desk_is_read_without_being_written(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.execute("CREATE TABLE one (number INTEGER)")
    connection.close()
    before = path.read_bytes()
    assert desk_facts(path) == DeskFacts(7, "", has_log=False)
    assert path.read_bytes() == before
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    assert desk_facts(path).schema is None
    assert desk_facts(tmp_path / "gone.sqlite").schema is None


def test_the_holder_of_a_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert lock_facts(path, 0.0) == LockFacts(False)
    with path.open("w") as file:
        assert not is_locked(path)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_locked(path)
        found = lock_facts(path, 0.0)
    assert found.is_held
    assert found.pid in {os.getpid(), None}
    assert not is_locked(path)


def test_who_waits_for_a_lock_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    inode = path.stat().st_ino
    # As in proc_locks(5).
    locks = (
        "1: POSIX  ADVISORY  WRITE 12 fd:00:77 0 EOF\n"
        f"2: FLOCK  ADVISORY  WRITE 4242 fd:00:{inode} 0 EOF\n"
        f"2: -> FLOCK  ADVISORY  WRITE 4243 fd:00:{inode} 0 EOF\n"
    )
    assert holder_of(path, locks) == 4242
    assert holder_of(path, "") is None
