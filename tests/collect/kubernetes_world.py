"""Objects of a small cluster, as the API writes them."""

from tests.fakes.kubernetes_api import JOBS, NODES, PODS, REPLICA_SETS, Object, World


def pod(number: int, **metadata: object) -> Object:
    """Return a pod of its own uid, bound to a node and running."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": f"train-{number}",
            "namespace": "ml",
            "uid": uid(number),
            "creationTimestamp": "2026-11-23T05:00:00Z",
            "ownerReferences": [{"kind": "Job", "name": "train", "controller": True}],
            **metadata,
        },
        "spec": {
            "nodeName": "gpu1",
            "containers": [
                {"name": "main", "resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}
            ],
        },
        "status": {
            "phase": "Running",
            "startTime": "2026-11-23T05:00:02Z",
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "True",
                    "lastTransitionTime": "2026-11-23T05:00:01Z",
                }
            ],
        },
    }


def uid(number: int) -> str:
    """Return the uid of a pod."""
    return f"5b2a7d1e-0000-4000-8000-{number:012d}"


def small_world(n_pods: int = 3) -> World:
    """Return pods with a job, a replica set and a node."""
    about = {"namespace": "ml", "uid": "0", "name": "train"}
    return World(
        {
            PODS: [pod(number) for number in range(n_pods)],
            JOBS: [{"kind": "Job", "apiVersion": "batch/v1", "metadata": about}],
            REPLICA_SETS: [{"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": about}],
            NODES: [
                {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "gpu1", "uid": "n1"}}
            ],
        }
    )
