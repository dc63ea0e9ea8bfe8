"""A grid's carbon intensity over time, as a step function without holes."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class IntensityBasis(IntEnum):
    """Where the value of one step came from."""

    MEASURED = 0
    FORECAST = 1
    ESTIMATED = 2
    ANNUAL = 3


@dataclass(frozen=True)
class IntensitySeries:
    """Step function: `g_per_kwh[i]` holds over `[edges_s[i], edges_s[i+1])`.

    `edges_s` is (n+1,) int64 seconds since 1970, strictly rising; `g_per_kwh` (n,) float64 without
    NaN [gCO2e/kWh]; `basis` (n,) uint8 of `IntensityBasis`. Outside the edges, and in steps that a
    source left out, the zone's annual value `fallback_g_per_kwh` holds, with basis ANNUAL.
    A constant is a series with no steps (`edges_s` empty) whose fallback is the stated value; its
    `fallback_basis` then says how far to trust it.
    `kind` is "life_cycle", "direct" or "unknown"; `source` and `fallback_source` are for people.
    """

    zone: str
    edges_s: NDArray[np.int64]
    g_per_kwh: NDArray[np.float64]
    basis: NDArray[np.uint8]
    fallback_g_per_kwh: float
    fallback_source: str
    source: str
    kind: str = "unknown"
    fallback_basis: IntensityBasis = IntensityBasis.ANNUAL

    def digest(self) -> str:
        """Name the series by its content, for the factor set."""
        content = hashlib.sha256(self.edges_s.tobytes() + self.g_per_kwh.tobytes())
        content.update(self.basis.tobytes())
        words = (self.zone, repr(self.fallback_g_per_kwh), self.source, self.fallback_source)
        content.update("\x00".join((*words, self.kind, str(int(self.fallback_basis)))).encode())
        return content.hexdigest()[:16]
