"""The constants of the power models, each as (low, central, high) and each with its source."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Triple = tuple[float, float, float]
Method = Literal["calibrated", "green-algorithms", "tdp"]

LOW, CENTRAL, HIGH = range(3)

SOURCES: Mapping[str, str] = {
    "default_pue": "Uptime Institute, Global Data Center Survey 2024: mean 1.56; 1.1 for new large "
    "sites to 1.8 for old ones",
    "memory_w_per_gb": "Karyakin & Salem 2017, as in Lannelongue et al. 2021: 0.3725 W/GB; band: "
    "5 W per module (CodeCarbon 3), modules of 128 GB and of 8 GB",
    "gpu_load_ratio": "AcmeTrace (Hu et al., NSDI 2024), power of the A100s of two clusters; "
    "derived in docs/method.md",
    "gpu_power_per_utilisation_ratio": "the straight line; low: mean power against mean "
    "utilisation in AcmeTrace (Hu et al., NSDI 2024), derived in docs/method.md",
    "gpu_meter_ratio": "the reading itself; band: the 5 % that NVIDIA's NVML reference states for "
    "the power of a board (nvmlDeviceGetPowerUsage), see docs/method.md",
    "cpu_load_ratio": "half load, as Cloud Carbon Footprint and CodeCarbon take it; band: a tenth "
    "to full load, a judgement",
    "cpu_idle_factor": "1; band: half to one and a half times the idle draw, a judgement",
    "rest_of_node_ratio": "Latif et al. 2025, peak of an 8 x H100 node over its parts; band: CEEMS "
    "and the name plate of an NVIDIA DGX A100, derived in docs/method.md",
}

_SHARES = ("gpu_load_ratio", "gpu_power_per_utilisation_ratio", "cpu_load_ratio")
_POSITIVE = ("gpu_meter_ratio", "memory_w_per_gb", "cpu_idle_factor", "rest_of_node_ratio")


@dataclass(frozen=True)
class EnergyModel:
    """Which power model is used, with every constant as (low, central, high).

    Defaults are derived in docs/method.md; `SOURCES` names where each comes from.

    Parameters
    ----------
    method
        "calibrated", or one of the two models for comparison, "green-algorithms" and "tdp".
    pue_of
        Power usage effectiveness of each cluster that states one [-].
    default_pue
        The same for a cluster that states none [-].
    memory_w_per_gb
        Draw of memory per allocated GB, 2**30 bytes in the calibrated method [W/GB].
    gpu_load_ratio
        Place of an accelerator's power between idle and maximum where no utilisation is known,
        0..1.
    gpu_power_per_utilisation_ratio
        How far a reported utilisation lifts the power from idle to maximum, 0..1: 1 takes the
        straight line.
    gpu_meter_ratio
        What the energy that a meter gave of accelerators is multiplied by [-].
    cpu_load_ratio
        Utilisation of the allocated cores where no CPU time is known, 0..1.
    cpu_idle_factor
        Multiplies the idle draw of a core [-].
    rest_of_node_ratio
        Fans, boards, network and power supplies, as a share of accelerators + CPU + memory, where
        the base load of the node is not stated [-].

    Raises
    ------
    ValueError
        A triple is not rising, or a constant cannot be.
    """

    method: Method = "calibrated"
    pue_of: Mapping[str, Triple] = field(default_factory=dict)
    default_pue: Triple = (1.1, 1.56, 1.8)
    memory_w_per_gb: Triple = (0.037, 0.3725, 0.625)
    gpu_load_ratio: Triple = (0.30, 0.50, 0.75)
    gpu_power_per_utilisation_ratio: Triple = (0.48, 1.0, 1.0)
    gpu_meter_ratio: Triple = (0.95, 1.0, 1.05)
    cpu_load_ratio: Triple = (0.1, 0.5, 1.0)
    cpu_idle_factor: Triple = (0.5, 1.0, 1.5)
    rest_of_node_ratio: Triple = (0.11, 0.20, 0.60)

    def __post_init__(self) -> None:
        """Refuse constants that would turn a band over or make energy from nothing."""
        for name in _SHARES:
            _check(name, getattr(self, name), 0.0, 1.0)
        for name in _POSITIVE:
            _check(name, getattr(self, name), 0.0, math.inf)
        _check("default_pue", self.default_pue, 1.0, math.inf)
        for cluster, pue in self.pue_of.items():
            _check(f"pue of {cluster}", pue, 1.0, math.inf)

    def pue(self, cluster: str) -> Triple:
        """Return the power usage effectiveness of a cluster (low, central, high) [-]."""
        return exactly(1.0) if self.method == "tdp" else self.pue_of.get(cluster, self.default_pue)

    def pue_source(self, cluster: str) -> str:
        """Say where the power usage effectiveness of a cluster comes from."""
        if self.method == "tdp":
            return "1 by the definition of the method"
        return "stated for the cluster" if cluster in self.pue_of else self.source("default_pue")

    def source(self, name: str) -> str:
        """Say where a constant comes from: its published source, or the site that changed it."""
        is_default = getattr(self, name) == getattr(EnergyModel, name)
        return SOURCES[name] if is_default else "stated in the configuration"


def exactly(value: float) -> Triple:
    """Return a triple without a band, for a figure that a site states as known."""
    return (value, value, value)


def rescaled(band: Triple, central: float) -> Triple:
    """Move a band to another central value and keep its relative width."""
    scale = central / band[CENTRAL]
    return (band[LOW] * scale, central, band[HIGH] * scale)


def _check(name: str, triple: Triple, least: float, most: float) -> None:
    low, central, high = triple
    if not (math.isfinite(high) and least <= low <= central <= high <= most):
        msg = f"{name} must rise from {least} to {most} at most, and is {triple}"
        raise ValueError(msg)
