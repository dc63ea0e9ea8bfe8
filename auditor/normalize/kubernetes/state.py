"""What became of a pod: its state, and when it began and ended, from its status.

A pod holds what it asks for from its binding to a node until its last container has ended, also
while images are pulled and containers restart. Where the status does not say so, what comes
closest is taken, and flagged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.domain.job import QualityFlag
from auditor.normalize.json_spelling import member
from auditor.normalize.kubernetes.instants import (
    STATUS_LISTS,
    container_times,
    elements,
    instant_us,
    latest_us,
)

# status.reason of a failed pod, as the kubelet and the pod garbage collector write it.
_STATE_OF_REASON = {
    "Evicted": "EVICTED",
    "DeadlineExceeded": "TIMEOUT",
    "NodeLost": "NODE_FAIL",
    "NodeShutdown": "NODE_FAIL",
    "Shutdown": "NODE_FAIL",
    "Terminated": "NODE_FAIL",
    "Preempting": "PREEMPTED",
    "Preempted": "PREEMPTED",
}
# https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
_STATE_OF_DISRUPTION = {
    "PreemptionByScheduler": "PREEMPTED",
    "DeletionByTaintManager": "EVICTED",
    "EvictionByEvictionAPI": "EVICTED",
    "DeletionByPodGC": "NODE_FAIL",
}
# The kubelet refused the pod on arrival and wrote startTime then: it never ran.
_REFUSALS = frozenset(
    ("UnexpectedAdmissionError", "NodeAffinity", "NodeAffinityChanged", "TopologyAffinityError",
     "AppArmor", "PodOSNotSupported", "PodOSSelectorNodeLabelDoesNotMatch", "InvalidNodeInfo",
     "InitContainerRestartPolicyForbidden", "PodLevelResourcesNotAdmittedReason")
)  # fmt: skip
_READY = frozenset(("Ready", "ContainersReady"))
_ENDED_REASONS = frozenset(("PodCompleted", "PodFailed"))


@dataclass(frozen=True)
class PodCourse:
    """The state of a pod and its times [us since 1970]; None is none."""

    state: str
    start_us: int | None
    end_us: int | None
    is_open: bool
    flags: int


def course_of(pod: Mapping[str, Any], created_us: int | None) -> PodCourse:
    """Say what became of a pod."""
    status = pod.get("status")
    start_us, flags = _start(pod, created_us)
    phase = str(member(status, "phase") or "")
    if phase in {"Succeeded", "Failed"}:
        state = "COMPLETED" if phase == "Succeeded" else _failure(status)
        end_us, end_flags = _end(pod, start_us if start_us is not None else created_us)
        return PodCourse(state, start_us, end_us, is_open=False, flags=flags | end_flags)
    if _is_deleted(pod) and start_us is not None:
        end_us = latest_us(container_times(status, "finishedAt"))
        return PodCourse("DELETED", start_us, end_us, is_open=False, flags=flags)
    if phase not in {"Pending", "Running"}:
        flags |= QualityFlag.STATE_UNKNOWN
    if start_us is None:
        return PodCourse("PENDING", None, None, is_open=True, flags=flags)
    state = "CONFIGURING" if phase == "Pending" else "RUNNING"
    return PodCourse(state, start_us, None, is_open=True, flags=flags)


def _start(pod: Mapping[str, Any], created_us: int | None) -> tuple[int | None, int]:
    """Return when a pod was bound to its node: by its condition, else by what came soon after.

    The kubelet's startTime comes after the binding; where it is earlier, it is the better one (a
    condition is set anew when the kubelet has lost it).
    """
    status = pod.get("status")
    scheduled_us, is_unscheduled = None, False
    for condition in elements(member(status, "conditions")):
        if condition.get("type") == "PodScheduled":
            is_unscheduled = condition.get("status") != "True"
            scheduled_us = instant_us(condition.get("lastTransitionTime"))
    accepted_us = instant_us(member(status, "startTime"))
    if is_unscheduled and accepted_us is None:
        return None, 0
    told = [one for one in (None if is_unscheduled else scheduled_us, accepted_us) if one]
    flags = 0
    if not told:
        told = [one for one in container_times(status, "startedAt") if one is not None]
        if not told and member(pod, "spec", "nodeName") and created_us is not None:
            told = [created_us]
    if scheduled_us is None or is_unscheduled:
        flags = int(QualityFlag.START_INFERRED) if told else 0
    if not told:
        return None, 0
    return max(min(told), created_us or 0), flags


def _failure(status: object) -> str:
    """Name the way in which a pod failed."""
    reason = str(member(status, "reason") or "")
    for condition in elements(member(status, "conditions")):
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            disruption = str(condition.get("reason") or "")
            by_kubelet = _STATE_OF_REASON.get(reason, "EVICTED")
            return _STATE_OF_DISRUPTION.get(disruption, by_kubelet)
    if reason in _STATE_OF_REASON:
        return _STATE_OF_REASON[reason]
    reasons = {terminated.get("reason") for terminated in _terminated(status)}
    return "OUT_OF_MEMORY" if "OOMKilled" in reasons else "FAILED"


def _end(pod: Mapping[str, Any], start_us: int | None) -> tuple[int | None, int]:
    """Return when the last container of a finished pod ended, and how that is known.

    Where a container has no end (its node was lost, or the pod was sent away before the kubelet
    told of it), it is what else is told, the best first: when the pod was marked for disruption or
    as ended, when its status was last written, when it was no longer ready. None where nothing is.
    """
    status = pod.get("status")
    finished_us = latest_us(container_times(status, "finishedAt"))
    if finished_us is not None and not _lacks_an_end(status):
        return finished_us, 0
    if finished_us is None and _was_refused(status):
        return start_us, 0
    begun_us = start_us or 0
    tiers = (_marked_as_ended(status), _status_written(pod), _no_longer_ready(status))
    latest = (latest_us(tier) for tier in tiers)
    told_us = next((one for one in latest if one is not None and one > begun_us), None)
    end_us = latest_us([finished_us, told_us])
    return end_us, 0 if end_us is None else int(QualityFlag.END_INFERRED)


def _is_deleted(pod: Mapping[str, Any]) -> bool:
    """Say whether an open pod is being deleted and all of its containers have ended.

    Nothing starts again in it; only a finalizer may keep the object.
    """
    if instant_us(member(pod, "metadata", "deletionTimestamp")) is None:
        return False
    states = list(_states(pod.get("status")))
    has_ended = [instant_us(member(one, "terminated", "finishedAt")) is not None for one in states]
    return bool(states) and all(has_ended)


def _was_refused(status: object) -> bool:
    reason = str(member(status, "reason") or "")
    is_refusal = reason in _REFUSALS or reason.startswith("OutOf")
    return is_refusal and not any(True for _ in _states(status))


def _lacks_an_end(status: object) -> bool:
    """Say whether a container ran, and nothing says until when."""
    for state in _states(status):
        if "running" in state:
            return True
        if "terminated" in state and instant_us(member(state, "terminated", "finishedAt")) is None:
            return True
    return False


def _states(status: object) -> Iterator[Mapping[str, Any]]:
    for key in STATUS_LISTS:
        for container in elements(member(status, key)):
            state = container.get("state")
            if isinstance(state, Mapping):
                yield state


def _terminated(status: object) -> Iterator[Mapping[str, Any]]:
    for state in _states(status):
        terminated = state.get("terminated")
        if isinstance(terminated, Mapping):
            yield terminated


def _marked_as_ended(status: object) -> Iterator[int | None]:
    for condition in elements(member(status, "conditions")):
        is_disrupted = condition.get("type") == "DisruptionTarget"
        is_ended = condition.get("type") in _READY and condition.get("reason") in _ENDED_REASONS
        if condition.get("status") == ("True" if is_disrupted else "False") and (
            is_disrupted or is_ended
        ):
            yield instant_us(condition.get("lastTransitionTime"))


def _no_longer_ready(status: object) -> Iterator[int | None]:
    for condition in elements(member(status, "conditions")):
        if condition.get("type") in _READY and condition.get("status") == "False":
            yield instant_us(condition.get("lastTransitionTime"))


def _status_written(pod: Mapping[str, Any]) -> Iterator[int | None]:
    for field in elements(member(pod, "metadata", "managedFields")):
        if field.get("subresource") == "status":
            yield instant_us(field.get("time"))
