"""Write what became of a pod as the kubelet and the scheduler write it into its status."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from benchmarks.sample_pods import Pod

Json = dict[str, Any]

_EXIT_CODE = {"Completed": 0, "Error": 1, "OOMKilled": 137, "Evicted": 137}
_EVICTED = "The node was low on resource: ephemeral-storage. Container {name} was using 412Gi."
_NO_NODE = (
    "0/6 nodes are available: 6 node(s) didn't match Pod's node affinity/selector. "
    "preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling."
)


def written(moment_s: int) -> str:
    """Write an instant as Kubernetes does."""
    return f"{datetime.fromtimestamp(moment_s, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"


def condition(kind: str, moment_s: int, status: str = "True", reason: str | None = None) -> Json:
    """Write one condition of an object."""
    said = {} if reason is None else {"reason": reason}
    return {"type": kind, "status": status, "lastTransitionTime": written(moment_s), **said}


def _conditions(pod: Pod, bound_s: int, started_s: int) -> list[Json]:
    made = [condition("Initialized", bound_s), condition("PodScheduled", bound_s)]
    if pod.end_s is None:
        up = ("PodReadyToStartContainers", "ContainersReady", "Ready")
        return [*(condition(kind, started_s) for kind in up), *made]
    reason = "PodCompleted" if pod.outcome == "Completed" else "PodFailed"
    ended = [condition(kind, pod.end_s, "False", reason) for kind in ("ContainersReady", "Ready")]
    ended.append(condition("PodReadyToStartContainers", pod.end_s, "False"))
    if pod.outcome == "Evicted":
        ended.append(condition("DisruptionTarget", pod.end_s, reason="TerminationByKubelet"))
    return [*ended, *made]


def _digest(*words: str) -> str:
    return hashlib.sha256("/".join(words).encode()).hexdigest()


def _container(pod: Pod, started_s: int) -> Json:
    is_open = pod.end_s is None
    image = pod.work.image
    container_id = f"containerd://{_digest(pod.uid, image)}"
    state: Json = {"running": {"startedAt": written(started_s)}}
    if pod.end_s is not None:
        reason = "Error" if pod.outcome == "Evicted" else pod.outcome
        state = {"terminated": {
            "exitCode": _EXIT_CODE[pod.outcome], "reason": reason,
            "startedAt": written(started_s), "finishedAt": written(pod.end_s),
            "containerID": container_id,
        }}  # fmt: skip
    return {
        "name": pod.work.name, "image": image, "containerID": container_id,
        "imageID": f"{image.rpartition(':')[0]}@sha256:{_digest(image)}",
        "ready": is_open, "started": is_open, "restartCount": 0, "lastState": {}, "state": state,
    }  # fmt: skip


def pod_status(pod: Pod) -> Json:
    """Return the status of a pod."""
    qos = "Guaranteed" if pod.work.n_cpus else "BestEffort"
    if pod.bound_s is None or pod.started_s is None:
        unplaced = condition("PodScheduled", pod.created_s, "False", "Unschedulable")
        return {"phase": "Pending", "qosClass": qos,
                "conditions": [unplaced | {"message": _NO_NODE}]}  # fmt: skip
    phase = {"Completed": "Succeeded", "Running": "Running"}.get(pod.outcome, "Failed")
    status: Json = {
        "phase": phase, "qosClass": qos, "startTime": written(pod.bound_s),
        "conditions": _conditions(pod, pod.bound_s, pod.started_s),
        "containerStatuses": [_container(pod, pod.started_s)],
    }  # fmt: skip
    if pod.outcome == "Evicted":
        status |= {"reason": "Evicted", "message": _EVICTED.format(name=pod.work.name)}
    return status
