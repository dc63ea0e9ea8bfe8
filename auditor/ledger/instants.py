"""Instants as the desk keeps them: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros_of(instant_utc: datetime) -> int:
    """Return an aware instant in microseconds since 1970; exact, no float between.

    Raises
    ------
    TypeError
        The instant is naive.
    """
    return (instant_utc - _EPOCH) // _MICROSECOND


def micros_or_none(instant_utc: datetime | None) -> int | None:
    """Return the same of an instant that may be missing."""
    return None if instant_utc is None else micros_of(instant_utc)


def instant_of(micros: int) -> datetime:
    """Return the aware instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def instant_or_none(micros: int | None) -> datetime | None:
    """Return the same of a column that may be NULL."""
    return None if micros is None else instant_of(micros)
