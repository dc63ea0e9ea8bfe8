"""One line of an explanation, and the facts of one run that explanations read."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.energy.model import CENTRAL, EnergyModel
from auditor.units import S_PER_HOUR

_SUFFIX = ("_low", "", "_high")


@dataclass(frozen=True)
class Step:
    """One number with the formula, in figures, that made it. `source` says who vouches for it."""

    label: str
    formula: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class Facts:
    """One run, its hardware, the model and the bound (0 low, 1 central, 2 high)."""

    job: Mapping[str, Any]
    hardware: Mapping[str, Any]
    model: EnergyModel
    bound: int

    @property
    def hours(self) -> float:
        """Time it ran [h]."""
        return float(self.job["elapsed_s"]) / S_PER_HOUR

    def of_job(self, name: str) -> float:
        """Return a number of the run; NaN where accounting does not say."""
        return float(self.job[name])

    def watts(self, device: str, quantity: str, unit: str = "w") -> float:
        """Return a draw of the hardware at this bound, the central one where it has no bound [W].

        For instance `watts("gpu", "max")` or `watts("cpu", "max", "w_per_core")`.
        """
        central = float(self.hardware[f"{device}_{quantity}_{unit}"])
        if self.bound == CENTRAL:
            return central
        name = f"{device}_{quantity}{_SUFFIX[self.bound]}_{unit}"
        found = float(self.hardware.get(name, central))
        if math.isnan(found):
            return central
        return min(found, central) if self.bound < CENTRAL else max(found, central)

    def constant(self, name: str) -> float:
        """Return a constant of the model at this bound."""
        triple: tuple[float, float, float] = getattr(self.model, name)
        return triple[self.bound]

    @property
    def rule(self) -> str:
        """Say which rule gave the hardware's figures."""
        return f"hardware: {self.hardware['hardware_rule']}"


def constant_step(facts: Facts, name: str, label: str, unit: str = "") -> Step:
    """Show a constant of the model with its source."""
    value = facts.constant(name)
    return Step(label, number(value), value, unit, facts.model.source(name))


def absent(component: str, why: str) -> Step:
    """Show a component that has no energy, and why."""
    return Step(component, "0", 0.0, "Wh", why)


def number(value: float) -> str:
    """Write a number with up to twelve significant digits: all that a pocket calculator shows."""
    return f"{value:.12g}"
