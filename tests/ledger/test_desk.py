"""The desk's schema from blank, and who may not use it."""

import sqlite3
import threading
from contextlib import closing

import pytest

from auditor.domain.reject import Reject
from auditor.errors import LedgerError
from auditor.ledger.ledger import Ledger
from auditor.ledger.migrations import MIGRATIONS, migrate, schema_version

from .mails import MONDAY, mail, week
from .runs import View, batch, source

TABLES = {
    "data_files",
    "duty",
    "factor_set_series",
    "factor_sets",
    "incidents",
    "loads",
    "meters",
    "notes",
    "outbox",
    "preferences",
    "rejects",
    "series",
    "sources",
    "weeks",
    "told",
    "missing_jobs",
    "months",
}


def tables(connection):
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows}


@pytest.mark.parametrize("start", range(len(MIGRATIONS) + 1))
def test_every_older_desk_comes_up_to_date(start, monkeypatch):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        monkeypatch.setattr("auditor.ledger.migrations.MIGRATIONS", MIGRATIONS[:start])
        migrate(connection)
        assert schema_version(connection) == start
        monkeypatch.undo()
        for _ in range(2):
            migrate(connection)
        assert schema_version(connection) == len(MIGRATIONS)
        assert tables(connection) == TABLES


def test_a_step_is_applied_whole_or_not_at_all(monkeypatch):
    broken = ("CREATE TABLE a (x);CREATE TABLE a (x);",)
    monkeypatch.setattr("auditor.ledger.migrations.MIGRATIONS", MIGRATIONS + broken)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            migrate(connection)
        assert schema_version(connection) == len(MIGRATIONS)
        assert tables(connection) == TABLES


def test_a_desk_of_a_newer_program_is_refused():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        with pytest.raises(LedgerError, match="knows up to"):
            migrate(connection)


def test_the_desk_is_written_through_to_the_disk(ledger):
    with closing(sqlite3.connect(ledger.folder / "desk.sqlite")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    own = ledger._desk._connection._connection  # noqa: SLF001  (the setting belongs to the connection)
    assert own.execute("PRAGMA synchronous").fetchone() == (2,)


OLDER_ROWS = """
INSERT INTO loads VALUES ('d1', 'jobs.csv', '2026-11-23T00:00:00Z', NULL, 1,
    3, 1, 0, 2, 1, 0, 0, 0, 1794787200000000, 1794790860000000, '["alpha"]');
INSERT INTO rejects VALUES
    ('d1', 1, 'jobs.csv', 4, 'cut', 'x|y'), ('d1', 2, 'jobs.csv', 9, 'cut', '');
INSERT INTO notes VALUES ('d1', 'old', 'Slurm is old', 'Renew it.');
INSERT INTO factor_sets VALUES ('base', '{}', 0);
INSERT INTO weeks VALUES ('2026-W46', 'open', NULL, '2026-11-16T00:00:00Z')
"""


def test_a_ledger_of_an_older_program_keeps_what_it_knew(tmp_path, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr("auditor.ledger.migrations.MIGRATIONS", MIGRATIONS[:2])
        with closing(sqlite3.connect(tmp_path / "desk.sqlite", isolation_level=None)) as connection:
            migrate(connection)
            for statement in OLDER_ROWS.split(";"):
                connection.execute(statement)
    (tmp_path / "book").mkdir()
    with Ledger.open(tmp_path, create=False) as ledger:
        said = ledger.quality()
        assert (said.n_rows, said.n_jobs, said.n_rejected) == (3, 1, 2)
        assert said.rejects == (
            Reject("jobs.csv", 4, "cut", "x|y"), Reject("jobs.csv", 9, "cut", ""),
        )  # fmt: skip
        assert [told.note.code for told in said.notes] == ["old"]
        assert ledger.factor_set("base").text == "{}"
        assert ledger.weeks.records() == ()
        assert ledger.weeks.publish(week(), [mail()]) == 1
    with Ledger.open(tmp_path, create=False) as ledger:
        assert ledger.weeks.records() == (week(),)


def test_two_programs_that_come_up_to_date_at_once_take_turns(tmp_path, monkeypatch):
    path = tmp_path / "desk.sqlite"
    with monkeypatch.context() as older:
        older.setattr("auditor.ledger.migrations.MIGRATIONS", MIGRATIONS[:2])
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            migrate(connection)
    barrier, failures = threading.Barrier(3), []

    def bring_up():
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            barrier.wait()
            try:
                migrate(connection)
            except sqlite3.Error as error:
                failures.append(error)

    threads = [threading.Thread(target=bring_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with closing(sqlite3.connect(path)) as connection:
        assert tables(connection) == TABLES


def test_a_restored_copy_works_like_the_desk_it_was_taken_from(ledger, tmp_path):
    ledger.load([batch(View("1"))], source())
    ledger.weeks.publish(week(), [mail()])
    path = ledger.folder / "desk.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy"),))
    ledger.close()
    (tmp_path / "copy").replace(path)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    with Ledger.open(ledger.folder, create=False) as restored:
        assert restored.outbox.claim(MONDAY, 60.0).mail == mail()
        assert restored.check() == ()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_readers_do_not_wait_for_who_writes_to_the_desk(ledger, monkeypatch):
    ledger.weeks.publish(week(), [mail()])
    monkeypatch.setattr("auditor.ledger.desk_connection._BUSY_S", 0)
    path = ledger.folder / "desk.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM weeks")
        with Ledger.open(ledger.folder, create=False, lock_timeout_s=0) as reader:
            assert reader.weeks.records() == (week(),)
            assert reader.quality().n_loads == 0
            assert len(reader.outbox.list()) == 1
            with pytest.raises(LedgerError, match="another process is writing") as error:
                reader.outbox.claim(MONDAY, 60.0)
            assert error.value.exit_code == 75
            writer.execute("ROLLBACK")
            assert reader.outbox.claim(MONDAY, 60.0).mail == mail()
