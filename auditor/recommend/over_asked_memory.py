"""Memory that was asked for and never touched."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import AdviceSettings, FloatArray, component_ratio
from auditor.recommend.language import (
    KUBERNETES,
    SLURM,
    how_to,
    quantity_of_mib,
    resources_command,
    scheduler_of,
)
from auditor.recommend.right_size import Held, RightSize, right_size
from auditor.units import BYTES_PER_GIB, carbon_text

_BYTES_PER_MIB = 2.0**20
_POD_UNIT_MIB = 128


def over_asked_memory(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise, for one job, the highest peak of its runs plus a headroom.

    It is in whole GiB a node for Slurm, and in steps of 128 MiB for a pod.

    The saving is the draw of the memory that would not have been held. It is small beside
    processors and accelerators; what it frees for others is worth more, and the text says so.
    """
    is_pods = scheduler_of(rows) == KUBERNETES
    unit_bytes = _POD_UNIT_MIB * _BYTES_PER_MIB if is_pods else BYTES_PER_GIB
    found = right_size(_held(rows, settings, unit_bytes))
    if found is None or not found.saving_of_all.is_worth_saying(settings):
        return None
    return found.recommendation(
        "over_asked_memory",
        f"Asking for {_amount(found)} for {found.whose}, the peak of "
        f"{found.its_runs} plus {settings.memory_headroom_ratio:.0%}, saves "
        f"{carbon_text(found.saving.central_g)} and frees memory that other jobs wait for."
        + (f" {how_to(found.owner)}" if is_pods else ""),
        _command(found),
        {
            "largest_memory_bytes": float(found.over["memory_bytes"].max()),
            "largest_max_rss_bytes": float(found.rows["max_rss_bytes"].max()),
            "needed_gib_per_node": _whole(found.n_needed * unit_bytes / BYTES_PER_GIB),
            "memory_ratio_of_energy": _memory_ratio(found.over),
        },
    )


def _amount(found: RightSize) -> str:
    if found.scheduler == KUBERNETES:
        return quantity_of_mib(found.n_needed * _POD_UNIT_MIB)[0]
    return f"{found.n_needed:,} GiB a node"


def _command(found: RightSize) -> str:
    if found.scheduler == KUBERNETES:
        quantity = quantity_of_mib(found.n_needed * _POD_UNIT_MIB)[1]
        return resources_command(found.owner, {"memory": quantity})
    return f"#SBATCH --mem={found.n_needed}G" if found.scheduler == SLURM else ""


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def _held(rows: pd.DataFrame, settings: AdviceSettings, unit_bytes: float) -> Held:
    rows = rows[(rows["memory_bytes"] > 0) & (rows["elapsed_s"] > 0)]
    n_nodes = np.fmax(rows["n_nodes"].to_numpy(), 1.0)
    memory_bytes, peak_bytes = rows["memory_bytes"].to_numpy(), rows["max_rss_bytes"].to_numpy()
    peak_bytes = np.where(peak_bytes > 0, peak_bytes, np.nan)
    # A run that was killed for its memory needs more than it held.
    is_short = rows["state"].eq("OUT_OF_MEMORY").to_numpy()
    peak_bytes = np.where(is_short, np.fmax(peak_bytes, memory_bytes), peak_bytes)
    wanted_bytes = peak_bytes * (1 + settings.memory_headroom_ratio)
    n_needed = np.ceil(wanted_bytes / n_nodes / unit_bytes)
    n_held = memory_bytes / n_nodes / unit_bytes
    of_energy = component_ratio(rows, "memory")

    def saved_ratio(count: FloatArray) -> FloatArray:
        ratio: FloatArray = (1 - count / n_held) * of_energy
        return ratio

    return Held(rows, n_held, n_needed, n_needed < n_held, saved_ratio)


def _memory_ratio(rows: pd.DataFrame) -> float:
    it_energy_wh = float(rows["it_energy_wh"].sum())
    return float(rows["memory_wh"].sum()) / it_energy_wh if it_energy_wh > 0 else 0.0
