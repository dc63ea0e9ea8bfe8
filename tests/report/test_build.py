import math
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.domain.frames import CATEGORY, COMPONENTS
from auditor.domain.job import QualityFlag
from auditor.report.as_csv import to_csv
from auditor.report.as_json import to_document
from auditor.report.build import NO_GPU, UNKNOWN, totals_of
from auditor.report.build_flags import TEXT_OF_FLAG
from auditor.report.model import BASES, DIMENSIONS
from tests.report.fakes import EQUIVALENCES, WEEK, by_day, report_of, runaway, week_of_runs

SUMMED = ("n_jobs", "energy_wh", "carbon_g", "carbon_low_g", "carbon_high_g", "gpu_s", "core_s")


@given(n_runs=st.integers(1, 60), seed=st.integers(0, 50))
@settings(deadline=None, max_examples=15)
def test_every_list_sums_to_the_totals(n_runs, seed):
    report = report_of(week_of_runs(n_runs, seed=seed))
    for dimension, name in product(DIMENSIONS, SUMMED):
        summed = math.fsum(getattr(group, name) for group in report.groups_of[dimension])
        assert summed == pytest.approx(getattr(report.totals, name), rel=1e-9), dimension


def test_components_and_overhead_sum_to_the_energy():
    report = report_of(week_of_runs())
    parts = report.components
    it_energy_wh = parts.gpu_wh + parts.cpu_wh + parts.memory_wh + parts.node_wh
    assert it_energy_wh == pytest.approx(report.totals.it_energy_wh, rel=1e-12)
    assert it_energy_wh + parts.overhead_wh == pytest.approx(report.totals.energy_wh, rel=1e-12)


def test_order_of_rows_changes_nothing():
    rows = week_of_runs()
    shuffled = rows.sample(frac=1, random_state=3).reset_index(drop=True)
    report, other = report_of(rows), report_of(shuffled)
    assert [job.job_id for job in report.jobs] == [job.job_id for job in other.jobs]
    assert other.totals.carbon_g == pytest.approx(report.totals.carbon_g, rel=1e-12)
    assert [group.key for group in report.groups_of["user"]] == [
        group.key for group in other.groups_of["user"]
    ]


def test_a_run_over_midnight_counts_on_its_first_day_only():
    rows = week_of_runs(1)
    rows["start_utc"] = pd.Series(pd.to_datetime(["2026-11-16T20:00:00Z"]).as_unit("us"))
    rows["end_utc"] = pd.Series(pd.to_datetime(["2026-11-18T20:00:00Z"]).as_unit("us"))
    days = report_of(rows).groups_of["day"]
    assert [(day.key, day.n_jobs) for day in days] == [
        ("2026-11-16", 1),
        ("2026-11-17", 0),
        ("2026-11-18", 0),
    ]


def test_missing_values_have_keys_of_their_own():
    rows = week_of_runs(40)
    rows["user"] = rows["user"].astype(object).where(rows.index > 3, None).astype(CATEGORY)
    groups_of = report_of(rows).groups_of
    keys = {name: {group.key for group in groups_of[name]} for name in ("user", "gpu")}
    assert UNKNOWN in keys["user"]
    assert NO_GPU in keys["gpu"]
    assert "" not in keys["gpu"]
    assert "None" not in keys["user"]


def test_largest_jobs_come_first_and_are_twenty():
    rows = week_of_runs(100)
    jobs = report_of(rows).jobs
    expected = np.sort(rows["carbon_g"].to_numpy())[::-1][:20]
    assert [job.carbon_g for job in jobs] == expected.tolist()
    assert len(report_of(rows, n_jobs_listed=None).jobs) == 100


def test_a_run_that_never_started_is_listed_without_instants():
    rows = week_of_runs(3)
    rows["start_utc"] = pd.Series([pd.NaT] * 3, dtype=rows["start_utc"].dtype)
    rows["n_gpu"] = np.nan
    job = report_of(rows, day_rows=by_day(week_of_runs(3))).jobs[0]
    assert job.start_utc is None
    assert job.n_gpu is None


def test_no_rows_is_a_report_of_nothing():
    report = report_of(week_of_runs(5).iloc[:0])
    assert report.totals.n_jobs == 0
    assert report.totals.carbon_g == 0
    assert report.jobs == ()
    assert set(report.groups_of.values()) == {()}
    assert report.quality.intensity_measured_ratio is None
    assert set(report.quality.energy_basis_ratio.values()) == {None}


def test_waste_is_what_ended_without_a_result():
    rows = week_of_runs(4)
    rows["state"] = pd.Series(["FAILED", "TIMEOUT", "COMPLETED", "PREEMPTED"], dtype=CATEGORY)
    report = report_of(rows)
    assert report.waste.n_jobs == 2
    assert report.waste.carbon_g == pytest.approx(rows["carbon_g"].iloc[:2].sum())
    state_of = {group.key: group for group in report.groups_of["state"]}
    assert state_of["FAILED"].wasted_carbon_g == pytest.approx(state_of["FAILED"].carbon_g)
    assert state_of["COMPLETED"].wasted_carbon_g == 0


@pytest.mark.parametrize(
    ("known_g", "expected"),
    [
        pytest.param([np.nan, np.nan], None, id="none known"),
        pytest.param([3.0, np.nan], 3.0, id="one known"),
        pytest.param([0.0, 0.0], 0.0, id="known to be nothing"),
    ],
)
def test_embodied_is_unknown_or_the_sum_of_the_known(known_g, expected):
    rows = week_of_runs(2).assign(embodied_g=known_g)
    assert totals_of(rows).embodied_g == expected


def test_bases_are_shares_of_the_energy():
    rows = week_of_runs(1)
    for component, part_wh, basis in zip(
        COMPONENTS,
        (600.0, 200.0, 100.0, 100.0),
        ("measured", "utilisation", "modelled", "assumed"),
        strict=True,
    ):
        rows[f"{component}_wh"] = part_wh
        rows[f"{component}_basis"] = pd.Series([basis], dtype=CATEGORY)
    ratio = report_of(rows).quality.energy_basis_ratio
    assert [ratio[basis] for basis in BASES] == pytest.approx([0.6, 0.2, 0.1, 0.1])


METERED_IN_PART = [
    pytest.param("measured", 45.0, (np.nan, np.nan), [0.45, 0.2, 0.1, 0.25], id="rest assumed"),
    pytest.param("measured", 45.0, (0.5, np.nan), [0.45, 0.35, 0.1, 0.1], id="rest used"),
    pytest.param("measured", 45.0, (0.5, 0.95), [0.45, 0.35, 0.1, 0.1], id="rest seen for most"),
    pytest.param("measured", 45.0, (0.5, 0.8), [0.45, 0.2, 0.1, 0.25], id="rest seen for little"),
    pytest.param("assumed", 15.0, (np.nan, np.nan), [0.15, 0.2, 0.1, 0.55], id="the smaller part"),
    pytest.param("measured", 60.0, (np.nan, np.nan), [0.6, 0.2, 0.1, 0.1], id="metered whole"),
]


@pytest.mark.parametrize(("gpu_basis", "measured_wh", "use", "expected"), METERED_IN_PART)
def test_accelerators_metered_in_part_are_measured_for_that_part(
    gpu_basis, measured_wh, use, expected
):
    parts = {"gpu": 60.0, "cpu": 20.0, "memory": 10.0, "node": 10.0}
    bases = {"gpu": gpu_basis, "cpu": "utilisation", "memory": "modelled", "node": "assumed"}
    rows = week_of_runs(1).assign(
        **{f"{name}_wh": part_wh for name, part_wh in parts.items()},
        **{f"{name}_basis": pd.Series([basis], dtype=CATEGORY) for name, basis in bases.items()},
        gpu_measured_wh=measured_wh,
        gpu_metered_ratio=0.75,
        gpu_utilisation_ratio=use[0],
        gpu_observed_ratio=use[1],
    )
    ratio = report_of(rows).quality.energy_basis_ratio
    assert [ratio[basis] for basis in BASES] == pytest.approx(expected)


def test_parts_of_devices_are_written_as_they_are():
    rows = week_of_runs(1).assign(n_gpu=0.25, n_cpus=0.5)
    report = report_of(rows)
    job = to_document(report)["jobs"][0]
    assert (job["n_gpu"], job["n_cpus"]) == (0.25, 0.5)
    assert ",0.25,0.5," in to_csv(report, "job")


def test_every_doubt_about_a_run_has_its_words():
    assert set(TEXT_OF_FLAG) == set(QualityFlag)


def test_measured_share_of_the_intensity_is_weighted_by_energy():
    rows = week_of_runs(2).assign(energy_wh=[900.0, 100.0], intensity_measured_ratio=[1.0, 0.5])
    assert report_of(rows).quality.intensity_measured_ratio == pytest.approx(0.95)


def test_flags_runaways_and_unknown_hardware_are_counted():
    quality = report_of(runaway(week_of_runs(10, seed=4))).quality
    counts = {flag.code: flag.n_jobs for flag in quality.flags}
    assert counts["RUNAWAY"] == 1
    assert quality.n_runaways == 1
    assert quality.runaways[0].reported_s == 41_000_000
    assert quality.runaways[0].counted_s < 41_000_000
    node = quality.unmatched_nodes[0]
    assert (node.accelerator, node.n_jobs) == ("quantum9000", 1)


def test_every_flag_has_a_sentence():
    rows = week_of_runs(2)
    rows["quality_flags"] = sum(flag.value for flag in QualityFlag)
    codes = {flag.code for flag in report_of(rows).quality.flags}
    assert codes == {flag.name for flag in QualityFlag}


def test_change_compares_with_the_span_before():
    rows = week_of_runs(20)
    half = rows.assign(carbon_g=rows["carbon_g"] * 0.5)
    assert report_of(half, previous=totals_of(rows)).change_ratio == pytest.approx(-0.5)
    assert report_of(rows, previous=None).change_ratio is None
    assert report_of(rows, previous=totals_of(rows.iloc[:0])).change_ratio is None


def test_equivalences_are_two_at_most():
    report = report_of(week_of_runs(20), equivalences=EQUIVALENCES * 2)
    assert len(report.equivalences) == 2
    assert report.equivalences[0].amount * 164.0 == pytest.approx(report.totals.carbon_g)


def test_an_equivalence_too_small_to_mean_anything_is_left_out():
    car, rail = EQUIVALENCES
    world = replace(car, unit="years of the whole world", factor_g=5.7e16)
    report = report_of(week_of_runs(20), equivalences=(world, rail))
    assert [one.factor for one in report.equivalences] == [rail]


def test_a_missing_number_adds_nothing():
    rows = week_of_runs(10)
    unknown = rows.copy()
    unknown.loc[0, ["core_s", "gpu_s", "energy_wh", "it_energy_wh", "carbon_g"]] = np.nan
    expected = rows["carbon_g"].iloc[1:].sum()
    report = report_of(unknown, day_rows=by_day(unknown))
    assert report.totals.n_jobs == 10
    assert report.totals.carbon_g == pytest.approx(expected)
    assert sum(group.carbon_g for group in report.groups_of["user"]) == pytest.approx(expected)


def test_period_and_filters_are_kept_and_empty_filters_left_out():
    report = report_of(week_of_runs(3), filters={"user": ["alice"], "state": []})
    assert report.period == WEEK
    assert report.filters == {"user": ("alice",)}
