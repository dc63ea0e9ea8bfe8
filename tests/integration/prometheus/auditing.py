"""Ask a Prometheus for a span slot by slot, as a collection does, and add the slots up."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from auditor.collect.prometheus import PrometheusHost
from auditor.domain.frames import SLOT_S
from auditor.normalize.interface import ExportContext
from auditor.normalize.kubernetes.rules import PodRules
from auditor.pipeline.pod_metering import Gap, MeterAnswer, MeterNote, ask_meters

CLUSTER = "gpu-cloud"
RULES = PodRules(user=("label:example.org/user",))
CONTEXT = ExportContext(
    source="prometheus gpu-cloud", cluster=CLUSTER, default_cluster=None, timezone_of={},
    default_timezone="UTC", default_pod_rules=RULES,
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Audit:
    """What all slots said together; `by_pod` are sums by uid."""

    pods: pd.DataFrame
    by_pod: pd.DataFrame
    gaps: list[Gap]
    notes: list[MeterNote]
    idle_wh: float
    unattributed_wh: float
    most_queries: int

    @property
    def energy_wh(self) -> pd.Series:
        return self.by_pod["gpu_energy_j"] / 3600

    @property
    def all_wh(self) -> float:
        return float(self.energy_wh.sum()) + self.idle_wh + self.unattributed_wh


def audit(url: str, begin_s: float, end_s: float, slot_s: float = SLOT_S, **host) -> Audit:
    """Ask for each slot of a span; each is told the pods that those before it told of."""
    answers: list[MeterAnswer] = []
    known: pd.DataFrame | None = None
    at_s = begin_s
    while at_s < end_s:
        window = (_utc(at_s), _utc(min(at_s + slot_s, end_s)))
        answers.append(
            ask_meters(PrometheusHost(CLUSTER, url, 60.0, **host), window, known, CONTEXT)
        )
        known = _known(answers)
        at_s += slot_s
    meters = pd.concat([answer.meters for answer in answers])
    by_pod = meters.drop(columns=["slot_utc", "max_memory_bytes"]).groupby("uid").sum()
    by_pod["max_memory_bytes"] = meters.groupby("uid")["max_memory_bytes"].max()
    return Audit(
        pods=_last_told(answers).set_index("uid"),
        by_pod=by_pod,
        gaps=[gap for answer in answers for gap in answer.gaps],
        notes=list(dict.fromkeys(note for answer in answers for note in answer.notes)),
        idle_wh=sum(answer.idle_wh for answer in answers),
        unattributed_wh=sum(answer.unattributed_wh for answer in answers),
        most_queries=max(answer.n_queries for answer in answers),
    )


def _last_told(answers: list[MeterAnswer]) -> pd.DataFrame:
    return pd.concat([answer.pods for answer in answers]).drop_duplicates("uid", keep="last")


def _known(answers: list[MeterAnswer]) -> pd.DataFrame:
    pods = _last_told(answers)
    pods = pods.assign(end_utc=pods["end_utc"].where(~pods["is_open"]))
    return pods[["uid", "namespace", "name", "start_utc", "end_utc"]].reset_index(drop=True)


def _utc(since_s: float) -> datetime:
    return datetime.fromtimestamp(since_s, UTC)
