"""Objects of Kubernetes for the tests of pods, after its API reference; all made up."""

import io
import json

from auditor.normalize.export import read_export
from auditor.normalize.interface import ExportContext
from auditor.normalize.kubernetes.rules import PodRules

CREATED = "2026-11-23T10:00:00Z"
BOUND = "2026-11-23T10:00:05Z"
STARTED = "2026-11-23T10:01:00Z"
ENDED = "2026-11-23T11:00:05Z"
UID = "0b5e7a1c-5d6f-4c5e-9d0e-{:012d}"


def uid(number: int) -> str:
    return UID.format(number)


def condition(kind: str, status: str = "True", at: str = BOUND, reason: str | None = None) -> dict:
    return {"type": kind, "status": status, "lastTransitionTime": at, "reason": reason}


def running(started: str = STARTED) -> dict:
    return {"name": "main", "state": {"running": {"startedAt": started}}, "restartCount": 0}


def terminated(end: str | None = ENDED, reason: str = "Completed", **more: object) -> dict:
    state = {"terminated": {"startedAt": STARTED, "finishedAt": end, "reason": reason}}
    return {"name": "main", "state": state, "restartCount": 0, **more}


def waiting(reason: str = "ImagePullBackOff", **more: object) -> dict:
    return {"name": "main", "state": {"waiting": {"reason": reason}}, "restartCount": 0, **more}


def status(phase: str, *containers: dict, conditions: list | None = None, **more: object) -> dict:
    stated = [condition("PodScheduled")] if conditions is None else conditions
    return {
        "phase": phase, "conditions": stated, "startTime": BOUND,
        "containerStatuses": list(containers), **more,
    }  # fmt: skip


def owner(kind: str, name: str, number: int = 900, *, controller: bool = True) -> dict:
    return {"kind": kind, "name": name, "uid": uid(number), "controller": controller}


def pod(number: int = 1, **parts: object) -> dict:
    """Return a pod that ran for an hour; `metadata`, `spec` and `status` are mixed in."""
    metadata = {
        "name": f"train-{number}", "namespace": "ml", "uid": uid(number),
        "creationTimestamp": CREATED, **parts.get("metadata", {}),
    }  # fmt: skip
    requests = {"cpu": "4", "memory": "16Gi"}
    spec = {
        "nodeName": "node-1",
        "containers": [{"name": "main", "resources": {"requests": requests}}],
        **parts.get("spec", {}),
    }
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
        "status": parts.get("status", status("Succeeded", terminated())),
    }  # fmt: skip


def gpu_spec(resource: str = "nvidia.com/gpu", count: int = 2, **more: object) -> dict:
    limits = {"cpu": "8", "memory": "64Gi", resource: str(count)}
    return {"containers": [{"name": "main", "resources": {"limits": limits}}], **more}


def node(name: str = "node-1", labels: dict | None = None, **more: object) -> dict:
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "uid": uid(500), "creationTimestamp": CREATED,
                     "labels": labels or {}},
        "status": {"nodeInfo": {"kubeletVersion": "v1.35.0"}, **more},
    }  # fmt: skip


def job(name: str, number: int = 900, *owners: dict, labels: dict | None = None) -> dict:
    meta = {"name": name, "namespace": "ml", "uid": uid(number), "labels": labels or {}}
    return {
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {**meta, "creationTimestamp": CREATED, "ownerReferences": list(owners)},
        "spec": {"template": {}}, "status": {},
    }  # fmt: skip


def listed(*items: object, kind: str = "List", **metadata: object) -> bytes:
    """Write a list as kubectl does: its kind after its items."""
    document = {"apiVersion": "v1", "items": list(items), "kind": kind, "metadata": metadata}
    return json.dumps(document, indent=4).encode() + b"\n"


def context(**stated: object) -> ExportContext:
    known = {
        "source": "pods.json", "cluster": "gpu-cloud", "default_cluster": None,
        "timezone_of": {}, "default_timezone": "UTC",
        "default_pod_rules": PodRules(user=("label:example.org/user",)),
    }  # fmt: skip
    return ExportContext(**{**known, **stated})


def batches_of(text: bytes, **stated: object) -> list:
    batches = list(read_export(io.BytesIO(text), context(**stated)))
    for batch in batches:
        assert batch.n_jobs == len(batch.jobs)
        assert batch.n_rows == batch.n_jobs + batch.n_steps + len(batch.rejects)
    return batches


def run_of(*items: dict, **stated: object) -> dict:
    """Read a list of which one object is a pod, and return its run."""
    (batch,) = batches_of(listed(*items), **stated)
    (row,) = batch.jobs.to_dict("records")
    return row
