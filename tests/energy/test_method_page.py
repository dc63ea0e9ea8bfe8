"""The worked number of docs/method.md, and the figures its constants are derived from."""

from pathlib import Path

import numpy as np
import pytest

from auditor.energy.estimate import estimate_energy
from auditor.energy.model import CENTRAL, HIGH, LOW, EnergyModel, exactly
from tests.energy.samples import frames

PAGE = (Path(__file__).parents[2] / "docs" / "method.md").read_text()
ACME = Path(__file__).parents[3] / "shared" / "data" / "traces" / "acme"


@pytest.mark.parametrize(
    ("method", "figures"),
    [
        (
            "calibrated",
            {
                "gpu_wh": "4600", "cpu_wh": "440", "memory_wh": "238.4", "node_wh": "1055.68",
                "it_energy_wh": "6334.08", "energy_wh": "8234.304",
                "energy_low_wh": "5052.92424", "energy_high_wh": "15177.76",
            },
        ),
        ("green-algorithms", {"energy_wh": "11167.52"}),
        ("tdp", {"energy_wh": "8000"}),
    ],
)  # fmt: skip
def test_the_worked_number_is_the_estimate(method, figures):
    model = EnergyModel(method=method, pue_of={"alpha": exactly(1.3)})
    energy = estimate_energy(*frames({}), model).iloc[0]
    for column, text in figures.items():
        assert energy[column] == pytest.approx(float(text), rel=1e-12)
        assert f"{text} Wh" in PAGE


@pytest.mark.shared
@pytest.mark.skipif(not ACME.is_dir(), reason="AcmeTrace does not lie beside the checkout")
def test_the_load_factor_follows_from_the_published_distribution():
    power_w = np.loadtxt(ACME / "gpu_power_seren.csv", delimiter=",")[:, 0]
    utilisation = np.loadtxt(ACME / "util_gpu_seren.csv", delimiter=",")[:, 0] / 100
    n_unused = int((utilisation == 0).sum())
    load_of_all = _load(power_w.mean())
    load_of_used = _load(power_w[n_unused:].mean())
    kalos_used_w = (192 - n_unused / 1000 * power_w[:n_unused].mean()) / (1 - n_unused / 1000)
    kalos_upper_w = 2 * 192 - power_w[:500].mean()
    low, central, high = EnergyModel().gpu_load_ratio
    assert low == pytest.approx(load_of_all, abs=0.025)
    assert central == pytest.approx((load_of_used + _load(kalos_used_w)) / 2, abs=0.025)
    assert high == pytest.approx(_load(kalos_upper_w), abs=0.025)
    per_utilisation = EnergyModel().gpu_power_per_utilisation_ratio
    assert per_utilisation[LOW] == pytest.approx(load_of_all / utilisation.mean(), abs=0.005)
    assert per_utilisation[CENTRAL] == per_utilisation[HIGH] == 1.0


def _load(mean_w):
    return (mean_w - 60) / (400 - 60)
