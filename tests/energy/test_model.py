"""The constants: refused where they cannot be, sourced, and derived as the method page says."""

from dataclasses import fields
from pathlib import Path

import pytest

from auditor.energy.model import SOURCES, EnergyModel, exactly, rescaled

REFUSED = [
    pytest.param({"gpu_load_ratio": (0.5, 0.4, 0.6)}, "gpu_load_ratio", id="falling"),
    pytest.param({"gpu_load_ratio": (0.5, 0.6, 1.1)}, "gpu_load_ratio", id="share above one"),
    pytest.param({"memory_w_per_gb": (-0.1, 0.3, 0.4)}, "memory_w_per_gb", id="negative"),
    pytest.param({"default_pue": (0.9, 1.2, 1.3)}, "default_pue", id="PUE below one"),
    pytest.param({"pue_of": {"alpha": exactly(0.5)}}, "alpha", id="PUE of a cluster below one"),
    pytest.param({"cpu_idle_factor": (0.5, 1.0, float("inf"))}, "cpu_idle", id="infinite"),
    pytest.param({"cpu_idle_factor": (float("nan"), 1.0, 2.0)}, "cpu_idle", id="not a number"),
]


@pytest.mark.parametrize(("changes", "named"), REFUSED)
def test_impossible_constants_are_refused_by_name(changes, named):
    with pytest.raises(ValueError, match=named):
        EnergyModel(**changes)


def test_every_constant_has_a_source_and_stands_on_the_method_page():
    constants = {f.name for f in fields(EnergyModel)} - {"method", "pue_of"}
    assert set(SOURCES) == constants
    page = (Path(__file__).parents[2] / "docs" / "method.md").read_text()
    model = EnergyModel()
    for name in constants:
        triple = " / ".join(f"{value:g}" for value in getattr(model, name))
        assert f"| `{name}` | {triple} |" in page


def test_pue_of_the_calculator_is_one_whatever_the_cluster_states():
    model = EnergyModel(method="tdp", pue_of={"alpha": exactly(1.3)})
    assert model.pue("alpha") == exactly(1.0)
    assert model.pue_source("alpha") == "1 by the definition of the method"


def test_pue_says_whether_it_was_stated():
    model = EnergyModel(pue_of={"alpha": exactly(1.3)})
    assert model.pue_source("alpha") == "stated for the cluster"
    assert model.pue_source("beta") == SOURCES["default_pue"]


def test_rescaling_keeps_the_relative_band():
    assert rescaled((1.0, 2.0, 3.0), 4.0) == (2.0, 4.0, 6.0)
    assert rescaled((0.037, 0.3725, 0.625), 0.3725) == pytest.approx((0.037, 0.3725, 0.625))
