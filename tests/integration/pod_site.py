"""A site with a Slurm and a Kubernetes cluster, and the pods of a week as kubectl lists them."""

import io
import json
from datetime import datetime, timedelta
from pathlib import Path

from auditor.ledger.interface import LoadReceipt, LoadSource
from auditor.pipeline.line import Intake, ingest
from auditor.settings.models import Settings
from auditor.wiring.parts import ExportOptions, build_factors, export_context
from auditor.wiring.store import open_ledger
from tests.pipeline.site import MAIL, load, settings_in
from tests.pipeline.week_site import ALICE, BEFORE, BOB, END, HOUR, START

GPU_CLOUD = """
[[clusters]]
name = "gpu-cloud"
scheduler = "kubernetes"
zone = "X"
pue = 1.1
[clusters.kubernetes]
user = ["label:example.org/user", "namespace:user-*"]
"""
WHO = """
[identity.users]
alice = ["alice@example.org"]
robert = ["gpu-cloud:bob"]
[identity.projects]
ml = ["gpu-cloud:team-ml"]
"""
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "gpu-a", "labels": {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}},
    "status": {"capacity": {"cpu": "64", "memory": "512Gi", "nvidia.com/gpu": "8"}},
}


def pod(
    name: str,
    start_utc: datetime,
    hours: float,
    *,
    owner: tuple[str, str] | None = None,
    user: str | None = None,
    namespace: str = "team-ml",
    requests: dict[str, str] | None = None,
    uid: str | None = None,
) -> dict:
    """Return a pod that ran to its end, as the API writes it."""
    end_utc = start_utc + timedelta(hours=hours)
    start, end = (instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in (start_utc, end_utc))
    wanted = requests or {"cpu": "4", "memory": "16Gi"}
    gpus = {key: value for key, value in wanted.items() if key.startswith("nvidia.com/")}
    owners = []
    if owner is not None:
        owners = [{"kind": owner[0], "name": owner[1], "uid": f"u-{owner[1]}", "controller": True}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid or f"uid-{namespace}-{name}",
            "creationTimestamp": start, "labels": {"example.org/user": user} if user else {},
            "ownerReferences": owners,
        },
        "spec": {
            "nodeName": "gpu-a",
            "containers": [
                {"name": "main", "image": "x", "resources": {"requests": wanted, "limits": gpus}}
            ],
        },
        "status": {
            "phase": "Succeeded",
            "startTime": start,
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": start}
            ],
            "containerStatuses": [
                {
                    "name": "main", "restartCount": 0, "ready": False,
                    "state": {"terminated": {"exitCode": 0, "reason": "Completed",
                                             "startedAt": start, "finishedAt": end}},
                }
            ],
        },
    }  # fmt: skip


GPU_REQUEST = {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "2"}
ALICES = (
    pod("train-0-1db20", START + 5 * HOUR, 7, owner=("Job", "train-0"), user="alice@example.org",
        requests=GPU_REQUEST),
    pod("train-0-9zk4w", START - 2 * HOUR, 5, owner=("Job", "train-0"), user="alice@example.org",
        requests=GPU_REQUEST),
    pod("notebook", START + 50 * HOUR, 3.5, user="alice", requests={"cpu": "500m"}),
)  # fmt: skip
OTHERS = (
    pod("serve-6f9c-q2v4k", START + 9 * HOUR, 30, owner=("ReplicaSet", "serve-6f9c"), user="bob"),
    pod("scratch", START + 9 * HOUR, 2, namespace="playground"),
    pod("plugin-x", START + HOUR, 100, owner=("DaemonSet", "plugin"), namespace="gpu-tools"),
    pod("dns-1", START + HOUR, 100, owner=("ReplicaSet", "dns"), namespace="kube-system"),
)
# Slurm's alice and the bob of another cluster.
RUNS = (ALICE, BOB)


def site(folder: Path, who: str = WHO, mail: str = MAIL) -> Settings:
    """Return the settings of the site; its ledger holds both clusters' week."""
    settings = settings_in(folder, more=GPU_CLOUD + who + mail)
    load(settings, build_factors(settings), RUNS, END)
    load_pods(settings, (*ALICES, *OTHERS))
    with open_ledger(settings, create=False) as ledger:
        ledger.weeks.begin_duty(BEFORE)
    return settings


def load_pods(settings: Settings, pods: tuple[dict, ...], name: str = "pods.json") -> LoadReceipt:
    """Load what `kubectl get pods,nodes -A -o json` prints."""
    listed = {"apiVersion": "v1", "kind": "List", "items": [*pods, NODE]}
    content = json.dumps(listed).encode()
    context = export_context(settings, name, ExportOptions(cluster="gpu-cloud"))
    source = LoadSource(name, lambda: f"{name} {hash(content)}", END.isoformat())
    with open_ledger(settings, create=True) as ledger:
        return ingest(Intake(io.BytesIO(content), context, source), build_factors(settings), ledger)
