"""Weeks and months that were published, and since when the auditor is on duty."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from auditor.domain.mail import Mail, Told
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import instant_of, micros_of
from auditor.ledger.outbox_table import insert_new

_COLUMNS = "label, state, revision, book_version, closed_us, changed_us, is_mailed, is_short"


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

    def publish(self, record: WeekRecord, mails: Sequence[Mail], told: Iterable[Told] = ()) -> int:
        """Remember a revision of a week and what its mails tell, and queue them: all or nothing.

        Mails that the outbox has are left as they are; returns how many were new. Somebody who
        publishes an older revision than is known comes too late: nothing happens. The moment of
        the first revision stays.
        """
        with self._desk.transaction() as connection:
            n_changed = connection.execute(
                f"INSERT INTO weeks ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)"  # noqa: S608
                " ON CONFLICT (label) DO UPDATE SET state = excluded.state,"
                " revision = excluded.revision, book_version = excluded.book_version,"
                " changed_us = excluded.changed_us, is_mailed = excluded.is_mailed,"
                " is_short = excluded.is_short"
                " WHERE excluded.revision >= revision",
                _row(record),
            ).rowcount
            if not n_changed:
                return 0
            connection.executemany(
                "INSERT OR REPLACE INTO told (label, kind, name, revision, carbon_g)"
                " VALUES (?,?,?,?,?)",
                [(record.label, one.kind, one.name, one.revision, one.carbon_g) for one in told],
            )
            return insert_new(connection, mails)

    def told(self, label: str) -> tuple[Told, ...]:
        """Return what the last mails about a week said, one for each whom they were about."""
        rows = self._desk.rows(
            "SELECT kind, name, revision, carbon_g FROM told WHERE label = ? ORDER BY kind, name",
            (label,),
        )
        return tuple(Told(*row) for row in rows)

    def months(self) -> frozenset[str]:
        """Return the labels of the months that are closed."""
        return frozenset(row[0] for row in self._desk.rows("SELECT label FROM months"))

    def close_month(self, label: str, now_utc: datetime, mails: Sequence[Mail]) -> int:
        """Remember that a month is closed and queue its mails, together or not at all.

        The first to close it does so; returns how many mails were new.
        """
        with self._desk.transaction() as connection:
            n_new = connection.execute(
                "INSERT OR IGNORE INTO months (label, closed_us) VALUES (?, ?)",
                (label, micros_of(now_utc)),
            ).rowcount
            return insert_new(connection, mails) if n_new else 0


def _row(record: WeekRecord) -> tuple[str | int, ...]:
    return (
        record.label, record.state.value, record.revision, record.book_version,
        micros_of(record.closed_utc), micros_of(record.changed_utc), int(record.is_mailed),
        int(record.is_short),
    )  # fmt: skip


def _record(row: tuple[Any, ...]) -> WeekRecord:
    label, state, revision, book_version, closed_us, changed_us, is_mailed, is_short = row
    return WeekRecord(
        label=label,
        state=WeekState(state),
        revision=revision,
        book_version=book_version,
        closed_utc=instant_of(closed_us),
        changed_utc=instant_of(changed_us),
        is_mailed=bool(is_mailed),
        is_short=bool(is_short),
    )
