"""Which weeks are over, waited for or due, as far as the clock and the accounting tell."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from auditor.domain.incident import Incident
from auditor.domain.period import Period
from auditor.domain.week import Week, WeekState, week_called, week_of
from auditor.ledger.extent import BookStamp, first_start_utc, spans_s
from auditor.ledger.ledger import Ledger
from auditor.pipeline.origins import WAITING_CODE

PATIENCE = timedelta(hours=72)


@dataclass(frozen=True)
class WeekRules:
    """When a week is closed.

    It waits `grace` for late records, and `PATIENCE` more where the accounting of a cluster of
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
    short = accounting_gaps(ledger, week, rules) if state is WeekState.CLOSED else ()
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
    chosen = tuple(week for week in _weeks_between(first, newest) if week.label not in known)
    return tuple(week for stretch in _stretches(chosen) for week in _touched(stamp, stretch))


def accounting_gaps(ledger: Ledger, week: Week, rules: WeekRules) -> tuple[str, ...]:
    """Name the clusters whose accounting is not collected past the end of a week."""
    states = {cluster: ledger.sources.state(cluster) for cluster in rules.collected}
    return tuple(
        cluster
        for cluster, state in states.items()
        if state is None or state.collected_to_utc < _end_utc(week)
    )


def waits(ledger: Ledger, week: Week, rules: WeekRules, now_utc: datetime) -> bool:
    """Tell whether a week past its grace still waits for accounting; remember since when.

    The time is counted from when it was first seen waiting: a host that was off for weeks gets to
    collect what it missed before it publishes weeks that are short.
    """
    short = accounting_gaps(ledger, week, rules)
    if not short:
        return False
    source = waiting_source(week)
    marks = [
        one
        for one in ledger.sources.incidents(week.period, unresolved_only=True)
        if one.source == source and one.code == WAITING_CODE
    ]
    if marks:
        return now_utc < marks[0].first_seen_utc + PATIENCE
    ledger.sources.raise_incident(
        Incident(
            source=source,
            cluster=short[0],
            code=WAITING_CODE,
            text=f"{week.label} is not published yet: it waits for the accounting of "
            f"{', '.join(short)}",
            hint="`auditor collect` fetches it; `auditor doctor` says what keeps it from that.",
            start_utc=week.period.start_utc,
            end_utc=week.period.end_utc,
            first_seen_utc=now_utc,
            last_seen_utc=now_utc,
        )
    )
    return True


def waiting_source(week: Week) -> str:
    """Name the waiting of a week as the source of an incident."""
    return f"publish {week.label}"


def month_ending_in(week: Week) -> Period | None:
    """Return the month whose last day lies in a week; None if there is none."""
    monday = date.fromisocalendar(week.year, week.number, 1)
    after = (monday + timedelta(days=7)).replace(day=1)
    if after <= monday:
        return None
    first = (after - timedelta(days=1)).replace(day=1)
    start_utc, end_utc = (
        datetime.combine(day, time(), tzinfo=ZoneInfo(week.timezone)).astimezone(UTC)
        for day in (first, after)
    )
    return Period(start_utc, end_utc, week.timezone, f"{first:%Y-%m}")


@lru_cache(maxsize=8)
def _first_utc(stamp: BookStamp) -> datetime | None:
    return first_start_utc(stamp)


@lru_cache(maxsize=4096)
def _end_utc(week: Week) -> datetime:
    return week.period.end_utc


@lru_cache(maxsize=8)
def _weeks_between(first: Week, end: Week) -> tuple[Week, ...]:
    """Return the weeks from the first on up to but without the end."""
    weeks = []
    while first < end:
        weeks.append(first)
        first = first.following
    return tuple(weeks)


def _stretches(weeks: tuple[Week, ...]) -> Iterator[tuple[Week, ...]]:
    """Part weeks where one is left out between them."""
    stretch: list[Week] = []
    for week in weeks:
        if stretch and stretch[-1].following != week:
            yield tuple(stretch)
            stretch = []
        stretch.append(week)
    if stretch:
        yield tuple(stretch)


@lru_cache(maxsize=64)
def _touched(stamp: BookStamp, stretch: tuple[Week, ...]) -> tuple[Week, ...]:
    """Return those of adjoining weeks in which a run lies."""
    edges_s = np.array([stretch[0].period.start_s, *(week.period.end_s for week in stretch)])
    whole = replace(stretch[0].period, end_utc=_end_utc(stretch[-1]))
    start_s, end_s = spans_s(stamp, whole)
    first = np.clip(np.searchsorted(edges_s, start_s, side="right") - 1, 0, len(stretch) - 1)
    last = np.clip(np.searchsorted(edges_s, end_s, side="left") - 1, first, len(stretch) - 1)
    n_begun = np.bincount(first, minlength=len(stretch))
    n_over = np.bincount(last + 1, minlength=len(stretch) + 1)[:-1]
    has_runs = np.cumsum(n_begun) - np.cumsum(n_over) > 0
    return tuple(week for week, is_touched in zip(stretch, has_runs, strict=True) if is_touched)
