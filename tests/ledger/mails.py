"""Mails and weeks to fill the desk with."""

from datetime import UTC, datetime, timedelta

from auditor.domain.mail import Mail
from auditor.domain.week import WeekRecord, WeekState

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def mail(number: int = 1, **told: object) -> Mail:
    """Return a mail whose content carries its Message-ID, as every message must."""
    message_id = f"<{number:040d}@example.org>"
    content = f"Message-ID: {message_id}\r\nSubject: week\r\n\r\nHello {number}.\r\n".encode()
    values = {
        "message_id": message_id,
        "recipient": "alice@example.org",
        "kind": "user",
        "name": "alice",
        "period": "2026-W47",
        "revision": 1,
        "content": content,
        "created_utc": MONDAY,
    }
    return Mail(**values | told)


def week(label: str = "2026-W47", **told: object) -> WeekRecord:
    """Return a week that was closed on Monday."""
    values = {
        "label": label,
        "state": WeekState.CLOSED,
        "revision": 1,
        "book_version": 0,
        "closed_utc": MONDAY,
        "changed_utc": MONDAY,
        "is_mailed": True,
    }
    return WeekRecord(**values | told)
