import math

import numpy as np
import pandas as pd
import pytest

from auditor.domain.frames import CATEGORY, INSTANT, JOBS, TEXT, check
from auditor.domain.job import PLATFORM, QualityFlag
from auditor.normalize.kubernetes.frame import PODS
from auditor.normalize.kubernetes.jobs import assemble_pods
from auditor.normalize.kubernetes.rules import PodRules
from tests.normalize.kubernetes.pod_objects import (
    BOUND,
    CREATED,
    ENDED,
    context,
    gpu_spec,
    node,
    owner,
    pod,
    run_of,
    running,
    status,
    uid,
)

SYSTEM = {"namespace": "kube-system"}


def frame(**told):
    """Return a frame of PODS with one pod, as any source could bring it."""
    known = {
        "uid": uid(1), "namespace": "ml", "name": "train-1", "node": "node-1",
        "controller_kind": None, "owner_kind": None, "owner_name": None, "user": None,
        "project": None, "queue": None, "priority_class": None, "state": "COMPLETED",
        "created_utc": CREATED, "start_utc": BOUND, "end_utc": ENDED, "seen_utc": ENDED,
        "is_open": False, "time_limit_s": math.nan, "n_cpus": 4.0, "memory_bytes": 2.0**34,
        "n_gpu": 0.0, "gpu_types": "", "n_restarts": 0, "quality_flags": 0, "line": 1, **told,
    }  # fmt: skip
    columns = {}
    for column in PODS:
        values = pd.Series([known[column.name]], dtype="object")
        if column.dtype == INSTANT:
            columns[column.name] = pd.to_datetime(values, utc=True).astype(INSTANT)
        elif column.dtype == CATEGORY:
            columns[column.name] = values.astype("str").astype(CATEGORY)
        else:
            columns[column.name] = values.astype(column.dtype)
    return check(pd.DataFrame(columns), PODS)


def test_a_pod_becomes_a_run():
    run = run_of(
        pod(
            metadata={
                "labels": {"example.org/user": "alice", "kueue.x-k8s.io/queue-name": "gold"},
                "ownerReferences": [owner("Job", "train")],
            },
            spec=gpu_spec(priorityClassName="high", activeDeadlineSeconds=86400),
        ),
        node(labels={"nvidia.com/gpu.product": "NVIDIA-L4"}),
    )
    expected = {
        "cluster": "gpu-cloud", "raw_job_id": uid(1), "submit_utc": pd.Timestamp(CREATED),
        "n_restarts": 0, "scheduler": "kubernetes", "job_id": "ml/train-1",
        "parent_job_id": "ml/Job/train", "user": "alice", "account": "ml", "partition": "gold",
        "qos": "high", "state": "COMPLETED", "job_name": "train", "node_list": "node-1",
        "start_utc": pd.Timestamp(BOUND), "end_utc": pd.Timestamp(ENDED), "elapsed_s": 3600,
        "reported_elapsed_s": 3600, "suspended_s": 0, "time_limit_s": 86400.0, "n_cpus": 8.0,
        "n_nodes": 1.0, "n_gpu": 2.0, "gpu_types": "NVIDIA-L4=2", "memory_bytes": 64 * 2.0**30,
        "requested_memory_decimal_gb": 64.0, "is_open": False, "quality_flags": 0,
        "source": "pods.json", "line": 1,
    }  # fmt: skip
    assert {name: run[name] for name in expected} == expected
    unknown = {column.name for column in JOBS if pd.isna(run[column.name])}
    assert unknown == {
        "wckey", "eligible_utc", "total_cpu_s", "max_rss_bytes", "gpu_utilisation_ratio",
        "consumed_energy_j", "gpu_energy_j", "gpu_metered_ratio", "gpu_observed_ratio",
    }  # fmt: skip


PLATFORMS = {
    "a namespace of the platform": ({"metadata": SYSTEM}, True),
    "a daemon": ({"metadata": {"ownerReferences": [owner("DaemonSet", "agent")]}}, True),
    "a static pod": ({"metadata": {"ownerReferences": [owner("Node", "node-1")]}}, True),
    "a Deployment": ({"metadata": {"ownerReferences": [owner("ReplicaSet", "web")]}}, False),
    "anybody": ({}, False),
    "who says so": ({"metadata": {"labels": {"example.org/user": PLATFORM}}}, False),
}


@pytest.mark.parametrize(("parts", "is_platform"), PLATFORMS.values(), ids=PLATFORMS)
def test_whose_it_is(parts, is_platform):
    run = run_of(pod(**parts))
    assert (run["user"] == PLATFORM, run["account"] == PLATFORM) == (is_platform, is_platform)
    assert bool(run["quality_flags"] & QualityFlag.PLATFORM) is is_platform
    assert is_platform or run["account"] == "ml"
    assert is_platform or run["user"] is None or pd.isna(run["user"])


def test_a_node_is_no_parent():
    run = run_of(pod(metadata={"ownerReferences": [owner("Node", "node-1")]}))
    assert pd.isna(run["parent_job_id"])
    assert run["job_name"] == "train-1"


def test_each_cluster_has_its_rules():
    rules = {"gpu-cloud": PodRules(project=("label:team",), platform_namespaces=("ml",))}
    assert run_of(pod(), pod_rules_of=rules)["account"] == PLATFORM
    others = {"elsewhere": rules["gpu-cloud"]}
    assert run_of(pod(), pod_rules_of=others)["account"] == "ml"


NOTHING = {"containers": [{}]}
FLAGS = {
    "asks for nothing": ({"spec": NOTHING}, QualityFlag.NO_REQUEST),
    "asks for CPU only": (
        {"spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]}},
        QualityFlag.NO_REQUEST,
    ),
    "nobody knows its accelerators": ({"spec": gpu_spec()}, QualityFlag.GPU_TYPE_UNKNOWN),
    "nobody knows when it was made": (
        {"metadata": {"creationTimestamp": None}},
        QualityFlag.SUBMIT_FROM_START,
    ),
    "all in order": ({}, QualityFlag.NONE),
}


@pytest.mark.parametrize(("parts", "flags"), FLAGS.values(), ids=FLAGS)
def test_flags(parts, flags):
    assert run_of(pod(**parts))["quality_flags"] == flags


def test_a_pod_that_asks_for_nothing_holds_nothing_and_ran():
    run = run_of(pod(spec=NOTHING))
    assert (run["n_cpus"], run["memory_bytes"], run["elapsed_s"]) == (0.0, 0.0, 3600)


def test_a_pod_that_never_ran_counts_nothing():
    never = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}
    run = run_of(pod(spec={"nodeName": None}, status=never))
    assert (run["state"], run["elapsed_s"], run["n_nodes"]) == ("PENDING", 0, 0.0)
    assert pd.isna(run["start_utc"])
    assert pd.isna(run["end_utc"])


def test_an_open_pod_is_counted_up_to_the_look():
    seen = pd.Timestamp("2026-11-23T12:00:05Z").to_pydatetime()
    run = run_of(pod(status=status("Running", running())), seen_utc=seen)
    assert (run["elapsed_s"], run["is_open"]) == (7200, True)


REJECTS = {
    "no uid": ({"uid": ""}, "its uid cannot be one"),
    "a uid of control codes": ({"uid": "a\x1b[2J"}, "its uid cannot be one"),
    "no namespace": ({"namespace": None}, "it has no name"),
    "nowhere in time": (
        {"created_utc": None, "start_utc": None},
        "nothing says when it was created or started",
    ),
    "ended, unknown when": ({"end_utc": None}, "it has ended, and nothing says when"),
}


@pytest.mark.parametrize(("told", "reason"), REJECTS.values(), ids=REJECTS)
def test_rows_that_are_no_runs(told, reason):
    pods = pd.concat([frame(), frame(line=2, **told)], ignore_index=True)
    for column in PODS:
        if column.dtype == CATEGORY:
            pods[column.name] = pods[column.name].astype("str").astype(CATEGORY)
    assembled = assemble_pods(check(pods, PODS), context(), "gpu-cloud")
    assert [(reject.line, reject.reason) for reject in assembled.rejects] == [(2, reason)]
    assert assembled.jobs["line"].tolist() == [1]


def test_a_frame_without_rows():
    nothing = frame().iloc[:0]
    assembled = assemble_pods(nothing, context(), "gpu-cloud")
    assert (len(check(assembled.jobs, JOBS)), assembled.rejects) == (0, [])


def test_the_index_of_the_frame_says_nothing():
    shuffled = frame().set_index(pd.Index([7]))
    jobs = assemble_pods(shuffled, context(), "gpu-cloud").jobs
    assert jobs.index.tolist() == [0]
    assert jobs["user"].isna().all()
    assert jobs["job_id"].dtype == TEXT


def test_a_later_view_of_an_open_pod_outranks_the_earlier():
    open_pod = {"state": "RUNNING", "is_open": True, "end_utc": None}
    seen = ("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z")
    views = [frame(**open_pod, seen_utc=moment) for moment in seen]
    ended = frame(end_utc="2026-11-23T11:00:00Z")
    ranks = [
        int(assemble_pods(view, context(), "gpu-cloud").jobs["rank"].iloc[0])
        for view in (*views, ended)
    ]
    assert ranks == sorted(ranks)
    assert len(np.unique(ranks)) == 3
