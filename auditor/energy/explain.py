"""How the energy of one run came about, step by step, for a reader with a pocket calculator."""

from collections.abc import Mapping
from typing import Any, Literal, assert_never

from auditor.domain.frames import COMPONENTS
from auditor.energy import explain_calibrated, explain_comparison
from auditor.energy.model import CENTRAL, HIGH, LOW, EnergyModel
from auditor.energy.step import Facts, Step, number

Bound = Literal["low", "central", "high"]
_BOUNDS: Mapping[Bound, int] = {"low": LOW, "central": CENTRAL, "high": HIGH}


def explain_run(
    job: Mapping[str, Any],
    hardware: Mapping[str, Any],
    model: EnergyModel,
    *,
    bound: Bound = "central",
) -> list[Step]:
    """List every factor of one run's energy, in the order of the sum.

    The last three steps are `it_energy`, `pue` and `energy`; before them stands one step per
    component, named as in `domain.frames.COMPONENTS`, after the factors it is made of. Values are
    the ones `estimate_energy` gives, at full precision.

    Parameters
    ----------
    job, hardware
        One row of the JOBS and of the HARDWARE frame, by column name.
    model
        The method and constants of the estimate.
    bound
        Which end of the band.
    """
    facts = Facts(job=job, hardware=hardware, model=model, bound=_BOUNDS[bound])
    duration = Step(
        label="duration",
        formula=f"{job['elapsed_s']} s / 3600",
        value=facts.hours,
        unit="h",
        source="accounting: time it ran, suspension left out",
    )
    steps = [duration, *_component_steps(facts)]
    return [*steps, *_total(facts, steps)]


def _component_steps(facts: Facts) -> list[Step]:
    match facts.model.method:
        case "calibrated":
            return explain_calibrated.steps(facts)
        case "green-algorithms":
            return explain_comparison.green_algorithms_steps(facts)
        case "tdp":
            return explain_comparison.tdp_steps(facts)
        case _:
            assert_never(facts.model.method)


def _total(facts: Facts, steps: list[Step]) -> list[Step]:
    parts = [step for step in steps if step.label in COMPONENTS]
    it_energy_wh = sum(step.value for step in parts)
    cluster = str(facts.job["cluster"])
    pue = facts.model.pue(cluster)[facts.bound]
    return [
        Step(
            label="it_energy",
            formula=" + ".join(number(step.value) for step in parts),
            value=it_energy_wh,
            unit="Wh",
            source="sum of the components",
        ),
        Step("pue", number(pue), pue, "", facts.model.pue_source(cluster)),
        Step(
            label="energy",
            formula=f"{number(it_energy_wh)} Wh x {number(pue)}",
            value=it_energy_wh * pue,
            unit="Wh",
            source="with the overhead of the building",
        ),
    ]
