"""A half-open span of time, and how a person calls it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Period:
    """`[start_utc, end_utc)`, two aware instants in UTC, with the zone its days are told in.

    Raises
    ------
    ValueError
        An instant is naive, or the period ends before it starts.
    """

    start_utc: datetime
    end_utc: datetime
    timezone: str
    label: str

    def __post_init__(self) -> None:
        """Refuse what cannot be a period."""
        if self.start_utc.tzinfo is None or self.end_utc.tzinfo is None:
            msg = "a period needs aware instants"
            raise ValueError(msg)
        if self.end_utc < self.start_utc:
            msg = f"the period ends ({self.end_utc}) before it starts ({self.start_utc})"
            raise ValueError(msg)

    @property
    def start_s(self) -> int:
        """Start in whole seconds since 1970 [s]."""
        return int(self.start_utc.timestamp())

    @property
    def end_s(self) -> int:
        """End in whole seconds since 1970 [s]."""
        return int(self.end_utc.timestamp())


def period_before(period: Period) -> Period:
    """Return the span just before: the month before a month, else as many local days and hours.

    The week before a week of 167 hours has 168: days are told in the period's zone.
    """
    zone = ZoneInfo(period.timezone)
    start = period.start_utc.astimezone(zone).replace(tzinfo=None)
    end = period.end_utc.astimezone(zone).replace(tzinfo=None)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    following_month = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
    if start == midnight.replace(day=1) and end == following_month:
        earlier = (start - timedelta(days=1)).replace(day=1)
        label = f"{earlier.year:04d}-{earlier.month:02d}"
    else:
        earlier = start - (end - start)
        label = f"{earlier:%Y-%m-%d %H:%M} to {start:%Y-%m-%d %H:%M}"
        if end - start == timedelta(days=7) and start == midnight and start.weekday() == 0:
            year, week, _ = earlier.isocalendar()
            label = f"{year}-W{week:02d}"
    earlier_utc = earlier.replace(tzinfo=zone).astimezone(UTC)
    return Period(earlier_utc, period.start_utc, period.timezone, label)
