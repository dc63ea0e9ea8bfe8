import io
import json
import lzma
from pathlib import Path

import pytest

from auditor.domain.frames import JOBS, check
from auditor.errors import ExportRefusedError
from auditor.normalize.export import read_export
from tests.normalize.exports import SAFE, context, table
from tests.normalize.json_export import old_job

HEADER = "JobIDRaw|JobID|User|State|Submit|Start|End|ElapsedRaw|AllocTRES|JobName|DBIndex"


def row(job_id: int, suffix: str = "") -> str:
    times = "2026-11-23T10:00:00|2026-11-23T10:00:00|2026-11-23T11:00:00|3600"
    user = "" if suffix else "alice"
    tres = "cpu=4,gres/gpu=1,node=1"
    return f"{job_id}{suffix}|{job_id}{suffix}|{user}|COMPLETED|{times}|{tres}|train|{job_id}"


def load(text: bytes, **how):
    batches = list(read_export(io.BytesIO(text), context(), **how))
    for batch in batches:
        check(batch.jobs, JOBS)
        assert batch.n_jobs == len(batch.jobs)
        assert batch.n_rows == batch.n_jobs + batch.n_steps + len(batch.rejects)
    return batches


def codes(batches):
    return {note.code for batch in batches for note in batch.notes}


def test_rows_are_jobs_steps_and_rejects():
    (batch,) = [
        b for b in load(table(HEADER, row(1), row(1, ".batch"), "2|x", row(3))) if b.n_rows > 1
    ]
    assert batch.n_jobs + batch.n_steps >= 2
    assert [(r.line, r.reason) for r in batch.rejects] == [(4, "2 cells instead of 11")]


def test_the_size_of_the_pieces_changes_no_job():
    text = table(HEADER, *[row(i, suffix) for i in range(1, 40) for suffix in ("", ".batch")])
    whole, pieces = load(text), load(text, chunk_bytes=1000)
    assert sum(b.n_jobs for b in whole) == sum(b.n_jobs for b in pieces) == 39
    assert sum(b.n_steps for b in pieces) == 39
    assert {i for b in pieces for i in b.jobs["raw_job_id"]} == set(map(str, range(1, 40)))


def test_a_header_alone_is_no_rows_and_a_note():
    (batch,) = load(table(HEADER))
    assert (batch.n_rows, codes([batch])) == (0, {"no_rows"})


@pytest.mark.parametrize(
    ("text", "is_forgeable"),
    [
        (table(HEADER, row(1)), True),
        (table(HEADER, row(1), delimiter=SAFE), False),
        (json.dumps({"jobs": [old_job()]}).encode(), False),
    ],
    ids=["bar", "random delimiter", "JSON"],
)
def test_text_that_users_could_have_written_is_flagged(text, is_forgeable):
    batches = load(text)
    assert ("forgeable" in codes(batches)) is is_forgeable
    flags = [bool(flag & 512) for batch in batches for flag in batch.jobs["quality_flags"]]
    assert flags == [is_forgeable]


def test_the_forgeable_note_names_the_safe_command():
    hints = [n.hint for b in load(table(HEADER, row(1))) for n in b.notes if n.code == "forgeable"]
    assert "sacct -aD --json" in hints[0]


def test_progress_is_told_every_byte():
    text = table(HEADER, *[row(i) for i in range(30)])
    told: list[int] = []
    load(text, chunk_bytes=500, progress=told.append)
    assert sum(told) == len(text)


def test_key_values_become_jobs():
    line = (
        "JobID=7,JobIDRaw=7,User=alice,State=COMPLETED,Submit=2026-11-23T10:00:00,"
        'Start=2026-11-23T10:00:00,End=2026-11-23T11:00:00,ElapsedRaw=3600,"AllocTRES=cpu=4,mem=8G"\n'
    )
    (batch,) = load(line.encode())
    assert batch.jobs["n_cpus"].tolist() == [4.0]


def test_a_json_export_becomes_jobs():
    (batch,) = load(json.dumps({"jobs": [old_job()], "errors": []}).encode())
    assert (batch.n_jobs, batch.n_steps) == (1, 2)
    assert batch.jobs["total_cpu_s"].tolist() == [120.0]
    assert batch.jobs["n_gpu"].tolist() == [2.0]


SHARED = Path(__file__).parents[3] / "shared" / "data"
REAL = [
    path
    for folder in ("sacct", "slurm-real")
    for path in sorted(SHARED.glob(f"{folder}/**/*"))
    if path.is_file()
]


@pytest.mark.shared
@pytest.mark.skipif(not REAL, reason="no real exports beside the checkout")
def test_every_real_file_loads_or_is_refused_with_a_reason():
    n_loaded, hints = 0, []
    for path in REAL:
        opener = lzma.open if path.suffix == ".xz" else open
        with opener(path, "rb") as stream:
            try:
                batches = list(read_export(stream, context(source=path.name)))
            except ExportRefusedError as refusal:
                hints.append(refusal.hint)
                continue
        n_loaded += 1
        for batch in batches:
            assert batch.n_rows == batch.n_jobs + batch.n_steps + len(batch.rejects), path
    assert all(hints)
    assert n_loaded >= 30
