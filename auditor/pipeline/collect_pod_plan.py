"""Which slots of meters a collection asks for: what is new, and as much as may have changed."""

from datetime import UTC, datetime, timedelta

from auditor.domain.frames import SLOT_S
from auditor.domain.incident import SourceState
from auditor.pipeline.collect_plan import Plan, Reach

SLOT = timedelta(seconds=SLOT_S)
_DEEP_EVERY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plan_slots(state: SourceState, since_utc: datetime, reach: Reach, now_utc: datetime) -> Plan:
    """Return the slots to ask for now, the first first; the last one ends now.

    Parameters
    ----------
    state
        How far collection has come.
    since_utc
        Where it is to begin; slots from there to where it began before come first.
    """
    known_to_utc = min(state.collected_to_utc, now_utc)
    is_deep = state.deep_utc is None or abs(now_utc - state.deep_utc) >= _DEEP_EVERY
    begin = known_to_utc - (max(reach.lookback, reach.deep_lookback) if is_deep else reach.lookback)
    begin = slot_of(max(begin, min(state.since_utc, known_to_utc)))
    earlier = slots_between(since_utc, min(slot_of(state.since_utc), begin))
    return Plan(earlier + slots_between(begin, now_utc), is_deep)


def slot_of(instant_utc: datetime) -> datetime:
    """Return the begin of the slot that an instant lies in."""
    return _EPOCH + (instant_utc - _EPOCH) // SLOT * SLOT


def slots_between(start_utc: datetime, end_utc: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Return the slots from that of `start_utc` on, cut at `end_utc`."""
    first = slot_of(start_utc)
    n_slots = max(-((first - end_utc) // SLOT), 0)
    slots = ((first + number * SLOT, first + (number + 1) * SLOT) for number in range(n_slots))
    return tuple((begin, min(end, end_utc)) for begin, end in slots)
