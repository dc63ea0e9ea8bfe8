"""What ends after the moment of loading, in every kind of export that tells an end."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auditor.normalize.export import read_export
from auditor.normalize.future import AHEAD, REASON, SLACK
from auditor.normalize.interface import ExportContext
from auditor.normalize.table.column_map import TableColumn, TableMap

END = datetime(2026, 11, 16, 11, tzinfo=UTC)
CONTEXT = ExportContext("export", "alpha", None, {}, "UTC")
ROLES = ("job_id", "user", "start", "end", "n_cpus", "state")
TABLE = TableMap({role: TableColumn(role) for role in ROLES})
SLURM = "JobIDRaw|JobID|User|Account|State|Submit|Start|End|ElapsedRaw|AllocTRES|NNodes|NodeList\n"
CSV = (
    "Date,Namespace,Pod,Container,CPUCoreUsageAverage,CPUCoreRequestAverage,"
    "RAMBytesUsageAverage,RAMBytesRequestAverage,GPUs\n"
)


def table(end: datetime) -> bytes:
    return f"{','.join(ROLES)}\n7,alice,2026-11-16T10:00:00Z,{end:%FT%TZ},1,COMPLETED\n".encode()


def slurm(end: datetime) -> bytes:
    start = end - timedelta(hours=1)
    times = f"{start:%FT%T}|{start:%FT%T}|{end:%FT%T}|3600"
    return f"{SLURM}7|7|alice|ml|COMPLETED|{times}|cpu=1,mem=1G,node=1|1|n1\n".encode()


def allocation(end: datetime) -> bytes:
    midnight = end.replace(hour=0)
    entry = {
        "name": "ml/train-0/main",
        "properties": {"namespace": "ml", "pod": "train-0", "container": "main"},
        "window": {
            "start": midnight.isoformat(),
            "end": (midnight + timedelta(days=1)).isoformat(),
        },
        "start": midnight.isoformat(),
        "end": end.isoformat(),
        "minutes": (end - midnight) / timedelta(minutes=1),
        "cpuCoreHours": 1,
        "ramByteHours": 1e9,
    }
    return json.dumps({"code": 200, "data": [{entry["name"]: entry}]}).encode()


def day(end: datetime) -> bytes:
    return f"{CSV}{end - timedelta(days=1):%F},ml,train-0,main,0.5,1,1e9,1e9,0\n".encode()


@pytest.mark.parametrize(
    ("export", "end"),
    [
        pytest.param(table, END, id="table"),
        pytest.param(table, END.replace(year=2036), id="table of ten years"),
        pytest.param(allocation, END, id="a window of OpenCost that grows"),
        pytest.param(day, END.replace(hour=0), id="a day of OpenCost"),
    ],
)
@pytest.mark.parametrize(
    ("ahead", "is_taken"),
    [(timedelta(0), True), (SLACK, True), (SLACK + timedelta(minutes=1), False)],
)
def test_what_nobody_can_have_seen_is_a_reject(export, end, ahead, is_taken):
    table_map = TABLE if export is table else None
    context = replace(CONTEXT, now_utc=end - ahead, table=table_map)
    (batch,) = read_export(io.BytesIO(export(end)), context)
    assert (batch.n_rows, batch.n_jobs, len(batch.jobs)) == (1, int(is_taken), int(is_taken))
    assert [reject.reason for reject in batch.rejects] == ([] if is_taken else [REASON])
    assert all(reject.source == "export" and reject.text for reject in batch.rejects)


@pytest.mark.parametrize(("ahead", "is_told"), [(SLACK, False), (2 * SLACK, True)])
def test_what_slurm_wrote_by_a_clock_of_its_own_is_kept_and_told(ahead, is_told):
    (batch,) = read_export(io.BytesIO(slurm(END)), replace(CONTEXT, now_utc=END - ahead))
    assert (batch.n_jobs, batch.rejects) == (1, [])
    assert (AHEAD in batch.notes) is is_told


def test_where_nobody_knows_the_moment_everything_is_taken():
    (batch,) = read_export(io.BytesIO(slurm(END.replace(year=2099))), CONTEXT)
    assert batch.n_jobs == 1


def test_what_waits_has_no_end_that_could_be_too_late():
    row = "7|7|alice|ml|PENDING|2026-11-16T10:00:00|Unknown|Unknown|0||1|None assigned\n"
    context = replace(CONTEXT, now_utc=END)
    (batch,) = read_export(io.BytesIO((SLURM + row).encode()), context)
    assert (batch.n_jobs, batch.rejects) == (1, [])
