"""Memory that was asked for and never touched."""

import numpy as np
import pandas as pd

from auditor.domain.recommendation import Recommendation
from auditor.recommend.interface import AdviceSettings, Oversized, component_ratio, runs, saving
from auditor.units import BYTES_PER_GIB, carbon_text


def over_asked_memory(rows: pd.DataFrame, settings: AdviceSettings) -> Recommendation | None:
    """Advise the peak plus a headroom, rounded up to whole GiB on each node.

    The saving is the draw of the memory that would not have been held. It is small beside
    processors and accelerators, and the text says so; what it frees for others is worth more.
    """
    found = _find(rows, settings)
    spared = saving(found.rows, found.saved_ratio)
    if not spared.is_worth_saying(settings):
        return None
    worst = found.rows.iloc[found.largest]
    it_energy_wh = found.rows["it_energy_wh"].sum()
    return Recommendation(
        rule="over_asked_memory",
        text=f"{runs(len(found.rows))} asked for more memory than the peak plus "
        f"{settings.memory_headroom_ratio:.0%}; asking for less saves only "
        f"{carbon_text(spared.central_g)}. It also frees memory that other jobs wait for.",
        command=f"#SBATCH --mem={int(found.n_needed[found.largest])}G",
        saving_g=spared.central_g,
        saving_low_g=spared.low_g,
        saving_high_g=spared.high_g,
        saving_wh=spared.energy_wh,
        evidence={
            "n_runs": len(found.rows),
            "mean_needed_ratio": float(found.use.mean()),
            "largest_job_id": str(worst["job_id"]),
            "largest_memory_bytes": float(worst["memory_bytes"]),
            "largest_max_rss_bytes": float(worst["max_rss_bytes"]),
            "memory_ratio_of_energy": float(found.rows["memory_wh"].sum() / it_energy_wh),
        },
    )


def _find(rows: pd.DataFrame, settings: AdviceSettings) -> Oversized:
    is_known = (rows["max_rss_bytes"] > 0) & (rows["memory_bytes"] > 0) & (rows["elapsed_s"] > 0)
    known = rows[is_known]
    n_nodes = np.fmax(known["n_nodes"].to_numpy(), 1.0)
    wanted = known["max_rss_bytes"].to_numpy() * (1 + settings.memory_headroom_ratio)
    gib_per_node = np.ceil(wanted / n_nodes / BYTES_PER_GIB)
    needed_ratio = gib_per_node * n_nodes * BYTES_PER_GIB / known["memory_bytes"].to_numpy()
    is_over = needed_ratio < 1
    over, needed_ratio = known[is_over], needed_ratio[is_over]
    saved_ratio = (1 - needed_ratio) * component_ratio(over, "memory")
    return Oversized(over, gib_per_node[is_over], needed_ratio, saved_ratio)
