"""What owns a pod: its controller, and what stands above that as far as an export tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from auditor.normalize.json_spelling import member
from auditor.normalize.kubernetes.instants import elements

_MOST_STEPS = 8
_LONGEST_NAME = 253  # of any object in Kubernetes
_KUEUE_QUEUE = "kueue.x-k8s.io/queue-name"

# Label that names what stands above a controller, its kind, and the kinds that it stands above
# ('' is a pod without controller). Sources: JobSet, LeaderWorkerSet, Argo Workflows, Spark
# operator, Kueue (plain pods).
_ABOVE: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("jobset.sigs.k8s.io/jobset-name", "JobSet", frozenset(("Job", ""))),
    ("leaderworkerset.sigs.k8s.io/name", "LeaderWorkerSet", frozenset(("StatefulSet", "Pod"))),
    ("workflows.argoproj.io/workflow", "Workflow", frozenset(("", "Pod"))),
    ("sparkoperator.k8s.io/app-name", "SparkApplication", frozenset(("", "Pod"))),
    ("kueue.x-k8s.io/pod-group-name", "Workload", frozenset(("",))),
)
_RAY_KIND, _RAY_NAME = "ray.io/originated-from-crd", "ray.io/originated-from-cr-name"
_KUBEFLOW_NAME, _KUBEFLOW_OPERATOR = (
    "training.kubeflow.org/job-name",
    "training.kubeflow.org/operator-name",
)
_KUBEFLOW_KINDS = {
    "mpi-operator": "MPIJob",
    "mpijob-controller": "MPIJob",
    "pytorchjob-controller": "PyTorchJob",
    "tfjob-controller": "TFJob",
    "xgboostjob-controller": "XGBoostJob",
    "paddlejob-controller": "PaddleJob",
    "jaxjob-controller": "JAXJob",
}
# A ReplicaSet is called after its owner and this hash.
_HASHES = (("pod-template-hash", "Deployment"), ("rollouts-pod-template-hash", "Rollout"))


@dataclass(frozen=True)
class OwnerRef:
    """A reference from an object to what owns it."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class PodOwner:
    """What a pod says of its owners: its controller, and by its labels what is above it."""

    controller: OwnerRef | None
    above: tuple[tuple[str, str, frozenset[str]], ...] = ()


@dataclass(frozen=True)
class Topmost:
    """The topmost owner that is known, and the queue that it or one below it names."""

    kind: str | None
    name: str | None
    queue: str | None


@dataclass
class KnownOwners:
    """Objects of an export that own others, by uid: their own owner and their queue."""

    _owner_of: dict[str, tuple[OwnerRef | None, str | None]] = field(default_factory=dict)

    def learn(self, item: Mapping[str, Any]) -> None:
        """Take what an object says of its owner and its queue; nothing where it says nothing."""
        uid = member(item, "metadata", "uid")
        owner, queue = owner_ref(item), queue_of(labels_of(item))
        if isinstance(uid, str) and (owner is not None or queue is not None):
            self.learn_of(uid, owner, queue)

    def learn_of(self, uid: str, owner: OwnerRef | None, queue: str | None) -> None:
        """Take the owner and the queue of an object."""
        self._owner_of[uid] = (owner, queue)

    def topmost(self, own: PodOwner) -> Topmost:
        """Climb from a pod's controller as far as anything is known."""
        owner, queue = own.controller, None
        seen: set[str] = set()
        while owner is not None and owner.uid not in seen and len(seen) < _MOST_STEPS:
            seen.add(owner.uid)
            next_owner, next_queue = self._owner_of.get(owner.uid, (None, None))
            queue = queue or next_queue
            if next_owner is None:
                break
            owner = next_owner
        kind, name = (owner.kind, owner.name) if owner else ("", "")
        for above_kind, above_name, below in own.above:
            if kind in below:
                kind, name = above_kind, above_name
        return Topmost(kind or None, name or None, queue)


def owner_ref(item: Mapping[str, Any]) -> OwnerRef | None:
    """Return what controls an object, else the first that owns it; None if nothing does."""
    stated = elements(member(item, "metadata", "ownerReferences"))
    for ref in sorted(stated, key=lambda one: one.get("controller") is not True):
        kind, name = ref.get("kind"), ref.get("name")
        if is_object_name(kind) and is_object_name(name):
            return OwnerRef(kind, name, str(ref.get("uid") or ""))
    return None


def is_object_name(value: object) -> TypeGuard[str]:
    """Say whether a value can be the name of an object: short printable text."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def pod_owner(pod: Mapping[str, Any]) -> PodOwner:
    """Return what a pod says of its owners."""
    controller = owner_ref(pod)
    labels = labels_of(pod)
    return PodOwner(controller, tuple(_above(controller, labels)))


def _above(
    controller: OwnerRef | None, labels: Mapping[str, str]
) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield owners that labels name, from below: each stands above the kinds beside it."""
    replica_set = controller.name if controller and controller.kind == "ReplicaSet" else ""
    for label, kind in _HASHES:
        tail = f"-{labels.get(label, '')}"
        if len(tail) > 1 and replica_set.endswith(tail) and len(replica_set) > len(tail):
            yield kind, replica_set.removesuffix(tail), frozenset(("ReplicaSet",))
    for label, kind, below in _ABOVE:
        if is_object_name(name := labels.get(label)):
            yield kind, name, below
    kubeflow = _KUBEFLOW_KINDS.get(labels.get(_KUBEFLOW_OPERATOR, ""))
    if kubeflow and is_object_name(name := labels.get(_KUBEFLOW_NAME)):
        yield kubeflow, name, frozenset(("Job", ""))
    if is_object_name(crd := labels.get(_RAY_KIND)) and is_object_name(
        name := labels.get(_RAY_NAME)
    ):
        yield crd, name, frozenset(("RayCluster",))


def queue_of(labels: Mapping[str, str]) -> str | None:
    """Return the queue of Kueue that an object is labelled with."""
    queue = labels.get(_KUEUE_QUEUE)
    return queue if is_object_name(queue) else None


def labels_of(item: Mapping[str, Any], key: str = "labels") -> Mapping[str, str]:
    """Return the labels (or annotations) of an object, none where it has none."""
    stated = member(item, "metadata", key)
    return stated if isinstance(stated, Mapping) else {}
