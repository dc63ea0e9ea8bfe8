"""What a collection of a Kubernetes cluster is given: whom to ask, and how far back."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

import pandas as pd

from auditor.normalize.interface import ExportContext
from auditor.pipeline.collect_plan import Reach

Window = tuple[datetime, datetime]
# What tells of pods where there is no API, as gaps name it.
TELLER = "kube-state-metrics"
ShouldStop = Callable[[], bool]


class Remark(Protocol):
    """What an answer lacks: a `code` for programs, words for people."""

    @property
    def code(self) -> str:
        """The code of the incident that is made of it."""

    @property
    def text(self) -> str:
        """What is the matter."""

    @property
    def hint(self) -> str:
        """What to do about it."""


class PodsAnswer(Protocol):
    """Every pod of a cluster at one moment, as concatenated Kubernetes Lists."""

    @property
    def stream(self) -> BinaryIO:
        """The lists as JSON."""

    @property
    def seen_utc(self) -> datetime:
        """When it shows the pods."""

    @property
    def notes(self) -> Sequence[Remark]:
        """What it lacks."""

    def name_content(self) -> str:
        """Return a name of the content."""


class Gap(Protocol):
    """A span without samples of something."""

    @property
    def start_utc(self) -> datetime:
        """Its begin."""

    @property
    def end_utc(self) -> datetime:
        """Its end."""

    @property
    def what(self) -> str:
        """What is missing: a noun."""

    @property
    def is_bridged(self) -> bool:
        """Whether counters that ran on tell what that time came to."""


class Metering(Protocol):
    """What meters say of one slot: facts of pods, sums for each of them, and what is missing."""

    @property
    def pods(self) -> pd.DataFrame:
        """A frame of PODS."""

    @property
    def meters(self) -> pd.DataFrame:
        """A frame of METERS."""

    @property
    def gaps(self) -> Sequence[Gap]:
        """Spans without samples."""

    @property
    def notes(self) -> Sequence[Remark]:
        """What is missing altogether."""

    @property
    def tells_of_pods(self) -> bool:
        """Whether kube-state-metrics was heard."""

    @property
    def is_mute(self) -> bool:
        """Whether none of the exporters was heard."""

    @property
    def unattributed_wh(self) -> float:
        """Energy of pods that nobody told of [Wh]."""


Look = Callable[[ShouldStop], AbstractContextManager[PodsAnswer]]
AskMeters = Callable[[Window, pd.DataFrame | None, ExportContext, ShouldStop], Metering]


def api_name(cluster: str) -> str:
    """Return what a cluster's API is called as a source."""
    return f"kubernetes {cluster}"


def prometheus_name(cluster: str) -> str:
    """Return what a cluster's Prometheus is called as a source."""
    return f"prometheus {cluster}"


@dataclass(frozen=True)
class PodSource:
    """A Kubernetes cluster to collect from; it has an API to look at, meters to ask, or both.

    `look_every` lies between two collections. What begins and ends between two looks is seen by
    meters only.
    """

    cluster: str
    context: ExportContext
    since_utc: datetime
    reach: Reach
    look_every: timedelta
    look: Look | None = None
    ask_meters: AskMeters | None = None

    @property
    def name(self) -> str:
        """Name of the source that tells of the pods first."""
        return prometheus_name(self.cluster) if self.look is None else api_name(self.cluster)
