"""What a rule is, what it may be told, and how its saving is summed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.recommendation import Recommendation

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class AdviceSettings:
    """Where advice begins. Shares are 0..1.

    Parameters
    ----------
    least_saving_g
        A rule that would save less stays silent [gCO2e].
    least_saving_ratio
        The same, as a share of the carbon of all rows.
    idle_gpu_utilisation_ratio
        Accelerators used less than this count as idle.
    unused_gpu_utilisation_ratio
        Accelerators used less than this did nothing: the work was the processor's.
    target_gpu_utilisation_ratio
        How full fewer accelerators would be.
    low_cpu_efficiency_ratio
        CPU time over cores x time below which cores were held for nothing.
    target_cpu_efficiency_ratio
        How full fewer cores would be.
    memory_headroom_ratio
        What to ask for above the peak.
    checkpoint_notice_s
        Warning before the time limit in which a checkpoint can be written [s].
    test_limit_s
        Time limit of a first short test [s].
    """

    least_saving_g: float = 10.0
    least_saving_ratio: float = 0.01
    idle_gpu_utilisation_ratio: float = 0.15
    unused_gpu_utilisation_ratio: float = 0.01
    target_gpu_utilisation_ratio: float = 0.8
    low_cpu_efficiency_ratio: float = 0.5
    target_cpu_efficiency_ratio: float = 0.8
    memory_headroom_ratio: float = 0.2
    checkpoint_notice_s: int = 300
    test_limit_s: int = 600


# Rows of one scheduler go in: advice is in its language.
Rule = Callable[[pd.DataFrame, AdviceSettings], Recommendation | None]


@dataclass(frozen=True)
class Saving:
    """What the rows would not have drawn and emitted, at the wall."""

    central_g: float
    low_g: float
    high_g: float
    energy_wh: float

    def is_worth_saying(self, settings: AdviceSettings) -> bool:
        """Tell whether the saving reaches the least one that is mentioned."""
        return self.central_g > 0 and self.central_g >= settings.least_saving_g


def saving(rows: pd.DataFrame, saved_ratio: FloatArray) -> Saving:
    """Sum a share of the energy and carbon of each row.

    Parameters
    ----------
    rows
        Slices of runs: BOOK columns cut to the period.
    saved_ratio
        Share of each row's energy at the wall that would not have been drawn, shape (n,), 0..1.
    """
    return Saving(
        central_g=float((rows["carbon_g"] * saved_ratio).sum()),
        low_g=float((rows["carbon_low_g"] * saved_ratio).sum()),
        high_g=float((rows["carbon_high_g"] * saved_ratio).sum()),
        energy_wh=float((rows["energy_wh"] * saved_ratio).sum()),
    )


def component_ratio(rows: pd.DataFrame, component: str) -> FloatArray:
    """Return the share of one component in each row's IT energy; 0 where there is none."""
    it_energy_wh = rows["it_energy_wh"].to_numpy()
    part_wh = rows[f"{component}_wh"].to_numpy()
    ratio: FloatArray = np.divide(
        part_wh, it_energy_wh, out=np.zeros(len(rows)), where=it_energy_wh > 0
    )
    return ratio


def whole_elapsed_s(rows: pd.DataFrame) -> FloatArray:
    """Return how long each run ran in all, beyond the period too [s].

    Counters such as CPU time are of the whole run, while `elapsed_s` of a slice is not.
    """
    span = rows["end_utc"] - rows["start_utc"]
    whole_s: FloatArray = (span.dt.total_seconds() * rows["active_ratio"]).to_numpy()
    return whole_s


def idle_ratio(idle_w: FloatArray, max_w: FloatArray, utilisation: FloatArray) -> FloatArray:
    """Return the share of the idle draw in what a device drew at some utilisation."""
    idle_w = np.minimum(idle_w, max_w)
    power_w = idle_w + (max_w - idle_w) * np.clip(utilisation, 0.0, 1.0)
    ratio: FloatArray = np.divide(idle_w, power_w, out=np.zeros(len(power_w)), where=power_w > 0)
    return ratio


def runs(count: int) -> str:
    """Write a number of runs."""
    return "1 run" if count == 1 else f"{count:,} runs"
