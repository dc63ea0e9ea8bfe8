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

# Instants are microseconds since 1970, UTC. Claims of a mail are counted for ever, its attempts
# from the last time that somebody asked for it to be tried again. The content of a mail stands
# last: SQLite finds what comes after a large value only by reading through it.
_DUTY = """
DROP TABLE weeks;
CREATE TABLE weeks (
    label TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('closed', 'restated')),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    book_version INTEGER NOT NULL,
    closed_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    is_mailed INTEGER NOT NULL CHECK (is_mailed IN (0, 1)),
    is_short INTEGER NOT NULL CHECK (is_short IN (0, 1))
) STRICT;
CREATE TABLE told (
    label TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    carbon_g REAL NOT NULL,
    PRIMARY KEY (label, kind, name)
) STRICT;
CREATE TABLE months (
    label TEXT PRIMARY KEY,
    closed_us INTEGER NOT NULL
) STRICT;
CREATE TABLE duty (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    began_us INTEGER NOT NULL
) STRICT;
CREATE TABLE sources (
    cluster TEXT PRIMARY KEY,
    since_us INTEGER NOT NULL,
    collected_to_us INTEGER NOT NULL,
    deep_us INTEGER,
    n_unclear INTEGER NOT NULL DEFAULT 0,
    n_small INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE missing_jobs (
    cluster TEXT NOT NULL,
    raw_job_id TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    first_seen_us INTEGER NOT NULL,
    last_seen_us INTEGER NOT NULL,
    PRIMARY KEY (cluster, raw_job_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE incidents (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    cluster TEXT NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL,
    hint TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER,
    first_seen_us INTEGER NOT NULL,
    last_seen_us INTEGER NOT NULL,
    resolved_us INTEGER
) STRICT;
CREATE UNIQUE INDEX unresolved_incidents ON incidents (source, code) WHERE resolved_us IS NULL;
CREATE TABLE outbox (
    message_id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    period TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('queued', 'sending', 'sent', 'parked', 'cancelled')
    ),
    n_attempts INTEGER NOT NULL DEFAULT 0,
    n_claims INTEGER NOT NULL DEFAULT 0,
    first_attempt_us INTEGER,
    next_attempt_us INTEGER NOT NULL,
    lease_until_us INTEGER,
    settled_us INTEGER,
    last_reply TEXT NOT NULL DEFAULT '',
    content BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_by_state ON outbox (state, next_attempt_us);
CREATE TABLE preferences (
    user TEXT PRIMARY KEY,
    frequency TEXT NOT NULL CHECK (frequency IN ('weekly', 'monthly', 'never')),
    changed_us INTEGER NOT NULL
) STRICT;
ALTER TABLE loads ADD COLUMN window_start_us INTEGER;
ALTER TABLE loads ADD COLUMN window_end_us INTEGER;
ALTER TABLE loads ADD COLUMN is_replaced INTEGER NOT NULL DEFAULT 0;
CREATE INDEX loads_of_source ON loads (source, window_start_us);
ALTER TABLE data_files ADD COLUMN window_source TEXT;
CREATE INDEX files_of_load ON data_files (load_digest);
"""

# Slots are microseconds since 1970, UTC.
_METERS = """
CREATE TABLE meters (
    cluster TEXT NOT NULL,
    uid TEXT NOT NULL,
    slot_us INTEGER NOT NULL,
    gpu_energy_j REAL NOT NULL,
    gpu_metered_s REAL NOT NULL,
    gpu_busy_s REAL NOT NULL,
    gpu_observed_s REAL NOT NULL,
    cpu_s REAL NOT NULL,
    cpu_metered_s REAL NOT NULL,
    max_memory_bytes REAL,
    PRIMARY KEY (cluster, uid, slot_us)
) STRICT, WITHOUT ROWID;
CREATE INDEX meters_of_slot ON meters (cluster, slot_us);
"""

MIGRATIONS = (_FIRST, _CHECKSUMS, _DUTY, _METERS)


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the number of the last step that was applied; 0 for a blank file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps that a desk lacks, each whole or not at all.

    Processes that do so at once take turns: a step is applied by one of them.

    Raises
    ------
    LedgerError
        The desk was written by a newer version of the program.
    """
    while (version := schema_version(connection)) < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if schema_version(connection) == version:
                _apply(connection, version)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    if version > len(MIGRATIONS):
        msg = f"the ledger has schema {version}, this program knows up to {len(MIGRATIONS)}"
        raise LedgerError(msg, hint="Install the version of auditor that wrote it, or a newer one.")


def _apply(connection: sqlite3.Connection, version: int) -> None:
    """Apply the step after a version; a whole script at once would end the transaction."""
    for statement in MIGRATIONS[version].split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version + 1}")
