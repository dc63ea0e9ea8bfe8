"""What goes into the ledger and what comes out, as values."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from auditor.domain.intensity import IntensitySeries
from auditor.domain.reject import Reject


@dataclass(frozen=True)
class Note:
    """Something a report must say about a source (forgeable, no Start column, ...)."""

    code: str
    text: str
    hint: str


@dataclass(frozen=True)
class LoadBatch:
    """One piece of an export: its runs with their estimates, and what was not a run.

    `rows` has the columns of `domain.frames.BOOK`; `n_rows` counts the rows read, steps and rejects
    among them. The same note may come with every batch of a load: it is kept once.
    """

    rows: pd.DataFrame
    rejects: tuple[Reject, ...]
    n_rows: int
    n_steps: int
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class LoadSource:
    """Where a load comes from.

    `digest` is called once, after the last batch, and names the content (a stream is known by its
    content only when it has been read). `loaded_utc` is the moment of the load, ISO 8601.

    `window` is the half-open span of time, UTC, that the source was asked for: what this load says
    takes the place of what earlier ones of the same name said whose window lies within. None: a
    load that stands for itself.

    `cluster` is whose accounting was asked for: that of the load if no run of it names one.
    """

    name: str
    digest: Callable[[], str]
    loaded_utc: str
    window: tuple[datetime, datetime] | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class LoadReceipt:
    """What one load did to the book.

    `n_new + n_superseded + n_unchanged + n_duplicate_in_load == n_jobs`, and
    `n_rows == n_jobs + n_steps + n_rejects`. `n_unchanged` are older or equal views of runs that
    the book has. `book_version` is the version of the book after the load, `schedulers` are those
    of its runs.
    """

    n_new: int
    n_superseded: int
    n_unchanged: int
    n_duplicate_in_load: int
    book_version: int
    n_rows: int
    n_jobs: int
    n_steps: int
    n_rejects: int
    schedulers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filters:
    """Which runs are asked for: exact values, an empty tuple is no filter.

    `jobs` takes ids as people know them (4711, 4711_3, 21+0) and raw ids; the id of an array or
    het job finds all its tasks and components.
    """

    user: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()
    qos: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True)
class FactorSet:
    """The factors behind estimates: an id, their text (JSON), and the grid series they rest on."""

    id: str
    text: str
    series: tuple[IntensitySeries, ...] = ()


@dataclass(frozen=True)
class LoadNote:
    """A note with the source it is about."""

    source: str
    note: Note


@dataclass(frozen=True)
class LoadQuality:
    """What the loads behind a period said.

    `rejects` holds at most the number asked for; `n_rejected` counts all. A bad row that several
    windows of one source met counts once, and the rows of a window within another not again:
    `n_rows == n_jobs + n_steps + n_rejected`.
    """

    n_loads: int
    n_rows: int
    n_jobs: int
    n_steps: int
    n_rejected: int
    rejects: tuple[Reject, ...]
    notes: tuple[LoadNote, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the ledger; `n` counts the rows or files concerned."""

    code: str
    text: str
    n: int
