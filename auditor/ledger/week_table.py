"""Weeks that were published, and since when the auditor is on duty."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from auditor.domain.mail import Mail
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import instant_of, micros_of
from auditor.ledger.outbox_table import insert_new

_COLUMNS = "label, state, revision, book_version, closed_us, changed_us, is_mailed"


class WeekTable:
    """Published weeks, the newest revision of each."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def record(self, label: str) -> WeekRecord | None:
        """Return what is known of a week; None if it was never published."""
        rows = self._desk.rows(f"SELECT {_COLUMNS} FROM weeks WHERE label = ?", (label,))  # noqa: S608  (our own words)
        return _record(rows[0]) if rows else None

    def records(self) -> tuple[WeekRecord, ...]:
        """Return all published weeks by label."""
        rows = self._desk.rows(f"SELECT {_COLUMNS} FROM weeks ORDER BY label")  # noqa: S608
        return tuple(_record(row) for row in rows)

    def duty_began_utc(self) -> datetime | None:
        """Return when the auditor came on duty; None if it never did."""
        rows = self._desk.rows("SELECT began_us FROM duty")
        return instant_of(rows[0][0]) if rows else None

    def begin_duty(self, now_utc: datetime) -> datetime:
        """Come on duty; return when that first happened, which is remembered for ever."""
        with self._desk.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO duty (number, began_us) VALUES (1, ?)", (micros_of(now_utc),)
            )
            began_us = connection.execute("SELECT began_us FROM duty").fetchone()[0]
        return instant_of(began_us)

    def publish(self, record: WeekRecord, mails: Sequence[Mail]) -> int:
        """Remember a revision of a week and queue its mails, together or not at all.

        Mails that the outbox has are left as they are; returns how many were new. Somebody who
        publishes an older revision than is known comes too late: nothing happens. The moment of
        the first revision stays.
        """
        with self._desk.transaction() as connection:
            n_changed = connection.execute(
                f"INSERT INTO weeks ({_COLUMNS}) VALUES (?,?,?,?,?,?,?)"  # noqa: S608
                " ON CONFLICT (label) DO UPDATE SET state = excluded.state,"
                " revision = excluded.revision, book_version = excluded.book_version,"
                " changed_us = excluded.changed_us, is_mailed = excluded.is_mailed"
                " WHERE excluded.revision >= revision",
                _row(record),
            ).rowcount
            return insert_new(connection, mails) if n_changed else 0


def _row(record: WeekRecord) -> tuple[str | int, ...]:
    return (
        record.label, record.state.value, record.revision, record.book_version,
        micros_of(record.closed_utc), micros_of(record.changed_utc), int(record.is_mailed),
    )  # fmt: skip


def _record(row: tuple[Any, ...]) -> WeekRecord:
    label, state, revision, book_version, closed_us, changed_us, is_mailed = row
    return WeekRecord(
        label=label,
        state=WeekState(state),
        revision=revision,
        book_version=book_version,
        closed_utc=instant_of(closed_us),
        changed_utc=instant_of(changed_us),
        is_mailed=bool(is_mailed),
    )
