"""What the desk remembers of loads: their counts, the rows that were refused, and notes."""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from auditor.domain.reject import Reject
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import micros_of
from auditor.ledger.interface import LoadNote, LoadQuality, LoadReceipt, LoadSource, Note

# Loads of the same source whose window lies within that of the parameters, the load itself too.
_WITHIN = "source = :source AND window_start_us >= :start AND window_end_us <= :end"
# Files of a load that was killed after its commit: its window is asked for again, with other edges.
_ADOPT = """UPDATE data_files SET load_digest = :digest WHERE window_source = :source
    AND NOT EXISTS (SELECT 1 FROM loads WHERE loads.digest = load_digest)"""
# Loads whose window another one of their source spans: their rows were read there too.
_NESTED = """SELECT digest FROM (SELECT digest, window_end_us, max(window_end_us) OVER (
        PARTITION BY source ORDER BY window_start_us, window_end_us DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached_us
    FROM loads WHERE {where} AND window_start_us IS NOT NULL) WHERE reached_us >= window_end_us"""
# Windows overlap, so one bad row is met in several. It is known by its text; equal ones of one
# window are told apart by counting them. The copies of a text that only one load met are all new.
_SIGHTINGS = """SELECT *, row_number() OVER (
        PARTITION BY name, reason, text, copy ORDER BY loaded_utc, digest) AS sighting
    FROM (SELECT rejects.*, loads.source AS name, loaded_utc, row_number() OVER (
            PARTITION BY digest, reason, text ORDER BY number) AS copy
        FROM rejects JOIN loads USING (digest)
        WHERE {where} AND window_start_us IS NOT NULL AND text <> '')"""
_SEEN_AGAIN = f"SELECT digest, number FROM ({_SIGHTINGS}) WHERE sighting > 1"  # noqa: S608  (placeholders only)


@dataclass(frozen=True)
class LoadRecord:
    """What the desk remembers of one load; instants in microseconds since 1970.

    `[first_us, last_us]` is the span of its runs, None without any. `window_us` is the half-open
    span of time that its source was asked for, None where it was not asked for one.
    """

    digest: str
    source: str
    loaded_utc: str
    receipt: LoadReceipt
    first_us: int | None
    last_us: int | None
    clusters: tuple[str, ...]
    rejects: tuple[Reject, ...]
    notes: tuple[Note, ...]
    window_us: tuple[int, int] | None = None

    @property
    def span_us(self) -> tuple[int | None, int | None]:
        """First and last instant that it says something about: its window and its runs."""
        if self.window_us is None:
            return self.first_us, self.last_us
        start, last = self.window_us[0], self.window_us[1] - 1
        if self.first_us is None or self.last_us is None:
            return start, last
        return min(self.first_us, start), max(self.last_us, last)


class LoadTable:
    """Loads, their rejects and their notes."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def name(self, source: LoadSource, clusters: Collection[str]) -> str:
        """Name a load by its content; by its source and window too where it has one.

        Sources often have nothing to say of a window, all in the same words. Content that is known
        as that of other clusters makes other runs: it is another load.
        """
        window = window_us(source)
        if window is not None:
            return _digest_of(source.name, str(window[0]), str(window[1]), source.digest())
        content, told = source.digest(), json.dumps(sorted(clusters))
        known = self._desk.rows("SELECT clusters FROM loads WHERE digest = ?", (content,))
        is_same = not known or not clusters or known[0][0] in ("[]", told)
        return content if is_same else _digest_of(content, told)

    def record(self, load: LoadRecord) -> None:
        """Remember a load, its rejects and its notes; the same content again only leaves a date.

        A load with a window takes the place of those of its source whose window lies within.
        """
        with self._desk.transaction() as connection:
            if load.window_us is not None:
                _retire(connection, load, load.window_us)
                connection.execute(_ADOPT, {"digest": load.digest, "source": load.source})
            if not _insert(connection, load):
                return
            connection.executemany(
                "INSERT INTO rejects VALUES (?,?,?,?,?,?)",
                (
                    (load.digest, number, r.source, r.line, r.told, r.text)
                    for number, r in enumerate(load.rejects, start=1)
                ),
            )
            connection.executemany(
                "INSERT OR IGNORE INTO notes VALUES (?,?,?,?)",
                ((load.digest, n.code, n.text, n.hint) for n in load.notes),
            )

    def quality(
        self, span_us: tuple[int, int] | None, clusters: tuple[str, ...], n_shown: int
    ) -> LoadQuality:
        """Sum up the loads with runs in `[span_us)` and of the clusters; those without runs too.

        A bad row that several windows of one source met is one.
        """
        where, values = _loads_behind(span_us, clusters)
        with self._desk.snapshot() as connection:
            n_loads, n_jobs, n_steps = _counts(
                connection,
                "SELECT count(*), total(n_jobs), total(n_steps) FROM loads"  # noqa: S608  (placeholders only)
                f" WHERE {where} AND digest NOT IN ({_NESTED.format(where=where)})",
                (*values, *values),
            )
            (n_counted,) = _counts(
                connection,
                f"SELECT total(n_rejects) FROM loads WHERE {where}",  # noqa: S608
                values,
            )
            seen_again = _SEEN_AGAIN.format(where=where)
            (n_again,) = _counts(connection, f"SELECT count(*) FROM ({seen_again})", values)  # noqa: S608
            rejects = connection.execute(
                "SELECT rejects.source, line, reason, text FROM rejects JOIN loads USING (digest)"  # noqa: S608
                f" WHERE {where} AND (digest, number) NOT IN ({seen_again})"
                " ORDER BY loads.loaded_utc, digest, line, number LIMIT ?",
                (*values, *values, n_shown),
            ).fetchall()
            notes = connection.execute(
                "SELECT DISTINCT loads.source, code, text, hint"  # noqa: S608
                " FROM notes JOIN loads USING (digest)"
                f" WHERE {where} ORDER BY loads.source, code, text",
                values,
            ).fetchall()
        n_rejected = n_counted - n_again
        return LoadQuality(
            n_loads=n_loads,
            n_rows=n_jobs + n_steps + n_rejected,
            n_jobs=n_jobs,
            n_steps=n_steps,
            n_rejected=n_rejected,
            rejects=tuple(Reject(*row) for row in rejects),
            notes=tuple(LoadNote(row[0], Note(*row[1:])) for row in notes),
        )


def window_us(source: LoadSource) -> tuple[int, int] | None:
    """Return the span of time that a source was asked for [us since 1970]; None without one."""
    if source.window is None:
        return None
    return micros_of(source.window[0]), micros_of(source.window[1])


def _digest_of(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _retire(connection: sqlite3.Connection, load: LoadRecord, window_us: tuple[int, int]) -> None:
    """Let go of what loads within the window said; keep known those that wrote data files."""
    named = {
        "source": load.source, "start": window_us[0], "end": window_us[1], "digest": load.digest,
    }  # fmt: skip
    for table in ("rejects", "notes"):
        connection.execute(
            f"DELETE FROM {table} WHERE digest IN (SELECT digest FROM loads WHERE {_WITHIN})",  # noqa: S608
            named,
        )
    connection.execute(f"UPDATE loads SET is_replaced = 1 WHERE {_WITHIN}", named)  # noqa: S608
    connection.execute(
        "DELETE FROM loads WHERE source = :source AND is_replaced AND (digest = :digest"
        " OR NOT EXISTS (SELECT 1 FROM data_files WHERE load_digest = loads.digest))",
        named,
    )


def _insert(connection: sqlite3.Connection, load: LoadRecord) -> bool:
    """Put the load's own row in its place; tell whether it was new."""
    first_us, last_us = load.span_us
    window_us = load.window_us or (None, None)
    row = (
        load.digest, load.source, load.loaded_utc, load.receipt.book_version,
        load.receipt.n_rows, load.receipt.n_jobs, load.receipt.n_steps,
        load.receipt.n_rejects, load.receipt.n_new, load.receipt.n_superseded,
        load.receipt.n_unchanged, load.receipt.n_duplicate_in_load,
        first_us, last_us, json.dumps(load.clusters), *window_us,
    )  # fmt: skip
    is_known = connection.execute("SELECT 1 FROM loads WHERE digest = ?", (load.digest,)).fetchone()
    connection.execute(
        "INSERT INTO loads (digest, source, loaded_utc, book_version, n_rows, n_jobs,"
        " n_steps, n_rejects, n_new, n_superseded, n_unchanged, n_duplicate_in_load,"
        " first_us, last_us, clusters, window_start_us, window_end_us)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT (digest) DO UPDATE SET repeated_utc = excluded.loaded_utc",
        row,
    )
    return not is_known


def _counts(
    connection: sqlite3.Connection, query: str, values: tuple[str | int, ...]
) -> Iterator[int]:
    return map(int, connection.execute(query, values).fetchone())


def _loads_behind(
    span_us: tuple[int, int] | None, clusters: tuple[str, ...]
) -> tuple[str, tuple[str | int, ...]]:
    conditions, values = ["NOT is_replaced"], list[str | int]()
    if span_us is not None:
        conditions.append("(first_us IS NULL OR (first_us < ? AND last_us >= ?))")
        values += [span_us[1], span_us[0]]
    if clusters:
        marks = _marks(clusters)
        conditions.append(
            "(clusters = '[]' OR EXISTS (SELECT 1 FROM json_each(clusters)"  # noqa: S608
            f" WHERE value IN ({marks})))"
        )
        values += clusters
    return " AND ".join(conditions), tuple(values)


def _marks(values: Iterable[str]) -> str:
    return ",".join("?" for _ in values)
