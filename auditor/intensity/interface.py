"""What every source of grid intensity is asked and what it answers."""

from dataclasses import dataclass
from typing import Protocol

from auditor.domain.intensity import IntensityBasis, IntensitySeries


@dataclass(frozen=True)
class Fallback:
    """The value that holds where a source has none. [gCO2e/kWh]."""

    g_per_kwh: float
    source: str
    basis: IntensityBasis = IntensityBasis.ANNUAL


@dataclass(frozen=True)
class IntensityRequest:
    """What is wanted of a source.

    `kind` ("life_cycle" or "direct") says which accounting to take where a source gives both.
    """

    zone: str
    fallback: Fallback
    kind: str = "life_cycle"


@dataclass(frozen=True)
class IntensityNote:
    """What a report must say about a grid series."""

    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class IntensityReading:
    """A series and what was odd about its source."""

    series: IntensitySeries
    notes: tuple[IntensityNote, ...] = ()


class IntensitySource(Protocol):
    """One place that knows the intensity of a grid."""

    def read(self, request: IntensityRequest) -> IntensityReading:
        """Return the series of a zone.

        Raises
        ------
        IntensityError
            The source cannot be read, or says something impossible.
        """
        ...
