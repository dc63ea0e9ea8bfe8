"""What GreenAlgorithms4HPC computes from the same accounting."""

import numpy as np

from auditor.energy.interface import (
    Components,
    EnergyBasis,
    Part,
    Runs,
    chosen,
    everywhere,
    nothing,
    part,
)
from auditor.energy.model import CENTRAL, HIGH, LOW, EnergyModel
from auditor.units import S_PER_HOUR


def components(runs: Runs, model: EnergyModel) -> Components:
    """Apply the Green Algorithms formula to each run.

    E = CPU time x W per core + n_gpu x P_max x t + GB x W/GB x t, before PUE. CPU time of zero or
    unknown is n_cpus x t, that is full load; accelerators run at their maximum; memory is what was
    requested, with 1000 M = 1 G. The band holds what the hardware and the memory constant leave
    open; the formula itself has none.

    References
    ----------
    Lannelongue, Grealey, Inouye, "Green Algorithms: Quantifying the Carbon Footprint of
    Computation", Advanced Science 8, 2100707, 2021.
    """
    return Components(
        gpu=_gpu(runs),
        cpu=_cpu(runs),
        memory=_memory(runs, model),
        node=nothing(len(runs.hours)),
        gpu_measured_wh=np.zeros(len(runs.hours)),
    )


def _gpu(runs: Runs) -> Part:
    device_h = runs.n_gpu * runs.hours
    low, central, high = (max_w * device_h for max_w in runs.gpu_max_bounds_w)
    return part(low, central, high, everywhere(len(device_h), EnergyBasis.ASSUMED))


def _cpu(runs: Runs) -> Part:
    has_time = runs.total_cpu_s > 0
    core_h = np.where(has_time, runs.total_cpu_s / S_PER_HOUR, runs.n_cpus * runs.hours)
    low, central, high = (max_w * core_h for max_w in runs.cpu_max_bounds_w_per_core)
    return part(low, central, high, chosen(has_time, EnergyBasis.UTILISATION, EnergyBasis.ASSUMED))


def _memory(runs: Runs, model: EnergyModel) -> Part:
    gb_h = runs.requested_memory_decimal_gb * runs.hours
    w_per_gb = model.memory_w_per_gb
    return part(
        gb_h * w_per_gb[LOW],
        gb_h * w_per_gb[CENTRAL],
        gb_h * w_per_gb[HIGH],
        everywhere(len(gb_h), EnergyBasis.MODELLED),
    )
