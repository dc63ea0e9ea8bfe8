import pytest

from tests.normalize.kubernetes.pod_objects import batches_of, job, listed, owner, pod, run_of, uid

HASH = {"labels": {"pod-template-hash": "6cd8d99884"}}


def owned(*owners, labels=None, number=1):
    return pod(number, metadata={"ownerReferences": list(owners), "labels": labels or {}})


MPI = {
    "training.kubeflow.org/job-name": "m",
    "training.kubeflow.org/operator-name": "mpi-operator",
}
CASES = {
    "nothing": ([pod()], None, "train-1"),
    "a Job": ([owned(owner("Job", "train"))], "ml/Job/train", "train"),
    "a CronJob above the Job": (
        [owned(owner("Job", "night-29")), job("night-29", 900, owner("CronJob", "night", 901))],
        "ml/CronJob/night",
        "night",
    ),
    "the Job before the pod": (
        [job("night-29", 900, owner("CronJob", "night", 901)), owned(owner("Job", "night-29"))],
        "ml/CronJob/night",
        "night",
    ),
    "a chain of three": (
        [owned(owner("Job", "a", 900)), job("a", 900, owner("JobSet", "b", 901)),
         job("b", 901, owner("TrainJob", "c", 902))],
        "ml/TrainJob/c",
        "c",
    ),
    "a chain that bites its tail": (
        [owned(owner("Job", "a", 900)), job("a", 900, owner("Job", "b", 901)),
         job("b", 901, owner("Job", "a", 900))],
        "ml/Job/a",
        "a",
    ),
    "the controller goes first": (
        [owned(owner("Queue", "q", 901, controller=False), owner("Job", "train"))],
        "ml/Job/train",
        "train",
    ),
    "an owner that does not control": (
        [owned(owner("Workflow", "flow", 901, controller=False))],
        "ml/Workflow/flow",
        "flow",
    ),
    "a Deployment by the hash": (
        [owned(owner("ReplicaSet", "web-6cd8d99884"), labels=HASH["labels"])],
        "ml/Deployment/web",
        "web",
    ),
    "a Rollout by its hash": (
        [owned(owner("ReplicaSet", "web-7f"), labels={"rollouts-pod-template-hash": "7f"})],
        "ml/Rollout/web",
        "web",
    ),
    "a ReplicaSet of another hash": (
        [owned(owner("ReplicaSet", "web-57f4"), labels={"pod-template-hash": "1390"})],
        "ml/ReplicaSet/web-57f4",
        "web-57f4",
    ),
    "a ReplicaSet that says more": (
        [owned(owner("ReplicaSet", "web-6cd8d99884"), labels=HASH["labels"]),
         job("web-6cd8d99884", 900, owner("Deployment", "web", 901))],
        "ml/Deployment/web",
        "web",
    ),
    "a JobSet by label": (
        [owned(owner("Job", "t-0"), labels={"jobset.sigs.k8s.io/jobset-name": "t"})],
        "ml/JobSet/t",
        "t",
    ),
    "an MPIJob by labels": (
        [owned(owner("Job", "m-launcher"), labels=MPI)],
        "ml/MPIJob/m",
        "m",
    ),
    "a PyTorchJob": ([owned(owner("PyTorchJob", "bert"))], "ml/PyTorchJob/bert", "bert"),
    "a RayJob above its cluster": (
        [owned(owner("RayCluster", "r-x"), labels={"ray.io/originated-from-crd": "RayJob",
                                                   "ray.io/originated-from-cr-name": "r"})],
        "ml/RayJob/r",
        "r",
    ),
    "a Workflow of Argo": ([owned(owner("Workflow", "flow"))], "ml/Workflow/flow", "flow"),
    "a set of leaders and workers": (
        [owned(owner("StatefulSet", "l-0"), labels={"leaderworkerset.sigs.k8s.io/name": "l"})],
        "ml/LeaderWorkerSet/l",
        "l",
    ),
    "a group of Kueue": (
        [owned(labels={"kueue.x-k8s.io/pod-group-name": "group"})],
        "ml/Workload/group",
        "group",
    ),
    "a label that does not stand above": (
        [owned(owner("PyTorchJob", "bert"), labels={"jobset.sigs.k8s.io/jobset-name": "t"})],
        "ml/PyTorchJob/bert",
        "bert",
    ),
    "names that are none": ([owned(owner("Job", "a\x1b[2J"), owner("", "b"))], None, "train-1"),
}  # fmt: skip


@pytest.mark.parametrize(("items", "parent", "name"), CASES.values(), ids=CASES)
def test_the_topmost_owner_that_is_known(items, parent, name):
    run = run_of(*items)
    assert (run["parent_job_id"] if isinstance(run["parent_job_id"], str) else None) == parent
    assert run["job_name"] == name


def test_an_executor_belongs_to_what_owns_its_driver():
    executor = owned(owner("Pod", "driver", 2), number=1)
    driver = owned(owner("SparkApplication", "spark", 901), number=2)
    (batch,) = batches_of(listed(executor, driver))
    assert set(batch.jobs["parent_job_id"]) == {"ml/SparkApplication/spark"}
    assert set(batch.jobs["raw_job_id"]) == {uid(1), uid(2)}
