"""Accelerators that were held and hardly used."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import (
    AdviceSettings,
    Oversized,
    component_ratio,
    idle_ratio,
    runs,
    saving,
)
from auditor.units import carbon_text, hours_text


def idle_gpu(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise fewer accelerators, or none where they did nothing.

    The saving is the idle draw of the accelerators that would not have been held. Runs whose
    utilisation nobody reported are left out, and so are runs that need every one they hold.
    """
    held = rows[(rows["n_gpu"] > 0) & (rows["gpu_s"] > 0)]
    found = _find(held, settings)
    spared = saving(found.rows, found.saved_ratio)
    if not spared.is_worth_saying(settings):
        return None
    worst = found.largest
    count = int(found.n_needed[worst])
    gpu_s = float(found.rows["gpu_s"].sum())
    return Recommendation(
        rule="idle_gpu",
        text=f"{runs(len(found.rows))} held accelerators for {hours_text(gpu_s)} and used less "
        f"than {settings.idle_gpu_utilisation_ratio:.0%} of them. "
        f"Asking for as many as the work fills saves {carbon_text(spared.central_g)}.",
        command=f"sbatch --gpus={count} job.sh" if count else "sbatch --gres=none job.sh",
        saving_g=spared.central_g,
        saving_low_g=spared.low_g,
        saving_high_g=spared.high_g,
        saving_wh=spared.energy_wh,
        evidence={
            "n_runs": len(found.rows),
            "gpu_s": gpu_s,
            "mean_utilisation_ratio": float(np.average(found.use, weights=found.rows["gpu_s"])),
            "largest_job_id": str(found.rows["job_id"].iloc[worst]),
            "largest_n_gpu": float(found.rows["n_gpu"].iloc[worst]),
            "largest_n_gpu_needed": count,
            "n_gpu_runs_without_utilisation": int(held["gpu_utilisation_ratio"].isna().sum()),
        },
    )


def _find(held: pd.DataFrame, settings: AdviceSettings) -> Oversized:
    idle = held[held["gpu_utilisation_ratio"] < settings.idle_gpu_utilisation_ratio]
    utilisation = idle["gpu_utilisation_ratio"].to_numpy()
    n_gpu = idle["n_gpu"].to_numpy()
    n_needed = np.ceil(n_gpu * utilisation / settings.target_gpu_utilisation_ratio)
    n_needed = np.where(utilisation < settings.unused_gpu_utilisation_ratio, 0.0, n_needed)
    n_needed = np.minimum(n_needed, n_gpu)
    idle_share = idle_ratio(
        idle["gpu_idle_w"].to_numpy(), idle["gpu_max_w"].to_numpy(), utilisation
    )
    saved_of_gpu = np.where(n_needed == 0, 1.0, (1 - n_needed / n_gpu) * idle_share)
    return Oversized(idle, n_needed, utilisation, saved_of_gpu * component_ratio(idle, "gpu"))
