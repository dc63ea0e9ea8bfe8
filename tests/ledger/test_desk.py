"""The desk's schema from blank, and who may not use it."""

import sqlite3
from contextlib import closing

import pytest

from auditor.errors import LedgerError
from auditor.ledger.migrations import MIGRATIONS, migrate, schema_version

TABLES = {
    "data_files",
    "factor_set_series",
    "factor_sets",
    "loads",
    "notes",
    "rejects",
    "series",
    "weeks",
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
        connection.execute("ROLLBACK")
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
    own = ledger._desk._connection  # noqa: SLF001  (the setting belongs to the connection)
    assert own.execute("PRAGMA synchronous").fetchone() == (2,)
