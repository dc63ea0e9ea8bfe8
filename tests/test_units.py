import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.units import carbon_text, energy_text, hours_text


@pytest.mark.parametrize(
    ("grams", "text"),
    [
        pytest.param(0.0, "0 g", id="nothing"),
        pytest.param(0.1234, "0.123 g", id="below one"),
        pytest.param(1.0, "1.00 g", id="one"),
        pytest.param(999.4, "999 g", id="just below a kilogram"),
        pytest.param(999.6, "1.00 kg", id="rounded before the unit is chosen"),
        pytest.param(12_345.0, "12.3 kg", id="kilograms"),
        pytest.param(999_999.0, "1.00 t", id="a tonne, not 1,000 kg"),
        pytest.param(5_000_000.0, "5.00 t", id="tonnes are not a thousand times too big"),
        pytest.param(2.5e9, "2.50 kt", id="kilotonnes"),
        pytest.param(-1500.0, "-1.50 kg", id="a difference may be negative"),
        pytest.param(math.nan, "unknown", id="unknown is said"),
    ],
)
def test_carbon_is_written_with_three_digits(grams, text):
    assert carbon_text(grams) == text


def test_energy_and_hours_are_written_for_people():
    assert energy_text(18_798_204.0) == "18.8 MWh"
    assert hours_text(39 * 3600.0) == "39.00 h"
    assert hours_text(1247.03 * 3600.0) == "1,247 h"


_FACTORS = {"g": 1.0, "kg": 1e3, "t": 1e6, "kt": 1e9, "Mt": 1e12}


@given(st.floats(min_value=1e-3, max_value=9e14))
@settings(deadline=None)
def test_no_scaled_number_is_off_by_more_than_half_a_percent(grams):
    number, unit = carbon_text(grams).split(" ")
    shown = float(number.replace(",", ""))
    assert shown * _FACTORS[unit] == pytest.approx(grams, rel=5.1e-3)
    assert shown < 1000
