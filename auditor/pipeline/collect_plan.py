"""Which windows a collection asks for: what is new, and as much of the past as may have changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from auditor.collect.sacct import DAY, Window, windows_between
from auditor.domain.incident import SourceState

_SLOT = timedelta(hours=6)
_DEEP_EVERY = DAY
_NARROWEST = timedelta(minutes=1)


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

    Past days of UTC are one window each, the day that now lies in is cut every six hours, and the
    first window begins at such an edge: so windows of a later collection hold those of an earlier
    one whole or not at all, and rows are not counted for both. Where the configuration now begins
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
    return Plan(earlier + _cut_today(begin, now_utc), is_deep)


def narrowed(windows: Sequence[Window], widest: timedelta | None) -> tuple[Window, ...]:
    """Cut windows that are wider than slurmdbd answers; None for no limit."""
    most = DAY if widest is None else max(_NARROWEST, min(DAY, widest))
    return tuple(part for window in windows for part in windows_between(*window, most))


def advanced(state: SourceState, window: Window, ceiling_utc: datetime) -> SourceState:
    """Return the state after a window; the cursor goes no further than `ceiling_utc`."""
    reached = min(window[1], ceiling_utc)
    return replace(state, collected_to_utc=max(state.collected_to_utc, reached))


def _cut_today(begin: datetime, now_utc: datetime) -> tuple[Window, ...]:
    today = max(begin, _midnight(now_utc))
    past = windows_between(begin, min(today, now_utc))
    edges = (_midnight(now_utc) + n * _SLOT for n in range(1, DAY // _SLOT))
    inner = [edge for edge in edges if today < edge < now_utc]
    return past + tuple(
        window
        for one, two in pairwise([today, *inner, now_utc])
        for window in windows_between(one, two)
    )


def _slot(instant_utc: datetime) -> datetime:
    midnight = _midnight(instant_utc)
    return midnight + (instant_utc - midnight) // _SLOT * _SLOT


def _midnight(instant_utc: datetime) -> datetime:
    return instant_utc.replace(hour=0, minute=0, second=0, microsecond=0)
