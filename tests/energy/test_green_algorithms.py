"""The formula of GreenAlgorithms4HPC against figures computed by that program and by hand."""

from fractions import Fraction

import numpy as np
import pytest

from auditor.energy.estimate import estimate_energy
from auditor.energy.model import EnergyModel, exactly
from tests.energy.samples import HOUR_S, frames

MODEL = EnergyModel(method="green-algorithms", pue_of={"alpha": exactly(1.3)})
G_PER_KWH = 231

# elapsed [s], CPUs, CPU time [s], requested memory [GB of 1000 M], accelerators; then what
# GreenAlgorithms4HPC 0.4 prints: CPU, GPU and memory [kWh], total with PUE [kWh], carbon [g]
WORKED = [
    pytest.param(
        (10 * HOUR_S, 16, 6 * 24 * HOUR_S, 64, 0),
        (0.6336, 0, 0.2384, 1.1336, 261.8616),
        id="cores only",
    ),
    pytest.param(
        (5 * HOUR_S, 16, 40 * HOUR_S, 128, 2),
        (0.176, 4.0, 0.2384, 5.73872, 1325.64432),
        id="two accelerators, memory in M",
    ),
    pytest.param(
        (2 * HOUR_S, 32, 0, 96, 0),
        (0.2816, 0, 0.07152, 0.459056, 106.041936),
        id="no CPU time is full load",
    ),
    pytest.param((0, 4, 0, 16, 0), (0, 0, 0, 0, 0), id="never started"),
    pytest.param(
        (5400, 8, 164.935, 1.536, 0),
        (0.000201587, 0, 0.00085824, 0.001377775, 0.318266),
        id="minutes of CPU time",
    ),
]


@pytest.mark.parametrize(("run", "printed"), WORKED)
def test_equals_what_the_other_program_prints(run, printed):
    energy = _energy([run]).iloc[0]
    found = (energy.cpu_wh, energy.gpu_wh, energy.memory_wh, energy.energy_wh)
    in_kwh = tuple(wh / 1000 for wh in found)
    assert (*in_kwh, in_kwh[3] * G_PER_KWH) == pytest.approx(printed, rel=3e-6)


TEN_RUNS = [
    (36_000, 16, 518_400, "64", 0),
    (18_000, 16, 144_000, "128", 2),
    (7_200, 32, 0, "96", 0),
    (7_200, 32, 0, "96", 0),
    (0, 4, 0, "16", 0),
    (5_400, 8, "164.935", "1.536", 0),
    (600, 1, "590.5", "4", 0),
    (43_200, 64, 2_000_000, "512", 4),
    (3_600, 2, None, "8", 0),
    (86_413, 12, "1000000.5", "100.5", 1),
]


def test_ten_runs_equal_exact_arithmetic_to_a_billionth():
    energy = _energy(TEN_RUNS)
    for row, run in enumerate(TEN_RUNS):
        exact = float(_exact_g(*run))
        assert energy.energy_wh[row] * G_PER_KWH / 1000 == pytest.approx(exact, rel=1e-9)
    total = float(sum(_exact_g(*run) for run in TEN_RUNS))
    assert energy.energy_wh.sum() * G_PER_KWH / 1000 == pytest.approx(total, rel=1e-9)


def test_bases_say_what_was_recorded():
    energy = _energy([(3600, 1, 60, 1, 1), (3600, 1, 0, 1, 0)])
    assert list(energy.cpu_basis) == ["utilisation", "assumed"]
    assert list(energy.gpu_basis) == ["assumed", ""]
    assert list(energy.memory_basis) == ["modelled", "modelled"]
    assert list(energy.node_basis) == ["", ""]


def test_cpu_time_above_the_allocation_is_taken_as_it_stands():
    assert _energy([(3600, 1, 7200, 0, 0)]).cpu_wh[0] == pytest.approx(2 * 4.4)


def _energy(runs):
    jobs, hardware = frames(
        *(
            {
                "elapsed_s": elapsed_s,
                "n_cpus": float(n_cpus),
                "total_cpu_s": np.nan if total_cpu_s is None else float(total_cpu_s),
                "requested_memory_decimal_gb": float(memory_gb),
                "n_gpu": float(n_gpu),
            }
            for elapsed_s, n_cpus, total_cpu_s, memory_gb, n_gpu in runs
        )
    )
    return estimate_energy(jobs, hardware, MODEL)


def _exact_g(elapsed_s, n_cpus, total_cpu_s, memory_gb, n_gpu) -> Fraction:
    hours = Fraction(elapsed_s, 3600)
    core_hours = Fraction(total_cpu_s or 0) / 3600 or n_cpus * hours
    wh = Fraction("4.4") * core_hours
    wh += 400 * n_gpu * hours
    wh += Fraction("0.3725") * Fraction(memory_gb) * hours
    return wh * Fraction("1.3") * G_PER_KWH / 1000
