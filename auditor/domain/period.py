"""A half-open span of time, and how a person calls it."""

from dataclasses import dataclass
from datetime import datetime


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
