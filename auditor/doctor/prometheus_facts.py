"""What a Prometheus holds of a cluster, asked of its last hour."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from auditor.collect.prometheus_look import CPU, ENERGY, INFO, POWER
from auditor.collect.prometheus_queries import Questions, Span
from auditor.normalize.prometheus.names import sanitised, workload_label

_HOUR_S = 3600.0
_NVIDIA = 'resource=~"nvidia_com_.+"'


@dataclass(frozen=True)
class Boards:
    """What meters of GPUs there are; `is_named`: one of them names a pod of a user."""

    n_boards: int
    is_named: bool


def fresh_series(questions: Questions, at_s: float) -> str | None:
    """Return what shows that something comes in: `up`, else a series that is needed itself.

    Where samples are sent by remote write and filtered, `up` may be left out.
    """
    metrics = ("up", INFO, ENERGY, POWER, CPU)
    return next((one for one in metrics if _n_series(questions, at_s, one) > 0), None)


def has_pods(questions: Questions, at_s: float) -> bool:
    """Tell whether kube-state-metrics tells of pods."""
    return _n_series(questions, at_s, INFO) > 0


def has_labels(questions: Questions, at_s: float) -> bool:
    """Tell whether kube-state-metrics tells of labels or annotations of pods."""
    metrics = ("kube_pod_labels", "kube_pod_annotations")
    return any(_n_series(questions, at_s, metric) > 0 for metric in metrics)


def has_usage(questions: Questions, at_s: float) -> bool:
    """Tell whether cAdvisor measures containers."""
    return _n_series(questions, at_s, CPU) > 0


def has_gpus(questions: Questions, at_s: float) -> bool:
    """Tell whether a node has NVIDIA GPUs, or a pod asks for one."""
    metrics = ("kube_node_status_capacity", "kube_pod_container_resource_requests")
    return any(_n_series(questions, at_s, metric, _NVIDIA) > 0 for metric in metrics)


def n_holders(questions: Questions, at_s: float) -> int:
    """Count the containers that asked for NVIDIA GPUs."""
    return _n_series(questions, at_s, "kube_pod_container_resource_requests", _NVIDIA)


def lacking_labels(
    questions: Questions, sources: tuple[str, ...], at_s: float
) -> tuple[tuple[str, str], ...]:
    """Return the labels and annotations that say whose a pod is and that no pod has: kind, key."""
    lacking = []
    for kind in ("label", "annotation"):
        keys = [key for word, _, key in (one.partition(":") for one in sources) if word == kind]
        for key, name in sanitised(keys, kind).items():
            if not _n_series(questions, at_s, f"kube_pod_{kind}s", f'{name}!=""'):
                lacking.append((kind, key))
    return tuple(lacking)


def boards(questions: Questions, at_s: float) -> Boards | None:
    """Return what meters of GPUs there are; None without any."""
    span = Span(at_s - _HOUR_S, at_s)
    for metric in (ENERGY, POWER):
        found = questions.last(metric, span)
        if not found.empty:
            names = found.get("UUID", pd.Series("", index=found.index))
            return Boards(int(names.nunique()), bool(_pods(found) - _daemons(questions, span)))
    return None


def begin_utc(questions: Questions, at_s: float, metric: str) -> datetime | None:
    """Return about when a metric's samples of ten days begin; None where there are none."""
    selector = questions.selector(metric)
    query = f"min(min_over_time(timestamp({selector})[10d:1h]))"
    found = questions.vector(query, at_s)
    return None if found.empty else datetime.fromtimestamp(float(found["value"].iloc[0]), UTC)


def _pods(series: pd.DataFrame) -> set[str]:
    names = workload_label(series, "namespace") + "/" + workload_label(series, "pod")
    return {name for name in names if not name.endswith("/")}


def _daemons(questions: Questions, span: Span) -> set[str]:
    """Return pods of daemon sets, the exporter's own among them."""
    return _pods(questions.last(INFO, span, 'created_by_kind="DaemonSet"'))


def _n_series(questions: Questions, at_s: float, metric: str, *matchers: str) -> int:
    selector = questions.selector(metric, *matchers)
    found = questions.vector(f"count(last_over_time({selector}[1h]))", at_s)
    return 0 if found.empty else int(found["value"].iloc[0])
