"""The desk's file: one connection to it, its settings, and transactions that its tables share."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auditor.errors import LedgerError
from auditor.ledger.migrations import MIGRATIONS, migrate, schema_version
from auditor.ledger.series_rows import DamagedSeriesError

_BUSY_S = 60.0
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class DeskConnection:
    """One connection to the file. Readers never wait; writers take turns, each at most a minute."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self.readable():
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            mode = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
            is_known = schema_version(self._connection) == len(MIGRATIONS)
        self.is_current = is_known and mode == "wal"

    def migrate(self) -> None:
        """Bring the tables up to date; a restored copy gets its write-ahead log back.

        Raises
        ------
        LedgerError
            The desk was written by a newer version of the program, or cannot be written.
        """
        with self.readable():
            self._connection.execute("PRAGMA journal_mode = WAL")
            migrate(self._connection)
        self.is_current = True

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def rows(
        self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Return all rows of one query."""
        with self.readable():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Let several queries see one state of the desk, whatever others write meanwhile."""
        with self._between("BEGIN"):
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Let several statements happen together or not at all, with no other writer between."""
        with self._between("BEGIN IMMEDIATE"):
            yield self._connection

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Turn what a damaged, locked or full file makes SQLite say into a LedgerError."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except (sqlite3.DatabaseError, UnicodeDecodeError, DamagedSeriesError) as error:
            if getattr(error, "sqlite_errorcode", None) in _LOCKED:
                msg = f"another process is writing to the desk of the ledger ({self._path})"
                raise LedgerError(msg, hint="Wait for it to finish, then repeat.") from error
            msg = f"the desk of the ledger ({self._path}) cannot be read: {error}"
            raise LedgerError(msg, hint="`auditor check` says what is wrong.") from error

    @contextmanager
    def _between(self, beginning: str) -> Iterator[None]:
        with self.readable():
            self._connection.execute(beginning)
            is_done = False
            try:
                yield
                self._connection.execute("COMMIT")
                is_done = True
            finally:
                # A full disk makes SQLite roll back by itself.
                if not is_done and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
