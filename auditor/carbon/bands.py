"""How far a grid's carbon intensity may be off, by what it rests on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.domain.intensity import IntensityBasis


@dataclass(frozen=True)
class CarbonBands:
    """Relative half-width of the intensity for each `IntensityBasis`; 0.1 means plus or minus 10 %.

    The error is taken as common to all hours of one basis and to all jobs of a zone: it does not
    shrink with the number of jobs.

    Raises
    ------
    ValueError
        A half-width is negative or reaches 1, which would allow an intensity of nothing.

    Notes
    -----
    `measured`: two providers gave 166 and 211 g/kWh for one hour of one grid (github.com/
    carbon-intensity/methodology, issue 4), which is 12 % to either side of their mean; yearly means
    of one zone differ less. `forecast`: the above with a day-ahead error of 3 to 9 % (Maji, Shenoy
    and Sitaraman, "DACF: Day-ahead Carbon Intensity Forecasting", e-Energy 2022). `estimated`:
    twice `measured`, for hours that the provider filled in. `annual`: daily means of Great Britain,
    Germany, California and Texas scatter around their yearly mean by 20 to 37 % (standard
    deviation, hourly life-cycle series of Electricity Maps, 2023 and 2024).
    """

    measured_ratio: float = 0.10
    forecast_ratio: float = 0.15
    estimated_ratio: float = 0.20
    annual_ratio: float = 0.30

    def __post_init__(self) -> None:
        """Refuse what cannot be a half-width."""
        for ratio in self.by_basis():
            if not 0 <= ratio < 1:
                msg = f"a relative half-width is at least 0 and below 1, not {ratio}"
                raise ValueError(msg)

    def by_basis(self) -> NDArray[np.float64]:
        """Return the half-widths, indexed by `IntensityBasis`. (4,) [ratio]."""
        ratio_of = {
            IntensityBasis.MEASURED: self.measured_ratio,
            IntensityBasis.FORECAST: self.forecast_ratio,
            IntensityBasis.ESTIMATED: self.estimated_ratio,
            IntensityBasis.ANNUAL: self.annual_ratio,
        }
        return np.array([ratio_of[basis] for basis in IntensityBasis])


DEFAULT_BANDS = CarbonBands()
