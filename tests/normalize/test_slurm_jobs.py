from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.domain.frames import JOBS, check
from auditor.domain.job import QualityFlag as Flag
from auditor.normalize.sacct_fields import USED_FIELDS
from auditor.normalize.slurm_jobs import assemble_jobs
from tests.normalize.raw_frames import CONTEXT, raw_frame

GIB = 2.0**30
NAN = np.nan
# One run of an hour, cell by cell; a test changes some of them and drops others (None).
ORDINARY = {
    "JobIDRaw": "4711",
    "JobID": "4711",
    "Cluster": "alpha",
    "User": "alice",
    "Account": "ml",
    "Partition": "gpu",
    "QOS": "normal",
    "WCKey": "*",
    "State": "COMPLETED",
    "Submit": "1795450000",
    "Eligible": "1795450001",
    "Start": "1795450100",
    "End": "1795453700",
    "ElapsedRaw": "3600",
    "Suspended": "00:00:00",
    "TimelimitRaw": "120",
    "NCPUS": "4",
    "NNodes": "1",
    "ReqMem": "8G",
    "AllocTRES": "cpu=4,gres/gpu:a100=2,gres/gpu=2,mem=8G,node=1",
    "TotalCPU": "02:00:00",
    "MaxRSS": "",
    "ConsumedEnergyRaw": "0",
    "NodeList": "a100-1",
    "JobName": "train",
}
DAY = "1-00:00:00"


def assemble(context=CONTEXT, **cells):
    """Assemble the ordinary run with some cells changed."""
    row = {name: cell for name, cell in {**ORDINARY, **cells}.items() if cell is not None}
    text = "|".join(row) + "\n" + "|".join(row.values())
    assembled = assemble_jobs(raw_frame(text), context)
    check(assembled.jobs, JOBS)
    return assembled


def job(context=CONTEXT, **cells):
    assembled = assemble(context, **cells)
    assert assembled.rejects == []
    return assembled.jobs.iloc[0]


def test_an_ordinary_run_is_taken_as_it_is():
    run = job()
    expected = {
        "cluster": "alpha",
        "raw_job_id": "4711",
        "submit_utc": pd.Timestamp(1795450000, unit="s", tz="UTC"),
        "n_restarts": 0,
        "job_id": "4711",
        "user": "alice",
        "account": "ml",
        "partition": "gpu",
        "qos": "normal",
        "wckey": "*",
        "state": "COMPLETED",
        "job_name": "train",
        "node_list": "a100-1",
        "eligible_utc": pd.Timestamp(1795450001, unit="s", tz="UTC"),
        "start_utc": pd.Timestamp(1795450100, unit="s", tz="UTC"),
        "end_utc": pd.Timestamp(1795453700, unit="s", tz="UTC"),
        "elapsed_s": 3600,
        "reported_elapsed_s": 3600,
        "suspended_s": 0,
        "time_limit_s": 7200.0,
        "n_cpus": 4.0,
        "n_nodes": 1.0,
        "n_gpu": 2.0,
        "gpu_types": "a100=2",
        "memory_bytes": 8 * GIB,
        "requested_memory_decimal_gb": 8.0,
        "total_cpu_s": 7200.0,
        "is_open": False,
        "quality_flags": 0,
        "source": "export.txt",
        "line": 2,
    }
    assert {name: run[name] for name in expected} == expected
    unknown = ["parent_job_id", "max_rss_bytes", "gpu_utilisation_ratio", "consumed_energy_j"]
    assert run[unknown].isna().all()


def test_every_field_that_is_read_is_one_that_readers_hand_over():
    assert set(ORDINARY) <= USED_FIELDS


@pytest.mark.parametrize(
    ("cells", "column", "value"),
    [
        ({"Restarts": "3"}, "n_restarts", 3),
        ({"JobID": "14_4"}, "parent_job_id", "14"),
        ({"JobIDRaw": None, "JobID": "14_4"}, "raw_job_id", "14_4"),
        ({"JobID": None}, "job_id", "4711"),
        ({"State": "CANCELLED by 1001"}, "state", "CANCELLED"),
        ({"Cluster": "beta"}, "cluster", "beta"),
        ({"ElapsedRaw": None, "Elapsed": "01:00:00"}, "elapsed_s", 3600),
        ({"ElapsedRaw": "", "Elapsed": "01:00:00"}, "elapsed_s", 3600),
        ({"TimelimitRaw": "UNLIMITED"}, "time_limit_s", np.inf),
        ({"TimelimitRaw": "4294967295"}, "time_limit_s", np.inf),
        ({"TimelimitRaw": None, "Timelimit": DAY}, "time_limit_s", 86400.0),
        ({"TimelimitRaw": "Partition_Limit", "Timelimit": DAY}, "time_limit_s", 86400.0),
        ({"TimelimitRaw": "soon"}, "time_limit_s", NAN),
        ({"AllocTRES": ""}, "n_cpus", 4.0),
        ({"AllocTRES": "", "AllocCPUS": "6"}, "n_cpus", 6.0),
        ({"AllocTRES": "", "NCPUS": None, "ReqCPUS": "3"}, "n_cpus", 3.0),
        ({"AllocTRES": "", "NCPUS": "four"}, "n_cpus", NAN),
        ({"AllocTRES": "cpu=4", "NNodes": None, "NodeList": "a[1-3]"}, "n_nodes", 3.0),
        ({"AllocTRES": "cpu=4", "NNodes": None, "NodeList": "a[1-"}, "n_nodes", NAN),
        ({"AllocTRES": None}, "n_gpu", NAN),
        ({"AllocTRES": "cpu=4"}, "memory_bytes", 8 * GIB),
        ({"AllocTRES": "cpu=4", "ReqMem": "3000Mc"}, "memory_bytes", 12000 * 2.0**20),
        ({"AllocTRES": "cpu=4,node=2", "ReqMem": "3Gn"}, "memory_bytes", 6 * GIB),
        ({"ReqMem": "3000Mc"}, "requested_memory_decimal_gb", 12.0),
        ({"ReqMem": "2147486648Mn"}, "requested_memory_decimal_gb", 8.0),
        ({"ReqMem": None}, "requested_memory_decimal_gb", 8.0),
        ({"TotalCPU": "", "UserCPU": "01:00:00", "SystemCPU": ""}, "total_cpu_s", 3600.0),
        ({"TotalCPU": "00:00:00"}, "total_cpu_s", NAN),
        ({"MaxRSS": "1G"}, "max_rss_bytes", GIB),
        ({"ConsumedEnergyRaw": "500"}, "consumed_energy_j", 500.0),
        ({"TRESUsageInAve": "gres/gpuutil=50"}, "gpu_utilisation_ratio", 0.5),
        ({"User": ""}, "user", None),
        ({"User": "(platform)"}, "user", None),
        ({"User": "Unknown"}, "user", "Unknown"),
        ({"Account": "(Platform)"}, "account", None),
        ({"Account": "(unknown)"}, "account", None),
    ],
)
def test_a_cell_becomes_a_column(cells, column, value):
    found = job(**cells)[column]
    missing = value is None or value != value  # noqa: PLR0124  (NaN)
    assert pd.isna(found) if missing else found == value


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        ({"TotalCPU": "04:05:00"}, Flag.CPU_TIME_ABOVE_ALLOCATION),
        ({"TotalCPU": "04:04:00"}, 0),
        ({"State": "FOO"}, Flag.STATE_UNKNOWN),
        ({"AllocTRES": "cpu=4", "ReqMem": "0n"}, Flag.MEMORY_UNUSABLE),
        ({"AllocTRES": "", "NCPUS": None}, Flag.RESOURCES_UNKNOWN),
        ({"AllocTRES": "cpu=4,gres/gpu=2"}, Flag.GPU_TYPE_UNKNOWN),
        ({"AllocTRES": "cpu=4,gres/gpu:a100=1,gres/gpu=2"}, Flag.GPU_TYPE_UNKNOWN),
        ({"End": "Unknown"}, Flag.END_UNKNOWN),
        ({"Start": None}, Flag.START_FROM_SUBMIT),
        ({"Submit": None}, Flag.SUBMIT_FROM_START),
        ({"Suspended": None, "End": "1795453800"}, Flag.SUSPENDED_INFERRED),
    ],
)
def test_what_is_odd_is_flagged(cells, flags):
    assert job(**cells)["quality_flags"] == flags


def test_a_text_that_can_be_forged_is_flagged():
    run = job(replace(CONTEXT, forgeable=True))
    assert run["quality_flags"] == Flag.FORGEABLE


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"JobIDRaw": "root"}, "its id is no job id"),
        ({"Start": "23/11/2026 04:21 PM"}, "Start is no time"),
        ({"ElapsedRaw": "-5"}, "ElapsedRaw is no duration"),
        ({"ElapsedRaw": "UNLIMITED"}, "Elapsed has no end"),
        ({"Suspended": "a while"}, "Suspended is no duration"),
        ({"AllocTRES": "cpu=abc"}, "AllocTRES cannot be read"),
        ({"ElapsedRaw": "", "End": "1795450000"}, "it ends before it starts"),
    ],
)
def test_what_cannot_be_is_a_reject_with_its_line(cells, reason):
    assembled = assemble(**cells)
    assert len(assembled.jobs) == 0
    assert [(reject.source, reject.line) for reject in assembled.rejects] == [("export.txt", 2)]
    assert assembled.rejects[0].reason.startswith(reason)
    assert "alice" in assembled.rejects[0].text


def test_a_nameless_cluster_is_a_reject():
    assembled = assemble(replace(CONTEXT, default_cluster=None), Cluster="")
    assert "--cluster" in assembled.rejects[0].reason


def test_every_row_is_a_job_a_step_or_a_reject():
    raw = raw_frame("""
        JobIDRaw|State|Submit|Start|End|ElapsedRaw|AllocTRES|TotalCPU|MaxRSS
        1|COMPLETED|1795450000|1795450100|1795450200|100|cpu=1,mem=1G,node=1|00:00:00|
        1.batch|COMPLETED|1795450100|1795450100|1795450230|130|cpu=1,mem=1G,node=1|01:30.500|512M
        1.extern|COMPLETED|1795450100|1795450100|1795450230|130|cpu=1,mem=1G,node=1|00:00.001|
        oops|COMPLETED|1795450000|1795450100|1795450200|100|cpu=1|00:00:00|
        2|FAILED|1795450000|someday|1795450200|100|cpu=1,mem=1G,node=1|00:00:00|
        2.batch|FAILED|1795450100|1795450100|1795450230|130|cpu=1|00:00:09|1K
        1|COMPLETED|1795460000|1795460100|1795460200|100|cpu=1,mem=1G,node=1|00:00:05|
        9.0|COMPLETED|1795450100|1795450100|1795450230|130|cpu=1|00:00:09|1K
    """)
    assembled = assemble_jobs(raw, CONTEXT)
    assert (len(assembled.jobs), assembled.n_steps, len(assembled.rejects)) == (2, 4, 2)
    assert assembled.jobs["elapsed_s"].tolist() == [100, 100]
    assert assembled.jobs["total_cpu_s"].tolist() == [90.501, 5.0]
    assert assembled.jobs["max_rss_bytes"].tolist() == pytest.approx([2.0**29, NAN], nan_ok=True)
    assert assembled.jobs["line"].tolist() == [2, 8]
    assert [reject.line for reject in assembled.rejects] == [5, 6]
    assert [note.code for note in assembled.notes] == ["cluster_by_default", "orphan_steps"]


@pytest.mark.parametrize(
    ("cells", "codes"),
    [({"Start": None}, ["start_from_submit"]), ({"AllocTRES": None}, ["no_alloc_tres"])],
)
def test_what_an_export_lacks_is_said(cells, codes):
    assert [note.code for note in assemble(**cells).notes] == codes


def test_no_rows_are_no_jobs():
    raw = raw_frame("|".join(ORDINARY) + "\n" + "|".join(ORDINARY.values()))
    assembled = assemble_jobs(raw.iloc[:0], CONTEXT)
    check(assembled.jobs, JOBS)
    assert len(assembled.jobs) == 0


def test_a_run_that_never_started_held_nothing():
    run = job(
        State="CANCELLED", Start="None", ElapsedRaw="0", AllocTRES="", NodeList="None assigned",
        NCPUS="", NNodes="", TotalCPU="00:00:00",
    )  # fmt: skip
    assert pd.isna(run["start_utc"])
    assert run["end_utc"] == pd.Timestamp(1795453700, unit="s", tz="UTC")
    assert run[["n_cpus", "n_nodes", "n_gpu", "elapsed_s"]].tolist() == [0, 0, 0, 0]
    assert run["quality_flags"] == 0


@pytest.mark.parametrize(
    ("cells", "started"),
    [
        ({"NodeList": "None assigned"}, False),
        ({"NodeList": None, "AllocTRES": ""}, False),
        ({"NodeList": None, "AllocTRES": None, "NNodes": "0"}, False),
        ({"NodeList": None, "AllocTRES": None, "NNodes": None}, True),
        ({}, True),
    ],
)
def test_a_run_of_no_time_started_if_it_had_a_node(cells, started):
    run = job(ElapsedRaw="0", End=ORDINARY["Start"], **cells)
    assert pd.notna(run["start_utc"]) == started


# Runs over both changes of the clocks: ids, local times in Berlin and New York, and UTC.
CLOCKS = """
    JobIDRaw|Submit|Start|End|ElapsedRaw|Suspended|State|AllocTRES
    1|{0}|{1}|{2}|3600|00:00:00|COMPLETED|cpu=1,mem=1G
"""
DST = {
    "same label": (
        "2026-10-25T02:00:00 2026-10-25T02:30:00 2026-10-25T02:30:00",
        "2026-10-24T20:00:00 2026-10-24T20:30:00 2026-10-24T21:30:00",
        "2026-10-25T00:30:00Z",
    ),
    "over the gap": (
        "2026-03-29T01:00:00 2026-03-29T01:30:00 2026-03-29T03:30:00",
        "2026-03-28T20:00:00 2026-03-28T20:30:00 2026-03-28T21:30:00",
        "2026-03-29T00:30:00Z",
    ),
    "the hour of New York": (
        "2026-11-01T06:00:00 2026-11-01T06:45:00 2026-11-01T07:45:00",
        "2026-11-01T01:00:00 2026-11-01T01:45:00 2026-11-01T01:45:00",
        "2026-11-01T05:45:00Z",
    ),
}


@pytest.mark.parametrize(("berlin", "new_york", "start"), DST.values(), ids=DST)
def test_local_exports_of_two_zones_give_equal_instants(berlin, new_york, start):
    for times, cluster in ((berlin, "alpha"), (new_york, "beta")):
        raw = raw_frame(CLOCKS.format(*times.split()))
        jobs = assemble_jobs(raw, replace(CONTEXT, default_cluster=cluster)).jobs
        assert jobs["start_utc"].tolist() == [pd.Timestamp(start)]
        assert jobs["end_utc"].tolist() == [pd.Timestamp(start) + pd.Timedelta(hours=1)]
        assert jobs["quality_flags"].tolist() == [0]


def berlin(instant_s):
    zone = ZoneInfo("Europe/Berlin")
    return datetime.fromtimestamp(instant_s, zone).replace(tzinfo=None).isoformat()


CHANGES_S = (1774746000, 1792890000)  # 2026-03-29 and 2026-10-25, 01:00 UTC


@settings(deadline=None)
@given(
    st.sampled_from(CHANGES_S),
    st.integers(-3 * 3600, 3 * 3600),
    st.integers(0, 4 * 3600),
    st.integers(0, 5 * 3600),
)
def test_a_local_export_is_read_right_or_flagged(change_s, offset_s, wait_s, elapsed_s):
    start_s = change_s + offset_s
    times = {
        "Submit": berlin(start_s - wait_s),
        "Eligible": berlin(start_s - wait_s),
        "Start": berlin(start_s),
        "End": berlin(start_s + elapsed_s),
        "ElapsedRaw": str(elapsed_s),
    }
    run = job(**times, TotalCPU="")
    ambiguous = run["quality_flags"] == Flag.TIME_AMBIGUOUS
    assert ambiguous or run["quality_flags"] == 0
    assert ambiguous or run["start_utc"].timestamp() == start_s
    assert ambiguous or run["submit_utc"].timestamp() == start_s - wait_s
    assert (run["end_utc"] - run["start_utc"]).total_seconds() == elapsed_s


def test_each_row_is_read_in_the_zone_of_its_cluster():
    raw = raw_frame("""
        JobIDRaw|Cluster|Submit|Start|End|ElapsedRaw|AllocTRES
        1|alpha|2026-11-23T12:00:00|2026-11-23T12:00:00|2026-11-23T12:01:00|60|cpu=1,mem=1G
        2|beta|2026-11-23T12:00:00|2026-11-23T12:00:00|2026-11-23T12:01:00|60|cpu=1,mem=1G
        3|beta|1795450000|1795450000|1795450060|60|cpu=1,mem=1G
    """)
    hours = assemble_jobs(raw, CONTEXT).jobs["start_utc"].dt.strftime("%H:%M").tolist()
    assert hours == ["11:00", "17:00", "16:06"]


def test_rows_may_come_in_any_order():
    raw = raw_frame("""
        JobIDRaw|State|Submit|Start|End|ElapsedRaw|AllocTRES|TotalCPU
        1|COMPLETED|1795450000|1795450100|1795450200|100|cpu=1,mem=1G|00:01:00
        2|RUNNING|1795450000|1795450100|Unknown|700|cpu=2,gres/gpu=1,mem=1G|00:00:00
        3|FAILED|1795450000|1795450150|1795450200|50|cpu=4,gres/gpu:a100=1,mem=2G|00:00:07.250
    """)
    forward = assemble_jobs(raw, CONTEXT).jobs.set_index("raw_job_id")
    backward = assemble_jobs(raw.iloc[::-1], CONTEXT).jobs.set_index("raw_job_id")
    columns = ["rank", "elapsed_s", "total_cpu_s", "n_gpu", "gpu_types", "state", "line"]
    left, right = forward[columns].astype(str), backward.loc[forward.index, columns].astype(str)
    pd.testing.assert_frame_equal(left, right)


@pytest.mark.parametrize(("end", "is_open"), [("1795453700", False), ("Unknown", True)])
def test_what_ran_until_a_job_was_resized_has_ended(end, is_open):
    assert job(State="RESIZING", End=end)["is_open"] == is_open
