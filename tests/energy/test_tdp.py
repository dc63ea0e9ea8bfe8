"""Maximum power x time, as the ML Emissions Calculator has it."""

import pytest

from auditor.energy.estimate import estimate_energy
from auditor.energy.model import EnergyModel, exactly
from tests.energy.samples import HOUR_S, frames

MODEL = EnergyModel(method="tdp", pue_of={"alpha": exactly(1.5)})


def test_is_accelerators_at_maximum_and_nothing_else():
    energy = estimate_energy(*frames({"n_gpu": 8.0, "elapsed_s": 100 * HOUR_S}), MODEL).iloc[0]
    assert energy.energy_wh == energy.gpu_wh == 8 * 400 * 100
    assert energy.energy_low_wh == energy.energy_wh == energy.energy_high_wh
    assert (energy.cpu_wh, energy.memory_wh, energy.node_wh) == (0, 0, 0)
    assert energy.pue == 1
    assert (energy.gpu_basis, energy.cpu_basis) == ("assumed", "")


def test_use_and_the_bounds_of_the_hardware_change_nothing():
    wide = {"gpu_utilisation_ratio": 0.1, "gpu_max_low_w": 100.0, "gpu_max_high_w": 900.0}
    energy = estimate_energy(*frames({}, wide), MODEL)
    assert energy.energy_wh.nunique() == 1
    assert energy.energy_low_wh[1] == energy.energy_high_wh[1] == pytest.approx(2 * 400 * 10)
