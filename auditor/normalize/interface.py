"""What goes into the reading of an export and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from auditor.domain.reject import Reject
from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.table.column_map import TableMap


@dataclass(frozen=True)
class ExportContext:
    """What is known about an export beside its bytes.

    `cluster` was stated by the caller and overrides what the rows say; `default_cluster` is for
    rows that name none. `timezone_of` gives the zone of a cluster's local times, `default_timezone`
    that of all others. `columns` names the cells of an export without header, in order.
    `forgeable` is set by the reader: user-written columns beside a delimiter that can be guessed.
    `pod_rules_of` and `default_pod_rules` say whose the pods of a cluster are. `seen_utc` is when
    the source looked, for what was still running; None where nobody knows. `table` is how to read
    a table that no dialect describes. `now_utc` is the moment of the loading: no source can have
    seen anything later; None where nobody knows. `is_default_stated`: somebody said which cluster
    the default is, so nothing needs to be told of it. `scheduler` of the cluster as configured
    (slurm, kubernetes, other) chooses the words for what is no export.
    """

    source: str
    cluster: str | None
    default_cluster: str | None
    timezone_of: Mapping[str, str]
    default_timezone: str
    columns: tuple[str, ...] | None = None
    forgeable: bool = False
    pod_rules_of: Mapping[str, PodRules] = field(default_factory=dict)
    default_pod_rules: PodRules = PodRules()  # noqa: RUF009  (frozen)
    seen_utc: datetime | None = None
    table: TableMap | None = None
    now_utc: datetime | None = None
    is_default_stated: bool = False
    scheduler: str = "slurm"


@dataclass(frozen=True)
class SourceNote:
    """What a report must say about a source. Notes of one `code` and `text` are said once."""

    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Assembled:
    """Jobs made from a raw frame (see `assemble_jobs`).

    Every raw row is in exactly one of them: len(raw) == len(jobs) + n_steps + len(rejects).
    `jobs` has the columns of `auditor.domain.frames.JOBS`. `refused_ids`: see `Batch`.
    """

    jobs: pd.DataFrame
    rejects: list[Reject]
    n_steps: int
    notes: tuple[SourceNote, ...] = ()
    refused_ids: frozenset[str | None] = frozenset()


@dataclass(frozen=True)
class Batch:
    """One piece of an export: whole runs with their steps.

    n_rows == n_jobs + n_steps + len(rejects), and n_jobs == len(jobs). Notes may repeat from one
    batch of a source to the next. `refused_ids` are the raw ids of rejects, None among them where
    one cannot be read; lists of pods only.
    """

    jobs: pd.DataFrame
    rejects: list[Reject]
    n_rows: int
    n_jobs: int
    n_steps: int
    notes: tuple[SourceNote, ...] = ()
    refused_ids: frozenset[str | None] = frozenset()


@dataclass(frozen=True)
class RawPiece:
    """Some rows of an export as a reader hands them on, in the spellings of sacct.

    `frame` has one ArrowDtype(string) column for each field ('' is empty) and `line`, int64: the
    1-based line or record. `rejects` are rows that are not in the frame. `n_bytes` were read
    for it. `is_forgeable`: a user could have written whole rows of it.
    """

    frame: pd.DataFrame
    rejects: list[Reject]
    n_bytes: int
    notes: tuple[SourceNote, ...] = ()
    is_forgeable: bool = False
