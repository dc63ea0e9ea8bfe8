"""An explanation gives the estimate's own numbers, and its formulas can be redone."""

import re

import pytest
from hypothesis import given, settings

from auditor.domain.frames import COMPONENTS
from auditor.energy.estimate import estimate_energy
from auditor.energy.explain import explain_run
from auditor.energy.model import EnergyModel
from tests.energy.samples import frames
from tests.energy.test_calibrated import any_method, some_run

SUFFIX = {"low": "_low", "central": "", "high": "_high"}


@pytest.mark.parametrize("bound", ["low", "central", "high"])
@settings(deadline=None, max_examples=40)
@given(run=some_run, method=any_method)
def test_steps_hold_the_numbers_of_the_estimate(bound, run, method):
    model = EnergyModel(method=method, pue_of={"alpha": (1.1, 1.2, 1.3)})
    jobs, hardware = frames(run)
    energy = estimate_energy(jobs, hardware, model).iloc[0]
    steps = explain_run(jobs.iloc[0], hardware.iloc[0], model, bound=bound)
    value = {step.label: step.value for step in steps}
    source = {step.label: step.source for step in steps}
    for component in COMPONENTS:
        expected = energy[f"{component}{SUFFIX[bound]}_wh"]
        assert value[component] == pytest.approx(expected, rel=1e-9, abs=1e-300)
        basis = energy[f"{component}_basis"]
        assert expected == 0 or source[component].startswith(f"basis: {basis}")
    assert value["energy"] == pytest.approx(energy[f"energy{SUFFIX[bound]}_wh"], rel=1e-9)


@pytest.mark.parametrize("method", ["calibrated", "green-algorithms", "tdp"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"gpu_utilisation_ratio": 0.4}, {"node_base_w": 12.5}, {"total_cpu_s": 0.0}],
    ids=["usual", "utilisation", "node stated", "no CPU time"],
)
def test_every_formula_can_be_redone_from_its_own_figures(method, changes):
    jobs, hardware = frames(changes)
    for step in explain_run(jobs.iloc[0], hardware.iloc[0], EnergyModel(method=method)):
        assert _by_hand(step.formula) == pytest.approx(step.value, rel=1e-12), step
        assert step.source


def test_the_order_is_that_of_the_sum():
    jobs, hardware = frames({})
    labels = [s.label for s in explain_run(jobs.iloc[0], hardware.iloc[0], EnergyModel())]
    assert labels[0] == "duration"
    assert labels[-3:] == ["it_energy", "pue", "energy"]
    assert [label for label in labels if label in COMPONENTS] == list(COMPONENTS)


def test_a_constant_that_the_site_changed_is_its_own_source():
    jobs, hardware = frames({})
    model = EnergyModel(memory_w_per_gb=(0.2, 0.3, 0.4))
    source = {s.label: s.source for s in explain_run(jobs.iloc[0], hardware.iloc[0], model)}
    assert source["memory_power_per_gb"] == "stated in the configuration"
    assert "AcmeTrace" in source["gpu_load"]


def _by_hand(formula):
    """Read a formula as a person would: drop the words, x is times, 'at most' is a limit."""
    text, _, limit = formula.partition(", at most ")
    plain = re.sub(r"[A-Za-z]+(/[A-Za-z]+)?", "", text.replace(" x ", " * "))
    value = _calculate(plain)
    return min(value, _calculate(re.sub(r"[A-Za-z]", "", limit))) if limit else value


def _calculate(text):
    assert re.fullmatch(r"[0-9.+*/() -]+", text), text
    return eval(text)  # noqa: S307  (only digits and operators, checked above)
