"""Which windows a collection asks for: what is new, and as much of the past as may have changed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.collect.sacct import DAY, Window, windows_between
from auditor.domain.incident import SourceState

_SLOT_HOURS = 6
_DEEP_EVERY = DAY


@dataclass(frozen=True)
class Reach:
    """How far a collection looks back: each time, and once a day."""

    lookback: timedelta
    deep_lookback: timedelta


@dataclass(frozen=True)
class Plan:
    """The windows of one collection, in the order of time; `is_deep`: the long look back."""

    windows: tuple[Window, ...]
    is_deep: bool


def plan_windows(state: SourceState, since_utc: datetime, reach: Reach, now_utc: datetime) -> Plan:
    """Return the windows to ask for now.

    Their edges lie on midnights of UTC, and the first begins at a slot of six hours, so that the
    windows of later collections hold those of earlier ones. Where the configuration now begins
    earlier than before, what lies between is asked for first.

    Parameters
    ----------
    state
        How far collection has come.
    since_utc
        Where the configuration begins.
    """
    known_to_utc = min(state.collected_to_utc, now_utc)
    is_deep = state.deep_utc is None or abs(now_utc - state.deep_utc) >= _DEEP_EVERY
    begin = _slot(known_to_utc - reach.lookback)
    if is_deep:
        begin = min(begin, _midnight(known_to_utc - reach.deep_lookback))
    begin = max(begin, min(state.since_utc, known_to_utc))
    earlier: tuple[Window, ...] = ()
    if since_utc < state.since_utc:
        earlier = windows_between(since_utc, min(state.since_utc, begin))
    return Plan(earlier + windows_between(begin, now_utc), is_deep)


def advanced(state: SourceState, window: Window, ceiling_utc: datetime | None) -> SourceState:
    """Return the state after a window; `ceiling_utc`: not further than this, None for no limit."""
    reached = window[1] if ceiling_utc is None else min(window[1], ceiling_utc)
    return replace(state, collected_to_utc=max(state.collected_to_utc, reached))


def _slot(instant_utc: datetime) -> datetime:
    midnight = _midnight(instant_utc)
    return midnight + timedelta(hours=instant_utc.hour // _SLOT_HOURS * _SLOT_HOURS)


def _midnight(instant_utc: datetime) -> datetime:
    return instant_utc.replace(hour=0, minute=0, second=0, microsecond=0)
