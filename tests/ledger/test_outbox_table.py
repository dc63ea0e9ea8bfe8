"""Every mail once in the outbox, in one hand at a time, and never sent after it was sent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.domain.mail import MailState

from .mails import MONDAY, SECOND, mail, week

LEASE_S = 300.0


@pytest.fixture
def outbox(ledger):
    return ledger.outbox


@pytest.fixture
def queue(ledger):
    return lambda *mails: ledger.weeks.publish(week(), mails)


def test_a_mail_comes_out_as_it_went_in(outbox, queue):
    queue(mail())
    (queued,) = outbox.list()
    assert queued.mail == mail()
    assert (queued.state, queued.n_attempts, queued.last_reply) == (MailState.QUEUED, 0, "")
    assert queued.first_attempt_utc is None
    assert queued.next_attempt_utc == MONDAY


def test_a_claim_puts_a_mail_in_hand(outbox, queue):
    queue(mail())
    taken = outbox.claim(MONDAY + SECOND, LEASE_S)
    assert taken.mail == mail()
    assert (taken.state, taken.n_attempts) == (MailState.SENDING, 1)
    assert taken.first_attempt_utc == MONDAY + SECOND
    assert outbox.list() == (taken,)
    assert outbox.counts() == {
        MailState.QUEUED: 0, MailState.SENDING: 1, MailState.SENT: 0, MailState.PARKED: 0,
        MailState.CANCELLED: 0,
    }  # fmt: skip


def test_the_mail_that_is_due_for_longest_comes_first(outbox, queue):
    later = replace(mail(1), created_utc=MONDAY + 2 * SECOND)
    queue(later, replace(mail(2), created_utc=MONDAY + SECOND), mail(4), mail(3))
    taken = [outbox.claim(MONDAY + 3 * SECOND, LEASE_S).mail for _ in range(4)]
    assert [int(m.message_id[1:41]) for m in taken] == [3, 4, 2, 1]
    assert outbox.claim(MONDAY + 3 * SECOND, LEASE_S) is None


@pytest.mark.parametrize(
    ("after_s", "is_claimed"), [(0, False), (LEASE_S - 1e-6, False), (LEASE_S, True)]
)
def test_a_mail_in_hand_is_free_when_its_lease_is_over(outbox, queue, after_s, is_claimed):
    queue(mail())
    outbox.claim(MONDAY, LEASE_S)
    again = outbox.claim(MONDAY + timedelta(seconds=after_s), LEASE_S)
    assert (again is not None) == is_claimed
    if again:
        assert again.n_attempts == 2
        assert again.first_attempt_utc == MONDAY


def test_a_mail_not_yet_due_waits(outbox, queue):
    queue(mail())
    outbox.claim(MONDAY, LEASE_S)
    outbox.settle(mail().message_id, MailState.QUEUED, "450 later", MONDAY, MONDAY + 60 * SECOND)
    assert outbox.claim(MONDAY + 59 * SECOND, LEASE_S) is None
    assert outbox.claim(MONDAY + 60 * SECOND, LEASE_S).last_reply == "450 later"


@pytest.mark.parametrize("state", [MailState.SENT, MailState.PARKED])
def test_a_settled_mail_is_never_claimed_again(outbox, queue, state):
    queue(mail())
    outbox.claim(MONDAY, LEASE_S)
    outbox.settle(mail().message_id, state, "told", MONDAY, None)
    assert outbox.claim(MONDAY + timedelta(days=400), LEASE_S) is None
    assert [(q.state, q.last_reply) for q in outbox.list([state])] == [(state, "told")]


@pytest.mark.parametrize("state", [MailState.QUEUED, MailState.PARKED])
def test_what_was_sent_stays_sent(outbox, queue, state):
    queue(mail())
    outbox.claim(MONDAY, LEASE_S)
    outbox.settle(mail().message_id, MailState.SENT, "250 ok", MONDAY, None)
    outbox.settle(mail().message_id, state, "late", MONDAY, None)
    assert [(q.state, q.last_reply) for q in outbox.list()] == [(MailState.SENT, "250 ok")]
    assert queue(mail()) == 0
    assert outbox.counts()[MailState.SENT] == 1


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (MailState.QUEUED, MailState.SENDING),
        (MailState.PARKED, MailState.SENDING),
        (MailState.SENT, MailState.SENT),
    ],
)
def test_a_sender_whose_lease_was_over_only_counts_if_it_sent(
    ledger, outbox, queue, second, state, expected
):
    queue(mail())
    outbox.claim(MONDAY, LEASE_S)
    later = MONDAY + timedelta(seconds=LEASE_S)
    second.outbox.claim(later, LEASE_S)
    outbox.settle(mail().message_id, state, "slow", later, None)
    assert [q.state for q in outbox.list()] == [expected]
    second.outbox.settle(mail().message_id, MailState.SENT, "250 ok", later, None)
    assert [q.state for q in outbox.list()] == [MailState.SENT]


def test_parked_mails_are_tried_again_from_the_start(outbox, queue):
    queue(mail(1), mail(2), mail(3))
    for state in (MailState.PARKED, MailState.SENT):
        taken = outbox.claim(MONDAY, LEASE_S)
        outbox.settle(taken.mail.message_id, state, "550 no", MONDAY, None)
    ids = [queued.mail.message_id for queued in outbox.list()]
    assert outbox.retry([*ids, ids[0], "<nobody@example.org>"], MONDAY + SECOND) == 1
    (queued, _) = outbox.list([MailState.QUEUED])
    assert (queued.n_attempts, queued.first_attempt_utc) == (0, None)
    assert queued.next_attempt_utc == MONDAY + SECOND
    assert queued.last_reply == "550 no"


@pytest.mark.parametrize(
    ("message_id", "state", "error"),
    [
        (mail(2).message_id, MailState.SENT, KeyError),
        (mail(1).message_id, MailState.SENDING, ValueError),
    ],
)
def test_what_cannot_be_settled(outbox, queue, message_id, state, error):
    queue(mail(1))
    with pytest.raises(error):
        outbox.settle(message_id, state, "", MONDAY, None)
    assert outbox.counts()[MailState.QUEUED] == 1


def test_a_list_may_leave_the_contents_out(outbox, queue):
    queue(mail(1), mail(2))
    whole, bare = outbox.list(), outbox.list(with_content=False)
    assert all(one.mail.content for one in whole)
    assert bare == tuple(replace(one, mail=replace(one.mail, content=b"")) for one in whole)


def test_contents_of_old_sent_mails_can_be_dropped(outbox, queue):
    queue(mail(1), mail(2), mail(3))
    for after_s in (0, 10):
        now = MONDAY + after_s * SECOND
        outbox.settle(outbox.claim(now, LEASE_S).mail.message_id, MailState.SENT, "", now, None)
    assert outbox.forget_contents(MONDAY + 10 * SECOND) == 1
    assert outbox.forget_contents(MONDAY + 10 * SECOND) == 0
    assert [bool(q.mail.content) for q in outbox.list()] == [False, True, True]
    assert queue(mail(1)) == 0
