"""The week: close what is due, restate what changed, and queue its mail, each exactly once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from auditor.deliver.files import replace_site, write_files
from auditor.domain.week import Week, WeekRecord, WeekState, week_called
from auditor.errors import LedgerError
from auditor.ledger.extent import BookStamp, book_stamp, is_untouched
from auditor.ledger.ledger import Ledger
from auditor.ledger.lock import writer_lock
from auditor.pipeline.mailing import MONTHLY, Issue, Post, Postbox, post_of, unreached_text
from auditor.pipeline.origins import WAITING_CODE
from auditor.pipeline.reports import Edition, House, pages
from auditor.pipeline.restating import WeekChange, change_between, totals_changed
from auditor.pipeline.week_calendar import (
    WeekRules,
    month_ending_in,
    unpublished,
    waiting_source,
    waits,
)
from auditor.report.model import Restated
from auditor.report.page import INDEX_NAME, PageInput, render_site
from auditor.report.shortfalls import alarms
from auditor.report.week_summary import SUMMARY_NAME, summary_in, summary_text
from auditor.report.weeks_index import WeekLine, render_weeks

_LOCK_TIMEOUT_S = 3600.0
# Runs that end after the closing trickle in: they are gathered up, and restated once a day.
_GATHERING = timedelta(days=1)


@dataclass(frozen=True)
class PublishedWeek:
    """A week that was published: what it is now, where its pages are and how many mails it made.

    `reasons` say what is missing, what changed, and who could not be reached.
    """

    label: str
    state: WeekState
    revision: int
    n_pages: int
    n_mails: int
    folder: Path
    reasons: tuple[str, ...]


def _no_progress(_done: int) -> None:
    return


@dataclass(frozen=True)
class Press:
    """Everything that it takes to publish weeks, and the moment.

    `folder` holds one folder a week; without a `postbox` nothing is mailed. `should_stop` is asked
    between pages: a week that is not finished is not recorded, and begun anew the next time.
    """

    ledger: Ledger
    house: House
    rules: WeekRules
    folder: Path
    postbox: Postbox | None
    now_utc: datetime
    should_stop: Callable[[], bool]
    progress: Callable[[int], None] = _no_progress


def publish_weeks(press: Press, only: str | None = None) -> tuple[PublishedWeek, ...]:
    """Close the weeks that are due and restate those that changed, the first first.

    With `only` no other week than that of this label, and at once: what is gathered up over a day
    otherwise is restated too.

    Raises
    ------
    LedgerError
        Another process has been publishing for an hour.
    DeliveryError
        Pages cannot be written; weeks published before stay so.
    """
    duty_began_utc = press.ledger.weeks.duty_began_utc()
    if duty_began_utc is None:
        duty_began_utc = press.ledger.weeks.begin_duty(press.now_utc)
    stamp = book_stamp(press.ledger)
    if not any(True for _ in _to_do(press, stamp, only)):
        return ()
    # Readers need not wait; a second publisher finds the records of the first.
    with writer_lock(press.ledger.folder / "publishing", _LOCK_TIMEOUT_S):
        done = tuple(_published(press, duty_began_utc, only))
        if done:
            _write_index(press)
    return done


def _to_do(press: Press, stamp: BookStamp, only: str | None) -> Iterator[Week | WeekRecord]:
    """Yield weeks to close, then records to compare with the book of now."""
    for week in unpublished(press.ledger, stamp, press.rules, press.now_utc):
        if only in {None, week.label}:
            yield week
    for record in press.ledger.weeks.records():
        end_utc = week_called(record.label, press.rules.timezone).period.end_utc
        is_recent = press.now_utc <= end_utc + press.rules.restate_for
        if record.book_version != stamp.version and only in {None, record.label} and is_recent:
            yield record


def _published(press: Press, duty_began_utc: datetime, only: str | None) -> Iterator[PublishedWeek]:
    for due in list(_to_do(press, book_stamp(press.ledger), only)):
        if press.should_stop():
            return
        # Each is drawn from the newest book: a load may have come in meanwhile.
        stamp = book_stamp(press.ledger)
        if isinstance(due, Week):
            is_mailed = press.postbox is not None and due.period.end_utc >= duty_began_utc
            done = _close(press, stamp, due, is_mailed=is_mailed)
        else:
            done = _restate(press, stamp, due, at_once=only is not None)
        if done is not None:
            yield done


def _close(press: Press, stamp: BookStamp, week: Week, *, is_mailed: bool) -> PublishedWeek | None:
    """Publish a week for the first time; None if it waits, or if told to stop."""
    if waits(press.ledger, week, press.rules, press.now_utc):
        return None
    record = WeekRecord(
        label=week.label,
        state=WeekState.CLOSED,
        revision=1,
        book_version=stamp.version,
        closed_utc=press.now_utc,
        changed_utc=press.now_utc,
        is_mailed=is_mailed,
    )
    done = _issue(press, record, _drawn(press, week, Edition(press.now_utc, stamp.version)))
    if done is not None:
        press.ledger.sources.resolve(waiting_source(week), (WAITING_CODE,), press.now_utc)
    return done


def _restate(
    press: Press, stamp: BookStamp, record: WeekRecord, *, at_once: bool
) -> PublishedWeek | None:
    """Publish a week again if its runs changed; None if they did not, or not for long enough."""
    week = week_called(record.label, press.rules.timezone)
    restated = replace(
        record,
        state=WeekState.RESTATED,
        revision=record.revision + 1,
        book_version=stamp.version,
        changed_utc=press.now_utc,
    )
    edition = Edition(press.now_utc, stamp.version)
    try:
        change = _change(press, stamp, week, record)
    except LedgerError:
        drawn = _drawn(press, week, edition)
        drawn = None if drawn is None else _compared_by_totals(press, drawn, restated)
        if drawn == []:
            _remember_same(press, record, stamp)
        return _issue(press, restated, drawn)
    if change is None:
        _remember_same(press, record, stamp)
        return None
    is_fresh = press.now_utc - record.changed_utc < _GATHERING
    if change.can_wait and is_fresh and not at_once:
        return None
    earlier = _restated_before(press, record)
    edition = replace(
        edition,
        restated_of=lambda who: (
            change.restated(who, restated.revision) or earlier.get(who.file_name)
        ),
    )
    return _issue(press, restated, _drawn(press, week, edition))


def _restated_before(press: Press, record: WeekRecord) -> Mapping[str, Restated]:
    """Return how pages were restated in earlier revisions: they go on saying so."""
    summary = summary_in(press.folder / record.label)
    return {} if summary is None else summary.restated


def _remember_same(press: Press, record: WeekRecord, stamp: BookStamp) -> None:
    """Remember up to which book a week is the same, so that old versions may go."""
    press.ledger.weeks.publish(replace(record, book_version=stamp.version), ())


def _change(press: Press, stamp: BookStamp, week: Week, record: WeekRecord) -> WeekChange | None:
    if is_untouched(stamp, record.book_version, week.period):
        return None
    versions = (record.book_version, stamp.version)
    return change_between(press.ledger, week.period, versions, press.house.bands)


def _compared_by_totals(
    press: Press, drawn: Sequence[PageInput], restated: WeekRecord
) -> list[PageInput]:
    """Say which totals changed; no page if none did, or if nothing is known of those before."""
    summary = summary_in(press.folder / restated.label)
    now = {page.subject.file_name: page.report.totals for page in drawn}
    changed = {} if summary is None else totals_changed(summary.pages, now, restated.revision)
    if not changed:
        return []
    told = {**_restated_before(press, restated), **changed}
    return [
        replace(page, report=replace(page.report, restated=told.get(page.subject.file_name)))
        for page in drawn
    ]


def _drawn(press: Press, week: Week, edition: Edition) -> list[PageInput] | None:
    """Draw all pages of a week; None if told to stop or if nothing is left to draw."""
    drawn = []
    for page in pages(press.ledger, week.period, press.house, edition):
        if press.should_stop():
            return None
        drawn.append(page)
        press.progress(1)
    return drawn or None


def _issue(
    press: Press, record: WeekRecord, drawn: Sequence[PageInput] | None
) -> PublishedWeek | None:
    """Write the pages, then record the week and queue its mail in one transaction."""
    post = _post(press, record, drawn) if drawn else None
    if post is None or not drawn:
        return None
    folder = press.folder / record.label
    texts = render_site(drawn, weeks_href=f"../{INDEX_NAME}")
    replace_site(folder, {SUMMARY_NAME: summary_text(drawn, record), **texts})
    n_mails = press.ledger.weeks.publish(record, post.mails)
    site = drawn[0].report
    reasons = [one.text for one in alarms(site)]
    reasons += () if site.restated is None else site.restated.reasons
    reasons += (unreached_text(post.unreached),) if post.unreached else ()
    return PublishedWeek(
        label=record.label,
        state=record.state,
        revision=record.revision,
        n_pages=len(texts),
        n_mails=n_mails,
        folder=folder,
        reasons=tuple(reasons),
    )


def _post(press: Press, record: WeekRecord, drawn: Sequence[PageInput]) -> Post | None:
    """Make the mails of a week, and those of the month that ends in it; None if told to stop."""
    postbox = press.postbox
    if postbox is None or not record.is_mailed:
        return Post((), ())
    issue = Issue(record.label, record.revision, record.changed_utc)
    weekly = post_of(drawn, issue, postbox, press.should_stop)
    month = month_ending_in(week_called(record.label, press.rules.timezone))
    if weekly is None or month is None or record.revision > 1 or not postbox.has_monthly:
        return weekly
    edition = Edition(
        press.now_utc,
        record.book_version,
        wants=lambda who: who.kind == "user" and postbox.wants(who.name, MONTHLY),
    )
    of_month = pages(press.ledger, month, press.house, edition)
    issue = Issue(month.label, 1, record.changed_utc, MONTHLY)
    monthly = post_of(of_month, issue, postbox, press.should_stop)
    if monthly is None:
        return None
    unreached = tuple(dict.fromkeys((*weekly.unreached, *monthly.unreached)))
    return Post((*weekly.mails, *monthly.mails), unreached)


def _write_index(press: Press) -> None:
    """Write the index of all weeks above their folders."""
    lines = []
    for record in press.ledger.weeks.records():
        summary = summary_in(press.folder / record.label)
        period = week_called(record.label, press.rules.timezone).period
        lines.append(WeekLine(record, period, None if summary is None else summary.site))
    text = render_weeks(press.house.site, lines, press.rules.timezone)
    write_files(press.folder, {INDEX_NAME: text}, create=True, is_private=True)
