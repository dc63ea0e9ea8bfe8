import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.carbon.bands import CarbonBands
from auditor.carbon.embodied import EmbodiedFactors
from auditor.carbon.operational import estimate_carbon, exposure
from auditor.domain.frames import CARBON, check
from auditor.domain.intensity import IntensityBasis
from auditor.errors import IntensityError
from tests.carbon.runs import DAY_S, HOUR_S, book, epoch_s, grid, second_by_second

BANDS = CarbonBands(0.1, 0.15, 0.2, 0.3)
MIXED = grid(
    [100, 200, 300],
    basis=[IntensityBasis.MEASURED, IntensityBasis.ESTIMATED, IntensityBasis.FORECAST],
    fallback=400.0,
)


@pytest.mark.parametrize(
    ("start_s", "end_s", "mean", "measured", "half_width"),
    [
        pytest.param(0, HOUR_S, 100, 1.0, 0.1, id="measured"),
        pytest.param(HOUR_S, 2 * HOUR_S, 200, 0.0, 0.2, id="estimated"),
        pytest.param(0, 2 * HOUR_S, 150, 0.5, 50 / 300, id="half of each, weighed by carbon"),
        pytest.param(3 * HOUR_S, 4 * HOUR_S, 400, 0.0, 0.3, id="outside is annual"),
        pytest.param(1800, 1800, 100, 1.0, 0.1, id="no length takes its instant"),
        pytest.param(HOUR_S, HOUR_S, 200, 0.0, 0.2, id="no length on an edge takes the next step"),
        pytest.param(-HOUR_S, -HOUR_S, 400, 0.0, 0.3, id="no length outside"),
    ],
)
def test_exposure(start_s, end_s, mean, measured, half_width):
    seen = exposure(np.array([start_s]), np.array([end_s]), MIXED, BANDS)
    assert seen.mean_g_per_kwh[0] == pytest.approx(mean, rel=1e-14)
    assert seen.measured_ratio[0] == pytest.approx(measured, rel=1e-14)
    assert seen.half_width_ratio[0] == pytest.approx(half_width, rel=1e-14)


def test_a_grid_without_carbon_has_no_band():
    seen = exposure(np.array([0]), np.array([10]), grid([0.0, 5.0]), BANDS)
    assert (seen.mean_g_per_kwh[0], seen.half_width_ratio[0]) == (0.0, 0.0)


def test_a_stated_constant_is_what_its_basis_says():
    seen = exposure(np.array([5, 5]), np.array([5, 50]), grid([], fallback=30.0), BANDS)
    assert seen.mean_g_per_kwh.tolist() == [30.0, 30.0]
    assert seen.measured_ratio.tolist() == [0.0, 0.0]
    assert seen.half_width_ratio == pytest.approx([0.3, 0.3])


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param("2026-03-29", 23, id="spring"),
        pytest.param("2026-10-25", 25, id="autumn"),
    ],
)
def test_a_job_over_a_change_of_the_clocks_is_the_sum_of_its_seconds(day, hours):
    start_s = int(pd.Timestamp(day, tz="Europe/Berlin").timestamp())
    end_s = int((pd.Timestamp(day, tz="Europe/Berlin") + pd.DateOffset(days=1)).timestamp())
    assert end_s - start_s == hours * HOUR_S
    series = grid(np.random.default_rng(3).uniform(20, 700, 400), start_s=start_s - 100 * HOUR_S)
    seen = exposure(np.array([start_s]), np.array([end_s]), series, BANDS)
    expected = second_by_second(start_s, end_s, series) / (hours * HOUR_S)
    assert seen.mean_g_per_kwh[0] == pytest.approx(expected, rel=1e-12)


def test_a_job_across_both_changes_of_a_year_is_the_sum_of_its_seconds():
    start_s, end_s = epoch_s("2026-03-28T12:34:56+01:00"), epoch_s("2026-10-26T01:02:03+01:00")
    values = np.random.default_rng(4).uniform(20, 700, 366 * 24)
    series = grid(values, start_s=epoch_s("2026-01-01T00:00:00+00:00"))
    seen = exposure(np.array([start_s]), np.array([end_s]), series, BANDS)
    expected = second_by_second(start_s, end_s, series) / (end_s - start_s)
    assert seen.mean_g_per_kwh[0] == pytest.approx(expected, rel=1e-12)


def jobs_and_energy():
    jobs = book(
        [0, HOUR_S, None, None, 10],
        [2 * HOUR_S, HOUR_S, 0, 0, 0],
        end_s=[2 * HOUR_S, 2 * HOUR_S, HOUR_S, None, 10],
        energy_low_wh=[500, 500, 0, 0, 0],
        energy_wh=[1000, np.nan, 0, 0, 0],
        energy_high_wh=[2000, 2000, 0, 0, 0],
    )
    jobs["cluster"] = pd.Categorical(
        ["alpha", "beta", "alpha", "beta", "alpha"], ["alpha", "beta", "unused"]
    )
    return jobs


SERIES_OF = {"alpha": MIXED, "beta": grid([], fallback=30.0, zone="NO")}


def test_estimate_has_the_columns_of_carbon():
    jobs = jobs_and_energy()
    carbon = estimate_carbon(jobs, jobs, SERIES_OF, BANDS)
    expected = tuple(column for column in CARBON if column.name != "factor_set")
    assert list(check(carbon, expected).columns) == [column.name for column in expected]
    assert carbon.index.equals(jobs.index)


def test_estimate_of_each_run():
    jobs = jobs_and_energy()
    carbon = estimate_carbon(jobs, jobs, SERIES_OF, BANDS)
    assert carbon["zone"].tolist() == ["DE", "NO", "DE", "NO", "DE"]
    np.testing.assert_allclose(carbon["intensity_g_per_kwh"], [150, 30, np.nan, np.nan, 100])
    np.testing.assert_allclose(carbon["intensity_measured_ratio"], [0.5, 0, np.nan, np.nan, 1])
    np.testing.assert_allclose(carbon["carbon_g"], [150, np.nan, 0, 0, 0])
    half_width = 50 / 300
    np.testing.assert_allclose(carbon["carbon_low_g"][0], 75 * (1 - half_width))
    np.testing.assert_allclose(carbon["carbon_high_g"][0], 300 * (1 + half_width))
    assert carbon["embodied_g"].isna().all()


def test_embodied_is_its_own_column():
    jobs = jobs_and_energy()
    carbon = estimate_carbon(jobs, jobs, SERIES_OF, BANDS, EmbodiedFactors(g_per_core_hour=2.0))
    np.testing.assert_allclose(carbon["embodied_g"], [4, 2, 0, 0, 0])
    np.testing.assert_allclose(carbon["carbon_g"], [150, np.nan, 0, 0, 0])


def test_a_cluster_without_series_is_refused_by_name():
    jobs = jobs_and_energy()
    with pytest.raises(IntensityError, match="beta"):
        estimate_carbon(jobs, jobs, {"alpha": MIXED}, BANDS)


def test_a_cluster_without_a_run_needs_no_series():
    jobs = jobs_and_energy()[lambda rows: rows["cluster"] == "alpha"]
    assert len(estimate_carbon(jobs, jobs, {"alpha": MIXED}, BANDS)) == 3


def test_no_jobs_no_rows():
    jobs = jobs_and_energy().iloc[:0]
    assert len(estimate_carbon(jobs, jobs, SERIES_OF, BANDS)) == 0


@settings(deadline=None, max_examples=50)
@given(
    factor=st.floats(0.01, 100),
    start_s=st.integers(0, 9 * DAY_S),
    length_s=st.integers(0, DAY_S),
)
def test_carbon_scales_with_energy_and_with_intensity(factor, start_s, length_s):
    values = np.random.default_rng(7).uniform(1, 900, 240)
    jobs = book([start_s], [length_s], energy_wh=[123.0])
    jobs["cluster"] = pd.Categorical(["alpha"])
    more = jobs.assign(energy_wh=jobs["energy_wh"] * factor)
    one = estimate_carbon(jobs, jobs, {"alpha": grid(values)}, BANDS)["carbon_g"][0]
    by_energy = estimate_carbon(jobs, more, {"alpha": grid(values)}, BANDS)["carbon_g"][0]
    by_grid = estimate_carbon(jobs, jobs, {"alpha": grid(values * factor)}, BANDS)["carbon_g"][0]
    assert by_energy == pytest.approx(one * factor, rel=1e-12)
    assert by_grid == pytest.approx(one * factor, rel=1e-9)
