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

METERED_AND_SEEN = {
    "gpu_energy_j": 9e6,
    "gpu_metered_ratio": 0.5,
    "gpu_utilisation_ratio": 0.4,
    "gpu_observed_ratio": 0.875,
}
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
    [
        {},
        {"gpu_utilisation_ratio": 0.4},
        {"node_base_w": 12.5},
        {"total_cpu_s": 0.0},
        {"gpu_utilisation_ratio": 0.4, "gpu_observed_ratio": 0.75},
        {"gpu_utilisation_ratio": 0.4, "gpu_observed_ratio": 0.0},
        {"gpu_energy_j": 9e6, "gpu_metered_ratio": 0.8},
        {"gpu_energy_j": 9e6, "gpu_metered_ratio": 1.0},
        {"gpu_energy_j": 9e9, "gpu_metered_ratio": 0.8},
        METERED_AND_SEEN,
        {"n_gpu": 0.25, "n_cpus": 0.5},
    ],
    ids=[
        "usual",
        "utilisation",
        "node stated",
        "no CPU time",
        "seen in part",
        "never seen",
        "metered in part",
        "metered",
        "meter refused",
        "metered in part and seen in more",
        "parts of devices",
    ],
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


def _told(**changes):
    jobs, hardware = frames(changes)
    return {s.label: s for s in explain_run(jobs.iloc[0], hardware.iloc[0], EnergyModel())}


def test_a_metered_part_is_told_beside_what_was_modelled():
    told = _told(gpu_energy_j=9e6, gpu_metered_ratio=0.75)
    assert told["gpu_meter_reading"].formula == "9000000 J / 3600"
    assert told["gpu_metered_ratio"].value == 0.75
    assert told["gpu_modelled"].formula == "2 accelerators x 230 W x 10 h x (1 - 0.75)"
    assert told["gpu"].formula == "2500 Wh + 1150 Wh"
    assert told["gpu"].source == "basis: measured, for the larger part"
    assert "NVML" in told["gpu_meter_ratio"].source


def test_a_run_that_was_metered_whole_needs_no_model():
    told = _told(gpu_energy_j=9e6, gpu_metered_ratio=1.0)
    assert told["gpu"].source == "basis: measured"
    assert not told.keys() & {"gpu_load", "gpu_max_power", "gpu_modelled"}


def test_a_part_that_was_seen_is_told_beside_what_is_assumed():
    told = _told(gpu_utilisation_ratio=0.4, gpu_observed_ratio=0.75)
    assert told["gpu_observed_ratio"].value == 0.75
    assert told["gpu_load_unseen"].value == 0.5
    assert told["gpu_load"].formula == "0.75 x 0.4 x 1 + (1 - 0.75) x 0.5"
    assert told["gpu"].value == pytest.approx(0.75 * 2 * 196 * 10 + 0.25 * 4600)
    assert told["gpu"].source == "basis: utilisation, for the larger part"
    assert "AcmeTrace" in told["gpu_load_unseen"].source


def test_what_was_seen_while_it_was_metered_is_not_told_of_the_rest():
    told = _told(**METERED_AND_SEEN)
    assert told["gpu_observed_rest_ratio"].formula == "(0.875 - 0.5) / (1 - 0.5)"
    assert told["gpu_load"].formula == "0.75 x 0.4 x 1 + (1 - 0.75) x 0.5"
    assert told["gpu"].source == "basis: measured, for the larger part"
    told = _told(**METERED_AND_SEEN | {"gpu_observed_ratio": 0.5})
    assert not told.keys() & {"gpu_utilisation", "gpu_observed_rest_ratio"}
    assert told["gpu_modelled"].source.endswith("basis: assumed")


REFUSED = [
    pytest.param(
        {"gpu_energy_j": 3.6e7, "gpu_metered_ratio": 1.0},
        ("gpu_meter_power", 500, "10000 Wh is above 1.2 x 400 W, the most that one draws, for 2"),
        id="too high",
    ),
    pytest.param(
        {"gpu_energy_j": 3.6e5, "gpu_metered_ratio": 0.5},
        ("gpu_meter_power", 10, "below 0.25 x 55 W, the least that one draws at idle"),
        id="too low",
    ),
    pytest.param(
        {"gpu_energy_j": 3.6e5},
        ("gpu_meter_reading", 0, "over no figure of its time"),
        id="no time",
    ),
    pytest.param(
        {"gpu_energy_j": -1.0, "gpu_metered_ratio": 0.5},
        ("gpu_meter_reading", 0, "-1 J over 0.5 of its time"),
        id="negative",
    ),
]


@pytest.mark.parametrize(("changes", "expected"), REFUSED)
def test_a_meter_that_is_not_believed_is_told_with_the_reason(changes, expected):
    label, value, why = expected
    told = _told(**changes)
    assert told[label].value == pytest.approx(value)
    assert told[label].source.startswith("meters, not believed: ")
    assert why in told[label].source
    assert told["gpu"].value == 4600


def test_what_the_book_says_was_believed_is_believed():
    """The book keeps no bounds of the hardware, which the verdict rested on."""
    jobs, hardware = frames({"gpu_energy_j": 3.6e7, "gpu_metered_ratio": 1.0})
    job = jobs.iloc[0].to_dict() | {"gpu_measured_wh": 1e4}
    told = {s.label: s for s in explain_run(job, hardware.iloc[0], EnergyModel())}
    assert told["gpu"].value == 1e4


def test_the_utilisation_of_a_pod_comes_from_meters():
    jobs, hardware = frames({"gpu_utilisation_ratio": 0.4})
    job = jobs.iloc[0].to_dict() | {"scheduler": "kubernetes"}
    told = {s.label: s for s in explain_run(job, hardware.iloc[0], EnergyModel())}
    assert told["gpu_utilisation"].source == "meters: mean of what they saw"


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
