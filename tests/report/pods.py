"""A made-up week of people who run on Slurm and on Kubernetes, for the tests of the report."""

import numpy as np
import pandas as pd

from auditor.domain.frames import BOOK
from auditor.domain.job import PLATFORM, QualityFlag
from auditor.recommend.language import owner_of, resources_command
from tests.report.fakes import Recommendation, week_of_runs

OWNERS = (
    ("team-vision", "Job", "vision-train-0", "1db20"),
    ("team-vision", "Deployment", "segmentation-inference-service-canary", "6f9c7d5b8c-q2v4k"),
    ("speech-to-text-research-group-two", "CronJob", "nightly-evaluation-of-all-checkpoints",
     "29384760-w8xkz"),
    ("team-vision", "PyTorchJob", "p" * 120, "worker-0"),
    ("kubeflow-user-alice", "StatefulSet", "notebook", "0"),
    ("kube-system", "DaemonSet", "nvidia-device-plugin", "zx81k"),
)  # fmt: skip
_SHARES = (1 / 3, 0.25, 0.5, 1.0, 4.0)
ADVICE_FOR_PODS = tuple(
    Recommendation(
        rule, text, resources_command(owner_of(f"{namespace}/{kind}/{name}", ""), amounts), 812.0,
        500.0, 1400.0, 2400.0,
    )
    for rule, text, (namespace, kind, name, _), amounts in (
        ("low_use_cpu", "Asking for 0.5 cores for Deployment segmentation-inference-service-canary."
         , OWNERS[1], {"cpu": "500m"}),
        ("over_asked_memory", "Put the line into the container of the template of the Job.",
         OWNERS[0], {"memory": "12Gi"}),
    )
)  # fmt: skip


def week_on_both(n_runs: int = 120, *, seed: int = 1) -> pd.DataFrame:
    """Draw slices as `week_of_runs` does, every other of them a pod."""
    rows = week_of_runs(n_runs, seed=seed)
    is_pod = np.arange(n_runs) % 2 == 1
    draw = np.random.default_rng(seed)
    which = draw.integers(0, len(OWNERS), n_runs)
    is_platform = is_pod & (which == len(OWNERS) - 1)
    owner = [OWNERS[place] for place in which]
    told = {
        "cluster": "gpu-cloud",
        "scheduler": "kubernetes",
        "raw_job_id": [f"{n:08x}-7b1c-4f0e-9a55-1db2081c7e{n % 100:02}" for n in range(n_runs)],
        "job_id": [f"{namespace}/{name}-{tail}" for namespace, _, name, tail in owner],
        "parent_job_id": [f"{namespace}/{kind}/{name}" for namespace, kind, name, _ in owner],
        "job_name": [name for _, _, name, _ in owner],
        "partition": [namespace for namespace, *_ in owner],
        "account": [namespace for namespace, *_ in owner],
        "n_gpu": np.where(rows["n_gpu"] > 0, draw.choice(_SHARES, n_runs), 0.0),
        "n_cpus": draw.choice((0.05, 0.5, 1.0, 7.25), n_runs),
        "time_limit_s": np.nan,
    }
    for name, values in told.items():
        rows[name] = rows[name].astype(object).where(~is_pod, pd.Series(values, index=rows.index))
    users = rows["user"].astype(object)
    rows["user"] = users.where(~is_pod | (which != 2), None).where(~is_platform, PLATFORM)
    rows["account"] = rows["account"].where(~is_platform, PLATFORM)
    rows["quality_flags"] = np.where(is_platform, int(QualityFlag.PLATFORM), rows["quality_flags"])
    for column in BOOK:
        rows[column.name] = rows[column.name].astype(column.dtype)
    rows["core_s"], rows["gpu_s"] = (rows["elapsed_s"] * rows[n] for n in ("n_cpus", "n_gpu"))
    return rows
