"""The desk's tables, as numbered steps from blank; a step that was released is never edited."""

import sqlite3

from auditor.errors import LedgerError

_FIRST = """
CREATE TABLE loads (
    digest TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    loaded_utc TEXT NOT NULL,
    repeated_utc TEXT,
    book_version INTEGER NOT NULL,
    n_rows INTEGER NOT NULL,
    n_jobs INTEGER NOT NULL,
    n_steps INTEGER NOT NULL,
    n_rejects INTEGER NOT NULL,
    n_new INTEGER NOT NULL,
    n_superseded INTEGER NOT NULL,
    n_unchanged INTEGER NOT NULL,
    n_duplicate_in_load INTEGER NOT NULL,
    first_us INTEGER,
    last_us INTEGER,
    clusters TEXT NOT NULL
) STRICT;
CREATE TABLE rejects (
    digest TEXT NOT NULL REFERENCES loads (digest),
    source TEXT NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (digest, line, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE notes (
    digest TEXT NOT NULL REFERENCES loads (digest),
    code TEXT NOT NULL,
    text TEXT NOT NULL,
    hint TEXT NOT NULL,
    PRIMARY KEY (digest, code, text)
) STRICT, WITHOUT ROWID;
CREATE TABLE factor_sets (
    id TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE series (
    id TEXT PRIMARY KEY,
    zone TEXT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    edges_s BLOB NOT NULL,
    g_per_kwh BLOB NOT NULL,
    basis BLOB NOT NULL,
    fallback_g_per_kwh REAL NOT NULL,
    fallback_source TEXT NOT NULL,
    fallback_basis INTEGER NOT NULL
) STRICT;
CREATE TABLE factor_set_series (
    factor_set TEXT NOT NULL REFERENCES factor_sets (id),
    series TEXT NOT NULL REFERENCES series (id),
    PRIMARY KEY (factor_set, series)
) STRICT, WITHOUT ROWID;
CREATE TABLE weeks (
    week TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'grace', 'closed', 'restated')),
    book_version INTEGER,
    changed_utc TEXT NOT NULL
) STRICT;
"""

# Rejects are numbered within their load, so that they can be counted against it.
_CHECKSUMS = """
CREATE TABLE data_files (
    path TEXT PRIMARY KEY,
    n_bytes INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    load_digest TEXT
) STRICT, WITHOUT ROWID;
ALTER TABLE factor_sets ADD COLUMN n_series INTEGER;
ALTER TABLE rejects RENAME TO older_rejects;
CREATE TABLE rejects (
    digest TEXT NOT NULL REFERENCES loads (digest),
    number INTEGER NOT NULL,
    source TEXT NOT NULL,
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (digest, number)
) STRICT, WITHOUT ROWID;
INSERT INTO rejects
    SELECT digest, row_number() OVER (PARTITION BY digest ORDER BY line, reason),
        source, line, reason, text
    FROM older_rejects;
DROP TABLE older_rejects;
"""

MIGRATIONS = (_FIRST, _CHECKSUMS)


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the number of the last step that was applied; 0 for a blank file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps that a desk lacks, each whole or not at all.

    Raises
    ------
    LedgerError
        The desk was written by a newer version of the program.
    """
    version = schema_version(connection)
    if version > len(MIGRATIONS):
        msg = f"the ledger has schema {version}, this program knows up to {len(MIGRATIONS)}"
        raise LedgerError(msg, hint="Install the version of auditor that wrote it, or a newer one.")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version = {number};COMMIT;")
