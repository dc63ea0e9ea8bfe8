"""Whatever senders do and however the clock goes, an outbox never loses or repeats a mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from auditor.domain.mail import MailState
from auditor.ledger.ledger import Ledger

from .mails import MONDAY, mail, week

LEASE_S = 300.0
SENDERS = st.integers(0, 1)
NUMBERS = st.integers(1, 4)


@dataclass
class Known:
    """What must be true of one mail."""

    state: MailState
    n_attempts: int
    due_utc: datetime
    first_utc: datetime | None = None
    n_claims: int = 0


class Outbox(RuleBasedStateMachine):
    """Two senders over one outbox, and a model of what each mail must be."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        self.senders = [Ledger.open(self.place.name, create=True) for _ in range(2)]
        self.now_utc = MONDAY
        self.known: dict[str, Known] = {}
        self.in_hand: list[dict[str, int]] = [{}, {}]

    def teardown(self) -> None:
        for sender in self.senders:
            sender.close()
        self.place.cleanup()

    @rule(sender=SENDERS, numbers=st.lists(NUMBERS, max_size=3))
    def publish(self, sender, numbers):
        mails = [mail(number, created_utc=self.now_utc) for number in numbers]
        new = {one.message_id for one in mails} - set(self.known)
        assert self.senders[sender].weeks.publish(week(), mails) == len(new)
        for message_id in new:
            self.known[message_id] = Known(MailState.QUEUED, 0, self.now_utc)

    @rule(seconds=st.sampled_from([1, 60, 299, 300, 301, 3600, -30, -86400]))
    def time_goes(self, seconds):
        self.now_utc += timedelta(seconds=seconds)

    @rule(sender=SENDERS)
    def claim(self, sender):
        queued = self.senders[sender].outbox.claim(self.now_utc, LEASE_S)
        free = {MailState.QUEUED, MailState.SENDING}
        due = {i for i, k in self.known.items() if k.state in free and k.due_utc <= self.now_utc}
        if queued is None:
            assert due == set()
            return
        message_id = queued.mail.message_id
        assert message_id in due
        known = self.known[message_id]
        known.n_attempts += 1
        known.first_utc = known.first_utc or self.now_utc
        known.state = MailState.SENDING
        known.due_utc = self.now_utc + timedelta(seconds=LEASE_S)
        known.n_claims += 1
        self.in_hand[sender][message_id] = known.n_claims
        assert (queued.n_attempts, queued.first_attempt_utc) == (known.n_attempts, known.first_utc)

    @precondition(lambda self: any(self.in_hand))
    @rule(data=st.data(), wait_s=st.sampled_from([None, 0, 60, 7200]))
    def settle(self, data, wait_s):
        choices = [(s, i) for s, held in enumerate(self.in_hand) for i in sorted(held)]
        sender, message_id = data.draw(st.sampled_from(choices))
        state = data.draw(st.sampled_from([MailState.QUEUED, MailState.SENT, MailState.PARKED]))
        due_utc = None if wait_s is None else self.now_utc + timedelta(seconds=wait_s)
        outbox = self.senders[sender].outbox
        outbox.settle(message_id, state, "reply", self.now_utc, due_utc)
        claim, known = self.in_hand[sender].pop(message_id), self.known[message_id]
        is_ours = claim == known.n_claims
        if known.state is MailState.SENT or (state is not MailState.SENT and not is_ours):
            return
        known.state = state
        known.due_utc = due_utc or self.now_utc

    @rule(sender=SENDERS)
    def die(self, sender):
        """A sender is killed and started again: it knows nothing of what it had in hand."""
        self.senders[sender].close()
        self.senders[sender] = Ledger.open(self.place.name, create=False)
        self.in_hand[sender].clear()

    @rule(sender=SENDERS, number=NUMBERS)
    def retry(self, sender, number):
        message_id = mail(number).message_id
        known = self.known.get(message_id)
        is_parked = known is not None and known.state is MailState.PARKED
        outbox = self.senders[sender].outbox
        assert outbox.retry([message_id], self.now_utc) == int(is_parked)
        if is_parked:
            again = Known(MailState.QUEUED, 0, self.now_utc, n_claims=known.n_claims)
            self.known[message_id] = again

    @invariant()
    def all_is_as_known(self):
        for sender in self.senders:
            there = {queued.mail.message_id: queued for queued in sender.outbox.list()}
            assert {i: (q.state, q.n_attempts, q.first_attempt_utc) for i, q in there.items()} == {
                i: (k.state, k.n_attempts, k.first_utc) for i, k in self.known.items()
            }
        assert self.senders[0].check() == ()


Outbox.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
test_outbox = Outbox.TestCase
