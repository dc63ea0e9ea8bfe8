import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.carbon.integral import integrate, locate, with_fallback
from tests.carbon.runs import DAY_S, HOUR_S, grid, second_by_second


def integral(start_s, end_s, series):
    spans = locate(np.array([start_s]), np.array([end_s]), series)
    values = with_fallback(series.g_per_kwh, series.fallback_g_per_kwh)
    return float(integrate(spans, values)[0])


STEPS = grid([100, 200, 0, 50], start_s=1000, step_s=100, fallback=7.0)


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        pytest.param(1010, 1030, 2_000, id="inside one step"),
        pytest.param(1000, 1100, 10_000, id="one whole step"),
        pytest.param(1000, 1200, 30_000, id="two whole steps"),
        pytest.param(1050, 1150, 15_000, id="cuts both"),
        pytest.param(1150, 1350, 12_500, id="over a step of nothing"),
        pytest.param(1050, 1400, 30_000, id="up to the very end"),
        pytest.param(990, 1000, 70, id="up to the first edge"),
        pytest.param(900, 1010, 1_700, id="begins before"),
        pytest.param(1390, 1410, 570, id="ends after"),
        pytest.param(900, 1500, 700 + 35_000 + 700, id="over all of it"),
        pytest.param(0, 10, 70, id="long before"),
        pytest.param(2000, 2010, 70, id="long after"),
        pytest.param(1150, 1150, 0, id="no length"),
        pytest.param(1100, 1100, 0, id="no length on an edge"),
    ],
)
def test_integral(start_s, end_s, expected):
    assert integral(start_s, end_s, STEPS) == pytest.approx(expected, rel=1e-15, abs=0)


def test_a_constant_has_no_edges():
    assert integral(10, 30, grid([], fallback=50.0)) == 1000


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    start_s=st.integers(-5 * DAY_S, 45 * DAY_S),
    length_s=st.integers(1, 5 * DAY_S),
)
def test_it_is_the_sum_of_its_seconds(seed, start_s, length_s):
    series = grid(np.random.default_rng(seed).uniform(0, 900, 40 * 24))
    expected = second_by_second(start_s, start_s + length_s, series)
    assert integral(start_s, start_s + length_s, series) == pytest.approx(expected, rel=1e-12)


def test_a_second_is_exact_after_ten_years_of_five_minute_steps():
    n_steps = 10 * 365 * 288
    values = np.random.default_rng(1).uniform(0.001, 1500, n_steps)
    series = grid(values, step_s=300)
    start_s = n_steps * 300 - 2 * DAY_S - 1
    for length_s in (1, 2, 299, 301, HOUR_S, DAY_S):
        expected = second_by_second(start_s, start_s + length_s, series)
        assert integral(start_s, start_s + length_s, series) == pytest.approx(expected, rel=1e-12)
