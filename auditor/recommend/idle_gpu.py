"""Accelerators that were held and hardly used."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import (
    AdviceSettings,
    FloatArray,
    component_ratio,
    idle_ratio,
)
from auditor.recommend.language import (
    KUBERNETES,
    SLURM,
    accelerator_resource,
    how_to,
    resources_command,
)
from auditor.recommend.right_size import Held, RightSize, right_size
from auditor.units import carbon_text

# Utilisation seen for less of a run is no ground for advice on all of it.
_LEAST_OBSERVED_RATIO = 0.5


def idle_gpu(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise, for one job, fewer accelerators, or none where its runs did nothing with them.

    The saving is the idle draw of the accelerators that would not have been held. Runs whose
    utilisation nobody reported, or saw for less than half of the time, are left out, and so are
    runs that need every one they hold.
    """
    held = _with_known_use(rows[(rows["n_gpu"] > 0) & (rows["gpu_s"] > 0)])
    found = right_size(_held(held, settings))
    if found is None or not found.saving_of_all.is_worth_saying(settings):
        return None
    count, over = found.n_needed, found.over
    return found.recommendation(
        "idle_gpu",
        f"{_sentence(found, settings)}, saves {carbon_text(found.saving.central_g)}." + _how(found),
        _command(found),
        {
            "gpu_s": float(over["gpu_s"].sum()),
            "mean_utilisation_ratio": float(
                np.average(over["gpu_utilisation_ratio"], weights=over["gpu_s"])
            ),
            "largest_n_gpu": float(over["n_gpu"].max()),
            "needed_n_gpu": count,
            "n_gpu_runs_without_utilisation": int(held["gpu_utilisation_ratio"].isna().sum()),
        },
    )


def _with_known_use(rows: pd.DataFrame) -> pd.DataFrame:
    """Forget a utilisation that says little of the whole run."""
    is_glimpse = rows["gpu_observed_ratio"] < _LEAST_OBSERVED_RATIO
    return rows.assign(gpu_utilisation_ratio=rows["gpu_utilisation_ratio"].mask(is_glimpse))


def _sentence(found: RightSize, settings: AdviceSettings) -> str:
    if found.n_needed == 0:
        return f"Asking for no accelerator for {found.whose}, as {found.its_runs} used none"
    count = "1 accelerator" if found.n_needed == 1 else f"{found.n_needed:,} accelerators"
    return (
        f"Asking for {count} for {found.whose}, as many as the work of {found.its_runs} fills to "
        f"{settings.target_gpu_utilisation_ratio:.0%}"
    )


def _how(found: RightSize) -> str:
    return f" {how_to(found.owner)}" if found.scheduler == KUBERNETES and _command(found) else ""


def _command(found: RightSize) -> str:
    count = found.n_needed
    if found.scheduler == KUBERNETES:
        first = found.over.iloc[0]
        if found.over["n_gpu"].mod(1).any():
            return ""  # a share of a card goes by a name that the site chose
        resource = accelerator_resource(str(first["gpu_model"]), str(first["gpu_types"]))
        amounts = {resource: str(count)}
        return resources_command(found.owner, amounts, is_limit=True) if resource else ""
    if found.scheduler != SLURM:
        return ""
    return f"sbatch --gpus={count} job.sh" if count else "sbatch --gres=none job.sh"


def _held(rows: pd.DataFrame, settings: AdviceSettings) -> Held:
    utilisation, n_gpu = rows["gpu_utilisation_ratio"].to_numpy(), rows["n_gpu"].to_numpy()
    n_needed = np.ceil(n_gpu * utilisation / settings.target_gpu_utilisation_ratio)
    n_needed = np.where(utilisation < settings.unused_gpu_utilisation_ratio, 0.0, n_needed)
    n_needed = np.minimum(n_needed, n_gpu)
    idle_share = idle_ratio(
        rows["gpu_idle_w"].to_numpy(), rows["gpu_max_w"].to_numpy(), utilisation
    )
    of_energy = component_ratio(rows, "gpu")

    def saved_ratio(count: FloatArray) -> FloatArray:
        return np.where(count == 0, 1.0, (1 - count / n_gpu) * idle_share) * of_energy

    is_idle = utilisation < settings.idle_gpu_utilisation_ratio
    return Held(rows, n_gpu, n_needed, is_idle, saved_ratio)
