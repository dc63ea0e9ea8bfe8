"""Real lists of kubelets lying beside the checkout, against kube-state-metrics of that cluster."""

import re
from pathlib import Path

import pandas as pd
import pytest

from auditor.domain.job import PLATFORM
from tests.normalize.kubernetes.pod_objects import batches_of

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "k8s" / "nri-kubernetes"
_SERIES = re.compile(r"(?P<name>\w+)\{(?P<labels>.*)\} (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# Requested for the pod as a whole, which that kube-state-metrics does not tell.
WHOLE_POD = {"e2e-deployment-79967c5968-8bnn8": (0.05, 20 * 2**20),
             "e2e-deployment-79967c5968-zjslc": (0.05, 20 * 2**20)}  # fmt: skip

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no real lists beside the checkout"),
]


def series(name):
    """Return the series of a metric, labels beside the value."""
    found = map(_SERIES.fullmatch, (FOLDER / "ksm_metrics_1_35.txt").read_text().splitlines())
    return [
        {**dict(_LABEL.findall(one["labels"])), "value": float(one["value"])}
        for one in found
        if one and one["name"] == name
    ]


def by_pod(name):
    return {one["pod"]: one["value"] for one in series(name)}


@pytest.fixture(scope="module")
def batch():
    (found,) = batches_of((FOLDER / "kubelet_pods_1_35.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def runs(batch):
    jobs = batch.jobs.astype("object")
    records = jobs.where(jobs.notna(), None).to_dict("records")
    return {run["job_id"].partition("/")[2]: run for run in records}


def test_every_pod_is_a_run(batch, runs):
    assert (batch.n_rows, batch.n_jobs, batch.n_steps, batch.rejects) == (24, 24, 0, [])
    assert len(runs) == 24
    assert batch.jobs["state"].value_counts().to_dict() == {
        "RUNNING": 18,
        "FAILED": 4,
        "COMPLETED": 2,
    }


def test_times_are_those_of_kube_state_metrics(runs):
    scheduled, completed = (
        by_pod("kube_pod_status_scheduled_time"),
        by_pod("kube_pod_completion_time"),
    )
    for name, run in runs.items():
        assert run["start_utc"].timestamp() == scheduled[name], name
        if not run["is_open"]:
            assert run["end_utc"].timestamp() == completed[name], name
    # Static pods have no time of creation in a kubelet's own list.
    created = by_pod("kube_pod_created")
    named = [name for name, run in runs.items() if "-" in run["raw_job_id"]]
    assert len(named) == 20
    assert all(runs[name]["submit_utc"].timestamp() == created[name] for name in named)


def test_requests_are_those_of_kube_state_metrics(runs):
    asked = dict.fromkeys(((name, what) for name in runs for what in ("cpu", "memory")), 0.0)
    for one in series("kube_pod_container_resource_requests"):
        asked[one["pod"], one["resource"]] += one["value"]
    for name, run in runs.items():
        expected = WHOLE_POD.get(name, (asked[name, "cpu"], asked[name, "memory"]))
        assert (run["n_cpus"], run["memory_bytes"]) == pytest.approx(expected), name


def test_owners_are_those_of_kube_state_metrics(runs):
    above = {
        (one["namespace"], "ReplicaSet", one["replicaset"]): (one["owner_kind"], one["owner_name"])
        for one in series("kube_replicaset_owner")
    }
    for one in series("kube_pod_owner"):
        if one["pod"] not in runs:
            continue
        own = (one["owner_kind"], one["owner_name"])
        kind, name = above.get((one["namespace"], *own), own)
        parent = f"{one['namespace']}/{kind}/{name}" if kind not in {"", "Node"} else None
        assert runs[one["pod"]]["parent_job_id"] == parent, one["pod"]


def test_the_platform_is_its_namespace_and_its_daemons(runs):
    owners = {one["pod"]: one["owner_kind"] for one in series("kube_pod_owner")}
    for name, run in runs.items():
        is_platform = run["job_id"].startswith("kube-system/") or owners[name] == "DaemonSet"
        assert (run["user"] == PLATFORM) is is_platform, name
    assert sum(run["user"] == PLATFORM for run in runs.values()) == 10


def test_an_older_list():
    (batch,) = batches_of((FOLDER / "kubelet_pods_payload.json").read_bytes())
    assert [(one.line, one.reason) for one in batch.rejects] == [
        (3, "it has ended, and nothing says when")
    ]
    jobs = batch.jobs.set_index("line")
    assert jobs["state"].to_dict() == {1: "RUNNING", 2: "CONFIGURING", 4: "RUNNING"}
    assert jobs["n_cpus"].to_dict() == pytest.approx({1: 0.5, 2: 0.201, 4: 0.2})
    starts = ("2018-02-14T16:26:33Z", "2018-02-14T16:27:38Z", "2019-10-23T17:10:48Z")
    assert jobs["start_utc"].tolist() == list(map(pd.Timestamp, starts))
