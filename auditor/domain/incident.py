"""Something that keeps the accounting from being whole: said in reports, never left out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# Clocks of one site differ by less; a mark further ahead was made by a clock that was wrong.
_CLOCK_SLACK = timedelta(minutes=5)
# No run is missing for these.
_LOSES_NO_RUN = frozenset({"kubernetes_clock", "kubernetes_partial", "prometheus_gap"})
# And these leave the energy as certain as it was.
_LOSES_NO_ENERGY = frozenset({"kubernetes_clock", "kubernetes_partial"})


@dataclass(frozen=True)
class Incident:
    """A shortfall of one source over a span of time.

    `code` is a word for programs (`slurmdbd_down`, `not_operator`, ...); `text` and `hint` are for
    people. `[start_utc, end_utc)` is the time whose accounting may be short; `end_utc` None: it
    goes on. One source has one unresolved incident of a code at a time: seen again, it grows.
    `resolved_utc` is when the accounting of that span was found to be whole; None until then.
    """

    source: str
    cluster: str
    code: str
    text: str
    hint: str
    start_utc: datetime
    end_utc: datetime | None
    first_seen_utc: datetime
    last_seen_utc: datetime
    resolved_utc: datetime | None = None

    @property
    def loses_runs(self) -> bool:
        """Tell whether runs, or parts of them, may be missing for it."""
        return self.code not in _LOSES_NO_RUN

    @property
    def is_shortfall(self) -> bool:
        """Tell whether the data are incomplete for it: runs or measurements."""
        return self.code not in _LOSES_NO_ENERGY


@dataclass(frozen=True)
class SourceState:
    """How far the accounting of one cluster has been collected.

    Everything that ended before `collected_to_utc` is in the book: it does not move before
    accounting is known to have it all. `since_utc` is where collection begins. `deep_utc` is when
    the last long look back was done; None before the first. `n_unclear` and `n_small` count the
    collections, up to the last one, in which accounting was not known to have it all, and in which
    few records were on their way to it.
    """

    cluster: str
    since_utc: datetime
    collected_to_utc: datetime
    deep_utc: datetime | None
    n_unclear: int = 0
    n_small: int = 0

    def is_ahead_of(self, now_utc: datetime) -> bool:
        """Tell whether it was made by a clock that has been set back since."""
        latest = now_utc + _CLOCK_SLACK
        return self.collected_to_utc > latest or (
            self.deep_utc is not None and self.deep_utc > latest
        )

    def trusted_to(self, now_utc: datetime) -> datetime:
        """Return how far collection is known to have come: never later than now."""
        if self.is_ahead_of(now_utc):
            return min(self.since_utc, now_utc)
        return min(self.collected_to_utc, now_utc)


@dataclass(frozen=True)
class MissingJob:
    """A job that ran while accounting did not know it; `last_seen_utc`: when it was seen to run."""

    raw_job_id: str
    start_utc: datetime
    first_seen_utc: datetime
    last_seen_utc: datetime
