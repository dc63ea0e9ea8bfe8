"""Look for what cannot be in the desk: rows that name others which are not there, odd counts."""

import json
import sqlite3
from collections.abc import Iterator

from auditor.ledger.interface import Finding
from auditor.ledger.series_rows import DamagedSeriesError, series_of
from auditor.ledger.tally import MOST_REJECTS_KEPT

# Code, sentence, query of the bad rows.
_IMPOSSIBLE = (
    (
        "factor_series",
        "factor sets lack grid series that they rest on",
        """SELECT id FROM factor_sets WHERE n_series > (SELECT count(*) FROM factor_set_series
        JOIN series ON series.id = series WHERE factor_set = factor_sets.id)""",
    ),
    (
        "load_counts",
        "loads do not add up: rows, or what became of the runs",
        """SELECT digest FROM loads WHERE n_rows <> n_jobs + n_steps + n_rejects
        OR n_jobs <> n_new + n_superseded + n_unchanged + n_duplicate_in_load""",
    ),
    (
        "rejects",
        "loads keep another number of refused rows than they counted",
        """SELECT digest FROM loads WHERE min(n_rejects, :most_rejects)
        <> (SELECT count(*) FROM rejects WHERE rejects.digest = loads.digest)""",
    ),
)
_WITHOUT_LOAD = (
    "SELECT DISTINCT load_digest FROM data_files WHERE path IN (SELECT value FROM json_each(?))"
    " AND load_digest NOT IN (SELECT digest FROM loads)"
)


def find_in_desk(connection: sqlite3.Connection, paths: list[str]) -> list[Finding]:
    """Return what is wrong with the desk; `paths` are the data files of the book."""
    broken = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    if broken != ["ok"]:
        return [Finding("desk", text, 1) for text in broken]
    return list(_rows_found(connection, paths))


def _rows_found(connection: sqlite3.Connection, paths: list[str]) -> Iterator[Finding]:
    n_broken = len(connection.execute("PRAGMA foreign_key_check").fetchall())
    if n_broken:
        yield Finding("foreign_keys", "rows of the desk name rows that are not there", n_broken)
    for code, text, query in _IMPOSSIBLE:
        bad = connection.execute(query, {"most_rejects": MOST_REJECTS_KEPT}).fetchall()
        if bad:
            yield _named(code, text, bad)
    unknown = connection.execute(_WITHOUT_LOAD, (json.dumps(paths),)).fetchall()
    if unknown:
        yield _named("loads", "loads that wrote data files were never recorded", unknown)
    damaged = [row[:1] for row in connection.execute("SELECT * FROM series") if _is_damaged(row)]
    if damaged:
        yield _named("series", "grid series are not what was recorded", damaged)


def _named(code: str, text: str, bad: list[tuple[str]]) -> Finding:
    return Finding(code, f"{text}: {', '.join(row[0] for row in bad[:3])}", len(bad))


def _is_damaged(
    row: tuple[str, str, str, str, bytes, bytes, bytes, float, str, int],
) -> bool:
    try:
        series_of(row)
    except DamagedSeriesError:
        return True
    return False
