"""Numbers, periods and subjects as people read them."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from auditor.domain.period import Period
from auditor.domain.recommendation import Recommendation
from auditor.report.model import Report
from auditor.units import S_PER_HOUR, carbon_text, energy_text

# English whatever the locale, like the rest of a report.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WORD_OF_FILTER = {"account": "project", "jobs": "job", "visible_to": "jobs visible to"}
_LARGEST_FACTOR = 1000
_LONG_PERIOD_S = 300 * 86_400
_LARGE = ((1e9, " billion"), (1e6, " million"))
_WEEK = re.compile(r"\d{4}-W\d{2}")
_MONTH = re.compile(r"\d{4}-\d{2}")


def percent_text(ratio: float) -> str:
    """Write a share 0..1 in whole percent; a little is '<1 %' and nearly all is '>99 %'."""
    percent = 100.0 * ratio
    if 0 < percent < 1:
        return "<1 %"
    if 99 < percent < 100:  # noqa: PLR2004  (percent)
        return ">99 %"
    return f"{percent:,.0f} %"


def hours_number(seconds: float) -> str:
    """Write resource time in hours: two decimals below 100, none above; only nothing is '0'."""
    hours = seconds / S_PER_HOUR
    if hours == 0:
        return "0"
    if abs(hours) < 0.005:  # noqa: PLR2004  (what two decimals can show)
        return "<0.01"
    return f"{hours:,.2f}" if abs(hours) < 100 else f"{hours:,.0f}"  # noqa: PLR2004  (a width)


def significant_text(value: float) -> str:
    """Write a plain number to two significant digits, for what is only roughly so."""
    for size, word in _LARGE:
        if abs(value) >= size and math.isfinite(value):
            return significant_text(value / size) + word
    if not math.isfinite(value) or value == 0:
        return "0" if value == 0 else "unknown"
    n_decimals = 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, n_decimals):,.{max(n_decimals, 0)}f}"


def hours_column(seconds: Sequence[float | None]) -> list[str]:
    """Write resource times in hours with the same decimals; nothing is '0', unknown is ''."""
    hours = [None if value is None else value / S_PER_HOUR for value in seconds]
    largest = max((value for value in hours if value is not None), default=0.0)
    n_decimals = 2 if largest < 100 else 1 if largest < 10_000 else 0  # noqa: PLR2004  (widths)
    smallest = f"<{10.0**-n_decimals:.{n_decimals}f}"
    return [
        ""
        if value is None
        else "0"
        if value == 0
        else smallest
        if value < 10.0**-n_decimals / 2
        else f"{value:,.{n_decimals}f}"
        for value in hours
    ]


def amount_text(amount: float) -> str:
    """Write how many of something that comes in parts: '4', '1,024', '0.25', '<0.01'."""
    if float(amount).is_integer():
        return f"{amount:,.0f}"
    if 0 < amount < 0.005:  # noqa: PLR2004  (what two decimals can show)
        return "<0.01"
    return f"{amount:,.2f}".rstrip("0").rstrip(".")


def cores_text(n_cpus: float) -> str:
    """Write a number of cores: '1 core', '0.5 cores'."""
    return f"{amount_text(n_cpus)} {'core' if n_cpus == 1 else 'cores'}"


def count_text(count: int, word: str) -> str:
    """Write a count with its noun: '1 job', '2,310 jobs'."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def carbon_band(low_g: float, high_g: float) -> str:
    """Write a band: '94.9 to 196 kg', or '138 g to 2.51 kg' where it spans two units.

    '' where both ends are written alike: what has no width is no band.
    """
    return _band(carbon_text(low_g), carbon_text(high_g))


def energy_band(low_wh: float, high_wh: float) -> str:
    """Write a band as `carbon_band` does: '279 to 543 kWh'."""
    return _band(energy_text(low_wh), energy_text(high_wh))


def saving_text(advice: Recommendation) -> str:
    """Write what advice saves: '2.31 kg', or 'up to 2.31 kg' where that is an upper limit."""
    limit = "up to " if advice.evidence.get("saving_is") == "upper limit" else ""
    return limit + carbon_text(advice.saving_g)


def intensity_text(g_per_kwh: float | None) -> str:
    """Write a grid intensity in whole grams; None is 'unknown'."""
    return "unknown" if g_per_kwh is None else f"{g_per_kwh:,.0f} g/kWh"


def change_text(report: Report) -> str:
    """Say how the total compares with the span before, in words and without colour; '' if unknown.

    An arrow is for the eye, the word for everybody.
    """
    before = span_before(report.period)
    if report.previous is None:
        return ""
    ratio = report.change_ratio
    if ratio is None:
        return f"nothing in {before}"
    if is_no_change(ratio):
        return f"as much as {before}"
    if ratio > _LARGEST_FACTOR:
        return f"▲ more than {_LARGEST_FACTOR:,} times {before}"
    if ratio > 9:  # noqa: PLR2004  (beyond it a factor reads better)
        return f"▲ {ratio + 1:,.0f} times {before}"
    arrow, word = ("▲", "more") if ratio > 0 else ("▼", "less")
    return f"{arrow} {change_percent(ratio)} {word} than {before}"


def is_no_change(ratio: float) -> bool:
    """Tell whether a change is less than rounds to one percent."""
    return abs(ratio) < 0.005  # noqa: PLR2004  (half a percent)


def change_percent(ratio: float) -> str:
    """Write a change in whole percent, without its sign: '18 %'; next to nothing is '<1 %'.

    All but a trace is not all: that is '99 %'.
    """
    if is_no_change(ratio):
        return "<1 %"
    percent = max(round(100 * abs(ratio)), 1)
    return f"{min(percent, 99) if -1 < ratio < 0 else percent:,} %"


def span_before(period: Period) -> str:
    """Name the span just before: 'the week before', 'the month before', 'the 3 days before'."""
    if _WEEK.fullmatch(period.label):
        return "the week before"
    if _MONTH.fullmatch(period.label):
        return "the month before"
    n_days = round((period.end_s - period.start_s) / 86_400)
    if n_days == 7:  # noqa: PLR2004  (days of a week)
        return "the 7 days before"
    return f"the {n_days} days before" if n_days > 1 else "the day before"


def local_days(period: Period) -> list[date]:
    """List the local days that the period touches, in order."""
    zone = ZoneInfo(period.timezone)
    first = period.start_utc.astimezone(zone).date()
    last = (period.end_utc - timedelta(microseconds=1)).astimezone(zone).date()
    return [first + timedelta(days=n) for n in range(max(0, (last - first).days) + 1)]


def period_text(period: Period) -> str:
    """Write a period as 'Week 47, 16 to 22 November 2026'; whole days without the time."""
    zone = ZoneInfo(period.timezone)
    start, end = period.start_utc.astimezone(zone), period.end_utc.astimezone(zone)
    if _is_midnight(start) and _is_midnight(end) and end > start:
        days = _days_text(start.date(), end.date() - timedelta(days=1))
        if _WEEK.fullmatch(period.label):
            return f"Week {int(period.label[-2:])}, {days}"
        return days
    if start.date() == end.date():
        return f"{_instant_text(start)} to {end:%H:%M}"
    return f"{_instant_text(start)} to {_instant_text(end)}"


def subject_text(filters: Mapping[str, tuple[str, ...]]) -> str:
    """Write filters as 'user alice, state FAILED'; 'all jobs' without any."""
    parts = (
        f"{WORD_OF_FILTER.get(name, name)} {', '.join(values)}" for name, values in filters.items()
    )
    return "; ".join(parts) or "all jobs"


def day_text(day: date) -> str:
    """Write a day as 'Mon 16'."""
    return f"{WEEKDAYS[day.weekday()]} {day.day}"


def state_text(state: str | None) -> str:
    """Write a state as a word: 'OUT_OF_MEMORY' is 'out of memory'."""
    return (state or "unknown").replace("_", " ").lower()


def local_text(instant: datetime | None, period: Period) -> str:
    """Write an instant in the period's zone; '-' where there is none.

    '16 Nov 14:06', or '16 Nov 2026' in a period so long that the year matters more.
    """
    if instant is None:
        return "-"
    local = instant.astimezone(ZoneInfo(period.timezone))
    is_long = period.end_s - period.start_s > _LONG_PERIOD_S
    return f"{local.day:2} {MONTHS[local.month - 1][:3]} {local:{'%Y' if is_long else '%H:%M'}}"


def _band(low: str, high: str) -> str:
    if low == high:
        return ""
    number, _, unit = low.partition(" ")
    return (
        f"{number} to {high}" if high.endswith(f" {unit}") or number == "0" else f"{low} to {high}"
    )


def _is_midnight(instant: datetime) -> bool:
    return instant.time().isoformat() == "00:00:00"


def _days_text(first: date, last: date) -> str:
    end = f"{last.day} {MONTHS[last.month - 1]} {last.year}"
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        if first.day == 1 and (last + timedelta(days=1)).day == 1:
            return f"{MONTHS[last.month - 1]} {last.year}"
        return f"{first.day} to {end}"
    start = f"{first.day} {MONTHS[first.month - 1]}"
    return f"{start} to {end}" if first.year == last.year else f"{start} {first.year} to {end}"


def _instant_text(instant: datetime) -> str:
    return f"{instant.day} {MONTHS[instant.month - 1]} {instant.year} {instant:%H:%M}"
