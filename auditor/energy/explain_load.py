"""The load of the accelerators of one run while no meter covers them, told as it was estimated."""

import math
from dataclasses import dataclass, replace

import numpy as np

from auditor.energy.model import CENTRAL
from auditor.energy.observed import is_mostly_seen, seen_ratio
from auditor.energy.step import Facts, Step, constant_step, number

_PER_UTILISATION = "gpu_power_per_utilisation_ratio"


@dataclass(frozen=True)
class Load:
    """One run and what counts of its utilisation.

    `seen` is the share of the unmetered time whose utilisation is known, `covered_ratio` the share
    that was metered, 0..1.
    """

    facts: Facts
    utilisation: float
    seen: float
    covered_ratio: float

    @classmethod
    def of(cls, facts: Facts, covered_ratio: float) -> "Load":
        """Take the utilisation of one run as the estimate does."""
        utilisation = facts.of_job("gpu_utilisation_ratio")
        seen = seen_ratio(
            np.array([utilisation]),
            np.array([facts.of_job("gpu_observed_ratio")]),
            np.array([covered_ratio]),
        )
        used = 0.0 if math.isnan(utilisation) else min(max(utilisation, 0.0), 1.0)
        return cls(facts, used, float(seen[0]), covered_ratio)

    @property
    def max_w(self) -> float:
        """Maximum draw of one accelerator [W]."""
        return self.facts.watts("gpu", "max")

    @property
    def idle_w(self) -> float:
        """Idle draw of one accelerator, at most its maximum [W]."""
        return min(self.facts.watts("gpu", "idle"), self.max_w)

    @property
    def value_seen(self) -> float:
        """Load while it was seen, 0..1."""
        return self.utilisation * self.facts.constant(_PER_UTILISATION)

    @property
    def value_unseen(self) -> float:
        """Load while nobody looked, 0..1."""
        return self.facts.constant("gpu_load_ratio")

    @property
    def value(self) -> float:
        """Place of the mean power between idle and maximum, 0..1."""
        return self.seen * self.value_seen + (1.0 - self.seen) * self.value_unseen

    @property
    def basis(self) -> str:
        """Say what the larger part of the central energy rests on."""
        if not self.facts.hardware["gpu_known"]:
            return "assumed: the model is unknown"
        facts = self.facts
        central = replace(self, facts=Facts(facts.job, facts.hardware, facts.model, CENTRAL))
        is_seen = is_mostly_seen(
            np.array([self.seen]),
            np.array([central.power_w(central.value_seen)]),
            np.array([central.power_w(central.value_unseen)]),
        )
        name = "utilisation" if is_seen[0] else "assumed"
        return f"{name}, for the larger part" if 0 < self.seen < 1 else name

    def power_w(self, load: float) -> float:
        """Power of one accelerator at a load [W]."""
        return self.idle_w + (self.max_w - self.idle_w) * load


def load_steps(load: Load) -> list[Step]:
    """List the steps to the load, which the last one is."""
    if load.seen == 0:
        return [constant_step(load.facts, "gpu_load_ratio", "gpu_load")]
    share = constant_step(load.facts, _PER_UTILISATION, "gpu_power_per_utilisation")
    used = number(load.utilisation)
    steps = [Step("gpu_utilisation", used, load.utilisation, "", _observer(load.facts)), share]
    formula = f"{used} x {number(share.value)}"
    if load.seen < 1:
        unseen = constant_step(load.facts, "gpu_load_ratio", "gpu_load_unseen")
        steps += [_seen_step(load), unseen]
        seen = number(load.seen)
        formula = f"{seen} x {formula} + (1 - {seen}) x {number(unseen.value)}"
    return [*steps, Step("gpu_load", formula, load.value, "", "place between idle and maximum")]


def power_line(label: str, idle_w: float, max_w: float, load: float) -> Step:
    """Show a power as the place of a load between idle and maximum."""
    formula = f"{number(idle_w)} W + ({number(max_w)} W - {number(idle_w)} W) x {number(load)}"
    return Step(label, formula, idle_w + (max_w - idle_w) * load, "W", "between idle and maximum")


def _seen_step(load: Load) -> Step:
    """Show the share of the unmetered time that was seen."""
    source = "meters: share of its accelerator time in which they saw its utilisation"
    if not load.covered_ratio > 0:
        return Step("gpu_observed_ratio", number(load.seen), load.seen, "", source)
    observed = number(min(load.facts.of_job("gpu_observed_ratio"), 1.0))
    covered = number(load.covered_ratio)
    return Step(
        label="gpu_observed_rest_ratio",
        formula=f"({observed} - {covered}) / (1 - {covered})",
        value=load.seen,
        unit="",
        source=f"{source}, as far as it goes beyond the metered part",
    )


def _observer(facts: Facts) -> str:
    is_pod = facts.job.get("scheduler") == "kubernetes"
    return "meters: mean of what they saw" if is_pod else "accounting: gres/gpuutil"
