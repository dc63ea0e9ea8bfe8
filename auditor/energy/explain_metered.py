"""What meters said of the accelerators of one run, told with why it was believed or not."""

import math
from dataclasses import dataclass

import numpy as np

from auditor.energy.metered import (
    JUDGED_AFTER_H,
    LEAST_OF_IDLE_RATIO,
    MOST_OF_MAX_RATIO,
    Reading,
    Verdict,
    verdicts,
)
from auditor.energy.model import CENTRAL
from auditor.energy.step import Facts, Step, constant_step, number


@dataclass(frozen=True)
class Metered:
    """The reading of one run and the verdict on it."""

    facts: Facts
    reading: Reading
    verdict: Verdict

    @classmethod
    def of(cls, facts: Facts) -> "Metered":
        """Take the reading of one run and judge it as the estimate does."""
        low, high = (_at(facts, bound) for bound in (0, 2))
        reading = Reading(
            energy_j=np.array([facts.of_job("gpu_energy_j")]),
            covered_ratio=np.array([facts.of_job("gpu_metered_ratio")]),
            n_gpu=np.array([facts.of_job("n_gpu")]),
            hours=np.array([facts.hours]),
            most_w=np.array([high.watts("gpu", "max")]),
            least_w=np.array([low.watts("gpu", "idle")]),
        )
        verdict = Verdict(int(verdicts(reading)[0]))
        # The book keeps no bounds of the hardware: what was believed then is believed here.
        if facts.job.get("gpu_measured_wh", math.nan) > 0:
            verdict = Verdict.BELIEVED
        return cls(facts, reading, verdict)

    @property
    def is_believed(self) -> bool:
        """Tell whether the reading counts."""
        return self.verdict is Verdict.BELIEVED

    @property
    def energy_wh(self) -> float:
        """What the meters said [Wh]."""
        return float(self.reading.energy_wh[0])

    @property
    def covered_ratio(self) -> float:
        """Share of the accelerator time that counts as metered, 0..1."""
        return min(float(self.reading.covered_ratio[0]), 1.0) if self.is_believed else 0.0

    @property
    def central_wh(self) -> float:
        """What counts as measured in the central estimate [Wh]."""
        factor = _at(self.facts, CENTRAL).constant("gpu_meter_ratio")
        return self.energy_wh * factor if self.is_believed else 0.0


def measured_steps(metered: Metered) -> list[Step]:
    """List the steps to the metered part, which the last one is."""
    facts, covered = metered.facts, metered.covered_ratio
    factor = constant_step(facts, "gpu_meter_ratio", "gpu_meter_ratio")
    said = f"{number(facts.of_job('gpu_energy_j'))} J / 3600"
    return [
        Step("gpu_meter_reading", said, metered.energy_wh, "Wh", "meters of its accelerators"),
        Step(
            label="gpu_metered_ratio",
            formula=number(covered),
            value=covered,
            unit="",
            source="meters: share of its accelerator time that the reading covers",
        ),
        factor,
        Step(
            label="gpu_measured",
            formula=f"{number(metered.energy_wh)} Wh x {number(factor.value)}",
            value=metered.energy_wh * factor.value,
            unit="Wh",
            source="the metered part",
        ),
    ]


def refused_steps(metered: Metered) -> list[Step]:
    """Say what the meters said and why it does not count; nothing where nobody metered."""
    facts, reading = metered.facts, metered.reading
    energy_j, covered = float(reading.energy_j[0]), float(reading.covered_ratio[0])
    if metered.verdict is Verdict.NOT_METERED:
        return []
    if metered.verdict is Verdict.UNUSABLE:
        why = f"meters, not believed: {_said(energy_j)} J over {_said(covered)} of its time"
        return [Step("gpu_meter_reading", "0", 0.0, "Wh", f"{why}; the model takes over")]
    n_gpu, elapsed_s = facts.of_job("n_gpu"), facts.of_job("elapsed_s")
    time = f"{number(n_gpu)} x {number(elapsed_s)} s x {number(min(covered, 1.0))}"
    return [
        Step(
            label="gpu_meter_power",
            formula=f"{number(energy_j)} J / ({time})",
            value=float(reading.power_w[0]),
            unit="W",
            source=f"meters, not believed: {_why(metered)}; the model takes over",
        )
    ]


def _why(metered: Metered) -> str:
    reading = metered.reading
    if metered.verdict is Verdict.TOO_LOW:
        idle_w = number(float(reading.least_w[0]))
        return f"below {LEAST_OF_IDLE_RATIO:g} x {idle_w} W, the least that one draws at idle"
    most_w, n_gpu = float(reading.most_w[0]), math.ceil(float(reading.n_gpu[0]))
    hours = max(float(reading.metered_h[0]), JUDGED_AFTER_H)
    return (
        f"{number(metered.energy_wh)} Wh is above {MOST_OF_MAX_RATIO:g} x {number(most_w)} W, the "
        f"most that one draws, for {n_gpu} over {number(hours)} h"
    )


def _said(value: float) -> str:
    return "no figure" if math.isnan(value) else number(value)


def _at(facts: Facts, bound: int) -> Facts:
    return Facts(facts.job, facts.hardware, facts.model, bound)
