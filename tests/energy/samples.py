"""Runs and hardware for tests: one plain run, changed by what a case is about."""

import numpy as np
import pandas as pd

HOUR_S = 3600
GIB = 2**30

RUN = {
    "cluster": "alpha",
    "elapsed_s": 10 * HOUR_S,
    "n_cpus": 16.0,
    "n_gpu": 2.0,
    "memory_bytes": 64.0 * GIB,
    "requested_memory_decimal_gb": 64.0,
    "total_cpu_s": 8 * 10.0 * HOUR_S,
    "gpu_utilisation_ratio": np.nan,
    "gpu_energy_j": np.nan,
    "gpu_metered_ratio": np.nan,
    "gpu_observed_ratio": np.nan,
}
HARDWARE = {
    "gpu_model": "NVIDIA A100-SXM4-80GB",
    "gpu_max_w": 400.0,
    "gpu_max_low_w": 400.0,
    "gpu_max_high_w": 400.0,
    "gpu_idle_w": 60.0,
    "gpu_idle_low_w": 55.0,
    "gpu_idle_high_w": 65.0,
    "gpu_known": True,
    "cpu_max_w_per_core": 4.4,
    "cpu_max_low_w_per_core": 3.3,
    "cpu_max_high_w_per_core": 5.5,
    "cpu_idle_w_per_core": 1.1,
    "node_base_w": np.nan,
    "hardware_rule": "nodes gpu[001-016] of the configuration",
}


def frames(*changes: dict[str, object]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return jobs and hardware with one row for each mapping of changed values."""
    jobs = pd.DataFrame([RUN | {k: v for k, v in c.items() if k in RUN} for c in changes])
    hardware = pd.DataFrame(
        [HARDWARE | {k: v for k, v in c.items() if k in HARDWARE} for c in changes]
    )
    jobs["cluster"] = jobs["cluster"].astype("category")
    jobs["elapsed_s"] = jobs["elapsed_s"].astype("int64")
    return jobs, hardware
