"""What is weak about the data behind a report, as frozen values that its quality part holds.

Energy is Wh, carbon g CO2e, time s; ratios are 0..1 and None where there is nothing to share.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SourceNote:
    """What a reader must know about a source, with the way to mend it."""

    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class SourceBehind:
    """A source that was collected up to a moment before the end of the period only; None: never.

    `is_late`: that is longer ago than collecting takes, so that runs are missing. With
    `collected_from_utc` it is the begin of the period that is missing, up to that moment.
    """

    cluster: str
    collected_to_utc: datetime | None
    is_late: bool
    collected_from_utc: datetime | None = None


@dataclass(frozen=True)
class FlagCount:
    """How many runs carry one doubt or repair, in words; of which `scheduler`, if of one alone."""

    code: str
    n_jobs: int
    text: str
    scheduler: str | None = None


@dataclass(frozen=True)
class Runaway:
    """A run that the scheduler still calls running long past its limit.

    `reported_s` is what the export says, `counted_s` what was believed (up to its time limit).
    """

    cluster: str
    job_id: str
    user: str | None
    reported_s: float
    counted_s: float
    scheduler: str | None = None


@dataclass(frozen=True)
class UnmatchedNode:
    """Accelerators that the catalogue does not know, and what rests on the default for them."""

    cluster: str
    partition: str | None
    accelerator: str
    n_jobs: int
    gpu_s: float
    energy_wh: float


@dataclass(frozen=True)
class AmbiguousGpu:
    """Accelerators whose word fits several models of the catalogue.

    `word` is accounting's, '' where it gives none; `taken` the model that was counted.
    """

    word: str
    taken: str
    n_jobs: int
    gpu_s: float


@dataclass(frozen=True)
class ZoneIntensity:
    """One grid zone: its share of all energy, and the share of that in hours with a measurement."""

    zone: str
    energy_ratio: float
    measured_ratio: float


@dataclass(frozen=True)
class OpenRun:
    """A run that had not ended at the moment of the export."""

    cluster: str
    job_id: str
    user: str | None
    elapsed_s: float
    carbon_g: float
    scheduler: str | None = None
    parent_job_id: str | None = None


@dataclass(frozen=True)
class OpenRuns:
    """Runs that had not ended; `n_without_limit` of them have no known time limit.

    Pods are not among these: few have a limit. `schedulers` ran them.
    """

    carbon_ratio: float | None = None
    n_without_limit: int = 0
    largest: OpenRun | None = None
    schedulers: tuple[str, ...] = ()
