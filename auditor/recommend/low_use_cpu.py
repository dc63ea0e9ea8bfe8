"""Cores that were held far above the CPU time used."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.energy.calibrated import cpu_time_is_known
from auditor.recommend.interface import (
    AdviceSettings,
    Oversized,
    component_ratio,
    idle_ratio,
    runs,
    saving,
    whole_elapsed_s,
)
from auditor.units import carbon_text, hours_text


def low_use_cpu(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise as many cores as the CPU time fills.

    The saving is the idle draw of the cores that would not have been held. Runs without recorded
    CPU time are left out.
    """
    found = _find(rows[(rows["n_cpus"] > 1) & (rows["core_s"] > 0)], settings)
    spared = saving(found.rows, found.saved_ratio)
    if not spared.is_worth_saying(settings):
        return None
    worst = found.largest
    count = int(found.n_needed[worst])
    is_on_one_node = found.rows["n_nodes"].iloc[worst] <= 1
    core_s = float(found.rows["core_s"].sum())
    return Recommendation(
        rule="low_use_cpu",
        text=f"{runs(len(found.rows))} held cores for {hours_text(core_s)} and used less than "
        f"{settings.low_cpu_efficiency_ratio:.0%} of that time. "
        f"Asking for as many as the work fills saves {carbon_text(spared.central_g)}.",
        command=f"#SBATCH {'--cpus-per-task' if is_on_one_node else '--ntasks'}={count}",
        saving_g=spared.central_g,
        saving_low_g=spared.low_g,
        saving_high_g=spared.high_g,
        saving_wh=spared.energy_wh,
        evidence={
            "n_runs": len(found.rows),
            "core_s": core_s,
            "mean_efficiency_ratio": float(np.average(found.use, weights=found.rows["core_s"])),
            "largest_job_id": str(found.rows["job_id"].iloc[worst]),
            "largest_n_cpus": float(found.rows["n_cpus"].iloc[worst]),
            "largest_n_cpus_needed": count,
        },
    )


def _find(held: pd.DataFrame, settings: AdviceSettings) -> Oversized:
    elapsed_s = whole_elapsed_s(held)
    total_cpu_s = held["total_cpu_s"].to_numpy()
    efficiency = total_cpu_s / (held["n_cpus"].to_numpy() * elapsed_s)
    is_low = cpu_time_is_known(total_cpu_s, elapsed_s) & (
        efficiency < settings.low_cpu_efficiency_ratio
    )
    low, efficiency = held[is_low], efficiency[is_low]
    n_cpus = low["n_cpus"].to_numpy()
    n_needed = np.ceil(n_cpus * efficiency / settings.target_cpu_efficiency_ratio)
    n_needed = np.clip(n_needed, 1, n_cpus)
    idle_share = idle_ratio(
        low["cpu_idle_w_per_core"].to_numpy(), low["cpu_max_w_per_core"].to_numpy(), efficiency
    )
    saved_ratio = (1 - n_needed / n_cpus) * idle_share * component_ratio(low, "cpu")
    return Oversized(low, n_needed, efficiency, saved_ratio)
