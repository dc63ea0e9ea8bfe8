"""What a power model takes and what it gives: plain arrays of one block of runs."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.units import S_PER_HOUR

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
BasisArray = NDArray[np.int8]


class EnergyBasis(IntEnum):
    """What the energy of one component rests on; the value is its category code in a frame."""

    NOTHING = 0
    MEASURED = 1
    UTILISATION = 2
    MODELLED = 3
    ASSUMED = 4


BASIS_NAMES = ("", "measured", "utilisation", "modelled", "assumed")


@dataclass(frozen=True)
class Runs:
    """The columns of runs and their hardware that a power model reads, each of shape (n,).

    Names and units are those of `domain.frames`; `hours` is elapsed time [h]. The triples of a
    power hold (low, central, high) [W].
    """

    hours: FloatArray
    n_gpu: FloatArray
    gpu_utilisation_ratio: FloatArray
    gpu_energy_j: FloatArray
    gpu_metered_ratio: FloatArray
    gpu_observed_ratio: FloatArray
    gpu_max_low_w: FloatArray
    gpu_max_w: FloatArray
    gpu_max_high_w: FloatArray
    gpu_idle_low_w: FloatArray
    gpu_idle_w: FloatArray
    gpu_idle_high_w: FloatArray
    gpu_known: BoolArray
    n_cpus: FloatArray
    total_cpu_s: FloatArray
    cpu_max_low_w_per_core: FloatArray
    cpu_max_w_per_core: FloatArray
    cpu_max_high_w_per_core: FloatArray
    cpu_idle_w_per_core: FloatArray
    memory_bytes: FloatArray
    requested_memory_decimal_gb: FloatArray
    node_base_w: FloatArray

    @property
    def gpu_max_bounds_w(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Maximum draw of one accelerator (low, central, high) [W]."""
        return (self.gpu_max_low_w, self.gpu_max_w, self.gpu_max_high_w)

    @property
    def gpu_idle_bounds_w(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Idle draw of one accelerator (low, central, high) [W]."""
        return (self.gpu_idle_low_w, self.gpu_idle_w, self.gpu_idle_high_w)

    @property
    def cpu_max_bounds_w_per_core(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Draw of one core at full load (low, central, high) [W]."""
        return (self.cpu_max_low_w_per_core, self.cpu_max_w_per_core, self.cpu_max_high_w_per_core)

    def block(self, first: int, last: int) -> "Runs":
        """Return views of the runs [first, last)."""
        return Runs(**{f.name: getattr(self, f.name)[first:last] for f in fields(self)})


def runs_of(jobs: pd.DataFrame, hardware: pd.DataFrame) -> Runs:
    """Take the arrays out of a JOBS frame and its HARDWARE frame, row by row the same runs."""
    columns = {
        f.name: (jobs if f.name in jobs.columns else hardware)[f.name].to_numpy()
        for f in fields(Runs)
        if f.name != "hours"
    }
    return Runs(hours=jobs["elapsed_s"].to_numpy() / S_PER_HOUR, **columns)


@dataclass(frozen=True)
class Part:
    """IT energy of one component of each run: bounds and basis, each of shape (n,) [Wh]."""

    low_wh: FloatArray
    central_wh: FloatArray
    high_wh: FloatArray
    basis: BasisArray


@dataclass(frozen=True)
class Components:
    """IT energy of each run, by component, and what of its accelerators' meters said [Wh]."""

    gpu: Part
    cpu: Part
    memory: Part
    node: Part
    gpu_measured_wh: FloatArray


def part(
    low_wh: FloatArray, central_wh: FloatArray, high_wh: FloatArray, basis: BasisArray
) -> Part:
    """Close one component: unknown or nothing is 0 Wh on no basis, and the band is in order.

    A missing bound takes the central value.
    """
    something = central_wh > 0
    central_wh = np.where(something, central_wh, 0.0)
    return Part(
        low_wh=np.where(something, np.fmin(low_wh, central_wh), 0.0),
        central_wh=central_wh,
        high_wh=np.where(something, np.fmax(high_wh, central_wh), 0.0),
        basis=np.where(something, basis, np.int8(EnergyBasis.NOTHING)).astype(np.int8, copy=False),
    )


def nothing(n_runs: int) -> Part:
    """Return a component that a method does not count."""
    zero_wh = np.zeros(n_runs)
    return Part(zero_wh, zero_wh, zero_wh, np.zeros(n_runs, dtype=np.int8))


def chosen(condition: BoolArray, yes: EnergyBasis, no: EnergyBasis) -> BasisArray:
    """Return the basis of each run by one condition."""
    return np.where(condition, np.int8(yes), np.int8(no)).astype(np.int8, copy=False)


def everywhere(n_runs: int, basis: EnergyBasis) -> BasisArray:
    """Return the same basis for every run."""
    return np.full(n_runs, basis, dtype=np.int8)
