"""What it takes to publish a week or month, and how its pages become mails."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from auditor.deliver.recipients import AddressesUnavailableError
from auditor.domain.period import Period
from auditor.domain.week import WeekState
from auditor.ledger.ledger import Ledger
from auditor.pipeline.mailing import Issue, Post, Postbox, post_of
from auditor.pipeline.origins import HELD_CODE
from auditor.pipeline.reports import Edition, House, pages
from auditor.pipeline.week_calendar import WeekRules
from auditor.pipeline.week_marks import is_patience_over
from auditor.report.page import PageInput
from auditor.report.week_summary import SUMMARY_NAME, WeekSummary, read_summary


@dataclass(frozen=True)
class PublishedWeek:
    """A week that was published: what it is now, where its pages are and how many mails it made.

    `reasons` say what is missing, what changed, and who could not be reached. One that `is_held`
    was not published: nothing is recorded, and it is tried again. A month has mails and no pages.
    """

    label: str
    state: WeekState
    revision: int
    n_pages: int
    n_mails: int
    folder: Path
    reasons: tuple[str, ...]
    is_held: bool = False


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


@dataclass(frozen=True)
class Held:
    """Why the mails of a period cannot be written now."""

    reason: str


def summary_in(folder: Path) -> WeekSummary | None:
    """Return what the pages in a folder come to; None if there are none."""
    file = folder / SUMMARY_NAME
    return read_summary(file.read_text(encoding="utf-8")) if file.is_file() else None


def draw(press: Press, period: Period, edition: Edition) -> list[PageInput] | None:
    """Draw all pages of a period; None if told to stop or if there is nothing to draw."""
    drawn = []
    for page in pages(press.ledger, period, press.house, edition):
        if press.should_stop():
            return None
        drawn.append(page)
        press.progress(1)
    return drawn or None


def post_pages(
    press: Press, period: Period, drawn: Iterable[PageInput], issue: Issue
) -> Post | Held | None:
    """Turn pages into mails; None if told to stop.

    While addresses cannot be asked for the mails are held back, as nobody shall lose theirs to a
    moment's trouble; when that has lasted long enough who has no address by then gets none.
    """
    postbox = press.postbox
    if postbox is None:
        return Post()
    try:
        return post_of(drawn, issue, postbox, press.should_stop)
    except AddressesUnavailableError as error:
        reason = str(error)
    text = f"{period.label} is not published yet: {reason}"
    if not is_patience_over(press.ledger, period, (HELD_CODE, text, ""), press.now_utc):
        return Held(reason)
    return post_of(drawn, replace(issue, gives_up=True), postbox, press.should_stop)
