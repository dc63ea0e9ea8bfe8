"""Cores that were held far above the CPU time used."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.energy.calibrated import cpu_time_is_known
from auditor.recommend.interface import (
    AdviceSettings,
    FloatArray,
    component_ratio,
    idle_ratio,
    whole_elapsed_s,
)
from auditor.recommend.language import (
    KUBERNETES,
    SLURM,
    how_to,
    resources_command,
    scheduler_of,
)
from auditor.recommend.right_size import Held, RightSize, right_size
from auditor.units import carbon_text

# Pods request thousandths of a core: sizes are told in tenths.
_POD_UNIT = 0.1


def low_use_cpu(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise, for one job, as many cores as the CPU time of its busiest run fills.

    The saving is the idle draw of the cores that would not have been held. Runs without recorded
    CPU time are left out.
    """
    unit = _POD_UNIT if scheduler_of(rows) == KUBERNETES else 1.0
    found = right_size(_held(rows[(rows["n_cpus"] > unit) & (rows["core_s"] > 0)], settings, unit))
    if found is None or not found.saving_of_all.is_worth_saying(settings):
        return None
    count = round(found.n_needed * unit, 1)
    whole_core_s = found.over["n_cpus"] * whole_elapsed_s(found.over)
    return found.recommendation(
        "low_use_cpu",
        f"Asking for {'1 core' if count == 1 else f'{count:,g} cores'} for {found.whose}, as many "
        f"as the work of {found.its_runs} fills to {settings.target_cpu_efficiency_ratio:.0%}, "
        f"saves {carbon_text(found.saving.central_g)}." + _how(found),
        _command(found),
        {
            "core_s": float(found.over["core_s"].sum()),
            "mean_efficiency_ratio": float(found.over["total_cpu_s"].sum() / whole_core_s.sum()),
            "largest_n_cpus": float(found.over["n_cpus"].max()),
            "needed_n_cpus": int(count) if count.is_integer() else count,
        },
    )


def _how(found: RightSize) -> str:
    return f" {how_to(found.owner)}" if found.scheduler == KUBERNETES else ""


def _command(found: RightSize) -> str:
    if found.scheduler == KUBERNETES:
        return resources_command(found.owner, {"cpu": f"{found.n_needed * 100}m"})
    if found.scheduler != SLURM:
        return ""
    is_on_one_node = bool((found.rows["n_nodes"].fillna(1.0) <= 1).all())
    return f"#SBATCH {'--cpus-per-task' if is_on_one_node else '--ntasks'}={found.n_needed}"


def _held(rows: pd.DataFrame, settings: AdviceSettings, unit: float) -> Held:
    elapsed_s, n_cpus = whole_elapsed_s(rows), rows["n_cpus"].to_numpy()
    total_cpu_s = rows["total_cpu_s"].to_numpy()
    efficiency = total_cpu_s / (n_cpus * elapsed_s)
    efficiency = np.where(cpu_time_is_known(total_cpu_s, elapsed_s), efficiency, np.nan)
    n_held = n_cpus / unit
    n_needed = np.ceil(n_held * efficiency / settings.target_cpu_efficiency_ratio)
    n_needed = np.clip(n_needed, 1, n_held)
    idle_share = idle_ratio(
        rows["cpu_idle_w_per_core"].to_numpy(), rows["cpu_max_w_per_core"].to_numpy(), efficiency
    )
    of_energy = component_ratio(rows, "cpu")

    def saved_ratio(count: FloatArray) -> FloatArray:
        ratio: FloatArray = (1 - count / n_held) * idle_share * of_energy
        return ratio

    is_low = efficiency < settings.low_cpu_efficiency_ratio
    return Held(rows, n_held, n_needed, is_low, saved_ratio)
