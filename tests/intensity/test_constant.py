import pytest

from auditor.domain.intensity import IntensityBasis
from auditor.errors import IntensityError
from auditor.intensity.constant import ConstantSource, FallbackSource
from auditor.intensity.interface import Fallback, IntensityRequest

REQUEST = IntensityRequest("NO", Fallback(30.0, "Norway 2023"))


def test_a_stated_value_has_no_steps_and_holds_always():
    series = ConstantSource(25.0).read(REQUEST).series
    assert (series.zone, len(series.edges_s), len(series.g_per_kwh)) == ("NO", 0, 0)
    assert series.fallback_g_per_kwh == 25.0
    assert series.fallback_basis == IntensityBasis.ANNUAL
    assert series.source == "stated in the configuration"


def test_without_a_source_the_fallback_holds_and_says_where_it_is_from():
    series = FallbackSource().read(REQUEST).series
    assert (series.fallback_g_per_kwh, series.source) == (30.0, "Norway 2023")
    assert series.fallback_basis == IntensityBasis.ANNUAL


def test_series_of_two_values_have_two_names():
    digests = {ConstantSource(value).read(REQUEST).series.digest() for value in (25.0, 26.0)}
    assert len(digests) == 2


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 5000.1], ids=str)
def test_an_impossible_value_is_refused_with_its_zone(value):
    with pytest.raises(IntensityError, match="zone NO"):
        ConstantSource(value).read(REQUEST)


@pytest.mark.parametrize("value", [0.0, 5000.0], ids=str)
def test_the_limits_are_allowed(value):
    assert ConstantSource(value).read(REQUEST).series.fallback_g_per_kwh == value
