import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.normalize.exports import SAFE, read

SAFE_HEADER = SAFE.join(["JobID", "Start", "End", "JobName", "DBIndex"])


def safe_row(job_id: int, name: str = "x") -> str:
    return SAFE.join([str(job_id), "5", "6", name, str(job_id + 100)])


TORN = {
    "too few cells": ([SAFE.join(["2", "5"])], [2], "2 cells instead of 5"),
    "stray line": (["nothing here"], [2], "1 cells instead of 5"),
    "too many cells": ([SAFE.join(["2", "5", "6", "x", "y", "102"])], [2], "6 cells instead of 5"),
    "no DBIndex": ([SAFE.join(["2", "5", "6", "x", "y"]), SAFE.join(["9", "5"])], [2, 3], "torn"),
}


@pytest.mark.parametrize(("torn", "places", "reason"), TORN.values(), ids=TORN)
def test_after_a_torn_record_the_next_one_is_found(torn, places, reason):
    lines = [SAFE_HEADER, *torn, safe_row(3, "a\nb"), safe_row(4)]
    frame, rejects = read("".join(line + "\n" for line in lines).encode())
    assert frame["JobID"].tolist() == ["3", "4"]
    assert frame["JobName"].tolist() == ["a\nb", "x"]
    assert frame["line"].tolist() == [2 + len(torn), 4 + len(torn)]
    assert [reject.line for reject in rejects] == places
    assert reason in rejects[0].reason


def test_a_record_that_the_end_cuts_is_one_reject():
    text = f"{SAFE_HEADER}\n{safe_row(1)}\n{safe_row(2, 'a' + chr(10) + 'b')}"
    frame, (reject,) = read(text.encode())
    assert frame["JobID"].tolist() == ["1"]
    assert reject.line == 3
    assert "cut" in reject.reason


def test_a_forged_row_stays_in_its_name_where_the_delimiter_is_safe():
    forged = "x\n424242|bob|ml|COMPLETED|2026-11-23T00:00:00|2026-11-23T23:00:00|82800"
    frame, rejects = read(f"{SAFE_HEADER}\n{safe_row(69, forged)}\n".encode())
    assert not rejects
    assert frame["JobName"].tolist() == [forged]


@settings(deadline=None)
@given(
    names=st.lists(st.text(alphabet="ab1|\n\r\x1f\x1e,é", max_size=8), min_size=1, max_size=8),
    chunk_bytes=st.integers(1, 400),
)
def test_a_safe_delimiter_brings_every_cell_back(names, chunk_bytes):
    rows = [
        SAFE.join([str(i), "FAILED", "5", "6", name, name[::-1], str(900 + i)])
        for i, name in enumerate(names)
    ]
    header = SAFE.join(["JobID", "State", "Start", "End", "JobName", "Account", "DBIndex"])
    text = "".join(line + "\n" for line in [header, *rows]).encode()
    frame, rejects = read(text, head_bytes=chunk_bytes, chunk_bytes=chunk_bytes)
    assert not rejects
    assert frame["JobName"].tolist() == names
    assert frame["Account"].tolist() == [name[::-1] for name in names]
    assert frame["DBIndex"].tolist() == [str(900 + i) for i in range(len(names))]
