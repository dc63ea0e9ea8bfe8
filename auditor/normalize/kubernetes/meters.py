"""What meters said of pods, put into their runs."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import JOBS, check
from auditor.domain.job import QualityFlag
from auditor.normalize.rank import rank_views

# Mean CPU use of a part of a run speaks for all of it from this part on.
_LEAST_CPU_RATIO = 0.5
# Meters and times are read at different moments: a pod that uses all it asked for seems to use
# a little more.
_SLACK = 1.01
_METERED = (
    "n_cpus", "n_gpu", "memory_bytes", "total_cpu_s", "max_rss_bytes", "gpu_energy_j",
    "gpu_metered_ratio", "gpu_utilisation_ratio", "gpu_observed_ratio", "quality_flags",
)  # fmt: skip


def with_meters(jobs: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Return runs with what meters said of them, ranked anew.

    Parameters
    ----------
    jobs
        A frame of JOBS, with what the pods asked for.
    totals
        Sums over all slots, one row for each uid (see `ledger.meter_table`). Runs of pods that it
        does not name stay as they are.

    Returns
    -------
    The same rows. `gpu_metered_ratio` is metered accelerator time over `n_gpu` x elapsed; a pod
    that asked for no accelerator and was seen to hold some held them while they were metered.
    `gpu_utilisation_ratio` is the mean of the time seen, `gpu_observed_ratio` that time's share.
    Mean CPU use of at least half the run is taken for all of it. A pod that used more cores or
    memory than it asked for (often: it asked for none) held what it used: cores on average, memory
    at its peak.
    """
    jobs = check(jobs, JOBS).reset_index(drop=True)
    place = pd.Index(totals["uid"]).get_indexer(pd.Index(jobs["raw_job_id"]))
    is_met = place >= 0
    elapsed_s = jobs["elapsed_s"].to_numpy(dtype=np.float64)
    is_met &= elapsed_s > 0
    if not is_met.any():
        return jobs
    sums = totals.iloc[place[is_met]].reset_index(drop=True)
    metered = jobs[is_met].reset_index(drop=True)
    metered = _with_use(_with_accelerators(metered, sums), sums)
    for name in _METERED:
        cells = jobs[name].to_numpy(copy=True)
        cells[is_met] = metered[name].to_numpy()
        jobs[name] = cells
    types = jobs["gpu_types"].astype("object")
    types[is_met] = metered["gpu_types"].astype("object").to_numpy()
    jobs["gpu_types"] = types.astype("str").astype("category")
    jobs["rank"] = rank_views(jobs)
    return jobs


def _with_accelerators(jobs: pd.DataFrame, sums: pd.DataFrame) -> pd.DataFrame:
    metered_s = sums["gpu_metered_s"].to_numpy()
    observed_s = sums["gpu_observed_s"].to_numpy()
    elapsed_s = jobs["elapsed_s"].to_numpy(dtype=np.float64)
    asked = jobs["n_gpu"].fillna(0.0).to_numpy()
    is_unasked = (asked == 0) & (metered_s > 0)
    n_gpu = np.where(is_unasked, np.round(metered_s / elapsed_s, 3), jobs["n_gpu"].to_numpy())
    is_observed = observed_s > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(is_unasked, 1.0, np.minimum(metered_s / (n_gpu * elapsed_s), 1.0))
        observed = np.minimum(observed_s / (n_gpu * elapsed_s), 1.0)
        busy = np.clip(sums["gpu_busy_s"].to_numpy() / observed_s, 0.0, 1.0)
    flags = jobs["quality_flags"].to_numpy()
    types = jobs["gpu_types"].astype("object").to_numpy(copy=True)
    types[is_unasked] = [f"={count:g}" for count in n_gpu[is_unasked]]
    is_metered = metered_s > 0
    return jobs.assign(
        n_gpu=n_gpu,
        gpu_types=pd.Categorical(types),
        quality_flags=np.where(is_unasked, flags | int(QualityFlag.GPU_TYPE_UNKNOWN), flags),
        gpu_energy_j=np.where(is_metered, sums["gpu_energy_j"].to_numpy(), np.nan),
        gpu_metered_ratio=np.where(is_metered, ratio, np.nan),
        gpu_utilisation_ratio=np.where(is_observed, busy, np.nan),
        gpu_observed_ratio=np.where(is_observed, observed, np.nan),
    )


def _with_use(jobs: pd.DataFrame, sums: pd.DataFrame) -> pd.DataFrame:
    elapsed_s = jobs["elapsed_s"].to_numpy(dtype=np.float64)
    metered_s = sums["cpu_metered_s"].to_numpy()
    is_enough = metered_s >= _LEAST_CPU_RATIO * elapsed_s
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.maximum(elapsed_s / metered_s, 1.0)
        total_cpu_s = np.where(is_enough, sums["cpu_s"].to_numpy() * rest, np.nan)
    n_used = total_cpu_s / elapsed_s
    peak_bytes = sums["max_memory_bytes"].to_numpy()
    return jobs.assign(
        total_cpu_s=total_cpu_s,
        max_rss_bytes=peak_bytes,
        n_cpus=_lifted(jobs["n_cpus"].to_numpy(), n_used),
        memory_bytes=_lifted(jobs["memory_bytes"].to_numpy(), peak_bytes),
    )


def _lifted(asked: NDArray[np.float64], used: NDArray[np.float64]) -> NDArray[np.float64]:
    is_more = used > np.nan_to_num(asked) * _SLACK
    lifted: NDArray[np.float64] = np.where(is_more, used, asked)
    return lifted
