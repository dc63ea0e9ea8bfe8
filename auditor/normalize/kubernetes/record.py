"""One pod object of the API, of kubectl or of a kubelet to one row; owners and nodes come later."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from auditor.normalize.json_spelling import member
from auditor.normalize.kubernetes.accelerators import is_accelerator, is_telling_label
from auditor.normalize.kubernetes.instants import elements, instant_us
from auditor.normalize.kubernetes.owners import (
    PodOwner,
    is_object_name,
    labels_of,
    pod_owner,
    queue_of,
)
from auditor.normalize.kubernetes.people import who
from auditor.normalize.kubernetes.requests import CPU, MEMORY, effective_requests
from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.kubernetes.state import course_of

# The API server makes uids with hyphens; a kubelet that runs a file names the pod by a hash.
_HASH_UID = re.compile(r"[0-9a-f]{32}")
_CONFIG_SOURCE = "kubernetes.io/config.source"
_LARGEST = 2**53
_YUNIKORN_QUEUES = ("yunikorn.apache.org/queue", "queue")
_VOLCANO_QUEUES = ("volcano.sh/queue-name", "scheduling.volcano.sh/queue-name")


@dataclass(frozen=True)
class Devices:
    """Accelerators that a pod asks for, by resource, and the labels it demands of its node."""

    asked: tuple[tuple[str, float], ...]
    wished: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PodRecord:
    """One pod as it stands, before its owners and its node are known.

    Times are microseconds since 1970, None is none; the rest is as in `PODS`.
    """

    uid: str
    namespace: str
    name: str
    node: str | None
    controller_kind: str | None
    owner: PodOwner
    user: str | None
    project: str | None
    queue: str | None
    priority_class: str | None
    state: str
    created_us: int | None
    start_us: int | None
    end_us: int | None
    is_open: bool
    time_limit_s: float | None
    n_cpus: float
    memory_bytes: float
    devices: Devices
    has_claims: bool
    n_restarts: int
    quality_flags: int


def pod_record(pod: Mapping[str, Any], rules: PodRules) -> PodRecord:
    """Read one pod object.

    Raises
    ------
    ValueError
        It has no uid, name or namespace, or an amount that cannot be read.
    """
    uid, name, namespace = (_named(pod, key) for key in ("uid", "name", "namespace"))
    labels, annotations = labels_of(pod), labels_of(pod, "annotations")
    spec = pod["spec"] if isinstance(pod.get("spec"), Mapping) else {}
    requests = effective_requests(spec)
    created_us = instant_us(member(pod, "metadata", "creationTimestamp"))
    course = course_of(pod, created_us)
    owner = pod_owner(pod)
    return PodRecord(
        uid=uid,
        namespace=namespace,
        name=name,
        node=_text_or_none(spec.get("nodeName")),
        controller_kind=_controller_kind(uid, owner, annotations),
        owner=owner,
        user=who(rules.user, namespace, labels, annotations),
        project=who(rules.project, namespace, labels, annotations),
        queue=_queue(spec, labels, annotations),
        priority_class=_text_or_none(spec.get("priorityClassName")),
        state=course.state,
        created_us=created_us,
        start_us=course.start_us,
        end_us=course.end_us,
        is_open=course.is_open,
        time_limit_s=_seconds(spec.get("activeDeadlineSeconds")),
        n_cpus=requests.get(CPU, 0.0),
        memory_bytes=requests.get(MEMORY, 0.0),
        devices=_devices(spec, requests),
        has_claims=bool(spec.get("resourceClaims")),
        n_restarts=_n_restarts(pod.get("status")),
        quality_flags=course.flags,
    )


def _named(pod: Mapping[str, Any], key: str) -> str:
    value = member(pod, "metadata", key)
    if not is_object_name(value):
        msg = f"the pod has no {key} that can be one"
        raise ValueError(msg)
    return value


def _text_or_none(value: object) -> str | None:
    return value if is_object_name(value) else None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _seconds(value: object) -> float | None:
    return float(value) if _is_count(value) else None


def _devices(spec: Mapping[str, Any], requests: Mapping[str, float]) -> Devices:
    asked = sorted((key, n) for key, n in requests.items() if n > 0 and is_accelerator(key))
    return Devices(tuple(asked), _wished(spec) if asked else ())


def _controller_kind(uid: str, owner: PodOwner, annotations: Mapping[str, str]) -> str | None:
    """Return the kind of what controls a pod; a node controls what its kubelet runs from a file."""
    if owner.controller is not None:
        return owner.controller.kind
    is_from_file = annotations.get(_CONFIG_SOURCE) in {"file", "http"}
    return "Node" if is_from_file and _HASH_UID.fullmatch(uid) else None


def _queue(
    spec: Mapping[str, Any], labels: Mapping[str, str], annotations: Mapping[str, str]
) -> str | None:
    """Return the queue of Kueue, Volcano or YuniKorn; the last's label counts for its own pods."""
    queue = queue_of(labels)
    if queue is not None:
        return queue
    is_yunikorn = spec.get("schedulerName") == "yunikorn"
    keys = (*_YUNIKORN_QUEUES, *_VOLCANO_QUEUES) if is_yunikorn else _VOLCANO_QUEUES
    said = (one.get(key) for key in keys for one in (labels, annotations))
    return next((one for one in said if is_object_name(one)), None)


def _wished(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the labels that tell of accelerators, among those that a pod demands of its node.

    A demand that leaves a choice tells nothing.
    """
    selector = spec.get("nodeSelector")
    found = {**selector} if isinstance(selector, Mapping) else {}
    terms = elements(
        member(
            spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
        )
    )  # fmt: skip
    for demand in elements(member(terms[0], "matchExpressions")) if len(terms) == 1 else ():
        values = demand.get("values")
        if demand.get("operator") == "In" and isinstance(values, list) and len(values) == 1:
            found[str(demand.get("key"))] = values[0]
    return tuple(
        sorted(
            (key, value)
            for key, value in found.items()
            if isinstance(value, str) and is_telling_label(str(key))
        )
    )


def _n_restarts(status: object) -> int:
    """Return how often containers of a pod were started again, its init containers included."""
    lists = (
        elements(member(status, key)) for key in ("initContainerStatuses", "containerStatuses")
    )
    counts = (container.get("restartCount") for containers in lists for container in containers)
    return min(sum(count for count in counts if _is_count(count)), _LARGEST)
