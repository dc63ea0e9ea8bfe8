"""The desk: one SQLite file for what is small and must be transactional."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auditor.domain.intensity import IntensityBasis, IntensitySeries
from auditor.domain.reject import Reject
from auditor.errors import LedgerError
from auditor.ledger.interface import FactorSet, LoadNote, LoadQuality, LoadReceipt, Note
from auditor.ledger.migrations import MIGRATIONS, migrate, schema_version

_BUSY_S = 30.0


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
        try:
            self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._is_current = schema_version(self._connection) == len(MIGRATIONS)
        except sqlite3.DatabaseError as error:
            msg = f"the desk of the ledger ({path}) cannot be read: {error}"
            raise LedgerError(msg, hint="`auditor check` says what is wrong.") from error

    @property
    def is_current(self) -> bool:
        """Whether its tables are those of this program."""
        return self._is_current

    def migrate(self) -> None:
        """Bring its tables up to date."""
        migrate(self._connection)
        self._is_current = True

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def integrity(self) -> list[str]:
        """Return what SQLite finds wrong with the file; nothing if it is sound."""
        found = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

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
            connection.execute(
                "INSERT INTO loads (digest, source, loaded_utc, book_version, n_rows, n_jobs,"
                " n_steps, n_rejects, n_new, n_superseded, n_unchanged, n_duplicate_in_load,"
                " first_us, last_us, clusters) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (digest) DO UPDATE SET repeated_utc = excluded.loaded_utc",
                row,
            )
            connection.executemany(
                "INSERT OR IGNORE INTO rejects VALUES (?,?,?,?,?)",
                ((load.digest, r.source, r.line, r.reason, r.text) for r in load.rejects),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO notes VALUES (?,?,?,?)",
                ((load.digest, n.code, n.text, n.hint) for n in load.notes),
            )

    def record_factor_set(self, factors: FactorSet) -> None:
        """Remember factors and their series; they are named by content, so once is enough."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO factor_sets VALUES (?,?)", (factors.id, factors.text)
            )
            for series in factors.series:
                connection.execute(
                    "INSERT OR IGNORE INTO series VALUES (?,?,?,?,?,?,?,?,?,?)", _series_row(series)
                )
                connection.execute(
                    "INSERT OR IGNORE INTO factor_set_series VALUES (?,?)",
                    (factors.id, series.digest()),
                )

    def factor_set(self, factor_set_id: str) -> FactorSet | None:
        """Return the factors of an id with all their series."""
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
        return FactorSet(factor_set_id, row[0], tuple(_series(found) for found in series))

    def factor_set_ids(self) -> list[str]:
        """Return the ids of all factor sets."""
        return [row[0] for row in self._connection.execute("SELECT id FROM factor_sets")]

    def quality(
        self, span_us: tuple[int, int] | None, clusters: tuple[str, ...], n_shown: int
    ) -> LoadQuality:
        """Sum up the loads with runs in `[span_us)` and of the clusters; those without runs too."""
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
            "SELECT DISTINCT loads.source, code, text, hint FROM notes JOIN loads USING (digest)"  # noqa: S608
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
        self._connection.execute("BEGIN IMMEDIATE")
        is_done = False
        try:
            yield self._connection
            self._connection.execute("COMMIT")
            is_done = True
        finally:
            if not is_done and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


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


def _series_row(series: IntensitySeries) -> tuple[str | bytes | float | int, ...]:
    return (
        series.digest(),
        series.zone,
        series.source,
        series.kind,
        series.edges_s.astype("<i8").tobytes(),
        series.g_per_kwh.astype("<f8").tobytes(),
        series.basis.astype("u1").tobytes(),
        series.fallback_g_per_kwh,
        series.fallback_source,
        int(series.fallback_basis),
    )


def _series(
    row: tuple[str, str, str, str, bytes, bytes, bytes, float, str, int],
) -> IntensitySeries:
    _, zone, source, kind, edges, values, basis, fallback, fallback_source, fallback_basis = row
    return IntensitySeries(
        zone=zone,
        edges_s=np.frombuffer(edges, "<i8").astype(np.int64),
        g_per_kwh=np.frombuffer(values, "<f8").astype(np.float64),
        basis=np.frombuffer(basis, "u1").astype(np.uint8),
        fallback_g_per_kwh=fallback,
        fallback_source=fallback_source,
        source=source,
        kind=kind,
        fallback_basis=IntensityBasis(fallback_basis),
    )
