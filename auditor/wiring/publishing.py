"""Publishing, as the settings place it: the weeks, their pages and their mail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from auditor.domain.week import week_of
from auditor.pipeline.week_calendar import Standing, WeekRules, standing_of
from auditor.pipeline.weeks import Press, PublishedWeek, publish_weeks
from auditor.settings.models import Settings
from auditor.wiring.house import house
from auditor.wiring.pages import pages_folder
from auditor.wiring.postbox import postbox
from auditor.wiring.store import open_ledger


def _never() -> bool:
    return False


def _no_progress(_done: int) -> None:
    return


def publish_due(
    settings: Settings,
    *,
    now_utc: datetime,
    should_stop: Callable[[], bool] = _never,
    only: str | None = None,
    progress: Callable[[int], None] = _no_progress,
) -> tuple[PublishedWeek, ...]:
    """Publish every week that is due and again those that changed, and queue their mail.

    Parameters
    ----------
    only
        The label of a week: no other, and at once.
    progress
        Told of each page that was drawn.

    Raises
    ------
    LedgerError
        There is no ledger, or another process has been publishing for an hour.
    DeliveryError
        Pages cannot be written.
    AddressBookError
        A file of addresses or of leads cannot be used.
    """
    with _press(settings, now_utc, should_stop, progress) as press:
        return publish_weeks(press, only)


def week_standing(settings: Settings, label: str, now_utc: datetime) -> Standing:
    """Tell what has become of a week: by its record, else by the clock and the accounting.

    Raises
    ------
    LedgerError
        There is no ledger.
    """
    with open_ledger(settings, create=False) as ledger:
        return standing_of(ledger, label, rules(settings), now_utc)


def newest_over(settings: Settings, now_utc: datetime) -> str:
    """Return the label of the last week that is over."""
    this = week_of(now_utc, settings.site.timezone)
    return week_of(this.period.start_utc - timedelta(hours=1), settings.site.timezone).label


def rules(settings: Settings) -> WeekRules:
    """Return when weeks are closed."""
    return WeekRules(
        timezone=settings.site.timezone,
        grace=timedelta(hours=settings.week.grace_hours),
        restate_for=timedelta(days=settings.week.restate_for_days),
        collected=_collected(settings),
    )


def _collected(settings: Settings) -> tuple[str, ...]:
    return tuple(one.name for one in settings.clusters if one.collect is not None)


@contextmanager
def _press(
    settings: Settings,
    now_utc: datetime,
    should_stop: Callable[[], bool],
    progress: Callable[[int], None],
) -> Iterator[Press]:
    with open_ledger(settings, create=False) as ledger:
        yield Press(
            ledger=ledger,
            house=house(settings),
            rules=rules(settings),
            folder=pages_folder(settings),
            postbox=postbox(settings, ledger.preferences.all()),
            now_utc=now_utc,
            should_stop=should_stop,
            progress=progress,
        )
