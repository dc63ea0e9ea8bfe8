"""The outbox: mails that were refused for good, and mails that wait for long."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.duty import age_text
from auditor.domain.mail import QueuedMail

PARKED = Topic(Group.MAIL, "mail_parked", "refused mails")
WAITING = Topic(Group.MAIL, "mail_waiting", "waiting mails")

_LONG, _TOO_LONG = timedelta(hours=6), timedelta(hours=24)


def outbox_checks(
    parked: Collection[QueuedMail], waiting: Collection[QueuedMail], now_utc: datetime
) -> Iterator[Check]:
    """Judge the outbox; the texts hold no content of mails."""
    yield parked_check(parked)
    yield waiting_check(waiting, now_utc)


def parked_check(parked: Collection[QueuedMail]) -> Check:
    """Show one of the mails that were given up."""
    if not parked:
        return PARKED.ok("none")
    first = next(iter(parked))
    text = f"{len(parked)} given up; to {first.mail.recipient}: {first.last_reply}"
    hint = "`auditor send --dry-run` lists them, `auditor send --retry-parked` tries again."
    return PARKED.warning(text, hint)


def waiting_check(waiting: Collection[QueuedMail], now_utc: datetime) -> Check:
    """Judge the age of the oldest mail that is not sent yet."""
    if not waiting:
        return WAITING.ok("none")
    oldest = min(waiting, key=lambda one: one.mail.created_utc)
    age = now_utc - oldest.mail.created_utc
    text = f"{len(waiting)}, the oldest for {age_text(age)}"
    if oldest.last_reply:
        text = f"{text}: {oldest.last_reply}"
    hint = "`auditor send` tries now; `systemctl status auditor`"
    if age > _TOO_LONG:
        return WAITING.fault(text, hint)
    if age > _LONG:
        return WAITING.warning(text, hint)
    return WAITING.ok(text)
