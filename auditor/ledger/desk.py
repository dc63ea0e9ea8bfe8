"""The desk: one SQLite file for what is small and must be transactional."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor.domain.reject import Reject
from auditor.errors import LedgerError
from auditor.ledger.desk_audit import find_in_desk
from auditor.ledger.interface import FactorSet, Finding, LoadNote, LoadQuality, LoadReceipt, Note
from auditor.ledger.migrations import MIGRATIONS, migrate, schema_version
from auditor.ledger.series_rows import DamagedSeriesError, series_of, series_row

_BUSY_S = 30.0


@dataclass(frozen=True)
class FileRecord:
    """A data file as it was written; the load is None for estimates that were made again."""

    path: str
    n_bytes: int
    crc32: int
    load_digest: str | None


@dataclass(frozen=True)
class LoadRecord:
    """What the desk remembers of one load; instants in microseconds since 1970, None if no run."""

    digest: str
    source: str
    loaded_utc: str
    receipt: LoadReceipt
    first_us: int | None
    last_us: int | None
    clusters: tuple[str, ...]
    rejects: tuple[Reject, ...]
    notes: tuple[Note, ...]


class Desk:
    """The tables of `migrations`, behind methods that take and return values."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._readable():
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._is_current = schema_version(self._connection) == len(MIGRATIONS)

    @property
    def is_current(self) -> bool:
        """Whether its tables are those of this program."""
        return self._is_current

    def migrate(self) -> None:
        """Bring its tables up to date."""
        with self._readable():
            migrate(self._connection)
        self._is_current = True

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def findings(self, paths: Iterable[str]) -> list[Finding]:
        """Return what is wrong with the tables, and with what they say of the book's data files."""
        with self._readable():
            return find_in_desk(self._connection, list(paths))

    def record_files(self, files: Iterable[FileRecord]) -> None:
        """Remember the sizes and checksums of data files; do it before the book names them."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO data_files VALUES (?,?,?,?)",
                ((file.path, file.n_bytes, file.crc32, file.load_digest) for file in files),
            )

    def file_records(self) -> dict[str, FileRecord]:
        """Return what is known of data files, by path."""
        with self._readable():
            rows = self._connection.execute(
                "SELECT path, n_bytes, crc32, load_digest FROM data_files"
            )
            return {row[0]: FileRecord(*row) for row in rows}

    def forget_files(self, paths: Iterable[str]) -> None:
        """Forget data files that are gone."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM data_files WHERE path = ?", ((path,) for path in paths)
            )

    def record_load(self, load: LoadRecord) -> None:
        """Remember a load, its rejects and its notes; the same content again only leaves a date."""
        with self._transaction() as connection:
            row = (
                load.digest, load.source, load.loaded_utc, load.receipt.book_version,
                load.receipt.n_rows, load.receipt.n_jobs, load.receipt.n_steps,
                load.receipt.n_rejects, load.receipt.n_new, load.receipt.n_superseded,
                load.receipt.n_unchanged, load.receipt.n_duplicate_in_load,
                load.first_us, load.last_us, json.dumps(load.clusters),
            )  # fmt: skip
            is_known = connection.execute(
                "SELECT 1 FROM loads WHERE digest = ?", (load.digest,)
            ).fetchone()
            connection.execute(
                "INSERT INTO loads (digest, source, loaded_utc, book_version, n_rows, n_jobs,"
                " n_steps, n_rejects, n_new, n_superseded, n_unchanged, n_duplicate_in_load,"
                " first_us, last_us, clusters) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (digest) DO UPDATE SET repeated_utc = excluded.loaded_utc",
                row,
            )
            if is_known:
                return
            connection.executemany(
                "INSERT INTO rejects VALUES (?,?,?,?,?,?)",
                (
                    (load.digest, number, r.source, r.line, r.reason, r.text)
                    for number, r in enumerate(load.rejects, start=1)
                ),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO notes VALUES (?,?,?,?)",
                ((load.digest, n.code, n.text, n.hint) for n in load.notes),
            )

    def record_factor_set(self, factors: FactorSet) -> None:
        """Remember factors and their series; they are named by content, so once is enough."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO factor_sets VALUES (?,?,?)"
                " ON CONFLICT (id) DO UPDATE SET n_series = excluded.n_series",
                (factors.id, factors.text, len({series.digest() for series in factors.series})),
            )
            for series in factors.series:
                connection.execute(
                    "INSERT OR IGNORE INTO series VALUES (?,?,?,?,?,?,?,?,?,?)", series_row(series)
                )
                connection.execute(
                    "INSERT OR IGNORE INTO factor_set_series VALUES (?,?)",
                    (factors.id, series.digest()),
                )

    def factor_set(self, factor_set_id: str) -> FactorSet | None:
        """Return the factors of an id with all their series."""
        with self._readable():
            row = self._connection.execute(
                "SELECT text FROM factor_sets WHERE id = ?", (factor_set_id,)
            ).fetchone()
            if row is None:
                return None
            series = self._connection.execute(
                "SELECT series.* FROM series JOIN factor_set_series ON series.id = series"
                " WHERE factor_set = ? ORDER BY zone, series.id",
                (factor_set_id,),
            )
            return FactorSet(factor_set_id, row[0], tuple(series_of(found) for found in series))

    def factor_set_ids(self) -> list[str]:
        """Return the ids of all factor sets."""
        with self._readable():
            return [row[0] for row in self._connection.execute("SELECT id FROM factor_sets")]

    def quality(
        self, span_us: tuple[int, int] | None, clusters: tuple[str, ...], n_shown: int
    ) -> LoadQuality:
        """Sum up the loads with runs in `[span_us)` and of the clusters; those without runs too."""
        with self._readable():
            where, values = _loads_behind(span_us, clusters)
            loads = self._connection.execute(
                "SELECT count(*), total(n_rows), total(n_jobs), total(n_steps), total(n_rejects)"  # noqa: S608  (placeholders only)
                f" FROM loads WHERE {where}",
                values,
            ).fetchone()
            rejects = self._connection.execute(
                "SELECT rejects.source, line, reason, text FROM rejects JOIN loads USING (digest)"  # noqa: S608
                f" WHERE {where} ORDER BY loads.loaded_utc, digest, line LIMIT ?",
                (*values, n_shown),
            )
            notes = self._connection.execute(
                "SELECT DISTINCT loads.source, code, text, hint"  # noqa: S608
                " FROM notes JOIN loads USING (digest)"
                f" WHERE {where} ORDER BY loads.source, code, text",
                values,
            )
            n_loads, n_rows, n_jobs, n_steps, n_rejected = (int(count) for count in loads)
            return LoadQuality(
                n_loads=n_loads,
                n_rows=n_rows,
                n_jobs=n_jobs,
                n_steps=n_steps,
                n_rejected=n_rejected,
                rejects=tuple(Reject(*row) for row in rejects),
                notes=tuple(LoadNote(row[0], Note(*row[1:])) for row in notes),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._readable():
            self._connection.execute("BEGIN IMMEDIATE")
            is_done = False
            try:
                yield self._connection
                self._connection.execute("COMMIT")
                is_done = True
            finally:
                if not is_done and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn what a damaged or locked file makes SQLite say into a LedgerError."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except (sqlite3.DatabaseError, UnicodeDecodeError, DamagedSeriesError) as error:
            msg = f"the desk of the ledger ({self._path}) cannot be read: {error}"
            raise LedgerError(msg, hint="`auditor check` says what is wrong.") from error


def _loads_behind(
    span_us: tuple[int, int] | None, clusters: tuple[str, ...]
) -> tuple[str, tuple[str | int, ...]]:
    conditions, values = ["1"], list[str | int]()
    if span_us is not None:
        conditions.append("(first_us IS NULL OR (first_us < ? AND last_us >= ?))")
        values += [span_us[1], span_us[0]]
    if clusters:
        marks = _marks(clusters)
        conditions.append(
            "(first_us IS NULL OR EXISTS (SELECT 1 FROM json_each(clusters)"  # noqa: S608
            f" WHERE value IN ({marks})))"
        )
        values += clusters
    return " AND ".join(conditions), tuple(values)


def _marks(values: Iterable[str]) -> str:
    return ",".join("?" for _ in values)
