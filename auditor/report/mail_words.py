"""The sentences and short forms of a mail: its subject, its verdict, changes and short periods."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from auditor.domain.period import Period
from auditor.report.clean import printable
from auditor.report.filters import (
    MONTHS,
    change_percent,
    change_text,
    is_no_change,
    percent_text,
    period_text,
)
from auditor.report.model import Report
from auditor.report.page import Subject
from auditor.units import carbon_text

N_NAME = 40
TIMES = "\N{MULTIPLICATION SIGN}"
_MINUS, _EN_DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
_MOST_FACTOR = 1000
_MANY_TIMES = 9


def subject_line(subject: Subject, report: Report, *, is_first: bool = False) -> str:
    """Write '[Example HPC] Your jobs 16-22 Nov: 12.4 kg CO₂e (-18 %)', printable, on one line.

    To who gets the first mail about it nothing is restated.
    """
    restated = ", restated" if report.restated is not None and not is_first else ""
    change = change_short(report)
    return (
        f"[{printable(report.site, N_NAME)}] {whose_jobs(subject)} "
        f"{short_period(report.period)}{restated}: {carbon_text(report.totals.carbon_g)} CO₂e"
        f"{f' ({change})' if change else ''}"
    )


def whose_jobs(subject: Subject) -> str:
    """Name the jobs that a mail is about: 'Your jobs', 'Project climate', 'All jobs'."""
    name = printable(subject.name, N_NAME)
    word_of = {"user": "Your jobs", "account": f"Project {name}", "cluster": f"Cluster {name}"}
    return word_of.get(subject.kind, "All jobs")


def short_period(period: Period) -> str:
    """Write whole days as '16-22 Nov', '29 Dec-4 Jan' or '22 Nov', a month as 'November 2026'."""
    zone = ZoneInfo(period.timezone)
    start, end = period.start_utc.astimezone(zone), period.end_utc.astimezone(zone)
    is_whole = start.time() == end.time() and not (start.hour or start.minute or start.second)
    if not is_whole or end <= start:
        return period_text(period)
    first, last = start.date(), end.date() - timedelta(days=1)
    if first.day == 1 and last.month == first.month and end.day == 1:
        return period_text(period)
    if first == last:
        return _day(first)
    start_text = str(first.day) if first.month == last.month else _day(first)
    return f"{start_text}{_EN_DASH}{_day(last)}"


def change_short(report: Report) -> str:
    """Write the change against the span before as '-18 %', '+24 %' or 'x12'; '' if unknown."""
    ratio = report.change_ratio
    if ratio is None:
        return ""
    if ratio > _MOST_FACTOR:
        return f">{TIMES}{_MOST_FACTOR:,}"
    if ratio > _MANY_TIMES:
        return f"{TIMES}{ratio + 1:,.0f}"
    if is_no_change(ratio):
        return "±0 %"
    return f"{'+' if ratio > 0 else _MINUS}{change_percent(ratio)}"


def verdict(subject: Subject, report: Report) -> str:
    """Say in one sentence what was emitted, how that compares and what of it was for nothing."""
    if not report.totals.n_jobs:
        return f"{_who(subject, report)} ran."
    carbon = f"emitted {carbon_text(report.totals.carbon_g)} CO₂e"
    return f"{_who(subject, report)} {carbon}{_compared(report)}{_lost(report)}."


def _has(report: Report) -> bool:
    return report.totals.carbon_g > 0


def _who(subject: Subject, report: Report) -> str:
    n_jobs = report.totals.n_jobs
    name = printable(subject.name, N_NAME)
    where = {"account": f" of project {name}", "cluster": f" on cluster {name}"}
    place = where.get(subject.kind, "")
    if not n_jobs:
        return "No job of yours" if subject.kind == "user" else f"No job{place}"
    if subject.kind == "user":
        return "Your job" if n_jobs == 1 else f"Your {n_jobs:,} jobs"
    if n_jobs == 1:
        return f"The only job{place}"
    return f"The {n_jobs:,} jobs{place}" if place else f"All {n_jobs:,} jobs"


def _compared(report: Report) -> str:
    change = change_text(report).removeprefix("▲ ").removeprefix("▼ ")
    if change.startswith("nothing"):
        return f", after {change}"
    return f", {change}" if change else ""


def _lost(report: Report) -> str:
    waste, totals = report.waste, report.totals
    if not waste.n_jobs or not _has(report) or carbon_text(waste.carbon_g) == carbon_text(0.0):
        return ""
    if waste.n_jobs == totals.n_jobs:
        return "; none of it led to a result"
    share = percent_text(waste.carbon_g / totals.carbon_g)
    return f"; {carbon_text(waste.carbon_g)} of it ({share}) led to no result"


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]}"
