import io

from auditor.normalize.keyvalue_reader import read_key_values
from tests.normalize.exports import context, joined

JOB = 'v=0.1.0,JobID=7,User=alice,Start=5,ElapsedRaw=60,"AllocTRES=cpu=4,mem=8G",JobName=a=b\n'
STEP = "v=0.1.0,JobID=7.batch,JobName=batch,SystemCPU=00:01.500\n"


def read(text, *, head_bytes=16, chunk_bytes=1 << 20):
    stream = io.BytesIO(text.encode())
    head = stream.read(head_bytes)
    return joined(list(read_key_values(head, stream, context(), chunk_bytes)))


def test_keys_are_columns_and_absent_ones_empty():
    frame, rejects = read(JOB + STEP)
    assert not rejects
    assert frame["JobID"].tolist() == ["7", "7.batch"]
    assert frame["AllocTRES"].tolist() == ["cpu=4,mem=8G", ""]
    assert frame["JobName"].tolist() == ["a=b", "batch"]
    assert frame["User"].tolist() == ["alice", ""]
    assert frame["line"].tolist() == [1, 2]


def test_an_absent_elapsed_is_zero():
    assert read(STEP)[0]["ElapsedRaw"].tolist() == ["0"]


def test_lines_that_are_none_are_rejects():
    frame, rejects = read(JOB + "\nJobID=8,oops\nUser=bob\nJobID=9,JobID=10\n" + STEP)
    assert frame["line"].tolist() == [1, 6]
    assert [(r.line, r.reason) for r in rejects] == [
        (3, "a cell is no Key=value"),
        (4, "it names no JobID"),
        (5, "JobID is stated twice"),
    ]


def test_a_quoted_line_break_stays_in_its_cell():
    frame, rejects = read('JobID=7,"JobName=a\nb"\n' + STEP, head_bytes=17, chunk_bytes=4)
    assert not rejects
    assert frame["JobName"].tolist() == ["a\nb", "batch"]
    assert frame["line"].tolist() == [1, 3]


def test_the_last_line_is_not_trusted_without_its_line_break():
    frame, (reject,) = read(JOB + STEP[:-1])
    assert frame["JobID"].tolist() == ["7"]
    assert (reject.line, reject.text) == (2, STEP[:-1])


def test_a_run_stays_with_its_steps_in_small_pieces():
    stream = io.BytesIO((JOB + STEP + JOB + STEP).encode())
    pieces = list(read_key_values(b"", stream, context(), 40))
    sizes = [len(piece.frame) for piece in pieces if len(piece.frame)]
    assert sizes == [2, 2]


def test_a_quote_that_is_never_closed_spoils_no_line_before_it():
    frame, rejects = read(JOB + STEP + 'JobID=8,"JobName=x\nJobID=9,JobName=y\n')
    assert frame["JobID"].tolist()[:2] == ["7", "7.batch"]
    assert len(frame) + len(rejects) == 3
