"""A week and its mails are one: both are there or neither is."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.domain.mail import MailState, Told
from auditor.domain.week import WeekState

from .mails import MONDAY, SECOND, mail, week

RESTATED = week(state=WeekState.RESTATED, revision=2, book_version=7, changed_utc=MONDAY + SECOND)


def test_a_week_comes_out_as_it_went_in(ledger):
    assert ledger.weeks.record("2026-W47") is None
    earlier = week(
        "2026-W09", is_mailed=False, is_short=True, closed_utc=MONDAY + timedelta(microseconds=1)
    )
    for record in (week(), earlier):
        assert ledger.weeks.publish(record, []) == 0
        assert ledger.weeks.record(record.label) == record
    assert ledger.weeks.records() == (earlier, week())


def test_only_new_mails_are_queued(ledger):
    assert ledger.weeks.publish(week(), [mail(1), mail(2), mail(2)]) == 2
    assert ledger.weeks.publish(week(), [mail(1, content=b"other"), mail(3)]) == 1
    assert [queued.mail for queued in ledger.outbox.list()] == [mail(1), mail(2), mail(3)]


def test_a_restated_week_keeps_when_it_was_closed(ledger):
    ledger.weeks.publish(week(), [])
    ledger.weeks.publish(replace(RESTATED, closed_utc=MONDAY + SECOND), [mail(1, revision=2)])
    assert ledger.weeks.records() == (RESTATED,)
    assert ledger.outbox.counts()[MailState.QUEUED] == 1


def test_who_publishes_an_older_revision_comes_too_late(ledger):
    ledger.weeks.publish(RESTATED, [])
    assert ledger.weeks.publish(week(), [mail()]) == 0
    assert ledger.weeks.records() == (RESTATED,)
    assert ledger.outbox.list() == ()


def test_a_week_whose_mails_cannot_be_queued_is_not_published(ledger):
    broken = mail(2, recipient=None)
    with pytest.raises(sqlite3.IntegrityError, match="recipient"):
        ledger.weeks.publish(week(), [mail(1), broken])
    assert ledger.weeks.records() == ()
    assert ledger.outbox.list() == ()
    assert ledger.weeks.publish(week(), [mail(1)]) == 1


def test_what_was_told_last_is_remembered_with_the_mails(ledger):
    alice, ops = Told("user", "alice", 1, 100.0), Told("site", "Example HPC", 1, 300.5)
    ledger.weeks.publish(week(), [mail(1)], [alice, ops])
    again = replace(alice, revision=2, carbon_g=120.0)
    ledger.weeks.publish(RESTATED, [mail(2)], [again])
    ledger.weeks.publish(week(), [mail(3)], [alice])
    assert ledger.weeks.told("2026-W47") == (ops, again)
    assert ledger.weeks.told("2026-W48") == ()


def test_a_month_is_closed_once(ledger, second):
    assert ledger.weeks.months() == frozenset()
    assert ledger.weeks.close_month("2026-11", MONDAY, [mail(1, period="2026-11")]) == 1
    assert second.weeks.close_month("2026-11", MONDAY, [mail(2, period="2026-11")]) == 0
    assert second.weeks.months() == {"2026-11"}
    assert len(ledger.outbox.list()) == 1


def test_duty_begins_once(ledger, second):
    assert ledger.weeks.duty_began_utc() is None
    assert ledger.weeks.begin_duty(MONDAY) == MONDAY
    for later in (-1, 1):
        assert second.weeks.begin_duty(MONDAY + later * SECOND) == MONDAY
    assert second.weeks.duty_began_utc() == MONDAY
