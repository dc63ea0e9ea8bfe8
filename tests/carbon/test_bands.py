import pytest

from auditor.carbon.bands import CarbonBands
from auditor.domain.intensity import IntensityBasis


def test_the_less_a_value_is_measured_the_wider_its_band():
    by_basis = CarbonBands().by_basis()
    order = [
        IntensityBasis.MEASURED,
        IntensityBasis.FORECAST,
        IntensityBasis.ESTIMATED,
        IntensityBasis.ANNUAL,
    ]
    assert [by_basis[basis] for basis in order] == sorted(by_basis)


def test_each_basis_has_its_own_value():
    bands = CarbonBands(
        measured_ratio=0.01, forecast_ratio=0.02, estimated_ratio=0.03, annual_ratio=0.04
    )
    assert bands.by_basis()[IntensityBasis.ESTIMATED] == 0.03
    assert bands.by_basis()[IntensityBasis.ANNUAL] == 0.04


@pytest.mark.parametrize("ratio", [-0.1, 1.0, float("nan")])
def test_what_cannot_be_a_half_width_is_refused(ratio):
    with pytest.raises(ValueError, match="half-width"):
        CarbonBands(annual_ratio=ratio)
