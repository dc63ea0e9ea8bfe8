"""Look for what cannot be in the desk: rows that name others which are not there, odd counts."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from email.parser import BytesHeaderParser

from auditor.domain.week import WeekRecord
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
        """SELECT digest FROM loads
        WHERE CASE WHEN is_replaced THEN 0 ELSE min(n_rejects, :most_rejects) END
        <> (SELECT count(*) FROM rejects WHERE rejects.digest = loads.digest)""",
    ),
    (
        "weeks",
        "weeks are closed at another revision than the first, or restated at the first",
        "SELECT label FROM weeks WHERE (state = 'closed') <> (revision = 1)",
    ),
    (
        "outbox",
        "mails are in a state that does not go with their lease or their attempts",
        """SELECT message_id FROM outbox WHERE (state = 'sending') <> (lease_until_us IS NOT NULL)
        OR (n_attempts > 0) <> (first_attempt_us IS NOT NULL) OR n_attempts < 0
        OR (state = 'sending' AND n_attempts = 0)""",
    ),
    (
        "mail_content",
        "mails that are still to be sent are empty",
        """SELECT message_id FROM outbox WHERE state NOT IN ('sent', 'cancelled')
        AND length(content) = 0""",
    ),
)
_WITHOUT_LOAD = (
    "SELECT DISTINCT load_digest FROM data_files WHERE path IN (SELECT value FROM json_each(?))"
    " AND load_digest NOT IN (SELECT digest FROM loads)"
)
# The header of a message is shorter than that.
_HEADS = "SELECT message_id, substr(content, 1, 65536) FROM outbox WHERE length(content) > 0"


def find_in_desk(connection: sqlite3.Connection, paths: list[str]) -> list[Finding]:
    """Return what is wrong with the desk; `paths` are the data files of the book."""
    broken = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    if broken != ["ok"]:
        return [Finding("desk", text, 1) for text in broken]
    return list(_rows_found(connection, paths))


def find_in_weeks(weeks: Iterable[WeekRecord], newest_version: int) -> list[Finding]:
    """Return the weeks that were drawn from a version of the book that it never had.

    Versions that a vacuum took away are all right.
    """
    bad = [(week.label,) for week in weeks if not 0 <= week.book_version <= newest_version]
    text = "weeks were drawn from versions that the book never had"
    return [_named("week_version", text, bad)] if bad else []


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
    parser = BytesHeaderParser()
    misnamed = [
        (message_id,)
        for message_id, head in connection.execute(_HEADS)
        if [told.strip() for told in parser.parsebytes(head).get_all("Message-ID", [])]
        != [message_id]
    ]
    if misnamed:
        yield _named(
            "message_id", "mails carry another Message-ID than they are known by", misnamed
        )


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
