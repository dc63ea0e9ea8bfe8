"""The week: close what is due, restate what changed, and queue its mail, each exactly once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from auditor.deliver.files import replace_site, write_files
from auditor.domain.mail import Told
from auditor.domain.week import Week, WeekRecord, WeekState, week_called
from auditor.errors import LedgerError
from auditor.ledger.extent import BookStamp, book_stamp, is_untouched
from auditor.ledger.lock import writer_lock
from auditor.pipeline.mailing import Issue, Post, unreached_lines
from auditor.pipeline.months import close_months
from auditor.pipeline.origins import is_short
from auditor.pipeline.press import Held, Press, PublishedWeek, draw, post_pages, summary_in
from auditor.pipeline.reports import Edition, House
from auditor.pipeline.restating import WeekChange, change_between, totals_changed
from auditor.pipeline.week_calendar import months_due, unpublished, waits
from auditor.pipeline.week_marks import lift_marks
from auditor.report.model import Restated, Totals
from auditor.report.page import INDEX_NAME, PageInput, Subject, render_site
from auditor.report.shortfalls import alarms
from auditor.report.week_summary import SUMMARY_NAME, summary_text
from auditor.report.weeks_index import WeekLine, render_weeks

__all__ = ["Press", "PublishedWeek", "publish_weeks"]

_MENDED = "The accounting that was missing has been collected; nothing was in it."
_LOCK_TIMEOUT_S = 3600.0
# Runs that end after the closing trickle in: they are gathered up, and restated once a day.
_GATHERING = timedelta(days=1)


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
    is_idle = not any(True for _ in _to_do(press, stamp, only))
    if is_idle and (only is not None or not _months_due(press, stamp)):
        return ()
    # Readers need not wait; a second publisher finds the records of the first.
    with writer_lock(press.ledger.folder / "publishing", _LOCK_TIMEOUT_S):
        done = tuple(_published(press, duty_began_utc, only))
        if only is None:
            done += tuple(close_months(press, duty_began_utc))
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
        if only not in {None, record.label} or not is_recent:
            continue
        if record.book_version != stamp.version or _is_mended(press, record):
            yield record


def _months_due(press: Press, stamp: BookStamp) -> bool:
    return bool(months_due(press.ledger, stamp, press.rules, press.now_utc))


def _is_mended(press: Press, record: WeekRecord) -> bool:
    """Tell whether the pages of a week say that accounting is missing, and none is any more."""
    if not record.is_short:
        return False
    period = week_called(record.label, press.rules.timezone).period
    return not is_short(press.ledger, period, press.rules.collected, press.now_utc)


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
    edition = Edition(press.now_utc, stamp.version)
    return _issue(press, record, draw(press, week.period, edition))


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
    edition = _edition_of_all(press, stamp, record)
    try:
        change = _change(press, stamp, week, record)
    except LedgerError:
        drawn = draw(press, week.period, edition)
        compared = None if drawn is None else _compared_by_totals(press, drawn, restated)
        if compared == []:
            return _same(press, stamp, record, restated)
        return _issue(press, restated, compared)
    if change is None:
        return _same(press, stamp, record, restated)
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
    return _issue(press, restated, draw(press, week.period, edition))


def _edition_of_all(press: Press, stamp: BookStamp, record: WeekRecord) -> Edition:
    """Return what to draw for all who were told of a week, also those with nothing left in it."""
    told = (_named(one, press.house) for one in press.ledger.weeks.told(record.label))
    site = Subject("site", press.house.site)
    return Edition(press.now_utc, stamp.version, also=(site, *dict.fromkeys(told)))


def _named(told: Told, house: House) -> Subject:
    """Return who was told, by the name of now: an alias gets no page of its own."""
    rename = {"user": house.identity.user, "account": house.identity.project}.get(told.kind, str)
    return Subject(told.kind, rename(told.name))


def _same(
    press: Press, stamp: BookStamp, record: WeekRecord, redrawn: WeekRecord
) -> PublishedWeek | None:
    """Leave a week whose runs are the same; but take away an alarm that is over, without mail."""
    if not _is_mended(press, record):
        _remember_same(press, record, stamp)
        return None
    period = week_called(record.label, press.rules.timezone).period
    drawn = draw(press, period, _edition_of_all(press, stamp, record))
    if drawn is None:
        return None
    told = [
        replace(page.report, restated=_mended(redrawn.revision, page.report.totals))
        for page in drawn
    ]
    pages = [replace(page, report=report) for page, report in zip(drawn, told, strict=True)]
    return _issue(press, redrawn, pages, mails=False)


def _mended(revision: int, totals: Totals) -> Restated:
    return Restated(revision, totals, 0, 0, 0, 0, (_MENDED,))


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
    return change_between(press.ledger, week.period, versions, press.house)


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


def _issue(
    press: Press, record: WeekRecord, drawn: Sequence[PageInput] | None, *, mails: bool = True
) -> PublishedWeek | None:
    """Write the pages, then record the week and queue its mail in one transaction."""
    if not drawn:
        return None
    period, folder, site = drawn[0].report.period, press.folder / record.label, drawn[0].report
    post = _post(press, record, drawn) if mails and record.is_mailed else Post()
    if post is None:
        return None
    if isinstance(post, Held):
        return _told(record, (0, 0), folder, (post.reason,), is_held=True)
    short = [one.text for one in alarms(site)]
    record = replace(record, is_short=bool(short))
    texts = render_site(drawn, weeks_href=f"../{INDEX_NAME}")
    replace_site(folder, {SUMMARY_NAME: summary_text(drawn, record), **texts})
    n_mails = press.ledger.weeks.publish(record, post.mails, post.told)
    lift_marks(press.ledger, period, press.now_utc)
    changed = () if site.restated is None else site.restated.reasons
    reasons = (*short, *changed, *unreached_lines(post), *_why_unmailed(press, record))
    return _told(record, (len(texts), n_mails), folder, reasons)


def _why_unmailed(press: Press, record: WeekRecord) -> tuple[str, ...]:
    """Say why nobody is mailed of a week, where the site has mail."""
    if record.is_mailed or press.postbox is None or record.revision > 1:
        return ()
    return ("nobody is mailed: the week was over before the auditor came on duty",)


def _told(
    record: WeekRecord,
    counts: tuple[int, int],
    folder: Path,
    reasons: tuple[str, ...],
    *,
    is_held: bool = False,
) -> PublishedWeek:
    n_pages, n_mails = counts
    label, state, revision = record.label, record.state, record.revision
    return PublishedWeek(label, state, revision, n_pages, n_mails, folder, reasons, is_held)


def _post(press: Press, record: WeekRecord, drawn: Sequence[PageInput]) -> Post | Held | None:
    told = {(one.kind, one.name): one for one in press.ledger.weeks.told(record.label)}
    issue = Issue(record.label, record.revision, record.changed_utc, told=told)
    return post_pages(press, drawn[0].report.period, drawn, issue)


def _write_index(press: Press) -> None:
    """Write the index of all weeks above their folders."""
    lines = []
    for record in press.ledger.weeks.records():
        summary = summary_in(press.folder / record.label)
        period = week_called(record.label, press.rules.timezone).period
        lines.append(WeekLine(record, period, None if summary is None else summary.site))
    text = render_weeks(press.house.site, lines, press.rules.timezone)
    write_files(press.folder, {INDEX_NAME: text}, create=True, is_private=True)
