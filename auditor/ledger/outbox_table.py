"""Mail on its way: each mail once, with what became of it."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from auditor.domain.mail import Mail, MailState, QueuedMail
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import instant_of, instant_or_none, micros_of

_COLUMNS = (
    "message_id, recipient, kind, name, period, revision, content, created_us,"
    " state, n_attempts, first_attempt_us, next_attempt_us, last_reply"
)
_IS_DUE = (
    "(state = 'queued' AND next_attempt_us <= :now)"
    " OR (state = 'sending' AND lease_until_us <= :now)"
)
# A user who was asked for nothing more since: leads and operators get theirs by their office.
_IS_UNWANTED = "kind = 'user' AND name IN (SELECT user FROM preferences WHERE frequency = 'never')"
_UNWANTED = "not sent: the user chose to get no more mail"


class OutboxTable:
    """The outbox. Mails come in by `WeekTable.publish`, together with their week."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk
        self._in_hand: dict[str, int] = {}

    def claim(self, now_utc: datetime, lease_s: float) -> QueuedMail | None:
        """Take the mail that has been due for longest in hand, for `lease_s` seconds.

        Due are queued mails whose next attempt has come, and those whose lease is over: whoever
        had them is taken for dead. None if nothing is due. On the way it cancels what is due for
        users who want no more mail.
        """
        lease_until_us = micros_of(now_utc + timedelta(seconds=lease_s))
        with self._desk.transaction() as connection:
            due = _first_due(connection, micros_of(now_utc))
            if due is None:
                return None
            number, *row = connection.execute(
                "UPDATE outbox SET state = 'sending', n_attempts = n_attempts + 1,"  # noqa: S608  (our own words)
                " n_claims = n_claims + 1,"
                " lease_until_us = :lease, first_attempt_us = coalesce(first_attempt_us, :now)"
                f" WHERE message_id = :id RETURNING n_claims, {_COLUMNS}",
                {"now": micros_of(now_utc), "lease": lease_until_us, "id": due},
            ).fetchone()
        queued = _queued(row)
        self._in_hand[queued.mail.message_id] = number
        return queued

    def settle(
        self,
        message_id: str,
        state: MailState,
        reply: str,
        now_utc: datetime,
        next_attempt_utc: datetime | None,
    ) -> None:
        """Write down what became of a mail that was claimed here.

        A mail that was sent stays sent. Anything else is not ours to say once the lease was over
        and somebody else has claimed the mail since. Without a next attempt a queued mail is due
        now.

        Raises
        ------
        ValueError
            The state is `SENDING`: that is what a claim is for.
        KeyError
            There is no such mail.
        """
        if state is MailState.SENDING:
            msg = "a mail cannot be settled as sending"
            raise ValueError(msg)
        named = {
            "id": message_id,
            "state": state.value,
            "reply": reply,
            "now": micros_of(now_utc),
            "next": micros_of(next_attempt_utc or now_utc),
            "claim": self._in_hand.pop(message_id, None),
        }
        with self._desk.transaction() as connection:
            known = "SELECT 1 FROM outbox WHERE message_id = ?"
            if connection.execute(known, (message_id,)).fetchone() is None:
                raise KeyError(message_id)
            connection.execute(
                "UPDATE outbox SET state = :state, last_reply = :reply, lease_until_us = NULL,"
                " settled_us = :now,"
                " next_attempt_us = CASE :state WHEN 'queued' THEN :next ELSE next_attempt_us END"
                " WHERE message_id = :id AND state <> 'sent' AND"
                " (:state = 'sent' OR :claim IS NULL OR n_claims = :claim)",
                named,
            )

    def list(
        self, states: Collection[MailState] | None = None, *, with_content: bool = True
    ) -> tuple[QueuedMail, ...]:
        """Return the mails in these states (None: all), the oldest first.

        Without content theirs is empty: thousands of mails with their pages fill the memory.
        """
        wanted = [state.value for state in (MailState if states is None else states)]
        columns = _COLUMNS if with_content else _COLUMNS.replace("content", "x''", 1)
        rows = self._desk.rows(
            f"SELECT {columns} FROM outbox WHERE state IN ({_marks(wanted)})"  # noqa: S608  (placeholders only)
            " ORDER BY created_us, message_id",
            wanted,
        )
        return tuple(_queued(row) for row in rows)

    def counts(self) -> dict[MailState, int]:
        """Return how many mails are in each state, nought among them."""
        found = dict(self._desk.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
        return {state: found.get(state.value, 0) for state in MailState}

    def retry(self, message_ids: Collection[str], now_utc: datetime) -> int:
        """Queue parked mails again as if they had never been tried; return how many."""
        with self._desk.transaction() as connection:
            return sum(
                connection.execute(
                    "UPDATE outbox SET state = 'queued', n_attempts = 0, first_attempt_us = NULL,"
                    " next_attempt_us = ? WHERE message_id = ? AND state = 'parked'",
                    (micros_of(now_utc), message_id),
                ).rowcount
                for message_id in set(message_ids)
            )

    def forget_contents(self, sent_before_utc: datetime) -> int:
        """Drop the content of mails done with before an instant; return how many. They stay known.

        What was sent or cancelled is never sent again, and a year of mails would fill the disk.
        """
        with self._desk.transaction() as connection:
            return connection.execute(
                "UPDATE outbox SET content = x'' WHERE state IN ('sent', 'cancelled')"
                " AND settled_us < ?"
                " AND length(content) > 0",
                (micros_of(sent_before_utc),),
            ).rowcount


def _first_due(connection: sqlite3.Connection, now_us: int) -> str | None:
    """Return which mail has been due for longest, and cancel those before it that nobody wants."""
    query = (
        f"SELECT message_id, {_IS_UNWANTED} FROM outbox WHERE {_IS_DUE}"  # noqa: S608  (our own words)
        " ORDER BY next_attempt_us, created_us, message_id LIMIT 1"
    )
    while (found := connection.execute(query, {"now": now_us}).fetchone()) is not None:
        message_id, is_unwanted = found
        if not is_unwanted:
            return str(message_id)
        connection.execute(
            "UPDATE outbox SET state = 'cancelled', lease_until_us = NULL, settled_us = ?,"
            " last_reply = ?, n_claims = n_claims + 1 WHERE message_id = ?",
            (now_us, _UNWANTED, message_id),
        )
    return None


def insert_new(connection: sqlite3.Connection, mails: Iterable[Mail]) -> int:
    """Queue the mails that the outbox has not, due at once, in the caller's transaction.

    Returns how many were new.
    """
    return sum(
        connection.execute(
            "INSERT INTO outbox (message_id, recipient, kind, name, period, revision, created_us,"
            " next_attempt_us, content, state) VALUES (?,?,?,?,?,?,?,?,?,'queued')"
            " ON CONFLICT (message_id) DO NOTHING",
            (
                mail.message_id, mail.recipient, mail.kind, mail.name, mail.period, mail.revision,
                micros_of(mail.created_utc), micros_of(mail.created_utc), mail.content,
            ),
        ).rowcount
        for mail in mails
    )  # fmt: skip


def _queued(row: Sequence[Any]) -> QueuedMail:
    (
        message_id, recipient, kind, name, period, revision, content, created_us,
        state, n_attempts, first_us, next_us, reply,
    ) = row  # fmt: skip
    return QueuedMail(
        mail=Mail(
            message_id=message_id,
            recipient=recipient,
            kind=kind,
            name=name,
            period=period,
            revision=revision,
            content=content,
            created_utc=instant_of(created_us),
        ),
        state=MailState(state),
        n_attempts=n_attempts,
        first_attempt_utc=instant_or_none(first_us),
        next_attempt_utc=instant_of(next_us),
        last_reply=reply,
    )


def _marks(values: Collection[str]) -> str:
    return ",".join("?" for _ in values)
