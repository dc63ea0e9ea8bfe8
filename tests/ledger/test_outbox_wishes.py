"""A mail for a user who wants no more of them is not handed out."""

import pytest

from auditor.domain.mail import MailState
from auditor.ledger.ledger import Ledger

from .mails import MONDAY, SECOND, mail, week

LEASE_S = 600.0


@pytest.fixture
def queue(ledger):
    """Return a function that queues mails together with their week."""
    return lambda *mails: ledger.weeks.publish(week(), mails)


@pytest.fixture
def settled(ledger, queue):
    """Return a function that queues a mail and brings it into a state."""

    def bring(state):
        queue(mail())
        ledger.outbox.claim(MONDAY, LEASE_S)
        if state is not MailState.SENDING:
            ledger.outbox.settle(mail().message_id, state, "said", MONDAY, None)

    return bring


@pytest.mark.parametrize(
    ("told", "frequency", "is_cancelled"),
    [
        pytest.param({}, "never", True, id="never"),
        pytest.param({}, "monthly", False, id="monthly"),
        pytest.param({"name": "bob"}, "never", False, id="of another"),
        pytest.param({"kind": "account"}, "never", False, id="of a project"),
        pytest.param({"kind": "site"}, "never", False, id="of the site"),
    ],
)
def test_what_a_user_wants_no_more_is_not_handed_out(ledger, queue, told, frequency, is_cancelled):
    queue(mail(**told))
    ledger.preferences.set_frequency("alice", frequency, MONDAY)
    taken = ledger.outbox.claim(MONDAY + SECOND, LEASE_S)
    (left,) = ledger.outbox.list()
    if is_cancelled:
        assert taken is None
        assert (left.state, left.n_attempts, left.first_attempt_utc) == ("cancelled", 0, None)
        assert "no more mail" in left.last_reply
    else:
        assert taken == left
    assert ledger.check() == ()


def test_others_get_theirs_past_one_that_is_cancelled(ledger, queue):
    queue(mail(1), mail(2, name="bob"), mail(3), mail(4, name="carol"))
    ledger.preferences.set_frequency("alice", "never", MONDAY)
    names = [ledger.outbox.claim(MONDAY, LEASE_S).mail.name for _ in range(2)]
    assert names == ["bob", "carol"]
    assert ledger.outbox.claim(MONDAY, LEASE_S) is None
    assert ledger.outbox.counts()[MailState.CANCELLED] == 2


def test_a_cancelled_mail_is_never_revived(ledger, queue):
    queue(mail())
    ledger.preferences.set_frequency("alice", "never", MONDAY)
    ledger.outbox.claim(MONDAY, LEASE_S)
    ledger.preferences.set_frequency("alice", "weekly", MONDAY + SECOND)
    queue(mail())
    assert ledger.outbox.retry([mail().message_id], MONDAY + SECOND) == 0
    assert ledger.outbox.claim(MONDAY + 2 * SECOND, LEASE_S) is None
    assert ledger.outbox.forget_contents(MONDAY + 2 * SECOND) == 1
    assert ledger.check() == ()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (MailState.QUEUED, MailState.CANCELLED),
        (MailState.PARKED, MailState.CANCELLED),
        (MailState.SENT, MailState.SENT),
    ],
)
def test_a_mail_that_is_tried_again_is_cancelled_if_it_was_not_sent(
    ledger, settled, state, expected
):
    settled(state)
    ledger.preferences.set_frequency("alice", "never", MONDAY)
    ledger.outbox.retry([mail().message_id], MONDAY)
    assert ledger.outbox.claim(MONDAY + SECOND, LEASE_S) is None
    assert ledger.outbox.list()[0].state == expected


def test_a_mail_in_hand_that_is_cancelled_and_was_sent_after_all_is_sent(ledger, settled):
    settled(MailState.SENDING)
    ledger.preferences.set_frequency("alice", "never", MONDAY)
    with Ledger.open(ledger.folder, create=False) as other:
        assert other.outbox.claim(MONDAY + 2 * LEASE_S * SECOND, LEASE_S) is None
    ledger.outbox.settle(mail().message_id, MailState.QUEUED, "450", MONDAY, None)
    assert ledger.outbox.list()[0].state == "cancelled"
    ledger.outbox.settle(mail().message_id, MailState.SENT, "250", MONDAY, None)
    assert ledger.outbox.list()[0].state == "sent"
