"""The best that is known of each component: what meters said, else between idle and maximum by use.

Metered energy replaces what the model says of the time that it covers (see `metered`).
"""

import numpy as np

from auditor.energy.interface import (
    BoolArray,
    Components,
    EnergyBasis,
    FloatArray,
    Part,
    Runs,
    chosen,
    everywhere,
    part,
)
from auditor.energy.metered import Verdict, reading_of, verdicts
from auditor.energy.model import CENTRAL, HIGH, LOW, EnergyModel
from auditor.energy.observed import is_mostly_seen, seen_ratio
from auditor.units import BYTES_PER_GIB, S_PER_HOUR

# Below a minute a run may really have used no CPU time that accounting can see.
CPU_TIME_EXPECTED_AFTER_S = 60.0


def components(runs: Runs, model: EnergyModel) -> Components:
    """Give each component of each run its energy [Wh] before PUE, with band and basis.

    A power is P_idle + (P_max - P_idle) x load. Low takes every low constant, high every high one,
    so that the errors of shared factors add up over runs and do not cancel.
    """
    gpu, gpu_measured_wh = _gpu(runs, model)
    cpu = _cpu(runs, model)
    memory = _memory(runs, model)
    return Components(
        gpu=gpu,
        cpu=cpu,
        memory=memory,
        node=_node(runs, model, (gpu, cpu, memory)),
        gpu_measured_wh=gpu_measured_wh,
    )


def cpu_time_is_known(total_cpu_s: FloatArray, elapsed_s: FloatArray) -> BoolArray:
    """Tell recorded CPU time from a zero that says that nothing was recorded.

    Slurm shows 0 for a run that is still open, and for one whose steps were never accounted.
    """
    known: BoolArray = (total_cpu_s > 0) | (
        (total_cpu_s == 0) & (elapsed_s <= CPU_TIME_EXPECTED_AFTER_S)
    )
    return known


def _gpu(runs: Runs, model: EnergyModel) -> tuple[Part, FloatArray]:
    """Return the accelerators' part, and what of its central value meters said [Wh]."""
    nothing_wh = np.zeros(len(runs.hours))
    if np.isnan(runs.gpu_energy_j).all():
        return _modelled_gpu(runs, model, covered_ratio=nothing_wh), nothing_wh
    reading = reading_of(runs)
    is_believed = verdicts(reading) == Verdict.BELIEVED
    metered_wh = np.where(is_believed, reading.energy_wh, 0.0)
    covered_ratio = np.where(is_believed, np.clip(reading.covered_ratio, 0.0, 1.0), 0.0)
    modelled = _modelled_gpu(runs, model, covered_ratio)
    rest_ratio = 1.0 - covered_ratio
    low_wh, central_wh, high_wh = (
        metered_wh * model.gpu_meter_ratio[bound] + rest_ratio * modelled_wh
        for bound, modelled_wh in enumerate(
            (modelled.low_wh, modelled.central_wh, modelled.high_wh)
        )
    )
    measured_wh = metered_wh * model.gpu_meter_ratio[CENTRAL]
    is_most = is_believed & (measured_wh >= central_wh - measured_wh)
    basis = np.where(is_most, np.int8(EnergyBasis.MEASURED), modelled.basis).astype(np.int8)
    return part(low_wh, central_wh, high_wh, basis), measured_wh


def _modelled_gpu(runs: Runs, model: EnergyModel, covered_ratio: FloatArray) -> Part:
    """Return what whole runs would draw with the load of the time that no meter covers."""
    seen = seen_ratio(runs.gpu_utilisation_ratio, runs.gpu_observed_ratio, covered_ratio)
    used = np.clip(np.nan_to_num(runs.gpu_utilisation_ratio), 0.0, 1.0)
    device_h = runs.n_gpu * runs.hours

    def power_w(bound: int, load: FloatArray) -> FloatArray:
        return _power_w(runs.gpu_idle_bounds_w[bound], runs.gpu_max_bounds_w[bound], load)

    bounds_wh = [
        device_h
        * power_w(
            bound,
            seen * (used * model.gpu_power_per_utilisation_ratio[bound])
            + (1.0 - seen) * model.gpu_load_ratio[bound],
        )
        for bound in (LOW, CENTRAL, HIGH)
    ]
    is_seen = is_mostly_seen(
        seen,
        power_w(CENTRAL, used * model.gpu_power_per_utilisation_ratio[CENTRAL]),
        power_w(CENTRAL, np.full_like(used, model.gpu_load_ratio[CENTRAL])),
    )
    basis = chosen(is_seen & runs.gpu_known, EnergyBasis.UTILISATION, EnergyBasis.ASSUMED)
    return part(bounds_wh[LOW], bounds_wh[CENTRAL], bounds_wh[HIGH], basis)


def _cpu(runs: Runs, model: EnergyModel) -> Part:
    core_h = runs.n_cpus * runs.hours
    is_known = cpu_time_is_known(runs.total_cpu_s, runs.hours * S_PER_HOUR)
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.minimum(runs.total_cpu_s / (core_h * S_PER_HOUR), 1.0)
    bounds_wh = [
        core_h
        * _power_w(
            runs.cpu_idle_w_per_core * model.cpu_idle_factor[bound],
            runs.cpu_max_bounds_w_per_core[bound],
            np.where(is_known, utilisation, model.cpu_load_ratio[bound]),
        )
        for bound in (LOW, CENTRAL, HIGH)
    ]
    basis = chosen(is_known, EnergyBasis.UTILISATION, EnergyBasis.ASSUMED)
    return part(bounds_wh[LOW], bounds_wh[CENTRAL], bounds_wh[HIGH], basis)


def _memory(runs: Runs, model: EnergyModel) -> Part:
    gb_h = runs.memory_bytes / BYTES_PER_GIB * runs.hours
    w_per_gb = model.memory_w_per_gb
    return part(
        gb_h * w_per_gb[LOW],
        gb_h * w_per_gb[CENTRAL],
        gb_h * w_per_gb[HIGH],
        everywhere(len(gb_h), EnergyBasis.MODELLED),
    )


def _node(runs: Runs, model: EnergyModel, parts: tuple[Part, Part, Part]) -> Part:
    is_stated = ~np.isnan(runs.node_base_w)
    stated_wh = runs.node_base_w * runs.hours
    gpu, cpu, memory = parts
    ratio = model.rest_of_node_ratio
    return part(
        np.where(is_stated, stated_wh, ratio[LOW] * (gpu.low_wh + cpu.low_wh + memory.low_wh)),
        np.where(
            is_stated,
            stated_wh,
            ratio[CENTRAL] * (gpu.central_wh + cpu.central_wh + memory.central_wh),
        ),
        np.where(is_stated, stated_wh, ratio[HIGH] * (gpu.high_wh + cpu.high_wh + memory.high_wh)),
        chosen(is_stated, EnergyBasis.MODELLED, EnergyBasis.ASSUMED),
    )


def _power_w(idle_w: FloatArray, max_w: FloatArray, load: FloatArray) -> FloatArray:
    """Draw between idle and maximum [W]; a maximum below idle is believed over the idle figure."""
    idle_w = np.minimum(idle_w, max_w)
    power_w: FloatArray = idle_w + (max_w - idle_w) * load
    return power_w
