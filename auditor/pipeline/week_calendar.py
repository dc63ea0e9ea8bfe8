"""Which weeks are over, waited for or due, as far as the clock and the accounting tell."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from auditor.domain.period import Period
from auditor.domain.week import Week, WeekState, week_called, week_of
from auditor.ledger.extent import BookStamp, first_start_utc, spans_s
from auditor.ledger.ledger import Ledger
from auditor.pipeline.origins import WAITING_CODE, begins_late
from auditor.pipeline.week_marks import is_patience_over


@dataclass(frozen=True)
class WeekRules:
    """When a week is closed.

    It waits `grace` for late records, and 72 hours more where the accounting of a cluster of
    `collected` does not reach its end. `restate_for` after its end it is restated no more.
    """

    timezone: str
    grace: timedelta
    restate_for: timedelta
    collected: tuple[str, ...] = ()


def state_at(week: Week, rules: WeekRules, now_utc: datetime) -> WeekState:
    """Tell by the clock alone whether a week is open, in grace, or to be closed."""
    end_utc = _end_utc(week)
    if now_utc < end_utc:
        return WeekState.OPEN
    return WeekState.GRACE if now_utc < end_utc + rules.grace else WeekState.CLOSED


@dataclass(frozen=True)
class Standing:
    """What has become of a week; `revision` is 0 before it is published.

    `closing_utc` is the end of its grace, `waits_for` the clusters whose accounting keeps it open
    beyond.
    """

    label: str
    state: WeekState
    revision: int
    closing_utc: datetime
    waits_for: tuple[str, ...]


def standing_of(ledger: Ledger, label: str, rules: WeekRules, now_utc: datetime) -> Standing:
    """Tell what has become of a week: by its record, else by the clock and the accounting."""
    week = week_called(label, rules.timezone)
    closing_utc = _end_utc(week) + rules.grace
    record = ledger.weeks.record(label)
    if record is not None:
        return Standing(label, record.state, record.revision, closing_utc, ())
    state = state_at(week, rules, now_utc)
    short = accounting_gaps(ledger, week, rules, now_utc) if state is WeekState.CLOSED else ()
    return Standing(label, WeekState.GRACE if short else state, 0, closing_utc, short)


def unpublished(
    ledger: Ledger, stamp: BookStamp, rules: WeekRules, now_utc: datetime
) -> tuple[Week, ...]:
    """Return the weeks that are past their grace, hold runs and have no record, the first first."""
    first_utc = _first_utc(stamp)
    if first_utc is None:
        return ()
    known = {record.label for record in ledger.weeks.records()}
    newest = week_of(now_utc - rules.grace, rules.timezone)
    first = week_of(first_utc, rules.timezone)
    chosen = {week.label: week for week in _weeks_between(first, newest) if week.label not in known}
    stretches = _stretches(map(_period, chosen.values()))
    touched = (chosen[one.label] for stretch in stretches for one in _touched(stamp, stretch))
    return tuple(week for week in touched if not _is_before_collection(ledger, week, rules))


def _is_before_collection(ledger: Ledger, week: Week, rules: WeekRules) -> bool:
    """Tell whether a week was over before any cluster was collected, and nobody loaded exports.

    What it holds then are the beginnings of a few long runs: no account of the week.
    """
    states = [ledger.sources.state(cluster) for cluster in rules.collected]
    known = [state for state in states if state is not None]
    period = week.period
    return bool(known) and all(
        state.since_utc >= period.end_utc and begins_late(ledger, state, period) for state in known
    )


def accounting_gaps(
    ledger: Ledger, week: Week, rules: WeekRules, now_utc: datetime
) -> tuple[str, ...]:
    """Name the clusters whose accounting is not collected past the end of a week."""
    states = {cluster: ledger.sources.state(cluster) for cluster in rules.collected}
    return tuple(
        cluster
        for cluster, state in states.items()
        if state is None or state.trusted_to(now_utc) < _end_utc(week)
    )


def waits(ledger: Ledger, week: Week, rules: WeekRules, now_utc: datetime) -> bool:
    """Tell whether a week past its grace still waits for accounting; remember since when."""
    short = accounting_gaps(ledger, week, rules, now_utc)
    if not short:
        return False
    text = f"{week.label} is not published yet: it waits for the accounting of {', '.join(short)}"
    return not is_patience_over(ledger, week.period, (WAITING_CODE, text, short[0]), now_utc)


def months_due(
    ledger: Ledger, stamp: BookStamp, rules: WeekRules, now_utc: datetime
) -> tuple[Period, ...]:
    """Return the months that hold runs and are not closed, and whose last week is past its grace.

    The first comes first.
    """
    first_utc = _first_utc(stamp)
    if first_utc is None:
        return ()
    known = ledger.weeks.months()
    chosen = [
        month
        for month in _months_between(first_utc, now_utc - rules.grace, rules.timezone)
        if month.label not in known and _end_utc(last_week_of(month)) + rules.grace <= now_utc
    ]
    return tuple(month for stretch in _stretches(chosen) for month in _touched(stamp, stretch))


def last_week_of(month: Period) -> Week:
    """Return the week that the last moment of a month lies in."""
    return week_of(month.end_utc - timedelta(microseconds=1), month.timezone)


def _months_between(first_utc: datetime, last_utc: datetime, timezone: str) -> Iterator[Period]:
    """Tell the months from that of one instant to that of another."""
    zone = ZoneInfo(timezone)
    first = first_utc.astimezone(zone).date().replace(day=1)
    last = last_utc.astimezone(zone).date()
    while first <= last:
        after = (first + timedelta(days=31)).replace(day=1)
        yield _month(first, after, timezone)
        first = after


@lru_cache(maxsize=512)
def _month(first: date, after: date, timezone: str) -> Period:
    start_utc, end_utc = (
        datetime.combine(day, time(), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
        for day in (first, after)
    )
    return Period(start_utc, end_utc, timezone, f"{first:%Y-%m}")


@lru_cache(maxsize=8)
def _first_utc(stamp: BookStamp) -> datetime | None:
    return first_start_utc(stamp)


@lru_cache(maxsize=4096)
def _period(week: Week) -> Period:
    return week.period


def _end_utc(week: Week) -> datetime:
    return _period(week).end_utc


@lru_cache(maxsize=8)
def _weeks_between(first: Week, end: Week) -> tuple[Week, ...]:
    """Return the weeks from the first on up to but without the end."""
    weeks = []
    while first < end:
        weeks.append(first)
        first = first.following
    return tuple(weeks)


def _stretches(periods: Iterable[Period]) -> Iterator[tuple[Period, ...]]:
    """Part periods where something is left out between them."""
    stretch: list[Period] = []
    for period in periods:
        if stretch and stretch[-1].end_utc != period.start_utc:
            yield tuple(stretch)
            stretch = []
        stretch.append(period)
    if stretch:
        yield tuple(stretch)


@lru_cache(maxsize=64)
def _touched(stamp: BookStamp, stretch: tuple[Period, ...]) -> tuple[Period, ...]:
    """Return those of adjoining periods in which a run lies."""
    edges_s = np.array([stretch[0].start_s, *(period.end_s for period in stretch)])
    whole = replace(stretch[0], end_utc=stretch[-1].end_utc)
    start_s, end_s = spans_s(stamp, whole)
    first = np.clip(np.searchsorted(edges_s, start_s, side="right") - 1, 0, len(stretch) - 1)
    last = np.clip(np.searchsorted(edges_s, end_s, side="left") - 1, first, len(stretch) - 1)
    n_begun = np.bincount(first, minlength=len(stretch))
    n_over = np.bincount(last + 1, minlength=len(stretch) + 1)[:-1]
    has_runs = np.cumsum(n_begun) - np.cumsum(n_over) > 0
    return tuple(one for one, is_touched in zip(stretch, has_runs, strict=True) if is_touched)
