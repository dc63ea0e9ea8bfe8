import io

import pytest

from auditor.normalize.json_records import BrokenJsonError, CutJsonError, JsonFacts, job_records


def records(text, head_bytes=0):
    facts = JsonFacts()
    stream = io.BytesIO(text.encode())
    found = list(job_records(stream.read(head_bytes), stream, facts))
    return found, facts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"jobs": [1, {"a": [2]}, "x"]}', [1, {"a": [2]}, "x"]),
        ('{"jobs": []} {"jobs": [1]}[2]', [1, 2]),
        ('{"jobs": [1], "jobs": [2]}', [1, 2]),
        ('{"meta": {"jobs": [3]}, "jobs": [1]}', [1]),
        ('{"jobs": 5, "nodes": []}', []),
        ("", []),
    ],
)
def test_records_of_all_documents(text, expected):
    assert records(text)[0] == expected


def test_facts_beside_the_jobs():
    _, facts = records('{"errors": ["a"], "jobs": [1], "nodes": [], "errors": {"b": 1}}')
    assert facts.errors == ["a", {"b": 1}]
    assert facts.keys == {"errors", "jobs", "nodes"}
    assert facts.n_job_lists == 1
    assert facts.n_bytes == 63


@pytest.mark.parametrize("length", range(1, 27))
def test_a_text_that_ends_early_is_cut_and_not_broken(length):
    text = '{"jobs": [{"a": -1.5e3}, true, "x\\u0041"]}'
    with pytest.raises(CutJsonError):
        records(text[:length])


@pytest.mark.parametrize(
    "text", ["{jobs: [1, 2, 3]}", '{"jobs": [} ........]}', '{"jobs": [1] "errors": []}', "7 8 9"]
)
def test_what_is_no_json_is_broken(text):
    with pytest.raises(BrokenJsonError):
        records(text)


def test_control_characters_in_names_are_taken():
    assert records('{"jobs": ["a\x1b\tb"]}')[0] == ["a\x1b\tb"]
