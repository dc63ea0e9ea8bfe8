"""The ISO week of a site, and what has become of it: open, in grace, closed, restated."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from auditor.domain.period import Period

_LABEL = re.compile(r"(\d{4})-W(\d{2})")


class WeekState(StrEnum):
    """What has become of a week.

    OPEN: it is not over. GRACE: it is over, and late records are waited for. CLOSED: its pages
    are published. RESTATED: published again, because its numbers changed afterwards.
    """

    OPEN = "open"
    GRACE = "grace"
    CLOSED = "closed"
    RESTATED = "restated"


@dataclass(frozen=True, order=True)
class Week:
    """An ISO 8601 week in a time zone; ordered by time within one zone.

    Raises
    ------
    ValueError
        There is no such week.
    """

    year: int
    number: int
    timezone: str

    def __post_init__(self) -> None:
        """Refuse a week that the calendar does not have."""
        date.fromisocalendar(self.year, self.number, 1)

    @property
    def label(self) -> str:
        """How people call it: 2026-W47."""
        return f"{self.year:04d}-W{self.number:02d}"

    @property
    def period(self) -> Period:
        """Monday midnight to Monday midnight of its zone: 167, 168 or 169 hours."""
        monday = date.fromisocalendar(self.year, self.number, 1)
        start, end = (
            datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)
            for day in (monday, monday + timedelta(days=7))
        )
        return Period(start, end, self.timezone, self.label)

    @property
    def following(self) -> "Week":
        """The week after it."""
        return week_of(self.period.end_utc, self.timezone)


def week_of(instant_utc: datetime, timezone: str) -> Week:
    """Return the week that an aware instant lies in."""
    year, number, _ = instant_utc.astimezone(ZoneInfo(timezone)).isocalendar()
    return Week(year, number, timezone)


def week_called(label: str, timezone: str) -> Week:
    """Return the week of a label as `Week.label` writes it.

    Raises
    ------
    ValueError
        The label is no week.
    """
    match = _LABEL.fullmatch(label)
    if match is None:
        msg = f"{label!r} is not a week"
        raise ValueError(msg)
    return Week(int(match[1]), int(match[2]), timezone)


@dataclass(frozen=True)
class WeekRecord:
    """A week that was published, as the ledger remembers it.

    `revision` is 1 when it is closed and one more each time it is restated. `book_version` is the
    version of the book that the pages were drawn from. `closed_utc` is the moment of revision 1,
    `changed_utc` that of this revision. `is_mailed`: mail was queued for it, or would have been
    if anybody had wanted it; False for weeks that were over before the auditor came on duty.
    `is_short`: its pages say that accounting is missing.
    """

    label: str
    state: WeekState
    revision: int
    book_version: int
    closed_utc: datetime
    changed_utc: datetime
    is_mailed: bool
    is_short: bool = False
