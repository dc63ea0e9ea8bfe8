"""Everything that turns a job into a number, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.carbon.bands import CarbonBands
from auditor.carbon.embodied import EmbodiedFactors
from auditor.domain.intensity import IntensitySeries
from auditor.energy.model import EnergyModel
from auditor.hardware.match import HardwareMatcher
from auditor.ledger.interface import FactorSet


@dataclass(frozen=True)
class Factors:
    """What `wiring` makes of the settings.

    `series_of` gives the grid of a cluster by name; `factor_set` names all of this together.
    """

    hardware: HardwareMatcher
    energy_model: EnergyModel
    series_of: Mapping[str, IntensitySeries]
    bands: CarbonBands
    embodied: EmbodiedFactors
    factor_set: FactorSet
