"""Advice about pods: in the words of Kubernetes, true for what owns them, safe to type."""

import json
import os
import shlex
import shutil
import subprocess

import numpy as np
import pytest

from auditor.domain.job import PLATFORM, QualityFlag
from auditor.recommend.advise import recommend
from auditor.recommend.idle_gpu import idle_gpu
from auditor.recommend.interface import AdviceSettings
from auditor.recommend.language import Owner, owner_of, resources_command
from auditor.recommend.lost_work import lost_work
from auditor.recommend.low_use_cpu import low_use_cpu
from auditor.recommend.over_asked_memory import over_asked_memory
from auditor.recommend.timed_out import timed_out
from tests.recommend.samples import GIB, slices
from tests.recommend.test_right_size import GPU_RUN, LOW_CPU_RUN

SETTINGS = AdviceSettings(least_saving_g=0.0)
POD = {
    "scheduler": "kubernetes", "job_id": "vision/train-0-x7k2p", "job_name": "train-0",
    "parent_job_id": "vision/Job/train-0", "partition": "vision", "n_nodes": np.nan,
    "gpu_types": "NVIDIA-A100-SXM4-80GB=4", "gpu_model": "NVIDIA A100-SXM4-80GB",
}  # fmt: skip
SERVED = POD | {"parent_job_id": "vision/Deployment/serve", "job_name": "serve"}
BARE = POD | {"parent_job_id": None, "job_id": "vision/notebook", "job_name": "notebook"}
MIG = {"gpu_types": "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb=4"}
UNUSED = GPU_RUN | {"gpu_utilisation_ratio": 0.0}
FAILED, LATE = {"state": "OUT_OF_MEMORY"}, {"state": "TIMEOUT", "time_limit_s": 3600.0}
SMALL = LOW_CPU_RUN | {"n_cpus": 0.5, "total_cpu_s": 3600.0, "core_s": 18_000.0}

COMMANDS = [
    pytest.param(low_use_cpu, POD | LOW_CPU_RUN, "resources: {requests: {cpu: 2000m}}",
                 id="cores of a Job"),
    pytest.param(low_use_cpu, POD | SMALL, "resources: {requests: {cpu: 200m}}",
                 id="a part of a core"),
    pytest.param(low_use_cpu, SERVED | LOW_CPU_RUN,
                 "kubectl -n vision set resources deployment/serve -c CONTAINER"
                 " --requests=cpu=2000m", id="cores of a Deployment"),
    pytest.param(over_asked_memory, POD | {"max_rss_bytes": 20.5 * GIB},
                 "resources: {requests: {memory: 25216Mi}}", id="memory of a Job"),
    pytest.param(over_asked_memory, BARE | {"max_rss_bytes": 1.25 / 1.2 * GIB},
                 "resources: {requests: {memory: 1280Mi}}", id="memory of a pod"),
    pytest.param(over_asked_memory, BARE | {"max_rss_bytes": GIB / 1.2},
                 "resources: {requests: {memory: 1Gi}}", id="whole GiB"),
    pytest.param(idle_gpu, POD | GPU_RUN,
                 "resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 1}}",
                 id="accelerators of a Job"),
    pytest.param(idle_gpu, SERVED | UNUSED,
                 "kubectl -n vision set resources deployment/serve -c CONTAINER"
                 " --requests=nvidia.com/gpu=0 --limits=nvidia.com/gpu=0", id="no accelerator"),
    pytest.param(idle_gpu, POD | GPU_RUN | MIG,
                 "resources: {requests: {nvidia.com/mig-1g.10gb: 1},"
                 " limits: {nvidia.com/mig-1g.10gb: 1}}", id="slices"),
    pytest.param(idle_gpu, POD | GPU_RUN | {"gpu_model": "Some accelerator"}, "",
                 id="an accelerator of no known resource"),
    pytest.param(idle_gpu, POD | UNUSED | {"n_gpu": 0.25}, "", id="a share of a card"),
    pytest.param(lost_work, POD | {"state": "FAILED"},
                 "spec: {activeDeadlineSeconds: 600, backoffLimit: 0}", id="failed"),
    pytest.param(lost_work, POD | FAILED, "", id="out of memory: the book has no limit of pods"),
    pytest.param(timed_out, POD | LATE, "terminationGracePeriodSeconds: 300", id="timed out"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "run", "command"), COMMANDS)
def test_what_to_type(rule, run, command):
    advice = rule(slices(run), SETTINGS)
    assert advice.command == command
    words = f"{advice.text} {advice.command}".lower()
    for word in ("sbatch", "slurm", "--gres", "a node"):
        assert word not in words


@pytest.mark.parametrize(("rule", "run", "command"), COMMANDS)
def test_slurm_hears_nothing_of_pods_and_other_schedulers_no_command(rule, run, command):
    of_slurm = rule(slices(run | {"scheduler": "slurm"}), SETTINGS)
    if of_slurm is not None:
        words = f"{of_slurm.text} {of_slurm.command}"
        for word in ("kubectl", "requests:", "OOMKilled", "SIGTERM", "Deployment", "DeadlineSec"):
            assert word not in words
    other = rule(slices(run | {"scheduler": "other"}), SETTINGS)
    assert other is None or not other.command


def test_sentences_about_pods():
    assert low_use_cpu(slices(SERVED | LOW_CPU_RUN), SETTINGS).text.startswith(
        "Asking for 2 cores for Deployment serve in namespace vision of alice, as many as the work "
        "of its run fills to 80%, saves "
    )
    memory = over_asked_memory(slices(BARE | {"max_rss_bytes": GIB / 1.2}), SETTINGS).text
    assert memory.startswith("Asking for 1 GiB for Pod notebook in namespace vision of alice, ")
    assert "Put the line into the container of the pod." in memory
    killed = lost_work(slices(POD | FAILED), SETTINGS).text
    assert killed.startswith(
        "1 run failed, out of memory (OOMKilled), after emitting 150 g. A high"
    )
    some = lost_work(slices(POD | FAILED, POD | {"state": "FAILED"}), SETTINGS).text
    assert "2 runs failed, 1 of them out of memory (OOMKilled), after" in some
    late = timed_out(slices(POD | LATE), SETTINGS).text
    assert late.startswith("1 run met activeDeadlineSeconds (at most 1.00 h)")


def test_pods_of_other_owners_and_namespaces_are_sized_apart():
    rows = slices(
        SERVED | LOW_CPU_RUN | {"total_cpu_s": 36_000.0},
        SERVED | LOW_CPU_RUN | {"parent_job_id": "speech/Deployment/serve",
                                "job_id": "speech/serve-1"},
    )  # fmt: skip
    advice = low_use_cpu(rows, SETTINGS)
    assert advice.evidence["n_runs"] == 1
    assert advice.evidence["n_runs_of_all"] == 2


def test_each_scheduler_is_advised_in_its_language():
    rows = slices(LOW_CPU_RUN, POD | LOW_CPU_RUN)
    commands = {one.command for one in recommend(rows, AdviceSettings(least_saving_ratio=0.0))}
    assert commands == {"#SBATCH --cpus-per-task=2", "resources: {requests: {cpu: 2000m}}"}


NOBODYS = [
    pytest.param({"user": PLATFORM}, id="the platform"),
    pytest.param({"quality_flags": int(QualityFlag.PLATFORM)}, id="flagged as the platform's"),
    pytest.param({"quality_flags": int(QualityFlag.AGGREGATE)}, id="a sum of runs"),
]


@pytest.mark.parametrize("change", NOBODYS)
def test_what_nobody_can_size_gets_no_advice(change):
    assert recommend(slices(SERVED | LOW_CPU_RUN | change), SETTINGS) == []


OWNERS = [
    pytest.param("v/Job/train", "v/train-x", Owner("Job", "v", "train"), id="owned"),
    pytest.param(None, "v/train-x", Owner("Pod", "v", "train-x"), id="bare"),
    pytest.param("odd", "v/train-x", Owner("Pod", "v", "train-x"), id="no owner in it"),
    pytest.param("v/Kind/a/b", "v/p", Owner("Kind", "v", "a/b"), id="a name with a slash"),
]


@pytest.mark.parametrize(("parent", "pod", "owner"), OWNERS)
def test_what_owns_a_pod(parent, pod, owner):
    assert owner_of(parent, pod) == owner


HOSTILE = ("$(id)", "x; rm -rf ~", "--all", "a b", "`id`", "x\ny", "Ünder", "", "x" * 254, "-n")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["name", "namespace"])
def test_a_name_that_kubernetes_would_not_take_is_in_no_command(name, place):
    owner = Owner(**({"kind": "Deployment", "namespace": "v", "name": "serve"} | {place: name}))
    assert resources_command(owner, {"cpu": "100m"}) == "resources: {requests: {cpu: 100m}}"


MANIFEST = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "serve", "namespace": "vision"},
    "spec": {
        "selector": {"matchLabels": {"app": "serve"}},
        "template": {
            "metadata": {"labels": {"app": "serve"}},
            "spec": {
                "containers": [
                    {"name": "main", "image": "x", "resources": {"requests": {"cpu": "10"}}},
                    {"name": "proxy", "image": "y", "resources": {"requests": {"cpu": "1"}}},
                ]
            },
        },
    },
}
CRON = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "serve", "namespace": "vision"},
    "spec": {
        "schedule": "0 3 * * *",
        "jobTemplate": {"spec": {"template": MANIFEST["spec"]["template"]}},
    },
}


@pytest.mark.skipif(
    shutil.which("kubectl") is None and not os.environ.get("CI"), reason="needs kubectl"
)
@pytest.mark.parametrize("manifest", [MANIFEST, CRON], ids=["Deployment", "CronJob"])
def test_kubectl_does_what_the_command_says(manifest, tmp_path):
    """The words of the command change one container of a manifest; no server is asked."""
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest))
    owner = Owner(manifest["kind"], "vision", "serve")
    words = shlex.split(resources_command(owner, {"cpu": "2000m"}).replace("CONTAINER", "main"))
    assert words[:3] == ["kubectl", "-n", "vision"]
    assert words.pop(5) == f"{manifest['kind'].lower()}/serve"
    command = [*words, "-f", str(file), "--local", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    spec = json.loads(done.stdout)["spec"]
    template = spec.get("jobTemplate", {}).get("spec", spec)["template"]
    requests = {one["name"]: one["resources"]["requests"] for one in template["spec"]["containers"]}
    assert requests == {"main": {"cpu": "2"}, "proxy": {"cpu": "1"}}
