"""What a collection is given, whom it tells, and what it comes to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from auditor.collect.errors import CollectError
from auditor.collect.sacct import Window
from auditor.collect.slurm_command import SlurmHost
from auditor.collect.slurm_rights import Caller
from auditor.domain.incident import Incident
from auditor.ledger.interface import LoadReceipt, Note
from auditor.normalize.interface import ExportContext
from auditor.pipeline.collect_plan import Reach


@dataclass(frozen=True)
class Source:
    """A cluster to collect from: how to ask it, how to read it, and from when on.

    `node_listing` is what sinfo says of its nodes, None where it could not be asked.
    """

    host: SlurmHost
    caller: Caller
    context: ExportContext
    since_utc: datetime
    reach: Reach
    node_listing: str | None = None

    @property
    def cluster(self) -> str:
        """Name of the cluster."""
        return self.host.cluster

    @property
    def name(self) -> str:
        """Name of the source in the ledger."""
        return f"sacct {self.cluster}"


@dataclass(frozen=True)
class CollectReceipt:
    """What one collection of a cluster came to.

    `is_whole`: all that was due was asked for and loaded. `is_held`: accounting may not have all
    of it yet, so the cursor stays and it is asked for again. `failure` is why it was not whole,
    None where it was stopped on request. Counts are sums over its loads, as in `LoadReceipt`.
    `incidents` are those raised, `n_resolved` counts those found to be over. `collected_to_utc` is
    the cursor, None before the first window.
    """

    cluster: str
    is_whole: bool
    n_windows: int
    n_windows_due: int
    collected_to_utc: datetime | None
    n_rows: int = 0
    n_jobs: int = 0
    n_steps: int = 0
    n_rejects: int = 0
    n_new: int = 0
    n_superseded: int = 0
    n_unchanged: int = 0
    n_asked_by_id: int = 0
    n_resolved: int = 0
    incidents: tuple[Incident, ...] = ()
    notes: tuple[Note, ...] = ()
    failure: CollectError | None = None
    is_held: bool = False


class CollectProgress(Protocol):
    """Told how a collection goes."""

    def started(self, cluster: str, n_windows: int) -> None:
        """Say that a cluster's windows are asked for now."""

    def advanced(self, cluster: str, window: Window, receipt: LoadReceipt) -> None:
        """Say that a window is in the ledger."""

    def finished(self, receipt: CollectReceipt) -> None:
        """Say what a cluster's collection came to."""


class Silent:
    """Progress that nobody looks at."""

    def started(self, cluster: str, n_windows: int) -> None:
        """Say nothing."""

    def advanced(self, cluster: str, window: Window, receipt: LoadReceipt) -> None:
        """Say nothing."""

    def finished(self, receipt: CollectReceipt) -> None:
        """Say nothing."""


_sleep = time.sleep


@dataclass(frozen=True)
class Run:
    """How a collection is run: its clock, who watches it, when to stop, and how it waits."""

    now_utc: Callable[[], datetime]
    progress: CollectProgress = field(default_factory=Silent)
    should_stop: Callable[[], bool] = lambda: False
    sleep: Callable[[float], None] = field(default_factory=lambda: _sleep)
