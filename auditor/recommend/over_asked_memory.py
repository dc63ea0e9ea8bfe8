"""Memory that was asked for and never touched."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import AdviceSettings, FloatArray, component_ratio
from auditor.recommend.right_size import Held, right_size
from auditor.units import BYTES_PER_GIB, carbon_text


def over_asked_memory(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise, for one job, the highest peak of its runs plus a headroom, in whole GiB a node.

    The saving is the draw of the memory that would not have been held. It is small beside
    processors and accelerators; what it frees for others is worth more, and the text says so.
    """
    found = right_size(_held(rows, settings))
    if found is None or not found.saving_of_all.is_worth_saying(settings):
        return None
    return found.recommendation(
        "over_asked_memory",
        f"Asking for {found.n_needed:,} GiB a node for {found.whose}, the peak of "
        f"{found.its_runs} plus {settings.memory_headroom_ratio:.0%}, saves "
        f"{carbon_text(found.saving.central_g)} and frees memory that other jobs wait for.",
        f"#SBATCH --mem={found.n_needed}G",
        {
            "largest_memory_bytes": float(found.over["memory_bytes"].max()),
            "largest_max_rss_bytes": float(found.rows["max_rss_bytes"].max()),
            "needed_gib_per_node": found.n_needed,
            "memory_ratio_of_energy": _memory_ratio(found.over),
        },
    )


def _held(rows: pd.DataFrame, settings: AdviceSettings) -> Held:
    rows = rows[(rows["memory_bytes"] > 0) & (rows["elapsed_s"] > 0)]
    n_nodes = np.fmax(rows["n_nodes"].to_numpy(), 1.0)
    memory_bytes, peak_bytes = rows["memory_bytes"].to_numpy(), rows["max_rss_bytes"].to_numpy()
    peak_bytes = np.where(peak_bytes > 0, peak_bytes, np.nan)
    # A run that was killed for its memory needs more than it held.
    is_short = rows["state"].eq("OUT_OF_MEMORY").to_numpy()
    peak_bytes = np.where(is_short, np.fmax(peak_bytes, memory_bytes), peak_bytes)
    wanted_bytes = peak_bytes * (1 + settings.memory_headroom_ratio)
    gib_needed = np.ceil(wanted_bytes / n_nodes / BYTES_PER_GIB)
    gib_held = memory_bytes / n_nodes / BYTES_PER_GIB
    of_energy = component_ratio(rows, "memory")

    def saved_ratio(gib: FloatArray) -> FloatArray:
        ratio: FloatArray = (1 - gib / gib_held) * of_energy
        return ratio

    return Held(rows, gib_held, gib_needed, gib_needed < gib_held, saved_ratio)


def _memory_ratio(rows: pd.DataFrame) -> float:
    it_energy_wh = float(rows["it_energy_wh"].sum())
    return float(rows["memory_wh"].sum()) / it_energy_wh if it_energy_wh > 0 else 0.0
