"""Embodied carbon of the hardware a run held, where a site states factors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.units import S_PER_HOUR


@dataclass(frozen=True)
class EmbodiedFactors:
    """Embodied carbon of one resource for one hour [gCO2e/h]; None where the site states none.

    A factor is the carbon of making the hardware over its hours in service; a site that states it
    per node puts it on the resource that the node is bought for. ARCHER2, for example, divides
    7,320 t by 5,860 nodes and 6 years: 23 g per node-hour, 0.18 g for each of its 128 cores.
    """

    g_per_gpu_hour: float | None = None
    g_per_core_hour: float | None = None


NO_FACTORS = EmbodiedFactors()


def embodied_g(jobs: pd.DataFrame, factors: EmbodiedFactors) -> NDArray[np.float64]:
    """Return the embodied carbon of each run: factor x resource x time, suspension not counted.

    Parameters
    ----------
    jobs
        `n_gpu`, `n_cpus` and `elapsed_s` of (n,) runs.
    factors
        What the site states.

    Returns
    -------
    (n,) [gCO2e]; NaN where nothing that the run held has a factor.
    """
    hours = jobs["elapsed_s"].to_numpy(np.float64) / S_PER_HOUR
    total = np.full(len(jobs), np.nan)
    for column, factor in (("n_gpu", factors.g_per_gpu_hour), ("n_cpus", factors.g_per_core_hour)):
        if factor is None:
            continue
        held = jobs[column].to_numpy(np.float64)
        part = np.where(held > 0, held * hours * factor, np.nan)
        total = np.where(np.isnan(total), part, total + np.nan_to_num(part))
    return np.where(hours == 0, np.nan if factors == NO_FACTORS else 0.0, total)
