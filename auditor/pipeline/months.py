"""The month: closed once when the weeks that touch it are, and mailed to who wants months only."""

from collections.abc import Iterator
from datetime import datetime

from auditor.domain.period import Period
from auditor.domain.week import WeekState
from auditor.ledger.extent import BookStamp, book_stamp
from auditor.pipeline.mailing import MONTHLY, Issue, unreached_lines
from auditor.pipeline.press import Held, Press, PublishedWeek, draw, post_pages
from auditor.pipeline.reports import Edition
from auditor.pipeline.week_calendar import last_week_of, months_due, waits
from auditor.pipeline.week_marks import lift_marks


def close_months(press: Press, duty_began_utc: datetime) -> Iterator[PublishedWeek]:
    """Close the months that are due, the first first; yield those that made mails or are held."""
    stamp = book_stamp(press.ledger)
    for month in months_due(press.ledger, stamp, press.rules, press.now_utc):
        if press.should_stop():
            return
        done = _close(press, stamp, month, is_mailed=month.end_utc >= duty_began_utc)
        if done is not None and (done.n_mails or done.reasons):
            yield done


def _close(
    press: Press, stamp: BookStamp, month: Period, *, is_mailed: bool
) -> PublishedWeek | None:
    """Mail a month and record it; None if its last week waits, or if told to stop."""
    ledger, postbox, now_utc = press.ledger, press.postbox, press.now_utc
    last = last_week_of(month)
    if ledger.weeks.record(last.label) is None and waits(ledger, last, press.rules, now_utc):
        return None
    if postbox is None or not is_mailed or not postbox.has_monthly:
        ledger.weeks.close_month(month.label, now_utc, ())
        return None
    edition = Edition(
        now_utc,
        stamp.version,
        wants=lambda who: who.kind == "user" and postbox.wants(who.name, MONTHLY),
    )
    drawn = draw(press, month, edition)
    if drawn is None and press.should_stop():
        return None
    done = post_pages(press, month, drawn or (), Issue(month.label, 1, now_utc, MONTHLY))
    if done is None:
        return None
    if isinstance(done, Held):
        return _said(press, month, 0, (done.reason,), is_held=True)
    n_mails = ledger.weeks.close_month(month.label, now_utc, done.mails)
    lift_marks(ledger, month, now_utc)
    lift_marks(ledger, last.period, now_utc)
    return _said(press, month, n_mails, unreached_lines(done), is_held=False)


def _said(
    press: Press, month: Period, n_mails: int, reasons: tuple[str, ...], *, is_held: bool
) -> PublishedWeek:
    return PublishedWeek(
        label=month.label,
        state=WeekState.CLOSED,
        revision=1,
        n_pages=0,
        n_mails=n_mails,
        folder=press.folder,
        reasons=reasons,
        is_held=is_held,
    )
