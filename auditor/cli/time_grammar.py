"""Times on the command line: sacct's grammar, ISO weeks and months, in the site's zone."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from auditor.domain.period import Period
from auditor.errors import UsageError

_UNITS = {
    "second": "seconds",
    "minute": "minutes",
    "hour": "hours",
    "day": "days",
    "week": "weeks",
}
# sacct(1), "TIME FORMATS": words for times of the day.
_WORDS = {
    "midnight": (0, 0),
    "elevenses": (11, 0),
    "noon": (12, 0),
    "fika": (15, 0),
    "teatime": (16, 0),
}
_HINT = "Write 2026-11-16, 2026-11-16T09:30, 1116, 11/16, now-7days, today, 2026-W47 or last-week."
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?P<half>[AaPp][Mm])?"
_DATES = (
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
    r"(?P<month>\d{2})(?P<day>\d{2})(?P<year>\d{2})?",
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})(?:/(?P<year>\d{2}(?:\d{2})?))?",
    r"(?P<month>\d{1,2})\.(?P<day>\d{1,2})(?:\.(?P<year>\d{2}(?:\d{2})?))?",
)
_WEEK = re.compile(r"(\d{4})-?W(\d{2})", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})-(\d{2})")


def _refuse(text: str) -> UsageError:
    return UsageError(f"{text!r} is not a time", hint=_HINT)


def _instant(local: datetime, timezone: str) -> datetime:
    """Place a wall-clock time: of a repeated hour the first, of a skipped one the moment after."""
    return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def _clock(match: re.Match[str]) -> tuple[int, int, int]:
    groups = match.groupdict()
    if groups.get("hour") is None:
        return (0, 0, 0)
    hour, half = int(groups["hour"]), (groups["half"] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return (hour, int(groups["minute"]), int(groups["second"] or 0))


def _year(text: str | None, default: int) -> int:
    if text is None:
        return default
    return int(text) if len(text) > 2 else 2000 + int(text)  # noqa: PLR2004  (digits of a year)


def _relative(text: str, now_utc: datetime) -> datetime | None:
    match = re.fullmatch(r"now(?:([+-])(\d+)([a-z]*))?", text)
    if match is None:
        return None
    if match[1] is None:
        return now_utc
    word = match[3] or "seconds"
    unit = next((name for short, name in _UNITS.items() if short.startswith(word.rstrip("s"))), "")
    if not unit or not word.rstrip("s"):
        return None
    step = timedelta(**{unit: int(match[2])})
    return now_utc + step if match[1] == "+" else now_utc - step


def _dated(text: str, now_local: datetime) -> datetime | None:
    for pattern in _DATES:
        match = re.fullmatch(rf"{pattern}(?:[T-]{_CLOCK})?", text)
        if match:
            year = _year(match["year"], now_local.year)
            return datetime(year, int(match["month"]), int(match["day"]), *_clock(match))  # noqa: DTZ001  (placed by the caller)
    match = re.fullmatch(_CLOCK, text)
    if match:
        hour, minute, second = _clock(match)
        return now_local.replace(hour=hour, minute=minute, second=second, microsecond=0)
    return None


def parse_time(text: str, now_utc: datetime, timezone: str) -> datetime:
    """Return the instant that sacct's grammar means, read in the site's zone, in UTC.

    Besides sacct's own forms: an instant with an offset or Z, `uts` and seconds since 1970.

    Raises
    ------
    UsageError
        The text is none of these forms, or no such day exists.
    """
    word = text.strip()
    lowered = word.lower()
    now_local = now_utc.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    midnight = now_local.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if (found := _relative(lowered, now_utc)) is not None:
            return found
        if re.fullmatch(r"uts\d+", lowered):
            return datetime.fromtimestamp(int(lowered[3:]), UTC)
        if lowered in {"today", "tomorrow", "yesterday"}:
            days = {"today": 0, "tomorrow": 1, "yesterday": -1}[lowered]
            return _instant(midnight + timedelta(days=days), timezone)
        if lowered in _WORDS:
            hour, minute = _WORDS[lowered]
            return _instant(midnight.replace(hour=hour, minute=minute), timezone)
        if (local := _dated(word, now_local)) is not None:
            return _instant(local, timezone)
        placed = datetime.fromisoformat(word)
    except (ValueError, OverflowError) as error:
        raise _refuse(text) from error
    if placed.tzinfo is None:
        raise _refuse(text)
    return placed.astimezone(UTC)


def _midnight(day: datetime, timezone: str) -> datetime:
    return _instant(day, timezone)


def week_period(text: str, now_utc: datetime, timezone: str) -> Period:
    """Return the ISO week `2026-W47`, `last-week` or `this-week` in the site's zone.

    Raises
    ------
    UsageError
        There is no such week.
    """
    today = now_utc.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    offsets = {"this-week": 0, "last-week": 7}
    if text in offsets:
        year, week, _ = (today - timedelta(days=offsets[text])).isocalendar()
    elif match := _WEEK.fullmatch(text):
        year, week = int(match[1]), int(match[2])
    else:
        msg = f"{text!r} is not a week"
        raise UsageError(msg, hint="Write 2026-W47, last-week or this-week.")
    try:
        monday = datetime.fromisocalendar(year, week, 1)
    except ValueError as error:
        msg = f"the year {year} has no week {week}"
        raise UsageError(msg, hint="Weeks are ISO weeks, 01 to 52 or 53.") from error
    end = _midnight(monday + timedelta(days=7), timezone)
    return Period(_midnight(monday, timezone), end, timezone, f"{year}-W{week:02d}")


def month_period(text: str, now_utc: datetime, timezone: str) -> Period:
    """Return the month `2026-11`, `last-month` or `this-month` in the site's zone.

    Raises
    ------
    UsageError
        There is no such month.
    """
    today = now_utc.astimezone(ZoneInfo(timezone))
    first = datetime(today.year, today.month, 1)  # noqa: DTZ001  (placed below)
    if text == "last-month":
        first = (first - timedelta(days=1)).replace(day=1)
    elif match := _MONTH.fullmatch(text):
        try:
            first = datetime(int(match[1]), int(match[2]), 1)  # noqa: DTZ001  (placed below)
        except ValueError as error:
            msg = f"there is no month {text}"
            raise UsageError(msg, hint="Write 2026-11 or last-month.") from error
    elif text != "this-month":
        msg = f"{text!r} is not a month"
        raise UsageError(msg, hint="Write 2026-11, last-month or this-month.")
    after = (first + timedelta(days=32)).replace(day=1)
    label = f"{first.year:04d}-{first.month:02d}"
    return Period(_midnight(first, timezone), _midnight(after, timezone), timezone, label)


def _named_period(text: str, now_utc: datetime, timezone: str) -> Period | None:
    if text in {"last-week", "this-week"} or _WEEK.fullmatch(text):
        return week_period(text, now_utc, timezone)
    if text in {"last-month", "this-month"} or _MONTH.fullmatch(text):
        return month_period(text, now_utc, timezone)
    return None


def span_period(since: str | None, until: str | None, now_utc: datetime, timezone: str) -> Period:
    """Return the period from `since` to `until`; the last seven days where neither is given.

    A week or a month as a value means its start for `since` and its end for `until`; as `since`
    alone it means the whole of it.

    Raises
    ------
    UsageError
        A value is not a time, or the period would end before it starts.
    """
    first = _named_period(since, now_utc, timezone) if since else None
    last = _named_period(until, now_utc, timezone) if until else None
    if first and until is None:
        return first
    end = last.end_utc if last else parse_time(until or "now", now_utc, timezone)
    if first:
        start = first.start_utc
    elif since:
        start = parse_time(since, now_utc, timezone)
    else:
        start = end - timedelta(days=7)
    if end <= start:
        word = "is empty" if end == start else "would end before it starts"
        msg = f"the period {word}: from {since or 'seven days before'} to {until or 'now'}"
        raise UsageError(msg, hint="The end is exclusive: one day is -S 2026-11-18 -E 2026-11-19.")
    zone = ZoneInfo(timezone)
    label = f"{start.astimezone(zone):%Y-%m-%d %H:%M} to {end.astimezone(zone):%Y-%m-%d %H:%M}"
    return Period(start, end, timezone, label)
