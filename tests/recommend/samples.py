"""Slices of runs for tests: one plain run, changed by what a case is about."""

import numpy as np
import pandas as pd

GIB = 2.0**30
START = pd.Timestamp("2026-11-16T08:00:00Z")

RUN = {
    "scheduler": "slurm",
    "job_id": "4711",
    "parent_job_id": None,
    "job_name": "train",
    "user": "alice",
    "partition": "main",
    "state": "COMPLETED",
    "is_open": False,
    "quality_flags": 0,
    "start_utc": START,
    "end_utc": START + pd.Timedelta(hours=10),
    "elapsed_s": 36_000.0,
    "active_ratio": 1.0,
    "time_limit_s": 86_400.0,
    "n_cpus": 10.0,
    "n_nodes": 1.0,
    "n_gpu": 0.0,
    "core_s": 360_000.0,
    "gpu_s": 0.0,
    "memory_bytes": 100 * GIB,
    "total_cpu_s": 360_000.0,
    "max_rss_bytes": np.nan,
    "gpu_types": "",
    "gpu_model": "",
    "gpu_utilisation_ratio": np.nan,
    "gpu_observed_ratio": np.nan,
    "gpu_max_w": 400.0,
    "gpu_idle_w": 60.0,
    "cpu_max_w_per_core": 5.0,
    "cpu_idle_w_per_core": 1.0,
    "gpu_wh": 0.0,
    "cpu_wh": 500.0,
    "memory_wh": 400.0,
    "node_wh": 100.0,
    "it_energy_wh": 1000.0,
    "energy_wh": 1500.0,
    "carbon_low_g": 100.0,
    "carbon_g": 150.0,
    "carbon_high_g": 300.0,
}


def slices(*changes: dict[str, object]) -> pd.DataFrame:
    """Return one row for each mapping of changed values."""
    rows = pd.DataFrame([RUN | change for change in changes])
    return rows.astype({"state": "category"})
