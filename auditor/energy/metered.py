"""What meters said of accelerators, and whether it can be.

A meter replaces only what it measured: `gpu_metered_ratio` of a run's accelerator time. The rest
is modelled. A reading that no such accelerator can give is refused, and the model takes over.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from auditor.energy.interface import BoolArray, FloatArray, Runs
from auditor.units import S_PER_HOUR

# Above this times the greatest draw of the model nothing can be its energy, with room for a power
# limit that a site raised and for a figure of the catalogue that is low.
MOST_OF_MAX_RATIO = 1.2
# A held accelerator draws its idle power at least; below a quarter of it a sensor said nothing.
LEAST_OF_IDLE_RATIO = 0.25
# A shorter reading is a few samples, each of which stands for a whole interval between scrapes.
JUDGED_AFTER_H = 1.0


class Verdict(IntEnum):
    """What became of a reading."""

    NOT_METERED = 0
    BELIEVED = 1
    TOO_HIGH = 2
    TOO_LOW = 3
    UNUSABLE = 4


@dataclass(frozen=True)
class Reading:
    """What meters said of runs and what their accelerators can draw, arrays of shape (n,).

    `most_w` and `least_w` are the upper bound of the maximum and the lower bound of the idle draw
    of one accelerator [W]; `hours` is the time each run ran [h].
    """

    energy_j: FloatArray
    covered_ratio: FloatArray
    n_gpu: FloatArray
    hours: FloatArray
    most_w: FloatArray
    least_w: FloatArray

    @property
    def energy_wh(self) -> FloatArray:
        """What the meters said, believed or not [Wh]."""
        return self.energy_j / S_PER_HOUR

    @property
    def metered_h(self) -> FloatArray:
        """Time that was metered [h]."""
        return np.clip(self.covered_ratio, 0.0, 1.0) * self.hours

    @property
    def power_w(self) -> FloatArray:
        """Mean power of one accelerator while it was metered [W]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            power_w: FloatArray = self.energy_wh / (self.n_gpu * self.metered_h)
        return power_w


def reading_of(runs: Runs) -> Reading:
    """Take what meters said out of runs; a missing bound of the hardware is its central figure."""
    return Reading(
        energy_j=runs.gpu_energy_j,
        covered_ratio=runs.gpu_metered_ratio,
        n_gpu=runs.n_gpu,
        hours=runs.hours,
        most_w=np.fmax(runs.gpu_max_high_w, runs.gpu_max_w),
        least_w=np.fmin(runs.gpu_idle_low_w, runs.gpu_idle_w),
    )


def verdicts(reading: Reading) -> NDArray[np.int8]:
    """Judge each reading: a `Verdict` for each run, (n,).

    Too high is more than `MOST_OF_MAX_RATIO` of the greatest draw of as many whole accelerators as
    the run holds a part of (who is alone on a shared one bears all of it), over the time metered
    but an hour at least. Too low is less than `LEAST_OF_IDLE_RATIO` of the idle draw, over more
    than an hour. A reading that is no positive number, or of no accelerator time, is unusable.
    """
    energy_wh, metered_h = reading.energy_wh, reading.metered_h
    found = np.full(len(energy_wh), Verdict.BELIEVED, dtype=np.int8)
    most_wh = MOST_OF_MAX_RATIO * reading.most_w * np.ceil(reading.n_gpu)
    found[energy_wh > most_wh * np.maximum(metered_h, JUDGED_AFTER_H)] = Verdict.TOO_HIGH
    least_wh = LEAST_OF_IDLE_RATIO * reading.least_w * reading.n_gpu * metered_h
    found[(metered_h > JUDGED_AFTER_H) & (energy_wh < least_wh)] = Verdict.TOO_LOW
    found[~_is_usable(reading)] = Verdict.UNUSABLE
    found[_is_absent(reading)] = Verdict.NOT_METERED
    return found


def _is_usable(reading: Reading) -> BoolArray:
    energy_j, covered = reading.energy_j, reading.covered_ratio
    usable: BoolArray = (
        np.isfinite(energy_j)
        & (energy_j > 0)
        & np.isfinite(covered)
        & (reading.n_gpu * reading.metered_h > 0)
    )
    return usable


def _is_absent(reading: Reading) -> BoolArray:
    """Tell where nobody metered: no figure at all, or none of no time."""
    no_energy = np.isnan(reading.energy_j) | (reading.energy_j == 0)
    no_time = np.isnan(reading.covered_ratio) | (reading.covered_ratio == 0)
    absent: BoolArray = no_energy & no_time
    return absent
