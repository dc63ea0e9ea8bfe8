"""A mail on its way: what it says, whom it is for, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Picture:
    """A picture inside a mail: `name` is what the HTML calls it (`cid:NAME`)."""

    name: str
    png: bytes


@dataclass(frozen=True)
class Attachment:
    """A file that comes with a mail; `media_type` as in text/html."""

    file_name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class RenderedMail:
    """What a mail says, before it is addressed. `html` names its pictures as `cid:NAME`."""

    subject: str
    text: str
    html: str
    pictures: tuple[Picture, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Mail:
    """One message for one recipient, ready to be sent: `content` is the whole of it (RFC 5322).

    `message_id` follows from what it is about and for whom, so that the same mail is never queued
    twice. `kind` is user, account or site and `name` whose report it is; `period` the label of the
    week or month.
    """

    message_id: str
    recipient: str
    kind: str
    name: str
    period: str
    revision: int
    content: bytes
    created_utc: datetime


@dataclass(frozen=True)
class Told:
    """What the last mail about one user, project or site said of a week, and its revision."""

    kind: str
    name: str
    revision: int
    carbon_g: float


class MailState(StrEnum):
    """What has become of a mail in the outbox.

    QUEUED: to be sent, now or at its next attempt. SENDING: somebody has it in hand, until the
    lease ends. SENT: the mail server took it. PARKED: refused for good, for a person to look at.
    CANCELLED: not sent, for the user chose meanwhile to get no more mail; nothing sends it again.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    PARKED = "parked"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class QueuedMail:
    """A mail with its history in the outbox; `last_reply` is what the server said last."""

    mail: Mail
    state: MailState
    n_attempts: int
    first_attempt_utc: datetime | None
    next_attempt_utc: datetime
    last_reply: str


class Outcome(StrEnum):
    """What the mail server said to one attempt.

    ACCEPTED: it is its job now. LATER: not now (4xx, no connection). REFUSED: never (5xx).
    """

    ACCEPTED = "accepted"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True)
class Attempt:
    """One try to hand a mail over. `is_server` tells trouble with the server from the recipient.

    When the server itself is the trouble (no connection, bad login), the others need not be tried.
    """

    outcome: Outcome
    reply: str
    is_server: bool = False
