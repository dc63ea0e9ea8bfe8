"""Write a list of pods of any size, as `kubectl get pods,jobs,nodes -A -o json` prints it.

`python -m benchmarks.pods --megabytes 500 --out pods.json` prints the totals of what it wrote as
JSON on stderr: they come from the drawn numbers, never from the text. The same seed gives the same
bytes. `--managed-fields` adds what the API sends and kubectl hides, `--compact` leaves out the
spaces.
"""

import argparse
import json
import random
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

START = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = 7
N_NODES = 200
N_TEAMS = 40
BYTES_PER_MB = 1_000_000
_PRODUCTS = ("NVIDIA-A100-SXM4-80GB", "NVIDIA-H100-80GB-HBM3", "NVIDIA-L4", "")
_IMAGE = "registry.example.org/{team}/train@sha256:" + 64 * "a"
_CONTAINER = "containerd://" + 64 * "b"
_TAIL = b'\n    ],\n    "kind": "List",\n    "metadata": {"resourceVersion": ""}\n}\n'

Json = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """How the list is written."""

    managed_fields: bool
    compact: bool

    def text(self, item: Json) -> bytes:
        """Write one object of the list."""
        if self.compact:
            return json.dumps(item, separators=(",", ":")).encode()
        lines = json.dumps(item, indent=4).splitlines()
        return "\n".join(8 * " " + line for line in lines).encode()


@dataclass
class Totals:
    """What was written."""

    n_pods: int = 0
    n_others: int = 0
    n_bytes: int = 0
    elapsed_s: int = 0
    gpu_s: float = 0.0
    core_s: float = 0.0
    users: set[str] = field(default_factory=set)


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _uid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _managed(moment: datetime, manager: str) -> Json:
    sets = {f"f:{word}": {".": {}, "f:value": {}} for word in ("labels", "spec", "resources")}
    return {
        "manager": manager, "operation": "Update", "apiVersion": "v1", "time": _instant(moment),
        "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": sets, "f:spec": sets},
        "subresource": "status",
    }  # fmt: skip


def node(number: int) -> Json:
    """Return a node with its labels."""
    product = _PRODUCTS[number % len(_PRODUCTS)]
    gpu = {"nvidia.com/gpu.product": product, "nvidia.com/gpu.count": "8"} if product else {}
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": f"node-{number:03d}", "uid": str(uuid.UUID(int=number)),
                     "creationTimestamp": _instant(START), "labels": gpu},
        "status": {"conditions": [{"type": "Ready", "status": "True",
                                   "lastHeartbeatTime": _instant(START + timedelta(days=DAYS))}]},
    }  # fmt: skip


def pod_and_job(number: int, draw: random.Random, form: Form, totals: Totals) -> tuple[Json, Json]:
    """Return a finished pod of a Job, and the Job."""
    team, person = f"team-{draw.randrange(N_TEAMS):02d}", f"user{draw.randrange(400):04d}"
    host = draw.randrange(N_NODES)
    n_gpu = draw.choice((1, 2, 4, 8)) if _PRODUCTS[host % len(_PRODUCTS)] else 0
    n_cores = draw.choice((2, 4, 8, 16))
    begin = START + timedelta(seconds=draw.randrange(DAYS * 86_400 - 40_000))
    end = begin + timedelta(seconds=draw.randrange(30, 36_000))
    totals.n_pods += 1
    totals.elapsed_s += (length_s := int((end - begin).total_seconds()))
    totals.gpu_s += n_gpu * length_s
    totals.core_s += n_cores * length_s
    totals.users.add(person)
    job = f"train-{number:07d}"
    job_uid = _uid(draw)
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": job_uid,
             "controller": True, "blockOwnerDeletion": True}  # fmt: skip
    job_meta = {"name": job, "namespace": team, "uid": job_uid,
                "creationTimestamp": _instant(begin)}  # fmt: skip
    meta: Json = {
        "name": f"{job}-{draw.getrandbits(24):06x}", "namespace": team, "uid": _uid(draw),
        "creationTimestamp": _instant(begin),
        "labels": {"batch.kubernetes.io/job-name": job, "example.org/user": person},
        "annotations": {"example.org/notes": "a run of a sweep " * draw.randrange(1, 4)},
        "ownerReferences": [owner],
    }  # fmt: skip
    if form.managed_fields:
        meta["managedFields"] = [_managed(begin, "kube-controller-manager"),
                                 _managed(end, "kubelet")]  # fmt: skip
    asked = {"cpu": str(n_cores), "memory": f"{4 * n_cores}Gi"}
    if n_gpu:
        asked["nvidia.com/gpu"] = str(n_gpu)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta,
           "spec": _spec(team, host, asked), "status": _status(begin, end)}  # fmt: skip
    return pod, {"apiVersion": "batch/v1", "kind": "Job", "metadata": job_meta,
                 "status": {"startTime": _instant(begin), "succeeded": 1}}  # fmt: skip


def _spec(team: str, host: int, asked: dict[str, str]) -> Json:
    mount = {"name": "kube-api-access", "readOnly": True,
             "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}  # fmt: skip
    container = {
        "name": "main", "image": _IMAGE.format(team=team),
        "command": ["python", "-m", "train", "--config", "sweep.yaml"],
        "env": [{"name": f"SETTING_{n}", "value": f"value of setting {n}"} for n in range(12)],
        "resources": {"requests": asked, "limits": asked}, "volumeMounts": [mount],
        "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent",
    }  # fmt: skip
    tolerations = [{"key": f"node.kubernetes.io/{word}", "operator": "Exists",
                    "effect": "NoExecute", "tolerationSeconds": 300}
                   for word in ("not-ready", "unreachable")]  # fmt: skip
    return {
        "nodeName": f"node-{host:03d}", "restartPolicy": "Never", "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler", "containers": [container],
        "tolerations": tolerations, "volumes": [{"name": "kube-api-access", "projected": {
            "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
    }  # fmt: skip


def _status(begin: datetime, end: datetime) -> Json:
    def condition(kind: str, status: str, moment: datetime, reason: str | None = None) -> Json:
        said = {"reason": reason} if reason else {}
        return {"type": kind, "status": status, "lastTransitionTime": _instant(moment), **said}

    terminated = {"exitCode": 0, "reason": "Completed", "startedAt": _instant(begin),
                  "finishedAt": _instant(end), "containerID": _CONTAINER}  # fmt: skip
    return {
        "phase": "Succeeded", "startTime": _instant(begin), "qosClass": "Guaranteed",
        "conditions": [
            condition("PodReadyToStartContainers", "False", end),
            condition("Initialized", "True", begin, "PodCompleted"),
            condition("Ready", "False", end, "PodCompleted"),
            condition("ContainersReady", "False", end, "PodCompleted"),
            condition("PodScheduled", "True", begin),
        ],
        "containerStatuses": [{"name": "main", "ready": False, "restartCount": 0,
                               "image": "registry.example.org/train", "lastState": {},
                               "state": {"terminated": terminated}}],
    }  # fmt: skip


def _objects(n_bytes: int, seed: int, form: Form, totals: Totals) -> Iterator[bytes]:
    """Yield the texts of pods and nodes up to the size, then of the Jobs that own the pods."""
    draw = random.Random(seed)
    jobs: list[bytes] = []
    n_written = 0
    while n_written < n_bytes:
        pod, job = pod_and_job(totals.n_pods, draw, form, totals)
        jobs.append(form.text(job))
        text = form.text(pod)
        n_written += len(text) + len(jobs[-1])
        yield text
    for number in range(N_NODES):
        yield form.text(node(number))
    totals.n_others = len(jobs) + N_NODES
    yield from jobs


def write_list(stream: BinaryIO, n_bytes: int, form: Form, seed: int = 1) -> Totals:
    """Write a List of about so many bytes and return its totals."""
    totals = Totals()

    def put(text: bytes) -> None:
        totals.n_bytes += stream.write(text)

    put(b'{\n    "apiVersion": "v1",\n    "items": [\n')
    for place, text in enumerate(_objects(n_bytes, seed, form, totals)):
        put(b",\n" + text if place else text)
    put(_TAIL)
    return totals


def main(words: list[str] | None = None) -> None:
    """Write one list and print its totals as JSON on stderr."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pods", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="about how much to write")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes")
    parser.add_argument("--managed-fields", action="store_true", help="as the API sends them")
    parser.add_argument("--compact", action="store_true", help="without spaces, as the API sends")
    arguments = parser.parse_args(words)
    form = Form(arguments.managed_fields, arguments.compact)
    with arguments.out.open("wb") as stream:
        totals = write_list(stream, arguments.megabytes * BYTES_PER_MB, form, arguments.seed)
    print(json.dumps({**vars(totals), "users": len(totals.users)}), file=sys.stderr)


if __name__ == "__main__":
    main()
