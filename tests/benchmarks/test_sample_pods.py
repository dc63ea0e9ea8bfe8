"""The shipped list of pods, read as plain JSON: what it holds could have been."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

import pytest

from benchmarks.samples import FOLDER, read_sample

MAX_BYTES = 60_000
FILE = FOLDER / "gpu-cloud-pods.json.xz"
UNITS = {"m": 1e-3, "": 1.0, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
# An accelerator, a core, a byte: names of resources in requests and in the capacity of a node.
RESOURCES = ("nvidia.com/gpu", "cpu", "memory")
USER = "example.org/user"


def _items(kind: str) -> list[dict]:
    return [item for item in LIST["items"] if item["kind"] == kind]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _amount(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", text).groups()
    return int(number) * UNITS[unit]


def _asked(pod: dict, resource: str) -> float:
    containers = pod["spec"]["containers"]
    return sum(_amount(c["resources"].get("requests", {}).get(resource, "0")) for c in containers)


def _bound(pod: dict) -> float:
    (scheduled,) = [c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled"]
    return _seconds(scheduled["lastTransitionTime"])


def _end(pod: dict) -> float:
    """Return when the last container ended; for ever where one runs."""
    ends = [c["state"].get("terminated") for c in pod["status"]["containerStatuses"]]
    return max(_seconds(end["finishedAt"]) if end else float("inf") for end in ends)


def _who(pod: dict) -> str | None:
    meta = pod["metadata"]
    return meta["labels"].get(USER) or meta["annotations"].get(USER)


LIST = json.loads(read_sample(FILE))
PODS, NODES, JOBS = _items("Pod"), _items("Node"), _items("Job")
BOUND = [pod for pod in PODS if "nodeName" in pod["spec"]]


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_node_holds_more_than_its_capacity_at_any_moment(resource: str) -> None:
    changes = defaultdict(list)
    for pod in BOUND:
        asked = _asked(pod, resource)
        changes[pod["spec"]["nodeName"]] += [(_bound(pod), asked), (_end(pod), -asked)]
    capacity = {n["metadata"]["name"]: _amount(n["status"]["capacity"][resource]) for n in NODES}
    assert set(changes) <= set(capacity)
    most = {}
    for node, moments in changes.items():
        held = 0.0
        # What ends frees its place before something else takes it at the same moment.
        for _, change in sorted(moments):
            held += change
            most[node] = max(most.get(node, 0.0), held)
        assert most[node] <= capacity[node] * (1 + 1e-12), node
    assert sum(most.values()) > 0


def test_each_pod_took_its_course_in_order_and_before_the_export() -> None:
    beats = [c["lastHeartbeatTime"] for n in NODES for c in n["status"]["conditions"]]
    latest = max(map(_seconds, beats))
    for pod in BOUND:
        (container,) = pod["status"]["containerStatuses"]
        state = container["state"].get("running") or container["state"]["terminated"]
        course = [_seconds(pod["metadata"]["creationTimestamp"]), _bound(pod),
                  _seconds(state["startedAt"])]  # fmt: skip
        course.append(latest if "running" in container["state"] else _end(pod))
        assert course == sorted(course), pod["metadata"]["name"]
        assert course[-1] <= latest


def test_the_accelerator_that_a_pod_demands_is_that_of_its_node() -> None:
    product = "nvidia.com/gpu.product"
    label_of = {node["metadata"]["name"]: node["metadata"]["labels"][product] for node in NODES}
    demands = [pod for pod in BOUND if _asked(pod, "nvidia.com/gpu")]
    for pod in demands:
        assert pod["spec"]["nodeSelector"][product] == label_of[pod["spec"]["nodeName"]]
    (waiting,) = [pod for pod in PODS if pod not in BOUND]
    assert waiting["spec"]["nodeSelector"][product] not in label_of.values()
    assert waiting["status"]["phase"] == "Pending"


def test_labels_and_names_are_such_as_kubernetes_takes() -> None:
    for item in LIST["items"]:
        for value in item["metadata"]["labels"].values():
            assert LABEL.fullmatch(value), value
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", item["metadata"]["name"])
    uids = [item["metadata"]["uid"] for item in LIST["items"]]
    assert len(set(uids)) == len(uids)


def test_owners_that_kubectl_lists_are_in_the_list() -> None:
    listed = {item["metadata"]["uid"]: item["kind"] for item in LIST["items"]}
    kinds = Counter()
    for pod in PODS:
        for owner in pod["metadata"].get("ownerReferences", ()):
            kinds[owner["kind"]] += 1
            if owner["kind"] in {"Job", "ReplicaSet"}:
                assert listed[owner["uid"]] == owner["kind"]
    assert set(kinds) == {"Job", "ReplicaSet", "PyTorchJob", "StatefulSet", "DaemonSet"}


def test_jobs_count_their_pods() -> None:
    for job in JOBS:
        mine = [
            p for p in PODS if p["metadata"]["labels"].get("job-name") == job["metadata"]["name"]
        ]
        phases = Counter(pod["status"]["phase"] for pod in mine)
        status = job["status"]
        assert status.get("succeeded", 0) == phases["Succeeded"]
        assert status.get("failed", 0) == phases["Failed"]
        assert status.get("active", 0) == phases["Running"] + phases["Pending"]
        is_done = phases["Succeeded"] == job["spec"]["completions"]
        assert ("completionTime" in status) == is_done


def test_the_list_holds_what_the_demo_must_show() -> None:
    assert FILE.stat().st_size <= MAX_BYTES
    assert 120 <= len(PODS) <= 200
    reasons = Counter(
        (c["state"].get("terminated") or {}).get("reason")
        for pod in BOUND for c in pod["status"]["containerStatuses"]
    )  # fmt: skip
    assert min(reasons[r] for r in ("Completed", "Error", "OOMKilled")) > 3
    assert [pod["status"].get("reason") for pod in PODS].count("Evicted") == 1
    people = {_who(pod) for pod in PODS}
    assert people == {"alice@example.org", "bob", "grace", "heidi", "olivia", None}
    own = ("kube-system", "gpu-operator", "monitoring")
    nameless = [p for p in PODS if _who(p) is None and p["metadata"]["namespace"] not in own]
    assert len(nameless) == 1


def _fields(item: object, path: str = "") -> Iterator[str]:
    if isinstance(item, dict):
        for key, value in item.items():
            yield f"{path}.{key}"
            yield from _fields(value, f"{path}.{key}")
    elif isinstance(item, list):
        for value in item:
            yield from _fields(value, path)


@pytest.mark.parametrize("kind", ["Pod", "Job", "ReplicaSet", "Node"])
def test_the_official_client_knows_every_field_and_misses_none(kind: str) -> None:
    client = pytest.importorskip("kubernetes.client")
    model = getattr(client, f"V1{kind}")
    for item in _items(kind):
        known = json.loads(model.from_dict(item).to_json())
        assert set(_fields(item)) <= set(_fields(known))
