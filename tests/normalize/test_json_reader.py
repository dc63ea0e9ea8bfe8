import io
import json

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from auditor.errors import ExportRefusedError
from auditor.normalize.json_reader import read_json
from tests.normalize.exports import context, joined
from tests.normalize.json_export import new_job, old_job


def read(text, *, head_bytes=64, chunk_bytes=1 << 20):
    stream = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    head = stream.read(head_bytes)
    return joined(list(read_json(head, stream, context(), chunk_bytes)))


def document(*jobs, **members):
    return json.dumps({"meta": {"plugin": {}}, "errors": [], "jobs": list(jobs), **members})


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("job", [old_job(), new_job()], ids=["old", "new"])
def test_jobs_and_steps_are_rows_with_the_number_of_their_record(indent, job):
    text = json.dumps({"jobs": [job, {**job, "job_id": 8}], "errors": []}, indent=indent)
    frame, rejects = read(text)
    n_steps = len(job["steps"])
    assert not rejects
    assert frame["line"].tolist() == [1] * (1 + n_steps) + [2] * (1 + n_steps)
    assert frame["JobID"].tolist()[0] == "7"
    assert str(frame["JobID"].dtype) == "string[pyarrow]"


def test_two_documents_and_a_byte_order_mark():
    text = "\ufeff" + document(old_job(steps=[])) + "\n" + document(old_job(job_id=8, steps=[]))
    assert read(text)[0]["JobID"].tolist() == ["7", "8"]


def test_a_bare_list_of_jobs():
    assert read(json.dumps([old_job(steps=[])]))[0]["JobID"].tolist() == ["7"]


def test_of_a_key_that_stands_twice_the_last_holds():
    text = document(old_job(steps=[])).replace('"user": "alice"', '"user": "", "user": "alice"')
    assert read(text)[0]["User"].tolist() == ["alice"]


def test_pieces_hold_whole_jobs():
    text = document(*[old_job(job_id=i) for i in range(1, 9)])
    stream = io.BytesIO(text.encode())
    pieces = list(read_json(b"", stream, context(), 8192))
    assert len(pieces) > 1
    assert all(len(piece.frame) % 3 == 0 for piece in pieces)
    assert sum(piece.n_bytes for piece in pieces) == len(text)


def test_no_jobs_is_no_error():
    assert len(read(document())[0]) == 0


def test_a_record_that_is_no_job_is_a_reject():
    frame, (reject,) = read(document(old_job(steps=[]), {"job_id": 9}))
    assert frame["JobID"].tolist() == ["7"]
    assert (reject.line, reject.text) == (2, '{"job_id": 9}')


WINDOW_ERROR = {"error_number": 7007, "error": "Too wide of a date range in query"}
REFUSED = {
    "errors, no jobs": (document(errors=[WINDOW_ERROR]), "Too wide"),
    "errors and some jobs": (document(old_job(), errors=[WINDOW_ERROR]), "Too wide"),
    "errors after the jobs": (
        json.dumps({"jobs": [old_job()], "errors": [{"description": "lost it"}]}),
        "lost it",
    ),
    "errors as text": (json.dumps({"errors": ["lost it"]}), "lost it"),
    "no jobs list": (json.dumps({"TRES": []}), "no jobs"),
    "nodes": (json.dumps({"nodes": [{"name": "n1"}]}), "listing of nodes"),
    "the queue": (json.dumps({"jobs": [{"job_id": 7, "job_state": "PENDING"}]}), "queue"),
    "strangers": (json.dumps([{"tres": "cpu=1"}]), "none of its records"),
    "cut before the jobs": ('{"meta": {"plugin', "cut"),
    "broken": ('{"jobs": [}, {"job_id": 7}]}', "broken"),
    "no JSON": ("{jobs: [], errors: []}", "broken"),
    "members without comma": ('{"jobs": [] "errors": ["some error"]}', "broken"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text, reason):
    with pytest.raises(ExportRefusedError, match=reason) as refusal:
        read(text)
    assert refusal.value.hint


WHOLE = document(old_job(), old_job(job_id=8), old_job(job_id=9, name="naïve"))
STARTS = [WHOLE.encode().find(f'{{"job_id": {i}, "account"'.encode()) for i in (7, 8, 9)]


@settings(deadline=None, max_examples=60)
@given(length=st.integers(STARTS[0], len(WHOLE.encode()) - 1))
def test_of_a_cut_document_the_whole_records_load(length):
    frame, (reject,) = read(WHOLE.encode()[:length])
    job_ids = [i for i in frame["JobIDRaw"] if "." not in i]
    assert job_ids == ["7", "8", "9"][: len(job_ids)]
    assert reject.line == len(job_ids) + 1
    n_begun = sum(start < length for start in STARTS)
    assert len(job_ids) in (n_begun - 1, n_begun)
    assert len(frame) == 3 * len(job_ids)


@settings(deadline=None, max_examples=30)
@given(head_bytes=st.integers(0, len(WHOLE)))
def test_where_the_head_ends_does_not_matter(head_bytes):
    assert read(WHOLE, head_bytes=head_bytes)[0]["JobName"].tolist()[-3] == "naïve"
