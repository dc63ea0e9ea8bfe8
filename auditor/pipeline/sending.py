"""From the outbox to the mail server: claim a mail, hand it over, write down what became of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from auditor.domain.address import is_plain_address
from auditor.domain.mail import Attempt, MailState, Outcome, QueuedMail
from auditor.ledger.outbox_table import OutboxTable

_MINUTE_S = 60.0
_HOUR_S = 3600.0
_DAY_S = 86_400.0
# Between the end of a hand-over and our note of it.
_LEASE_MARGIN_S = 300.0
_N_REFUSALS = 50


class Transport(Protocol):
    """A way to hand mails over."""

    @property
    def longest_s(self) -> float:
        """How long one call of `hand_over` may take at most."""

    def ready(self) -> Attempt | None:
        """Return the trouble with the way itself, None if a mail can be handed over."""

    def hand_over(self, content: bytes, recipient: str) -> Attempt:
        """Hand one mail over; call `ready` before each."""

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True)
class BackOff:
    """How long a mail waits after each attempt that said later, and when it is given up.

    It is given up at an attempt `give_up_s` after its first one, if it has had all the steps.
    """

    steps_s: tuple[float, ...] = (_MINUTE_S, 5 * _MINUTE_S, 15 * _MINUTE_S, _HOUR_S)
    then_s: float = 4 * _HOUR_S
    give_up_s: float = 5 * _DAY_S

    def wait_s(self, n_attempts: int) -> float:
        """Return how long to wait after so many attempts."""
        return self.steps_s[n_attempts - 1] if n_attempts <= len(self.steps_s) else self.then_s


@dataclass(frozen=True)
class SendReceipt:
    """What one round did. `trouble` says why it stopped early, None if it did not.

    `n_later` mails will be tried again, `n_parked` were refused or given up, and `n_waiting` are
    still to be sent, those of `n_later` among them.
    """

    n_sent: int
    n_later: int
    n_parked: int
    n_waiting: int
    trouble: str | None


def _never() -> bool:
    return False


def _untold(_n_mails: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class SendTerms:
    """How a round is run: by which clock, until when, and who is told of each mail."""

    now_utc: Callable[[], datetime]
    should_stop: Callable[[], bool] = _never
    progress: Callable[[int], None] = _untold
    back_off: BackOff = BackOff()


def n_waiting(outbox: OutboxTable) -> int:
    """Return how many mails are still to be sent, now or later."""
    counts = outbox.counts()
    return counts[MailState.QUEUED] + counts[MailState.SENDING]


def send_round(outbox: OutboxTable, transport: Transport, terms: SendTerms) -> SendReceipt:
    """Hand over the mails that are due, one by one, until none is.

    Trouble with the server, or 50 refusals in a row, end the round: what is left stays queued. A
    process that dies between the server's word and our note of it sends that mail again, under
    the same Message-ID.
    """
    if n_waiting(outbox) == 0:
        return SendReceipt(0, 0, 0, 0, None)
    tally = Counter[MailState]()
    n_refused = 0
    trouble: str | None = None
    try:
        while trouble is None and not terms.should_stop():
            # Before a mail is claimed: an outage is not counted as attempts of any.
            if (hindrance := transport.ready()) is not None:
                trouble = hindrance.reply
                break
            queued = outbox.claim(terms.now_utc(), transport.longest_s + _LEASE_MARGIN_S)
            if queued is None:
                break
            attempt = _hand_over(transport, queued)
            tally[_settle(outbox, queued, attempt, terms)] += 1
            terms.progress(1)
            n_refused = n_refused + 1 if attempt.outcome is Outcome.REFUSED else 0
            trouble = _trouble(attempt, n_refused)
    finally:
        transport.close()
    return SendReceipt(
        n_sent=tally[MailState.SENT],
        n_later=tally[MailState.QUEUED],
        n_parked=tally[MailState.PARKED],
        n_waiting=n_waiting(outbox),
        trouble=trouble,
    )


def _hand_over(transport: Transport, queued: QueuedMail) -> Attempt:
    if not is_plain_address(queued.mail.recipient):
        return Attempt(Outcome.REFUSED, "not tried: the recipient is not a plain mail address")
    return transport.hand_over(queued.mail.content, queued.mail.recipient)


def _settle(
    outbox: OutboxTable, queued: QueuedMail, attempt: Attempt, terms: SendTerms
) -> MailState:
    now_utc = terms.now_utc()
    state = _state_after(queued, attempt, now_utc, terms.back_off)
    next_attempt_utc = None
    if state is MailState.QUEUED:
        # Trouble with the server is not the mail's: the shortest wait, behind the others.
        n_attempts = 1 if attempt.is_server else queued.n_attempts
        next_attempt_utc = now_utc + timedelta(seconds=terms.back_off.wait_s(n_attempts))
    outbox.settle(queued.mail.message_id, state, attempt.reply, now_utc, next_attempt_utc)
    return state


def _state_after(
    queued: QueuedMail, attempt: Attempt, now_utc: datetime, back_off: BackOff
) -> MailState:
    if attempt.outcome is Outcome.ACCEPTED:
        return MailState.SENT
    if attempt.outcome is Outcome.REFUSED:
        return MailState.PARKED
    tried_s = (now_utc - (queued.first_attempt_utc or now_utc)).total_seconds()
    is_given_up = tried_s >= back_off.give_up_s and queued.n_attempts > len(back_off.steps_s)
    return MailState.PARKED if is_given_up and not attempt.is_server else MailState.QUEUED


def _trouble(attempt: Attempt, n_refused: int) -> str | None:
    if attempt.is_server:
        return attempt.reply
    if n_refused >= _N_REFUSALS:
        return f"{n_refused} mails in a row were refused, the last with: {attempt.reply}"
    return None
