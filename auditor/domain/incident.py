"""Something that keeps the accounting from being whole: said in reports, never left out."""

from dataclasses import dataclass
from datetime import datetime


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


@dataclass(frozen=True)
class SourceState:
    """How far the accounting of one cluster has been collected.

    Everything that ended before `collected_to_utc` is in the book, as far as accounting knew it
    then. `since_utc` is where collection begins. `deep_utc` is when the last long look back was
    done; None before the first.
    """

    cluster: str
    since_utc: datetime
    collected_to_utc: datetime
    deep_utc: datetime | None
