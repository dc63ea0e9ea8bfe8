"""Tables as sites make them, read as their configuration says."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from auditor.domain.frames import JOBS, check
from auditor.domain.job import QualityFlag
from auditor.errors import ExportRefusedError, UsageError
from auditor.normalize.interface import Batch, ExportContext
from auditor.normalize.table.column_map import TableColumn, TableMap
from auditor.normalize.table.reader import is_table, read_table

ROLES = (
    "job_id", "user", "state", "submit", "start", "end", "elapsed", "time_limit", "n_cpus",
    "n_gpu", "gpu_share", "gpu_model", "memory", "cpu_time", "gpu_utilisation", "nodes",
)  # fmt: skip
HEADER = ",".join(ROLES)
GIB = 2.0**30


def table_map(**changes: object) -> TableMap:
    columns = {role: TableColumn(role) for role in ROLES}
    return TableMap(**{"columns": columns, "cluster": "pai", **changes})  # type: ignore[arg-type]


def context(table: TableMap | None = None, **changes: object) -> ExportContext:
    stated = {"cluster": None, "default_cluster": None, "timezone_of": {}, "table": table_map()}
    known = {"source": "t.csv", "default_timezone": "UTC", **stated, **changes}
    return ExportContext(**{**known, **({"table": table} if table else {})})  # type: ignore[arg-type]


def read(
    text: str | bytes, ctx: ExportContext | None = None, *, chunk: int = 1 << 20, n_head: int = 8
) -> list[Batch]:
    content = text.encode() if isinstance(text, str) else text
    end = max(content.find(b"\n") + 1, n_head)
    return list(read_table(content[:end], io.BytesIO(content[end:]), ctx or context(), chunk))


def line(**cells: str) -> str:
    return ",".join(cells.get(role, "") for role in ROLES) + "\n"


def job(**cells: str) -> str:
    """Return a line of a run of an hour, with what else is told."""
    told = {
        "job_id": "7",
        "submit": "2026-11-16T09:00:00Z",
        "start": "2026-11-16T10:00:00Z",
        "end": "2026-11-16T11:00:00Z",
        "state": "COMPLETED",
    }
    return line(**{**told, **cells})


def one(*, ctx: ExportContext | None = None, **cells: str) -> pd.Series:
    (batch,) = read(HEADER + "\n" + job(**cells), ctx)
    assert batch.rejects == []
    check(batch.jobs, JOBS)
    return batch.jobs.iloc[0]


def reason(**cells: str) -> str:
    (batch,) = read(HEADER + "\n" + job() + job(**{"job_id": "8", **cells}))
    assert (batch.n_rows, batch.n_jobs, batch.n_steps) == (2, 1, 0)
    (reject,) = batch.rejects
    assert (reject.source, reject.line) == ("t.csv", 3)
    return reject.reason


def test_a_run_has_what_its_row_says():
    run = one(
        user="alice", n_cpus="8", n_gpu="2", gpu_model="V100M32", memory="16gb", nodes="n[1-2]",
        cpu_time="04:00:00", gpu_utilisation="0.5", time_limit="unlimited",
    )  # fmt: skip
    assert (run["cluster"], run["raw_job_id"], run["job_id"]) == ("pai", "7", "7")
    assert (run["scheduler"], run["user"], run["state"]) == ("other", "alice", "COMPLETED")
    assert run["start_utc"] == pd.Timestamp("2026-11-16T10:00:00Z")
    assert (run["elapsed_s"], run["n_restarts"], run["is_open"]) == (3600, 3600, False)
    assert (run["n_cpus"], run["n_gpu"], run["gpu_types"]) == (8.0, 2.0, "V100M32=2")
    assert (run["memory_bytes"], run["n_nodes"], run["node_list"]) == (16 * GIB, 2.0, "n[1-2]")
    assert (run["total_cpu_s"], run["gpu_utilisation_ratio"]) == (14400.0, 0.5)
    assert np.isinf(run["time_limit_s"])
    assert (run["source"], run["line"], run["quality_flags"]) == ("t.csv", 2, 0)


@pytest.mark.parametrize(
    "name", ["(platform)", " (unknown) ", "\uff08Platform\uff09", "(plat\u200bform)"]
)
def test_no_row_is_the_platforms(name):
    ctx = context(table_map(columns={**table_map().columns, "account": TableColumn("nodes")}))
    run = one(ctx=ctx, user=name, nodes=name)
    assert pd.isna(run["user"])
    assert pd.isna(run["account"])


def test_what_is_not_told_is_missing_and_never_zero():
    run = one()
    for name in ("n_cpus", "n_gpu", "n_nodes", "memory_bytes", "total_cpu_s", "time_limit_s"):
        assert np.isnan(run[name])
    assert run["user"] is None or pd.isna(run["user"])
    assert run["gpu_types"] == ""
    flags = QualityFlag(int(run["quality_flags"]))
    assert flags == QualityFlag.RESOURCES_UNKNOWN | QualityFlag.MEMORY_UNUSABLE


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param({"elapsed": "-5"}, "elapsed is negative", id="negative duration"),
        pytest.param(
            {"end": "2026-11-16T09:30:00Z"}, "it ends before it starts", id="end before start"
        ),
        pytest.param({"n_cpus": "eight"}, "n_cpus is no number", id="word for a number"),
        pytest.param({"n_cpus": "1e999"}, "n_cpus is no number", id="beyond all numbers"),
        pytest.param({"n_gpu": "-1"}, "n_gpu is negative", id="negative count"),
        pytest.param({"memory": "16 apples"}, "memory is no number", id="size"),
        pytest.param({"elapsed": "90:00"}, "elapsed is no number", id="two parts of a clock"),
        pytest.param({"start": "16/11/2026 10:00"}, "start is no time", id="time"),
        pytest.param({"end": "2199-01-01T00:00:00Z"}, "end is out of range", id="far future"),
        pytest.param({"submit": "1970-01-02T00:00:00Z"}, "submit is out of range", id="past"),
        pytest.param({"job_id": " "}, "it has no job id", id="no id"),
        pytest.param({"gpu_share": "1.5", "n_gpu": "1"}, "gpu_share is above 1", id="share"),
        pytest.param({"gpu_utilisation": "83"}, "percent needs unit", id="percent"),
        pytest.param({"end": "", "state": "RUNNING"}, "no Elapsed, and no End", id="endless"),
    ],
)
def test_a_row_that_cannot_be_read_is_a_reject(cells, expected):
    assert expected in reason(**cells)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param('"a,b"' + line()[0:], None, id="quoted comma"),
        pytest.param("1,2\n", "2 cells instead of 16", id="too few"),
        pytest.param(job().replace("\n", ",x\n"), "17 cells instead of 16", id="too many"),
        pytest.param(job()[:-1], "the last line is cut", id="no line break at the end"),
    ],
)
def test_lines_that_hold_another_number_of_cells(rows, expected):
    if expected is None:
        rows, expected = job(user='"a,b"'), ""
    batches = read(HEADER + "\n" + rows)
    rejects = [reject for batch in batches for reject in batch.rejects]
    assert [expected in reject.reason for reject in rejects] == [True] * len(rejects)
    assert len(rejects) == (1 if expected else 0)


def test_quotes_hold_delimiters_quotes_and_line_breaks():
    text = HEADER + "\r\n" + job(user='"a ""b"", c"').replace("\n", "\r\n")
    text += job(job_id='"8\n9"').replace("COMPLETED", '"COMPLETED"') + job(job_id="10")
    (batch,) = read(text)
    assert batch.jobs["user"].iloc[0] == 'a "b", c'
    assert batch.jobs["raw_job_id"].tolist() == ["7", "8\n9", "10"]
    assert batch.jobs["line"].tolist() == [2, 3, 5]


def test_pieces_of_any_size_read_the_same():
    text = HEADER + "\n" + "".join(job(job_id=str(i), user='"x\ny"') for i in range(40)) + "1,2\n"
    whole = read(text)
    for chunk in (7, 50, 333):
        pieces = read(text, chunk=chunk)
        jobs = pd.concat([piece.jobs for piece in pieces], ignore_index=True)
        assert jobs["raw_job_id"].tolist() == whole[0].jobs["raw_job_id"].tolist()
        assert jobs["line"].tolist() == whole[0].jobs["line"].tolist()
        assert [r for piece in pieces for r in piece.rejects] == whole[0].rejects


@pytest.mark.parametrize(
    ("times", "epoch", "cell", "expected"),
    [
        ("s", 0, "1795450918", "2026-11-23T16:21:58Z"),
        ("ms", 0, "1795450918500", "2026-11-23T16:21:58.5Z"),
        ("s", 2023, "0", "2023-01-01T00:00:00Z"),
        ("s", 2023, "86400", "2023-01-02T00:00:00Z"),
    ],
)
def test_times_count_from_the_epoch(times, epoch, cell, expected):
    epoch_utc = datetime(epoch or 1970, 1, 1, tzinfo=UTC)
    ctx = context(table_map(times=times, epoch_utc=epoch_utc))
    run = one(ctx=ctx, submit=cell, start=cell, end="", elapsed="10")
    assert run["start_utc"] == pd.Timestamp(expected)


@pytest.mark.parametrize("nothing", ["0", "-1", "", "undefined", "NaN"])
def test_an_ended_job_that_never_started_counts_nothing(nothing):
    ctx = context(table_map(times="s"))
    cells = {"submit": "1795450000", "start": nothing, "end": nothing, "state": "CANCELLED"}
    run = one(ctx=ctx, n_cpus="8", n_gpu="1", **cells)
    assert pd.isna(run["start_utc"])
    assert not run["is_open"]
    assert run["end_utc"] == pd.Timestamp(1795450000, unit="s", tz="UTC")
    assert (run["elapsed_s"], run["n_cpus"], run["n_gpu"], run["gpu_types"]) == (0, 0.0, 0.0, "")


def test_a_time_before_the_epoch_is_no_time_of_the_table():
    ctx = context(table_map(times="s", epoch_utc=datetime(2023, 1, 1, tzinfo=UTC)))
    (batch,) = read(HEADER + "\n" + job(submit="-7", start="5", end="9"), ctx)
    assert "before 1990 or the epoch" in batch.rejects[0].reason


def test_wall_clock_times_are_those_of_the_cluster():
    ctx = context(timezone_of={"pai": "Europe/Berlin"}, default_timezone="Asia/Tokyo")
    run = one(ctx=ctx, start="2026-11-16T10:00:00", end="2026-11-16T11:00:00+00:00")
    assert run["start_utc"] == pd.Timestamp("2026-11-16T09:00:00Z")
    assert run["elapsed_s"] == 7200


def test_units_bring_numbers_to_one_measure():
    factors = {"n_cpus": 1e-3, "memory": 2.0**20, "gpu_share": 1e-3, "elapsed": 60.0}
    columns = {role: TableColumn(role, factors.get(role, 1.0)) for role in ROLES}
    ctx = context(table_map(columns=columns))
    run = one(ctx=ctx, n_cpus="12000", memory="1024", gpu_share="460", n_gpu="1", elapsed="60")
    assert run["n_cpus"] == pytest.approx(12.0)
    assert run["memory_bytes"] == GIB
    assert run["n_gpu"] == pytest.approx(0.46)
    assert run["gpu_types"] == "=0.46"
    assert run["quality_flags"] & int(QualityFlag.GPU_TYPE_UNKNOWN)


def test_an_empty_share_is_a_whole_accelerator():
    assert one(n_gpu="2", gpu_share="", gpu_model="T4")["gpu_types"] == "T4=2"


def test_a_model_cannot_forge_another():
    assert one(n_gpu="1", gpu_model="T4=7|H100")["gpu_types"] == "T4 7|H100=1"


@pytest.mark.parametrize(
    ("word", "state", "is_known"),
    [
        ("Succeeded", "COMPLETED", True),
        ("CANCELLED by 5", "CANCELLED", True),
        ("timeout", "TIMEOUT", True),
        ("Evaporated", "EVAPORATED", False),
    ],
)
def test_states_are_translated_or_slurms(word, state, is_known):
    run = one(ctx=context(table_map(states={"Succeeded": "COMPLETED"})), state=word)
    assert run["state"] == state
    assert bool(run["quality_flags"] & int(QualityFlag.STATE_UNKNOWN)) is not is_known


def test_elapsed_is_believed_and_the_rest_is_suspension():
    run = one(elapsed="600")
    assert (run["elapsed_s"], run["suspended_s"]) == (600, 3000)
    assert run["end_utc"] == pd.Timestamp("2026-11-16T11:00:00Z")


def test_runs_of_one_job_differ_by_their_start():
    second = {"start": "2026-11-16T12:00:00Z", "end": "2026-11-16T13:00:00Z"}
    (batch,) = read(HEADER + "\n" + job() + job(**second))
    keys = batch.jobs[["cluster", "raw_job_id", "submit_utc", "n_restarts"]]
    assert not keys.duplicated().any()
    assert batch.notes == ()


def test_rows_that_share_a_key_and_differ_are_told():
    (batch,) = read(HEADER + "\n" + job(n_gpu="1") + job(n_gpu="1") + job(n_gpu="8"))
    (note,) = batch.notes
    assert note.code == "rows_of_one_key"
    assert note.text.endswith("do not count: 1.")


def test_a_table_without_a_column_of_the_map_is_refused_with_those_it_has():
    text = HEADER.replace("n_gpu", "gpus") + "\n" + job()
    with pytest.raises(ExportRefusedError, match="no column 'n_gpu'") as caught:
        read(text)
    assert "'gpus'" in str(caught.value.hint)
    with pytest.raises(ExportRefusedError, match="several columns 'user'"):
        read(HEADER.replace("state", "user").replace("nodes", "state,nodes") + "\n")
    with pytest.raises(ExportRefusedError, match="no header of a table"):
        read(b"\x1f\x8b\x08\x00\x99,\x01\n")
    with pytest.raises(ExportRefusedError, match="it is empty"):
        read(b"")


def test_a_header_alone_is_a_note_and_one_that_comes_again_is_no_row():
    (batch,) = read(HEADER + "\n")
    assert (batch.n_rows, [note.code for note in batch.notes]) == (0, ["no_rows"])
    (batch,) = read(HEADER + "\n" + job() + HEADER + "\n" + job(job_id="8"))
    assert (batch.n_rows, batch.jobs["line"].tolist()) == (2, [2, 4])


def test_bytes_that_are_no_text_become_a_sign_for_it():
    (batch,) = read((HEADER + "\n" + job(user="@@")).encode().replace(b"@@", b"\xff\x00"))
    assert batch.jobs["user"].iloc[0] == "��"


def test_a_byte_order_mark_is_no_part_of_a_name():
    (batch,) = read(b"\xef\xbb\xbf" + (HEADER + "\n" + job()).encode())
    assert batch.n_jobs == 1


@pytest.mark.parametrize(
    ("changes", "header", "expected"),
    [
        pytest.param({}, HEADER, True, id="all columns"),
        pytest.param({}, "JobID,User,State", False, id="another table"),
        pytest.param({"cluster": "pai"}, "JobID,User,State", True, id="named"),
    ],
)
def test_a_table_is_told_by_its_cluster_or_its_header(changes, header, expected):
    head = header.encode() + b"\n"
    assert is_table(head, context(**changes)) is expected
    assert not is_table(head, replace(context(**changes), table=None))


def test_somebody_must_say_whose_it_is():
    with pytest.raises(UsageError, match="whose table"):
        read(HEADER + "\n" + job(), context(table_map(cluster=None)))
    stated = one(ctx=context(cluster="other"))
    assert stated["cluster"] == "other"
