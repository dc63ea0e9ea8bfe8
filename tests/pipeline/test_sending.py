from datetime import UTC, datetime, timedelta

import pytest

from auditor.domain.mail import Attempt, Mail, MailState, Outcome
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.ledger import Ledger
from auditor.pipeline.sending import BackOff, SendTerms, send_round

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ACCEPTED = Attempt(Outcome.ACCEPTED, "250 ok")
LATER = Attempt(Outcome.LATER, "450 greylisted")
REFUSED = Attempt(Outcome.REFUSED, "550 no such user")
DOWN = Attempt(Outcome.LATER, "connection refused", is_server=True)
MINUTES = (1, 5, 15, 60, 240, 240)


class Transport:
    """Answers by a table; `seen` are the recipients in the order of the attempts."""

    longest_s = 30.0

    def __init__(self, answers=None, trouble=None):
        self.answers = answers or {}
        self.trouble = trouble
        self.seen = []
        self.is_closed = False

    def ready(self):
        return self.trouble

    def hand_over(self, content, recipient):
        self.seen.append(recipient)
        return self.answers.get(recipient, ACCEPTED)

    def close(self):
        self.is_closed = True


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger", create=True) as opened:
        yield opened


def queue(ledger, *recipients):
    mails = [
        Mail(f"<{number:05}@test>", recipient, "user", recipient, "2026-W47", 1, b"mail", NOW)
        for number, recipient in enumerate(recipients)
    ]
    ledger.weeks.publish(
        WeekRecord("2026-W47", WeekState.CLOSED, 1, 1, NOW, NOW, is_mailed=True), mails
    )


def people(number):
    return [f"user{each}@example.org" for each in range(number)]


def send(ledger, transport, now_utc=NOW, **terms):
    return send_round(ledger.outbox, transport, SendTerms(lambda: now_utc, **terms))


def states(ledger):
    return {queued.mail.recipient: queued.state for queued in ledger.outbox.list()}


def test_each_mail_goes_once(ledger):
    queue(ledger, *people(3))
    first, told = Transport(), []
    receipt = send(ledger, first, progress=told.append)
    assert (receipt.n_sent, receipt.n_waiting, receipt.trouble) == (3, 0, None)
    assert first.seen == people(3)
    assert first.is_closed
    assert sum(told) == 3
    again = Transport(trouble=DOWN)
    assert send(ledger, again).trouble is None
    assert again.seen == []


def test_every_answer_has_its_state(ledger):
    queue(ledger, "a@example.org", "b@example.org", "c@example.org", "d e@example.org")
    transport = Transport({"b@example.org": LATER, "c@example.org": REFUSED})
    receipt = send(ledger, transport)
    assert (receipt.n_sent, receipt.n_later, receipt.n_parked, receipt.n_waiting) == (1, 1, 2, 1)
    assert receipt.trouble is None
    assert states(ledger) == {
        "a@example.org": MailState.SENT,
        "b@example.org": MailState.QUEUED,
        "c@example.org": MailState.PARKED,
        "d e@example.org": MailState.PARKED,
    }
    assert "d e@example.org" not in transport.seen
    replies = {queued.mail.recipient: queued.last_reply for queued in ledger.outbox.list()}
    assert replies["c@example.org"] == "550 no such user"
    assert "not tried" in replies["d e@example.org"]


def test_later_waits_longer_each_time(ledger):
    queue(ledger, "a@example.org")
    transport = Transport({"a@example.org": LATER})
    now_utc, waits = NOW, []
    for _ in MINUTES:
        send(ledger, transport, now_utc)
        (queued,) = ledger.outbox.list()
        waits.append((queued.next_attempt_utc - now_utc) / timedelta(minutes=1))
        send(ledger, transport, queued.next_attempt_utc - timedelta(seconds=1))
        now_utc = queued.next_attempt_utc
    assert tuple(waits) == MINUTES
    assert len(transport.seen) == len(MINUTES)


def test_after_five_days_it_is_given_up(ledger):
    queue(ledger, "a@example.org")
    transport = Transport({"a@example.org": LATER})
    now_utc = NOW
    while states(ledger)["a@example.org"] is MailState.QUEUED:
        send(ledger, transport, now_utc)
        (queued,) = ledger.outbox.list()
        now_utc = queued.next_attempt_utc
    tried = now_utc - NOW
    assert timedelta(days=5) <= tried < timedelta(days=5, hours=4)
    # 1 + 5 + 15 + 60 minutes, then every four hours.
    assert len(transport.seen) == 5 + -(-(120 * 60 - 81) // 240)


def test_an_outage_is_no_attempt_of_any_mail(ledger):
    queue(ledger, *people(3))
    for day in range(8):
        receipt = send(ledger, Transport(trouble=DOWN), NOW + timedelta(days=day))
        assert receipt.trouble == "connection refused"
        assert receipt.n_waiting == 3
    assert {queued.n_attempts for queued in ledger.outbox.list()} == {0}
    greylisting = Transport(dict.fromkeys(people(3), LATER))
    assert send(ledger, greylisting, NOW + timedelta(days=8)).n_parked == 0


def test_trouble_with_the_server_ends_the_round_and_parks_nothing(ledger):
    queue(ledger, *people(4))
    transport = Transport({people(4)[1]: DOWN})
    receipt = send(ledger, transport)
    assert (receipt.n_sent, receipt.n_later, receipt.n_waiting) == (1, 1, 3)
    assert receipt.trouble == "connection refused"
    # The one that met the trouble stands behind the others.
    later = Transport(dict.fromkeys(people(4), DOWN))
    send(ledger, later, NOW + timedelta(days=30))
    assert later.seen == [people(4)[2]]
    assert MailState.PARKED not in states(ledger).values()


def test_fifty_refusals_in_a_row_end_the_round(ledger):
    queue(ledger, *people(120))
    receipt = send(ledger, Transport(dict.fromkeys(people(120), REFUSED)))
    assert (receipt.n_parked, receipt.n_waiting) == (50, 70)
    assert "50 mails in a row" in receipt.trouble
    assert "550 no such user" in receipt.trouble


def test_refusals_between_others_do_not_end_the_round(ledger):
    queue(ledger, *people(120))
    receipt = send(ledger, Transport(dict.fromkeys(people(120)[::2], REFUSED)))
    assert (receipt.n_sent, receipt.n_parked, receipt.trouble) == (60, 60, None)


def test_it_stops_between_two_mails_when_told(ledger):
    queue(ledger, *people(5))
    transport = Transport()
    receipt = send(ledger, transport, should_stop=lambda: len(transport.seen) == 2)
    assert (receipt.n_sent, receipt.n_waiting, receipt.trouble) == (2, 3, None)


def test_a_mail_in_other_hands_is_left_until_the_lease_is_over(ledger):
    queue(ledger, "a@example.org")
    transport = Transport()
    assert ledger.outbox.claim(NOW, transport.longest_s + 300) is not None
    assert send(ledger, transport, NOW + timedelta(seconds=300)).n_sent == 0
    assert send(ledger, transport, NOW + timedelta(seconds=331)).n_sent == 1


def test_the_lease_is_longer_than_the_longest_hand_over(ledger):
    queue(ledger, "a@example.org")
    other = Transport()

    class Slow(Transport):
        def hand_over(self, content, recipient):
            send(ledger, other, NOW + timedelta(seconds=self.longest_s))
            return ACCEPTED

    send(ledger, Slow())
    assert other.seen == []


@pytest.mark.parametrize(("n_attempts", "wait_s"), [(1, 60), (4, 3600), (5, 14400), (99, 14400)])
def test_back_off(n_attempts, wait_s):
    assert BackOff().wait_s(n_attempts) == wait_s
