import pytest

from auditor.domain.job import QualityFlag
from auditor.normalize.kubernetes.instants import instant_us
from auditor.normalize.kubernetes.state import course_of
from tests.normalize.kubernetes.pod_objects import (
    BOUND,
    CREATED,
    ENDED,
    STARTED,
    condition,
    pod,
    running,
    status,
    terminated,
    waiting,
)

LATER = "2026-11-23T12:00:00Z"
INFERRED = QualityFlag.END_INFERRED
UNSCHEDULED = [condition("PodScheduled", "False", reason="Unschedulable")]
DELETED = {"deletionTimestamp": LATER}


def disrupted(by, **more):
    conditions = [condition("PodScheduled"), condition("DisruptionTarget", "True", LATER, by)]
    return status("Failed", terminated(reason="Error"), conditions=conditions, **more)


def course(**parts):
    return course_of(pod(**parts), instant_us(CREATED))


STATES = {
    "succeeded": ({"status": status("Succeeded", terminated())}, "COMPLETED"),
    "failed": ({"status": status("Failed", terminated(reason="Error"))}, "FAILED"),
    "out of memory": (
        {"status": status("Failed", terminated(reason="OOMKilled"))},
        "OUT_OF_MEMORY",
    ),
    "deadline": (
        {"status": status("Failed", terminated(reason="Error"), reason="DeadlineExceeded")},
        "TIMEOUT",
    ),
    "evicted": ({"status": status("Failed", terminated(), reason="Evicted")}, "EVICTED"),
    "evicted for memory": (
        {"status": status("Failed", terminated(reason="OOMKilled"), reason="Evicted")},
        "EVICTED",
    ),
    "node lost": ({"status": status("Failed", terminated(), reason="NodeLost")}, "NODE_FAIL"),
    "shut down": ({"status": status("Failed", terminated(), reason="Terminated")}, "NODE_FAIL"),
    "critical pod needed room": (
        {"status": status("Failed", terminated(), reason="Preempting")},
        "PREEMPTED",
    ),
    "preempted": ({"status": disrupted("PreemptionByScheduler")}, "PREEMPTED"),
    "drained": ({"status": disrupted("EvictionByEvictionAPI")}, "EVICTED"),
    "tainted": ({"status": disrupted("DeletionByTaintManager")}, "EVICTED"),
    "node gone": ({"status": disrupted("DeletionByPodGC")}, "NODE_FAIL"),
    "kubelet ended it": ({"status": disrupted("TerminationByKubelet")}, "EVICTED"),
    "kubelet shut down": (
        {"status": disrupted("TerminationByKubelet", reason="Terminated")},
        "NODE_FAIL",
    ),
    "running": ({"status": status("Running", running())}, "RUNNING"),
    "running, a container ended": (
        {"status": status("Running", running(), terminated())},
        "RUNNING",
    ),
    "running, all ended for now": ({"status": status("Running", terminated())}, "RUNNING"),
    "crashing": ({"status": status("Running", waiting("CrashLoopBackOff"))}, "RUNNING"),
    "terminating": ({"metadata": DELETED, "status": status("Running", running())}, "RUNNING"),
    "deleted": ({"metadata": DELETED, "status": status("Running", terminated())}, "DELETED"),
    "pulling images": ({"status": status("Pending", waiting())}, "CONFIGURING"),
    "waiting": ({"status": {"phase": "Pending", "conditions": UNSCHEDULED}}, "PENDING"),
    "waiting without a word": ({"spec": {"nodeName": None}, "status": {}}, "PENDING"),
    "waiting, deleted": (
        {"metadata": DELETED, "status": {"phase": "Pending", "conditions": UNSCHEDULED}},
        "PENDING",
    ),
    "unknown": ({"status": status("Unknown", running())}, "RUNNING"),
}


@pytest.mark.parametrize(("parts", "state"), STATES.values(), ids=STATES)
def test_states(parts, state):
    found = course(**parts)
    assert found.state == state
    assert found.is_open is (state in {"RUNNING", "PENDING", "CONFIGURING"})
    assert (found.start_us is None) is (state == "PENDING")
    assert (found.end_us is None) is found.is_open
    assert bool(found.flags & QualityFlag.STATE_UNKNOWN) is (
        parts["status"].get("phase") in {"Unknown", None}
    )


STARTS = {
    "bound": ({}, BOUND, 0),
    "accepted before the condition was set anew": (
        {"status": status("Running", running(), conditions=[condition("PodScheduled", at=LATER)])},
        BOUND,
        0,
    ),
    "accepted, no condition": (
        {"status": status("Running", running(), conditions=[])},
        BOUND,
        QualityFlag.START_INFERRED,
    ),
    "only a container says": (
        {"status": status("Running", running(), conditions=[], startTime=None)},
        STARTED,
        QualityFlag.START_INFERRED,
    ),
    "only its node is named": (
        {"status": {"phase": "Pending"}},
        CREATED,
        QualityFlag.START_INFERRED,
    ),
    "clock of the node behind": (
        {"status": status("Running", running(), startTime="2026-11-23T09:00:00Z")},
        CREATED,
        0,
    ),
    "never": ({"status": {"phase": "Pending", "conditions": UNSCHEDULED}}, None, 0),
}


@pytest.mark.parametrize(("parts", "start", "flags"), STARTS.values(), ids=STARTS)
def test_the_start_is_the_binding(parts, start, flags):
    found = course(**parts)
    assert (found.start_us, found.flags) == (instant_us(start), flags)


def failed(*containers, **more):
    return {"status": status("Failed", *containers, **more)}


def managed(at, subresource="status"):
    return {"managedFields": [{"manager": "kubelet", "subresource": subresource, "time": at}]}


def not_ready(reason, at):
    return [condition("PodScheduled"), condition("Ready", "False", at, reason)]


FIRST, LAST = "2026-11-23T10:30:00Z", "2026-11-23T10:40:00Z"
ENDS = {
    "the last container": (failed(terminated(FIRST), terminated(ENDED)), ENDED, 0),
    "an init container": (
        failed(waiting("PodInitializing"), initContainerStatuses=[terminated(FIRST)]),
        FIRST,
        0,
    ),
    "an ephemeral container": (
        failed(terminated(FIRST), ephemeralContainerStatuses=[terminated(LAST)]),
        LAST,
        0,
    ),
    "the run before the last": (
        failed(waiting(lastState=terminated(FIRST)["state"])),
        FIRST,
        0,
    ),
    "a container without an end, marked as failed": (
        failed(terminated(FIRST), terminated(None, "ContainerStatusUnknown"),
               conditions=not_ready("PodFailed", ENDED)),
        ENDED,
        INFERRED,
    ),
    "its node was lost": (
        failed(running(), conditions=[condition("PodScheduled"),
                                      condition("DisruptionTarget", "True", LATER)]),
        LATER,
        INFERRED,
    ),
    "evicted, and only the status tells": (
        {"metadata": managed(ENDED), **failed(reason="Evicted")},
        ENDED,
        INFERRED,
    ),
    "not ready at some time, no reason": (
        failed(running(), conditions=not_ready(None, FIRST)),
        FIRST,
        INFERRED,
    ),
    "the status is better than that": (
        {"metadata": managed(ENDED), **failed(running(), conditions=not_ready(None, FIRST))},
        ENDED,
        INFERRED,
    ),
    "not ready since the start says nothing": (
        failed(running(), conditions=not_ready(None, BOUND)),
        None,
        0,
    ),
    "fields that are no status say nothing": (
        {"metadata": managed(ENDED, None), **failed(reason="Evicted")},
        None,
        0,
    ),
    "nothing at all": (failed(reason="Evicted", conditions=[]), None, 0),
    "refused by the kubelet": (failed(reason="OutOfcpu"), BOUND, 0),
    "refused on arrival": (failed(reason="UnexpectedAdmissionError"), BOUND, 0),
    "Go's zero is no end": (
        failed(terminated("0001-01-01T00:00:00Z"), conditions=not_ready("PodFailed", ENDED)),
        ENDED,
        INFERRED,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "end", "flags"), ENDS.values(), ids=ENDS)
def test_the_end_is_the_last_finish(parts, end, flags):
    found = course(**parts)
    assert (found.end_us, found.flags & INFERRED) == (instant_us(end), flags)
    assert not found.is_open


@pytest.mark.parametrize(
    "broken",
    [None, [], "Running", {"phase": ["Running"]}, {"phase": "Running", "conditions": [7, None]},
     {"phase": "Failed", "containerStatuses": {"state": 1}, "conditions": "no"},
     {"phase": "Succeeded", "containerStatuses": [{"state": []}, {"state": {"terminated": 3}}]}],
    ids=str,
)  # fmt: skip
def test_what_is_made_otherwise_breaks_nothing(broken):
    assert course(status=broken).state
