"""A site whose one cluster is Kubernetes: an API and meters that know what was made up here.

Both are told the same truth, each in its own words: the API as JSON of the Kubernetes API, of the
pods that it still has; the meters as the frames that a Prometheus comes to, slot by slot.
"""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from uuid import NAMESPACE_OID, uuid5

import pandas as pd

from auditor.collect.errors import CollectError
from auditor.domain.frames import METERS, SLOT_S, Column
from auditor.domain.incident import Incident, SourceState
from auditor.domain.job import QualityFlag
from auditor.ledger.interface import LoadSource
from auditor.ledger.ledger import Ledger
from auditor.normalize.kubernetes.frame import PODS
from auditor.pipeline.collect_parts import CollectProgress, CollectReceipt, Run, Silent
from auditor.pipeline.collect_plan import Reach
from auditor.pipeline.collect_pod_parts import TELLER, PodsAnswer, PodSource, ShouldStop
from auditor.pipeline.collect_pods import collect_pods
from auditor.pipeline.factors import Factors
from auditor.pipeline.line import Intake, ingest
from auditor.settings.models import Settings
from auditor.wiring.parts import ExportOptions, build_factors, export_context

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SINCE = datetime(2026, 11, 23, tzinfo=UTC)
SLOT = timedelta(seconds=SLOT_S)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Pod:
    """A pod as it really was; `end_utc` None: it runs on. `gone_utc`: the API forgot it then.

    `untold_utc`: kube-state-metrics was silent on it from then on, and meters were not.
    """

    name: str
    start_utc: datetime
    end_utc: datetime | None = None
    gone_utc: datetime | None = None
    n_gpu: int = 1
    gpu_w: float = 200.0
    n_cpus: float = 4.0
    used_cpus: float = 2.0
    memory_gib: int = 8
    used_gib: float = 4.0
    uses_first_hour_only: bool = False
    user: str = "alice"
    phase: str = "Succeeded"
    untold_utc: datetime | None = None

    @property
    def uid(self) -> str:
        return str(uuid5(NAMESPACE_OID, f"{self.name} {self.start_utc}"))

    @property
    def created_utc(self) -> datetime:
        return self.start_utc - timedelta(seconds=20)

    def hours(self, end_utc: datetime) -> float:
        """Hours that it ran up to a moment."""
        end_utc = min(end_utc, self.end_utc or end_utc)
        return max((end_utc - self.start_utc).total_seconds(), 0.0) / 3600


@dataclass(frozen=True)
class Gap:
    start_utc: datetime
    end_utc: datetime
    what: str = "a meter"
    is_bridged: bool = False


@dataclass(frozen=True)
class Remark:
    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Look:
    stream: BinaryIO
    content: str
    seen_utc: datetime
    notes: tuple[Remark, ...]

    def name_content(self) -> str:
        return self.content


@dataclass(frozen=True)
class Answer:
    pods: pd.DataFrame
    meters: pd.DataFrame
    gaps: Sequence[Gap] = ()
    unattributed_wh: float = 0.0
    notes: tuple[Remark, ...] = ()
    idle_wh: float = 0.0
    tells_of_pods: bool = True
    is_mute: bool = False


@dataclass
class PodSite:
    """The site under test; `faults` are raised by whom they name: api, meters."""

    folder: Path
    pods: list[Pod] = field(default_factory=list)
    now: datetime = NOW
    since: datetime = SINCE
    has_api: bool = True
    has_meters: bool = True
    gaps: list[Gap] = field(default_factory=list)
    faults: dict[str, CollectError] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    meter_remarks: tuple[Remark, ...] = ()
    holds_since: datetime | None = None
    is_mute: bool = False
    knows_created: bool = True
    knows_ends: bool = True
    unattributed_wh: float = 0.0
    look: Callable[[ShouldStop], AbstractContextManager[PodsAnswer]] | None = None
    look_every: timedelta = timedelta(minutes=15)
    lookback: timedelta = timedelta(hours=6)
    deep_lookback: timedelta = timedelta(days=7)
    asked: list[datetime] = field(default_factory=list)
    told: list[pd.DataFrame] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(
            {
                "site": {"name": "Test", "timezone": "UTC"},
                "ledger": {"path": str(self.folder / "ledger")},
                "clusters": [
                    {
                        "name": "cloud",
                        "scheduler": "kubernetes",
                        "kubernetes": {"user": ["label:example.org/user"]},
                    }
                ],
            }
        )

    def collect(
        self,
        progress: CollectProgress | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> CollectReceipt:
        """Collect once."""
        self.asked.clear()
        self.told.clear()
        with self.ledger() as ledger:
            run = Run(lambda: self.now, progress or Silent(), should_stop)
            return collect_pods(self.source(), self.factors, ledger, run)

    @cached_property
    def factors(self) -> Factors:
        return build_factors(self.settings)

    def source(self) -> PodSource:
        context = export_context(self.settings, "cloud", ExportOptions(default_cluster="cloud"))
        return PodSource(
            cluster="cloud",
            context=replace(context, cluster="cloud"),
            since_utc=self.since,
            reach=Reach(self.lookback, self.deep_lookback),
            look_every=self.look_every,
            look=(self.look or self.honest_look) if self.has_api else None,
            ask_meters=self._ask_meters if self.has_meters else None,
        )

    def ingest(self, *pods: Pod, seen_utc: datetime | None = None) -> None:
        """Load a list of pods by hand."""
        self.ingest_text(self.listing(pods, seen_utc or self.now), seen_utc)

    def ingest_text(self, text: str, seen_utc: datetime | None = None) -> None:
        """Load an export by hand."""
        context = export_context(self.settings, "pods.json", ExportOptions(cluster="cloud"))
        context = replace(context, seen_utc=seen_utc or self.now)
        load = LoadSource("pods.json", lambda: str(hash(text)), self.now.isoformat())
        with self.ledger() as ledger:
            ingest(Intake(io.BytesIO(text.encode()), context, load), self.factors, ledger)

    def ledger(self) -> Ledger:
        return Ledger.open(self.folder / "ledger", create=True)

    def book(self) -> pd.DataFrame:
        """Return the runs of the ledger by the name of the pod."""
        with self.ledger() as ledger:
            rows = ledger.read()
        names = rows["job_id"].astype("str").str.partition("/")[2]
        return rows.set_index(names.rename("name"))

    def version(self) -> int:
        with self.ledger() as ledger:
            return ledger.version

    def findings(self) -> tuple[object, ...]:
        with self.ledger() as ledger:
            return ledger.check()

    def state(self) -> SourceState | None:
        with self.ledger() as ledger:
            return ledger.sources.state("cloud")

    def incidents(self, *, unresolved_only: bool = True) -> list[Incident]:
        with self.ledger() as ledger:
            return list(ledger.sources.incidents(unresolved_only=unresolved_only))

    def codes(self) -> set[str]:
        return {incident.code for incident in self.incidents()}

    def later(self, **step: float) -> None:
        self.now += timedelta(**step)

    def listing(self, pods: Sequence[Pod], seen_utc: datetime) -> str:
        """Return pods as `kubectl get pods,nodes -A -o json` writes them."""
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": "node-1",
                "uid": "n1",
                "labels": {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"},
            },
        }
        items = [node, *(_pod_object(pod, seen_utc) for pod in pods)]
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})

    @contextmanager
    def honest_look(self, _should_stop: Callable[[], bool]) -> Iterator[Look]:
        if "api" in self.faults:
            raise self.faults["api"]
        seen_utc = self.now - timedelta(seconds=2)
        here = [
            pod
            for pod in self.pods
            if pod.created_utc <= seen_utc and (pod.gone_utc is None or pod.gone_utc > seen_utc)
        ]
        text = self.listing(here, seen_utc)
        yield Look(io.BytesIO(text.encode()), str(hash(text)), seen_utc, self.remarks)

    def _ask_meters(
        self,
        window: tuple[datetime, datetime],
        known: pd.DataFrame | None,
        _context: object,
        _should_stop: Callable[[], bool],
    ) -> Answer:
        self.asked.append(window[0])
        assert known is not None
        self.told.append(known)
        if "meters" in self.faults:
            raise self.faults["meters"]
        start_utc, end_utc = window
        if self.holds_since is not None:
            start_utc = max(start_utc, self.holds_since)
        if start_utc >= end_utc or self.is_mute:
            nothing = _frame([], PODS), _frame([], METERS)
            is_young = window[0] > self.now - timedelta(minutes=15)
            gaps = [] if is_young else [Gap(*window, TELLER)]
            return Answer(*nothing, gaps, tells_of_pods=False, is_mute=True)
        seen = [pod for pod in self.pods if _overlap_s(pod, start_utc, end_utc) > 0]
        gaps = [
            replace(gap, start_utc=max(gap.start_utc, start_utc), end_utc=min(gap.end_utc, end_utc))
            for gap in self.gaps
            if gap.start_utc < end_utc and gap.end_utc > start_utc
        ]
        dark = [(gap.start_utc, gap.end_utc) for gap in gaps if gap.what == TELLER]
        told_to = next((begin for begin, end in dark if end >= end_utc), end_utc)
        named = [pod for pod in seen if _overlap_s(pod, start_utc, told_to) > 0]
        named = [pod for pod in named if pod.untold_utc is None or pod.untold_utc > start_utc]
        return Answer(
            _frame([self._pod_row(pod, told_to) for pod in named], PODS),
            _frame([self._meter_row(pod, window[0], (start_utc, end_utc)) for pod in seen], METERS),
            gaps,
            self.unattributed_wh,
            self.meter_remarks,
            tells_of_pods=told_to > start_utc,
        )

    def _pod_row(self, pod: Pod, end_utc: datetime) -> dict[str, Any]:
        end_utc = min(end_utc, pod.untold_utc or end_utc)
        has_ended = self.knows_ends and pod.end_utc is not None and pod.end_utc <= end_utc
        start_utc = pod.start_utc
        return {
            "uid": pod.uid,
            "namespace": "team",
            "name": pod.name,
            "node": "node-1",
            "controller_kind": None,
            "owner_kind": None,
            "owner_name": None,
            "user": pod.user,
            "project": "team",
            "state": ("COMPLETED" if pod.phase == "Succeeded" else "FAILED")
            if has_ended
            else "RUNNING",
            "created_utc": pod.created_utc if self.knows_created else None,
            "start_utc": start_utc,
            "end_utc": pod.end_utc if has_ended else None,
            "seen_utc": min(end_utc, pod.end_utc or end_utc),
            "is_open": not has_ended,
            "n_cpus": pod.n_cpus,
            "memory_bytes": pod.memory_gib * 2.0**30,
            "n_gpu": float(pod.n_gpu),
            "gpu_types": f"NVIDIA-A100-SXM4-80GB={pod.n_gpu}" if pod.n_gpu else "",
            "quality_flags": 0,
            "n_restarts": 0,
            "line": 1,
        }

    def _meter_row(
        self, pod: Pod, slot_utc: datetime, span: tuple[datetime, datetime]
    ) -> dict[str, Any]:
        ran_s = _overlap_s(pod, *span)
        dark_s = sum(
            _overlap_s(pod, max(gap.start_utc, span[0]), min(gap.end_utc, span[1]))
            for gap in self.gaps
            if gap.what != TELLER
        )
        metered_s = max(ran_s - dark_s, 0.0)
        device_s = metered_s * pod.n_gpu
        used_s = metered_s
        if pod.uses_first_hour_only:
            used_s = _overlap_s(pod, span[0], min(span[1], pod.start_utc + HOUR))
        return {
            "uid": pod.uid,
            "slot_utc": slot_utc,
            "gpu_energy_j": device_s * pod.gpu_w,
            "gpu_metered_s": device_s,
            "gpu_busy_s": device_s * 0.5,
            "gpu_observed_s": device_s,
            "cpu_s": used_s * pod.used_cpus,
            "cpu_metered_s": metered_s,
            "max_memory_bytes": pod.used_gib * 2.0**30 if metered_s else None,
        }


def _overlap_s(pod: Pod, start_utc: datetime, end_utc: datetime) -> float:
    last_utc = end_utc if pod.end_utc is None else min(end_utc, pod.end_utc)
    return max((last_utc - max(start_utc, pod.start_utc)).total_seconds(), 0.0)


def _frame(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    return pd.DataFrame(
        {
            column.name: pd.to_datetime(frame[column.name], utc=True).astype(column.dtype)
            if column.dtype.startswith("datetime")
            else frame[column.name].astype(column.dtype)
            for column in columns
        }
    )


def _pod_object(pod: Pod, seen_utc: datetime) -> dict[str, Any]:
    has_ended = pod.end_utc is not None and pod.end_utc <= seen_utc
    is_bound = pod.start_utc <= seen_utc
    requests: dict[str, str] = {}
    if pod.n_cpus:
        requests["cpu"] = f"{pod.n_cpus:g}"
    if pod.memory_gib:
        requests["memory"] = f"{pod.memory_gib}Gi"
    if pod.n_gpu:
        requests["nvidia.com/gpu"] = str(pod.n_gpu)
    status: dict[str, Any] = {"phase": "Pending"}
    if is_bound:
        running = {"running": {"startedAt": _rfc(pod.start_utc)}}
        ended = {
            "terminated": {
                "startedAt": _rfc(pod.start_utc),
                "finishedAt": _rfc(pod.end_utc) if pod.end_utc else None,
                "exitCode": 0 if pod.phase == "Succeeded" else 1,
            }
        }
        status = {
            "phase": pod.phase if has_ended else "Running",
            "startTime": _rfc(pod.start_utc),
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "True",
                    "lastTransitionTime": _rfc(pod.start_utc),
                }
            ],
            "containerStatuses": [
                {"name": "main", "restartCount": 0, "state": ended if has_ended else running}
            ],
        }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": "team",
            "uid": pod.uid,
            "creationTimestamp": _rfc(pod.created_utc),
            "labels": {"example.org/user": pod.user},
        },
        "spec": {
            "nodeName": "node-1" if is_bound else None,
            "containers": [{"name": "main", "resources": {"requests": requests, "limits": {}}}],
        },
        "status": status,
    }


def _rfc(instant_utc: datetime) -> str:
    return instant_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


INFERRED = int(QualityFlag.END_INFERRED)
DONE = Pod("done", SINCE + HOUR / 2, SINCE + 5.5 * HOUR)
OPEN = Pod("open", NOW - 10 * HOUR, n_gpu=2)
BRIEF = Pod("brief", NOW - 9 * HOUR, NOW - 8 * HOUR, gone_utc=NOW - 7 * HOUR)
BARE = Pod("bare", NOW - 8 * HOUR, NOW - HOUR, n_cpus=0, memory_gib=0, n_gpu=0)
# What a view says, whoever brought it and however often.
SAID = [
    "raw_job_id", "submit_utc", "user", "account", "partition", "state", "start_utc", "end_utc",
    "elapsed_s", "is_open", "n_cpus", "n_gpu", "gpu_types", "memory_bytes", "total_cpu_s",
    "max_rss_bytes", "gpu_energy_j", "gpu_metered_ratio", "gpu_utilisation_ratio", "energy_wh",
    "quality_flags",
]  # fmt: skip
