"""One value for all time: stated by the site, or the zone's annual value."""

import math
from dataclasses import dataclass

import numpy as np

from auditor.domain.intensity import IntensityBasis, IntensitySeries
from auditor.errors import IntensityError
from auditor.intensity.interface import IntensityReading, IntensityRequest

MOST_G_PER_KWH = 5000.0


@dataclass(frozen=True)
class ConstantSource:
    """A value that a site states for a zone. [gCO2e/kWh].

    A stated value is an average, so its basis is ANNUAL unless the site knows better.
    """

    g_per_kwh: float
    source: str = "stated in the configuration"
    basis: IntensityBasis = IntensityBasis.ANNUAL
    kind: str = "unknown"

    def read(self, request: IntensityRequest) -> IntensityReading:
        """Return the value as a series without steps; the request's fallback is not needed.

        Raises
        ------
        IntensityError
            The value is negative, not finite or absurd.
        """
        refuse_impossible(self.g_per_kwh, f"zone {request.zone}")
        return IntensityReading(
            IntensitySeries(
                zone=request.zone,
                edges_s=np.empty(0, dtype=np.int64),
                g_per_kwh=np.empty(0, dtype=np.float64),
                basis=np.empty(0, dtype=np.uint8),
                fallback_g_per_kwh=float(self.g_per_kwh),
                fallback_source=self.source,
                source=self.source,
                kind=self.kind,
                fallback_basis=self.basis,
            )
        )


class FallbackSource:
    """The fallback itself, for a zone that has no source of its own."""

    def read(self, request: IntensityRequest) -> IntensityReading:
        """Return the fallback as a series without steps."""
        fallback = request.fallback
        return ConstantSource(fallback.g_per_kwh, fallback.source, fallback.basis).read(request)


def refuse_impossible(g_per_kwh: float, where: str) -> None:
    """Refuse a carbon intensity that no grid can have.

    Raises
    ------
    IntensityError
        The value is negative, not finite or above 5000 g/kWh: a coal plant of the worst kind emits
        about 1500.
    """
    if math.isfinite(g_per_kwh) and 0 <= g_per_kwh <= MOST_G_PER_KWH:
        return
    msg = f"{where}: {g_per_kwh:g} is no carbon intensity in g/kWh"
    raise IntensityError(msg, hint=f"Values are finite and from 0 to {MOST_G_PER_KWH:g} g/kWh.")
