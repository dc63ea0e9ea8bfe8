"""Write pods as `kubectl get pods,jobs,replicasets,nodes -A -o json` does (Kubernetes 1.34)."""

import json
from datetime import UTC, datetime

from benchmarks.sample_pod_status import Json, condition, pod_status, written
from benchmarks.sample_pod_work import POOL_OF_NODE, USER_KEY, WISHED_PRODUCT, NodePool, PodWork
from benchmarks.sample_pods import Cluster, Job, Pod, made_up_suffix, made_up_uid
from benchmarks.sample_runs import EXPORT_S, S_PER_DAY, instant

_UPGRADE_S = instant("2026-11-02T07:00")
_HEARTBEAT_S = 8  # the latest of the nodes' before the export
_BATCH_KINDS = ("Job", "CronJob", "PyTorchJob", "")
_API_OF_KIND = {
    "Job": "batch/v1", "CronJob": "batch/v1", "PyTorchJob": "kubeflow.org/v1",
    "ReplicaSet": "apps/v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
}  # fmt: skip
# What makes a pod, where that is not what people write.
_MAKER_OF_KIND = {"CronJob": "Job", "Deployment": "ReplicaSet"}
_KIBI_PER_GIB = 2**20
_NODE_INFO = {
    "architecture": "amd64", "containerRuntimeVersion": "containerd://2.1.4",
    "kernelVersion": "6.8.0-86-generic", "kubeProxyVersion": "", "kubeletVersion": "v1.34.1",
    "operatingSystem": "linux", "osImage": "Ubuntu 24.04.3 LTS",
}  # fmt: skip


def _owner(kind: str, namespace: str, name: str) -> list[Json]:
    uid = made_up_uid(kind, namespace, name)
    return [{"apiVersion": _API_OF_KIND[kind], "blockOwnerDeletion": True, "controller": True,
             "kind": kind, "name": name, "uid": uid}]  # fmt: skip


def _metadata(kind: str, work: PodWork, name: str, created_s: int) -> Json:
    """Return what every object says of itself, its user among it."""
    says_who = {} if work.user is None else {USER_KEY: work.user}
    is_address = "@" in (work.user or "")
    return {
        "name": name, "namespace": work.namespace, "creationTimestamp": written(created_s),
        "uid": made_up_uid(kind, work.namespace, name), "resourceVersion": str(created_s % 10**8),
        "annotations": says_who if is_address else {}, "labels": {} if is_address else says_who,
    }  # fmt: skip


def _pod_labels(pod: Pod) -> dict[str, str]:
    """Return the labels that its controller gives a pod."""
    work = pod.work
    if work.kind == "PyTorchJob":
        role, number = pod.name.removeprefix(f"{pod.owner}-").split("-")
        return {"training.kubeflow.org/job-name": pod.owner,
                "training.kubeflow.org/operator-name": "pytorchjob-controller",
                "training.kubeflow.org/replica-index": number,
                "training.kubeflow.org/replica-type": role}  # fmt: skip
    if work.kind in {"Job", "CronJob"}:
        uid = made_up_uid("Job", work.namespace, pod.owner)
        return {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid,
                "batch.kubernetes.io/job-name": pod.owner, "job-name": pod.owner}  # fmt: skip
    if work.kind == "Deployment":
        return {"app": work.name, "pod-template-hash": pod.owner.rpartition("-")[2]}
    return {"app": work.name} if work.kind else {}


def _asked(work: PodWork) -> Json:
    """Return the resources of its container: what it asks for is the most it gets."""
    if not work.n_cpus:
        return {}
    n_mib, n_thousandths = round(work.memory_gib * 1024), round(work.n_cpus * 1000)
    asked = {
        "cpu": f"{n_thousandths}m" if n_thousandths % 1000 else f"{n_thousandths // 1000}",
        "memory": f"{n_mib}Mi" if n_mib % 1024 else f"{n_mib // 1024}Gi",
    }
    if work.n_gpu:
        asked["nvidia.com/gpu"] = str(work.n_gpu)
    return {"requests": asked, "limits": asked}


def _template_spec(work: PodWork, node: str | None) -> Json:
    """Return what somebody wrote of a pod; the product is that of the node it found."""
    container = {
        "name": work.name, "image": work.image, "imagePullPolicy": "IfNotPresent",
        "resources": _asked(work), "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }  # fmt: skip
    spec: Json = {
        "containers": [container], "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Never" if work.kind in _BATCH_KINDS else "Always",
        "schedulerName": "default-scheduler", "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }  # fmt: skip
    if work.n_gpu:
        product = WISHED_PRODUCT if node is None else POOL_OF_NODE[node].label
        spec["nodeSelector"] = {"nvidia.com/gpu.product": product}
    return spec


def _spec(pod: Pod) -> Json:
    spec = _template_spec(pod.work, pod.node)
    spec |= {
        "enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
        "serviceAccount": "default", "serviceAccountName": "default",
    }  # fmt: skip
    return spec if pod.node is None else spec | {"nodeName": pod.node}


def _pod(pod: Pod) -> Json:
    meta = _metadata("pod", pod.work, pod.name, pod.created_s)
    meta["labels"] = {**_pod_labels(pod), **meta["labels"]}
    kind = _MAKER_OF_KIND.get(pod.work.kind, pod.work.kind)
    if kind:
        meta["ownerReferences"] = _owner(kind, pod.work.namespace, pod.owner)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": _spec(pod),
            "status": pod_status(pod)}  # fmt: skip


def _job(job: Job) -> Json:
    meta = _metadata("Job", job.work, job.name, job.created_s)
    if job.cron_job is not None:
        meta["ownerReferences"] = _owner("CronJob", job.work.namespace, job.cron_job)
    first = job.pods[0]
    spec = {
        "backoffLimit": 2, "completionMode": "Indexed" if job.n_pods > 1 else "NonIndexed",
        "completions": job.n_pods, "parallelism": job.n_pods, "suspend": False,
        "template": {"metadata": {"labels": _pod_labels(first)},
                     "spec": _template_spec(job.work, first.node)},
    }  # fmt: skip
    n_failed = len(job.pods) - job.n_succeeded - job.n_active
    status: Json = {"startTime": written(job.created_s), "ready": 0, "terminating": 0}
    counts = {"succeeded": job.n_succeeded, "failed": n_failed, "active": job.n_active}
    status |= {name: count for name, count in counts.items() if count}
    end_s = max((pod.end_s or 0 for pod in job.pods), default=0) + 1
    if job.n_succeeded == job.n_pods:
        status["completionTime"] = written(end_s)
        reached = "CompletionsReached"
        status["conditions"] = [condition("SuccessCriteriaMet", end_s, reason=reached),
                                condition("Complete", end_s, reason=reached)]  # fmt: skip
    elif not job.n_active:
        reason = "BackoffLimitExceeded"
        status["conditions"] = [condition("FailureTarget", end_s, reason=reason),
                                condition("Failed", end_s, reason=reason)]  # fmt: skip
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec,
            "status": status}  # fmt: skip


def _replica_sets(pod: Pod) -> list[Json]:
    """Write what made a Deployment's pod, and the one before it, which has no pods any more."""
    work, sets = pod.work, []
    before = f"{work.name}-{made_up_suffix(work.name, 'before', length=10)}"
    for name, age_s, count in ((pod.owner, 0, 1), (before, 20 * S_PER_DAY, 0)):
        labels = {"app": work.name, "pod-template-hash": name.rpartition("-")[2]}
        meta = _metadata("ReplicaSet", work, name, pod.created_s - age_s - 1)
        meta["ownerReferences"] = _owner("Deployment", work.namespace, work.name)
        meta["labels"] |= labels
        template = {"metadata": {"labels": labels}, "spec": _template_spec(work, pod.node)}
        spec = {"replicas": count, "selector": {"matchLabels": labels}, "template": template}
        sets.append({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta,
                     "spec": spec, "status": {"replicas": count}})  # fmt: skip
    return sets


def _gpu_labels(pool: NodePool) -> dict[str, str]:
    major, minor = pool.compute.split(".")
    facts = {
        "present": "true", "product": pool.label, "family": pool.family,
        "count": str(pool.n_gpu), "replicas": str(pool.n_replicas),
        "memory": str(pool.gpu_memory_mib), "compute.major": major, "compute.minor": minor,
        "sharing-strategy": "none" if pool.n_replicas == 1 else "time-slicing",
    }  # fmt: skip
    return {f"nvidia.com/gpu.{name}": value for name, value in facts.items()}


def _node(name: str, place: int) -> Json:
    pool = POOL_OF_NODE[name]
    beat_s = EXPORT_S - _HEARTBEAT_S - 47 * place
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64",
              "kubernetes.io/os": "linux", **_gpu_labels(pool)}  # fmt: skip
    capacity = {"cpu": str(pool.n_cpus), "memory": f"{pool.memory_gib * _KIBI_PER_GIB}Ki",
                "nvidia.com/gpu": str(pool.n_pieces), "pods": "110"}  # fmt: skip
    ready = condition("Ready", _UPGRADE_S + 300, reason="KubeletReady")
    ids = {key: made_up_uid(key, name) for key in ("bootID", "machineID", "systemUUID")}
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "uid": made_up_uid("node", name), "labels": labels,
                     "annotations": {}, "creationTimestamp": written(_UPGRADE_S),
                     "resourceVersion": str(beat_s % 10**8)},
        "spec": {"podCIDR": f"10.42.{place}.0/24"},
        "status": {
            "capacity": capacity, "allocatable": capacity, "nodeInfo": _NODE_INFO | ids,
            "conditions": [ready | {"lastHeartbeatTime": written(beat_s)}],
        },
    }  # fmt: skip


def seen_utc() -> datetime:
    """Return the latest instant that the list names: what is open is counted up to it."""
    return datetime.fromtimestamp(EXPORT_S - _HEARTBEAT_S, tz=UTC)


def kubectl_json(cluster: Cluster) -> str:
    """Write the objects of a cluster as one list."""
    deployed = [pod for pod in cluster.pods if pod.work.kind == "Deployment" and pod.place == 0]
    items = [
        *map(_pod, cluster.pods),
        *map(_job, cluster.jobs),
        *(one for pod in deployed for one in _replica_sets(pod)),
        *(_node(name, place) for place, name in enumerate(sorted(POOL_OF_NODE))),
    ]
    document = {
        "apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""},
    }  # fmt: skip
    return json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False) + "\n"
