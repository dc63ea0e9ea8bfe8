"""What meters said, put into runs."""

import math

import pandas as pd
import pytest

from auditor.domain.frames import METERS
from auditor.domain.job import QualityFlag
from auditor.normalize.interface import ExportContext
from auditor.normalize.kubernetes.frame import PODS
from auditor.normalize.kubernetes.jobs import assemble_pods
from auditor.normalize.kubernetes.meters import with_meters

CONTEXT = ExportContext("test", "cloud", None, {}, "UTC")
START = pd.Timestamp("2026-11-23T10:00:00Z")
HOUR_S = 3600
GIB = 2.0**30


def jobs(**changes):
    pod = {
        "uid": "u1", "namespace": "team", "name": "p1", "state": "COMPLETED", "created_utc": START,
        "start_utc": START, "end_utc": START + pd.Timedelta(hours=2), "is_open": False,
        "n_cpus": 4.0, "memory_bytes": 8 * GIB, "n_gpu": 2.0, "gpu_types": "A100=2",
        "n_restarts": 0, "quality_flags": 0, "line": 1,
        **changes,
    }  # fmt: skip
    frame = pd.DataFrame([pod], columns=[column.name for column in PODS])
    for column in PODS:
        cells = frame[column.name]
        if column.dtype.startswith("datetime"):
            cells = pd.to_datetime(cells, utc=True)
        frame[column.name] = cells.astype(column.dtype)
    return assemble_pods(frame, CONTEXT, "cloud").jobs


def totals(**sums):
    row = dict.fromkeys((column.name for column in METERS), 0.0)
    row |= {"uid": "u1", "max_memory_bytes": math.nan, **sums}
    return pd.DataFrame([row]).drop(columns="slot_utc").astype({"uid": "str"})


def test_runs_that_nobody_metered_stay_as_they_are():
    before = jobs()
    pd.testing.assert_frame_equal(with_meters(before, totals(uid="u2")), before)
    pd.testing.assert_frame_equal(with_meters(before, totals().iloc[:0]), before)


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        pytest.param(
            {"gpu_energy_j": 100.0, "gpu_metered_s": 3.0 * HOUR_S},
            {"gpu_energy_j": 100.0, "gpu_metered_ratio": 0.75},
            id="three of four accelerator hours",
        ),
        pytest.param(
            {"gpu_energy_j": 100.0, "gpu_metered_s": 4.0 * HOUR_S + 30},
            {"gpu_metered_ratio": 1.0},
            id="a step too much",
        ),
        pytest.param(
            {"gpu_busy_s": 1800.0, "gpu_observed_s": 7200.0},
            {
                "gpu_utilisation_ratio": 0.25,
                "gpu_observed_ratio": 0.5,
                "gpu_energy_j": None,
                "gpu_metered_ratio": None,
            },
            id="utilisation alone, of half the accelerator hours",
        ),
        pytest.param(
            {"gpu_busy_s": 3600.0, "gpu_observed_s": 4.0 * HOUR_S + 30},
            {"gpu_utilisation_ratio": 3600 / 14430, "gpu_observed_ratio": 1.0},
            id="seen a step too long",
        ),
        pytest.param(
            {"gpu_energy_j": 100.0, "gpu_metered_s": 3.0 * HOUR_S},
            {"gpu_utilisation_ratio": None, "gpu_observed_ratio": None},
            id="never seen at work",
        ),
        pytest.param(
            {"cpu_s": 3600.0, "cpu_metered_s": 3600.0},
            {"total_cpu_s": 7200.0, "n_cpus": 4.0},
            id="half the run speaks for all of it",
        ),
        pytest.param(
            {"cpu_s": 3000.0, "cpu_metered_s": 3000.0},
            {"total_cpu_s": None},
            id="less does not",
        ),
        pytest.param(
            {"cpu_s": 9.0 * HOUR_S, "cpu_metered_s": 2.0 * HOUR_S},
            {"total_cpu_s": 9.0 * HOUR_S, "n_cpus": 4.5},
            id="more cores than it asked for",
        ),
        pytest.param(
            {"cpu_s": 8.02 * HOUR_S, "cpu_metered_s": 2.0 * HOUR_S},
            {"n_cpus": 4.0},
            id="all it asked for, read a little later",
        ),
        pytest.param(
            {"max_memory_bytes": 9 * GIB},
            {"max_rss_bytes": 9 * GIB, "memory_bytes": 9 * GIB},
            id="more memory than it asked for",
        ),
        pytest.param(
            {"max_memory_bytes": GIB},
            {"max_rss_bytes": GIB, "memory_bytes": 8 * GIB},
            id="less memory than it asked for",
        ),
    ],
)
def test_what_meters_said(sums, expected):
    row = with_meters(jobs(), totals(**sums)).iloc[0]
    for name, value in expected.items():
        assert pd.isna(row[name]) if value is None else row[name] == pytest.approx(value), name


def test_accelerators_that_nobody_asked_for_are_held_while_they_are_metered():
    sums = {"gpu_energy_j": 500.0, "gpu_metered_s": 1800.0}
    sums |= {"gpu_busy_s": 300.0, "gpu_observed_s": 450.0}
    row = with_meters(jobs(n_gpu=0.0, gpu_types=""), totals(**sums)).iloc[0]
    assert (row["n_gpu"], row["gpu_types"], row["gpu_metered_ratio"]) == (0.25, "=0.25", 1.0)
    assert row["gpu_observed_ratio"] == 0.25
    assert row["quality_flags"] & QualityFlag.GPU_TYPE_UNKNOWN


def test_what_never_ran_used_nothing():
    waiting = jobs(start_utc=None, end_utc=None, is_open=True, state="PENDING")
    pd.testing.assert_frame_equal(
        with_meters(waiting, totals(gpu_energy_j=5.0, gpu_metered_s=9.0)), waiting
    )


def test_views_with_meters_rank_above_those_without():
    before = jobs()
    after = with_meters(before, totals(gpu_energy_j=5.0, gpu_metered_s=9.0))
    assert after["rank"].iloc[0] > before["rank"].iloc[0]
